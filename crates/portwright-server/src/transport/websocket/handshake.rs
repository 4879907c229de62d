//! The opening handshake (RFC 6455, section 4.2): what must hold before a connection changes its protocol.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Response, StatusCode, Version, header, request};
use sha1::{Digest, Sha1};

use crate::transport::http::body::Body;
use crate::transport::http::respond::{empty, method_not_allowed, plain};

/// The subprotocol of MCP. No revision of the specification has it; the clients that speak WebSocket offer it.
const SUBPROTOCOL: &str = "mcp";

/// Agrees to change the protocol, or says why not. Clients that offer no subprotocol are let in, since nothing else is
/// spoken here; those that offer only others expect something else.
pub(super) fn agree(head: &request::Parts) -> Result<Response<Body>, Box<Response<Body>>> {
    let headers = &head.headers;
    if head.method != Method::GET {
        return Err(Box::new(method_not_allowed("GET")));
    }
    let asks = names(headers, &header::CONNECTION, |name| name.eq_ignore_ascii_case("upgrade"))
        && names(headers, &header::UPGRADE, |name| name.eq_ignore_ascii_case("websocket"));
    if !asks || head.version != Version::HTTP_11 {
        let mut response = plain(StatusCode::UPGRADE_REQUIRED, "a WebSocket is served here");
        response.headers_mut().insert(header::UPGRADE, HeaderValue::from_static("websocket"));
        response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("upgrade"));
        return Err(Box::new(response));
    }
    if one(headers, &header::SEC_WEBSOCKET_VERSION) != Some("13") {
        let mut response = plain(StatusCode::UPGRADE_REQUIRED, "version 13 of the WebSocket protocol is served here");
        response.headers_mut().insert(header::SEC_WEBSOCKET_VERSION, HeaderValue::from_static("13"));
        return Err(Box::new(response));
    }
    let refuse = |text| Err(Box::new(plain(StatusCode::BAD_REQUEST, text)));
    let key = one(headers, &header::SEC_WEBSOCKET_KEY);
    let Some(accept) = key.and_then(accept) else { return refuse("Sec-WebSocket-Key must be 16 bytes in base64") };
    let offers = headers.contains_key(header::SEC_WEBSOCKET_PROTOCOL);
    if offers && !names(headers, &header::SEC_WEBSOCKET_PROTOCOL, |name| name == SUBPROTOCOL) {
        return refuse("the subprotocol that is served here is `mcp`");
    }
    let mut response = empty(StatusCode::SWITCHING_PROTOCOLS);
    let answers = response.headers_mut();
    answers.insert(header::UPGRADE, HeaderValue::from_static("websocket"));
    answers.insert(header::CONNECTION, HeaderValue::from_static("upgrade"));
    answers.insert(header::SEC_WEBSOCKET_ACCEPT, accept);
    if offers {
        answers.insert(header::SEC_WEBSOCKET_PROTOCOL, HeaderValue::from_static(SUBPROTOCOL));
    }
    Ok(response)
}

/// Whether one of the header's comma-separated values is it.
fn names(headers: &HeaderMap, header: &HeaderName, is: impl Fn(&str) -> bool) -> bool {
    let texts = headers.get_all(header).iter().filter_map(|value| value.to_str().ok());
    texts.flat_map(|text| text.split(',')).any(|one| is(one.trim()))
}

/// The header's value, if it is there once.
fn one<'a>(headers: &'a HeaderMap, header: &HeaderName) -> Option<&'a str> {
    let mut values = headers.get_all(header).iter();
    match (values.next(), values.next()) {
        (Some(value), None) => value.to_str().ok().map(str::trim),
        _ => None,
    }
}

/// What proves that the key was read; none for what is no key.
fn accept(key: &str) -> Option<HeaderValue> {
    const MAGIC: &[u8] = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
    STANDARD.decode(key).ok().filter(|bytes| bytes.len() == 16)?;
    let digest = Sha1::new().chain_update(key.as_bytes()).chain_update(MAGIC).finalize();
    HeaderValue::from_str(&STANDARD.encode(digest)).ok()
}

#[cfg(test)]
mod tests {
    use super::accept;

    /// The example of RFC 6455, section 1.3.
    #[test]
    fn a_key_is_answered_as_the_standard_says() {
        let answer = accept("dGhlIHNhbXBsZSBub25jZQ==").expect("a key");
        assert_eq!(answer, "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
        for wrong in ["", "AAAA", "dGhlIHNhbXBsZSBub25jZQ", "dGhlIHNhbXBsZSBub25jZSE="] {
            assert!(accept(wrong).is_none(), "{wrong}");
        }
    }
}
