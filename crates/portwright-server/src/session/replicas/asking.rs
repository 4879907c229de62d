//! What a replica asks the others: which calls wait for a person there, what of one, and to take a decision; and whether a
//! yes that a client carries was kept there.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use portwright_core::{Auth, Principal, async_trait, limits};
use redis::aio::ConnectionManager;
use serde_json::value::RawValue;
use serde_json::{Value, json};
use tokio::sync::mpsc;
use tokio::time::{Instant, timeout_at};

use super::words::{Question, Word};
use super::{Away, Errand, Replicas};
use crate::engine::Engine;
use crate::guard::approve::queue::Undecided;
use crate::guard::approve::{CarriedYes, Elsewhere};
use crate::session::errors::WireError;
use crate::session::params::{self, Params};
use crate::session::{reply, tasks};

/// The questions that are open.
#[derive(Debug, Default)]
pub(super) struct Questions {
    last: AtomicU64,
    open: Mutex<HashMap<u64, mpsc::Sender<Value>>>,
}

impl Questions {
    fn open(&self) -> std::sync::MutexGuard<'_, HashMap<u64, mpsc::Sender<Value>>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn answered(&self, ask: u64, answer: Value) {
        if let Some(way) = self.open().get(&ask) {
            let _ = way.try_send(answer);
        }
    }
}

/// What became of a decision about a call that waits elsewhere.
pub(crate) enum Decided {
    Done(Value),
    Own,
    Over(Value),
    Unknown,
}

impl Replicas {
    /// Asks all others. Gives what those answer who answer in time; with `enough`, the first that says something.
    async fn ask(&self, question: Question, enough: bool) -> Vec<Value> {
        let ask = self.questions.last.fetch_add(1, Ordering::Relaxed);
        let (way, mut answers) = mpsc::channel(limits::REPLICAS_MAX);
        self.questions.open().insert(ask, way);
        let until = Instant::now() + limits::REPLICA_ANSWER_WAIT;
        // Everybody hears it who listens, and this one does too.
        let others = match self.tell(&self.everyone(), Word::Ask { ask, question }).await {
            Ok(heard) => heard.saturating_sub(1),
            Err(_) => 0,
        };
        let mut said = Vec::new();
        for _ in 0..others {
            let Ok(Some(answer)) = timeout_at(until, answers.recv()).await else { break };
            if !answer.is_null() {
                said.push(answer);
                if enough {
                    break;
                }
            }
        }
        self.questions.open().remove(&ask);
        said
    }

    /// The calls that wait at other replicas.
    pub(crate) async fn approvals(&self) -> Vec<Value> {
        let lists = self.ask(Question::Waiting, false).await;
        lists.into_iter().flat_map(|list| list.as_array().cloned().unwrap_or_default()).collect()
    }

    /// One of them.
    pub(crate) async fn approval(&self, id: &str) -> Option<Value> {
        self.ask(Question::Call { id: id.to_owned() }, true).await.pop()
    }

    /// Has it decided where it waits.
    pub(crate) async fn decide(&self, id: &str, approver: &Principal, approved: bool, why: Option<&str>) -> Decided {
        let question = Question::Decide {
            id: id.to_owned(),
            by: approver.id.to_string(),
            auth: approver.auth.as_str().to_owned(),
            approved,
            why: why.map(str::to_owned),
        };
        match self.ask(question, true).await.pop() {
            Some(Value::String(_)) => Decided::Own,
            Some(mut answer) => match answer.get_mut("over").map(Value::take) {
                Some(over) => Decided::Over(over),
                None => Decided::Done(answer["done"].take()),
            },
            None => Decided::Unknown,
        }
    }

