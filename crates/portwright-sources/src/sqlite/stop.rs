//! [`Stop`]: how one run of a statement is called off from outside, without ever hitting another run.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use rusqlite::InterruptHandle;

/// Why a run was called off.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Why {
    Cancelled,
    TimedOut,
}

enum State {
    /// Before it has a connection, and while it runs on one.
    Running(Option<InterruptHandle>),
    Halted(Why),
    /// It can't be called off any more: it commits, or has ended.
    Settled,
}

/// One run of a statement.
pub(super) struct Stop {
    deadline: Instant,
    halted: AtomicBool,
    settled: AtomicBool,
    state: Mutex<State>,
}

impl std::fmt::Debug for Stop {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Stop").field("deadline", &self.deadline).field("halted", &self.halted).finish_non_exhaustive()
    }
}

impl Stop {
    pub(super) fn new(deadline: Instant) -> Self {
        Self {
            deadline,
            halted: AtomicBool::new(false),
            settled: AtomicBool::new(false),
            state: Mutex::new(State::Running(None)),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The worker has a connection now. Fails if the run was called off before.
    pub(super) fn attach(&self, handle: InterruptHandle) -> Result<(), Why> {
        match &mut *self.state() {
            State::Running(slot) => {
                *slot = Some(handle);
                Ok(())
            }
            State::Halted(why) => Err(*why),
            State::Settled => Ok(()),
        }
    }

    /// Calls the run off. False if it is too late: then its result counts.
    pub(super) fn halt(&self, why: Why) -> bool {
        let mut state = self.state();
        if let State::Running(handle) = &*state {
            self.halted.store(true, Ordering::Relaxed);
            if let Some(handle) = handle {
                // Under the lock, so that the connection can't have gone to another run yet.
                handle.interrupt();
            }
            *state = State::Halted(why);
        }
        matches!(*state, State::Halted(_))
    }

    /// From here on it can't be called off. Fails if it was called off before.
    pub(super) fn settle(&self) -> Result<(), Why> {
        let mut state = self.state();
        match *state {
            State::Halted(why) => Err(why),
            State::Running(_) | State::Settled => {
                *state = State::Settled;
                self.settled.store(true, Ordering::Relaxed);
                Ok(())
            }
        }
    }

    /// Asked every few thousand steps of SQLite's machine.
    pub(super) fn must_stop(&self) -> bool {
        !self.settled.load(Ordering::Relaxed)
            && (self.halted.load(Ordering::Relaxed) || Instant::now() >= self.deadline)
    }

    /// Why an interrupted run was interrupted.
    pub(super) fn why(&self) -> Why {
        match *self.state() {
            State::Halted(why) => why,
            State::Running(_) | State::Settled => Why::TimedOut,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use super::{Stop, Why};

    #[test]
    fn a_settled_run_is_not_called_off() {
        let stop = Stop::new(Instant::now() + Duration::from_mins(1));
        assert!(!stop.must_stop());
        assert_eq!(stop.settle(), Ok(()));
        assert!(!stop.halt(Why::Cancelled));
        assert!(!stop.must_stop());
    }

    #[test]
    fn a_run_that_was_called_off_does_not_settle() {
        let stop = Stop::new(Instant::now() + Duration::from_mins(1));
        assert!(stop.halt(Why::Cancelled));
        assert!(stop.must_stop());
        assert_eq!(stop.settle(), Err(Why::Cancelled));
        assert_eq!(stop.why(), Why::Cancelled);
    }

    #[test]
    fn the_deadline_stops_it_alone() {
        let stop = Stop::new(Instant::now());
        assert!(stop.must_stop());
        assert_eq!(stop.why(), Why::TimedOut);
    }
}
