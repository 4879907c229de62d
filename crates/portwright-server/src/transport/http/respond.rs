//! Responses.

use std::time::Duration;

use http::{HeaderValue, Response, StatusCode, header};

use super::body::Body;
use crate::session::envelope::Id;
use crate::session::errors::WireError;
use crate::session::reply::{self, Outcome};

/// A line of text: HTTP's own business.
pub(in crate::transport) fn plain(status: StatusCode, text: &'static str) -> Response<Body> {
    with_type(status, "text/plain; charset=utf-8", Body::whole(text))
}

/// Nothing has this path.
pub(super) fn nothing_here() -> Response<Body> {
    plain(StatusCode::NOT_FOUND, "nothing is served here; MCP is at /mcp")
}

pub(in crate::transport) fn json(status: StatusCode, bytes: Vec<u8>) -> Response<Body> {
    with_type(status, "application/json", Body::whole(bytes))
}

pub(in crate::transport) fn empty(status: StatusCode) -> Response<Body> {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = status;
    response
}

pub(in crate::transport) fn with_type(status: StatusCode, kind: &'static str, body: Body) -> Response<Body> {
    let mut response = Response::new(body);
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    response
}

/// A JSON-RPC error under a status of its own.
pub(in crate::transport) fn refuse(id: Option<&Id>, error: WireError, status: StatusCode) -> Response<Body> {
    json(status, reply::answer(id, Outcome::Error(error), None).bytes)
}

pub(in crate::transport) fn method_not_allowed(allow: &'static str) -> Response<Body> {
    let mut response = plain(StatusCode::METHOD_NOT_ALLOWED, "this method is not served here");
    response.headers_mut().insert(header::ALLOW, HeaderValue::from_static(allow));
    response
}

/// Too often; come again after this wait.
pub(in crate::transport) fn wait(wait: Duration, text: &'static str) -> Response<Body> {
    let mut response = plain(StatusCode::TOO_MANY_REQUESTS, text);
    let seconds = wait.as_secs() + u64::from(wait.subsec_nanos() > 0);
    response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
    response
}

/// Too much is going on; come again in a second.
pub(in crate::transport) fn busy(mut response: Response<Body>) -> Response<Body> {
    response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static("1"));
    response
}
