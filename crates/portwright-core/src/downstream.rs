//! [`Downstream`]: what a source may say to the client while it works, without knowing transport or protocol revision.
//!
//! Telling (progress, log) never waits. Asking does: the person behind the client ([`elicit`](Downstream::elicit)), the
//! client's model ([`sample`](Downstream::sample)), or the client itself ([`roots`](Downstream::roots)). Each question
//! has a key, and a source asks as if it simply got the answer:
//!
//! ```
//! # use portwright_core::{Context, Refusal, protocol::CallToolResult};
//! # use serde_json::json;
//! # async fn call(cx: &Context) -> Result<String, Refusal> {
//! let schema = json!({"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]});
//! let answer = cx.downstream.elicit("city", "Which city?", schema).await?;
//! # Ok(format!("{:?}", answer.content))
//! # }
//! ```
//!
//! # What stands before a question runs again
//!
//! In the protocol's stateless revisions no call can wait for an answer. There a question *ends* the call: the refusal
//! that comes back is the question on its way to the client, and the `?` above passes it on. The client then makes the
//! same call again, with the answer, and the source runs **from its start**. So:
//!
//! - Have no effects before the last question. What stands before it runs once for each round.
//! - Use the same key and the same question for the same thing in every run: an answer counts for the question that it
//!   was given to, word for word. What would differ from run to run (a random id, a time) goes into
//!   [`remember`](Downstream::remember) before the question, and comes back by [`recall`](Downstream::recall).
//! - Pass on a refusal of kind [`InputRequired`](crate::RefusalKind::InputRequired) as it is.
//! - Questions that do not depend on each other go together, by [`ask`](Downstream::ask): one round instead of several.

use std::fmt::Debug;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::protocol::{ElicitResult, JsonObject};
use crate::refusal::Refusal;

/// How much a log message matters: the eight levels of RFC 5424, mildest first, as MCP names them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogLevel {
    /// What a developer looks at.
    Debug,
    /// What goes on.
    Info,
    /// What is normal and still worth a look.
    Notice,
    /// What may become an error.
    Warning,
    /// What failed.
    Error,
    /// What keeps a part from working.
    Critical,
    /// What must be mended at once.
    Alert,
    /// Nothing works.
    Emergency,
}

/// What a question wants. A client says which of these it answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum QuestionKind {
    /// A person fills in a form.
    Form,
    /// A person visits a page.
    Url,
    /// The client's model writes a message.
    Sample,
    /// The client tells which folders it works in.
    Roots,
}

impl QuestionKind {
    /// The protocol's method.
    pub const fn method(self) -> &'static str {
        match self {
            Self::Form | Self::Url => "elicitation/create",
            Self::Sample => "sampling/createMessage",
            Self::Roots => "roots/list",
        }
    }
}

/// A question to the client.
#[derive(Debug, Clone, PartialEq)]
pub struct Question {
    kind: QuestionKind,
    params: JsonObject,
}

impl Question {
    /// A form for a person. `schema` is an object of flat properties: strings, numbers, booleans, choices. Never ask for
    /// a secret by it: the client sees the answer. Use [`url`](Self::url) for those.
    pub fn form(message: impl Into<String>, schema: Value) -> Self {
        let params = [("message".to_owned(), Value::String(message.into())), ("requestedSchema".to_owned(), schema)];
        Self { kind: QuestionKind::Form, params: params.into_iter().collect() }
    }

    /// A page for a person to visit, where they say what no client may see. The answer tells that they agreed to go
    /// there, not that they did; say [`concluded`](Downstream::concluded) once they have.
    pub fn url(message: impl Into<String>, url: impl Into<String>) -> Self {
        let params = [("message".to_owned(), Value::String(message.into())), ("url".to_owned(), url.into().into())];
        Self { kind: QuestionKind::Url, params: params.into_iter().collect() }
    }

    /// A message for the client's model to answer, with at most `max_tokens` tokens.
    pub fn sample(text: impl Into<String>, max_tokens: u32) -> Self {
        let text: String = text.into();
        let message = json!({"role": "user", "content": {"type": "text", "text": text}});
        let params = [("messages".to_owned(), json!([message])), ("maxTokens".to_owned(), max_tokens.into())];
        Self { kind: QuestionKind::Sample, params: params.into_iter().collect() }
    }

    /// The client's folders.
    pub fn roots() -> Self {
        Self { kind: QuestionKind::Roots, params: JsonObject::new() }
    }

    /// A question in the protocol's own words: the parameters of [`QuestionKind::method`], passed on as they are. What
    /// differs between revisions (`mode`, `elicitationId`) is the server's to say.
    pub fn verbatim(kind: QuestionKind, params: JsonObject) -> Self {
        Self { kind, params }
    }

    /// What it wants.
    pub fn kind(&self) -> QuestionKind {
        self.kind
    }

    /// The parameters of its kind's method.
    pub fn params(&self) -> &JsonObject {
        &self.params
    }
}

/// What the client's model wrote: the protocol's `CreateMessageResult` as the client sent it.
#[derive(Debug, Clone, PartialEq)]
pub struct Sampled(pub JsonObject);

impl Sampled {
    /// Its first text.
    pub fn text(&self) -> Option<&str> {
        let content = self.0.get("content")?;
        let first = content.as_array().map_or(Some(content), |blocks| {
            blocks.iter().find(|block| block.get("type").and_then(Value::as_str) == Some("text"))
        });
        first?.get("text")?.as_str()
    }

