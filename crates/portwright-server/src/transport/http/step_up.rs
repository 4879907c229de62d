//! Step-up: a call that a token's bearer may not make, and could with one scope more, is answered with 403 and that scope
//! (the specification's authorization, "Scope Challenge Handling"). Only where the plan says so, since it tells the bearer
//! that what they asked for is there.

use std::sync::Arc;

use http::{HeaderValue, Response, StatusCode, header};
use portwright_core::{Auth, Call, Operation, Principal};

use super::body::Body;
use super::cards;
use crate::catalog::Catalog;
use crate::engine::Engine;

/// The challenge for a call that will be refused, if a scope would let it pass.
pub(super) fn challenge(
    engine: &Engine,
    catalog: &Catalog,
    operation: &Operation,
    who: &Arc<Principal>,
) -> Option<HeaderValue> {
    let oauth = engine.plan.oauth.as_ref().filter(|oauth| oauth.step_up && who.auth == Auth::Token)?;
    let policy = catalog.rules.policy.as_ref()?;
    let call = Call { operation: operation.clone(), target: catalog.target(operation) };
    if policy.allows(who, &call) {
        return None;
    }
    let (scope, _) = oauth.scopes.iter().find(|(_, role)| {
        let mut more = Principal::clone(who);
        more.roles.push((*role).clone());
        policy.allows(&more, &call)
    })?;
    let mut scopes: Vec<&str> = oauth.required_scopes.iter().map(String::as_str).collect();
    scopes.push(scope);
    let mut words = vec!["error=\"insufficient_scope\"".to_owned(), format!("scope=\"{}\"", scopes.join(" "))];
    words.extend(cards::metadata_address(&engine.plan));
    HeaderValue::try_from(format!("Bearer {}", words.join(", "))).ok()
}

/// The answer to such a call.
pub(super) fn answer(mut response: Response<Body>, challenge: HeaderValue) -> Response<Body> {
    *response.status_mut() = StatusCode::FORBIDDEN;
    response.headers_mut().insert(header::WWW_AUTHENTICATE, challenge);
    response
}
