//! Schemas of arguments and answers from their types, without what says nothing: formats of integers, references, nulls
//! of what may be left out.

use schemars::JsonSchema;
use schemars::generate::SchemaSettings;
use serde_json::{Map, Value, json};

use portwright_core::protocol::JsonObject;

/// How deep an answer's schema goes: its members, not theirs. It says what is there; the description says what it means.
const OUTPUT_DEPTH: usize = 1;

/// What a tool takes: an object with these members and no others.
pub(super) fn input<A: JsonSchema>() -> JsonObject {
    let settings = SchemaSettings::draft2020_12().for_deserialize().with(|settings| settings.inline_subschemas = true);
    let mut schema = object(settings.into_generator().into_root_schema_for::<A>().to_value());
    for word in ["$schema", "title", "description"] {
        schema.shift_remove(word);
    }
    close(&mut schema);
    schema.shift_insert(0, "type".to_owned(), json!("object"));
    if !schema.contains_key("properties") {
        schema.insert("properties".to_owned(), json!({}));
        schema.insert("additionalProperties".to_owned(), json!(false));
    }
    schema
}

/// What a tool answers with.
pub(super) fn output<R: JsonSchema>() -> JsonObject {
    let settings = SchemaSettings::draft2020_12().for_serialize().with(|settings| settings.inline_subschemas = true);
    let mut schema = object(settings.into_generator().into_root_schema_for::<R>().to_value());
    shallow(&mut schema, OUTPUT_DEPTH);
    schema.shift_insert(0, "type".to_owned(), json!("object"));
    schema
}

fn object(schema: Value) -> JsonObject {
    match schema {
        Value::Object(schema) => schema,
        _ => JsonObject::new(),
    }
}

/// Forbids members without a name and takes out what says nothing, here and within.
fn close(schema: &mut Map<String, Value>) {
    slim(schema);
    if schema.contains_key("properties") && !schema.contains_key("additionalProperties") {
        schema.insert("additionalProperties".to_owned(), Value::Bool(false));
    }
    for (word, inner) in schema.iter_mut() {
        match (word.as_str(), inner) {
            ("properties", Value::Object(members)) => {
                members.values_mut().filter_map(Value::as_object_mut).for_each(close);
            }
            ("items", Value::Object(one)) => close(one),
            ("anyOf" | "oneOf", Value::Array(all)) => all.iter_mut().filter_map(Value::as_object_mut).for_each(close),
            _ => {}
        }
    }
}

fn slim(schema: &mut Map<String, Value>) {
    // What may be left out is left out, not null.
    if let Some(Value::Array(kinds)) = schema.get("type") {
        let other: Vec<_> = kinds.iter().filter(|kind| *kind != "null").cloned().collect();
        if let [one] = other.as_slice() {
            schema.insert("type".to_owned(), one.clone());
        }
    }
    if let Some(Value::Array(values)) = schema.get_mut("enum") {
        values.retain(|value| !value.is_null());
    }
    if let Some(Value::Array(variants)) = schema.get("anyOf") {
        let other: Vec<_> = variants.iter().filter(|one| one["type"] != "null").cloned().collect();
        if let [Value::Object(one)] = other.as_slice() {
            let one = one.clone();
            schema.shift_remove("anyOf");
            for (word, value) in one {
                schema.entry(word).or_insert(value);
            }
        }
    }
    if schema.get("default").is_some_and(|default| {
        default.is_null() || *default == json!([]) || *default == json!(false) || *default == json!("")
    }) {
        schema.shift_remove("default");
    }
    let kind = schema.get("type").and_then(Value::as_str);
    if matches!(kind, Some("integer" | "number")) {
        let format = schema.shift_remove("format");
        // What an unsigned number of bits can hold is no bound that anybody thought of; it is held all the same.
        let unsigned = format.as_ref().and_then(Value::as_str).and_then(|format| format.strip_prefix("uint"));
        if unsigned.is_some() && schema.get("minimum") == Some(&json!(0)) {
            schema.shift_remove("minimum");
        }
        if unsigned == Some("8") && schema.get("maximum") == Some(&json!(255)) {
            schema.shift_remove("maximum");
        }
    }
    // Values that must be given say their type.
    if schema.contains_key("enum") {
        schema.shift_remove("type");
    }
}

fn shallow(schema: &mut Map<String, Value>, depth: usize) {
    slim(schema);
    schema.retain(|word, _| match word.as_str() {
        "type" | "enum" | "anyOf" | "oneOf" => true,
        "properties" => depth > 0,
        _ => false,
    });
    if let Some(Value::Object(members)) = schema.get_mut("properties") {
        members.values_mut().filter_map(Value::as_object_mut).for_each(|one| shallow(one, depth - 1));
    }
    for word in ["anyOf", "oneOf"] {
        if let Some(Value::Array(all)) = schema.get_mut(word) {
            all.iter_mut().filter_map(Value::as_object_mut).for_each(|one| shallow(one, depth));
        }
    }
}
