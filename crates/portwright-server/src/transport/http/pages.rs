//! The pages for probes and people.

use std::sync::Arc;

use http::{Response, StatusCode};

use super::body::Body;
use super::respond;
use crate::server::Engine;
use crate::session::reply;

/// `/health`: 200, or 503 when draining or when nothing serves.
pub(super) async fn health(engine: &Arc<Engine>) -> Response<Body> {
    let report = crate::ops::health::report(engine).await;
    respond::json(status(report.is_ready()), reply::json(&report))
}

/// `/ready`
pub(super) async fn ready(engine: &Arc<Engine>) -> Response<Body> {
    let ready = crate::ops::health::report(engine).await.is_ready();
    respond::plain(status(ready), if ready { "ready" } else { "not ready" })
}

fn status(ready: bool) -> StatusCode {
    if ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE }
}
