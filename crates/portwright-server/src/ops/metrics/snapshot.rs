//! [`Snapshot`]: what a dashboard shows of the calls.

use std::sync::atomic::Ordering;
use std::time::{Duration, SystemTime};

use portwright_core::{TransportKind, limits};
use serde::Serialize;

use super::histogram::{BOUNDS_MICROS, Counted};
use super::{OUTCOMES, Series, TOKEN_BYTES, Tally, seconds};
use crate::engine::Engine;

/// How the calls are and were, at one moment.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Snapshot {
    /// Seconds since 1970.
    pub at: u64,
    pub uptime_seconds: u64,
    /// Since the start.
    pub totals: Totals,
    /// Seconds of a step.
    pub step_seconds: u64,
    /// The last hour, oldest first. The last step is not over.
    pub steps: Vec<Step>,
    /// Tools and prompts, and what has no name, with at least one call since the start.
    pub tools: Vec<ToolTotals>,
    pub principals: Vec<PrincipalTotals>,
    /// Calls that run now, in all; more than [`flights`](Self::flights) tells where there are very many.
    pub in_flight: u64,
    /// The oldest first.
    pub flights: Vec<InFlight>,
    /// The last first.
    pub refusals: Vec<Noted>,
    /// The last first.
    pub flagged: Vec<Noted>,
    /// By transport.
    pub sessions: Vec<(&'static str, usize)>,
}

/// Calls by how they ended.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Totals {
    pub calls: u64,
    pub ok: u64,
    /// The source or we could not, or the tool said isError.
    pub failed: u64,
    pub refused: u64,
    pub timed_out: u64,
    pub cancelled: u64,
    /// Those that ended with a question to their client.
    pub input_required: u64,
    pub result_bytes: u64,
    /// An estimate.
    pub result_tokens: u64,
}

/// Ten seconds of the last hour.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Step {
    /// When it began, in seconds since 1970.
    pub at: u64,
    pub calls: u64,
    pub errors: u64,
    pub refusals: u64,
    /// Milliseconds, to a tenth or so; none where there were no calls.
    pub p50_ms: Option<f64>,
    pub p95_ms: Option<f64>,
    pub p99_ms: Option<f64>,
}

/// The calls of one tool or prompt.
#[derive(Debug, Clone, Serialize)]
pub struct ToolTotals {
    pub method: &'static str,
    /// As listed; `other` for what is not listed, and beyond the bound of names.
    pub name: String,
    pub totals: Totals,
    pub mean_ms: Option<f64>,
    /// The bound below which 95 of a hundred stay.
    pub p95_ms: Option<f64>,
}

/// The calls of one principal.
#[derive(Debug, Clone, Serialize)]
pub struct PrincipalTotals {
    pub principal: String,
    pub auth: &'static str,
    pub totals: Totals,
}

/// A call that runs.
#[derive(Debug, Clone, Serialize)]
pub struct InFlight {
    pub request: String,
    pub method: &'static str,
    pub name: String,
    pub principal: Option<String>,
    pub auth: Option<&'static str>,
    /// Milliseconds since it began.
    pub since_ms: u64,
}

/// A call that somebody may want to look at. The audit tells more.
#[derive(Debug, Clone, Serialize)]
pub struct Noted {
    /// When it ended, in seconds since 1970.
    pub at: u64,
    pub request: String,
    pub method: &'static str,
    /// As it was called: a stranger's word, with what can't be seen escaped.
    pub name: String,
    pub principal: Option<String>,
    pub auth: Option<&'static str>,
    pub transport: &'static str,
    pub outcome: &'static str,
    pub reason: Option<&'static str>,
    pub flags: Vec<String>,
}

impl Totals {
    fn of(outcomes: [u64; OUTCOMES.len()], result_bytes: u64) -> Self {
        let [ok, failed, refused, timed_out, cancelled, input_required] = outcomes;
        Self {
            calls: outcomes.iter().sum(),
            ok,
            failed,
            refused,
            timed_out,
            cancelled,
            input_required,
            result_bytes,
            result_tokens: result_bytes.div_ceil(TOKEN_BYTES),
        }
    }
}

