//! `/approvals`: the calls that wait for a person, for those with an approver's role.
//!
//! Host and Origin are judged before, as for `/mcp`. A credential must be shown with each request, in a header that no
//! browser sends by itself: being on this machine is not enough, and a page that somebody merely visits decides nothing.

use http::{HeaderMap, Method, Response, StatusCode, header};
use hyper::body::Incoming;
use portwright_core::{Principal, limits};
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::admission::Unproven;
use super::body::{self, Body};
use super::respond::{self, json, plain};
use super::{Front, Peer, callers};
use crate::guard::approve::Approvers;
use crate::guard::approve::queue::{Shown, State, Undecided};
use crate::session::reply;

/// What an approver posts.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Posted {
    decision: Decision,
    #[serde(default)]
    reason: Option<String>,
}

/// Why a decision comes too late.
#[derive(Serialize)]
struct Over<'a> {
    error: &'a str,
    approval: &'a Shown,
}

#[derive(Deserialize, Clone, Copy, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
enum Decision {
    Approve,
    Deny,
}

/// The list, one call, or a decision.
pub(super) async fn serve(front: &Front, peer: &Peer, request: http::Request<Incoming>) -> Response<Body> {
    let Some(approvers) = front.engine.desk.approvers() else { return respond::nothing_here() };
    let approver = match callers::caller(front, peer, request.headers()).await {
        Ok(principal) => principal,
        Err(refused) => return *refused,
    };
    if !request.headers().contains_key(header::AUTHORIZATION) {
        return front.admission.credential_wanted(Unproven::Missing);
    }
    if !approvers.include(&approver) {
        return plain(StatusCode::FORBIDDEN, "your roles approve no calls here");
    }
    let (head, body) = request.into_parts();
    let id = head.uri.path().strip_prefix("/approvals").unwrap_or_default().trim_start_matches('/');
    let queue = &front.engine.desk.queue;
    match (id, &head.method) {
        ("", &Method::GET) => fresh(json(StatusCode::OK, reply::json(&json!({"approvals": queue.list()})))),
        ("", _) => respond::method_not_allowed("GET"),
        (id, &Method::GET) => queue.get(id).map_or_else(unknown, |shown| told(StatusCode::OK, &shown)),
        (id, &Method::POST) => {
            let posted = match read(front, &head.headers, body).await {
                Ok(posted) => posted,
                Err(refused) => return *refused,
            };
            decide(front, id, &approver, &approvers, &posted)
        }
        _ => respond::method_not_allowed("GET, POST"),
    }
}

async fn read(front: &Front, headers: &HeaderMap, body: Incoming) -> Result<Posted, Box<Response<Body>>> {
    body::check_content(headers)?;
    let bytes = body::read(body, front.engine.plan.listen.waits.body).await?;
    let posted = Some(&bytes).filter(|bytes| bytes.len() <= limits::APPROVAL_POST_BYTES_MAX);
    posted.and_then(|bytes| serde_json::from_slice(bytes).ok()).ok_or_else(|| {
        let words = "post {\"decision\": \"approve\"} or {\"decision\": \"deny\", \"reason\": \"…\"}";
        Box::new(plain(StatusCode::BAD_REQUEST, words))
    })
}

fn decide(front: &Front, id: &str, approver: &Principal, approvers: &Approvers, posted: &Posted) -> Response<Body> {
    let approved = posted.decision == Decision::Approve;
    match front.engine.desk.queue.decide(id, approver, approvers, approved, posted.reason.as_deref()) {
        Ok(shown) => told(StatusCode::OK, &shown),
        Err(Undecided::Unknown) => unknown(),
        Err(Undecided::Own) => plain(StatusCode::FORBIDDEN, "this is a call of your own; somebody else must decide"),
        Err(Undecided::Over(shown)) => {
            let words = match shown.state() {
                State::Approved => "it was approved already",
                State::Denied => "it was denied already",
                State::Expired => "nobody decided in time; the call was not made",
                State::Cancelled | State::Waiting => "its caller does not wait any more; the call was not made",
            };
            fresh(json(StatusCode::CONFLICT, reply::json(&Over { error: words, approval: &shown })))
        }
    }
}

fn told(status: StatusCode, shown: &Shown) -> Response<Body> {
    fresh(json(status, reply::json(shown)))
}

/// One text for ids that never were and those that are long over.
fn unknown() -> Response<Body> {
    plain(StatusCode::NOT_FOUND, "no call waits under this id")
}

/// Nobody on the way keeps it.
fn fresh(mut response: Response<Body>) -> Response<Body> {
    response.headers_mut().insert(header::CACHE_CONTROL, http::HeaderValue::from_static("no-store"));
    response
}
