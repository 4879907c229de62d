//! The JSON Schemas of the configuration: one for editors, composed of everything; and one for each piece, by which
//! `check` finds what is wrong. Knows no values.

use portwright_core::SourceKind;
use portwright_sources::declared;
use schemars::generate::SchemaSettings;
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde_json::{Map, Value, json};

use super::check::NAMED;
use super::file::File;
use super::kinds::Kinds;
use super::limits;

/// Names of tools and prompts; those of sources have no dot, since `SOURCE.name` is how two equal names are told apart.
pub(crate) const NAME_PATTERN: &str = "^[A-Za-z0-9_.-]{1,64}$";
pub(crate) const SOURCE_NAME_PATTERN: &str = "^[A-Za-z0-9_-]{1,64}$";

/// The published schema: what an editor needs to complete and check `portwright.toml`, with these kinds of source.
pub fn published(kinds: Kinds) -> Value {
    let mut generator = SchemaSettings::draft2020_12().into_generator();
    let mut root = plain(&mut generator, File::json_schema);
    let sources: Vec<_> = kinds.all().map(|kind| source_of_kind(kind, &mut generator)).collect();
    let tools = kinds.all().filter_map(|kind| with_source(kind.tool_schema(&mut generator)?, &generator)).collect();
    let mut resources: Vec<_> =
        kinds.all().filter_map(|kind| with_source(kind.resource_schema(&mut generator)?, &generator)).collect();
    resources.push(plain(&mut generator, declared::resource_schema));
    let prompt = plain(&mut generator, declared::prompt_schema);
    let sections = [
        (
            "sources",
            "What the server offers: databases and the like, by name.",
            one_of("oneOf", sources),
            SOURCE_NAME_PATTERN,
        ),
        ("tools", "Declared tools, by name.", one_of("anyOf", tools), NAME_PATTERN),
        ("resources", "Declared resources, by URI.", one_of("anyOf", resources), "^[A-Za-z][A-Za-z0-9+.-]*:"),
        ("prompts", "Declared prompts, by name.", prompt, NAME_PATTERN),
    ];
    let quota = plain(&mut generator, limits::QuotaSection::json_schema);
    for (name, description, mut each, names) in sections {
        match name {
            "sources" => limits::offer(&mut each, &quota, "How much a principal may use of this source."),
            "tools" => limits::offer(&mut each, &quota, "How much a principal may use this tool."),
            _ => {}
        }
        root["properties"][name] = json!({
            "type": "object", "description": description, "propertyNames": { "pattern": names }, "additionalProperties": each,
        });
    }
    let mut out = json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "portwright.toml",
    });
    for (key, value) in root.as_object_mut().into_iter().flat_map(std::mem::take) {
        if key != "title" {
            out[key] = value;
        }
    }
    out["$defs"] = Value::Object(generator.take_definitions(true));
    tidy(&mut out);
    out
}

/// A piece's schema on its own, with nothing referred to that could stand in place. None allows anything.
pub(crate) fn piece(build: impl FnOnce(&mut SchemaGenerator) -> Option<Schema>) -> Option<Value> {
    let mut generator =
        SchemaSettings::draft2020_12().with(|settings| settings.inline_subschemas = true).into_generator();
    let schema = build(&mut generator)?;
    let mut schema = resolved(schema.to_value(), &generator);
    let definitions = generator.take_definitions(true);
    if let (Some(object), false) = (schema.as_object_mut(), definitions.is_empty()) {
        object.insert("$defs".into(), Value::Object(definitions));
    }
    tidy(&mut schema);
    Some(schema)
}

/// The schema of the sections that belong to no source; it lets the others pass.
pub(crate) fn sections() -> Value {
    let mut schema = piece(|generator| Some(File::json_schema(generator))).unwrap_or_default();
    for section in NAMED {
        schema["properties"][section] = Value::Bool(true);
    }
    schema
}

fn plain(generator: &mut SchemaGenerator, build: impl FnOnce(&mut SchemaGenerator) -> Schema) -> Value {
    let schema = build(generator);
    resolved(schema.to_value(), generator)
}

/// What a bare reference to a definition stands for.
fn resolved(schema: Value, generator: &SchemaGenerator) -> Value {
    let target = schema.get("$ref").and_then(Value::as_str).and_then(|reference| reference.strip_prefix("#/$defs/"));
    target.and_then(|name| generator.definitions().get(name)).cloned().unwrap_or(schema)
}

