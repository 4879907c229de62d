//! What `/health`, `/ready` and `/live` say.

use std::time::Instant;

use portwright_core::{Health, limits};
use serde::Serialize;
use tokio::sync::Mutex;

use crate::catalog::{Lists, SourceHealth, State, Supervisor};
use crate::engine::Engine;

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

/// What the sources said last, and when. Probes must not hammer them, so what they say is asked for once in a while,
/// by one at a time.
#[derive(Debug, Default)]
pub(crate) struct Cache(Mutex<Option<(Instant, u64)>>);

impl Cache {
    /// How each source is. Which are open is always known; how those are may be a little old.
    async fn sources(&self, supervisor: &Supervisor) -> Vec<SourceHealth> {
        let mut last = self.0.lock().await;
        let version = supervisor.version();
        if last.is_none_or(|(at, seen)| at.elapsed() >= limits::HEALTH_TTL || seen != version) {
            supervisor.ask_all().await;
            *last = Some((Instant::now(), version));
        }
        supervisor.health()
    }
}

/// How it is now, for somebody who sees these lists.
pub(crate) async fn report(engine: &Engine, seen: &Lists) -> HealthReport {
    let sources = engine.health.sources(&engine.supervisor).await;
    let audit = engine.audit().map(crate::guard::Audit::health);
    let audit = match audit {
        Some(Health::Degraded(reason)) => Some(format!("audit: {reason}")),
        _ => None,
    };
    let reasons: Vec<_> = audit.into_iter().chain(engine.fault()).collect();
    let reason = (!reasons.is_empty()).then(|| reasons.join("; "));
    let well = reason.is_none() && sources.iter().all(|source| source.state == State::Ready);
    let status = match (engine.leaving.is_cancelled() || engine.draining.is_cancelled(), well) {
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
        collisions: catalog.collisions_in(seen),
        tools: seen.tools.names().map(str::to_owned).collect(),
        reason,
    }
}
