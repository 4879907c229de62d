//! One fault in words that a model can act on: the path, what was expected, what came, how to mend it.

use jsonschema::error::{TypeKind, ValidationErrorKind as Kind};
use jsonschema::{JsonType, ValidationError};
use serde_json::{Map, Value};

use super::echo::{about, got, path, short};
use super::faults::{Faults, unknown};

const CHOICES_MAX: usize = 20;

/// Adds what `error` says to `faults`.
pub(super) fn tell(error: &ValidationError<'_>, schema: &Value, faults: &mut Faults) {
    let place = path(error.instance_path().as_str());
    match error.kind() {
        Kind::AdditionalProperties { unexpected } | Kind::UnevaluatedProperties { unexpected } => {
            // Those of the arguments themselves are told by the guard, which knows more of them than this keyword does.
            for name in unexpected.iter().filter(|_| !place.is_empty()) {
                let known = properties(error, schema).into_iter().flat_map(Map::keys).map(String::as_str);
                faults.add(&format!("{place}.{}", short(name)), &unknown(name, known, "property"));
            }
        }
        Kind::Required { property } => {
            let name = property.as_str().unwrap_or_default();
            let own = properties(error, schema).and_then(|map| map.get(name));
            let dot = if place.is_empty() { "" } else { "." };
            let what = own.map(summary).unwrap_or_default();
            faults.add(&format!("{place}{dot}{}", short(name)), &format!("is required{what}"));
        }
        Kind::AnyOf { context } | Kind::OneOfNotValid { context } => {
            alternatives(error, context, &place, schema, faults);
        }
        Kind::PropertyNames { error: inner } => {
            faults.add(&place, &format!("has a property name that does not fit: it {}", expected(inner)));
        }
        Kind::Type { kind } => faults.add(&place, &mistyped(&types(kind), error.instance())),
        _ => faults.add(&place, &expected(error)),
    }
}

/// What a keyword asks, and what came.
fn expected(error: &ValidationError<'_>) -> String {
    let value = error.instance();
    let but = format!("but is {}", got(value));
    let size = |bound: &str, limit: u64, unit: &str| {
        format!("must have {bound} {limit} {unit}{}, but has {}", plural(limit), length(value))
    };
    match error.kind() {
        Kind::Type { kind } => mistyped(&types(kind), value),
        Kind::Enum { options } => {
            format!("must be one of {}, {but}", choices(options.as_array().into_iter().flatten()))
        }
        Kind::Constant { expected_value } => format!("must be {}, {but}", got(expected_value)),
        Kind::Minimum { limit } => format!("must be at least {limit}, {but}"),
        Kind::Maximum { limit } => format!("must be at most {limit}, {but}"),
        Kind::ExclusiveMinimum { limit } => format!("must be greater than {limit}, {but}"),
        Kind::ExclusiveMaximum { limit } => format!("must be less than {limit}, {but}"),
        Kind::MultipleOf { multiple_of } => format!("must be a multiple of {multiple_of}, {but}"),
        Kind::MinLength { limit } => size("at least", *limit, "character"),
        Kind::MaxLength { limit } => size("at most", *limit, "character"),
        Kind::MinItems { limit } => size("at least", *limit, "item"),
        Kind::MaxItems { limit } => size("at most", *limit, "item"),
        Kind::AdditionalItems { limit } => {
            format!("must have at most {limit} items, but has {}", length(value))
        }
        Kind::MinProperties { limit } => size("at least", *limit, "member"),
        Kind::MaxProperties { limit } => size("at most", *limit, "member"),
        Kind::UniqueItems => "must not hold the same item twice".to_owned(),
        Kind::Contains => "holds too few or too many items of the kind asked for".to_owned(),
        Kind::Format { format } => format!("must be {}, {but}", form(format)),
        Kind::Pattern { pattern } => format!("must match the pattern `{}`, {but}", short(pattern)),
        Kind::OneOfMultipleValid { .. } => "fits several of the shapes allowed here, but must fit just one".to_owned(),
        Kind::FalseSchema => "is not allowed here".to_owned(),
        Kind::Not { .. } => format!("is one of the values not allowed here: {}", got(value)),
        _ => format!("does not fit `{}`", short(error.kind().keyword())),
    }
}

