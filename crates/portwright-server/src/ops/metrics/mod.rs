//! Metrics: what happened, in numbers; counted with atomics on the way of a call, and told by three readers: `/metrics`
//! ([`text`]), the dashboard ([`snapshot`]) and an OTLP receiver.
//!
//! Labels are bounded, and none is a stranger's word: tools and prompts are named as the catalog lists them, principals as
//! they have proved to be called; everything else is `other`.

mod flights;
pub(crate) mod histogram;
pub(crate) mod names;
pub(crate) mod process;
mod snapshot;
pub(crate) mod text;
mod window;

#[cfg(test)]
mod tests;

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant, SystemTime};

use portwright_core::{Auth, Call, Context, Operation, Principal, Refusal, RefusalKind, Reply, limits};

use crate::guard::clean_name;
use flights::{Flights, Flying, Place};
use histogram::Histogram;
use names::{Names, OTHER};
pub use snapshot::{InFlight, Noted, PrincipalTotals, Snapshot, Step, ToolTotals, Totals};
pub(crate) use snapshot::{sessions, snapshot};
use window::{Kind, Window};

/// The methods that reach a source, in the order of [`method_at`].
pub(crate) const METHODS: [&str; 5] =
    ["tools/call", "resources/read", "resources/subscribe", "prompts/get", "completion/complete"];

/// How calls end, as in the audit.
pub(crate) const OUTCOMES: [&str; 6] = ["ok", "failed", "refused", "timed_out", "cancelled", "input_required"];

/// Why calls are refused or fail, as in the audit.
pub(crate) const REASONS: [&str; 13] = [
    "not_found",
    "unauthenticated",
    "invalid",
    "incapable",
    "declined",
    "failed",
    "limited",
    "unavailable",
    "timed_out",
    "cancelled",
    "input_required",
    "internal",
    "tool_error",
];

const AUTHS: [Auth; 5] = [Auth::Local, Auth::Anonymous, Auth::Key, Auth::Token, Auth::Certificate];

/// Bytes of a token, on average: nobody knows the model's tokenizer.
pub(crate) const TOKEN_BYTES: u64 = 4;

/// The calls of one method and name.
#[derive(Debug)]
pub(crate) struct Series {
    pub(crate) method: &'static str,
    /// The tool or prompt; empty for what has no name in the catalog.
    pub(crate) name: Arc<str>,
    pub(crate) outcomes: [Histogram; OUTCOMES.len()],
    pub(crate) result_bytes: AtomicU64,
}

/// The calls of one principal.
#[derive(Debug)]
pub(crate) struct Tally {
    pub(crate) principal: Arc<str>,
    pub(crate) auth: &'static str,
    pub(crate) outcomes: [AtomicU64; OUTCOMES.len()],
    pub(crate) result_bytes: AtomicU64,
}

impl Series {
    fn new(method: &'static str, name: Arc<str>) -> Self {
        Self { method, name, outcomes: Default::default(), result_bytes: AtomicU64::new(0) }
    }
}

impl Tally {
    fn new(principal: Arc<str>, auth: &'static str) -> Self {
        Self { principal, auth, outcomes: Default::default(), result_bytes: AtomicU64::new(0) }
    }
}

/// Everything that is counted. One for a server.
#[derive(Debug)]
pub(crate) struct Metrics {
    started: Instant,
    series: [Names<Series>; METHODS.len()],
    principals: [Names<Tally>; AUTHS.len()],
    reasons: [AtomicU64; REASONS.len()],
    window: Window,
    flights: Flights,
    refused: Last,
    flagged: Last,
    /// What an exporter lost.
    pub(crate) export: Export,
}

/// How exporting goes.
#[derive(Debug, Default)]
pub(crate) struct Export {
    /// Spans and log records that were dropped, because the queue was full or the receiver did not take them.
    pub(crate) dropped: AtomicU64,
    /// Those that were delivered.
    pub(crate) sent: AtomicU64,
}

/// The last few of a kind. Whoever finds it busy goes on without: it is for people to look at, the audit has them all.
#[derive(Debug, Default)]
struct Last(Mutex<VecDeque<Noted>>);

