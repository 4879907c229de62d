//! A cluster's no, in words that a model can act on: which right is missing, what does not exist, what does not fit.

use std::error::Error;
use std::time::Duration;

use http::StatusCode;
use kube::client::AuthError;
use portwright_core::{Refusal, RefusalKind, limits};
use serde::Deserialize;

use super::cluster::Ask;
use super::mask;

const ABSENT: &str = "there is no";
const UNKNOWN: &str = "the cluster does not know";

/// What a cluster says of a failure (`metav1.Status`).
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Status {
    message: Option<String>,
    reason: Option<String>,
    details: Option<Details>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Details {
    causes: Vec<Cause>,
    #[serde(rename = "retryAfterSeconds")]
    retry_after_seconds: Option<u64>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Cause {
    field: String,
}

/// There was no answer. The reason may hold addresses, and what a program for credentials printed.
pub(super) fn unreachable(error: kube::Error) -> Refusal {
    let mut inner: Option<&(dyn Error + 'static)> = Some(&error);
    while let Some(one) = inner {
        if let Some(error) = one.downcast_ref::<AuthError>() {
            let public = "no credential for the cluster could be had: its operator has to look into it";
            return Refusal::unavailable(public).because(no_credential(error));
        }
        inner = one.source();
    }
    Refusal::unavailable("the cluster can't be reached: try again later").because(error)
}

/// Why there is no credential. The error itself repeats what a program was given and what it printed.
pub(super) fn no_credential(error: &AuthError) -> String {
    match error {
        AuthError::AuthExecStart(error) => format!("the program for the credential can't be started: {}", error.kind()),
        AuthError::AuthExecRun { out, .. } => format!("the program for the credential failed: {}", out.status),
        _ => "the kubeconfig, or the program that it names, gives no credential that can be used".to_owned(),
    }
}

/// Whether a refusal says that there is no such object.
pub(super) fn is_absent(refusal: &Refusal) -> bool {
    refusal.kind() == RefusalKind::Failed && refusal.public().starts_with(ABSENT)
}

/// Whether it says that the cluster has no such kind, or no such page.
pub(super) fn is_unknown(refusal: &Refusal) -> bool {
    refusal.kind() == RefusalKind::Failed && refusal.public().starts_with(UNKNOWN)
}

/// There was one that says no.
pub(super) fn refused(code: StatusCode, body: &[u8], ask: &Ask) -> Refusal {
    let status: Status = serde_json::from_slice(body).unwrap_or_default();
    let said = status.message.clone().unwrap_or_else(|| String::from_utf8_lossy(body).into_owned());
    let cause = format!("{code} {}: {}", status.reason.clone().unwrap_or_default(), mask::text(&bounded(&said)));
    let refusal = match code {
        StatusCode::UNAUTHORIZED => {
            Refusal::unavailable("the cluster does not take this server's credential: its operator has to renew it")
        }
        StatusCode::FORBIDDEN => forbidden(ask, &said),
        StatusCode::NOT_FOUND => Refusal::failed(absent(ask)),
        StatusCode::CONFLICT => conflict(ask, &status, &said),
        StatusCode::GONE => Refusal::invalid("this page of the list is too old: ask for the first one again"),
        StatusCode::TOO_MANY_REQUESTS => {
            let wait = status.details.as_ref().and_then(|details| details.retry_after_seconds).unwrap_or(1);
            Refusal::new(RefusalKind::Limited, "the cluster asks for a pause").retry_after(Duration::from_secs(wait))
        }
        StatusCode::GATEWAY_TIMEOUT | StatusCode::REQUEST_TIMEOUT => {
            Refusal::timed_out("the cluster did not get to it in time: ask for less, or again later")
        }
        code if code.is_server_error() => server_error(ask, &said),
        _ => invalid(ask, &status, &said),
    };
    refusal.because(cause)
}

fn bounded(said: &str) -> String {
    let end = said.floor_char_boundary(limits::CLUSTER_WORDS_BYTES_MAX);
    said[..end].to_owned()
}

/// The right that is missing, as a role would have to grant it.
fn forbidden(ask: &Ask, said: &str) -> Refusal {
    // Admission says no with the same status, and for reasons of its own.
    let missing = said.contains(" cannot ") || said.is_empty();
    if !missing {
        return Refusal::failed(format!("the cluster forbids it: {}", mask::text(&bounded(said))));
    }
    let namespace = match &ask.namespace {
        Some(namespace) => format!("in the namespace `{namespace}`"),
        None => "in all namespaces".to_owned(),
    };
    let advice = match (&ask.namespace, ask.verb) {
        (None, "list" | "watch") => " A call that names one namespace may be allowed.",
        _ => "",
    };
    Refusal::failed(format!(
        "this server's credential may not `{}` `{}` {namespace}: a role would have to grant the verb `{}` on the resource \
         `{}` of the API group `\"{}\"`.{advice}",
        ask.verb, ask.resource, ask.verb, ask.resource, ask.group
    ))
}

fn absent(ask: &Ask) -> String {
    let place = ask.namespace.as_ref().map(|namespace| format!(" in the namespace `{namespace}`")).unwrap_or_default();
    match &ask.name {
        Some(name) => format!("{ABSENT} {} `{name}`{place}: a list tells which there are", ask.kind),
        None => format!("{UNKNOWN} `{}`: list_api_resources tells what it knows", ask.resource),
    }
}

fn conflict(ask: &Ask, status: &Status, said: &str) -> Refusal {
    if status.reason.as_deref() == Some("AlreadyExists") {
        return Refusal::failed(format!("there is such a {} already", ask.kind));
    }
    let fields = fields(status);
    if ask.verb == "patch" && !fields.is_empty() {
        return Refusal::failed(format!(
            "others manage these fields: {fields}. Leave them out, or set `force` to take them over"
        ));
    }
    let words = if ask.kind == "Secret" { String::new() } else { format!(": {}", mask::text(&bounded(said))) };
    Refusal::failed(format!("it was changed meanwhile, or does not fit what is there{words}. Read it again first"))
}

/// What does not fit, by its fields. A Secret's fields are told without what stands in them.
fn invalid(ask: &Ask, status: &Status, said: &str) -> Refusal {
    let fields = fields(status);
    if ask.kind == "Secret" {
        return Refusal::failed(format!("the cluster does not take it; look at the fields {fields}"));
    }
    Refusal::failed(format!("the cluster says no: {}", mask::text(&bounded(said))))
}

fn server_error(ask: &Ask, said: &str) -> Refusal {
    if said.contains("admission webhook") || said.contains("failed calling webhook") {
        return Refusal::failed("a webhook of the cluster stands in the way; its operator has to look into it");
    }
    match ask.resource.as_str() {
        "pods/log" | "pods/exec" | "nodes/proxy" => {
            Refusal::unavailable("the cluster can't reach the node: it may be down, or just starting")
        }
        _ => Refusal::unavailable("the cluster has a fault of its own: try again later"),
    }
}

fn fields(status: &Status) -> String {
    let causes = status.details.as_ref().map(|details| &*details.causes).unwrap_or_default();
    let named = causes.iter().map(|cause| cause.field.as_str()).filter(|field| !field.is_empty());
    named.take(10).collect::<Vec<_>>().join(", ")
}
