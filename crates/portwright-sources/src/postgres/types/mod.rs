//! PostgreSQL's values as JSON, without loss, and JSON as its parameters.
//!
//! | PostgreSQL                         | JSON                                                                    |
//! |------------------------------------|-------------------------------------------------------------------------|
//! | bool, int2, int4, oid              | boolean, integer                                                        |
//! | int8, xid8                         | integer within ±(2^53 − 1), else string                                 |
//! | float4, float8                     | number; `"NaN"`, `"Infinity"`, `"-Infinity"`                            |
//! | numeric                            | string with all its digits                                              |
//! | bytea                              | base64 string                                                           |
//! | json, jsonb                        | as it is; a number that a double can't hold is a string; what a JSON    |
//! |                                    | object can't hold (a key twice, more than 128 levels) is its text       |
//! | date, timestamp, timestamptz, time | ISO 8601 strings; years beyond 0–9999 as ±YYYYYY; `"infinity"`          |
//! | interval                           | ISO 8601 duration                                                       |
//! | arrays                             | arrays (where they start counting is not told)                          |
//! | composites, records                | objects; fields of a record are `f1`, `f2`, …                           |
//! | hstore                             | object of strings                                                       |
//! | all others                         | string, as PostgreSQL writes it                                         |

mod bind;
mod calendar;
mod cursor;
mod decode;
mod documents;
mod forms;
mod schema;

pub(super) use bind::{Bound, ValueError};
pub(super) use decode::{Cell, Decoded};
pub(super) use schema::schema;

/// Integers that every JSON reader keeps: 2^53 − 1.
const SAFE_INTEGER: u64 = (1 << 53) - 1;

const BASE64: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/// Base64 with padding (RFC 4648, section 4).
fn to_base64(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for chunk in bytes.chunks(3) {
        let part = |index: usize| u32::from(chunk.get(index).copied().unwrap_or(0));
        let bits = part(0) << 16 | part(1) << 8 | part(2);
        for digit in 0..4 {
            let value = (bits >> (18 - 6 * digit)) & 63;
            text.push(if digit <= chunk.len() { BASE64[value as usize] as char } else { '=' });
        }
    }
    text
}

/// None if it is not base64 with padding.
fn from_base64(text: &str) -> Option<Vec<u8>> {
    if text.len() % 4 != 0 {
        return None;
    }
    let digits = text.trim_end_matches('=');
    if text.len() - digits.len() > 2 {
        return None;
    }
    let mut bytes = Vec::with_capacity(digits.len() * 3 / 4);
    let mut bits = 0_u32;
    for (index, digit) in digits.bytes().enumerate() {
        let value = BASE64.iter().position(|candidate| *candidate == digit)?;
        bits = bits << 6 | u32::try_from(value).ok()?;
        if index % 4 > 0 {
            bytes.push((bits >> (6 - 2 * (index % 4))) as u8);
        }
    }
    Some(bytes)
}

#[cfg(test)]
mod tests;
