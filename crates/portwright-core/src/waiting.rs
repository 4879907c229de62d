//! [`Waiting`]: the time that a call spends waiting for its client's answers, which is not the call's own.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use tokio::sync::Notify;

use crate::clock::Clock;
use crate::context::Context;
use crate::refusal::Refusal;

/// What a call takes up while it runs, and others might use while it waits for a person.
#[async_trait]
pub trait Places: std::fmt::Debug + Send + Sync {
    /// Gives them up.
    fn leave(&self);

    /// Takes them again, or refuses.
    async fn back(&self, cx: &Context) -> Result<(), Refusal>;
}

/// How long a call has waited for its client. Shared by all contexts of the call.
#[derive(Debug, Default)]
pub struct Waiting {
    spent: Mutex<Spent>,
    over: Notify,
    places: Mutex<Vec<Arc<dyn Places>>>,
}

#[derive(Debug, Default)]
struct Spent {
    /// Questions that are open.
    open: usize,
    since: Option<Instant>,
    before: Duration,
}

impl Waiting {
    fn lock(&self) -> MutexGuard<'_, Spent> {
        self.spent.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The call waits as long as this is held.
    pub fn begin(self: &Arc<Self>, clock: &Arc<dyn Clock>) -> Wait {
        let mut spent = self.lock();
        spent.open += 1;
        spent.since.get_or_insert_with(|| clock.instant());
        Wait { waiting: self.clone(), clock: clock.clone() }
    }

    /// Says what the call takes up.
    pub fn takes_up(&self, places: Arc<dyn Places>) {
        self.places.lock().unwrap_or_else(PoisonError::into_inner).push(places);
    }

    fn places(&self) -> Vec<Arc<dyn Places>> {
        self.places.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Gives up what the call takes up, while nothing of it runs.
    pub fn leave(&self) {
        self.places().iter().for_each(|places| places.leave());
    }

    /// Takes it up again, in the order in which it was taken first.
    pub async fn back(&self, cx: &Context) -> Result<(), Refusal> {
        for places in self.places() {
            places.back(cx).await?;
        }
        Ok(())
    }

    /// Whether the call waits now.
    pub fn is_open(&self) -> bool {
        self.lock().open > 0
    }

    /// The time it has waited in all, until `now`.
    pub fn spent(&self, now: Instant) -> Duration {
        let spent = self.lock();
        spent.before + spent.since.map_or(Duration::ZERO, |since| now.saturating_duration_since(since))
    }

    /// Resolves when the call waits no more.
    pub async fn over(&self) {
        loop {
            let mut over = std::pin::pin!(self.over.notified());
            over.as_mut().enable();
            if !self.is_open() {
                return;
            }
            over.await;
        }
    }
}

/// A call that waits for its client.
#[derive(Debug)]
pub struct Wait {
    waiting: Arc<Waiting>,
    clock: Arc<dyn Clock>,
}

impl Drop for Wait {
    fn drop(&mut self) {
        let now = self.clock.instant();
        let mut spent = self.waiting.lock();
        spent.open = spent.open.saturating_sub(1);
        if spent.open == 0
            && let Some(since) = spent.since.take()
        {
            spent.before += now.saturating_duration_since(since);
            drop(spent);
            self.waiting.over.notify_waiters();
        }
    }
}
