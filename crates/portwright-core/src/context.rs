//! [`Context`]: what is known around a call: where it came from, who calls, until when, and the way back.
//!
//! A context is handed along with its call and never kept. Guards write onto its [trail](Context::note) what the
//! audit record should tell; sources watch [`cancel`](Context::cancel), and bound their own waits by
//! [`time_left`](Context::time_left):
//!
//! ```
//! use std::time::Duration;
//! use portwright_core::{Context, Refusal};
//!
//! async fn answer(cx: &Context, work: impl Future<Output = u32>) -> Result<u32, Refusal> {
//!     if cx.time_left().is_some_and(|left| left < Duration::from_millis(100)) {
//!         return Err(Refusal::timed_out("there is not enough time left for this; ask for less"));
//!     }
//!     cx.note(|trail| trail.flags.push("computed".to_owned()));
//!     cx.cancel.run_until_cancelled(work).await.ok_or_else(Refusal::cancelled)
//! }
//! # use portwright_core::TransportKind;
//! # let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
//! let cx = Context::new("r-1", TransportKind::InProcess);
//! assert_eq!(runtime.block_on(answer(&cx, async { 42 })).unwrap(), 42);
//! assert_eq!(cx.trail().flags, ["computed"]);
//! ```

use std::fmt::Debug;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use tokio_util::sync::CancellationToken;

use crate::clock::{Clock, SystemClock};
use crate::downstream::{Downstream, Silent};
use crate::principal::Principal;
use crate::protocol::{
    ArgumentInfo, CompletionContext, CompletionInfo, Implementation, ProtocolVersion, ReadResourceResult,
};
use crate::refusal::Refusal;
use crate::task::Background;
use crate::trace::TraceContext;
use crate::waiting::Waiting;

/// How the call came.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum TransportKind {
    /// Newline-delimited messages on standard input and output.
    Stdio,
    /// Streamable HTTP.
    Http,
    /// HTTP with server-sent events, of revision 2024-11-05.
    Sse,
    /// WebSocket, which the protocol does not describe.
    WebSocket,
    /// Called from within this process: the command line, a test.
    InProcess,
}

impl TransportKind {
    /// The word that stands in an audit record.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Stdio => "stdio",
            Self::Http => "http",
            Self::Sse => "sse",
            Self::WebSocket => "websocket",
            Self::InProcess => "in_process",
        }
    }
}

/// What guards and sources learn about a call on its way, for the audit record.
#[derive(Debug, Clone, Default)]
pub struct Trail {
    /// The rule that decided, if a policy did.
    pub rule: Option<String>,
    /// Whether the result was cut to its bounds.
    pub truncated: bool,
    /// Anything worth noticing, one short word each (`injection`, `redacted`, `retried`).
    pub flags: Vec<String>,
    /// Whether every guard let the call through to its source.
    pub reached: bool,
    /// Whether the call came before a revision of the protocol was agreed on, or without any that is spoken here.
    pub unagreed: bool,
    /// Bytes of the reply as JSON, once somebody has counted them.
    pub result_bytes: Option<u64>,
}

/// Reads a resource of the same server, as the same principal and through the same chain. Prompts embed resources
/// with it, and offer values of their templates' variables.
#[async_trait]
pub trait ReadResource: Debug + Send + Sync {
    /// Reads it, or refuses as it would refuse the caller.
    async fn read(&self, uri: &str, cx: &Context) -> Result<ReadResourceResult, Refusal>;

    /// Values for a variable of the template `uri`.
    async fn complete(
        &self,
        uri: &str,
        variable: &ArgumentInfo,
        context: Option<&CompletionContext>,
        cx: &Context,
    ) -> Result<CompletionInfo, Refusal>;
}

/// What is known around a call: where it came from, who calls, until when it may take, and the way back to the client.
///
/// A clone is the same call: it shares cancellation, trail, principal and the way back.
#[derive(Debug, Clone)]
pub struct Context {
    /// Our own id of this call, on log lines and in what an internal fault tells the caller.
    pub request: Arc<str>,
    /// How the call came. A guard that depends on it treats callers differently who should be alike.
    pub transport: TransportKind,
    /// The revision that the client speaks.
    pub protocol: ProtocolVersion,
    /// What the client says it is. Never a reason to trust it.
    pub client: Option<Arc<Implementation>>,
    /// The session, in the lifecycle that has them.
    pub session: Option<Arc<str>>,
    /// Where the call stands in a trace that began elsewhere, if its client says so.
    pub trace: Option<TraceContext>,
    /// Fires when the client calls the call off, goes away, or the server stops.
    pub cancel: CancellationToken,
    /// When the call must have ended, the time aside that it [waits](Self::waiting) for its client.
    pub deadline: Option<Instant>,
    /// The way back to the client while the work goes on.
    pub downstream: Arc<dyn Downstream>,
    /// What time it is, for everything that a test may want to hurry.
    pub clock: Arc<dyn Clock>,
    /// Reads other resources of this server on behalf of the caller.
    pub resources: Option<Arc<dyn ReadResource>>,
    /// How many reads deep this call is inside another one.
    pub depth: u8,
    /// Whether whoever called can follow a task.
    pub follows_tasks: bool,
    /// Turns this call into a task, where it may become one.
    pub background: Option<Arc<dyn Background>>,
    /// The time that the call spends waiting for its client's answers, which counts toward no deadline.
    pub waiting: Arc<Waiting>,
    principal: Arc<OnceLock<Arc<Principal>>>,
    trail: Arc<Mutex<Trail>>,
}

