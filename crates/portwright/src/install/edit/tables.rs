//! TOML.

use serde_json::Value;
use toml_edit::{Array, DocumentMut, InlineTable, Item, Table, value};

use super::{EditError, position};

pub(super) fn values(text: &str) -> Result<Value, EditError> {
    parse(text)?;
    toml::from_str::<Value>(text).map_err(|error| EditError::Odd(error.message().to_owned()))
}

pub(super) fn put(text: &str, keys: &[&str], name: &str, entry: &Value) -> Result<String, EditError> {
    let mut document = parse(text)?;
    let mut at: &mut Table = document.as_table_mut();
    for key in keys {
        let item = at.entry(key).or_insert_with(|| {
            let mut table = Table::new();
            table.set_implicit(true);
            Item::Table(table)
        });
        at = item.as_table_mut().ok_or_else(|| EditError::Odd(format!("`{key}` is no table")))?;
    }
    let mut table = Table::new();
    for (key, inner) in entry.as_object().into_iter().flatten() {
        table.insert(key, item(inner));
    }
    at.insert(name, Item::Table(table));
    Ok(ended(text, document.to_string()))
}

pub(super) fn take(text: &str, keys: &[&str], name: &str) -> Result<String, EditError> {
    let mut document = parse(text)?;
    let mut at: Option<&mut Table> = Some(document.as_table_mut());
    for key in keys {
        at = at.and_then(|at| at.get_mut(key)).and_then(Item::as_table_mut);
    }
    if let Some(at) = at {
        at.remove(name);
    }
    Ok(ended(text, document.to_string()))
}

/// The line ends that it had. Where they are mixed, each line that was there keeps its own.
fn ended(before: &str, after: String) -> String {
    let (all, crlf) = (before.matches('\n').count(), before.matches("\r\n").count());
    match crlf {
        0 => return after,
        _ if crlf == all => return after.replace("\r\n", "\n").replace('\n', "\r\n"),
        _ => {}
    }
    let mut old = before.split_inclusive('\n');
    let mut text = String::with_capacity(after.len() + crlf);
    for line in after.split_inclusive('\n') {
        let content = line.trim_end_matches(['\r', '\n']);
        let mut rest = old.clone();
        match rest.find(|there| there.trim_end_matches(['\r', '\n']) == content) {
            Some(there) => {
                text.push_str(there);
                old = rest;
            }
            None => text.push_str(line),
        }
    }
    text
}

fn parse(text: &str) -> Result<DocumentMut, EditError> {
    text.parse::<DocumentMut>().map_err(|error| {
        let (line, column) = position(text, error.span().map_or(0, |span| span.start));
        EditError::Broken { line, column, words: error.message().to_owned() }
    })
}

fn item(from: &Value) -> Item {
    match from {
        Value::Bool(truth) => value(*truth),
        Value::Number(number) => value(number.as_i64().unwrap_or_default()),
        Value::Array(items) => {
            value(items.iter().filter_map(Value::as_str).map(toml_edit::Value::from).collect::<Array>())
        }
        Value::Object(entries) => {
            let pairs =
                entries.iter().filter_map(|(key, inner)| Some((key.as_str(), toml_edit::Value::from(inner.as_str()?))));
            value(pairs.collect::<InlineTable>())
        }
        other => value(other.as_str().unwrap_or_default()),
    }
}
