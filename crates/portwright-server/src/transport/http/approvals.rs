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
use crate::guard::approve::queue::Undecided;
use crate::session::replicas::Decided;
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
struct Over<'a, T> {
    error: &'a str,
    approval: &'a T,
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
    match (id, &head.method) {
        ("", &Method::GET) => list(front).await,
        ("", _) => respond::method_not_allowed("GET"),
        (id, &Method::GET) => one(front, id).await,
        (id, &Method::POST) => {
            let posted = match read(front, &head.headers, body).await {
                Ok(posted) => posted,
                Err(refused) => return *refused,
            };
            decide(front, id, &approver, &approvers, &posted).await
        }
        _ => respond::method_not_allowed("GET, POST"),
    }
}

/// Those that wait at any replica, the oldest first.
async fn list(front: &Front) -> Response<Body> {
    let own = front.engine.desk.queue.list();
    let Some(replicas) = &front.engine.replicas else {
        return fresh(json(StatusCode::OK, reply::json(&json!({"approvals": own}))));
    };
    let mut all = replicas.approvals().await;
    all.extend(own.iter().filter_map(|shown| serde_json::to_value(shown).ok()));
    all.sort_by(|one, other| one["since"].as_str().cmp(&other["since"].as_str()));
    fresh(json(StatusCode::OK, reply::json(&json!({"approvals": all}))))
}

async fn one(front: &Front, id: &str) -> Response<Body> {
    if let Some(shown) = front.engine.desk.queue.get(id) {
        return told(StatusCode::OK, &shown);
    }
    let elsewhere = match &front.engine.replicas {
        Some(replicas) => replicas.approval(id).await,
        None => None,
    };
    elsewhere.map_or_else(unknown, |shown| told(StatusCode::OK, &shown))
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

async fn decide(
    front: &Front,
    id: &str,
    approver: &Principal,
    approvers: &Approvers,
    posted: &Posted,
) -> Response<Body> {
    let (approved, why) = (posted.decision == Decision::Approve, posted.reason.as_deref());
    let engine = &front.engine;
    match (engine.desk.queue.decide(id, approver, approvers, approved, why), &engine.replicas) {
        (Ok(shown), _) => told(StatusCode::OK, &shown),
        (Err(Undecided::Unknown), Some(replicas)) => match replicas.decide(id, approver, approved, why).await {
            Decided::Done(shown) => told(StatusCode::OK, &shown),
            Decided::Own => own(),
            Decided::Over(shown) => over(shown["state"].as_str().unwrap_or_default(), &shown),
            Decided::Unknown => unknown(),
        },
        (Err(Undecided::Unknown), None) => unknown(),
        (Err(Undecided::Own), _) => own(),
        (Err(Undecided::Over(shown)), _) => over(shown.state().word(), &shown),
    }
}

fn own() -> Response<Body> {
    plain(StatusCode::FORBIDDEN, "this is a call of your own; somebody else must decide")
}

/// Somebody or something has decided already.
fn over(state: &str, shown: &impl Serialize) -> Response<Body> {
    let words = match state {
        "approved" => "it was approved already",
        "denied" => "it was denied already",
        "expired" => "nobody decided in time; the call was not made",
        _ => "its caller does not wait any more; the call was not made",
    };
    fresh(json(StatusCode::CONFLICT, reply::json(&Over { error: words, approval: shown })))
}

fn told(status: StatusCode, shown: &impl Serialize) -> Response<Body> {
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