impl Context {
    /// Of a call about which nothing more is known: no principal, no deadline, a client that can't be spoken to.
    pub fn new(request: impl Into<Arc<str>>, transport: TransportKind) -> Self {
        Self {
            request: request.into(),
            transport,
            protocol: ProtocolVersion::LATEST,
            client: None,
            session: None,
            trace: None,
            cancel: CancellationToken::new(),
            deadline: None,
            downstream: Arc::new(Silent),
            clock: Arc::new(SystemClock),
            resources: None,
            depth: 0,
            follows_tasks: false,
            background: None,
            waiting: Arc::default(),
            principal: Arc::default(),
            trail: Arc::default(),
        }
    }

    /// The same call under a deadline that may be nearer: same caller, same trail, same way back to the client.
    /// Cancelling it leaves this context's own token alone.
    #[must_use]
    pub fn until(&self, deadline: Instant) -> Self {
        // A deadline is kept as if the call had not waited so far.
        let waited = self.waiting.spent(self.clock.instant());
        let deadline = deadline.checked_sub(waited).unwrap_or(deadline);
        Self {
            cancel: self.cancel.child_token(),
            deadline: Some(self.deadline.map_or(deadline, |own| own.min(deadline))),
            ..self.same()
        }
    }

    /// The same call in other hands: cancelled by another token, able to become a task.
    #[must_use]
    pub fn handed_over(&self, cancel: CancellationToken, background: Arc<dyn Background>) -> Self {
        Self { cancel, background: Some(background), ..self.same() }
    }

    /// Makes this call a task, if it is not one yet: its client is answered now and asks for the result later. Go on
    /// with the context that comes back: its deadline is the task's, and so is its way to the client.
    ///
    /// Where the client can't follow a task, or the server keeps too many, the call simply goes on, unless the tool
    /// [requires](crate::TaskSupport::REQUIRED) one. Only a tool that says
    /// [`begun_by_source`](crate::TaskSupport::begun_by_source) needs this.
    pub fn start_task(&self) -> Result<Self, Refusal> {
        let begun = self.background.as_ref().map(|background| background.begin()).transpose()?.flatten();
        let mut cx = self.same();
        if let Some(begun) = begun {
            cx.deadline = Some(begun.deadline);
            cx.downstream = begun.downstream;
        }
        Ok(cx)
    }

    fn same(&self) -> Self {
        Self {
            request: self.request.clone(),
            transport: self.transport,
            protocol: self.protocol.clone(),
            client: self.client.clone(),
            session: self.session.clone(),
            trace: self.trace.clone(),
            cancel: self.cancel.clone(),
            deadline: self.deadline,
            downstream: self.downstream.clone(),
            clock: self.clock.clone(),
            resources: self.resources.clone(),
            depth: self.depth,
            follows_tasks: self.follows_tasks,
            background: self.background.clone(),
            waiting: self.waiting.clone(),
            principal: self.principal.clone(),
            trail: self.trail.clone(),
        }
    }

    /// A context for a call within this call: same caller, same bounds, no way back to the client.
    #[must_use]
    pub fn nested(&self) -> Self {
        let mut inner = Self::new(self.request.clone(), self.transport);
        inner.protocol = self.protocol.clone();
        inner.client.clone_from(&self.client);
        inner.session.clone_from(&self.session);
        inner.trace.clone_from(&self.trace);
        inner.cancel = self.cancel.child_token();
        inner.deadline = self.deadline;
        inner.clock = self.clock.clone();
        inner.resources.clone_from(&self.resources);
        inner.depth = self.depth.saturating_add(1);
        inner.waiting = self.waiting.clone();
        if let Some(principal) = self.principal.get() {
            inner.set_principal(principal.clone());
        }
        inner
    }

    /// Who calls. None before the authenticate guard has said so.
    pub fn principal(&self) -> Option<&Arc<Principal>> {
        self.principal.get()
    }

    /// Says who calls. The first word stands: a caller can't become another one in mid-call.
    pub fn set_principal(&self, principal: Arc<Principal>) {
        let _ = self.principal.set(principal);
    }

    /// Writes onto the trail.
    pub fn note(&self, write: impl FnOnce(&mut Trail)) {
        write(&mut self.trail.lock().unwrap_or_else(PoisonError::into_inner));
    }

    /// What was written so far.
    pub fn trail(&self) -> Trail {
        self.trail.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Looks at what was written so far, without a copy.
    pub fn look<T>(&self, read: impl FnOnce(&Trail) -> T) -> T {
        read(&self.trail.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// The time left, or none if the call has no deadline. Zero when it has passed.
    pub fn time_left(&self) -> Option<Duration> {
        let now = self.clock.instant();
        self.deadline.map(|end| (end + self.waiting.spent(now)).saturating_duration_since(now))
    }
}
