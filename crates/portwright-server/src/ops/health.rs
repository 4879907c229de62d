//! What `/health`, `/ready` and `/live` say.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use portwright_core::Health;
use serde::Serialize;

use crate::catalog::{SourceHealth, State};
use crate::server::Engine;

/// Probes must not hammer the sources: an answer serves this long.
const FRESH: Duration = Duration::from_secs(1);

/// How the server is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    Ok,
    /// It serves, but not everything.
    Degraded,
    /// It lets the last calls end.
    Draining,
}

/// The health page.
#[derive(Debug, Clone, Serialize)]
pub struct HealthReport {
    pub status: Status,
    pub name: String,
    pub version: String,
    pub uptime_seconds: u64,
    pub sessions: usize,
    pub sources: Vec<SourceHealth>,
    /// Names that several sources offer, and that are therefore listed as `SOURCE.name`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub collisions: Vec<String>,
    /// The tools, as listed.
    pub tools: Vec<String>,
    /// What else keeps the server from being well.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

impl HealthReport {
    /// Whether it serves: not before every source was tried once, and not while all of them are down.
    pub fn is_ready(&self) -> bool {
        if self.sources.iter().any(|source| source.state == State::Connecting) {
            return false;
        }
        let serves = |source: &SourceHealth| matches!(source.state, State::Ready | State::Degraded);
        self.status != Status::Draining && (self.sources.is_empty() || self.sources.iter().any(serves))
    }
}

/// The last report.
#[derive(Debug, Default)]
pub(crate) struct Cache(Mutex<Option<(Instant, Vec<SourceHealth>)>>);

impl Cache {
    fn fresh(&self) -> Option<Vec<SourceHealth>> {
        let cached = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        cached.as_ref().filter(|(at, _)| at.elapsed() < FRESH).map(|(_, sources)| sources.clone())
    }

    fn keep(&self, sources: &[SourceHealth]) {
        // Only what is settled is worth keeping: whoever waits for a source should not wait for this cache as well.
        if sources.iter().all(|source| source.state == State::Ready) {
            *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some((Instant::now(), sources.to_vec()));
        }
    }
}

/// How it is now.
pub(crate) async fn report(engine: &Engine) -> HealthReport {
    let sources = match engine.health.fresh() {
        Some(sources) => sources,
        None => {
            let sources = engine.supervisor.health().await;
            engine.health.keep(&sources);
            sources
        }
    };
    let audit = engine.audit().map(crate::guard::Audit::health);
    let reason = match audit {
        Some(Health::Degraded(reason)) => Some(format!("audit: {reason}")),
        _ => None,
    };
    let well = reason.is_none() && sources.iter().all(|source| source.state == State::Ready);
    let status = match (engine.draining.is_cancelled(), well) {
        (true, _) => Status::Draining,
        (false, true) => Status::Ok,
        (false, false) => Status::Degraded,
    };
    let catalog = engine.supervisor.catalog();
    HealthReport {
        status,
        name: engine.plan.name.clone(),
        version: engine.plan.version.clone(),
        uptime_seconds: engine.started.elapsed().as_secs(),
        sessions: engine.sessions.len(),
        sources,
        collisions: catalog.collisions().to_vec(),
        tools: catalog.tool_names(),
        reason,
    }
}
