//! Questions to the client while a call runs, alike for sources in both eras.
//!
//! Where there are sessions, a question is a request of ours on the call's own way, and the call waits: [`wire`]. In
//! the stateless era it ends the call, and the client makes the same call again with its answer: [`rounds`].

mod abilities;
pub(super) mod answers;
pub(crate) mod rounds;
mod seal;
pub(crate) mod spent;
pub(crate) mod wire;

#[cfg(test)]
mod tests;

use std::collections::HashSet;

use portwright_core::{
    Answer, Downstream, LogLevel, Question, QuestionKind, Refusal, RefusalKind, async_trait, limits,
};
use serde_json::Value;

pub(crate) use abilities::Abilities;
pub(crate) use seal::Seal;

use super::downstream::Notifier;
use rounds::Round;
use wire::Wire;

/// The way back to the client of one call: what it is told, and how it is asked.
#[derive(Debug)]
pub(crate) struct Way {
    notifier: Option<Notifier>,
    asks: Asks,
}

/// How a client is asked.
#[derive(Debug)]
pub(crate) enum Asks {
    /// Not at all: it can't answer, or there is no way to it.
    Not(Abilities),
    Wire(Box<Wire>),
    Round(Box<Round>),
}

impl Way {
    pub(crate) fn new(notifier: Option<Notifier>, asks: Asks) -> Self {
        Self { notifier, asks }
    }
}

#[async_trait]
impl Downstream for Way {
    fn progress(&self, progress: f64, total: Option<f64>, message: Option<&str>) {
        if let Some(notifier) = &self.notifier {
            notifier.progress(progress, total, message);
        }
    }

    fn log(&self, level: LogLevel, logger: &str, data: Value) {
        if let Some(notifier) = &self.notifier {
            notifier.log(level, logger, data);
        }
    }

    fn hang_up(&self) {
        if let Some(notifier) = &self.notifier {
            notifier.hang_up();
        }
    }

    fn answers(&self, kind: QuestionKind) -> bool {
        match &self.asks {
            Asks::Not(_) => false,
            Asks::Wire(wire) => wire.abilities().answers(kind),
            Asks::Round(round) => round.abilities().answers(kind),
        }
    }

    async fn ask(&self, questions: Vec<(String, Question)>) -> Result<Vec<Answer>, Refusal> {
        let abilities = match &self.asks {
            Asks::Not(abilities) => *abilities,
            Asks::Wire(wire) => wire.abilities(),
            Asks::Round(round) => round.abilities(),
        };
        check(&questions)?;
        for (_, question) in &questions {
            abilities.check(question)?;
        }
        match &self.asks {
            Asks::Not(_) => {
                let words =
                    "this call came in a way on which its client can't be asked; give the answer as an argument";
                Err(Refusal::new(RefusalKind::Failed, words))
            }
            Asks::Wire(wire) => wire.ask(&questions).await,
            Asks::Round(round) => round.ask(&questions),
        }
    }

    fn remember(&self, key: &str, value: Value) {
        match &self.asks {
            Asks::Not(_) => {}
            Asks::Wire(wire) => wire.remember(key, value),
            Asks::Round(round) => round.remember(key, value),
        }
    }

    fn recall(&self, key: &str) -> Option<Value> {
        match &self.asks {
            Asks::Not(_) => None,
            Asks::Wire(wire) => wire.recall(key),
            Asks::Round(round) => round.recall(key),
        }
    }

    async fn use_up(&self) -> Result<(), Refusal> {
        match &self.asks {
            Asks::Round(round) => round.use_up().await,
            Asks::Not(_) | Asks::Wire(_) => Ok(()),
        }
    }

    fn concluded(&self, key: &str) {
        if let Asks::Wire(wire) = &self.asks {
            wire.concluded(key);
        }
    }
}

/// Why questions are no proper ones: a fault of the source.
#[derive(Debug, thiserror::Error)]
enum Improper {
    #[error("a source asks nothing, or more than {} questions at once", limits::ASKS_OPEN_MAX)]
    Count,
    #[error("a question's key is empty, longer than {} bytes, or used twice at once", limits::ASK_KEY_BYTES_MAX)]
    Key,
    #[error("a question can't be written as JSON, or not within {} bytes", limits::ASK_BYTES_MAX)]
    Size,
}

fn check(questions: &[(String, Question)]) -> Result<(), Refusal> {
    if questions.is_empty() || questions.len() > limits::ASKS_OPEN_MAX {
        return Err(Refusal::internal(Improper::Count));
    }
    let mut keys = HashSet::new();
    for (key, question) in questions {
        if key.is_empty() || key.len() > limits::ASK_KEY_BYTES_MAX || !keys.insert(key) {
            return Err(Refusal::internal(Improper::Key));
        }
        let bytes = serde_json::to_vec(question.params()).map_err(|_| Refusal::internal(Improper::Size))?;
        if bytes.len() > limits::ASK_BYTES_MAX {
            return Err(Refusal::internal(Improper::Size));
        }
    }
    Ok(())
}

fn too_many() -> Refusal {
    Refusal::failed(format!("the call asks more than {} questions and was given up", limits::ASKS_OF_CALL_MAX))
}
