//! Server-sent events: a call's notifications and its answer, or a stream of changes.

use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use axum::body::Body;
use bytes::Bytes;
use futures::Stream;
use http::{HeaderValue, Response, StatusCode};
use portwright_core::limits;
use tokio::sync::mpsc;

use super::respond;
use crate::server::Engine;
use crate::session::streams::{self, Listening};

/// A message as an event.
pub(super) fn event(json: &[u8]) -> Bytes {
    let mut bytes = Vec::with_capacity(json.len() + 24);
    bytes.extend_from_slice(b"event: message\ndata: ");
    bytes.extend_from_slice(json);
    bytes.extend_from_slice(b"\n\n");
    bytes.into()
}

/// Events as they come, and something that lives as long as somebody reads them.
struct Events<G> {
    queue: mpsc::Receiver<Bytes>,
    _guard: G,
}

impl<G: Unpin> Stream for Events<G> {
    type Item = Result<Bytes, Infallible>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.queue.poll_recv(cx).map(|event| event.map(Ok))
    }
}

/// A response of events. `guard` is dropped when the client goes or the stream ends.
pub(super) fn response<G: Unpin + Send + 'static>(queue: mpsc::Receiver<Bytes>, guard: G) -> Response<Body> {
    let body = Body::from_stream(Events { queue, _guard: guard });
    let mut response = respond::with_type(StatusCode::OK, "text/event-stream", body);
    let headers = response.headers_mut();
    headers.insert(http::header::CACHE_CONTROL, HeaderValue::from_static("no-cache, no-transform"));
    headers.insert("x-accel-buffering", HeaderValue::from_static("no"));
    response
}

/// A stream of changes, as long as the client reads and the server runs.
pub(super) fn changes<G: Unpin + Send + 'static>(
    engine: &Arc<Engine>,
    listening: Listening,
    first: Option<Vec<u8>>,
    guard: G,
) -> Response<Body> {
    let Ok(place) = engine.streams.clone().try_acquire_owned() else {
        return respond::plain(StatusCode::SERVICE_UNAVAILABLE, "too many streams are open; try again later");
    };
    let (events, queue) = mpsc::channel(limits::OUTBOX_MESSAGES_MAX);
    let (engine, mut changes) = (engine.clone(), engine.supervisor.changes());
    tokio::spawn(async move {
        let _place = place;
        if let Some(first) = first
            && events.send(event(&first)).await.is_err()
        {
            return;
        }
        loop {
            let messages = tokio::select! {
                changed = changes.recv() => match streams::heard(changed) {
                    Some(changed) => listening.messages(changed),
                    None => break,
                },
                () = tokio::time::sleep(limits::KEEP_ALIVE) => {
                    // A reader whose queue is still full after so long is gone.
                    if events.try_send(Bytes::from_static(b": keep-alive\n\n")).is_err() {
                        return;
                    }
                    continue;
                }
                () = engine.draining.cancelled() => break,
                () = events.closed() => return,
            };
            for message in messages {
                if events.try_send(event(&message)).is_err() {
                    return;
                }
            }
        }
        if let Some(end) = listening.ended(&engine.info) {
            let _ = events.try_send(event(&end));
        }
    });
    response(queue, guard)
}
