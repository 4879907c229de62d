//! HTTP+SSE of 2024-11-05: what the client hears comes as events on `GET /sse`; what it says it posts to the address
//! that the first event names. The stream is the session: when it breaks, the session and its calls end.
//!
//! The transport is older than the stateless lifecycle, and knows only sessions.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use futures::stream;
use http::request::Parts;
use http::{HeaderMap, Response, StatusCode};
use hyper::body::Incoming;
use portwright_core::{Principal, TransportKind};
use tokio::sync::mpsc;
use tokio::time::{Instant, Interval};
use tokio_util::sync::CancellationToken;

use super::conversation::Conversation;
use super::http::admission::Credential;
use super::http::body::{self, Accept, Body};
use super::http::respond::{busy, empty, plain, refuse};
use super::http::{self as front, events};
use crate::engine::Engine;
use crate::ops::random;
use crate::session::store::Seat;

/// The streams that are open, by session id.
#[derive(Default)]
pub(super) struct Streams(Mutex<HashMap<Arc<str>, Arc<Open>>>);

/// One of them.
struct Open {
    principal: Arc<Principal>,
    conversation: tokio::sync::Mutex<Conversation>,
    /// A message has come.
    spoken: AtomicBool,
    /// Fires when the client does not read what it is told.
    deaf: CancellationToken,
}

impl Streams {
    fn open(&self) -> MutexGuard<'_, HashMap<Arc<str>, Arc<Open>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The stream of that id, if it is this principal's; another's looks like none.
    fn get(&self, id: &str, principal: &Principal) -> Option<Arc<Open>> {
        let same = |open: &&Arc<Open>| open.principal.id == principal.id && open.principal.auth == principal.auth;
        self.open().get(id).filter(same).cloned()
    }

    /// Nothing new begins: each stream ends with the answers of the calls in flight.
    pub(super) async fn drain(&self) {
        let open: Vec<_> = self.open().values().cloned().collect();
        for open in open {
            open.conversation.lock().await.let_go();
        }
    }
}

/// `GET /sse`: opens a session. `prefix` is the path under which clients see this server.
pub(super) fn open(
    engine: &Arc<Engine>,
    streams: &Arc<Streams>,
    (principal, credential): (Arc<Principal>, Credential),
    headers: &HeaderMap,
    prefix: &str,
) -> Response<Body> {
    if !Accept::of(headers).stream {
        return plain(StatusCode::NOT_ACCEPTABLE, "Accept must allow text/event-stream");
    }
    let seat = match front::seat(engine, &principal, TransportKind::Sse) {
        Ok(seat) => seat,
        Err(refused) => return *refused,
    };
    let Ok(id) = random::hex::<24>() else {
        return plain(StatusCode::INTERNAL_SERVER_ERROR, "no session can be opened now");
    };
    let (conversation, messages) = Conversation::new(engine, principal.clone(), TransportKind::Sse);
    let gone = conversation.gone();
    let open = Arc::new(Open {
        principal,
        conversation: tokio::sync::Mutex::new(conversation),
        spoken: AtomicBool::new(false),
        deaf: CancellationToken::new(),
    });
    let id: Arc<str> = id.into();
    let first = format!("event: endpoint\ndata: {prefix}/messages?session_id={id}\n\n");
    streams.open().insert(id.clone(), open.clone());
    let keep_alive = engine.plan.listen.waits.keep_alive;
    let born = Instant::now();
    let outward = Outward {
        first: Some(first.into()),
        messages,
        tick: tokio::time::interval_at(born + keep_alive, keep_alive),
        last_to_speak: born + engine.plan.listen.waits.idle,
        deaf: open.deaf.clone(),
        engine: engine.clone(),
        credential,
        place: Place { streams: streams.clone(), open, id, gone, _seat: seat },
    };
    let events = stream::unfold(outward, |mut outward| async move { Some((outward.next().await?, outward)) });
    events::response(Body::events(events))
}

/// What a client hears.
struct Outward {
    first: Option<Bytes>,
    messages: mpsc::Receiver<Bytes>,
    tick: Interval,
    /// A client that has said nothing by then does not mean to.
    last_to_speak: Instant,
    deaf: CancellationToken,
    engine: Arc<Engine>,
    credential: Credential,
    place: Place,
}

impl Outward {
    async fn next(&mut self) -> Option<Bytes> {
        if let Some(first) = self.first.take() {
            return Some(first);
        }
        tokio::select! {
            biased;
            message = self.messages.recv() => Some(events::event(&message?)),
            () = self.deaf.cancelled() => None,
            _ = self.tick.tick() => {
                let silent = !self.place.open.spoken.load(Ordering::Relaxed) && Instant::now() >= self.last_to_speak;
                let holds = self.credential.holds(&self.engine.authenticate);
                (holds && !silent).then(|| Bytes::from_static(events::KEEP_ALIVE))
            }
        }
    }
}

/// The session's place in the house. It goes with the stream, and calls off what the session asked.
struct Place {
    streams: Arc<Streams>,
    open: Arc<Open>,
    id: Arc<str>,
    gone: CancellationToken,
    _seat: Seat,
}

impl Drop for Place {
    fn drop(&mut self) {
        self.streams.open().remove(&self.id);
        self.gone.cancel();
    }
}

/// `POST /messages`: one message of a session's. It is answered on the stream.
pub(super) async fn post(
    engine: &Engine,
    streams: &Streams,
    principal: &Arc<Principal>,
    head: &Parts,
    body: Incoming,
) -> Response<Body> {
    if let Err(refused) = body::check_content(&head.headers) {
        return refused;
    }
    let query = head.uri.query().unwrap_or_default();
    let id = query.split('&').find_map(|pair| pair.strip_prefix("session_id="));
    let Some(open) = id.and_then(|id| streams.get(id, principal)) else {
        return plain(StatusCode::NOT_FOUND, "there is no such session; open one at /sse");
    };
    let bytes = match body::read(body, engine.plan.listen.waits.body).await {
        Ok(bytes) => bytes,
        Err(refused) => return refused,
    };
    open.spoken.store(true, Ordering::Relaxed);
    let deaf = open.deaf.clone();
    // A task of its own: the message counts, even if its POST is given up.
    let principal = principal.clone();
    let receiving = tokio::spawn(async move {
        let mut conversation = open.conversation.lock().await;
        conversation.goes_on_as(principal);
        conversation.receive(&bytes).await
    });
    match tokio::time::timeout(engine.plan.listen.waits.write, receiving).await {
        Ok(Ok(Ok(()))) => empty(StatusCode::ACCEPTED),
        Ok(Ok(Err(error))) => refuse(None, error, StatusCode::BAD_REQUEST),
        Ok(Err(_)) | Err(_) => {
            deaf.cancel();
            busy(plain(StatusCode::SERVICE_UNAVAILABLE, "the session's stream is not being read; it ends"))
        }
    }
}
