//! Values and rows as JSON, as far as databases share it.

use std::collections::HashSet;

use base64::Engine;
use serde_json::{Value, json};

use super::database::OutputColumn;

/// The largest integer that every JSON reader keeps exactly: 2^53 - 1.
pub const INTEGER_MAX: i64 = 9_007_199_254_740_991;

/// An integer: a JSON number where every reader keeps it exactly, else a string of its digits.
pub fn integer(value: i64) -> Value {
    if (-INTEGER_MAX..=INTEGER_MAX).contains(&value) { Value::from(value) } else { Value::from(value.to_string()) }
}

/// The schema of [`integer`].
pub fn integer_schema() -> Value {
    json!({"type": ["integer", "string"], "description": "A string of digits beyond ±(2^53-1)."})
}

/// A float: a JSON number, or `NaN`, `Infinity`, `-Infinity` as strings.
pub fn float(value: f64) -> Value {
    match serde_json::Number::from_f64(value) {
        Some(number) => Value::Number(number),
        None if value.is_nan() => "NaN".into(),
        None if value > 0.0 => "Infinity".into(),
        None => "-Infinity".into(),
    }
}

/// Binary values.
pub fn base64(bytes: &[u8]) -> Value {
    base64::engine::general_purpose::STANDARD.encode(bytes).into()
}

/// Column names made unique: a second `id` is `id_2`, or the next number that is free.
pub fn unique_names<'a>(names: impl IntoIterator<Item = &'a str>) -> Vec<String> {
    let names: Vec<&str> = names.into_iter().collect();
    let given: HashSet<&str> = names.iter().copied().collect();
    let mut used: HashSet<String> = HashSet::new();
    let mut unique = Vec::with_capacity(names.len());
    for name in names {
        let mut candidate = name.to_owned();
        let mut number = 2;
        while used.contains(&candidate) || (number > 2 && given.contains(candidate.as_str())) {
            candidate = format!("{name}_{number}");
            number += 1;
        }
        used.insert(candidate.clone());
        unique.push(candidate);
    }
    unique
}

/// How long a value is as JSON text, without writing it.
pub fn json_bytes(value: &Value) -> usize {
    match value {
        Value::Null => 4,
        Value::Bool(flag) => 5 - usize::from(*flag),
        Value::Number(number) => number.to_string().len(),
        Value::String(text) => 2 + text.bytes().map(escaped_bytes).sum::<usize>(),
        Value::Array(list) => 2 + list.iter().map(|value| json_bytes(value) + 1).sum::<usize>(),
        Value::Object(map) => 2 + map.iter().map(|(key, value)| key.len() + 4 + json_bytes(value)).sum::<usize>(),
    }
}

/// How long a row is as a JSON object, the comma after it included.
pub fn row_bytes(columns: &[OutputColumn], values: &[Value]) -> usize {
    let pair = |(column, value): (&OutputColumn, &Value)| column.name.len() + 4 + json_bytes(value);
    3 + columns.iter().zip(values).map(pair).sum::<usize>()
}

fn escaped_bytes(byte: u8) -> usize {
    match byte {
        b'"' | b'\\' | b'\n' | b'\r' | b'\t' | 0x08 | 0x0c => 2,
        0..0x20 => 6,
        _ => 1,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::{Value, json};

    use super::{float, integer, json_bytes, unique_names};

    #[test]
    fn no_value_is_lost() {
        assert_eq!(integer(9_007_199_254_740_991), json!(9_007_199_254_740_991_i64));
        assert_eq!(integer(9_007_199_254_740_992), json!("9007199254740992"));
        assert_eq!(integer(i64::MIN), json!("-9223372036854775808"));
        assert_eq!(float(f64::NAN), json!("NaN"));
        assert_eq!(float(f64::NEG_INFINITY), json!("-Infinity"));
        assert_eq!(float(0.1), json!(0.1));
    }

    #[test]
    fn names_become_unique() {
        assert_eq!(unique_names(["id", "id", "id_2", "id", "x"]), ["id", "id_3", "id_2", "id_4", "x"]);
        assert_eq!(unique_names(["", ""]), ["", "_2"]);
    }

    proptest! {
        #[test]
        fn unique_names_are_unique(names in proptest::collection::vec("[ab](_[23])?", 0..12)) {
            let unique = unique_names(names.iter().map(String::as_str));
            let set: std::collections::HashSet<_> = unique.iter().collect();
            prop_assert_eq!(set.len(), names.len());
        }

        #[test]
        fn json_bytes_is_no_less_than_the_text(text in ".*", number: f64) {
            for value in [json!(text), json!(number), json!([text, null, true]), Value::Null] {
                let written = serde_json::to_string(&value).unwrap().len();
                let counted = json_bytes(&value);
                prop_assert!(counted >= written && counted <= written + 8, "{} {}", counted, written);
            }
        }
    }
}
