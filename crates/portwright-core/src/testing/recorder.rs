//! A client that remembers what it was told.

use std::sync::{Mutex, PoisonError};

use async_trait::async_trait;
use serde_json::Value;

use crate::downstream::{Downstream, LogLevel};
use crate::protocol::{ElicitRequestParams, ElicitResult};
use crate::refusal::Refusal;

/// One thing the client was told.
#[derive(Debug, Clone)]
pub enum Said {
    /// How far the work is.
    Progress {
        /// So much is done.
        progress: f64,
        /// Of so much, where that is known.
        total: Option<f64>,
        /// In words.
        message: Option<String>,
    },
    /// A log message.
    Log {
        /// How much it matters.
        level: LogLevel,
        /// Whose it is.
        logger: String,
        /// What it says.
        data: Value,
    },
    /// A question to the person.
    Asked(ElicitRequestParams),
}

/// Remembers everything, in order. Questions get the answer it was given, if any.
#[derive(Debug, Default)]
pub struct Recorder {
    said: Mutex<Vec<Said>>,
    answer: Option<ElicitResult>,
}

impl Recorder {
    /// One who answers every question with `answer`.
    pub fn answering(answer: ElicitResult) -> Self {
        Self { said: Mutex::default(), answer: Some(answer) }
    }

    /// What the client was told so far.
    pub fn said(&self) -> Vec<Said> {
        self.said.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn remember(&self, said: Said) {
        self.said.lock().unwrap_or_else(PoisonError::into_inner).push(said);
    }
}

#[async_trait]
impl Downstream for Recorder {
    fn progress(&self, progress: f64, total: Option<f64>, message: Option<&str>) {
        self.remember(Said::Progress { progress, total, message: message.map(str::to_owned) });
    }

    fn log(&self, level: LogLevel, logger: &str, data: Value) {
        self.remember(Said::Log { level, logger: logger.to_owned(), data });
    }

    async fn elicit(&self, question: ElicitRequestParams) -> Result<ElicitResult, Refusal> {
        self.remember(Said::Asked(question));
        self.answer.clone().ok_or_else(|| Refusal::failed("nobody answers"))
    }
}
