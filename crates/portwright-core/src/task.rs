//! Tasks: calls that go on after their client was answered.
//!
//! A tool that takes long says so by [`Source::task_support`](crate::Source::task_support). A client that can follow
//! tasks (extension `io.modelcontextprotocol/tasks`) then gets a task's id instead of a result, and asks for the result
//! later; any other client waits, as for any other call. The source writes one `call` for both:
//!
//! - By default the server begins the task just before it calls the source.
//! - A source that wants to ask the client something first, or that learns only on the way that this call will take
//!   long, says [`begun_by_source`](TaskSupport::begun_by_source) and calls
//!   [`Context::start_task`](crate::Context::start_task) at the moment that suits it.
//!
//! Within a task the call's [`Context`](crate::Context) means the same things with other bounds: it may take longer,
//! progress becomes the task's message, a question makes the task wait for the client, and `cancel` fires when the
//! client calls the task off.

use std::fmt::Debug;
use std::sync::Arc;
use std::time::Instant;

use crate::downstream::Downstream;
use crate::refusal::Refusal;

/// What clients that can follow tasks declare, among `capabilities.extensions`.
pub const TASKS_EXTENSION: &str = "io.modelcontextprotocol/tasks";

/// Whether a tool's calls may become tasks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct TaskSupport {
    need: Need,
    begun_by_source: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum Need {
    #[default]
    Never,
    Optional,
    Required,
}

impl TaskSupport {
    /// Its calls are answered when they have ended. The default.
    pub const NEVER: Self = Self { need: Need::Never, begun_by_source: false };
    /// A task for clients that can follow one; the others wait, at most as long as any call may take.
    pub const OPTIONAL: Self = Self { need: Need::Optional, begun_by_source: false };
    /// It takes too long for anybody to wait: clients that can't follow tasks are refused.
    pub const REQUIRED: Self = Self { need: Need::Required, begun_by_source: false };

    /// The source itself begins the task, by [`Context::start_task`](crate::Context::start_task).
    #[must_use]
    pub const fn begun_by_source(mut self) -> Self {
        self.begun_by_source = true;
        self
    }

    /// Whether its calls never become tasks.
    pub fn is_never(self) -> bool {
        self.need == Need::Never
    }

    /// Whether its calls must become tasks.
    pub fn is_required(self) -> bool {
        self.need == Need::Required
    }

    /// Whether the source begins the task.
    pub fn is_begun_by_source(self) -> bool {
        self.begun_by_source
    }
}

/// Turns a call into a task. The server's part; sources use [`Context::start_task`](crate::Context::start_task).
pub trait Background: Debug + Send + Sync {
    /// Begins the task, or tells of the one that was begun before. None if there is no room for a task and the call
    /// can do without.
    fn begin(&self) -> Result<Option<Begun>, Refusal>;

    /// When the task must have ended, if one was begun.
    fn deadline(&self) -> Option<Instant>;
}

/// What is new to a call once it is a task.
#[derive(Debug, Clone)]
pub struct Begun {
    /// When the task must have ended.
    pub deadline: Instant,
    /// The way to the client from now on.
    pub downstream: Arc<dyn Downstream>,
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::time::{Duration, Instant};

    use tokio_util::sync::CancellationToken;

    use super::{Background, Begun};
    use crate::context::{Context, TransportKind};
    use crate::downstream::Silent;
    use crate::refusal::Refusal;

    #[derive(Debug)]
    struct Room(Option<Instant>);

    impl Background for Room {
        fn begin(&self) -> Result<Option<Begun>, Refusal> {
            Ok(self.0.map(|deadline| Begun { deadline, downstream: Arc::new(Silent) }))
        }

        fn deadline(&self) -> Option<Instant> {
            self.0
        }
    }

    #[test]
    fn a_task_has_its_own_deadline_and_the_calls_trail_and_caller() {
        let (soon, later) = (Instant::now(), Instant::now() + Duration::from_mins(1));
        let cx = Context::new("r", TransportKind::InProcess).until(soon);
        assert_eq!(cx.start_task().expect("as it was").deadline, Some(soon), "no task can be had");
        let full = cx.handed_over(CancellationToken::new(), Arc::new(Room(None)));
        assert_eq!(full.start_task().expect("as it was").deadline, Some(soon), "there is no room");
        let cancel = CancellationToken::new();
        let task = cx.handed_over(cancel.clone(), Arc::new(Room(Some(later)))).start_task().expect("a task");
        assert_eq!(task.deadline, Some(later));
        task.note(|trail| trail.truncated = true);
        cancel.cancel();
        assert!(cx.trail().truncated && task.cancel.is_cancelled() && !cx.cancel.is_cancelled());
    }
}