impl Last {
    fn note(&self, make: impl FnOnce() -> Noted) {
        if let Ok(mut last) = self.0.try_lock() {
            last.truncate(limits::METRICS_NOTED_MAX - 1);
            last.push_front(make());
        }
    }

    fn all(&self) -> Vec<Noted> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).iter().cloned().collect()
    }
}

impl Default for Metrics {
    fn default() -> Self {
        let names = |method| Names::new(limits::METRICS_NAMES_MAX, Series::new(method, OTHER.into()));
        let tallies = |auth: Auth| Names::new(limits::METRICS_PRINCIPALS_MAX, Tally::new(OTHER.into(), auth.as_str()));
        Self {
            started: Instant::now(),
            series: METHODS.map(names),
            principals: AUTHS.map(tallies),
            reasons: Default::default(),
            window: Window::default(),
            flights: Flights::default(),
            refused: Last::default(),
            flagged: Last::default(),
            export: Export::default(),
        }
    }
}

fn method_at(operation: &Operation) -> usize {
    match operation {
        Operation::CallTool { .. } => 0,
        Operation::ReadResource { .. } => 1,
        Operation::Subscribe { .. } => 2,
        Operation::GetPrompt { .. } => 3,
        _ => 4,
    }
}

/// A call's name as the catalog lists it; none for what has no target, and for resources, which are without number.
fn listed(call: &Call) -> Option<&str> {
    let target = call.target.as_ref()?;
    match &call.operation {
        Operation::CallTool { .. } => target.tool.as_ref().map(|tool| tool.name.as_ref()),
        Operation::GetPrompt { name, .. } => Some(name),
        _ => None,
    }
}

/// How a call ended: its place in [`OUTCOMES`], and in [`REASONS`] if it did not go well.
fn judge(result: &Result<Reply, Refusal>) -> (usize, Option<usize>) {
    match result {
        Ok(reply) if reply.is_error() => (1, Some(12)),
        Ok(_) => (0, None),
        Err(refusal) => match refusal.kind() {
            RefusalKind::NotFound => (2, Some(0)),
            RefusalKind::Unauthenticated => (2, Some(1)),
            RefusalKind::Invalid => (2, Some(2)),
            RefusalKind::Incapable => (2, Some(3)),
            RefusalKind::Declined => (2, Some(4)),
            RefusalKind::Failed => (1, Some(5)),
            RefusalKind::Limited => (2, Some(6)),
            RefusalKind::Unavailable => (1, Some(7)),
            RefusalKind::TimedOut => (3, Some(8)),
            RefusalKind::Cancelled => CANCELLED,
            RefusalKind::InputRequired => (5, Some(10)),
            _ => (1, Some(11)),
        },
    }
}

const CANCELLED: (usize, Option<usize>) = (4, Some(9));

impl Metrics {
    /// A call begins.
    pub(crate) fn begin<'a>(&'a self, call: &'a Call, cx: &'a Context) -> Begun<'a> {
        let at = method_at(&call.operation);
        let series = match listed(call) {
            Some(name) => self.series[at].get(name, |name| Series::new(METHODS[at], label(name))),
            None => self.series[at].other(),
        };
        let start = cx.clock.instant();
        let flying = Flying {
            request: cx.request.clone(),
            method: METHODS[at],
            name: series.name.clone(),
            principal: cx.principal().cloned(),
            since: start,
        };
        let place = self.flights.enter(flying);
        Begun { metrics: self, call, cx, series, start, place: Some(place) }
    }

    fn tally(&self, principal: Option<&Arc<Principal>>) -> Arc<Tally> {
        let Some(principal) = principal else { return self.principals[1].other() };
        let at = AUTHS.iter().position(|auth| *auth == principal.auth).unwrap_or(1);
        self.principals[at].get(&principal.id, |id| Tally::new(label(id), principal.auth.as_str()))
    }

    /// The calls, by method and name.
    pub(crate) fn series(&self) -> Vec<Arc<Series>> {
        self.series.iter().flat_map(Names::all).collect()
    }

    /// The calls, by principal.
    pub(crate) fn tallies(&self) -> Vec<Arc<Tally>> {
        self.principals.iter().flat_map(Names::all).collect()
    }

    /// What did not go well, by reason.
    pub(crate) fn reasons(&self) -> impl Iterator<Item = (&'static str, u64)> {
        REASONS.iter().zip(&self.reasons).map(|(reason, count)| (*reason, count.load(Ordering::Relaxed)))
    }

    pub(crate) fn in_flight(&self) -> u64 {
        self.flights.count()
    }

    fn step_now(&self) -> u64 {
        window::step_of(self.started.elapsed())
    }
}

