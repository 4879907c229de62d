//! What a source says while it works: progress, log lines and questions are cleaned like its reply.
//!
//! There is no border here: a line of progress has no room for one, and a question must be the same, word for word, each
//! time it is asked. So a line that reads like an order is withheld. A question is not judged by that: asking a model or a
//! person to do something is what it is for.

#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::time::Instant;

use portwright_core::protocol::JsonObject;
use portwright_core::{
    Answer, Background, Begun, Context, Downstream, LogLevel, Question, QuestionKind, Refusal, async_trait,
};
use serde_json::Value;

use super::characters::{Found, clean};
use super::cleaner::{Cleaner, Tally};
use super::reply::{Job, WITHHELD};

/// The context with which the source is called.
pub(super) fn cleaned(cx: &Context, cleaner: &Arc<Cleaner>) -> Context {
    let mut cx = cx.clone();
    cx.downstream = Arc::new(Clean { inner: cx.downstream.clone(), cleaner: cleaner.clone() });
    // What becomes a task gets another way to its client.
    cx.background = cx
        .background
        .take()
        .map(|inner| -> Arc<dyn Background> { Arc::new(CleanTask { inner, cleaner: cleaner.clone() }) });
    cx
}

#[derive(Debug)]
struct CleanTask {
    inner: Arc<dyn Background>,
    cleaner: Arc<Cleaner>,
}

impl Background for CleanTask {
    fn begin(&self) -> Result<Option<Begun>, Refusal> {
        let begun = self.inner.begin()?;
        Ok(begun.map(|begun| {
            let downstream = Arc::new(Clean { inner: begun.downstream.clone(), cleaner: self.cleaner.clone() });
            Begun { downstream, ..begun }
        }))
    }

    fn deadline(&self) -> Option<Instant> {
        self.inner.deadline()
    }
}

#[derive(Debug)]
struct Clean {
    inner: Arc<dyn Downstream>,
    cleaner: Arc<Cleaner>,
}

impl Clean {
    /// The text, cleaned; or a word in its place, if it reads like an order or can't be cleaned.
    fn line(&self, text: &str) -> String {
        let mut kept = text.to_owned();
        let mut tally = Tally::default();
        match self.cleaner.tidy(&mut kept, &mut tally) {
            Ok(false) => kept,
            Ok(true) => {
                tracing::info!("a message to the client was withheld: it reads like an order");
                WITHHELD.to_owned()
            }
            Err(error) => {
                tracing::error!(%error, "a message to the client can't be cleaned");
                WITHHELD.to_owned()
            }
        }
    }

    fn data(&self, mut data: Value) -> Value {
        if let Ok(false) = Job::clean_value(&self.cleaner, &mut data) {
            return data;
        }
        tracing::info!("a log line to the client was withheld: it reads like an order, or can't be cleaned");
        WITHHELD.into()
    }

    fn question(&self, question: &Question) -> Result<Question, Refusal> {
        let mut params = Value::Object(question.params().clone());
        // An address is for the browser, whole: what looks like a secret in it is how its owner knows the person again.
        let url = params.get("url").and_then(Value::as_str).map(|url| clean(url, &mut Found::default()).into_owned());
        Job::clean_value(&self.cleaner, &mut params).map_err(Refusal::internal)?;
        let mut params: JsonObject = params.as_object_mut().map(std::mem::take).unwrap_or_default();
        if let (QuestionKind::Url, Some(url)) = (question.kind(), url) {
            params.insert("url".to_owned(), url.into());
        }
        Ok(Question::verbatim(question.kind(), params))
    }
}

#[async_trait]
impl Downstream for Clean {
    fn progress(&self, progress: f64, total: Option<f64>, message: Option<&str>) {
        let message = message.map(|message| self.line(message));
        self.inner.progress(progress, total, message.as_deref());
    }

    fn log(&self, level: LogLevel, logger: &str, data: Value) {
        self.inner.log(level, &self.line(logger), self.data(data));
    }

    fn hang_up(&self) {
        self.inner.hang_up();
    }

    fn answers(&self, kind: QuestionKind) -> bool {
        self.inner.answers(kind)
    }

    async fn ask(&self, questions: Vec<(String, Question)>) -> Result<Vec<Answer>, Refusal> {
        let cleaned = questions.into_iter().map(|(key, question)| Ok((key, self.question(&question)?)));
        let questions = cleaned.collect::<Result<_, Refusal>>()?;
        self.inner.ask(questions).await
    }

    fn remember(&self, key: &str, value: Value) {
        self.inner.remember(key, value);
    }

    fn recall(&self, key: &str) -> Option<Value> {
        self.inner.recall(key)
    }

    async fn use_up(&self) -> Result<(), Refusal> {
        self.inner.use_up().await
    }

    fn concluded(&self, key: &str) {
        self.inner.concluded(key);
    }
}
