//! JSON with comments and trailing commas, as editors keep their settings.

use jsonc_parser::ParseOptions;
use jsonc_parser::cst::{CstInputValue, CstObject, CstRootNode};
use serde_json::Value;

use super::{EditError, position};

/// What editors take in their settings; anything beyond it is broken, and is not ours to guess at.
const AS_EDITORS_READ: ParseOptions = ParseOptions {
    allow_comments: true,
    allow_trailing_commas: true,
    allow_loose_object_property_names: false,
    allow_missing_commas: false,
    allow_single_quoted_strings: false,
    allow_hexadecimal_numbers: false,
    allow_unary_plus_numbers: false,
    allow_bare_decimal_point_numbers: false,
    allow_non_finite_numbers: false,
    allow_extended_string_escapes: false,
};

const BOM: &str = "\u{feff}";

pub(super) fn values(text: &str) -> Result<Value, EditError> {
    let root = parse(text)?;
    match root.value().and_then(|value| value.to_serde_value()) {
        None => Ok(Value::Object(serde_json::Map::new())),
        Some(value) if value.is_object() => Ok(value),
        Some(_) => Err(EditError::Odd("it is no object".to_owned())),
    }
}

pub(super) fn put(text: &str, keys: &[&str], name: &str, entry: &Value) -> Result<String, EditError> {
    let root = parse(text)?;
    let mut at = root.object_value_or_create().ok_or_else(|| EditError::Odd("it is no object".to_owned()))?;
    for key in keys {
        at = at.object_value_or_create(key).ok_or_else(|| EditError::Odd(format!("`{key}` is no object")))?;
    }
    match at.get(name) {
        Some(there) => there.set_value(input(entry)),
        None => drop(at.append(name, input(entry))),
    }
    Ok(written(text, &root))
}

pub(super) fn take(text: &str, keys: &[&str], name: &str) -> Result<String, EditError> {
    let root = parse(text)?;
    let mut at: Option<CstObject> = root.object_value();
    for key in keys {
        at = at.and_then(|at| at.object_value(key));
    }
    if let Some(there) = at.and_then(|at| at.get(name)) {
        there.remove();
    }
    Ok(written(text, &root))
}

fn parse(text: &str) -> Result<CstRootNode, EditError> {
    let bare = text.strip_prefix(BOM).unwrap_or(text);
    CstRootNode::parse(bare, &AS_EDITORS_READ).map_err(|error| {
        let (line, column) = position(bare, error.range().start);
        EditError::Broken { line, column, words: error.kind().to_string() }
    })
}

fn written(before: &str, root: &CstRootNode) -> String {
    let mark = if before.starts_with(BOM) { BOM } else { "" };
    let text = format!("{mark}{root}");
    // A file that begins with us ends with a line end, as others do.
    if before.trim().is_empty() && !text.ends_with('\n') { text + "\n" } else { text }
}

fn input(value: &Value) -> CstInputValue {
    match value {
        Value::Null => CstInputValue::Null,
        Value::Bool(truth) => CstInputValue::Bool(*truth),
        Value::Number(number) => CstInputValue::Number(number.to_string()),
        Value::String(text) => CstInputValue::String(text.clone()),
        Value::Array(items) => CstInputValue::Array(items.iter().map(input).collect()),
        Value::Object(entries) => {
            CstInputValue::Object(entries.iter().map(|(key, value)| (key.clone(), input(value))).collect())
        }
    }
}
