//! `/mcp` for 2025-03-26 to 2025-11-25 (and whoever initializes with 2024-11-05): sessions by `Mcp-Session-Id`. A
//! client that goes away does not call off what it asked.

use std::sync::Arc;

use http::{HeaderValue, Response, StatusCode};
use http_body_util::BodyExt;
use portwright_core::TransportKind;

use super::body::{Accept, Body};
use super::respond::{self, empty, json, plain, refuse};
use super::{Caller, events, resume, run};
use crate::session::dispatch::{self, Away, Scene, Step};
use crate::session::envelope::{self, Message, Request};
use crate::session::errors::WireError;
use crate::session::headers;
use crate::session::legacy::{self, Session};
use crate::session::replay::EventId;
use crate::session::replicas::Lost;
use crate::session::reply::{self, Outcome};
use crate::session::streams::Listening;

const SESSION_ID: &str = "mcp-session-id";

const FULL: &str = "too many sessions are open and busy; try again later";

/// The last event that a client heard, for it to take up a stream from there.
const LAST_EVENT_ID: &str = "last-event-id";

/// One message.
pub(super) async fn message(caller: &Caller<'_>, message: Message<'_>) -> Response<Body> {
    if let Message::Request(request) = &message
        && request.method == "initialize"
    {
        return initialize(caller, request).await;
    }
    let session = match session(caller).await {
        Ok(session) => session,
        Err(refused) => {
            if let Message::Request(Request { method, params, .. }) = &message {
                dispatch::turn_away(caller.engine, &caller.stranger(), method, params, Away::Stray).await;
            }
            return refused;
        }
    };
    session.touch();
    within(caller, &session, message).await
}

async fn within(caller: &Caller<'_>, session: &Arc<Session>, message: Message<'_>) -> Response<Body> {
    match message {
        Message::Request(request) => answer(caller, session, &request).await,
        Message::Notification { method, params } => {
            let elsewhere = session.notified(&method, &params);
            if let (Some(request), Some(replicas)) = (elsewhere, &caller.engine.replicas) {
                replicas.cancelled(session, &request);
            }
            empty(StatusCode::ACCEPTED)
        }
        Message::Response(response) => {
            if !session.asks.answered(&response)
                && let Some(replicas) = &caller.engine.replicas
            {
                replicas.answered(session, &response);
            }
            empty(StatusCode::ACCEPTED)
        }
    }
}

async fn initialize(caller: &Caller<'_>, request: &Request<'_>) -> Response<Body> {
    let engine = caller.engine;
    if let Some(response) = caller.draining(&caller.stranger(), request).await {
        return response;
    }
    let made = legacy::initialize(engine, caller.principal, TransportKind::Http, &request.params);
    let (session, result) = match made {
        Ok(made) => made,
        Err(error) => return refuse(Some(&request.id), error, StatusCode::BAD_REQUEST),
    };
    let Ok(id) = HeaderValue::from_str(&session.id) else {
        return plain(StatusCode::INTERNAL_SERVER_ERROR, "no session can be opened now");
    };
    if engine.sessions.insert(session.clone()).is_err() {
        return refuse(Some(&request.id), WireError::internal(FULL), StatusCode::SERVICE_UNAVAILABLE);
    }
    if let Some(replicas) = &engine.replicas {
        let longest = engine.sessions.idle_max();
        replicas.follow(&session, longest);
        replicas.keep(&session, longest).await;
    }
    let mut response = json(StatusCode::OK, reply::answer(Some(&request.id), Outcome::Result(result), None).bytes);
    response.headers_mut().insert(SESSION_ID, id);
    response
}

/// The session that the headers name: none is 400, one that is gone or another's is 404.
async fn session(caller: &Caller<'_>) -> Result<Arc<Session>, Response<Body>> {
    let Some(id) = caller.headers.get(SESSION_ID) else {
        return Err(refuse(
            None,
            WireError::invalid_request("the Mcp-Session-Id header is missing; send `initialize` first"),
            StatusCode::BAD_REQUEST,
        ));
    };
    let session = match id.to_str() {
        Ok(id) => known(caller, id).await,
        Err(_) => Err(Lost::Unknown),
    };
    let session = session.map_err(lost)?;
    let version =
        caller.headers.get(headers::PROTOCOL_VERSION).map_or(Ok(legacy::VERSION_UNSAID), |value| value.to_str());
    if !version.is_ok_and(|version| legacy::VERSIONS.contains(&version)) {
        let error =
            WireError::invalid_request("the MCP-Protocol-Version header names no version of this session's era");
        return Err(refuse(None, error, StatusCode::BAD_REQUEST));
    }
    Ok(session)
}

/// A session that this replica has, or that another opened.
async fn known(caller: &Caller<'_>, id: &str) -> Result<Arc<Session>, Lost> {
    match (caller.engine.sessions.get(id, caller.principal), &caller.engine.replicas) {
        (Some(session), _) => Ok(session),
        (None, Some(replicas)) => replicas.find(caller.engine, id, caller.principal).await,
        (None, None) => Err(Lost::Unknown),
    }
}

