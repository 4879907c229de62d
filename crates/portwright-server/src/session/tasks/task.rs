//! One task: how it is, what it waits for, what came of it; and how that is told.

use std::collections::{HashMap, HashSet};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant, SystemTime};

use portwright_core::{Answer, Principal, Question, Refusal, limits};
use serde::Serialize;
use serde_json::Value;
use serde_json::value::RawValue;
use tokio::sync::{broadcast, oneshot};
use tokio_util::sync::CancellationToken;

use super::short;
use crate::session::asking::answers;
use crate::session::errors::WireError;
use crate::session::reply::{self, Outcome, ServerInfo};

/// A task.
#[derive(Debug)]
pub(crate) struct Task {
    id: Arc<str>,
    /// Whoever called, and no one else, may know of it.
    pub(super) principal: Arc<Principal>,
    created: SystemTime,
    born: Instant,
    ttl: Duration,
    cancel: CancellationToken,
    /// Fires when the server stops: nobody can answer questions any more.
    draining: CancellationToken,
    bytes: AtomicUsize,
    state: Mutex<State>,
    changed: broadcast::Sender<Arc<str>>,
}

#[derive(Debug)]
struct State {
    message: Option<String>,
    updated: SystemTime,
    asks: Vec<Ask>,
    /// Keys of all questions so far: none is used twice.
    keys: HashSet<String>,
    end: Option<End>,
}

/// A question that the client has not answered yet.
#[derive(Debug)]
struct Ask {
    open: Open,
    answer: oneshot::Sender<Answer>,
}

/// A question to the client of a task.
#[derive(Debug)]
pub(super) struct Open {
    /// What the source calls it; the client may see another.
    pub(super) key: String,
    /// `method` and `params`.
    pub(super) request: Value,
    pub(super) question: Question,
}

/// What came of it.
#[derive(Debug)]
enum End {
    Completed(Box<RawValue>),
    Failed(WireError),
    Cancelled,
}

/// A task as it goes over the wire.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Told<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    result_type: Option<&'static str>,
    task_id: &'a str,
    status: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    status_message: Option<&'a str>,
    created_at: String,
    last_updated_at: String,
    ttl_ms: u64,
    poll_interval_ms: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    input_requests: Option<serde_json::Map<String, Value>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    result: Option<&'a RawValue>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<&'a WireError>,
    #[serde(rename = "_meta", skip_serializing_if = "Option::is_none")]
    meta: Option<&'a RawValue>,
}

