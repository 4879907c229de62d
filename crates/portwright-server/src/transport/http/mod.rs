//! The listener, and Streamable HTTP: `/mcp` for both lifecycles, the doors of the other transports, and the pages that
//! tell how the server is.

mod addresses;
pub(super) mod admission;
mod approvals;
pub(super) mod body;
mod callers;
mod cards;
mod dashboard;
pub(super) mod events;
mod legacy;
mod listener;
mod modern;
mod pages;
mod pulse;
pub(super) mod respond;
mod resume;
mod run;
mod step_up;

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};

use http::{HeaderMap, Method, Response, StatusCode};
use hyper::body::Incoming;
use portwright_core::{Principal, TransportKind};
use tokio_util::sync::CancellationToken;

use super::tls::{Certified, Tls};
use super::{sse, websocket};
use crate::engine::Engine;
use crate::session::Speaker;
use crate::session::dispatch::{self, Away};
use crate::session::envelope::{self, Message, Misread, Request};
use crate::session::errors::WireError;
use crate::session::params::Params;
use crate::session::reply::{self, Outcome};
use crate::session::store::Seat;
use addresses::Addresses;
use admission::{Admission, Credential};
use body::Body;
use cards::Cards;
pub(crate) use listener::serve;
use respond::{plain, refuse};

/// What all connections share.
struct Front {
    engine: Arc<Engine>,
    admission: Admission,
    streams: Arc<sse::Streams>,
    cards: Cards,
    tls: Option<Tls>,
    addresses: Addresses,
    /// No new requests; connections end when theirs are answered.
    closing: CancellationToken,
    /// Connections that are still there end now.
    closed: CancellationToken,
}

/// The two ends of a connection.
#[derive(Debug, Clone, Copy)]
struct Ends {
    peer: SocketAddr,
    own: SocketAddr,
}

/// Who is at the other end, as far as the connection itself tells.
#[derive(Debug)]
struct Peer {
    ends: Ends,
    /// Whose certificate was shown.
    certified: Option<Certified>,
}

/// Path and method → page.
async fn route(
    front: &Front,
    peer: &Peer,
    stop: CancellationToken,
    opening: &Mutex<Option<websocket::Opening>>,
    request: http::Request<Incoming>,
) -> Response<Body> {
    let (admission, engine, ends) = (&front.admission, &front.engine, peer.ends);
    // What anybody may read before they connect, from a page of any origin.
    if let Some(document) = front.cards.at(request.uri().path()) {
        return match admission.host(request.headers(), request.uri(), ends) {
            Ok(()) => document.answer(request.method(), request.headers()),
            Err(refused) => plain(StatusCode::FORBIDDEN, refused),
        };
    }
    if let Err(refused) = admission.host_and_origin(request.headers(), request.uri(), ends) {
        return plain(StatusCode::FORBIDDEN, refused);
    }
    let page = admission.page(request.headers());
    let on = engine.plan.listen.transports;
    let mut response = match (request.uri().path(), request.method()) {
        (_, &Method::OPTIONS) if page.is_some() => admission::preflight(),
        ("/health", &Method::GET) => {
            let caller = callers::caller(front, peer, request.headers()).await.ok();
            pages::health(engine, caller.as_deref()).await
        }
        ("/ready", &Method::GET) => pages::ready(engine).await,
        ("/live", &Method::GET) => plain(StatusCode::OK, "ok"),
        (path, _) if path == "/approvals" || path.starts_with("/approvals/") => {
            approvals::serve(front, peer, request).await
        }
        ("/metrics", &Method::GET) => pages::metrics(front, peer, request.headers()).await,
        (path, _) if path == "/" || path.starts_with("/dashboard/") => dashboard::serve(front, peer, &request).await,
        ("/health" | "/ready" | "/live" | "/metrics", _) => respond::method_not_allowed("GET"),
        ("/mcp", _) if on.http => protocol(front, peer, stop, opening, request).await,
        ("/sse" | "/messages", _) if on.sse => protocol(front, peer, stop, opening, request).await,
        ("/ws", _) if on.websocket => protocol(front, peer, stop, opening, request).await,
        _ => respond::nothing_here(),
    };
    if let Some(origin) = page {
        admission::for_page(&mut response, origin);
    }
    response
}

