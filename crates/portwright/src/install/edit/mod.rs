//! Changes to a text that leave everything else in it as it is, byte for byte.

mod json;
mod tables;

use serde_json::Value;

use super::Format;

/// Why a text can't be changed.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum EditError {
    Broken {
        line: usize,
        column: usize,
        words: String,
    },
    /// It can be read, and is not what the client documents.
    Odd(String),
    /// There is an entry of that name that is somebody else's.
    Taken,
}

/// The text with the entry; none if it is there already, just so.
pub(super) fn put(
    format: Format,
    text: &str,
    keys: &[&str],
    name: &str,
    entry: &Value,
    force: bool,
) -> Result<Option<String>, EditError> {
    let before = values(format, text)?;
    match servers(&before, keys).and_then(|servers| servers.get(name)) {
        Some(there) if there == entry => return Ok(None),
        Some(there) if !force && !is_ours(there) => return Err(EditError::Taken),
        _ => {}
    }
    let after = match format {
        Format::Toml => tables::put(text, keys, name, entry)?,
        _ => json::put(text, keys, name, entry)?,
    };
    checked(format, &before, after, keys, name, Some(entry)).map(Some)
}

/// The text without the entry; none if there was none. One that is as `install` would write it is ours, too.
pub(super) fn take(
    format: Format,
    text: &str,
    keys: &[&str],
    name: &str,
    entry: Option<&Value>,
    force: bool,
) -> Result<Option<String>, EditError> {
    let before = values(format, text)?;
    match servers(&before, keys).and_then(|servers| servers.get(name)) {
        None => return Ok(None),
        Some(there) if !force && !is_ours(there) && Some(there) != entry => return Err(EditError::Taken),
        Some(_) => {}
    }
    let after = match format {
        Format::Toml => tables::take(text, keys, name)?,
        _ => json::take(text, keys, name)?,
    };
    checked(format, &before, after, keys, name, None).map(Some)
}

/// The names of our entries.
pub(super) fn ours(format: Format, text: &str, keys: &[&str]) -> Vec<String> {
    let Ok(all) = values(format, text) else { return Vec::new() };
    let servers = servers(&all, keys).into_iter().flatten();
    servers.filter(|(_, entry)| is_ours(entry)).map(|(name, _)| name.clone()).collect()
}

/// Whether an entry starts this program. One that is an address may be anybody's.
fn is_ours(entry: &Value) -> bool {
    let command = match &entry["command"] {
        Value::Array(words) => words.first().and_then(Value::as_str),
        command => command.as_str(),
    };
    let file = command.map(|path| path.rsplit(['/', '\\']).next().unwrap_or(path));
    file.is_some_and(|file| file.trim_end_matches(".exe") == "portwright")
}

fn servers<'a>(all: &'a Value, keys: &[&str]) -> Option<&'a serde_json::Map<String, Value>> {
    keys.iter().try_fold(all, |at, key| at.get(key))?.as_object()
}

fn values(format: Format, text: &str) -> Result<Value, EditError> {
    match format {
        Format::Toml => tables::values(text),
        _ => json::values(text),
    }
}

/// Holds the new text against the old one: they must differ in our entry and in nothing else.
fn checked(
    format: Format,
    before: &Value,
    after: String,
    keys: &[&str],
    name: &str,
    entry: Option<&Value>,
) -> Result<String, EditError> {
    let now = values(format, &after)?;
    let found = servers(&now, keys).and_then(|servers| servers.get(name));
    if found != entry || without(before, keys, name) != without(&now, keys, name) {
        return Err(EditError::Odd("it can't be changed without changing more than our entry".to_owned()));
    }
    Ok(after)
}

/// The values without our entry; servers that are empty then are none.
fn without(all: &Value, keys: &[&str], name: &str) -> Value {
    let mut all = all.clone();
    let Some((first, rest)) = keys.split_first() else {
        if let Some(object) = all.as_object_mut() {
            object.remove(name);
        }
        return all;
    };
    let inner = all.get(first).map(|inner| without(inner, rest, name));
    if let (Some(object), Some(inner)) = (all.as_object_mut(), inner) {
        if inner.as_object().is_some_and(serde_json::Map::is_empty) {
            object.remove(*first);
        } else {
            object.insert((*first).to_owned(), inner);
        }
    }
    all
}

/// Line and column of a place, from 1.
fn position(text: &str, at: usize) -> (usize, usize) {
    let before = text.get(..at).unwrap_or(text);
    let line = before.matches('\n').count() + 1;
    let column = before.rsplit('\n').next().map_or(0, |last| last.chars().count()) + 1;
    (line, column)
}

/// Values as YAML, for a person to paste: JSON's texts are YAML's.
pub(super) fn yaml(value: &Value) -> String {
    fn write(value: &Value, depth: usize, out: &mut String) {
        match value {
            Value::Object(entries) if !entries.is_empty() => {
                for (key, inner) in entries {
                    out.extend(["\n", &"  ".repeat(depth), key, ":"]);
                    write(inner, depth + 1, out);
                }
            }
            other => {
                out.push(' ');
                out.push_str(&other.to_string());
            }
        }
    }
    let mut out = String::new();
    write(value, 0, &mut out);
    format!("{}\n", out.trim_start())
}
