//! A request's head and body, before anything reads them: type, encoding, size and time are bounded.

use axum::body::Body;
use bytes::Bytes;
use http::{HeaderMap, Response, StatusCode, header};
use http_body_util::{BodyExt, LengthLimitError, Limited};
use hyper::body::Incoming;
use portwright_core::limits;

use super::respond::plain;

/// Refuses what can't be one of our messages before its body is read.
pub(super) fn check_head(headers: &HeaderMap) -> Result<(), Response<Body>> {
    let content = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let essence = content.split(';').next().unwrap_or_default().trim();
    if !essence.eq_ignore_ascii_case("application/json") {
        return Err(plain(StatusCode::UNSUPPORTED_MEDIA_TYPE, "Content-Type must be application/json"));
    }
    let encoded = headers.get_all(header::CONTENT_ENCODING).iter().any(|value| value != "identity");
    if encoded {
        return Err(plain(StatusCode::UNSUPPORTED_MEDIA_TYPE, "Content-Encoding is not supported; send plain JSON"));
    }
    let accept = Accept::of(headers);
    if !accept.json && !accept.stream {
        let text = "Accept must allow application/json and text/event-stream";
        return Err(plain(StatusCode::NOT_ACCEPTABLE, text));
    }
    let length = headers.get(header::CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse::<u64>().ok());
    if length.is_some_and(|length| length > limits::MESSAGE_BYTES_MAX as u64) {
        return Err(too_large());
    }
    Ok(())
}

/// What the client reads.
#[derive(Debug, Clone, Copy)]
pub(super) struct Accept {
    pub(super) json: bool,
    pub(super) stream: bool,
}

impl Accept {
    pub(super) fn of(headers: &HeaderMap) -> Self {
        let mut accept = Self { json: false, stream: false };
        let mut any = false;
        for value in headers.get_all(header::ACCEPT) {
            for range in value.to_str().unwrap_or_default().split(',') {
                any = true;
                let range = range.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
                accept.json |= matches!(range.as_str(), "application/json" | "application/*" | "*/*");
                accept.stream |= matches!(range.as_str(), "text/event-stream" | "text/*" | "*/*");
            }
        }
        // Nothing said, everything accepted (RFC 9110, section 12.5.1).
        if any { accept } else { Self { json: true, stream: true } }
    }
}

/// Reads the body, bounded in size and time.
pub(super) async fn read(body: Incoming) -> Result<Bytes, Response<Body>> {
    let limited = Limited::new(body, limits::MESSAGE_BYTES_MAX).collect();
    match tokio::time::timeout(limits::BODY_WAIT, limited).await {
        Ok(Ok(body)) => Ok(body.to_bytes()),
        Ok(Err(error)) if error.is::<LengthLimitError>() => Err(too_large()),
        Ok(Err(_)) => Err(plain(StatusCode::BAD_REQUEST, "the body broke off")),
        Err(_) => Err(plain(StatusCode::REQUEST_TIMEOUT, "the body came too slowly")),
    }
}

fn too_large() -> Response<Body> {
    plain(StatusCode::PAYLOAD_TOO_LARGE, "a message may hold 4 MiB")
}
