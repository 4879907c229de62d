//! `/mcp` for 2025-03-26 to 2025-11-25 (and whoever initializes with 2024-11-05): sessions by `Mcp-Session-Id`. A
//! client that goes away does not call off what it asked.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use axum::body::Body;
use http::{HeaderMap, HeaderValue, Response, StatusCode};
use http_body_util::BodyExt;
use portwright_core::{TransportKind, limits};

use super::admission::Admission;
use super::body::Accept;
use super::respond::{empty, json, plain, refuse};
use super::{Caller, run, sse};
use crate::server::Engine;
use crate::session::dispatch::{self, Scene, Step};
use crate::session::envelope::{self, Message, Request};
use crate::session::errors::WireError;
use crate::session::headers;
use crate::session::legacy::{self, Session};
use crate::session::meta::Meta;
use crate::session::reply::{self, Outcome};
use crate::session::streams::Listening;

const SESSION_ID: &str = "mcp-session-id";

/// One message.
pub(super) async fn message(caller: &Caller<'_>, meta: &Meta<'_>, message: Message<'_>) -> Response<Body> {
    if let Message::Request(request) = &message
        && request.method == "initialize"
    {
        return initialize(caller, request);
    }
    let session = match session(caller.engine, caller.principal, caller.headers) {
        Ok(session) => session,
        Err(refused) => return refused,
    };
    session.touch();
    within(caller, &session, meta, message).await
}

async fn within(caller: &Caller<'_>, session: &Arc<Session>, meta: &Meta<'_>, message: Message<'_>) -> Response<Body> {
    match message {
        Message::Request(request) => answer(caller, session, meta, &request).await,
        Message::Notification { method, params } => {
            session.notified(&method, params);
            empty(StatusCode::ACCEPTED)
        }
        Message::Response => empty(StatusCode::ACCEPTED),
    }
}

fn initialize(caller: &Caller<'_>, request: &Request<'_>) -> Response<Body> {
    let engine = caller.engine;
    if let Some(response) = caller.draining(&request.id) {
        return response;
    }
    let made = legacy::initialize(engine, caller.principal, TransportKind::Http, request.params);
    let (session, result) = match made {
        Ok(made) => made,
        Err(error) => return refuse(Some(&request.id), error, StatusCode::BAD_REQUEST),
    };
    let Ok(id) = HeaderValue::from_str(&session.id) else {
        return plain(StatusCode::INTERNAL_SERVER_ERROR, "no session can be opened now");
    };
    if engine.sessions.insert(session).is_err() {
        let error = WireError::internal("too many sessions are open and busy; try again later");
        return refuse(Some(&request.id), error, StatusCode::SERVICE_UNAVAILABLE);
    }
    let mut response = json(StatusCode::OK, reply::answer(Some(&request.id), Outcome::Result(result), None).bytes);
    response.headers_mut().insert(SESSION_ID, id);
    response
}

/// The session that the headers name: none is 400, one that is gone or another's is 404.
fn session(
    engine: &Engine,
    principal: &portwright_core::Principal,
    headers: &HeaderMap,
) -> Result<Arc<Session>, Response<Body>> {
    let Some(id) = headers.get(SESSION_ID) else {
        return Err(refuse(
            None,
            WireError::invalid_request("the Mcp-Session-Id header is missing; send `initialize` first"),
            StatusCode::BAD_REQUEST,
        ));
    };
    let session = id.to_str().ok().and_then(|id| engine.sessions.get(id, principal));
    let session = session.ok_or_else(|| {
        refuse(None, WireError::invalid_request("there is no such session; initialize again"), StatusCode::NOT_FOUND)
    })?;
    let version = headers.get(headers::PROTOCOL_VERSION).map_or(Ok(legacy::VERSION_UNSAID), |value| value.to_str());
    if !version.is_ok_and(|version| legacy::VERSIONS.contains(&version)) {
        let error =
            WireError::invalid_request("the MCP-Protocol-Version header names no version of this session's era");
        return Err(refuse(None, error, StatusCode::BAD_REQUEST));
    }
    Ok(session)
}

async fn answer(caller: &Caller<'_>, session: &Arc<Session>, meta: &Meta<'_>, request: &Request<'_>) -> Response<Body> {
    let engine = caller.engine;
    if let Some(response) = caller.draining(&request.id) {
        return response;
    }
    let send = |outcome| json(StatusCode::OK, reply::answer(Some(&request.id), outcome, None).bytes);
    if request.method == "logging/setLevel" {
        return send(session.set_level(request.params).into());
    }
    let (catalog, speaker) = (engine.catalog_for(&request.method).await, session.speaker());
    let scene = Scene { engine, catalog: &catalog, speaker: &speaker };
    let operation = match dispatch::step(&scene, &request.method, request.params) {
        Ok(Step::Call(operation)) => operation,
        Ok(Step::Done(result)) => return send(Outcome::Result(result)),
        Err(error) => return send(Outcome::Error(error)),
    };
    let cancel = engine.stop.child_token();
    let flight = match session.calls.begin(&request.id, cancel.clone()) {
        Ok(flight) => flight,
        Err(error) => return send(Outcome::Error(error)),
    };
    let accept = Accept::of(caller.headers);
    let token = meta.progress_token();
    let speaks = accept.stream && (token.is_some() || speaker.log_level.is_some());
    let flight = Some((flight, cancel));
    let call = run::Call { engine, catalog, operation, speaker: &speaker, id: &request.id, flight };
    run::run(call, speaks.then_some(token), false).await
}

