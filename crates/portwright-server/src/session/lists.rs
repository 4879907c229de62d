//! Lists, page by page. Entries were written when the catalog was built; a page only strings them together.
//!
//! A cursor is the name after which the next page begins, so it stays good while the catalog changes.

use portwright_core::limits;
use serde_json::value::RawValue;

use super::dispatch::Scene;
use super::errors::WireError;
use super::{params, reply};
use crate::catalog::Section;

/// One page of a list as a result.
pub(crate) fn page(
    scene: &Scene<'_>,
    key: &str,
    section: &Section,
    cursor: Option<&RawValue>,
) -> Result<Vec<u8>, WireError> {
    let cursor: Option<String> = params::optional("cursor", cursor)?;
    let after = cursor.filter(|cursor| !cursor.is_empty()).map(|cursor| decode(&cursor)).transpose()?;
    let (entries, next) = section.page(after.as_deref(), limits::PAGE_ENTRIES);
    let size: usize = entries.iter().map(|entry| entry.1.get().len() + 1).sum();
    let mut bytes = Vec::with_capacity(size + 256);
    bytes.extend_from_slice(b"{\"");
    bytes.extend_from_slice(key.as_bytes());
    bytes.extend_from_slice(b"\":[");
    for (index, (_, json)) in entries.iter().enumerate() {
        if index > 0 {
            bytes.push(b',');
        }
        bytes.extend_from_slice(json.get().as_bytes());
    }
    bytes.push(b']');
    if let Some(next) = next {
        bytes.extend_from_slice(b",\"nextCursor\":\"");
        bytes.extend_from_slice(encode(next).as_bytes());
        bytes.push(b'"');
    }
    if scene.speaker.modern() {
        // Private: what a list holds will differ with what the caller may use.
        let freshness =
            format!(r#","resultType":"complete","ttlMs":{},"cacheScope":"private","_meta":"#, reply::list_ttl_ms());
        bytes.extend_from_slice(freshness.as_bytes());
        bytes.extend_from_slice(scene.engine.info.meta().as_bytes());
    }
    bytes.push(b'}');
    Ok(bytes)
}

fn encode(name: &str) -> String {
    let digits = name.bytes().flat_map(|byte| [byte >> 4, byte & 15]);
    std::iter::once('a').chain(digits.filter_map(|digit| char::from_digit(digit.into(), 16))).collect()
}

fn decode(cursor: &str) -> Result<String, WireError> {
    let wrong = || WireError::invalid_params("`cursor` is none of this server's; start without one");
    let digits = cursor.strip_prefix('a').filter(|digits| digits.len() <= 2 * limits::URI_BYTES_MAX);
    let digits = digits
        .filter(|digits| digits.bytes().all(|byte| byte.is_ascii_hexdigit()) && digits.len().is_multiple_of(2))
        .ok_or_else(wrong)?;
    let byte = |at: usize| u8::from_str_radix(&digits[at..at + 2], 16).ok();
    let bytes: Option<Vec<u8>> = (0..digits.len()).step_by(2).map(byte).collect();
    bytes.and_then(|bytes| String::from_utf8(bytes).ok()).ok_or_else(wrong)
}

#[cfg(test)]
mod tests {
    use super::{decode, encode};

    #[test]
    fn cursors_come_back_as_they_went() {
        for name in ["", "query_customers", "db://shop/größe"] {
            assert_eq!(decode(&encode(name)).expect("our own cursor"), name);
        }
        for wrong in ["x", "a0", "azz", "aff", "öö", "a+1"] {
            assert!(decode(wrong).is_err(), "{wrong}");
        }
    }
}
