//! The deadline: a call ends in time, and a cancelled one ends soon. The time that a call waits for its client is not
//! counted: it has a bound of its own.
//!
//! Either way the source is told first and given a moment to stop by itself, so that a statement really is cancelled
//! on its server; then the call is dropped.

use std::pin::pin;
use std::time::Duration;

use portwright_core::{Call, Context, Effects, Guard, Next, Refusal, RefusalKind, Reply, async_trait, limits};
use tokio::time::{sleep, timeout};

/// Bounds how long a call may take.
#[derive(Debug)]
pub(super) struct Deadline {
    call_timeout: Duration,
}

impl Deadline {
    pub(super) fn new(call_timeout: Duration) -> Self {
        Self { call_timeout }
    }
}

/// Why the call has to end early.
enum End {
    Cancelled,
    TimedOut,
}

#[async_trait]
impl Guard for Deadline {
    fn name(&self) -> &'static str {
        "deadline"
    }

    async fn check(&self, call: &Call, cx: &Context, next: Next<'_>) -> Result<Reply, Refusal> {
        if cx.cancel.is_cancelled() {
            return Err(Refusal::cancelled());
        }
        let start = cx.clock.instant();
        let bounded = cx.until(start + self.call_timeout);
        let before = cx.waiting.spent(start);
        let end = bounded.deadline.map(|end| end + before);
        let mut allowed = end.map_or(self.call_timeout, |end| end.saturating_duration_since(start));
        let mut work = pin!(next.run(call, &bounded));
        let waiting = &bounded.waiting;
        let end = loop {
            let waits = waiting.is_open();
            let (now, waited) = (cx.clock.instant(), waiting.spent(cx.clock.instant()));
            let left = (start + allowed + waited.saturating_sub(before)).saturating_duration_since(now);
            tokio::select! {
                biased;
                done = &mut work => return match done {
                    // However its source puts it: it ended because it was told to.
                    Err(refusal) if cx.cancel.is_cancelled() => Err(Refusal::cancelled().because(refusal)),
                    done => done,
                },
                () = cx.cancel.cancelled() => break End::Cancelled,
                () = waiting.over(), if waits => {}
                () = sleep(left), if !waits => {
                    let task = cx.background.as_ref().and_then(|background| background.deadline());
                    match task.map(|end| end.saturating_duration_since(start)) {
                        // A call that became a task on its way has the task's time.
                        Some(longer) if longer > allowed => allowed = longer,
                        // One that waited for its client meanwhile has the time that it waited.
                        _ if waiting.is_open() || waiting.spent(cx.clock.instant()) != waited => {}
                        _ => break End::TimedOut,
                    }
                }
            }
        };
        bounded.cancel.cancel();
        match timeout(limits::STOP_WAIT, work).await {
            // It was done after all. For a call that writes, saying anything else would be untrue.
            Ok(Ok(reply)) => Ok(reply),
            Ok(Err(refusal)) => Err(ended(&end, call, allowed).because(refusal)),
            Err(_) => {
                cx.note(|trail| trail.flags.push("abandoned".to_owned()));
                Err(ended(&end, call, allowed))
            }
        }
    }
}

fn ended(end: &End, call: &Call, allowed: Duration) -> Refusal {
    match end {
        End::Cancelled => Refusal::cancelled(),
        End::TimedOut => {
            let writes = call.target.as_ref().is_some_and(|target| target.effects != Effects::None);
            let next = if writes {
                "It may have taken effect: look before you try again."
            } else {
                "Ask for less, with a narrower filter or a smaller limit, or try again later."
            };
            Refusal::new(
                RefusalKind::TimedOut,
                format!("the call took longer than {} and was stopped. {next}", seconds(allowed)),
            )
        }
    }
}

/// `30 s`, `0.5 s`.
fn seconds(time: Duration) -> String {
    if time.subsec_millis() == 0 { format!("{} s", time.as_secs()) } else { format!("{:.1} s", time.as_secs_f64()) }
}