fn lost(why: Lost) -> Response<Body> {
    let later = |words| refuse(None, WireError::internal(words), StatusCode::SERVICE_UNAVAILABLE);
    match why {
        Lost::Unknown => {
            let error = WireError::invalid_request("there is no such session; initialize again");
            refuse(None, error, StatusCode::NOT_FOUND)
        }
        Lost::Full => respond::busy(later(FULL)),
        Lost::Away => respond::busy(later("the session can't be looked up now; try again soon")),
    }
}

async fn answer(caller: &Caller<'_>, session: &Arc<Session>, request: &Request<'_>) -> Response<Body> {
    // The session is its principal's; what they may do now is what they proved now.
    let (engine, speaker) = (caller.engine, session.speaker_as(caller.principal));
    if let Some(response) = caller.draining(&speaker, request).await {
        return response;
    }
    let send = |outcome| json(StatusCode::OK, reply::answer(Some(&request.id), outcome, None).bytes);
    if request.method == "logging/setLevel" {
        let set = session.set_level(&request.params);
        if let (Ok(_), Some(replicas)) = (&set, &engine.replicas) {
            replicas.levelled(session, engine.sessions.idle_max());
        }
        return send(set.into());
    }
    let catalog = engine.catalog_for(&request.method, &request.params).await;
    let scene = Scene { engine, catalog: &catalog, speaker: &speaker };
    let operation = match dispatch::step(&scene, &request.method, &request.params) {
        Ok(Step::Call(operation)) => operation,
        Ok(Step::Done(result)) => return send(Outcome::Result(result)),
        Err(error) => {
            dispatch::turn_away(engine, &speaker, &request.method, &request.params, Away::Garbled).await;
            return send(Outcome::Error(error));
        }
    };
    let cancel = caller.stop.child_token();
    let flight = match session.calls.begin(&request.id, cancel.clone()) {
        Ok(flight) => flight,
        Err(error) => {
            dispatch::turn_away(engine, &speaker, &request.method, &request.params, Away::Busy).await;
            return send(Outcome::Error(error));
        }
    };
    let (accept, meta) = (Accept::of(caller.headers), &request.params.meta);
    let how = run::Tie::Session(session.clone(), flight, cancel);
    let (speaker, id, headers) = (&speaker, &request.id, caller.headers);
    let call = run::Call { engine, catalog, operation, speaker, id, meta, headers, round: None, accept, how };
    run::run(call).await
}

/// Whether the session's revision has batches.
pub(super) async fn speaks_batches(caller: &Caller<'_>) -> bool {
    session(caller).await.is_ok_and(|session| session.agreed.protocol.as_str() == "2025-03-26")
}

/// A batch: each message as if it had come alone, the answers as one array.
pub(super) async fn batch(caller: &Caller<'_>, bytes: &[u8]) -> Response<Body> {
    let messages = match envelope::split_batch(bytes) {
        Ok(messages) => messages,
        Err(error) => return refuse(None, error, StatusCode::BAD_REQUEST),
    };
    let session = match session(caller).await {
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
            within(caller, session, other).await;
            return None;
        }
        Err(wrong) => {
            let response = super::misread(caller, wrong).await;
            return response.into_body().collect().await.ok().map(|body| body.to_bytes().to_vec());
        }
    };
    let response = answer(caller, session, &message).await;
    response.into_body().collect().await.ok().map(|body| body.to_bytes().to_vec())
}

/// GET: the stream of the server's own messages; or, by the id of the last event that was heard, the rest of a call's
/// stream. A session has one stream of its own; a newer one takes its place, since a client that opens another has lost
/// the first.
pub(super) async fn stream(caller: &Caller<'_>) -> Response<Body> {
    if !caller.headers.contains_key(SESSION_ID) {
        return respond::method_not_allowed("POST");
    }
    if !Accept::of(caller.headers).stream {
        return plain(StatusCode::NOT_ACCEPTABLE, "Accept must allow text/event-stream");
    }
    let session = match session(caller).await {
        Ok(session) => session,
        Err(refused) => return refused,
    };
    session.touch();
    let gone = || {
        let error = WireError::invalid_request("Last-Event-ID names no event that is still kept");
        refuse(None, error, StatusCode::BAD_REQUEST)
    };
    let heard = match caller.headers.get(LAST_EVENT_ID).map(|id| id.to_str().ok().and_then(EventId::read)) {
        Some(None) => return gone(),
        Some(Some(id)) if id.stream > 0 => {
            let keep_alive = caller.engine.plan.listen.waits.keep_alive;
            return resume::rest(caller.engine, session, id, keep_alive).await.unwrap_or_else(gone);
        }
        heard => heard.flatten().map(|id| id.event),
    };
    let open = session.open_stream();
    if let Some(replicas) = &caller.engine.replicas {
        replicas.listens(&session);
    }
    let numbering = events::Numbering { primed: session.polls(), heard };
    events::changes(
        caller.engine,
        caller.credential(),
        Listening::session(&session),
        Some(&numbering),
        open.token(),
        open,
    )
}

/// DELETE: the session ends.
pub(super) async fn end(caller: &Caller<'_>) -> Response<Body> {
    if !caller.headers.contains_key(SESSION_ID) {
        return respond::method_not_allowed("POST");
    }
    match session(caller).await {
        Ok(session) => {
            caller.engine.sessions.remove(&session);
            if let Some(replicas) = &caller.engine.replicas {
                replicas.forget(&session.id);
            }
            empty(StatusCode::NO_CONTENT)
        }
        Err(refused) => refused,
    }
}
