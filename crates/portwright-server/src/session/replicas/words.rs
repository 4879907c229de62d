//! What replicas tell each other of the sessions that all of them serve.

use portwright_core::LogLevel;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use serde_json::value::RawValue;

use crate::session::replay::EventId;

/// Something that happened at one replica and that others must know.
#[derive(Debug, Serialize, Deserialize)]
pub(super) enum Word {
    /// Whoever says it wants to know whether it hears itself.
    Heard,
    /// The session is over.
    Ended { session: String },
    /// Its client calls off a request: its id, as JSON.
    Cancelled { session: String, request: String },
    /// Its client answers a question that was not asked here.
    Answered { session: String, id: u64, result: Option<Box<RawValue>>, error: Option<Box<RawValue>> },
    /// From which level on it wants to hear logs.
    Level { session: String, level: LogLevel },
    /// It watches a resource from now on, or no more.
    Watch { session: String, uri: String, on: bool },
    /// Its client hears the server's own messages at the replica that says so, so nowhere else.
    Listens { session: String },
    /// Whoever keeps this stream may tell what came after that event.
    Resume { session: String, after: EventId, relay: u64 },
    /// The client that heard that relay is gone.
    Left { relay: u64 },
    /// What a relay brings.
    Relay { relay: u64, heard: Heard },
    /// Everybody answers this, at the channel of whoever asks.
    Ask { ask: u64, question: Question },
    /// The answer; null is nothing.
    Answer { ask: u64, answer: Value },
}

/// What another replica may know.
#[derive(Debug, Serialize, Deserialize)]
pub(super) enum Question {
    /// Which calls wait for a person.
    Waiting,
    /// What of one of them.
    Call { id: String },
    /// An approver has decided.
    Decide { id: String, by: String, auth: String, approved: bool, why: Option<String> },
    /// What of a task, or an answer to it, or its end: `tasks/get` and its like, by its principal.
    Task { method: String, id: String, who: String, auth: String, answers: Option<String> },
    /// A client carries this word of a yes. Who kept it gives it up.
    Carried { word: String },
}

/// A part of a stream that another replica keeps.
#[derive(Debug, Serialize, Deserialize)]
pub(super) enum Heard {
    /// It is kept here.
    Found,
    /// An event: the JSON of a message.
    Said { id: EventId, message: String },
    /// There is nothing more.
    Over,
}

/// A word as it travels.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Spoken {
    /// The replica that says it.
    pub(super) by: String,
    pub(super) word: Word,
}
