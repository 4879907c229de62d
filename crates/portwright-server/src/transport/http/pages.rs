//! The pages for probes and people.

use std::sync::Arc;

use http::{Response, StatusCode};
use portwright_core::Principal;

use super::body::Body;
use super::respond;
use crate::catalog::Lists;
use crate::server::Engine;
use crate::session::reply;

/// `/health`: 200, or 503 when draining or when nothing serves. It names the tools that this caller may see: none, to
/// somebody who may not call.
pub(super) async fn health(engine: &Arc<Engine>, caller: Option<&Principal>) -> Response<Body> {
    let seen = match caller {
        Some(principal) => engine.supervisor.catalog().lists_for(Some(principal)),
        None => Arc::default(),
    };
    let report = crate::ops::health::report(engine, &seen).await;
    respond::json(status(report.is_ready()), reply::json(&report))
}

/// `/ready`
pub(super) async fn ready(engine: &Arc<Engine>) -> Response<Body> {
    let ready = crate::ops::health::report(engine, &Lists::default()).await.is_ready();
    respond::plain(status(ready), if ready { "ready" } else { "not ready" })
}

fn status(ready: bool) -> StatusCode {
    if ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE }
}
