//! A guard of one's own: what the author of a server adds to the chain. It may be wrong, and then it refuses.

use std::fmt;
use std::panic::{self, AssertUnwindSafe};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use futures::FutureExt;
use portwright_core::{Call, Context, Endpoint, Guard, Next, Refusal, Reply, async_trait};

use super::fence::Panicked;

/// Tells the log and the trail which guard it was that refused or failed. The deadline further out bounds its time.
pub(super) struct Own {
    guard: Arc<dyn Guard>,
    name: &'static str,
}

impl Own {
    pub(super) fn new(guard: Arc<dyn Guard>) -> Self {
        let name = panic::catch_unwind(AssertUnwindSafe(|| guard.name())).unwrap_or("nameless");
        Self { guard, name }
    }
}

impl fmt::Debug for Own {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Own").field(&self.name).finish()
    }
}

#[derive(Debug, thiserror::Error)]
#[error("the guard `{0}` failed: {1}")]
struct Failed(&'static str, Panicked);

#[async_trait]
impl Guard for Own {
    fn name(&self) -> &'static str {
        self.name
    }

    async fn check(&self, call: &Call, cx: &Context, next: Next<'_>) -> Result<Reply, Refusal> {
        let gate = Gate { next, passed: AtomicBool::new(false) };
        let judged = AssertUnwindSafe(self.guard.check(call, cx, Next::new(&[], &gate))).catch_unwind().await;
        let passed = gate.passed.load(Ordering::Relaxed);
        match judged {
            Ok(Err(refusal)) if !passed => {
                cx.note(|trail| {
                    trail.rule.get_or_insert_with(|| format!("guard:{}", self.name));
                });
                Err(refusal)
            }
            Ok(result) => result,
            // It may be somebody else's, from further in: the fence sees to it.
            Err(payload) if passed => panic::resume_unwind(payload),
            Err(payload) => {
                cx.note(|trail| {
                    trail.rule.get_or_insert_with(|| format!("guard:{}", self.name));
                    trail.flags.push("panicked".to_owned());
                });
                Err(Refusal::internal(Failed(self.name, Panicked::new(&*payload))))
            }
        }
    }
}

/// The rest of the chain, which remembers that it was reached.
struct Gate<'a> {
    next: Next<'a>,
    passed: AtomicBool,
}

#[async_trait]
impl Endpoint for Gate<'_> {
    async fn reach(&self, call: &Call, cx: &Context) -> Result<Reply, Refusal> {
        self.passed.store(true, Ordering::Relaxed);
        self.next.run(call, cx).await
    }
}
