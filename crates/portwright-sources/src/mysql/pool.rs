//! Connections for all calls: bounded in number and in waiting, dead ones replaced, each clean when it is lent.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use tokio::runtime::Handle;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;

use super::session::{Opener, Session};
use crate::shared::sql::{PoolPlan, SqlError};

/// How long a connection may lie idle: servers close theirs after hours, and firewalls after minutes.
const IDLE_MAX: Duration = Duration::from_mins(5);

#[derive(Debug)]
pub(super) struct Pool {
    pub(super) opener: Opener,
    wait: Duration,
    max: usize,
    free: Arc<Semaphore>,
    idle: Mutex<Vec<(Session, Instant)>>,
}

/// A connection that one call uses.
#[derive(Debug)]
pub(super) struct Lease {
    session: Option<Session>,
    /// It was open before this call.
    pub(super) used: bool,
    /// The server may have something left to do or to say.
    running: bool,
    pool: Arc<Pool>,
    permit: Option<OwnedSemaphorePermit>,
}

impl Pool {
    pub(super) fn new(opener: Opener, plan: PoolPlan) -> Arc<Self> {
        let free = Arc::new(Semaphore::new(plan.max));
        Arc::new(Self { opener, wait: plan.wait, max: plan.max, free, idle: Mutex::default() })
    }

    fn with_idle<T>(&self, act: impl FnOnce(&mut Vec<(Session, Instant)>) -> T) -> T {
        act(&mut self.idle.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// A connection, clean; a new one if `fresh` or if there is no other.
    pub(super) async fn lease(self: &Arc<Self>, fresh: bool) -> Result<Lease, SqlError> {
        let free = timeout(self.wait, self.free.clone().acquire_owned()).await;
        let permit = match free {
            Ok(Ok(permit)) => permit,
            Ok(Err(closed)) => return Err(SqlError::Internal(Box::new(closed))),
            Err(_) => return Err(SqlError::PoolBusy(self.wait)),
        };
        if fresh {
            // After one was found dead, the others are not trusted.
            self.with_idle(Vec::clear);
        }
        let idle = self.with_idle(|idle| {
            idle.retain(|(_, since)| since.elapsed() < IDLE_MAX);
            idle.pop()
        });
        let used = idle.is_some();
        let session = match idle {
            Some((session, _)) => session,
            None => self.opener.open().await.map_err(|error| {
                tracing::warn!(%error, "no connection to the database");
                SqlError::Unreachable(Box::new(error))
            })?,
        };
        Ok(Lease { session: Some(session), used, running: false, pool: self.clone(), permit: Some(permit) })
    }

    /// Waits until nothing is lent, which is when the server has stopped what was called off; then closes everything.
    pub(super) async fn close(&self) {
        let all = u32::try_from(self.max).unwrap_or(u32::MAX);
        if let Ok(all) = self.free.acquire_many(all).await {
            all.forget();
            self.free.close();
        }
        self.with_idle(Vec::clear);
    }
}

impl Lease {
    pub(super) fn session(&mut self) -> Result<&mut Session, SqlError> {
        self.session.as_mut().ok_or_else(|| SqlError::Internal("the connection was given back".into()))
    }

    /// Says that something is being sent from now on.
    pub(super) fn start(&mut self) {
        self.running = true;
    }

    /// Says that the server has answered all that it was sent.
    pub(super) fn rest(&mut self) {
        self.running = false;
    }

    /// Closes the connection.
    pub(super) fn discard(mut self) {
        self.session = None;
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        let (Some(session), Ok(runtime)) = (self.session.take(), Handle::try_current()) else { return };
        // It is not lent again before it is clean; until then it counts as used.
        let (pool, running, permit) = (self.pool.clone(), self.running, self.permit.take());
        runtime.spawn(async move {
            let settled = pool.opener.settle(session, running).await;
            if let Some(session) = settled {
                pool.with_idle(|idle| idle.push((session, Instant::now())));
            }
            drop(permit);
        });
    }
}
