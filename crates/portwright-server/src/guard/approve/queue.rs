//! Calls that wait for somebody with an approver's role. In memory, bounded in all and for each caller.
//!
//! What takes an entry out decides about it, under one lock: a decision, the end of the wait, or the end of the call. The
//! first counts, and whoever comes later is told what it was.

use std::collections::{HashMap, VecDeque};
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use portwright_core::{Context, Effects, Principal, Refusal, RefusalKind, limits};
use serde::Serialize;
use serde_json::Value;
use tokio::sync::oneshot;
use tokio::time::Instant;

use super::{Approvers, Asked, owner};
use crate::guard::audit;
use crate::guard::redact::{REDACTED, looks_secret};
use crate::guard::sanitize::characters::{Found, clean};
use crate::ops::random;

/// A call, as approvers see it.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Shown {
    id: String,
    state: State,
    principal: String,
    auth: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    client: Option<String>,
    operation: &'static str,
    name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    source: Option<Arc<str>>,
    /// Whether it only reads.
    read_only: bool,
    /// Without what looks like a secret, and cut to the audit's bounds. Not told in lists.
    #[serde(skip_serializing_if = "Value::is_null")]
    arguments: Value,
    /// Of the whole call: the same for the same caller, name and arguments.
    digest: String,
    rule: String,
    since: String,
    expires: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    decided_by: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    decided_at: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
}

/// How it stands with a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum State {
    Waiting,
    Approved,
    Denied,
    /// Nobody decided in time.
    Expired,
    /// Its caller called it off, or the server stopped.
    Cancelled,
}

impl State {
    pub(crate) const fn word(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Approved => "approved",
            Self::Denied => "denied",
            Self::Expired => "expired",
            Self::Cancelled => "cancelled",
        }
    }
}

/// What was decided.
#[derive(Debug)]
pub(super) struct Verdict {
    pub(super) approved: bool,
    pub(super) by: String,
    pub(super) reason: Option<String>,
}

/// Why a decision does not count.
#[derive(Debug)]
pub(crate) enum Undecided {
    /// There is no such call, or it is long over.
    Unknown,
    /// It is the approver's own call.
    Own,
    /// It is over already.
    Over(Box<Shown>),
}

struct Waiting {
    owner: Arc<str>,
    shown: Shown,
    until: Instant,
    decide: oneshot::Sender<Verdict>,
}

#[derive(Default)]
struct Calls {
    waiting: HashMap<String, Waiting>,
    ended: VecDeque<Shown>,
}

/// The calls that wait. Clones are the same queue.
#[derive(Clone, Default)]
pub(crate) struct Queue {
    calls: Arc<Mutex<Calls>>,
}

impl fmt::Debug for Queue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Queue").field("waiting", &self.calls().waiting.len()).finish_non_exhaustive()
    }
}

impl Shown {
    pub(super) fn of(asked: &Asked<'_>, cx: &Context, wait: Duration) -> Result<Self, Refusal> {
        let id = random::hex::<16>().map_err(|_| Refusal::internal("the system gives no random numbers"))?;
        let (operation, target) = (&asked.call.operation, asked.call.target.as_ref());
        let since = SystemTime::now();
        Ok(Self {
            id,
            state: State::Waiting,
            principal: cut(&asked.principal.id),
            auth: asked.principal.auth.as_str(),
            client: cx.client.as_ref().map(|client| cut(&format!("{}/{}", client.name, client.version))),
            operation: operation.method(),
            name: cut(operation.name()),
            source: target.map(|target| target.source.clone()),
            read_only: target.is_some_and(|target| target.effects == Effects::None),
            arguments: operation.arguments().map_or(Value::Null, |arguments| audit::values(arguments).into()),
            digest: asked.digest.iter().fold(String::new(), |text, byte| text + &format!("{byte:02x}")),
            rule: asked.rule.to_owned(),
            since: time(since),
            expires: time(since + wait),
            decided_by: None,
            decided_at: None,
            reason: None,
        })
    }

    pub(crate) fn state(&self) -> State {
        self.state
    }
}

fn cut(text: &str) -> String {
    if looks_secret(text) {
        return REDACTED.to_owned();
    }
    text[..text.floor_char_boundary(limits::AUDIT_VALUE_BYTES_MAX)].to_owned()
}

fn time(at: SystemTime) -> String {
    jiff::Timestamp::try_from(at).map(|at| format!("{at:.0}")).unwrap_or_default()
}

/// An approver's reason, as a model may read it: one line, bounded, nothing hidden in it.
fn reason(text: &str) -> Option<String> {
    let text = clean(text, &mut Found::default());
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let line = &line[..line.floor_char_boundary(limits::APPROVAL_REASON_BYTES_MAX)];
    (!line.is_empty()).then(|| line.to_owned())
}