/// The paths where MCP is spoken, to those who may call.
async fn protocol(
    front: &Front,
    peer: &Peer,
    stop: CancellationToken,
    opening: &Mutex<Option<websocket::Opening>>,
    request: http::Request<Incoming>,
) -> Response<Body> {
    let (admission, engine) = (&front.admission, &front.engine);
    let principal = match callers::caller(front, peer, request.headers()).await {
        Ok(principal) => principal,
        Err(refused) => return *refused,
    };
    let credential = || Credential::of(request.headers(), &engine.authenticate, peer.certified.as_ref());
    match (request.uri().path(), request.method()) {
        ("/ws", _) => {
            let caller = (principal, credential());
            let (response, agreed) = websocket::open(engine, caller, request);
            *opening.lock().unwrap_or_else(PoisonError::into_inner) = agreed;
            response
        }
        ("/sse", &Method::GET) => {
            let prefix = admission.prefix(request.headers());
            sse::open(engine, &front.streams, (principal, credential()), request.headers(), &prefix)
        }
        ("/sse", _) => respond::method_not_allowed("GET"),
        ("/messages", &Method::POST) => {
            let (head, body) = request.into_parts();
            sse::post(engine, &front.streams, &principal, &head, body).await
        }
        ("/messages", _) => respond::method_not_allowed("POST"),
        _ => mcp(engine, (&principal, peer), &stop, request).await,
    }
}

/// A place for a conversation that lives as long as its connection.
pub(super) fn seat(
    engine: &Engine,
    principal: &Principal,
    transport: TransportKind,
) -> Result<Seat, Box<Response<Body>>> {
    let refuse = |text| Box::new(respond::busy(plain(StatusCode::SERVICE_UNAVAILABLE, text)));
    if engine.draining.is_cancelled() {
        return Err(refuse("the server is stopping; try again soon"));
    }
    engine
        .sessions
        .seat(principal, transport)
        .map_err(|_| refuse("too many sessions are open and busy; try again later"))
}

async fn mcp(
    engine: &Arc<Engine>,
    (principal, peer): (&Arc<Principal>, &Peer),
    stop: &CancellationToken,
    request: http::Request<Incoming>,
) -> Response<Body> {
    let (head, body) = request.into_parts();
    let caller = Caller { engine, principal, peer, stop, headers: &head.headers };
    match head.method {
        Method::POST => post(&caller, body).await,
        Method::GET => legacy::stream(&caller).await,
        Method::DELETE => legacy::end(&caller).await,
        _ => respond::method_not_allowed("POST, GET, DELETE"),
    }
}

/// One message, or a batch of the one revision that has them.
async fn post(caller: &Caller<'_>, body: Incoming) -> Response<Body> {
    if let Err(refused) = body::check_head(caller.headers) {
        return refused;
    }
    let bytes = match body::read(body, caller.engine.plan.listen.waits.body).await {
        Ok(bytes) => bytes,
        Err(refused) => return refused,
    };
    if envelope::is_batch(&bytes) && legacy::speaks_batches(caller).await {
        return legacy::batch(caller, &bytes).await;
    }
    let message = match envelope::read(&bytes) {
        Ok(message) => message,
        Err(wrong) => return misread(caller, wrong).await,
    };
    let none = Params::default();
    let meta = match &message {
        Message::Request(request) => &request.params.meta,
        Message::Notification { params, .. } => &params.meta,
        Message::Response(_) => &none.meta,
    };
    if modern::speaks(caller, meta) {
        modern::message(caller, message).await
    } else {
        legacy::message(caller, message).await
    }
}

/// Who posted, and with which headers.
struct Caller<'a> {
    engine: &'a Arc<Engine>,
    principal: &'a Arc<Principal>,
    peer: &'a Peer,
    /// Calls off what the connection asked for, once the server has stopped.
    stop: &'a CancellationToken,
    headers: &'a HeaderMap,
}

impl Caller<'_> {
    /// Whoever posts outside of any conversation.
    fn stranger(&self) -> Speaker {
        Speaker::stranger(self.principal, TransportKind::Http)
    }

    /// What a stream that stands is judged by again.
    fn credential(&self) -> Credential {
        Credential::of(self.headers, &self.engine.authenticate, self.peer.certified.as_ref())
    }

    /// New calls are turned away while the last ones end.
    async fn draining(&self, speaker: &Speaker, request: &Request<'_>) -> Option<Response<Body>> {
        if !self.engine.draining.is_cancelled() {
            return None;
        }
        dispatch::turn_away(self.engine, speaker, &request.method, &request.params, Away::Draining).await;
        let error = WireError::internal("the server is stopping; try again soon");
        let answer = reply::answer(Some(&request.id), Outcome::Error(error), None);
        Some(respond::busy(respond::json(StatusCode::SERVICE_UNAVAILABLE, answer.bytes)))
    }
}

/// Refuses what is no message; a call among it leaves its record.
async fn misread(caller: &Caller<'_>, wrong: Misread<'_>) -> Response<Body> {
    if let Some(method) = &wrong.method {
        dispatch::turn_away(caller.engine, &caller.stranger(), method, &Params::default(), Away::Garbled).await;
    }
    refuse(wrong.id.as_ref(), wrong.error, StatusCode::BAD_REQUEST)
}
