//! Bodies: what comes in is bounded in type, encoding, size and time; what goes out is whole, or a stream of events.

use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use futures::Stream;
use http::{HeaderMap, Response, StatusCode, header};
use http_body_util::BodyExt;
use hyper::body::{Frame, Incoming, SizeHint};
use portwright_core::limits;

use super::pulse::Serving;
use super::respond::plain;

/// What goes out.
pub(in crate::transport) struct Body {
    content: Content,
    /// The request is being served until its response is out.
    serving: Option<Serving>,
}

enum Content {
    /// All there is, or nothing any more.
    Whole(Option<Bytes>),
    /// Events as they come.
    Events(Pin<Box<dyn Stream<Item = Bytes> + Send>>),
}

impl Body {
    pub(in crate::transport) fn empty() -> Self {
        Self { content: Content::Whole(None), serving: None }
    }

    pub(in crate::transport) fn whole(bytes: impl Into<Bytes>) -> Self {
        Self { content: Content::Whole(Some(bytes.into())), serving: None }
    }

    pub(in crate::transport) fn events(events: impl Stream<Item = Bytes> + Send + 'static) -> Self {
        Self { content: Content::Events(Box::pin(events)), serving: None }
    }

    pub(super) fn while_serving(mut self, serving: Serving) -> Self {
        self.serving = Some(serving);
        self
    }
}

impl hyper::body::Body for Body {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let next = match &mut self.get_mut().content {
            Content::Whole(bytes) => Poll::Ready(bytes.take()),
            Content::Events(events) => events.as_mut().poll_next(cx),
        };
        next.map(|bytes| bytes.map(|bytes| Ok(Frame::data(bytes))))
    }

    fn is_end_stream(&self) -> bool {
        matches!(self.content, Content::Whole(None))
    }

    fn size_hint(&self) -> SizeHint {
        match &self.content {
            Content::Whole(bytes) => SizeHint::with_exact(bytes.as_ref().map_or(0, Bytes::len) as u64),
            Content::Events(_) => SizeHint::default(),
        }
    }
}

/// Refuses what can't be one of our messages, or can't be answered, before its body is read.
#[expect(clippy::result_large_err, reason = "the response goes out as it is")]
pub(super) fn check_head(headers: &HeaderMap) -> Result<(), Response<Body>> {
    check_content(headers)?;
    let accept = Accept::of(headers);
    if !accept.json && !accept.stream {
        let text = "Accept must allow application/json and text/event-stream";
        return Err(plain(StatusCode::NOT_ACCEPTABLE, text));
    }
    Ok(())
}

/// Refuses what can't be one of our messages before its body is read.
#[expect(clippy::result_large_err, reason = "the response goes out as it is")]
pub(in crate::transport) fn check_content(headers: &HeaderMap) -> Result<(), Response<Body>> {
    let content = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let essence = content.split(';').next().unwrap_or_default().trim();
    if !essence.eq_ignore_ascii_case("application/json") {
        return Err(plain(StatusCode::UNSUPPORTED_MEDIA_TYPE, "Content-Type must be application/json"));
    }
    if headers.get_all(header::CONTENT_ENCODING).iter().any(|value| value != "identity") {
        return Err(plain(StatusCode::UNSUPPORTED_MEDIA_TYPE, "Content-Encoding is not supported; send plain JSON"));
    }
    let length = headers.get(header::CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse::<u64>().ok());
    if length.is_some_and(|length| length > limits::MESSAGE_BYTES_MAX as u64) {
        return Err(too_large());
    }
    Ok(())
}

/// What the client reads.
#[derive(Debug, Clone, Copy)]
pub(in crate::transport) struct Accept {
    pub(in crate::transport) json: bool,
    pub(in crate::transport) stream: bool,
}

impl Accept {
    pub(in crate::transport) fn of(headers: &HeaderMap) -> Self {
        let mut accept = Self { json: false, stream: false };
        let mut any = false;
        for value in headers.get_all(header::ACCEPT) {
            for range in value.to_str().unwrap_or_default().split(',') {
                any = true;
                let mut parts = range.split(';').map(str::trim);
                let range = parts.next().unwrap_or_default();
                let is = |name: &str| range.eq_ignore_ascii_case(name);
                let refused = parts.any(|part| matches!(part, "q=0" | "q=0.0" | "q=0.00" | "q=0.000"));
                accept.json |= !refused && (is("application/json") || is("application/*") || is("*/*"));
                accept.stream |= !refused && (is("text/event-stream") || is("text/*") || is("*/*"));
            }
        }
        // Nothing said, everything accepted (RFC 9110, section 12.5.1).
        if any { accept } else { Self { json: true, stream: true } }
    }
}

/// Reads the body, bounded in size and time. One that came in one piece is not copied.
pub(in crate::transport) async fn read(body: Incoming, wait: Duration) -> Result<Bytes, Response<Body>> {
    match tokio::time::timeout(wait, collect(body)).await {
        Ok(read) => read,
        Err(_) => Err(closing(plain(StatusCode::REQUEST_TIMEOUT, "the body came too slowly"))),
    }
}

async fn collect(mut body: Incoming) -> Result<Bytes, Response<Body>> {
    let mut first = Bytes::new();
    let mut all = BytesMut::new();
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|_| plain(StatusCode::BAD_REQUEST, "the body broke off"))?;
        let Ok(piece) = frame.into_data() else { continue };
        if first.len() + all.len() + piece.len() > limits::MESSAGE_BYTES_MAX {
            return Err(too_large());
        }
        if all.is_empty() && first.is_empty() {
            first = piece;
            continue;
        }
        all.extend_from_slice(&std::mem::take(&mut first));
        all.extend_from_slice(&piece);
    }
    Ok(if all.is_empty() { first } else { all.freeze() })
}

fn too_large() -> Response<Body> {
    closing(plain(StatusCode::PAYLOAD_TOO_LARGE, "a message may hold 4 MiB"))
}

/// What is left of the body is not worth reading.
fn closing(mut response: Response<Body>) -> Response<Body> {
    response.headers_mut().insert(header::CONNECTION, http::HeaderValue::from_static("close"));
    response
}
