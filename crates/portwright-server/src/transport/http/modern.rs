//! `/mcp` for 2026-07-28: each request on its own. A client that goes away calls its request off.

use axum::body::Body;
use http::{Response, StatusCode};
use portwright_core::TransportKind;

use super::body::Accept;
use super::respond::{empty, json, refuse};
use super::{Caller, run, sse};
use crate::session::dispatch::{self, Scene, Step};
use crate::session::envelope::{Message, Request};
use crate::session::errors::WireError;
use crate::session::meta::Meta;
use crate::session::reply::{self, Outcome};
use crate::session::streams::Listening;
use crate::session::{Speaker, headers, legacy, modern};

/// Whether the request is one of the stateless era: its body says so, or its header names no revision with sessions.
pub(super) fn speaks(caller: &Caller<'_>, meta: &Meta<'_>) -> bool {
    let version = caller.headers.get(headers::PROTOCOL_VERSION).map(|value| value.to_str().unwrap_or_default());
    let known = |version: &str| legacy::VERSIONS.contains(&version);
    meta.is_modern() || version.is_some_and(|version| !known(version) && version > "2026")
}

/// One message.
pub(super) async fn message(caller: &Caller<'_>, meta: &Meta<'_>, message: Message<'_>) -> Response<Body> {
    match message {
        Message::Request(request) => match prepare(caller, meta, &request) {
            Ok(speaker) => answer(caller, meta, &request, &speaker).await,
            Err(error) => refuse(Some(&request.id), error, StatusCode::BAD_REQUEST),
        },
        Message::Notification { .. } => empty(StatusCode::ACCEPTED),
        Message::Response => {
            refuse(None, WireError::invalid_request("responses are not part of this revision"), StatusCode::BAD_REQUEST)
        }
    }
}

fn prepare(caller: &Caller<'_>, meta: &Meta<'_>, request: &Request<'_>) -> Result<Speaker, WireError> {
    let speaker = modern::speaker(meta, caller.principal, TransportKind::Http)?;
    let catalog = caller.engine.supervisor.catalog();
    headers::check(caller.headers, speaker.protocol.as_str(), &request.method, request.params, &catalog)?;
    Ok(speaker)
}

async fn answer(caller: &Caller<'_>, meta: &Meta<'_>, request: &Request<'_>, speaker: &Speaker) -> Response<Body> {
    let engine = caller.engine;
    if let Some(response) = caller.draining(&request.id) {
        return response;
    }
    if request.method == "subscriptions/listen" {
        return match Listening::read(&request.id, request.params) {
            Ok(listening) => {
                let first = listening.acknowledged();
                sse::changes(engine, listening, Some(first), ())
            }
            Err(error) => refuse(Some(&request.id), error, StatusCode::BAD_REQUEST),
        };
    }
    let catalog = engine.catalog_for(&request.method).await;
    let scene = Scene { engine, catalog: &catalog, speaker };
    let operation = match dispatch::step(&scene, &request.method, request.params) {
        Ok(Step::Call(operation)) => operation,
        Ok(Step::Done(result)) => return send(&request.id, Outcome::Result(result)),
        Err(error) => return send(&request.id, Outcome::Error(error)),
    };
    let stream = Accept::of(caller.headers).stream;
    let speaks = stream && (meta.progress_token().is_some() || speaker.log_level.is_some());
    let token = meta.progress_token();
    let call = run::Call { engine, catalog, operation, speaker, id: &request.id, flight: None };
    run::run(call, speaks.then_some(token), true).await
}

fn send(id: &crate::session::envelope::Id, outcome: Outcome) -> Response<Body> {
    let answer = reply::answer(Some(id), outcome, None);
    json(StatusCode::from_u16(answer.status).unwrap_or(StatusCode::OK), answer.bytes)
}
