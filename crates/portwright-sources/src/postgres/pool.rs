//! Connections for all calls: bounded in number and in waiting, dead ones replaced, each clean when it is lent.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use portwright_core::PoolUse;
use tokio::runtime::Handle;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::JoinHandle;
use tokio::time::timeout;

use super::session::{OpenError, Opener, Session};
use crate::shared::sql::{PoolPlan, SqlError};

/// A connection that nobody uses.
#[derive(Debug)]
enum Idle {
    Clean(Box<Session>),
    /// It is ending its last call's transaction, which takes no longer than one answer of the server.
    Settling(JoinHandle<Option<Box<Session>>>),
}

#[derive(Debug)]
pub(super) struct Pool {
    pub(super) opener: Opener,
    wait: Duration,
    max: usize,
    free: Arc<Semaphore>,
    idle: Mutex<Vec<Idle>>,
    waiting: AtomicUsize,
}

/// A call that waits for a connection.
struct Waits<'a>(&'a AtomicUsize);

impl<'a> Waits<'a> {
    fn begin(waiting: &'a AtomicUsize) -> Self {
        waiting.fetch_add(1, Ordering::Relaxed);
        Self(waiting)
    }
}

impl Drop for Waits<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// How a connection stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Standing {
    /// A statement may be running on it.
    Running,
    /// The server has nothing left to do.
    Resting,
    /// Nor is anything left behind on it.
    Clean,
}

/// A connection that one call uses.
#[derive(Debug)]
pub(super) struct Lease {
    session: Option<Box<Session>>,
    /// It was open before this call.
    pub(super) used: bool,
    standing: Standing,
    wrote: bool,
    /// It is closed afterwards.
    last: bool,
    pool: Arc<Pool>,
    permit: Option<OwnedSemaphorePermit>,
}

impl Pool {
    pub(super) fn new(opener: Opener, plan: PoolPlan) -> Arc<Self> {
        let free = Arc::new(Semaphore::new(plan.max));
        Arc::new(Self {
            opener,
            wait: plan.wait,
            max: plan.max,
            free,
            idle: Mutex::default(),
            waiting: AtomicUsize::new(0),
        })
    }

    fn with_idle<T>(&self, act: impl FnOnce(&mut Vec<Idle>) -> T) -> T {
        act(&mut self.idle.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// A connection, clean; a new one if `fresh` or if there is no other.
    pub(super) async fn lease(self: &Arc<Self>, fresh: bool) -> Result<Lease, SqlError> {
        let waits = Waits::begin(&self.waiting);
        let free = timeout(self.wait, self.free.clone().acquire_owned()).await;
        drop(waits);
        let permit = match free {
            Ok(Ok(permit)) => permit,
            Ok(Err(closed)) => return Err(SqlError::Internal(Box::new(closed))),
            Err(_) => return Err(SqlError::PoolBusy(self.wait)),
        };
        if fresh {
            self.clear();
        }
        let lent = |session, used| Lease {
            session: Some(session),
            used,
            standing: Standing::Resting,
            wrote: false,
            last: false,
            pool: self.clone(),
            permit: Some(permit),
        };
        while let Some(idle) = self.with_idle(Vec::pop) {
            let session = match idle {
                Idle::Clean(session) => Some(session),
                Idle::Settling(task) => task.await.ok().flatten(),
            };
            if let Some(session) = session.filter(|session| session.is_open()) {
                return Ok(lent(session, true));
            }
        }
        match self.opener.open().await {
            Ok(session) => Ok(lent(Box::new(session), false)),
            Err(error) => {
                tracing::warn!(error = %chain(&error), "no connection to the database");
                Err(unreachable(error))
            }
        }
    }

    /// How the connections are used.
    pub(super) fn used(&self) -> PoolUse {
        PoolUse {
            max: self.max,
            busy: self.max.saturating_sub(self.free.available_permits()),
            idle: self.with_idle(|idle| idle.len()),
            waiting: self.waiting.load(Ordering::Relaxed),
        }
    }

    /// Waits until nothing is lent, which is when the server has stopped what was called off; then closes everything.
    pub(super) async fn close(&self) {
        let all = u32::try_from(self.max).unwrap_or(u32::MAX);
        if let Ok(all) = self.free.acquire_many(all).await {
            all.forget();
            self.free.close();
        }
        self.clear();
    }

    /// Closes what is idle: after one connection was found dead, the others are not trusted.
    pub(super) fn clear(&self) {
        self.with_idle(Vec::clear);
    }
}

/// Too many connections are no fault of the network, and pass.
fn unreachable(error: OpenError) -> SqlError {
    SqlError::Unreachable(Box::new(error))
}

/// An error with what caused it, for the log.
pub(super) fn chain(error: &dyn std::error::Error) -> String {
    let mut words = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        words.push_str(": ");
        words.push_str(&cause.to_string());
        source = cause.source();
    }
    words
}

impl Lease {
    pub(super) fn session(&mut self) -> Result<&mut Session, SqlError> {
        self.session.as_deref_mut().ok_or_else(|| SqlError::Internal("the connection was given back".into()))
    }

    /// Says that statements are being sent from now on.
    pub(super) fn start(&mut self, writes: bool) {
        self.standing = Standing::Running;
        self.wrote = writes;
    }

    /// Says that the transaction has ended and left nothing behind.
    pub(super) fn clean(&mut self) {
        self.standing = Standing::Clean;
    }

    /// Says that the server has answered all that it was sent.
    pub(super) fn rest(&mut self) {
        self.standing = Standing::Resting;
    }

    /// Stops the running statement.
    pub(super) async fn call_off(&mut self) -> Result<(), SqlError> {
        let pool = self.pool.clone();
        let stopped = pool.opener.call_off(self.session()?).await;
        stopped.map_err(|error| SqlError::Unreachable(Box::new(error)))
    }

    /// Says that the connection must not be lent again: something on it outlives the transaction.
    pub(super) fn last(&mut self) {
        self.last = true;
    }

    /// Closes the connection.
    pub(super) fn discard(mut self) {
        self.session = None;
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        let (Some(session), Ok(runtime)) = (self.session.take(), Handle::try_current()) else { return };
        if !session.is_open() {
            return;
        }
        let (pool, wrote, last) = (self.pool.clone(), self.wrote, self.last);
        if last && self.standing != Standing::Running {
            drop(session);
        } else if self.standing == Standing::Clean {
            pool.with_idle(|idle| idle.push(Idle::Clean(session)));
        } else if self.standing == Standing::Running {
            // It is not lent again before the server has stopped; until then it counts as used.
            let permit = self.permit.take();
            runtime.spawn(async move {
                let settled = pool.opener.settle(session, true, wrote).await;
                pool.with_idle(|idle| idle.extend(settled.filter(|_| !last).map(Idle::Clean)));
                drop(permit);
            });
        } else {
            let opener = pool.opener.clone();
            let task = runtime.spawn(async move { opener.settle(session, false, wrote).await });
            pool.with_idle(|idle| idle.push(Idle::Settling(task)));
        }
    }
}
