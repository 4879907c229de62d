//! The era of sessions: a question is a request of ours on the way of the call that asks, and the call waits.
//!
//! Ids are the session's; an answer finds the question that it was given to, and no other. A question that nobody waits
//! for any more is called off.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use portwright_core::protocol::{JsonObject, ProtocolVersion};
use portwright_core::{Answer, Clock, Context, Question, QuestionKind, Refusal, RefusalKind, Waiting, limits};
use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Value, json};
use tokio::sync::{mpsc, oneshot};
use tokio_util::sync::CancellationToken;

use super::{Abilities, answers};
use crate::ops::random;
use crate::session::envelope::Response;
use crate::session::reply;

/// What a client told: a result, or why there is none.
type Told = Result<Box<RawValue>, String>;

/// The questions of one session that have no answer yet.
#[derive(Debug, Default)]
pub(crate) struct OpenAsks {
    last: AtomicU64,
    open: Mutex<HashMap<u64, oneshot::Sender<Told>>>,
}

impl OpenAsks {
    /// Those of a session whose questions are counted from right after `base`.
    pub(crate) fn after(base: u64) -> Self {
        Self { last: AtomicU64::new(base), open: Mutex::default() }
    }

    fn open(&self) -> MutexGuard<'_, HashMap<u64, oneshot::Sender<Told>>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes an answer of the client's; says whether it was asked for here. One to nothing that was asked is nobody's.
    pub(crate) fn answered(&self, response: &Response<'_>) -> bool {
        let id = response.id.as_ref().and_then(|id| id.as_json().parse::<u64>().ok());
        id.is_some_and(|id| self.take(id, response.result, response.error))
    }

    /// The same, taken apart.
    pub(crate) fn take(&self, id: u64, result: Option<&RawValue>, error: Option<&RawValue>) -> bool {
        let Some(waiting) = self.open().remove(&id) else { return false };
        let told = match (result, error) {
            (Some(result), _) => Ok(result.to_owned()),
            (None, error) => Err(error.map(words).unwrap_or_default()),
        };
        let _ = waiting.send(told);
        true
    }

    /// Enters questions, all or none.
    fn begin(self: &Arc<Self>, count: usize, outbox: &mpsc::Sender<Bytes>) -> Result<Vec<Ticket>, Refusal> {
        let mut open = self.open();
        if open.len() + count > limits::ASKS_OPEN_MAX {
            let words = "too many questions are open in this session; answer those first";
            return Err(Refusal::new(RefusalKind::Limited, words));
        }
        let ticket = |_| {
            let id = self.last.fetch_add(1, Ordering::Relaxed) + 1;
            let (sender, told) = oneshot::channel();
            open.insert(id, sender);
            Ticket { asks: self.clone(), id, told: Some(told), outbox: outbox.clone() }
        };
        Ok((0..count).map(ticket).collect())
    }
}

/// A client's words on why it does not answer.
fn words(error: &RawValue) -> String {
    const BYTES_MAX: usize = 200;
    #[derive(Deserialize)]
    struct Error {
        message: String,
    }
    let message = serde_json::from_str::<Error>(error.get()).map(|error| error.message).unwrap_or_default();
    let printable: String = message.chars().filter(|letter| !letter.is_control()).collect();
    printable[..printable.floor_char_boundary(BYTES_MAX)].to_owned()
}

/// A question that is open. Dropped without an answer, it is called off.
#[derive(Debug)]
struct Ticket {
    asks: Arc<OpenAsks>,
    id: u64,
    told: Option<oneshot::Receiver<Told>>,
    outbox: mpsc::Sender<Bytes>,
}

impl Ticket {
    async fn answer(mut self) -> Result<Box<RawValue>, Refusal> {
        let Some(told) = &mut self.told else { return Err(Refusal::cancelled()) };
        let told = told.await;
        self.told = None;
        match told {
            Ok(Ok(result)) => Ok(result),
            Ok(Err(words)) if words.is_empty() => Err(Refusal::failed("the client gave no answer")),
            Ok(Err(words)) => Err(Refusal::failed(format!("the client gave no answer: {words}"))),
            Err(_) => Err(Refusal::cancelled()),
        }
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        if self.told.is_some() && self.asks.open().remove(&self.id).is_some() {
            let params = json!({"requestId": self.id, "reason": "the answer is not needed any more"});
            let _ = self.outbox.try_send(reply::notification("notifications/cancelled", &params).into());
        }
    }
}

