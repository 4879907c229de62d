//! What time it is. A trait, so that tests need not wait.

use std::fmt::Debug;
use std::time::{Instant, SystemTime};

/// A source of time.
pub trait Clock: Debug + Send + Sync {
    /// Wall-clock time, for records.
    fn now(&self) -> SystemTime;
    /// Monotonic time, for durations.
    fn instant(&self) -> Instant;
}

/// The machine's clock.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> SystemTime {
        SystemTime::now()
    }

    fn instant(&self) -> Instant {
        Instant::now()
    }
}
