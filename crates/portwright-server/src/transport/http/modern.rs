//! `/mcp` for 2026-07-28: each request on its own. A client that goes away calls its request off.

use http::{Response, StatusCode};
use portwright_core::TransportKind;
use tokio_util::sync::CancellationToken;

use super::body::{Accept, Body};
use super::respond::{empty, json, plain, refuse};
use super::{Caller, events, run};
use crate::session::dispatch::{self, Away, Scene, Step};
use crate::session::envelope::{Id, Message, Request};
use crate::session::errors::WireError;
use crate::session::params::Meta;
use crate::session::reply::{self, Outcome};
use crate::session::streams::Listening;
use crate::session::tasks;
use crate::session::{Speaker, headers, legacy, modern};

/// Whether the request is one of the stateless era: its body says so, or its header names no revision with sessions.
pub(super) fn speaks(caller: &Caller<'_>, meta: &Meta<'_>) -> bool {
    let version = caller.headers.get(headers::PROTOCOL_VERSION).map(|value| value.to_str().unwrap_or_default());
    let known = |version: &str| legacy::VERSIONS.contains(&version);
    meta.is_modern() || version.is_some_and(|version| !known(version) && version > "2026")
}

/// One message.
pub(super) async fn message(caller: &Caller<'_>, message: Message<'_>) -> Response<Body> {
    match message {
        Message::Request(request) => match answer(caller, &request).await {
            Ok(response) => response,
            Err(error) => refuse(Some(&request.id), error, StatusCode::BAD_REQUEST),
        },
        Message::Notification { .. } => empty(StatusCode::ACCEPTED),
        Message::Response(_) => {
            refuse(None, WireError::invalid_request("responses are not part of this revision"), StatusCode::BAD_REQUEST)
        }
    }
}

/// Who speaks, if header and body agree on a revision of ours.
fn speaker(caller: &Caller<'_>, meta: &Meta<'_>) -> Result<Speaker, WireError> {
    headers::check_version(caller.headers, &modern::version(meta)?)?;
    modern::speaker(meta, caller.principal, TransportKind::Http)
}

/// The answer, or why the request is no proper one.
async fn answer(caller: &Caller<'_>, request: &Request<'_>) -> Result<Response<Body>, WireError> {
    let (engine, meta) = (caller.engine, &request.params.meta);
    let speaker = match speaker(caller, meta) {
        Ok(speaker) => speaker,
        Err(error) => {
            dispatch::turn_away(engine, &caller.stranger(), &request.method, &request.params, Away::Stray).await;
            return Err(error);
        }
    };
    let catalog = engine.catalog_for(&request.method, &request.params).await;
    if let Err(error) = headers::check(caller.headers, request, &catalog, caller.principal) {
        dispatch::turn_away(engine, &speaker, &request.method, &request.params, Away::Garbled).await;
        return Err(error);
    }
    if let Some(response) = caller.draining(&speaker, request).await {
        return Ok(response);
    }
    let accept = Accept::of(caller.headers);
    if request.method == "subscriptions/listen" {
        if !accept.stream {
            return Ok(plain(StatusCode::NOT_ACCEPTABLE, "Accept must allow text/event-stream"));
        }
        let wish = Listening::read(engine, &speaker, &request.id, &request.params)?;
        let listening = wish.admit(engine, &catalog, &speaker).await;
        return Ok(events::changes(engine, caller.credential(), listening, None, CancellationToken::new(), ()));
    }
    if let Some(replicas) = &engine.replicas
        && tasks::is_elsewhere(engine, &speaker, &request.method, &request.params)
        && let Some(answer) = replicas.task(&request.method, &request.params, &speaker.principal).await
    {
        return Ok(send(&request.id, answer.map_or_else(Outcome::Error, Outcome::Result)));
    }
    let scene = Scene { engine, catalog: &catalog, speaker: &speaker };
    let operation = match dispatch::step(&scene, &request.method, &request.params) {
        Ok(Step::Call(operation)) => operation,
        Ok(Step::Done(result)) => return Ok(send(&request.id, Outcome::Result(result))),
        Err(error) => {
            dispatch::turn_away(engine, &speaker, &request.method, &request.params, Away::Garbled).await;
            return Ok(send(&request.id, Outcome::Error(error)));
        }
    };
    let round = match engine.round(&speaker, &request.method, &request.params) {
        Ok(round) => round,
        Err(error) => {
            dispatch::turn_away(engine, &speaker, &request.method, &request.params, Away::Garbled).await;
            return Ok(send(&request.id, Outcome::Error(error)));
        }
    };
    let how = run::Tie::Client(caller.stop.child_token());
    let (speaker, headers) = (&speaker, caller.headers);
    let call = run::Call { engine, catalog, operation, speaker, id: &request.id, meta, headers, round, accept, how };
    Ok(run::run(call).await)
}

fn send(id: &Id, outcome: Outcome) -> Response<Body> {
    let answer = reply::answer(Some(id), outcome, None);
    json(StatusCode::from_u16(answer.status).unwrap_or(StatusCode::OK), answer.bytes)
}