    /// `tasks/get` and its like, about a task that another replica keeps. None, if nobody does.
    pub(crate) async fn task(
        &self,
        method: &str,
        params: &Params<'_>,
        principal: &Principal,
    ) -> Option<Result<Vec<u8>, WireError>> {
        let question = Question::Task {
            method: method.to_owned(),
            id: params::text("taskId", params.task_id).ok()?.into_owned(),
            who: principal.id.to_string(),
            auth: principal.auth.as_str().to_owned(),
            answers: params.input_responses.map(|raw| raw.get().to_owned()),
        };
        let answer = self.ask(question, true).await.pop()?;
        if let Some(told) = answer["told"].as_str() {
            return Some(Ok(told.as_bytes().to_vec()));
        }
        Some(Err(WireError::invalid_params(answer["refused"].as_str().unwrap_or_default())))
    }

    /// Answers another's question, by what there is here.
    pub(super) fn answer(&self, engine: &Engine, to: &str, ask: u64, question: Question) {
        let queue = &engine.desk.queue;
        let answer = match question {
            Question::Waiting => value(&queue.list()),
            Question::Call { id } => queue.get(&id).map_or(Value::Null, |shown| value(&shown)),
            Question::Decide { id, by, auth, approved, why } => {
                // Whoever proved nothing decides nothing, and was told so where they asked.
                match (proof(&auth).filter(|auth| *auth != Auth::Anonymous), engine.desk.approvers()) {
                    (Some(auth), Some(approvers)) => {
                        let approver = Principal::new(by.as_str(), auth);
                        match queue.decide(&id, &approver, &approvers, approved, why.as_deref()) {
                            Ok(shown) => json!({"done": value(&shown)}),
                            Err(Undecided::Own) => json!("own"),
                            Err(Undecided::Over(shown)) => json!({"over": value(&shown)}),
                            Err(Undecided::Unknown) => Value::Null,
                        }
                    }
                    _ => Value::Null,
                }
            }
            Question::Task { method, id, who, auth, answers } => {
                let raw = answers.and_then(|text| RawValue::from_string(text).ok());
                let asked = proof(&auth).and_then(|auth| {
                    tasks::of(engine, &id, &Principal::new(who.as_str(), auth), &method, raw.as_deref())
                });
                match asked {
                    Some(Ok(told)) => json!({"told": String::from_utf8_lossy(&told)}),
                    Some(Err(error)) => json!({"refused": error.message}),
                    None => Value::Null,
                }
            }
            Question::Carried { word } => engine.desk.give_up(&word).map_or(
                Value::Null,
                |(digest, left)| json!({"digest": digest, "left": u64::try_from(left.as_millis()).unwrap_or(u64::MAX)}),
            ),
        };
        self.errand(Errand::Answer(to.to_owned(), ask, answer));
    }
}

/// How a principal was established, by its word.
fn proof(word: &str) -> Option<Auth> {
    [Auth::Key, Auth::Token, Auth::Certificate, Auth::Anonymous].into_iter().find(|known| known.as_str() == word)
}

fn value(told: &impl serde::Serialize) -> Value {
    serde_json::from_slice(&reply::json(told)).unwrap_or_default()
}

#[async_trait]
impl Elsewhere for Replicas {
    async fn take(&self, word: &str) -> Option<CarriedYes> {
        let answer = self.ask(Question::Carried { word: word.to_owned() }, true).await.pop()?;
        let digest = serde_json::from_value(answer["digest"].clone()).ok()?;
        Some((digest, Duration::from_millis(answer["left"].as_u64()?)))
    }
}

impl Replicas {
    /// Uses up the word of a state that a client carried; whether this is the first time, at any replica.
    pub(crate) async fn spend(&self, word: &str, kept: Duration) -> Result<bool, Away> {
        let (key, kept) =
            (format!("{}:spent:{word}", self.prefix), u64::try_from(kept.as_millis()).unwrap_or(u64::MAX));
        let set = |mut store: ConnectionManager| async move {
            let set = redis::cmd("SET").arg(key).arg(1).arg("NX").arg("PX").arg(kept).to_owned();
            set.query_async::<Option<String>>(&mut store).await
        };
        self.link.ask(set).await.map(|set| set.is_some())
    }
}

/// Lets a yes that is carried here be found there.
pub(super) fn attach(replicas: &Arc<Replicas>, engine: &Engine) {
    engine.desk.look_elsewhere(replicas.clone());
}
