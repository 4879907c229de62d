//! [`Refusal`]: why there is no reply. One type for every guard and source; the server maps it to the wire in one place.
//!
//! A refusal speaks two languages. Its public words reach the model: they say what is wrong *and what would work*, since
//! a model that reads them tries again. Its cause is for the log and never leaves the process: addresses, statements,
//! whatever only an operator should see.
//!
//! ```
//! use portwright_core::{Refusal, RefusalKind};
//!
//! let refusal = Refusal::invalid("`limit` is 5000; ask for 1000 at most");
//! assert_eq!(refusal.kind(), RefusalKind::Invalid);
//!
//! // A fault of ours: the caller learns nothing, the log everything.
//! let lost = std::io::Error::other("10.0.0.7:5432: connection reset");
//! let refusal = Refusal::internal(lost);
//! assert_eq!(refusal.public(), "internal error");
//! assert!(std::error::Error::source(&refusal).unwrap().to_string().contains("10.0.0.7"));
//! ```
//!
//! The [kind](RefusalKind) decides what the client sees. What the model can mend ([`Invalid`](RefusalKind::Invalid),
//! [`Failed`](RefusalKind::Failed), [`TimedOut`](RefusalKind::TimedOut)) becomes a tool's result with `isError`; the
//! others become errors of the protocol, each with the code of its revision.

use std::error::Error;
use std::fmt;
use std::time::Duration;

use serde_json::Value;

use crate::downstream::InputRequired;

/// What a refusal means to the caller.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum RefusalKind {
    /// No such tool, resource or prompt, or none for this caller: the two look the same from outside.
    NotFound,
    /// The caller must prove who they are.
    Unauthenticated,
    /// The arguments do not fit. The words say how to mend them.
    Invalid,
    /// The client lacks a capability that this call needs.
    Incapable,
    /// A person was asked, and did not say yes.
    Declined,
    /// The source did its part and said no (no such row, a constraint, a statement that may not run).
    Failed,
    /// Too much, too fast. `retry_after` tells when to come again.
    Limited,
    /// The source is down or busy. Trying again later may help.
    Unavailable,
    /// The deadline passed.
    TimedOut,
    /// The caller called it off.
    Cancelled,
    /// No refusal to the caller, but a question on its way to the client, which then makes the call again: see
    /// [`downstream`](crate::downstream).
    InputRequired,
    /// A fault of ours. The caller gets a request id and nothing else.
    Internal,
}

impl RefusalKind {
    /// The word that stands in an audit record and on a metric.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::NotFound => "not_found",
            Self::Unauthenticated => "unauthenticated",
            Self::Invalid => "invalid",
            Self::Incapable => "incapable",
            Self::Declined => "declined",
            Self::Failed => "failed",
            Self::Limited => "limited",
            Self::Unavailable => "unavailable",
            Self::TimedOut => "timed_out",
            Self::Cancelled => "cancelled",
            Self::InputRequired => "input_required",
            Self::Internal => "internal",
        }
    }
}

/// Why there is no reply: a kind, words for the caller, and a cause for the log.
///
/// `public` reaches the client, so it never holds a secret, an address, or text that only an operator should see. The
/// `cause` never leaves the process.
#[derive(Debug)]
pub struct Refusal {
    kind: RefusalKind,
    public: String,
    cause: Option<Box<dyn Error + Send + Sync>>,
    retry_after: Option<Duration>,
    needs: Option<Box<Value>>,
    input: Option<Box<InputRequired>>,
}

impl Refusal {
    /// Of a kind, in words for the caller.
    pub fn new(kind: RefusalKind, public: impl Into<String>) -> Self {
        Self { kind, public: public.into(), cause: None, retry_after: None, needs: None, input: None }
    }

    /// What does not exist, and what the caller may not see. `what` is `tool`, `resource` or `prompt`.
    pub fn not_found(what: &str, name: &str) -> Self {
        Self::new(RefusalKind::NotFound, format!("there is no {what} `{name}` here"))
    }

    /// Arguments that do not fit; say which one, what was expected, and how to mend it.
    pub fn invalid(public: impl Into<String>) -> Self {
        Self::new(RefusalKind::Invalid, public)
    }

    /// The client lacks a capability; `needs` is what it would have to declare, as the protocol's `ClientCapabilities`.
    pub fn incapable(public: impl Into<String>, needs: Value) -> Self {
        Self { needs: Some(Box::new(needs)), ..Self::new(RefusalKind::Incapable, public) }
    }

    /// A person was asked, and did not say yes.
    pub fn declined(public: impl Into<String>) -> Self {
        Self::new(RefusalKind::Declined, public)
    }

    /// The source said no; say what, and what would work.
    pub fn failed(public: impl Into<String>) -> Self {
        Self::new(RefusalKind::Failed, public)
    }

    /// The source is down or busy.
    pub fn unavailable(public: impl Into<String>) -> Self {
        Self::new(RefusalKind::Unavailable, public)
    }

    /// Too much, too fast; come again after so long.
    pub fn limited(public: impl Into<String>, wait: Duration) -> Self {
        Self::new(RefusalKind::Limited, public).retry_after(wait)
    }

    /// The deadline passed; say what to ask for instead.
    pub fn timed_out(public: impl Into<String>) -> Self {
        Self::new(RefusalKind::TimedOut, public)
    }

    /// The caller called it off.
    pub fn cancelled() -> Self {
        Self::new(RefusalKind::Cancelled, "the call was cancelled")
    }

    /// Questions for the client. The server's part; sources ask by [`Downstream`](crate::Downstream).
    pub fn input_required(input: InputRequired) -> Self {
        let public = "the client has to answer a question first";
        Self { input: Some(Box::new(input)), ..Self::new(RefusalKind::InputRequired, public) }
    }

    /// A fault of ours; `cause` goes to the log, the caller learns only the request id.
    pub fn internal(cause: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self::new(RefusalKind::Internal, "internal error").because(cause)
    }

    /// Adds what only the log may know.
    #[must_use]
    pub fn because(mut self, cause: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        self.cause = Some(cause.into());
        self
    }

    /// The same refusal in other words.
    #[must_use]
    pub fn reworded(mut self, public: impl Into<String>) -> Self {
        self.public = public.into();
        self
    }

    /// Adds when to come again.
    #[must_use]
    pub fn retry_after(mut self, wait: Duration) -> Self {
        self.retry_after = Some(wait);
        self
    }

    /// What it means to the caller.
    pub fn kind(&self) -> RefusalKind {
        self.kind
    }

    /// Words for the caller.
    pub fn public(&self) -> &str {
        &self.public
    }

    /// When to come again, if that helps.
    pub fn wait(&self) -> Option<Duration> {
        self.retry_after
    }

    /// The capabilities that the client would have to declare.
    pub fn needs(&self) -> Option<&Value> {
        self.needs.as_deref()
    }

    /// The questions for the client.
    pub fn input(&self) -> Option<&InputRequired> {
        self.input.as_deref()
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.public)
    }
}

impl Error for Refusal {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.cause.as_deref().map(|cause| cause as &(dyn Error + 'static))
    }
}
