//! [`Pace`]: calls of an API take turns, so that its rate is kept and nobody is thrown out for what came at once.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use portwright_core::{Context, Refusal, limits};

/// Turns at an API.
#[derive(Debug)]
pub(super) struct Pace {
    /// Between two turns.
    interval: Duration,
    /// How long one may wait for a turn.
    wait: Duration,
    state: Mutex<State>,
    waiters: AtomicUsize,
}

#[derive(Debug, Default)]
struct State {
    /// When the next turn is.
    next: Option<Instant>,
    /// Until when there are no turns at all, and why.
    closed: Option<(Instant, String)>,
}

impl Pace {
    /// A turn each `interval`, and at most so long a wait for one.
    pub(super) fn new(interval: Duration, wait: Duration) -> Self {
        Self { interval, wait, state: Mutex::default(), waiters: AtomicUsize::new(0) }
    }

    /// Waits for a turn; refuses at once where it would take too long, and the turn stays free for others.
    pub(super) async fn turn(&self, cx: &Context) -> Result<(), Refusal> {
        let until = self.take(cx)?;
        if let Some(until) = until {
            let place = Waiting(&self.waiters);
            if self.waiters.fetch_add(1, Ordering::Relaxed) >= limits::PACE_WAITERS_MAX {
                return Err(Refusal::unavailable("too many calls wait for this API already; come again in a moment"));
            }
            let slept = cx.cancel.run_until_cancelled(tokio::time::sleep_until(until.into())).await;
            drop(place);
            slept.ok_or_else(Refusal::cancelled)?;
        }
        Ok(())
    }

    fn take(&self, cx: &Context) -> Result<Option<Instant>, Refusal> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        if let Some((until, why)) = &state.closed {
            if *until > now {
                return Err(Refusal::limited(why.clone(), *until - now));
            }
            state.closed = None;
        }
        let at = state.next.unwrap_or(now).max(now);
        let longest = cx.time_left().map_or(self.wait, |left| left.min(self.wait));
        if at - now > longest {
            let words = "too many calls want this API at once; its rate is kept by taking turns";
            return Err(Refusal::limited(words, at - now));
        }
        state.next = Some(at + self.interval);
        Ok((at > now).then_some(at))
    }

    /// No turn before so long from now.
    pub(super) fn pause(&self, pause: Duration) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let at = Instant::now() + pause.min(limits::PACE_CLOSED_MAX);
        state.next = Some(state.next.map_or(at, |next| next.max(at)));
    }

    /// No turns at all for so long, and at most [`limits::PACE_CLOSED_MAX`]; whoever asks is told why.
    pub(super) fn close(&self, pause: Duration, why: impl Into<String>) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.closed = Some((Instant::now() + pause.min(limits::PACE_CLOSED_MAX), why.into()));
    }
}

/// One that waits, until it is dropped.
struct Waiting<'a>(&'a AtomicUsize);

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use portwright_core::{Context, RefusalKind, TransportKind};

    use super::Pace;

    fn context() -> Context {
        Context::new("r-1", TransportKind::InProcess)
    }

    #[test]
    fn turns_come_one_after_the_other_and_too_long_a_wait_is_refused() {
        let pace = Pace::new(Duration::from_mins(10), Duration::from_mins(25));
        let cx = context();
        // One at once, two within the wait; the others are refused, and take no turn away.
        let tries: Vec<_> = (0..6).map(|_| pace.take(&cx)).collect();
        assert_eq!(tries.iter().filter(|one| one.is_ok()).count(), 3);
        assert!(matches!(tries[0], Ok(None)) && matches!(tries[2], Ok(Some(_))));
        let refused = tries.into_iter().find_map(Result::err).expect("a refusal");
        assert_eq!(refused.kind(), RefusalKind::Limited);
        assert!(refused.wait().is_some_and(|wait| wait > Duration::from_mins(25) && wait <= Duration::from_mins(30)));
    }

    #[tokio::test]
    async fn what_is_closed_says_why_and_opens_again() {
        let pace = Pace::new(Duration::ZERO, Duration::from_secs(5));
        pace.close(Duration::from_hours(1), "the month's quota is used up");
        let refusal = pace.turn(&context()).await.expect_err("closed");
        assert!(refusal.public().contains("quota"));
        // A header may say anything.
        pace.close(Duration::MAX, "for ever");
        let refusal = pace.turn(&context()).await.expect_err("closed");
        assert!(refusal.wait().is_some_and(|wait| wait <= Duration::from_hours(1)));
        pace.close(Duration::ZERO, "over");
        assert!(pace.turn(&context()).await.is_ok());
    }
}