impl Queue {
    fn calls(&self) -> MutexGuard<'_, Calls> {
        self.calls.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes a place for a call.
    pub(super) fn enter(&self, owner: Arc<str>, shown: Shown, wait: Duration) -> Result<Place, Refusal> {
        let (decide, verdict) = oneshot::channel();
        let (id, until) = (shown.id.clone(), Instant::now() + wait);
        let mut calls = self.calls();
        let own = calls.waiting.values().filter(|call| call.owner == owner).count();
        if own >= limits::APPROVALS_WAITING_OF_ONE_MAX || calls.waiting.len() >= limits::APPROVALS_WAITING_MAX {
            let words = "too many calls wait for a person's approval already; wait until some are decided";
            return Err(Refusal::new(RefusalKind::Limited, words));
        }
        calls.waiting.insert(id.clone(), Waiting { owner, shown, until, decide });
        Ok(Place { queue: self.clone(), id, until, verdict })
    }

    /// The calls that wait, the oldest first.
    pub(crate) fn list(&self) -> Vec<Shown> {
        let brief = |shown: &Shown| Shown { arguments: Value::Null, ..shown.clone() };
        let mut all: Vec<_> = self.calls().waiting.values().map(|call| (call.until, brief(&call.shown))).collect();
        all.sort_by(|left, right| (&left.1.since, left.0).cmp(&(&right.1.since, right.0)));
        all.into_iter().map(|(_, shown)| shown).collect()
    }

    /// One call, also if it is over, as long as that is known.
    pub(crate) fn get(&self, id: &str) -> Option<Shown> {
        let calls = self.calls();
        let ended = || calls.ended.iter().find(|shown| shown.id == id);
        calls.waiting.get(id).map(|call| &call.shown).or_else(ended).cloned()
    }

    /// Decides, if nobody and nothing has yet.
    pub(crate) fn decide(
        &self,
        id: &str,
        approver: &Principal,
        approvers: &Approvers,
        approved: bool,
        why: Option<&str>,
    ) -> Result<Shown, Undecided> {
        let mut calls = self.calls();
        let Some(call) = calls.waiting.get(id) else {
            let ended = calls.ended.iter().find(|shown| shown.id == id);
            return Err(ended.map_or(Undecided::Unknown, |shown| Undecided::Over(Box::new(shown.clone()))));
        };
        if call.owner == owner(approver) && !approvers.may_decide_their_own() {
            return Err(Undecided::Own);
        }
        if call.until <= Instant::now() {
            let over = calls.end(id, State::Expired, None).map(|(shown, _)| shown);
            return Err(over.map_or(Undecided::Unknown, |shown| Undecided::Over(Box::new(shown))));
        }
        let verdict = Verdict { approved, by: approver.id.to_string(), reason: why.and_then(reason) };
        let state = if approved { State::Approved } else { State::Denied };
        let Some((shown, call)) = calls.end(id, state, Some(&verdict)) else { return Err(Undecided::Unknown) };
        // Whoever waits takes its place out under the same lock before it goes.
        let _ = call.send(verdict);
        Ok(shown)
    }
}

impl Calls {
    /// Takes a call out of the queue, and keeps how it ended.
    fn end(&mut self, id: &str, state: State, verdict: Option<&Verdict>) -> Option<(Shown, oneshot::Sender<Verdict>)> {
        let Waiting { mut shown, decide, .. } = self.waiting.remove(id)?;
        shown.state = state;
        shown.decided_by = verdict.map(|verdict| verdict.by.clone());
        shown.decided_at = verdict.map(|_| time(SystemTime::now()));
        shown.reason = verdict.and_then(|verdict| verdict.reason.clone());
        self.ended.push_front(shown.clone());
        self.ended.truncate(limits::APPROVALS_ENDED_MAX);
        Some((shown, decide))
    }
}

/// A call's place in the queue. Dropped, it is given up.
#[derive(Debug)]
pub(super) struct Place {
    queue: Queue,
    id: String,
    until: Instant,
    verdict: oneshot::Receiver<Verdict>,
}

impl Place {
    pub(super) fn id(&self) -> &str {
        &self.id
    }

    /// Waits for the decision. None if nobody decided in time.
    pub(super) async fn decided(&mut self) -> Option<Verdict> {
        match tokio::time::timeout_at(self.until, &mut self.verdict).await {
            Ok(verdict) => verdict.ok(),
            // Somebody may have decided in the same moment: who took the entry out has decided.
            Err(_) => match self.queue.calls().end(&self.id, State::Expired, None) {
                Some(_) => None,
                None => self.verdict.try_recv().ok(),
            },
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.queue.calls().end(&self.id, State::Cancelled, None);
    }
}