/// One call's way to ask.
#[derive(Debug)]
pub(crate) struct Wire {
    asks: Arc<OpenAsks>,
    abilities: Abilities,
    protocol: ProtocolVersion,
    outbox: mpsc::Sender<Bytes>,
    /// The call was called off, or has ended.
    cancel: CancellationToken,
    ended: CancellationToken,
    waiting: Arc<Waiting>,
    clock: Arc<dyn Clock>,
    /// How long the call may wait, all questions together.
    wait: Duration,
    asked: AtomicUsize,
    kept: Mutex<JsonObject>,
    /// Keys of the pages that a person was sent to, and their ids.
    pages: Mutex<HashMap<String, String>>,
}

impl Wire {
    pub(crate) fn new(
        asks: Arc<OpenAsks>,
        abilities: Abilities,
        outbox: mpsc::Sender<Bytes>,
        ended: CancellationToken,
        wait: Duration,
        cx: &Context,
    ) -> Self {
        Self {
            asks,
            abilities,
            protocol: cx.protocol.clone(),
            outbox,
            cancel: cx.cancel.clone(),
            ended,
            waiting: cx.waiting.clone(),
            clock: cx.clock.clone(),
            wait,
            asked: AtomicUsize::new(0),
            kept: Mutex::default(),
            pages: Mutex::default(),
        }
    }

    pub(super) fn abilities(&self) -> Abilities {
        self.abilities
    }

    pub(super) async fn ask(&self, questions: &[(String, Question)]) -> Result<Vec<Answer>, Refusal> {
        if self.cancel.is_cancelled() || self.ended.is_cancelled() {
            return Err(Refusal::cancelled());
        }
        let before = self.asked.fetch_add(questions.len(), Ordering::Relaxed);
        if before + questions.len() > limits::ASKS_OF_CALL_MAX {
            return Err(super::too_many());
        }
        let left = self.wait.saturating_sub(self.waiting.spent(self.clock.instant()));
        let _waits = self.waiting.begin(&self.clock);
        let tickets = self.asks.begin(questions.len(), &self.outbox)?;
        tokio::select! {
            biased;
            () = self.cancel.cancelled() => Err(Refusal::cancelled()),
            () = self.ended.cancelled() => Err(Refusal::cancelled()),
            answers = tokio::time::timeout(left, self.converse(questions, tickets)) => {
                answers.unwrap_or_else(|_| Err(unanswered(self.wait)))
            }
        }
    }

    async fn converse(&self, questions: &[(String, Question)], tickets: Vec<Ticket>) -> Result<Vec<Answer>, Refusal> {
        for ((key, question), ticket) in questions.iter().zip(&tickets) {
            let message = reply::request(ticket.id, question.kind().method(), &self.params(key, question)?);
            let gone = |_| Refusal::failed("the client is not there any more to be asked");
            self.outbox.send(message.into()).await.map_err(gone)?;
        }
        let mut answers = Vec::with_capacity(tickets.len());
        for ((_, question), ticket) in questions.iter().zip(tickets) {
            answers.push(answers::read(question, &ticket.answer().await?)?);
        }
        Ok(answers)
    }

    fn params(&self, key: &str, question: &Question) -> Result<JsonObject, Refusal> {
        let mut page = None;
        if question.kind() == QuestionKind::Url {
            let id = random::hex::<16>().map_err(|_| Refusal::internal("the system gives no random numbers"))?;
            self.pages().insert(key.to_owned(), id.clone());
            page = Some(id);
        }
        Ok(answers::params(question, &self.protocol, page.as_deref()))
    }

    fn pages(&self) -> MutexGuard<'_, HashMap<String, String>> {
        self.pages.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn kept(&self) -> MutexGuard<'_, JsonObject> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn remember(&self, key: &str, value: Value) {
        self.kept().insert(key.to_owned(), value);
    }

    pub(super) fn recall(&self, key: &str) -> Option<Value> {
        self.kept().get(key).cloned()
    }

    pub(super) fn concluded(&self, key: &str) {
        let page = self.pages().remove(key);
        if let Some(page) = page.filter(|_| !self.ended.is_cancelled()) {
            let params = json!({"elicitationId": page});
            let _ = self.outbox.try_send(reply::notification("notifications/elicitation/complete", &params).into());
        }
    }
}

fn unanswered(wait: Duration) -> Refusal {
    let words = format!("no answer came within {} s; nothing was decided", wait.as_secs_f64().ceil());
    Refusal::timed_out(words)
}
