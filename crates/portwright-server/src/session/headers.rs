//! Headers that mirror the body (2026-07-28, "Standard Headers"): they must say what the body says, so that a proxy
//! that judges by headers and a server that judges by the body judge the same call.

use http::HeaderMap;
use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;

use super::errors::WireError;
use crate::catalog::{Catalog, HeaderParam};

pub(crate) const PROTOCOL_VERSION: &str = "mcp-protocol-version";
const METHOD: &str = "mcp-method";
const NAME: &str = "mcp-name";

/// Holds the headers of a request against its body.
pub(crate) fn check(
    headers: &HeaderMap,
    version: &str,
    method: &str,
    params: Option<&RawValue>,
    catalog: &Catalog,
) -> Result<(), WireError> {
    same(PROTOCOL_VERSION, one(headers, PROTOCOL_VERSION)?, version)?;
    same(METHOD, one(headers, METHOD)?, method)?;
    let Some(key) = named_by(method) else { return Ok(()) };
    let named = Named::read(params, key);
    let header = one(headers, NAME)?.map(decode).transpose()?;
    match (&named.name, header) {
        (Some(name), header) => same(NAME, header.as_deref(), name)?,
        (None, Some(_)) => return Err(mismatch(NAME)),
        (None, None) => {}
    }
    match catalog.tool(named.name.as_deref().unwrap_or_default()) {
        Some(entry) if method == "tools/call" && !entry.headers.is_empty() => {
            let arguments = named.arguments.and_then(|raw| serde_json::from_str(raw.get()).ok());
            mirrored(headers, &entry.headers, &arguments.unwrap_or(Value::Null))
        }
        _ => Ok(()),
    }
}

/// The parameter that `Mcp-Name` mirrors.
fn named_by(method: &str) -> Option<&'static str> {
    match method {
        "tools/call" | "prompts/get" => Some("name"),
        "resources/read" => Some("uri"),
        _ => None,
    }
}

struct Named<'a> {
    name: Option<String>,
    arguments: Option<&'a RawValue>,
}

impl<'a> Named<'a> {
    fn read(params: Option<&'a RawValue>, key: &str) -> Self {
        #[derive(Deserialize, Default)]
        struct Both<'a> {
            #[serde(borrow, default)]
            name: Option<&'a RawValue>,
            #[serde(borrow, default)]
            uri: Option<&'a RawValue>,
            #[serde(borrow, default)]
            arguments: Option<&'a RawValue>,
        }
        let both: Both<'a> = params.and_then(|params| serde_json::from_str(params.get()).ok()).unwrap_or_default();
        let name = if key == "uri" { both.uri } else { both.name };
        Self { name: name.and_then(|raw| serde_json::from_str(raw.get()).ok()), arguments: both.arguments }
    }
}

/// `Mcp-Param-*`: each mirrored argument that is there must have its header, and no other.
fn mirrored(headers: &HeaderMap, params: &[HeaderParam], arguments: &Value) -> Result<(), WireError> {
    for param in params {
        let value = param.path.iter().try_fold(arguments, |value, key| value.get(key)).filter(|value| !value.is_null());
        let header = one(headers, &param.header)?.map(decode).transpose()?;
        let agrees = match (value, header) {
            (None, None) => true,
            (Some(Value::String(value)), Some(header)) => *value == header,
            (Some(Value::Bool(value)), Some(header)) => header == value.to_string(),
            (Some(Value::Number(value)), Some(header)) => {
                header.trim().parse::<f64>().ok().is_some_and(|header| Some(header) == value.as_f64())
            }
            _ => false,
        };
        if !agrees {
            return Err(mismatch(&param.header));
        }
    }
    Ok(())
}

/// A header that may occur once.
fn one<'a>(headers: &'a HeaderMap, name: &str) -> Result<Option<&'a str>, WireError> {
    let mut values = headers.get_all(name).iter();
    let first = values.next();
    if values.next().is_some() {
        return Err(WireError::header_mismatch(format!("header `{name}` occurs twice")));
    }
    let unreadable = |_| WireError::header_mismatch(format!("header `{name}` holds characters that it may not"));
    first.map(|value| value.to_str().map(str::trim).map_err(unreadable)).transpose()
}

fn same(name: &str, header: Option<&str>, body: &str) -> Result<(), WireError> {
    if header == Some(body) { Ok(()) } else { Err(mismatch(name)) }
}

fn mismatch(name: &str) -> WireError {
    WireError::header_mismatch(format!("header `{name}` is missing or does not say what the body says"))
}

/// Values that are not plain visible ASCII come as `=?base64?…?=` of their UTF-8.
fn decode(value: &str) -> Result<String, WireError> {
    let Some(inner) = value.strip_prefix("=?base64?").and_then(|rest| rest.strip_suffix("?=")) else {
        return Ok(value.to_owned());
    };
    let text = base64(inner).and_then(|bytes| String::from_utf8(bytes).ok());
    text.ok_or_else(|| WireError::header_mismatch("a header's base64 can't be read"))
}

/// Strict standard base64 (RFC 4648 section 4): full padding, no stray bits, nothing else.
fn base64(text: &str) -> Option<Vec<u8>> {
    let bytes = text.as_bytes();
    if bytes.len() % 4 != 0 {
        return None;
    }
    let padding = bytes.iter().rev().take_while(|byte| **byte == b'=').count();
    if padding > 2 {
        return None;
    }
    let mut out = Vec::with_capacity(bytes.len() / 4 * 3);
    let (mut buffer, mut bits) = (0u32, 0u32);
    for byte in &bytes[..bytes.len() - padding] {
        let six = match byte {
            b'A'..=b'Z' => byte - b'A',
            b'a'..=b'z' => byte - b'a' + 26,
            b'0'..=b'9' => byte - b'0' + 52,
            b'+' => 62,
            b'/' => 63,
            _ => return None,
        };
        buffer = (buffer << 6) | u32::from(six);
        bits += 6;
        if bits >= 8 {
            bits -= 8;
            out.push(u8::try_from((buffer >> bits) & 0xff).ok()?);
        }
    }
    ((buffer & ((1 << bits) - 1)) == 0).then_some(out)
}

#[cfg(test)]
mod tests {
    use super::{base64, decode};

    #[test]
    fn sentinels_are_read_strictly() {
        assert_eq!(decode("plain").expect("plain"), "plain");
        assert_eq!(decode("=?base64?w6k=?=").expect("é"), "é");
        assert_eq!(base64(""), Some(Vec::new()));
        assert_eq!(base64("aGk="), Some(b"hi".to_vec()));
        for wrong in ["aGk", "aGl=", "a===", "aG k", "aGk=\n", "====", "-_-_"] {
            assert_eq!(base64(wrong), None, "{wrong:?}");
        }
        assert!(decode("=?base64?aGk?=").is_err());
        assert!(decode("=?base64?/w==?=").is_err(), "not UTF-8");
    }
}
