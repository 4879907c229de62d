//! [`Pool`]: connections shared by all calls, each used by one call at a time on a thread that may block.

use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use portwright_core::{Context, PoolUse};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_util::sync::CancellationToken;

use super::authorizer::Mode;
use super::errors::{Around, breaks, halted, told};
use super::open::{Conn, Identity, Opening};
use super::stop::{Stop, Why};
use crate::shared::sql::{PoolPlan, SqlError};

/// How long a worker may take to notice the deadline before the call is answered without it.
const GRACE: Duration = Duration::from_millis(250);

/// The connections of one file.
#[derive(Debug)]
pub(super) struct Pool {
    path: PathBuf,
    immutable: bool,
    value_bytes_max: usize,
    plan: PoolPlan,
    permits: Arc<Semaphore>,
    idle: Mutex<Vec<Conn>>,
    waiting: AtomicUsize,
}

/// A run of something on a connection.
#[derive(Debug, Clone)]
pub(super) struct Run {
    pub(super) mode: Mode,
    pub(super) timeout: Duration,
    pub(super) cancel: CancellationToken,
}

impl Run {
    /// Of this module's own statements, for a call.
    pub(super) fn own(timeout: Duration, cx: &Context) -> Self {
        Self { mode: Mode::Own, timeout, cancel: cx.cancel.clone() }
    }
}

/// A connection for the time of one run. It goes back to the pool unless it went bad.
pub(super) struct Lease {
    pub(super) conn: Conn,
    pub(super) mode: Mode,
    pub(super) stop: Arc<Stop>,
    pub(super) timeout: Duration,
}

impl Lease {
    /// An error in the shared words; `prefix` bytes stood before the caller's statement.
    pub(super) fn told(&self, error: rusqlite::Error, prefix: usize) -> SqlError {
        let Self { conn, stop, timeout, .. } = self;
        told(error, Around { gate: &conn.gate, stop, timeout: *timeout, prefix })
    }
}

/// A call that waits for a connection, until dropped.
struct Waits<'a>(&'a AtomicUsize);

impl Drop for Waits<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Calls the run off when nobody waits for it any more.
struct HaltOnDrop(Arc<Stop>);

impl Drop for HaltOnDrop {
    fn drop(&mut self) {
        self.0.halt(Why::Cancelled);
    }
}

impl Pool {
    pub(super) fn new(path: PathBuf, immutable: bool, value_bytes_max: usize, plan: PoolPlan) -> Arc<Self> {
        let permits = Arc::new(Semaphore::new(plan.max));
        Arc::new(Self {
            path,
            immutable,
            value_bytes_max,
            plan,
            permits,
            idle: Mutex::default(),
            waiting: AtomicUsize::new(0),
        })
    }

    /// How the connections are used.
    pub(super) fn used(&self) -> PoolUse {
        PoolUse {
            max: self.plan.max,
            busy: self.plan.max.saturating_sub(self.permits.available_permits()),
            idle: self.idle.lock().unwrap_or_else(PoisonError::into_inner).len(),
            waiting: self.waiting.load(Ordering::Relaxed),
        }
    }

    pub(super) fn path(&self) -> &std::path::Path {
        &self.path
    }

    /// Runs `work` on a connection: with one that may write in [`Mode::Writer`], else with one that can't.
    pub(super) async fn run<T: Send + 'static>(
        self: &Arc<Self>,
        run: Run,
        work: impl FnOnce(&mut Lease) -> Result<T, SqlError> + Send + 'static,
    ) -> Result<T, SqlError> {
        let Run { mode, timeout, cancel } = run;
        let deadline = Instant::now() + timeout;
        let permit = self.permit(timeout, &cancel).await?;
        let stop = Arc::new(Stop::new(deadline));
        let _abandoned = HaltOnDrop(stop.clone());
        let (pool, theirs) = (self.clone(), stop.clone());
        let mut task = tokio::task::spawn_blocking(move || pool.work(permit, mode, timeout, &theirs, work));
        let why = tokio::select! {
            biased;
            done = &mut task => return done.map_err(|error| SqlError::Internal(Box::new(error)))?,
            () = cancel.cancelled() => Why::Cancelled,
            () = tokio::time::sleep_until((deadline + GRACE).into()) => Why::TimedOut,
        };
        if stop.halt(why) {
            // The worker ends by itself, and keeps its permit until then.
            return Err(halted(stop.why(), timeout));
        }
        task.await.map_err(|error| SqlError::Internal(Box::new(error)))?
    }

    async fn permit(&self, timeout: Duration, cancel: &CancellationToken) -> Result<OwnedSemaphorePermit, SqlError> {
        if let Ok(permit) = self.permits.clone().try_acquire_owned() {
            return Ok(permit);
        }
        let wait = self.plan.wait.min(timeout);
        self.waiting.fetch_add(1, Ordering::Relaxed);
        let _waits = Waits(&self.waiting);
        tokio::select! {
            permit = self.permits.clone().acquire_owned() => permit.map_err(|error| SqlError::Internal(Box::new(error))),
            () = cancel.cancelled() => Err(SqlError::Cancelled),
            () = tokio::time::sleep(wait) => Err(SqlError::PoolBusy(wait)),
        }
    }

    /// On a thread that may block.
    fn work<T>(
        &self,
        _permit: OwnedSemaphorePermit,
        mode: Mode,
        timeout: Duration,
        stop: &Arc<Stop>,
        work: impl FnOnce(&mut Lease) -> Result<T, SqlError>,
    ) -> Result<T, SqlError> {
        let conn = self.conn(mode == Mode::Writer).map_err(|error| match error {
            rusqlite::Error::SqliteFailure(error, message) => {
                SqlError::Unreachable(Box::new(rusqlite::Error::SqliteFailure(error, message)))
            }
            other => SqlError::Internal(Box::new(other)),
        })?;
        stop.attach(conn.db.get_interrupt_handle()).map_err(|why| halted(why, timeout))?;
        conn.run_under(Some(stop.clone()));
        conn.gate.set(mode);
        let mut lease = Lease { conn, mode, stop: stop.clone(), timeout };
        // A panic drops the connection instead of giving it back.
        let result = work(&mut lease);
        let settled = stop.settle();
        lease.conn.run_under(None);
        let sound = lease.conn.db.is_autocommit() && !result.as_ref().err().is_some_and(breaks);
        if sound {
            self.idle.lock().unwrap_or_else(PoisonError::into_inner).push(lease.conn);
        }
        match (result, settled) {
            (Ok(value), Ok(())) => Ok(value),
            (Ok(_), Err(why)) => Err(halted(why, timeout)),
            (Err(error), _) => Err(error),
        }
    }

    /// An idle connection to the file that has the name now, or a new one.
    fn conn(&self, writes: bool) -> rusqlite::Result<Conn> {
        let now = Identity::of(&self.path).ok();
        let idle = {
            let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
            idle.retain(|conn| Some(conn.identity) == now);
            idle.iter().rposition(|conn| conn.writes == writes).map(|index| idle.swap_remove(index))
        };
        match idle {
            Some(conn) => Ok(conn),
            None => Conn::open(Opening {
                path: &self.path,
                writes,
                immutable: self.immutable,
                value_bytes_max: self.value_bytes_max,
            }),
        }
    }
}
