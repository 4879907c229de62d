//! A clock that moves when a test says so.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant, SystemTime};

use crate::clock::Clock;

/// Stands still until it is moved on. Both of its times move together.
#[derive(Debug)]
pub struct ManualClock {
    start: (SystemTime, Instant),
    passed: Mutex<Duration>,
}

impl ManualClock {
    /// A clock that shows `now`.
    pub fn at(now: SystemTime) -> Self {
        Self { start: (now, Instant::now()), passed: Mutex::default() }
    }

    /// Moves on.
    pub fn advance(&self, by: Duration) {
        let mut passed = self.passed.lock().unwrap_or_else(PoisonError::into_inner);
        *passed = passed.saturating_add(by);
    }

    fn passed(&self) -> Duration {
        *self.passed.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Default for ManualClock {
    /// At the beginning of 1970.
    fn default() -> Self {
        Self::at(SystemTime::UNIX_EPOCH)
    }
}

impl Clock for ManualClock {
    fn now(&self) -> SystemTime {
        self.start.0 + self.passed()
    }

    fn instant(&self) -> Instant {
        self.start.1 + self.passed()
    }
}