impl ToolTotals {
    fn of(series: &Series) -> Self {
        let counted = series.outcomes.each_ref().map(super::Histogram::read);
        let all = counted.iter().fold(Counted::default(), |mut all, one| {
            all.buckets.iter_mut().zip(one.buckets).for_each(|(sum, count)| *sum += count);
            all.sum_micros += one.sum_micros;
            all
        });
        let bytes = series.result_bytes.load(Ordering::Relaxed);
        Self {
            method: series.method,
            name: series.name.to_string(),
            totals: Totals::of(counted.map(|one| one.count()), bytes),
            mean_ms: mean(&all),
            p95_ms: bound_of(&all, 95),
        }
    }
}

impl PrincipalTotals {
    fn of(tally: &Tally) -> Self {
        let outcomes = tally.outcomes.each_ref().map(|count| count.load(Ordering::Relaxed));
        Self {
            principal: tally.principal.to_string(),
            auth: tally.auth,
            totals: Totals::of(outcomes, tally.result_bytes.load(Ordering::Relaxed)),
        }
    }
}

fn millis(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1000.0
}

fn mean(counted: &Counted) -> Option<f64> {
    let calls = u32::try_from(counted.count()).unwrap_or(u32::MAX);
    (calls > 0).then(|| counted.sum_seconds() * 1000.0 / f64::from(calls))
}

fn bound_of(counted: &Counted, percent: u64) -> Option<f64> {
    let all = counted.count();
    let rank = (all * percent).div_ceil(100);
    let mut seen = 0;
    let at = counted.buckets.iter().position(|count| {
        seen += count;
        seen >= rank
    })?;
    (all > 0).then(|| millis(Duration::from_micros(BOUNDS_MICROS[at.min(BOUNDS_MICROS.len() - 1)])))
}

/// How it is now.
pub(crate) fn snapshot(engine: &Engine) -> Snapshot {
    let metrics = &engine.metrics;
    let (now, uptime) = (SystemTime::now(), engine.started.elapsed());
    let began = seconds(now).saturating_sub(metrics.started.elapsed().as_secs());
    let series: Vec<_> = metrics.series().iter().map(|series| ToolTotals::of(series)).collect();
    let totals = series.iter().fold(Totals::default(), |all, one| all.and(&one.totals));
    let principals = metrics.tallies();
    let step_seconds = limits::METRICS_STEP.as_secs();
    let steps = metrics.window.read(metrics.step_now()).into_iter().map(|(step, told)| Step {
        at: began + step * step_seconds,
        calls: told.calls,
        errors: told.errors,
        refusals: told.refusals,
        p50_ms: told.quantiles.map(|quantiles| millis(quantiles[0])),
        p95_ms: told.quantiles.map(|quantiles| millis(quantiles[1])),
        p99_ms: told.quantiles.map(|quantiles| millis(quantiles[2])),
    });
    let flights = metrics.flights.all().into_iter().map(|flying| InFlight {
        request: flying.request.to_string(),
        method: flying.method,
        name: flying.name.to_string(),
        auth: flying.principal.as_ref().map(|principal| principal.auth.as_str()),
        principal: flying.principal.map(|principal| super::clean_name(&principal.id)),
        since_ms: u64::try_from(flying.since.elapsed().as_millis()).unwrap_or(u64::MAX),
    });
    Snapshot {
        at: seconds(now),
        uptime_seconds: uptime.as_secs(),
        totals,
        step_seconds,
        steps: steps.collect(),
        tools: series.into_iter().filter(|one| one.totals.calls > 0).collect(),
        principals: principals
            .iter()
            .map(|tally| PrincipalTotals::of(tally))
            .filter(|one| one.totals.calls > 0)
            .collect(),
        in_flight: metrics.in_flight(),
        flights: flights.collect(),
        refusals: metrics.refused.all(),
        flagged: metrics.flagged.all(),
        sessions: sessions(engine),
    }
}

/// Open sessions and conversations, by transport.
pub(crate) fn sessions(engine: &Engine) -> Vec<(&'static str, usize)> {
    let kinds = [TransportKind::Http, TransportKind::Sse, TransportKind::WebSocket];
    kinds.map(|kind| (kind.as_str(), engine.sessions.of_transport(kind))).to_vec()
}

impl Totals {
    fn and(self, other: &Self) -> Self {
        Self {
            calls: self.calls + other.calls,
            ok: self.ok + other.ok,
            failed: self.failed + other.failed,
            refused: self.refused + other.refused,
            timed_out: self.timed_out + other.timed_out,
            cancelled: self.cancelled + other.cancelled,
            input_required: self.input_required + other.input_required,
            result_bytes: self.result_bytes + other.result_bytes,
            result_tokens: self.result_tokens + other.result_tokens,
        }
    }
}