fn source_of_kind(kind: &dyn SourceKind, generator: &mut SchemaGenerator) -> Value {
    let mut schema = plain(generator, |generator| kind.schema(generator));
    demand(&mut schema, "kind", &json!({ "const": kind.name(), "description": kind.summary() }));
    schema
}

fn with_source(schema: Schema, generator: &SchemaGenerator) -> Option<Value> {
    let mut schema = resolved(schema.to_value(), generator);
    let description = "The source it runs on: NAME of a [sources.NAME].";
    demand(&mut schema, "source", &json!({ "type": "string", "description": description }));
    schema.is_object().then_some(schema)
}

/// Adds a property that must be there, in front of the others.
fn demand(schema: &mut Value, name: &str, property: &Value) {
    if !schema.is_object() {
        *schema = json!({ "type": "object" });
    }
    let Some(object) = schema.as_object_mut() else { return };
    for branch in ["anyOf", "oneOf"] {
        if let Some(Value::Array(branches)) = object.get_mut(branch) {
            for branch in branches {
                demand(branch, name, property);
            }
            return;
        }
    }
    let mut properties = Map::from_iter([(name.to_owned(), property.clone())]);
    if let Some(Value::Object(others)) = object.remove("properties") {
        properties.extend(others);
    }
    object.insert("properties".into(), Value::Object(properties));
    match object.entry("required").or_insert_with(|| json!([])) {
        Value::Array(required) => required.insert(0, name.into()),
        other => *other = json!([name]),
    }
}

/// One of several shapes, each once.
fn one_of(keyword: &str, shapes: Vec<Value>) -> Value {
    let mut distinct: Vec<Value> = Vec::new();
    for shape in shapes {
        if !distinct.contains(&shape) {
            distinct.push(shape);
        }
    }
    if distinct.len() == 1 { distinct.remove(0) } else { json!({ keyword: distinct }) }
}

/// Takes out what TOML has no word for (null), and turns lists of constants into plain enumerations.
fn tidy(schema: &mut Value) {
    match schema {
        Value::Array(items) => items.iter_mut().for_each(tidy),
        Value::Object(object) => {
            object.values_mut().for_each(tidy);
            forget_null(object);
            enumerate(object);
        }
        _ => {}
    }
}

fn forget_null(object: &mut Map<String, Value>) {
    if object.get("default") == Some(&Value::Null) {
        object.remove("default");
    }
    if let Some(Value::Array(types)) = object.get_mut("type") {
        types.retain(|name| name != "null");
        if let [only] = types.as_slice() {
            let only = only.clone();
            object.insert("type".into(), only);
        }
    }
    for keyword in ["anyOf", "oneOf"] {
        let Some(Value::Array(branches)) = object.get_mut(keyword) else { continue };
        let before = branches.len();
        branches.retain(|branch| branch != &json!({ "type": "null" }));
        if branches.len() == before {
            continue;
        }
        if let [Value::Object(only)] = branches.as_slice() {
            let only = only.clone();
            object.remove(keyword);
            for (key, value) in only {
                object.entry(key).or_insert(value);
            }
        }
    }
}

fn enumerate(object: &mut Map<String, Value>) {
    let Some(Value::Array(branches)) = object.get("oneOf") else { return };
    let mut words = Vec::new();
    let mut meanings = Vec::new();
    for branch in branches {
        let listed = match (branch.get("const"), branch.get("enum")) {
            (Some(word), _) => vec![word.clone()],
            (None, Some(Value::Array(listed))) => listed.clone(),
            _ => return,
        };
        if let (Some(meaning), [Value::String(word)]) = (branch.get("description").and_then(Value::as_str), &listed[..])
        {
            meanings.push(format!("- `{word}`: {meaning}"));
        }
        words.extend(listed);
    }
    if words.is_empty() {
        return;
    }
    object.remove("oneOf");
    if words.iter().all(Value::is_string) {
        object.insert("type".into(), "string".into());
    }
    object.insert("enum".into(), Value::Array(words));
    if !meanings.is_empty() {
        let before =
            object.get("description").and_then(Value::as_str).map(|text| format!("{text}\n\n")).unwrap_or_default();
        object.insert("description".into(), format!("{before}{}", meanings.join("\n")).into());
    }
}
