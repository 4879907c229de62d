//! The shape of an input schema: which arguments it knows, and how much work it can cause.

use std::collections::{HashMap, HashSet};
use std::io;

use portwright_core::limits;
use serde_json::Value;

use super::SchemaError;

/// Keywords whose value is one subschema for the same instance, a list of such, and a map of such.
const IN_PLACE: [&str; 4] = ["not", "if", "then", "else"];
const IN_PLACE_LISTS: [&str; 3] = ["allOf", "anyOf", "oneOf"];
const IN_PLACE_MAPS: [&str; 2] = ["dependentSchemas", "dependencies"];

/// The same for a part of the instance, and for nothing at all (definitions).
const DEEPER: [&str; 9] = [
    "additionalItems",
    "additionalProperties",
    "contains",
    "contentSchema",
    "items",
    "propertyNames",
    "unevaluatedItems",
    "unevaluatedProperties",
    "prefixItems",
];
const DEEPER_MAPS: [&str; 4] = ["properties", "patternProperties", "$defs", "definitions"];

/// Work that listing the faults of one call may take, in visits of subschemas.
const VISITS_MAX: u64 = 100_000;

/// An argument that the schema names.
#[derive(Debug)]
pub(super) struct Known {
    pub(super) name: String,
    pub(super) required: bool,
}

#[derive(Debug)]
pub(super) struct Shape {
    /// In the schema's order.
    pub(super) known: Vec<Known>,
    names: HashSet<String>,
    /// The schema says in so many words that other arguments are welcome.
    open: bool,
    /// The most subschemas that look at one and the same part of the arguments.
    fan: u64,
}

impl Shape {
    pub(super) fn of(schema: &Value) -> Result<Self, SchemaError> {
        let max = limits::SCHEMA_BYTES_MAX;
        if serde_json::to_writer(Room(max), schema).is_err() {
            return Err(SchemaError::TooLarge { max });
        }
        if schema.get("type").and_then(Value::as_str) != Some("object") {
            return Err(SchemaError::NotObject);
        }
        let mut survey = Survey { root: schema, fans: HashMap::new(), fan: 1 };
        survey.visit(schema, 0)?;
        let fan = survey.fan;
        let mut shape = Self { known: Vec::new(), names: HashSet::new(), open: false, fan };
        shape.learn(schema, schema, true, 0);
        Ok(shape)
    }

    pub(super) fn knows(&self, name: &str) -> bool {
        self.open || self.names.contains(name)
    }

    pub(super) fn listing_is_cheap(&self, instance: &Value) -> bool {
        let depth = u32::try_from(depth(instance)).unwrap_or(u32::MAX);
        self.fan.saturating_pow(depth) <= VISITS_MAX
    }

    /// Collects the arguments that this subschema, and those that look at the same object, name.
    fn learn(&mut self, root: &Value, schema: &Value, binding: bool, depth: usize) {
        if depth > limits::SCHEMA_DEPTH_MAX {
            return;
        }
        let required: Vec<&str> =
            schema.get("required").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str).collect();
        for name in schema.get("properties").and_then(Value::as_object).into_iter().flat_map(|map| map.keys()) {
            let required = binding && required.contains(&name.as_str());
            if self.names.insert(name.clone()) {
                self.known.push(Known { name: name.clone(), required });
            }
        }
        let says = |keyword: &str| schema.get(keyword).is_some_and(|value| *value != Value::Bool(false));
        self.open |= ["additionalProperties", "patternProperties", "unevaluatedProperties", "propertyNames"]
            .into_iter()
            .any(says);
        if let Some(target) = local(schema).and_then(|pointer| root.pointer(pointer)) {
            self.learn(root, target, binding, depth + 1);
        }
        for (keyword, child) in in_place(schema) {
            self.learn(root, child, binding && keyword == "allOf", depth + 1);
        }
    }
}

/// Walks every subschema once.
struct Survey<'a> {
    root: &'a Value,
    /// For each subschema by address: how many subschemas look at the same instance through it; none while it is being
    /// counted.
    fans: HashMap<*const Value, Option<u64>>,
    fan: u64,
}

