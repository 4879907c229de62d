//! Patterns of JSON.

use serde_json::Value;

const ANY: char = '…';

/// Where a value does not fit its pattern; none if it fits.
pub(super) fn mismatch(pattern: &Value, seen: &Value) -> Option<String> {
    at("", pattern, seen)
}

fn at(place: &str, pattern: &Value, seen: &Value) -> Option<String> {
    match (pattern, seen) {
        (Value::String(text), _) if text.chars().all(|letter| letter == ANY) && !text.is_empty() => {
            seen.is_null().then(|| format!("{place} is missing"))
        }
        (Value::String(text), Value::String(seen)) if text.contains(ANY) => {
            let fits = text
                .split(ANY)
                .try_fold(seen.as_str(), |rest, part| rest.find(part).map(|found| &rest[found + part.len()..]));
            fits.is_none().then(|| format!("{place} is not {text:?}"))
        }
        (Value::Object(keys), Value::Object(found)) => keys
            .iter()
            .find_map(|(key, pattern)| at(&format!("{place}/{key}"), pattern, found.get(key).unwrap_or(&Value::Null))),
        (Value::Array(items), Value::Array(found)) => {
            let mut rest = found.iter();
            items.iter().enumerate().find_map(|(index, pattern)| {
                let fits = rest.any(|seen| at(place, pattern, seen).is_none());
                (!fits).then(|| format!("{place}/{index} is not there: {pattern}"))
            })
        }
        _ => (pattern != seen).then(|| format!("{place} is not {pattern}")),
    }
}

#[test]
fn patterns_hold_what_they_say() {
    let fits = |pattern: &str, seen: &str| {
        let parse = |text: &str| serde_json::from_str::<Value>(text).expect("JSON");
        mismatch(&parse(pattern), &parse(seen)).is_none()
    };
    assert!(fits(r#"{"a":"…"}"#, r#"{"a":1,"b":2}"#));
    assert!(!fits(r#"{"a":"…"}"#, r#"{"b":2}"#));
    assert!(fits(r#""…one…two…""#, r#""xone and two.""#));
    assert!(!fits(r#""…two…one…""#, r#""one and two""#));
    assert!(fits("[1,3]", "[1,2,3]"));
    assert!(!fits("[3,1]", "[1,2,3]"));
    assert!(fits(r#"{"a":null}"#, r#"{"b":1}"#));
    assert!(!fits(r#"{"a":null}"#, r#"{"a":1}"#));
}
