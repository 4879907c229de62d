//! A client that remembers what it was told.

use std::sync::{Mutex, PoisonError};

use async_trait::async_trait;
use serde_json::Value;

use crate::downstream::{Answer, Downstream, LogLevel, Question, QuestionKind};
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
    /// A question, by its key.
    Asked {
        /// Its key.
        key: String,
        /// What was asked.
        question: Question,
    },
    /// A value that is to last over rounds.
    Remembered {
        /// Its key.
        key: String,
        /// What it is.
        value: Value,
    },
    /// What a page was for is done.
    Concluded {
        /// The key of the question.
        key: String,
    },
}

/// Remembers everything, in order. A question gets the answer that was given for its key, or for every key.
#[derive(Debug, Default)]
pub struct Recorder {
    said: Mutex<Vec<Said>>,
    answers: Vec<(Option<String>, Answer)>,
}

impl Recorder {
    /// One who answers every question with `answer`.
    pub fn answering(answer: Answer) -> Self {
        Self { said: Mutex::default(), answers: vec![(None, answer)] }
    }

    /// One who answers the question `key`, too.
    #[must_use]
    pub fn and(mut self, key: &str, answer: Answer) -> Self {
        self.answers.insert(0, (Some(key.to_owned()), answer));
        self
    }

    /// What the client was told so far.
    pub fn said(&self) -> Vec<Said> {
        self.said.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn note(&self, said: Said) {
        self.said.lock().unwrap_or_else(PoisonError::into_inner).push(said);
    }
}

#[async_trait]
impl Downstream for Recorder {
    fn progress(&self, progress: f64, total: Option<f64>, message: Option<&str>) {
        self.note(Said::Progress { progress, total, message: message.map(str::to_owned) });
    }

    fn log(&self, level: LogLevel, logger: &str, data: Value) {
        self.note(Said::Log { level, logger: logger.to_owned(), data });
    }

    fn answers(&self, _: QuestionKind) -> bool {
        !self.answers.is_empty()
    }

    async fn ask(&self, questions: Vec<(String, Question)>) -> Result<Vec<Answer>, Refusal> {
        let mut answers = Vec::new();
        for (key, question) in questions {
            let given = self.answers.iter().find(|(own, _)| own.as_ref().is_none_or(|own| *own == key));
            answers.push(given.map(|(_, answer)| answer.clone()));
            self.note(Said::Asked { key, question });
        }
        answers.into_iter().collect::<Option<_>>().ok_or_else(|| Refusal::failed("nobody answers"))
    }

    fn remember(&self, key: &str, value: Value) {
        self.note(Said::Remembered { key: key.to_owned(), value });
    }

    fn recall(&self, key: &str) -> Option<Value> {
        self.said().into_iter().rev().find_map(|said| match said {
            Said::Remembered { key: own, value } if own == key => Some(value),
            _ => None,
        })
    }

    fn concluded(&self, key: &str) {
        self.note(Said::Concluded { key: key.to_owned() });
    }
}
