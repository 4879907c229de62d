//! The moment at which a call becomes a task.

use std::io;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Instant;

use portwright_core::{
    Background, Begun, Call, Context, Downstream, Effects, Endpoint, Operation, Principal, Refusal, RefusalKind, Reply,
    TaskSupport, async_trait, limits,
};
use tokio::sync::oneshot;
use tokio_util::sync::CancellationToken;

use super::asking::Asking;
use super::store::Full;
use super::task::Task;
use crate::catalog::Catalog;
use crate::engine::Engine;
use crate::session::dispatch;
use crate::session::reply::Outcome;

/// What the request that made the call is answered.
#[derive(Debug)]
pub(super) enum Verdict {
    /// With the task, written.
    Begun(Vec<u8>),
    /// With what the call came to.
    Ended(Outcome),
}

/// A call that may become a task, and the request that waits for it.
#[derive(Debug)]
pub(super) struct Opening {
    engine: Arc<Engine>,
    support: TaskSupport,
    principal: Option<Arc<Principal>>,
    cancel: CancellationToken,
    began: Instant,
    /// The call's way to its client before it is a task.
    before: Arc<dyn Downstream>,
    verdict: Mutex<Option<oneshot::Sender<Verdict>>>,
    task: OnceLock<Arc<Task>>,
    /// Held while a task is begun, so that one call begins one.
    beginning: Mutex<()>,
}

impl Opening {
    pub(super) fn of(
        engine: &Arc<Engine>,
        call: &Call,
        cx: &Context,
        cancel: CancellationToken,
    ) -> (Arc<Self>, oneshot::Receiver<Verdict>) {
        let (verdict, waiting) = oneshot::channel();
        let opening = Self {
            engine: engine.clone(),
            support: call.target.as_ref().map_or(TaskSupport::NEVER, |target| target.tasks),
            principal: cx.principal().cloned(),
            cancel,
            began: cx.clock.instant(),
            before: cx.downstream.clone(),
            verdict: Mutex::new(Some(verdict)),
            task: OnceLock::new(),
            beginning: Mutex::new(()),
        };
        (Arc::new(opening), waiting)
    }

    /// The end of the chain for this call.
    pub(super) fn gate<'a>(&'a self, catalog: &'a Catalog) -> Gate<'a> {
        Gate { opening: self, catalog }
    }

    /// The call has ended: its task keeps what came of it, or its request is answered.
    pub(super) fn ended(&self, result: Result<Reply, Refusal>, operation: &Operation, cx: &Context) {
        let result = match result {
            // Only the context from before the task asks so.
            Err(refusal) if self.task.get().is_some() && refusal.input().is_some() => Err(Refusal::internal(refusal)),
            result => result,
        };
        let called_off = matches!(&result, Err(refusal) if refusal.kind() == RefusalKind::Cancelled);
        let outcome = dispatch::outcome(&self.engine, result, operation, cx);
        match self.task.get() {
            Some(task) if called_off => task.cancelled(),
            Some(task) => task.ended(outcome),
            None => self.answer(Verdict::Ended(outcome)),
        }
    }

    fn answer(&self, verdict: Verdict) {
        if let Some(waiting) = self.verdict.lock().unwrap_or_else(PoisonError::into_inner).take() {
            // Whoever is gone by now has called the call off.
            let _ = waiting.send(verdict);
        }
    }

    fn begun(&self, task: &Arc<Task>) -> Begun {
        Begun { deadline: self.until(), downstream: Arc::new(Asking::of(task.clone(), self.before.clone())) }
    }

    fn until(&self) -> Instant {
        self.began + self.engine.plan.tasks.timeout
    }
}

impl Background for Opening {
    fn begin(&self) -> Result<Option<Begun>, Refusal> {
        let _one = self.beginning.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(task) = self.task.get() {
            return Ok(Some(self.begun(task)));
        }
        // A request that nobody waits for any more would leave a task that nobody knows.
        if self.cancel.is_cancelled() {
            return Err(Refusal::cancelled());
        }
        let principal = self.principal.as_ref().ok_or_else(|| Refusal::internal("a task without a principal"))?;
        let task = match self.engine.tasks.begin(principal, self.cancel.clone()) {
            Ok(task) => task,
            Err(Full::Random(error)) => return Err(Refusal::internal(error)),
            Err(Full::Tasks) if self.support.is_required() => return Err(no_room()),
            Err(Full::Tasks) => return Ok(None),
        };
        let begun = self.begun(&task);
        let told = task.created(&self.engine.info);
        let _ = self.task.set(task);
        self.answer(Verdict::Begun(told));
        Ok(Some(begun))
    }

    fn deadline(&self) -> Option<Instant> {
        self.task.get().map(|_| self.until())
    }
}

fn no_room() -> Refusal {
    Refusal::new(RefusalKind::Limited, "too many tasks are running or kept; try again when some have expired")
        .retry_after(limits::TASK_POLL)
}

/// Begins the task where the source leaves that to us, and holds its result to the bounds of what is kept.
#[derive(Debug)]
pub(super) struct Gate<'a> {
    opening: &'a Opening,
    catalog: &'a Catalog,
}

#[async_trait]
impl Endpoint for Gate<'_> {
    async fn reach(&self, call: &Call, cx: &Context) -> Result<Reply, Refusal> {
        let reply = if self.opening.support.is_begun_by_source() {
            self.catalog.reach(call, cx).await
        } else {
            self.catalog.reach(call, &cx.start_task()?).await
        };
        let Some(task) = self.opening.task.get() else { return reply };
        cx.note(|trail| trail.flags.push("task".to_owned()));
        let reply = reply?;
        if self.opening.engine.tasks.reserve(task, size(&reply)) { Ok(reply) } else { Err(too_large(call)) }
    }
}

fn too_large(call: &Call) -> Refusal {
    let writes = call.target.as_ref().is_some_and(|target| target.effects != Effects::None);
    let next = if writes { "It did take effect: look before you try again." } else { "Ask for less." };
    Refusal::failed(format!("the result is larger than what can be kept for you now. {next}"))
}

/// Bytes of a tool's answer as JSON, counted without keeping them.
fn size(reply: &Reply) -> usize {
    struct Count(usize);
    impl io::Write for Count {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0 += bytes.len();
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    let mut count = Count(0);
    match reply {
        Reply::Tool(result) => serde_json::to_writer(&mut count, result).map_or(usize::MAX, |()| count.0),
        _ => usize::MAX,
    }
}
