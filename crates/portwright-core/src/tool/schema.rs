//! The schemas of a typed tool, from its Rust types: JSON Schema, draft 2020-12.

use schemars::generate::SchemaSettings;
use schemars::{JsonSchema, SchemaGenerator};
use serde_json::{Map, Value, json};

use crate::protocol::JsonObject;

/// What a tool takes: an object that allows no other members than the type's. None if the type is no object.
pub(super) fn input<A: JsonSchema>() -> Option<JsonObject> {
    let settings = SchemaSettings::draft2020_12().for_deserialize();
    let mut schema = of::<A>(settings.into_generator())?;
    if schema.get("type").and_then(Value::as_str) == Some("null") {
        return json!({"type": "object", "properties": {}, "additionalProperties": false}).as_object().cloned();
    }
    object(&mut schema).then(|| {
        close_all(&mut schema);
        schema
    })
}

/// What a tool answers with, if that is an object.
pub(super) fn output<R: JsonSchema>() -> Option<JsonObject> {
    let settings = SchemaSettings::draft2020_12().for_serialize();
    let mut schema = of::<R>(settings.into_generator())?;
    object(&mut schema).then_some(schema)
}

fn of<T: JsonSchema>(generator: SchemaGenerator) -> Option<JsonObject> {
    let schema = generator.into_root_schema_for::<T>().to_value();
    let Value::Object(mut schema) = schema else { return None };
    // The dialect is the protocol's default, and the type's Rust name tells a model nothing.
    schema.shift_remove("$schema");
    schema.shift_remove("title");
    Some(schema)
}

/// Whether the schema is an object's. One that only its variants say to be an object is made to say so itself, as the
/// protocol asks of a tool.
fn object(schema: &mut JsonObject) -> bool {
    if let Some(kind) = schema.get("type") {
        return kind.as_str() == Some("object");
    }
    let variants = ["oneOf", "anyOf"].iter().find_map(|word| schema.get(*word)?.as_array());
    let all = |variants: &Vec<Value>| {
        !variants.is_empty() && variants.iter().all(|one| one.get("type").and_then(Value::as_str) == Some("object"))
    };
    let objects = variants.is_some_and(all);
    if objects {
        schema.shift_insert(0, "type".to_owned(), json!("object"));
    }
    objects
}

/// Keywords whose schemas describe the same value as the schema that they stand in.
const SAME_VALUE: [&str; 7] = ["allOf", "anyOf", "oneOf", "not", "if", "then", "else"];

/// Forbids members that the type does not name, here and in every schema within.
fn close_all(schema: &mut Map<String, Value>) {
    close(schema, true);
}

fn close(schema: &mut Map<String, Value>, here: bool) {
    let named = schema.get("type").and_then(Value::as_str) == Some("object") || schema.contains_key("properties");
    let open = schema.contains_key("additionalProperties") || schema.contains_key("unevaluatedProperties");
    let composed = SAME_VALUE.iter().any(|word| schema.contains_key(*word)) || schema.contains_key("$ref");
    // Where parts of one object stand side by side, each alone must let the others' members pass.
    let closes = here && !open && named && (schema.contains_key("properties") || !composed);
    if closes {
        let keyword = if composed { "unevaluatedProperties" } else { "additionalProperties" };
        schema.insert(keyword.to_owned(), Value::Bool(false));
    }
    for (word, inner) in schema.iter_mut() {
        match (word.as_str(), inner) {
            ("properties" | "$defs" | "patternProperties", Value::Object(members)) => {
                members.values_mut().filter_map(Value::as_object_mut).for_each(|one| close(one, true));
            }
            ("items" | "additionalProperties", Value::Object(one)) => close(one, true),
            ("prefixItems", Value::Array(items)) => {
                items.iter_mut().filter_map(Value::as_object_mut).for_each(|one| close(one, true));
            }
            (word, Value::Array(parts)) if SAME_VALUE.contains(&word) => {
                let alone = here && !closes && word != "allOf";
                parts.iter_mut().filter_map(Value::as_object_mut).for_each(|one| close(one, alone));
            }
            _ => {}
        }
    }
}