/// Whether the session's revision has batches.
pub(super) fn speaks_batches(caller: &Caller<'_>) -> bool {
    session(caller.engine, caller.principal, caller.headers)
        .is_ok_and(|session| session.protocol.as_str() == "2025-03-26")
}

/// A batch: each message as if it had come alone, the answers as one array.
pub(super) async fn batch(caller: &Caller<'_>, bytes: &[u8]) -> Response<Body> {
    let messages = match envelope::split_batch(bytes) {
        Ok(messages) => messages,
        Err(error) => return refuse(None, error, StatusCode::BAD_REQUEST),
    };
    let session = match session(caller.engine, caller.principal, caller.headers) {
        Ok(session) => session,
        Err(refused) => return refused,
    };
    session.touch();
    // One answer a message, so no events: a batch reads no notifications.
    let mut headers = caller.headers.clone();
    headers.insert(http::header::ACCEPT, HeaderValue::from_static("application/json"));
    let caller = Caller { headers: &headers, ..*caller };
    let answers = messages.into_iter().map(|message| one_of_batch(&caller, &session, message.get().as_bytes()));
    let answers: Vec<_> = futures::future::join_all(answers).await.into_iter().flatten().collect();
    if answers.is_empty() {
        return empty(StatusCode::ACCEPTED);
    }
    let mut array = vec![b'['];
    array.extend_from_slice(&answers.join(&b','));
    array.push(b']');
    json(StatusCode::OK, array)
}

async fn one_of_batch(caller: &Caller<'_>, session: &Arc<Session>, bytes: &[u8]) -> Option<Vec<u8>> {
    let refused = |id, error| Some(reply::answer(id, Outcome::Error(error), None).bytes);
    let message = match envelope::read(bytes) {
        Ok(Message::Request(request)) if request.method == "initialize" => {
            return refused(Some(&request.id), WireError::invalid_request("`initialize` can't be part of a batch"));
        }
        Ok(Message::Request(request)) => request,
        Ok(other) => {
            within(caller, session, &Meta::default(), other).await;
            return None;
        }
        Err((id, error)) => return refused(id.as_ref(), error),
    };
    let response = match Meta::read(message.params) {
        Ok(meta) => answer(caller, session, &meta, &message).await,
        Err(error) => return refused(Some(&message.id), error),
    };
    response.into_body().collect().await.ok().map(|body| body.to_bytes().to_vec())
}

/// GET: the stream of the server's own messages.
pub(super) fn stream(
    engine: &Arc<Engine>,
    admission: &Admission,
    peer: SocketAddr,
    headers: &HeaderMap,
) -> Response<Body> {
    if !headers.contains_key(SESSION_ID) {
        return super::respond::method_not_allowed("POST");
    }
    if !Accept::of(headers).stream {
        return plain(StatusCode::NOT_ACCEPTABLE, "Accept must allow text/event-stream");
    }
    let Some(principal) = admission.principal(peer) else { return empty(StatusCode::UNAUTHORIZED) };
    let session = match session(engine, &principal, headers) {
        Ok(session) => session,
        Err(refused) => return refused,
    };
    match OpenStream::of(session) {
        Some(open) => sse::changes(engine, Listening::session(), None, open),
        None => plain(StatusCode::CONFLICT, "this session has enough streams open"),
    }
}

/// DELETE: the session ends.
pub(super) fn end(
    engine: &Arc<Engine>,
    admission: &Admission,
    peer: SocketAddr,
    headers: &HeaderMap,
) -> Response<Body> {
    if !headers.contains_key(SESSION_ID) {
        return super::respond::method_not_allowed("POST");
    }
    let Some(principal) = admission.principal(peer) else { return empty(StatusCode::UNAUTHORIZED) };
    match session(engine, &principal, headers) {
        Ok(session) => {
            engine.sessions.remove(&session);
            empty(StatusCode::NO_CONTENT)
        }
        Err(refused) => refused,
    }
}

/// A stream that a session holds open; counted, so that the session is not taken for idle.
struct OpenStream(Arc<Session>);

impl OpenStream {
    fn of(session: Arc<Session>) -> Option<Self> {
        let more = |open: u8| (usize::from(open) < limits::SESSION_STREAMS_MAX).then(|| open + 1);
        session.streams.fetch_update(Ordering::Relaxed, Ordering::Relaxed, more).ok()?;
        Some(Self(session))
    }
}

impl Drop for OpenStream {
    fn drop(&mut self) {
        self.0.streams.fetch_sub(1, Ordering::Relaxed);
        self.0.touch();
    }
}
