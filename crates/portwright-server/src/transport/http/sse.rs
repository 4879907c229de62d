//! Server-sent events: a call's notifications and its answer, or a stream of changes.

use std::sync::Arc;

use bytes::Bytes;
use futures::stream;
use http::{HeaderValue, Response, StatusCode};
use portwright_core::limits;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::body::Body;
use super::respond;
use crate::server::Engine;
use crate::session::streams::{Ears, Listening};

/// A message as an event.
pub(super) fn event(json: &[u8]) -> Bytes {
    let mut bytes = Vec::with_capacity(json.len() + 24);
    bytes.extend_from_slice(b"event: message\ndata: ");
    bytes.extend_from_slice(json);
    bytes.extend_from_slice(b"\n\n");
    bytes.into()
}

/// A response of events.
pub(super) fn response(body: Body) -> Response<Body> {
    let mut response = respond::with_type(StatusCode::OK, "text/event-stream", body);
    let headers = response.headers_mut();
    headers.insert(http::header::CACHE_CONTROL, HeaderValue::from_static("no-cache, no-transform"));
    headers.insert("x-accel-buffering", HeaderValue::from_static("no"));
    response
}

/// A response of events that are all there.
pub(super) fn whole(events: &[Bytes]) -> Response<Body> {
    response(Body::whole(events.concat()))
}

/// A stream of changes, as long as the client reads, the server runs and `open` has not fired. `held` is dropped with
/// it.
pub(super) fn changes<G: Send + 'static>(
    engine: &Arc<Engine>,
    listening: Listening,
    first: Option<Vec<u8>>,
    open: CancellationToken,
    held: G,
) -> Response<Body> {
    let Ok(place) = engine.streams.clone().try_acquire_owned() else {
        let refused = "too many streams are open; try again later";
        return respond::busy(respond::plain(StatusCode::SERVICE_UNAVAILABLE, refused));
    };
    let (events, queue) = mpsc::channel(limits::OUTBOX_MESSAGES_MAX);
    let (engine, mut ears) = (engine.clone(), Ears::of(engine));
    if let Some(first) = first {
        let _ = events.try_send(event(&first));
    }
    tokio::spawn(async move {
        let _held = (place, held);
        loop {
            let messages = tokio::select! {
                messages = listening.hear(&mut ears) => match messages {
                    Some(messages) => messages,
                    None => break,
                },
                () = tokio::time::sleep(engine.plan.listen.waits.keep_alive) => {
                    // A reader whose queue is still full after so long is gone.
                    if events.try_send(Bytes::from_static(b": keep-alive\n\n")).is_err() {
                        return;
                    }
                    continue;
                }
                () = engine.draining.cancelled() => break,
                () = open.cancelled() => break,
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
    response(Body::events(stream::unfold(queue, |mut queue| async move { Some((queue.recv().await?, queue)) })))
}