/// A name as a label: what can't be seen is escaped, and it is cut.
fn label(name: &Arc<str>) -> Arc<str> {
    let clean = clean_name(name);
    let cut = clean.floor_char_boundary(limits::METRICS_LABEL_BYTES_MAX);
    if clean == **name && cut == clean.len() { name.clone() } else { clean[..cut].into() }
}

/// A call under way. Dropped before it ended, it was called off.
#[derive(Debug)]
pub(crate) struct Begun<'a> {
    metrics: &'a Metrics,
    call: &'a Call,
    cx: &'a Context,
    series: Arc<Series>,
    start: Instant,
    place: Option<Place>,
}

impl Begun<'_> {
    pub(crate) fn took(&self) -> Duration {
        self.cx.clock.instant().saturating_duration_since(self.start)
    }

    /// It ended; how long it took.
    pub(crate) fn end(&mut self, result: &Result<Reply, Refusal>) -> Duration {
        self.settle(judge(result))
    }

    fn settle(&mut self, (outcome, reason): (usize, Option<usize>)) -> Duration {
        let took = self.took();
        let Some(place) = self.place.take() else { return took };
        let metrics = self.metrics;
        metrics.flights.leave(place);
        self.series.outcomes[outcome].record(took);
        let principal = self.cx.principal().cloned();
        let tally = metrics.tally(principal.as_ref());
        tally.outcomes[outcome].fetch_add(1, Ordering::Relaxed);
        let (bytes, flagged) = self.cx.look(|trail| (trail.result_bytes, !trail.flags.is_empty()));
        if let Some(bytes) = bytes {
            self.series.result_bytes.fetch_add(bytes, Ordering::Relaxed);
            tally.result_bytes.fetch_add(bytes, Ordering::Relaxed);
        }
        if let Some(reason) = reason {
            metrics.reasons[reason].fetch_add(1, Ordering::Relaxed);
        }
        let kind = match outcome {
            0 | 4 | 5 => Kind::Well,
            2 => Kind::Refused,
            _ => Kind::Failed,
        };
        let step = window::step_of(self.start.saturating_duration_since(metrics.started) + took);
        metrics.window.record(step, kind, took);
        let reason = reason.map(|at| REASONS[at]);
        if outcome == 2 {
            metrics.refused.note(|| self.noted(outcome, reason));
        }
        if flagged {
            metrics.flagged.note(|| self.noted(outcome, reason));
        }
        took
    }

    fn noted(&self, outcome: usize, reason: Option<&'static str>) -> Noted {
        let principal = self.cx.principal();
        Noted {
            at: seconds(self.cx.clock.now()),
            request: self.cx.request.to_string(),
            method: self.series.method,
            name: clean_name(self.call.operation.name()),
            principal: principal.as_ref().map(|principal| clean_name(&principal.id)),
            auth: principal.map(|principal| principal.auth.as_str()),
            transport: self.cx.transport.as_str(),
            outcome: OUTCOMES[outcome],
            reason,
            flags: self.cx.look(|trail| trail.flags.iter().take(8).map(|flag| clean_name(flag)).collect()),
        }
    }
}

impl Drop for Begun<'_> {
    fn drop(&mut self) {
        if self.place.is_some() {
            self.settle(CANCELLED);
        }
    }
}

/// Seconds since 1970.
fn seconds(time: SystemTime) -> u64 {
    time.duration_since(SystemTime::UNIX_EPOCH).map(|since| since.as_secs()).unwrap_or_default()
}