    /// Which model wrote it, as the client says.
    pub fn model(&self) -> Option<&str> {
        self.0.get("model")?.as_str()
    }
}

/// A folder or file that the client works in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Root {
    /// A `file://` URI by the specification; never a permission.
    pub uri: String,
    /// For people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
}

/// An answer, of its question's kind.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Answer {
    /// To a form or a page: whether the person accepted, and for a form what they entered. It fits the form's schema.
    Elicited(ElicitResult),
    /// To a message for the client's model.
    Sampled(Sampled),
    /// To the question for folders.
    Roots(Vec<Root>),
}

/// The questions that end a call of the stateless revisions: what the client needs for its next try.
#[derive(Debug, Clone, PartialEq)]
pub struct InputRequired {
    /// Key → `{method, params}`.
    pub requests: JsonObject,
    /// Sealed: what the server wants to know again at the next try.
    pub state: String,
}

/// The way back to the client of one call.
#[async_trait]
pub trait Downstream: Debug + Send + Sync {
    /// Tells how far the work is. Says nothing if the client did not ask, if the value does not grow, or if the client
    /// reads too slowly: progress never blocks the work.
    fn progress(&self, progress: f64, total: Option<f64>, message: Option<&str>);

    /// Sends a log message, if the client asked for that level.
    fn log(&self, level: LogLevel, logger: &str, data: Value);

    /// Lets go of the connection that the client hears this call on, where the client can take it up again: a call that
    /// has nothing to say for long need not hold one open. What is said meanwhile is kept for it, within bounds. Does
    /// nothing where there is no such connection.
    fn hang_up(&self) {}

    /// Whether this client can be asked such a question.
    fn answers(&self, kind: QuestionKind) -> bool;

    /// Puts several questions at once, each under a key of its own. The answers come in the order of the questions.
    ///
    /// The wait is bounded, and counts neither toward the call's deadline nor as its work. A client that can't answer
    /// is a refusal of kind [`Incapable`](crate::RefusalKind::Incapable); nobody answering in time is
    /// [`TimedOut`](crate::RefusalKind::TimedOut); and [`InputRequired`](crate::RefusalKind::InputRequired) is to be
    /// passed on, see the [module](self).
    async fn ask(&self, questions: Vec<(String, Question)>) -> Result<Vec<Answer>, Refusal>;

    /// Keeps a value for the runs of this call that follow a question. The client carries it and can read it, but not
    /// change it: keep no secret by it.
    fn remember(&self, key: &str, value: Value);

    /// What was [remembered](Self::remember), in this run or in one before a question.
    fn recall(&self, key: &str) -> Option<Value>;

    /// What the client carries for this call is used up: the call reaches its source now, and whoever carries the same a
    /// second time is refused. What a call refused earlier carried stays good. Sources need not call it.
    async fn use_up(&self) -> Result<(), Refusal> {
        Ok(())
    }

    /// Tells the client that what the page of question `key` was for is done. Says nothing where the client's revision
    /// knows no such word.
    fn concluded(&self, _key: &str) {}

    /// Has a person fill in a form.
    async fn elicit(&self, key: &str, message: &str, schema: Value) -> Result<ElicitResult, Refusal> {
        match self.ask(vec![(key.to_owned(), Question::form(message, schema))]).await?.pop() {
            Some(Answer::Elicited(result)) => Ok(result),
            _ => Err(Refusal::internal("a form got no answer of its kind")),
        }
    }

    /// Sends a person to a page.
    async fn elicit_url(&self, key: &str, message: &str, url: &str) -> Result<ElicitResult, Refusal> {
        match self.ask(vec![(key.to_owned(), Question::url(message, url))]).await?.pop() {
            Some(Answer::Elicited(result)) => Ok(result),
            _ => Err(Refusal::internal("a page got no answer of its kind")),
        }
    }

    /// Has the client's model answer a message.
    async fn sample(&self, key: &str, text: &str, max_tokens: u32) -> Result<Sampled, Refusal> {
        match self.ask(vec![(key.to_owned(), Question::sample(text, max_tokens))]).await?.pop() {
            Some(Answer::Sampled(sampled)) => Ok(sampled),
            _ => Err(Refusal::internal("a sampling got no answer of its kind")),
        }
    }

    /// Asks which folders the client works in.
    async fn roots(&self, key: &str) -> Result<Vec<Root>, Refusal> {
        match self.ask(vec![(key.to_owned(), Question::roots())]).await?.pop() {
            Some(Answer::Roots(roots)) => Ok(roots),
            _ => Err(Refusal::internal("roots got no answer of their kind")),
        }
    }
}

/// A client that can't be spoken to.
#[derive(Debug, Clone, Copy, Default)]
pub struct Silent;

#[async_trait]
impl Downstream for Silent {
    fn progress(&self, _: f64, _: Option<f64>, _: Option<&str>) {}

    fn log(&self, _: LogLevel, _: &str, _: Value) {}

    fn answers(&self, _: QuestionKind) -> bool {
        false
    }

    async fn ask(&self, _: Vec<(String, Question)>) -> Result<Vec<Answer>, Refusal> {
        Err(Refusal::failed("nobody can be asked a question here; give the answer as an argument"))
    }

    fn remember(&self, _: &str, _: Value) {}

    fn recall(&self, _: &str) -> Option<Value> {
        None
    }
}
