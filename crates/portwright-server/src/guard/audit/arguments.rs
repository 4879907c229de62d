//! What a record tells of a call's arguments: nothing, names, or values without secrets.
//!
//! Redaction is by name and by shape. It misses secrets that look like nothing in particular, which is why values are
//! not the default.

use portwright_core::protocol::JsonObject;
use portwright_core::{Operation, limits};
use serde_json::{Map, Value};

use super::Arguments;
use super::record::cut;

/// Stands for a value that is left out.
pub(super) const REDACTED: &str = "[redacted]";
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
        Arguments::Values => {
            let mut room = limits::AUDIT_ARGUMENTS_BYTES_MAX;
            let told = Value::Object(object(arguments, 0, &mut room));
            serde_json_canonicalizer::to_string(&told).ok()
        }
    }
}

/// A name or URI, which a caller may have filled with anything.
pub(super) fn name(text: &str) -> String {
    if looks_secret(text) { REDACTED.to_owned() } else { cut(text) }
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

/// Whether an argument of this name is a secret.
fn names_secret(key: &str) -> bool {
    const WORDS: [&str; 15] = [
        "password",
        "passwd",
        "passphrase",
        "pwd",
        "secret",
        "token",
        "authorization",
        "apikey",
        "accesskey",
        "privatekey",
        "credential",
        "cookie",
        "bearer",
        "connectionstring",
        "dsn",
    ];
    let plain: String =
        key.chars().filter(char::is_ascii_alphanumeric).map(|letter| letter.to_ascii_lowercase()).collect();
    WORDS.iter().any(|word| plain.contains(word))
}

/// Whether text holds something of a secret's shape.
fn looks_secret(text: &str) -> bool {
    /// What the tokens of well-known services begin with, and how much follows at least.
    const PREFIXES: [(&str, usize); 20] = [
        ("sk-", 16),
        ("sk_live_", 12),
        ("rk_live_", 12),
        ("sk_test_", 12),
        ("ghp_", 20),
        ("gho_", 20),
        ("ghu_", 20),
        ("ghs_", 20),
        ("github_pat_", 20),
        ("glpat-", 16),
        ("xoxb-", 10),
        ("xoxp-", 10),
        ("xoxa-", 10),
        ("AKIA", 16),
        ("ASIA", 16),
        ("AIza", 30),
        ("npm_", 30),
        ("pypi-", 16),
        ("hf_", 20),
        ("eyJ", 20),
    ];
    const ASSIGNED: [&str; 9] =
        ["password=", "passwd=", "pwd=", "secret=", "token=", "api_key=", "apikey=", "bearer ", "basic "];
    if text.len() < 8 {
        return false;
    }
    let prefixed = PREFIXES.iter().any(|(prefix, least)| {
        text.match_indices(prefix).any(|(at, _)| {
            let starts = !text[..at].ends_with(|letter: char| letter.is_ascii_alphanumeric());
            let follows = text[at + prefix.len()..].bytes().take_while(|byte| is_token(*byte)).count();
            starts && follows >= *least
        })
    });
    prefixed || text.contains("-----BEGIN ") || has_user_password(text) || {
        let lower = text.to_ascii_lowercase();
        ASSIGNED.iter().any(|word| {
            lower.match_indices(word).any(|(at, _)| {
                let least = if word.ends_with(' ') { 12 } else { 1 };
                lower[at + word.len()..].bytes().take_while(u8::is_ascii_graphic).count() >= least
            })
        })
    }
}

fn is_token(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"_-.+/=".contains(&byte)
}

/// `scheme://user:password@host`
fn has_user_password(text: &str) -> bool {
    text.match_indices("://").any(|(at, _)| {
        let rest = &text[at + 3..];
        let authority = rest.split(['/', '?', '#', ' ', '\n']).next().unwrap_or_default();
        authority.rsplit_once('@').is_some_and(|(user, _)| user.contains(':'))
    })
}
