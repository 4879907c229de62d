//! JSON documents as JSON values, keeping what a plain parse would lose.

use serde_json::Value;

use super::rows::INTEGER_MAX;

/// The document. What a [`Value`] can't hold (a key twice, too many levels, half a surrogate pair) comes as its text;
/// a number that a double can't hold comes as a string.
pub fn document(text: &str) -> Value {
    let (safe, members) = with_safe_numbers(text);
    match serde_json::from_str::<Value>(&safe) {
        Ok(value) if count_members(&value) == members => value,
        _ => Value::String(text.to_owned()),
    }
}

/// The text with quotes around each number that would lose digits, and how many members its objects have in all.
fn with_safe_numbers(text: &str) -> (String, usize) {
    let bytes = text.as_bytes();
    let mut safe = String::with_capacity(text.len());
    let (mut at, mut copied, mut members) = (0, 0, 0);
    while at < bytes.len() {
        match bytes[at] {
            b'"' => {
                at += 1;
                while at < bytes.len() && bytes[at] != b'"' {
                    at += if bytes[at] == b'\\' { 2 } else { 1 };
                }
                at += 1;
            }
            b':' => {
                members += 1;
                at += 1;
            }
            b'-' | b'0'..=b'9' => {
                let start = at;
                while at < bytes.len() && matches!(bytes[at], b'-' | b'+' | b'.' | b'e' | b'E' | b'0'..=b'9') {
                    at += 1;
                }
                let number = &text[start..at];
                if !is_safe(number) {
                    safe.push_str(&text[copied..start]);
                    safe.push('"');
                    safe.push_str(number);
                    safe.push('"');
                    copied = at;
                }
            }
            _ => at += 1,
        }
    }
    safe.push_str(&text[copied..]);
    (safe, members)
}

fn count_members(value: &Value) -> usize {
    match value {
        Value::Array(items) => items.iter().map(count_members).sum(),
        Value::Object(members) => members.len() + members.values().map(count_members).sum::<usize>(),
        _ => 0,
    }
}

/// Whether a reader that keeps numbers as doubles gives back the same number.
fn is_safe(number: &str) -> bool {
    if let Ok(integer) = number.parse::<i64>() {
        return (-INTEGER_MAX..=INTEGER_MAX).contains(&integer);
    }
    match number.parse::<f64>() {
        Ok(double) if double.is_finite() => digits(number) == digits(&format!("{double:e}")),
        _ => false,
    }
}

/// Significant digits and the power of ten behind them: the number, however it is written.
fn digits(number: &str) -> Option<(bool, String, i64)> {
    let (negative, number) = number.strip_prefix('-').map_or((false, number), |rest| (true, rest));
    let (mantissa, exponent) = number.split_once(['e', 'E']).unwrap_or((number, "0"));
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let all = format!("{whole}{fraction}");
    let significant = all.trim_start_matches('0').trim_end_matches('0');
    if significant.is_empty() {
        return Some((false, String::new(), 0));
    }
    let trailing = all.len() - all.trim_end_matches('0').len();
    let exponent: i64 = exponent.parse().ok()?;
    let power = exponent - i64::try_from(fraction.len()).ok()? + i64::try_from(trailing).ok()?;
    Some((negative, significant.to_owned(), power))
}
