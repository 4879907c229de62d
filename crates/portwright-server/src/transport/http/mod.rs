//! The listener, and Streamable HTTP: `/mcp` for both lifecycles, the doors of the other transports, and the pages that
//! tell how the server is.

pub(super) mod admission;
mod approvals;
pub(super) mod body;
mod callers;
mod cards;
pub(super) mod events;
mod legacy;
mod modern;
mod pages;
mod pulse;
pub(super) mod respond;
mod resume;
mod run;

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use http::{HeaderMap, Method, Response, StatusCode};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use portwright_core::{Principal, TransportKind, limits};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::{TransportError, sse, websocket};
use crate::plan::Anonymous;
use crate::server::Engine;
use crate::session::Speaker;
use crate::session::dispatch::{self, Away};
use crate::session::envelope::{self, Message, Misread, Request};
use crate::session::errors::WireError;
use crate::session::params::Params;
use crate::session::reply::{self, Outcome};
use crate::session::store::Seat;
use admission::{Admission, Credential};
use body::Body;
use cards::Cards;
use pulse::{Felt, Pulse, Verdict};
use respond::{plain, refuse};

/// What all connections share.
struct Front {
    engine: Arc<Engine>,
    admission: Admission,
    streams: Arc<sse::Streams>,
    cards: Cards,
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

/// Serves until `shutdown` fires, then lets what is in flight end.
pub(crate) async fn serve(
    engine: &Arc<Engine>,
    listener: TcpListener,
    shutdown: CancellationToken,
) -> Result<(), TransportError> {
    /// A pause where the system can't accept now, because it is out of file descriptors.
    const ACCEPT_PAUSE: Duration = Duration::from_millis(20);
    let address = listener.local_addr()?;
    let anonymous = engine.plan.listen.anonymous;
    let somebody = anonymous == Anonymous::Anywhere || (anonymous == Anonymous::Loopback && address.ip().is_loopback());
    if !somebody && !engine.authenticate.is_possible() {
        return Err(TransportError::NobodyMayCall);
    }
    let front = Arc::new(Front {
        engine: engine.clone(),
        admission: Admission::new(&engine.plan.listen, cards::challenge(&engine.plan)),
        streams: Arc::default(),
        cards: Cards::new(&engine.plan),
        closing: CancellationToken::new(),
        closed: CancellationToken::new(),
    });
    let places = Arc::new(Semaphore::new(limits::CONNECTIONS_MAX));
    let connections = TaskTracker::new();
    loop {
        let accepted = tokio::select! {
            accepted = accept(&listener, &places) => accepted,
            () = shutdown.cancelled() => break,
            () = engine.stop.cancelled() => break,
        };
        match accepted {
            Ok((stream, peer, place)) => {
                let own = stream.local_addr().unwrap_or(address);
                let connection = connection(front.clone(), stream, Ends { peer, own });
                connections.spawn(async move {
                    connection.await;
                    drop(place);
                });
            }
            Err(error) => {
                tracing::warn!(%error, "connection not accepted");
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
    }
    drop(listener);
    engine.draining.cancel();
    front.closing.cancel();
    connections.close();
    let streams = front.streams.clone();
    tokio::spawn(async move { streams.drain().await });
    if tokio::time::timeout(engine.plan.listen.drain, connections.wait()).await.is_err() {
        tracing::warn!(connections = connections.len(), "what is in flight did not end in time and is called off");
        engine.stop.cancel();
        let _ = tokio::time::timeout(limits::STOP_WAIT + limits::LAST_WORDS_WAIT, connections.wait()).await;
        front.closed.cancel();
        connections.wait().await;
    }
    Ok(())
}

type Place = tokio::sync::OwnedSemaphorePermit;

/// The next connection, as soon as there is a place for it.
async fn accept(listener: &TcpListener, places: &Arc<Semaphore>) -> std::io::Result<(TcpStream, SocketAddr, Place)> {
    let place = places.clone().acquire_owned().await.map_err(std::io::Error::other)?;
    let (stream, peer) = listener.accept().await?;
    // Without it, small replies wait for the peer's delayed acknowledgement: 40 ms a call.
    stream.set_nodelay(true)?;
    find_half_open(&stream)?;
    Ok((stream, peer, place))
}

/// Has the system ask a silent peer whether it is still there, and give up one that acknowledges nothing: a stream with
/// nothing to say would otherwise outlive its client for hours.
fn find_half_open(stream: &TcpStream) -> std::io::Result<()> {
    let socket = socket2::SockRef::from(stream);
    let (silent, unacknowledged) = limits::HALF_OPEN_WAIT;
    let probes = socket2::TcpKeepalive::new().with_time(silent).with_interval(silent / 4).with_retries(4);
    socket.set_tcp_keepalive(&probes)?;
    #[cfg(target_os = "linux")]
    socket.set_tcp_user_timeout(Some(unacknowledged))?;
    #[cfg(not(target_os = "linux"))]
    let _ = unacknowledged;
    Ok(())
}

/// One connection, until it ends or its client keeps us waiting too long.
async fn connection(front: Arc<Front>, stream: TcpStream, ends: Ends) {
    /// Bytes of a request's head, and of what is read ahead.
    const HEAD_BYTES_MAX: usize = 64 * 1024;
    let waits = front.engine.plan.listen.waits;
    let pulse = Pulse::new();
    // Tokens of its own, so that connections do not meet at the locks of those that they share.
    let (closing, closed) = (front.closing.child_token(), front.closed.child_token());
    let stop = front.engine.stop.child_token();
    let io = TokioIo::new(Felt::new(stream, pulse.clone()));
    let opening: Mutex<Option<websocket::Opening>> = Mutex::default();
    let service = service_fn(|request| {
        let (front, stop, serving, opening) = (front.clone(), stop.clone(), pulse.serving(), &opening);
        // In a box of its own: hyper keeps the room for it as long as the connection lives.
        Box::pin(async move {
            let response = route(&front, ends, stop, opening, request).await;
            Ok::<_, Infallible>(response.map(|body| body.while_serving(serving)))
        })
    });
    let mut builder = http1::Builder::new();
    builder.max_buf_size(HEAD_BYTES_MAX).header_read_timeout(None);
    // In a box, so that its memory is given back when the protocol changes.
    let mut connection = Box::pin(builder.serve_connection(io, service).with_upgrades());
    let mut tick = tokio::time::interval_at(tokio::time::Instant::now() + waits.tick, waits.tick);
    loop {
        tokio::select! {
            biased;
            ended = connection.as_mut() => {
                if let Err(error) = ended {
                    tracing::debug!(%error, "connection ended");
                }
                break;
            }
            _ = tick.tick() => match pulse.judge(&waits) {
                Verdict::Fine => {}
                Verdict::Idle => connection.as_mut().graceful_shutdown(),
                Verdict::Stuck => return tracing::debug!("connection closed: its client keeps us waiting"),
            },
            () = closing.cancelled() => {
                connection.as_mut().graceful_shutdown();
                let _ = closed.run_until_cancelled(connection.as_mut()).await;
                break;
            }
        }
    }
    // What is left of HTTP would only take room.
    drop((connection, tick, closing));
    let opening = opening.into_inner().unwrap_or_else(PoisonError::into_inner);
    if let Some(opening) = opening {
        let _ = closed.run_until_cancelled(Box::pin(upgraded(&front.engine, opening))).await;
    }
}

/// What a connection does after it has changed its protocol.
async fn upgraded(engine: &Arc<Engine>, mut opening: websocket::Opening) {
    let Ok(upgraded) = (&mut opening.upgrade).await else { return };
    if let Ok(parts) = upgraded.downcast::<TokioIo<Felt>>() {
        websocket::serve(engine, opening, parts.io.into_inner(), parts.read_buf).await;
    }
}

/// Path and method → page.
async fn route(
    front: &Front,
    ends: Ends,
    stop: CancellationToken,
    opening: &Mutex<Option<websocket::Opening>>,
    request: http::Request<Incoming>,
) -> Response<Body> {
    let (admission, engine) = (&front.admission, &front.engine);
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
            admission::prepare(request.headers(), &engine.authenticate).await;
            let caller = admission.principal(request.headers(), ends, &engine.authenticate).ok();
            pages::health(engine, caller.as_deref()).await
        }
        ("/ready", &Method::GET) => pages::ready(engine).await,
        ("/live", &Method::GET) => plain(StatusCode::OK, "ok"),
        (path, _) if path == "/approvals" || path.starts_with("/approvals/") => {
            approvals::serve(front, ends, request).await
        }
        ("/health" | "/ready" | "/live", _) => respond::method_not_allowed("GET"),
        ("/mcp", _) if on.http => protocol(front, ends, stop, opening, request).await,
        ("/sse" | "/messages", _) if on.sse => protocol(front, ends, stop, opening, request).await,
        ("/ws", _) if on.websocket => protocol(front, ends, stop, opening, request).await,
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
    ends: Ends,
    stop: CancellationToken,
    opening: &Mutex<Option<websocket::Opening>>,
    request: http::Request<Incoming>,
) -> Response<Body> {
    let (admission, engine) = (&front.admission, &front.engine);
    let principal = match callers::caller(front, ends, request.headers()).await {
        Ok(principal) => principal,
        Err(refused) => return *refused,
    };
    let credential = || Credential::of(request.headers(), &engine.authenticate);
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
        _ => mcp(engine, &principal, &stop, request).await,
    }
}

/// A place for a conversation that lives as long as its connection.
pub(super) fn seat(engine: &Engine, principal: &Principal) -> Result<Seat, Box<Response<Body>>> {
    let refuse = |text| Box::new(respond::busy(plain(StatusCode::SERVICE_UNAVAILABLE, text)));
    if engine.draining.is_cancelled() {
        return Err(refuse("the server is stopping; try again soon"));
    }
    engine.sessions.seat(principal).map_err(|_| refuse("too many sessions are open and busy; try again later"))
}

async fn mcp(
    engine: &Arc<Engine>,
    principal: &Arc<Principal>,
    stop: &CancellationToken,
    request: http::Request<Incoming>,
) -> Response<Body> {
    let (head, body) = request.into_parts();
    let caller = Caller { engine, principal, stop, headers: &head.headers };
    match head.method {
        Method::POST => post(&caller, body).await,
        Method::GET => legacy::stream(&caller),
        Method::DELETE => legacy::end(&caller),
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
    if envelope::is_batch(&bytes) && legacy::speaks_batches(caller) {
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
        Credential::of(self.headers, &self.engine.authenticate)
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