impl Task {
    pub(super) fn begin(
        id: Arc<str>,
        principal: Arc<Principal>,
        ttl: Duration,
        cancel: CancellationToken,
        draining: CancellationToken,
        changed: broadcast::Sender<Arc<str>>,
    ) -> Self {
        let created = SystemTime::now();
        let state = State { message: None, updated: created, asks: Vec::new(), keys: HashSet::new(), end: None };
        Self {
            id,
            principal,
            created,
            born: Instant::now(),
            ttl,
            cancel,
            draining,
            bytes: AtomicUsize::new(0),
            state: Mutex::new(state),
            changed,
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn id(&self) -> &Arc<str> {
        &self.id
    }

    pub(crate) fn is_working(&self) -> bool {
        let state = self.state();
        state.end.is_none() && state.asks.is_empty()
    }

    pub(super) fn is_of(&self, principal: &Principal) -> bool {
        self.principal.id == principal.id && self.principal.auth == principal.auth
    }

    /// Whether it need not be kept any longer.
    pub(super) fn is_expired(&self) -> bool {
        self.born.elapsed() >= self.ttl
    }

    pub(super) fn bytes(&self) -> usize {
        self.bytes.load(Ordering::Relaxed)
    }

    pub(super) fn set_bytes(&self, bytes: usize) {
        self.bytes.store(bytes, Ordering::Relaxed);
    }

    /// The work tells how far it is.
    pub(super) fn says(&self, message: &str) {
        let mut state = self.state();
        if state.end.is_none() {
            state.message = Some(short(message));
            state.updated = SystemTime::now();
        }
    }

    /// Asks that its work ends. What comes of that is told when it has.
    pub(super) fn call_off(&self, why: &str) {
        let mut state = self.state();
        if state.end.is_none() {
            state.message = Some(why.to_owned());
            self.cancel.cancel();
        }
    }

    /// The work has ended, and this came of it.
    pub(super) fn ended(&self, outcome: Outcome) {
        self.settle(match outcome {
            Outcome::Result(result) => completed(result),
            Outcome::Reply(reply) => reply::result(&reply)
                .map_or_else(|_| End::Failed(WireError::internal("the reply can't be written")), completed),
            Outcome::Error(error) => End::Failed(error),
        });
    }

    /// The work has ended because it was called off.
    pub(super) fn cancelled(&self) {
        self.settle(End::Cancelled);
    }

    fn settle(&self, end: End) {
        {
            let mut state = self.state();
            if state.end.is_some() {
                return;
            }
            self.set_bytes(if let End::Completed(result) = &end { result.get().len() } else { 0 });
            state.message = match &end {
                End::Completed(_) => None,
                End::Failed(error) => Some(short(&error.message)),
                End::Cancelled => state.message.take(),
            };
            state.end = Some(end);
            state.asks.clear();
            state.updated = SystemTime::now();
        }
        self.tell();
    }

    /// Puts questions to the client and waits for all answers, in the order of the questions.
    pub(super) async fn ask(self: &Arc<Self>, questions: Vec<Open>) -> Result<Vec<Answer>, Refusal> {
        if questions.is_empty() {
            return Ok(Vec::new());
        }
        // Declared before the ends that wait, so that it is dropped after them.
        let _withdraw = Withdraw(self.clone());
        let mut waiting = Vec::with_capacity(questions.len());
        {
            let mut state = self.state();
            if state.keys.len() + questions.len() > limits::ASKS_OF_CALL_MAX {
                return Err(Refusal::failed(format!("a task may ask {} questions", limits::ASKS_OF_CALL_MAX)));
            }
            for mut open in questions {
                while state.keys.contains(&open.key) {
                    open.key = format!("{}-{}", open.key, state.keys.len());
                }
                let (answer, answered) = oneshot::channel();
                state.keys.insert(open.key.clone());
                state.asks.push(Ask { open, answer });
                waiting.push(answered);
            }
            state.updated = SystemTime::now();
        }
        self.tell();
        let answers = futures::future::try_join_all(waiting);
        tokio::select! {
            biased;
            answers = answers => answers.map_err(|_| Refusal::cancelled()),
            () = self.cancel.cancelled() => Err(Refusal::cancelled()),
            () = self.draining.cancelled() => {
                self.call_off("the server is stopping");
                Err(Refusal::cancelled())
            }
        }
    }

    /// `tasks/update`: hands answers to whoever asked. Answers to what is not asked (any more) are ignored; where one
    /// does not fit its question, none counts and the questions stay.
    pub(super) fn answered(&self, given: &HashMap<String, Box<RawValue>>) -> Result<(), WireError> {
        {
            let mut state = self.state();
            let mut fitting = HashMap::new();
            for Ask { open, .. } in &state.asks {
                let Some(raw) = given.get(&open.key) else { continue };
                let answer = answers::read(&open.question, raw).map_err(|refusal| {
                    let key = open.key.escape_debug();
                    WireError::invalid_params(format!("`inputResponses.{key}`: {}", refusal.public()))
                })?;
                fitting.insert(open.key.clone(), answer);
            }
            if fitting.is_empty() {
                return Ok(());
            }
            for Ask { open, answer } in std::mem::take(&mut state.asks) {
                match fitting.remove(&open.key) {
                    Some(given) => drop(answer.send(given)),
                    None => state.asks.push(Ask { open, answer }),
                }
            }
            state.updated = SystemTime::now();
        }
        self.tell();
        Ok(())
    }

    fn tell(&self) {
        // Without anybody who listens there is nobody to tell.
        let _ = self.changed.send(self.id.clone());
    }

    /// The answer to the call that became this task.
    pub(super) fn created(&self, info: &ServerInfo) -> Vec<u8> {
        let state = self.state();
        let told = Told {
            result_type: Some("task"),
            input_requests: None,
            result: None,
            error: None,
            meta: serde_json::from_str(info.meta()).ok(),
            ..self.as_told(&state)
        };
        reply::json(&told)
    }

    /// The answer to `tasks/get`.
    pub(super) fn told(&self, info: &ServerInfo) -> Vec<u8> {
        let state = self.state();
        let meta = serde_json::from_str(info.meta()).ok();
        reply::json(&Told { result_type: Some("complete"), meta, ..self.as_told(&state) })
    }

    /// The parameters of `notifications/tasks`.
    pub(crate) fn notice(&self) -> Value {
        serde_json::to_value(self.as_told(&self.state())).unwrap_or_default()
    }

    fn as_told<'a>(&'a self, state: &'a State) -> Told<'a> {
        let (status, result, error) = match &state.end {
            Some(End::Completed(result)) => ("completed", Some(&**result), None),
            Some(End::Failed(error)) => ("failed", None, Some(error)),
            Some(End::Cancelled) => ("cancelled", None, None),
            None if state.asks.is_empty() => ("working", None, None),
            None => ("input_required", None, None),
        };
        let requests = || state.asks.iter().map(|ask| (ask.open.key.clone(), ask.open.request.clone())).collect();
        Told {
            result_type: None,
            task_id: &self.id,
            status,
            status_message: state.message.as_deref(),
            created_at: time(self.created),
            last_updated_at: time(state.updated),
            ttl_ms: millis(self.ttl),
            poll_interval_ms: millis(limits::TASK_POLL),
            input_requests: (status == "input_required").then(requests),
            result,
            error,
            meta: None,
        }
    }
}

/// Takes back the questions that nobody waits for any more, when whoever asked them is gone.
struct Withdraw(Arc<Task>);

impl Drop for Withdraw {
    fn drop(&mut self) {
        let withdrawn = {
            let mut state = self.0.state();
            let before = state.asks.len();
            state.asks.retain(|ask| !ask.answer.is_closed());
            before != state.asks.len()
        };
        if withdrawn {
            self.0.tell();
        }
    }
}

fn completed(result: Vec<u8>) -> End {
    let text = String::from_utf8(result).ok().and_then(|text| RawValue::from_string(text).ok());
    text.map_or_else(|| End::Failed(WireError::internal("the reply can't be written")), End::Completed)
}

fn time(at: SystemTime) -> String {
    jiff::Timestamp::try_from(at).map(|at| format!("{at:.3}")).unwrap_or_default()
}

fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}
