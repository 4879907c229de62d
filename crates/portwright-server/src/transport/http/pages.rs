//! The pages for probes and people.

use std::sync::Arc;

use http::{HeaderMap, Response, StatusCode, header};
use portwright_core::Principal;

use super::body::Body;
use super::{Front, Peer, admission, callers, respond};
use crate::catalog::Lists;
use crate::engine::Engine;
use crate::ops::metrics::text::{self, Format};
use crate::plan::MetricsReaders;
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

/// `/metrics`, to those who may read it.
pub(super) async fn metrics(front: &Front, peer: &Peer, headers: &HeaderMap) -> Response<Body> {
    let (engine, local) = (&front.engine, admission::is_local(headers, peer));
    match engine.plan.metrics {
        MetricsReaders::Off => return respond::nothing_here(),
        MetricsReaders::Loopback if !local => {
            let text = "metrics are told to this machine alone; telemetry.metrics says who else reads them";
            return respond::plain(StatusCode::FORBIDDEN, text);
        }
        MetricsReaders::Callers if !local => {
            if let Err(refused) = callers::caller(front, peer, headers).await {
                return *refused;
            }
        }
        _ => {}
    }
    let mut accepted = headers.get_all(header::ACCEPT).iter().filter_map(|value| value.to_str().ok());
    let open = accepted.any(|value| value.contains("application/openmetrics-text"));
    let format = if open { Format::OpenMetrics } else { Format::Prometheus };
    let page = text::page(engine, format).await;
    respond::with_type(StatusCode::OK, format.content_type(), Body::whole(page))
}

fn status(ready: bool) -> StatusCode {
    if ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE }
}
