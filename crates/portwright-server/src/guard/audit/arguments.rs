//! What a record tells of a call's arguments: nothing, names, or values without secrets.
//!
//! Redaction misses secrets that look like nothing in particular, which is why values are not the default.

use portwright_core::protocol::JsonObject;
use portwright_core::{Operation, limits};
use serde_json::{Map, Value};

use super::Arguments;
use super::record::cut;
use crate::guard::redact::{REDACTED, looks_secret, names_secret};

const NO_ROOM: &str = "…";

/// Integers beyond this lose digits in canonical JSON (RFC 8785), so they are told as text.
const SAFE_INTEGER: u64 = (1 << 53) - 1;

/// Canonical JSON for the field `args`.
pub(super) fn tell(operation: &Operation, how: Arguments) -> Option<String> {
    let single;
    let arguments = match operation {
        Operation::Complete { argument, .. } => {
            single = JsonObject::from_iter([(argument.name.clone(), Value::from(argument.value.clone()))]);
            &single
        }
        other => other.arguments()?,
    };
    match how {
        Arguments::None => None,
        Arguments::Keys => serde_json::to_string(&names(arguments)).ok(),
        Arguments::Values => serde_json_canonicalizer::to_string(&Value::Object(values(arguments))).ok(),
    }
}

/// Names and values, bounded, and without what looks like a secret.
pub(in crate::guard) fn values(arguments: &JsonObject) -> JsonObject {
    let mut room = limits::AUDIT_ARGUMENTS_BYTES_MAX;
    object(arguments, 0, &mut room)
}

/// The name of an argument, which a caller may have filled with anything.
fn name(text: &str) -> String {
    const NAME_BYTES_MAX: usize = 128;
    let end = text.floor_char_boundary(NAME_BYTES_MAX);
    if looks_secret(text) { REDACTED.to_owned() } else { text[..end].to_owned() }
}

fn names(arguments: &JsonObject) -> Vec<String> {
    let mut names: Vec<String> = arguments.keys().take(limits::AUDIT_ENTRIES_MAX).map(|key| name(key)).collect();
    if let Some(more) = arguments.len().checked_sub(limits::AUDIT_ENTRIES_MAX).filter(|more| *more > 0) {
        names.push(format!("… {more} more"));
    }
    names
}

fn object(members: &JsonObject, depth: usize, room: &mut usize) -> JsonObject {
    let mut told = Map::new();
    for (key, member) in members.iter().take(limits::AUDIT_ENTRIES_MAX) {
        let kept = if names_secret(key) { REDACTED.into() } else { value(member, depth + 1, room) };
        let key = name(key);
        *room = room.saturating_sub(key.len());
        told.insert(key, kept);
    }
    if members.len() > limits::AUDIT_ENTRIES_MAX {
        told.insert(NO_ROOM.to_owned(), (members.len() - limits::AUDIT_ENTRIES_MAX).into());
    }
    told
}

fn value(given: &Value, depth: usize, room: &mut usize) -> Value {
    if *room == 0 || depth > limits::AUDIT_DEPTH_MAX {
        return NO_ROOM.into();
    }
    match given {
        Value::Object(members) => object(members, depth, room).into(),
        Value::Array(items) => {
            let mut told: Vec<Value> =
                items.iter().take(limits::AUDIT_ENTRIES_MAX).map(|item| value(item, depth + 1, room)).collect();
            if items.len() > limits::AUDIT_ENTRIES_MAX {
                told.push(format!("… {} more", items.len() - limits::AUDIT_ENTRIES_MAX).into());
            }
            told.into()
        }
        Value::String(text) if looks_secret(text) => REDACTED.into(),
        Value::String(text) => {
            *room = room.saturating_sub(text.len().min(limits::AUDIT_VALUE_BYTES_MAX));
            cut(text).into()
        }
        Value::Number(number) => {
            *room = room.saturating_sub(8);
            let exact = number.as_i64().map_or_else(|| number.as_u64(), |signed| Some(signed.unsigned_abs()));
            if exact.is_some_and(|size| size > SAFE_INTEGER) { number.to_string().into() } else { given.clone() }
        }
        Value::Null | Value::Bool(_) => {
            *room = room.saturating_sub(5);
            given.clone()
        }
    }
}
