//! What came, told short and escaped: a long echo costs the model more than it helps.

use serde_json::Value;

use crate::guard::telemetry::Clean;

const SHORT_CHARS: usize = 80;
const ECHO_CHARS: usize = 40;
const ABOUT_CHARS: usize = 160;

/// A value as it may stand in a sentence: `but is …`.
pub(super) fn got(value: &Value) -> String {
    match value {
        Value::Null => "null".to_owned(),
        Value::Bool(truth) => truth.to_string(),
        Value::Number(number) => cut(&number.to_string(), ECHO_CHARS),
        Value::String(text) => format!("\"{}\"", cut(text, ECHO_CHARS)),
        Value::Array(items) if items.len() == 1 => "an array of 1 item".to_owned(),
        Value::Array(items) => format!("an array of {} items", items.len()),
        Value::Object(_) => "an object".to_owned(),
    }
}

/// A name or message of a stranger.
pub(super) fn short(text: &str) -> String {
    cut(text, SHORT_CHARS)
}

/// What a description adds to a sentence.
pub(super) fn about(description: &str) -> String {
    let description = description.split_whitespace().collect::<Vec<_>>().join(" ");
    if description.is_empty() { String::new() } else { format!(": {}", cut(&description, ABOUT_CHARS)) }
}

/// `/filters/0/name` as `filters[0].name`.
pub(super) fn path(pointer: &str) -> String {
    let mut path = String::new();
    for step in pointer.split('/').skip(1) {
        if !step.is_empty() && step.bytes().all(|byte| byte.is_ascii_digit()) {
            path.push('[');
            path.push_str(step);
            path.push(']');
        } else {
            if !path.is_empty() {
                path.push('.');
            }
            path.push_str(&short(&step.replace("~1", "/").replace("~0", "~")));
        }
    }
    path
}

fn cut(text: &str, chars_max: usize) -> String {
    match text.char_indices().nth(chars_max) {
        Some((at, _)) => format!("{}…", Clean(&text[..at])),
        None => Clean(text).to_string(),
    }
}
