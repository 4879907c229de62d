//! Headers that mirror the body (2026-07-28, "Standard Headers"): they must say what the body says, so that a proxy
//! that judges by headers and a server that judges by the body judge the same call.

use std::borrow::Cow;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::HeaderMap;
use portwright_core::Principal;
use serde_json::Value;

use super::envelope::Request;
use super::errors::WireError;
use super::params;
use crate::catalog::{Catalog, HeaderParam};

pub(crate) const PROTOCOL_VERSION: &str = "mcp-protocol-version";
const METHOD: &str = "mcp-method";
const NAME: &str = "mcp-name";

/// Holds the header that names the revision against the body, whatever revision it is.
pub(crate) fn check_version(headers: &HeaderMap, version: &str) -> Result<(), WireError> {
    same(PROTOCOL_VERSION, one(headers, PROTOCOL_VERSION)?, version)
}

/// Holds the other headers of a request against its body.
///
/// Whoever may not know of a tool does not learn which headers it wants.
pub(crate) fn check(
    headers: &HeaderMap,
    request: &Request<'_>,
    catalog: &Catalog,
    principal: &Principal,
) -> Result<(), WireError> {
    let params = &request.params;
    same(METHOD, one(headers, METHOD)?, &request.method)?;
    // The parameter that `Mcp-Name` mirrors.
    let named = match &*request.method {
        "tools/call" | "prompts/get" => params.name,
        "resources/read" => params.uri,
        "tasks/get" | "tasks/update" | "tasks/cancel" => params.task_id,
        _ => return Ok(()),
    };
    let name = named.and_then(|raw| params::text("name", Some(raw)).ok());
    let header = one(headers, NAME)?.map(decode).transpose()?;
    match (&name, header) {
        (Some(name), header) => same(NAME, header.as_deref(), name)?,
        (None, Some(_)) => return Err(mismatch(NAME)),
        (None, None) => {}
    }
    match catalog.tool_for(name.as_deref().unwrap_or_default(), Some(principal)) {
        Some(entry) if request.method == "tools/call" && !entry.headers.is_empty() => {
            let arguments = params.arguments.and_then(|raw| serde_json::from_str(raw.get()).ok());
            mirrored(headers, &entry.headers, &arguments.unwrap_or(Value::Null))
        }
        _ => Ok(()),
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

/// Values that are not plain visible ASCII come as `=?base64?…?=` of their UTF-8. The base64 is read strictly: full
/// padding, no stray bits, nothing else.
fn decode(value: &str) -> Result<Cow<'_, str>, WireError> {
    let Some(inner) = value.strip_prefix("=?base64?").and_then(|rest| rest.strip_suffix("?=")) else {
        return Ok(Cow::Borrowed(value));
    };
    let text = STANDARD.decode(inner).ok().and_then(|bytes| String::from_utf8(bytes).ok());
    text.map(Cow::Owned).ok_or_else(|| WireError::header_mismatch("a header's base64 can't be read"))
}

#[cfg(test)]
mod tests {
    use super::decode;

    #[test]
    fn sentinels_are_read_strictly() {
        assert_eq!(decode("plain").expect("plain"), "plain");
        assert_eq!(decode("=?base64?w6k=?=").expect("é"), "é");
        assert_eq!(decode("=?base64??=").expect("nothing"), "");
        for wrong in ["aGk", "aGl=", "a===", "aG k", "aGk=\n", "====", "-_-_", "/w=="] {
            assert!(decode(&format!("=?base64?{wrong}?=")).is_err(), "{wrong:?}");
        }
    }
}