/// The alternatives of `anyOf` and `oneOf`, told as one fault where they are simple, else by the nearest of them.
fn alternatives(
    error: &ValidationError<'_>,
    context: &[Vec<ValidationError<'static>>],
    place: &str,
    schema: &Value,
    faults: &mut Faults,
) {
    let here = error.instance_path().as_str();
    let mut wanted: Vec<JsonType> = Vec::new();
    let mut constants: Vec<&Value> = Vec::new();
    let mut needed: Vec<String> = Vec::new();
    let mut nearest: Option<&Vec<ValidationError<'static>>> = None;
    for branch in context {
        let own = |error: &&ValidationError<'static>| error.instance_path().as_str() == here;
        let mistyped = branch.iter().filter(own).find_map(|error| match error.kind() {
            Kind::Type { kind } => Some(types(kind)),
            _ => None,
        });
        match branch.iter().find(own).map(ValidationError::kind) {
            _ if mistyped.is_some() => wanted.extend(mistyped.into_iter().flatten()),
            Some(Kind::Constant { expected_value }) if branch.len() == 1 => constants.push(expected_value),
            Some(Kind::Enum { options }) if branch.len() == 1 => {
                constants.extend(options.as_array().into_iter().flatten());
            }
            Some(Kind::Required { property }) if branch.len() == 1 => {
                needed.push(format!("`{}`", short(property.as_str().unwrap_or_default())));
            }
            _ if nearest.is_none_or(|best| branch.len() < best.len()) => nearest = Some(branch),
            _ => {}
        }
    }
    let value = error.instance();
    if let Some(branch) = nearest {
        for inner in branch {
            tell(inner, schema, faults);
        }
    } else if !constants.is_empty() {
        let also = if wanted.is_empty() { String::new() } else { format!(" or {}", kinds(&wanted)) };
        faults.add(place, &format!("must be one of {}{also}, but is {}", choices(constants.into_iter()), got(value)));
    } else if !needed.is_empty() {
        needed.dedup();
        faults.add(place, &format!("must have {}", needed.join(" or ")));
    } else if !wanted.is_empty() {
        faults.add(place, &mistyped(&wanted, value));
    } else {
        faults.add(place, &format!("fits none of the {} shapes allowed here", context.len()));
    }
}

fn mistyped(wanted: &[JsonType], value: &Value) -> String {
    format!("must be {}, but is {}{}", kinds(wanted), got(value), mend(wanted, value))
}

/// How to write what was meant.
fn mend(wanted: &[JsonType], value: &Value) -> String {
    let wants = |kind: JsonType| wanted.contains(&kind);
    let text = value.as_str().map(str::trim);
    let parsed = text.and_then(|text| serde_json::from_str::<Value>(text).ok());
    match (value, parsed) {
        (Value::String(_), Some(Value::Number(number))) if wants(JsonType::Integer) || wants(JsonType::Number) => {
            format!("; write {} without quotes", short(&number.to_string()))
        }
        (Value::String(_), Some(Value::Bool(truth))) if wants(JsonType::Boolean) => {
            format!("; write {truth} without quotes")
        }
        (Value::String(_), Some(Value::Array(_))) if wants(JsonType::Array) => {
            "; give the array itself, not its text".into()
        }
        (Value::String(_), Some(Value::Object(_))) if wants(JsonType::Object) => {
            "; give the object itself, not its text".into()
        }
        (Value::Number(_) | Value::Bool(_), _) if wants(JsonType::String) => "; put it in quotes".into(),
        (Value::Null, _) => "; leave it out if it is optional and there is no value".into(),
        (Value::String(_) | Value::Number(_) | Value::Object(_), _) if wants(JsonType::Array) => {
            "; put it in [ ]".into()
        }
        _ => String::new(),
    }
}

/// What a property's schema says of it, for a model that left it out.
fn summary(own: &Value) -> String {
    let kind = match own.get("type") {
        Some(Value::String(kind)) => format!(" ({})", short(kind)),
        _ => String::new(),
    };
    let choices = match own.get("enum").and_then(Value::as_array) {
        Some(options) => format!(", one of {}", choices(options.iter())),
        None => String::new(),
    };
    let description = own.get("description").and_then(Value::as_str).map(about).unwrap_or_default();
    format!("{kind}{choices}{description}")
}

/// The `properties` beside the keyword that raised `error`.
fn properties<'a>(error: &ValidationError<'_>, schema: &'a Value) -> Option<&'a Map<String, Value>> {
    let (parent, _) = error.schema_path().as_str().rsplit_once('/')?;
    schema.pointer(parent)?.get("properties")?.as_object()
}

fn types(kind: &TypeKind) -> Vec<JsonType> {
    match kind {
        TypeKind::Single(one) => vec![*one],
        TypeKind::Multiple(set) => set.iter().collect(),
    }
}

fn kinds(wanted: &[JsonType]) -> String {
    let mut words: Vec<&str> = Vec::new();
    for kind in wanted {
        let word = match kind {
            JsonType::Null => "null",
            JsonType::Boolean => "true or false",
            JsonType::Integer => "an integer",
            JsonType::Number => "a number",
            JsonType::String => "a string",
            JsonType::Array => "an array",
            JsonType::Object => "an object",
        };
        if !words.contains(&word) {
            words.push(word);
        }
    }
    words.join(" or ")
}

fn choices<'a>(options: impl Iterator<Item = &'a Value>) -> String {
    let mut words: Vec<String> = options.map(got).collect();
    let count = words.len();
    words.truncate(CHOICES_MAX);
    let more = if count > CHOICES_MAX { format!(" and {} more", count - CHOICES_MAX) } else { String::new() };
    format!("{}{more}", words.join(", "))
}

fn form(format: &str) -> String {
    match format {
        "date-time" => "a date and time like \"2026-01-31T09:30:00Z\"".to_owned(),
        "date" => "a date like \"2026-01-31\"".to_owned(),
        "time" => "a time like \"09:30:00Z\"".to_owned(),
        "duration" => "an ISO 8601 duration like \"P3D\"".to_owned(),
        "email" => "an email address".to_owned(),
        "uri" => "an absolute URI".to_owned(),
        "uuid" => "a UUID like \"3f2504e0-4f89-41d3-9a0c-0305e82c3301\"".to_owned(),
        other => format!("of the format `{}`", short(other)),
    }
}

fn length(value: &Value) -> usize {
    match value {
        Value::String(text) => text.chars().count(),
        Value::Array(items) => items.len(),
        Value::Object(members) => members.len(),
        _ => 0,
    }
}

fn plural(count: u64) -> &'static str {
    if count == 1 { "" } else { "s" }
}
