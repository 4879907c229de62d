//! How the server is, and what it does: its health and its numbers, as the viewer may see them.

use std::sync::Arc;

use serde_json::json;

use super::viewer::Viewer;
use crate::engine::Engine;
use crate::ops::health;
use crate::ops::metrics::{Snapshot, snapshot};
use crate::session::reply;

pub(super) async fn told(engine: &Arc<Engine>, viewer: &Viewer) -> Vec<u8> {
    let seen = engine.supervisor.catalog().lists_for(Some(&viewer.principal));
    let report = health::report(engine, &seen).await;
    let mut numbers = snapshot(engine);
    if !viewer.sees_all {
        own(&mut numbers, viewer);
    }
    let approvers = engine.desk.approvers();
    let me = json!({
        "principal": viewer.principal.id,
        "auth": viewer.principal.auth.as_str(),
        "roles": viewer.principal.roles,
        "sees_all": viewer.sees_all,
        "approves": approvers.as_ref().is_some_and(|approvers| approvers.include(&viewer.principal)),
    });
    reply::json(&json!({
        "me": me,
        "health": report,
        "numbers": numbers,
        "audit": engine.plan.audit.is_some(),
        "approvals": approvers.is_some(),
        "http": engine.plan.listen.transports.http,
    }))
}

/// Leaves what is the viewer's own: who else calls, how much and what, is not their business.
fn own(numbers: &mut Snapshot, viewer: &Viewer) {
    numbers.principals.retain(|one| viewer.sees(Some(&one.principal), Some(one.auth)));
    numbers.flights.retain(|one| viewer.sees(one.principal.as_deref(), one.auth));
    numbers.refusals.retain(|one| viewer.sees(one.principal.as_deref(), one.auth));
    numbers.flagged.retain(|one| viewer.sees(one.principal.as_deref(), one.auth));
    numbers.totals = numbers.principals.first().map(|one| one.totals).unwrap_or_default();
    numbers.in_flight = numbers.flights.len() as u64;
    numbers.tools.clear();
    numbers.steps.clear();
    numbers.sessions.clear();
}
