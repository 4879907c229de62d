//! Server-sent events: a call's notifications and its answer, or a stream of changes.

use std::sync::Arc;

use bytes::Bytes;
use futures::stream;
use http::{HeaderValue, Response, StatusCode};
use portwright_core::limits;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::admission::Credential;
use super::body::Body;
use super::respond;
use crate::catalog::News;
use crate::engine::Engine;
use crate::session::replay::EventId;
use crate::session::streams::{Ears, Listening};

/// What keeps a stream open that has nothing to say.
pub(in crate::transport) const KEEP_ALIVE: &[u8] = b": keep-alive\n\n";

/// A message as an event.
pub(in crate::transport) fn event(json: &[u8]) -> Bytes {
    let mut bytes = Vec::with_capacity(json.len() + 24);
    bytes.extend_from_slice(b"event: message\ndata: ");
    bytes.extend_from_slice(json);
    bytes.extend_from_slice(b"\n\n");
    bytes.into()
}

/// A response of events.
pub(in crate::transport) fn response(body: Body) -> Response<Body> {
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

/// A message as an event that a client can come back to.
pub(super) fn numbered(id: EventId, json: &[u8]) -> Bytes {
    let mut bytes = format!("id: {id}\n").into_bytes();
    bytes.extend_from_slice(&event(json));
    bytes.into()
}

/// The event that begins a stream: it says nothing but an id to come back to, and when (SEP-1699).
pub(super) fn priming(id: EventId) -> Bytes {
    format!("id: {id}\nretry: {}\ndata: \n\n", limits::STREAM_RETRY.as_millis()).into()
}

/// How the events of a session's own stream are numbered: by the state of the lists that they tell of.
pub(super) struct Numbering {
    /// Whether the stream begins with an id.
    pub(super) primed: bool,
    /// The last event that the client heard, if it comes back.
    pub(super) heard: Option<u64>,
}

/// A stream of changes, as long as the client reads, its credential holds, the server runs and `open` has not fired.
/// `held` is dropped with it.
pub(super) fn changes<G: Send + 'static>(
    engine: &Arc<Engine>,
    credential: Credential,
    listening: Listening,
    numbering: Option<&Numbering>,
    open: CancellationToken,
    held: G,
) -> Response<Body> {
    let Ok(place) = engine.streams.clone().try_acquire_owned() else {
        let refused = "too many streams are open; try again later";
        return respond::busy(respond::plain(StatusCode::SERVICE_UNAVAILABLE, refused));
    };
    let (events, queue) = mpsc::channel(limits::OUTBOX_MESSAGES_MAX);
    let told = Told { ears: Ears::of(engine), id: numbering.map(|_| version(engine)) };
    begin(&events, &listening, numbering, &told);
    let engine = engine.clone();
    tokio::spawn(async move {
        let _held = (place, held);
        tell(&engine, &credential, &listening, told, &events, &open).await;
    });
    response(Body::events(stream::unfold(queue, |mut queue| async move { Some((queue.recv().await?, queue)) })))
}

/// The state of the lists. No other replica calls one of its own the same.
fn version(engine: &Engine) -> u64 {
    engine.base() + engine.supervisor.version()
}

/// What a stream tells at once.
fn begin(events: &mpsc::Sender<Bytes>, listening: &Listening, numbering: Option<&Numbering>, told: &Told) {
    let Some(numbering) = numbering else {
        let _ = events.try_send(event(&listening.acknowledged()));
        return;
    };
    let id = EventId { stream: 0, event: told.id.unwrap_or_default() };
    if numbering.primed {
        let _ = events.try_send(priming(id));
    }
    let Some(heard) = numbering.heard else { return };
    // Nobody counts what resources were told to have changed, so what is watched may have.
    let missed = if heard == id.event { listening.watched() } else { listening.messages(&News::Missed) };
    for message in missed {
        let _ = events.try_send(numbered(id, &message));
    }
}

/// What a stream has told so far.
struct Told {
    ears: Ears,
    /// The state of the lists, on a stream that is numbered.
    id: Option<u64>,
}

impl Told {
    fn event(&mut self, engine: &Engine, message: &[u8]) -> Bytes {
        let Some(id) = &mut self.id else { return event(message) };
        // Each state is told before it is counted: with nothing left to tell, all that is counted was told.
        let version = version(engine);
        if self.ears.have_heard_all() {
            *id = version;
        }
        numbered(EventId { stream: 0, event: *id }, message)
    }
}

async fn tell(
    engine: &Engine,
    credential: &Credential,
    listening: &Listening,
    mut told: Told,
    events: &mpsc::Sender<Bytes>,
    open: &CancellationToken,
) {
    loop {
        let messages = tokio::select! {
            messages = listening.hear(&mut told.ears) => match messages {
                Some(messages) => messages,
                None => break,
            },
            () = tokio::time::sleep(engine.plan.listen.waits.keep_alive) => {
                // A reader whose queue is still full after so long is gone.
                if !credential.holds(&engine.authenticate) || events.try_send(Bytes::from_static(KEEP_ALIVE)).is_err() {
                    return;
                }
                continue;
            }
            () = engine.draining.cancelled() => break,
            () = open.cancelled() => break,
            () = events.closed() => return,
        };
        // Where there is always news there is no keep-alive.
        if !credential.holds(&engine.authenticate) {
            return;
        }
        for message in messages {
            if events.try_send(told.event(engine, &message)).is_err() {
                return;
            }
        }
    }
    if let Some(end) = listening.ended(&engine.info) {
        let _ = events.try_send(event(&end));
    }
}