impl<'a> Survey<'a> {
    fn visit(&mut self, schema: &'a Value, depth: usize) -> Result<u64, SchemaError> {
        if depth > limits::SCHEMA_DEPTH_MAX {
            return Err(SchemaError::TooDeep { max: limits::SCHEMA_DEPTH_MAX });
        }
        match self.fans.get(&std::ptr::from_ref(schema)) {
            Some(Some(fan)) => return Ok(*fan),
            // It looks at itself, or contains itself: what it adds is counted where it began.
            Some(None) => return Ok(1),
            None => {}
        }
        let Some(object) = schema.as_object() else { return Ok(1) };
        self.fans.insert(std::ptr::from_ref(schema), None);
        let strange = ["$dynamicRef", "$recursiveRef"].into_iter().find_map(|keyword| object.get(keyword));
        let nested_id = (depth > 0).then(|| object.get("$id").or_else(|| object.get("id"))).flatten();
        if let Some(reference) = strange.or(nested_id.filter(|id| id.is_string())) {
            return Err(SchemaError::Reference { reference: super::echo::short(&reference.to_string()) });
        }
        let mut fan: u64 = 1;
        if let Some(reference) = object.get("$ref") {
            let target = local(schema)
                .and_then(|pointer| self.root.pointer(pointer))
                .ok_or_else(|| SchemaError::Reference { reference: super::echo::short(&reference.to_string()) })?;
            fan = fan.saturating_add(self.visit(target, depth + 1)?);
        }
        for (_, child) in in_place(schema) {
            fan = fan.saturating_add(self.visit(child, depth + 1)?);
        }
        for child in deeper(schema) {
            self.visit(child, depth + 1)?;
        }
        self.fans.insert(std::ptr::from_ref(schema), Some(fan));
        self.fan = self.fan.max(fan);
        Ok(fan)
    }
}

/// The JSON Pointer of a reference within the schema. Percent escapes are not followed: nobody needs them.
fn local(schema: &Value) -> Option<&str> {
    let pointer = schema.get("$ref")?.as_str()?.strip_prefix('#')?;
    (pointer.is_empty() || pointer.starts_with('/') && !pointer.contains('%')).then_some(pointer)
}

/// Subschemas that look at the same instance.
fn in_place(schema: &Value) -> impl Iterator<Item = (&'static str, &Value)> {
    let single = IN_PLACE.into_iter().filter_map(|keyword| Some((keyword, schema.get(keyword)?)));
    let lists = IN_PLACE_LISTS.into_iter().flat_map(|keyword| children(schema, keyword).map(move |at| (keyword, at)));
    let maps = IN_PLACE_MAPS.into_iter().flat_map(|keyword| members(schema, keyword).map(move |at| (keyword, at)));
    single.chain(lists).chain(maps)
}

/// Subschemas that look at a part of the instance, and definitions.
fn deeper(schema: &Value) -> impl Iterator<Item = &Value> {
    let single =
        DEEPER.into_iter().flat_map(|keyword| schema.get(keyword).into_iter().chain(children(schema, keyword)));
    single.chain(DEEPER_MAPS.into_iter().flat_map(|keyword| members(schema, keyword)))
}

fn children<'a>(schema: &'a Value, keyword: &str) -> impl Iterator<Item = &'a Value> + use<'a> {
    schema.get(keyword).and_then(Value::as_array).into_iter().flatten()
}

fn members<'a>(schema: &'a Value, keyword: &str) -> impl Iterator<Item = &'a Value> + use<'a> {
    schema.get(keyword).and_then(Value::as_object).into_iter().flat_map(serde_json::Map::values)
}

fn depth(value: &Value) -> usize {
    match value {
        Value::Array(items) => 1 + items.iter().map(depth).max().unwrap_or(0),
        Value::Object(members) => 1 + members.values().map(depth).max().unwrap_or(0),
        _ => 0,
    }
}

/// Takes bytes until there is no room left.
struct Room(usize);

impl io::Write for Room {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0 = self.0.checked_sub(bytes.len()).ok_or(io::ErrorKind::FileTooLarge)?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
