//! [`Server`]: one plan, its sources, its guards; served on as many transports as one likes.

use std::collections::HashSet;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use portwright_core::protocol::Implementation;
use portwright_core::{Context, Guard, Operation, Principal, Refusal, Reply, TransportKind, limits};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::catalog::{Catalog, Mount, Reloaded, Rules, Sight, Supervisor};
use crate::engine::Engine;
use crate::guard::approve::{Approve, Desk};
use crate::guard::policy::{BadPattern, Policy};
use crate::guard::{self, Audit};
use crate::ops::health::{self, HealthReport};
use crate::ops::metrics::{self, Metrics, Snapshot};
use crate::ops::random;
use crate::plan::ServerPlan;
use crate::session::asking::Seal;
use crate::session::asking::spent::Spent;
use crate::session::dispatch;
use crate::session::params::Params;
use crate::session::replicas::{ReplicaPlan, Replicas};
use crate::session::reply::ServerInfo;
use crate::session::store::Store;
use crate::session::tasks::Tasks;
use crate::transport::{TransportError, http, stdio};

/// Why a server does not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    #[error("the audit can't be opened")]
    Audit(#[from] guard::audit::OpenError),
    #[error("the API keys can't be used")]
    Keys(#[from] guard::authenticate::KeyFileError),
    #[error("the rules of a role can't be used")]
    Policy(#[from] BadPattern),
    #[error("the limits can't be shared")]
    Store(#[from] guard::limit::StoreError),
    #[error("the sessions can't be shared")]
    Replicas(#[source] guard::limit::StoreError),
    #[error("tokens are to be judged, and there is nothing to fetch their issuer's keys with")]
    NoFetch,
    #[error("the system gives no random numbers")]
    Random,
    #[error("the server's name can't be written as JSON")]
    Name(#[from] serde_json::Error),
    #[error("two sources are named `{0}`")]
    Twice(Arc<str>),
}

/// What calls are judged by, for a catalog.
fn rules(
    plan: &ServerPlan,
    audit: Option<&Audit>,
    ledger: &Arc<guard::Ledger>,
    own: &[Arc<dyn Guard>],
    desk: &Arc<Desk>,
    metrics: &Arc<Metrics>,
) -> Result<Arc<Rules>, BadPattern> {
    let policy = Policy::new(&plan.policy)?;
    let approve = Approve::new(&plan.approvals, desk)?;
    let guards = guard::chain(plan, audit, policy.as_ref(), ledger, own, approve, metrics);
    let policy = policy.map(|policy| policy as Arc<dyn Sight>);
    let definitions = Arc::new(guard::sanitize::definitions::Definitions::new(&plan.sanitize));
    Ok(Arc::new(Rules { guards, policy, definitions, instructions: plan.instructions.clone() }))
}

fn authenticate(plan: &ServerPlan) -> Result<guard::Authenticate, StartError> {
    let keys = guard::Authenticate::open(plan.keys.as_deref())?;
    match (&plan.oauth, &plan.fetch) {
        (None, _) => Ok(keys),
        (Some(oauth), Some(fetch)) => Ok(keys.with_tokens(oauth.clone(), fetch.clone())),
        (Some(_), None) => Err(StartError::NoFetch),
    }
}

/// What seals what clients carry: for this process alone, or for all replicas.
fn seal(plan: Option<&ReplicaPlan>) -> Result<Seal, StartError> {
    match plan {
        Some(plan) => Replicas::seal(plan).ok_or(StartError::Random),
        None => Seal::new().map_err(|_| StartError::Random),
    }
}

fn named_once(mounts: &[Mount]) -> Result<(), StartError> {
    let mut names = HashSet::new();
    match mounts.iter().find(|mount| !names.insert(mount.name.clone())) {
        Some(twice) => Err(StartError::Twice(twice.name.clone())),
        None => Ok(()),
    }
}

/// A running server. Cheap to clone; its sources close when the last clone and the last conversation are gone, or on
/// [`stop`](Self::stop).
#[derive(Debug, Clone)]
pub struct Server {
    pub(crate) engine: Arc<Engine>,
}

impl Server {
    /// Starts the guards and begins to open the sources, in the background. Needs a tokio runtime.
    pub fn start(plan: ServerPlan, mounts: Vec<Mount>) -> Result<Self, StartError> {
        Self::start_with(plan, mounts, Vec::new())
    }

    /// The same with guards of one's own; [`guard::chain`] says where they stand.
    pub fn start_with(plan: ServerPlan, mounts: Vec<Mount>, own: Vec<Arc<dyn Guard>>) -> Result<Self, StartError> {
        named_once(&mounts)?;
        let audit = plan.audit.as_ref().map(Audit::open).transpose()?;
        if audit.is_none() {
            tracing::info!("no audit file is configured, so calls leave no record");
        }
        let mut info = Implementation::new(plan.name.clone(), plan.version.clone());
        info.title.clone_from(&plan.title);
        let ledger = Arc::new(guard::Ledger::new(&plan.limit)?);
        info.description.clone_from(&plan.description);
        info.website_url.clone_from(&plan.website_url);
        info.icons = Some(plan.icons.clone()).filter(|icons| !icons.is_empty());
        let (stop, draining) = (CancellationToken::new(), CancellationToken::new());
        let desk = Arc::new(Desk::new(&plan.approvals, draining.clone()));
        let metrics = Arc::new(Metrics::default());
        let rules = rules(&plan, audit.as_ref(), &ledger, &own, &desk, &metrics)?;
        let replicas = plan.replicas.as_ref().map(Replicas::open).transpose().map_err(StartError::Replicas)?.flatten();
        let engine = Engine {
            info: ServerInfo::new(&info)?,
            tasks: Tasks::new(plan.tasks, draining.clone()),
            authenticate: authenticate(&plan)?,
            sessions: Store::new(plan.sessions),
            spent: Arc::new(Spent::new(replicas.clone())),
            replicas,
            supervisor: Supervisor::start(mounts, rules, stop.clone()),
            seal: Arc::new(seal(plan.replicas.as_ref())?),
            calls: TaskTracker::new(),
            streams: Arc::new(tokio::sync::Semaphore::new(limits::STREAMS_MAX)),
            searches: Arc::new(tokio::sync::Semaphore::new(limits::DASHBOARD_SEARCHES)),
            leaving: CancellationToken::new(),
            draining,
            _last: stop.clone().drop_guard(),
            stop,
            started: Instant::now(),
            health: health::Cache::default(),
            metrics,
            swept: AtomicBool::new(false),
            run: random::hex::<4>().map_err(|_| StartError::Random)?,
            requests: AtomicU64::new(1),
            audit,
            desk,
            ledger,
            own,
            fault: Mutex::default(),
            plan,
        };
        Ok(Self { engine: Arc::new(engine) })
    }

    /// Serves another plan and other sources from now on. What changed is opened first; then names, guards and
    /// instructions are swapped at once, and clients hear of the lists that changed. Sources whose
    /// [print](Mount::print) is the same keep their connections, and calls in flight end on what they began with. What
    /// can't change while the server runs is told by [`Reloaded::after_restart`] and stays as it was.
    pub async fn reload(&self, plan: &ServerPlan, mounts: Vec<Mount>) -> Result<Reloaded, StartError> {
        named_once(&mounts)?;
        let engine = &self.engine;
        engine.sessions.set_plan(plan.sessions);
        let rules = rules(plan, engine.audit.as_ref(), &engine.ledger, &engine.own, &engine.desk, &engine.metrics)?;
        engine.desk.set_approvers(&plan.approvals);
        let patience = engine.plan.call_timeout.max(plan.call_timeout) + limits::STOP_WAIT;
        let mut reloaded = engine.supervisor.replace(mounts, rules, patience).await;
        reloaded.after_restart = engine.plan.fixed_parts_that_differ(plan);
        Ok(reloaded)
    }

    /// Says on the health page what keeps the server from being well, or that nothing does any more.
    pub fn set_fault(&self, fault: Option<String>) {
        *self.engine.fault.lock().unwrap_or_else(PoisonError::into_inner) = fault;
    }

    /// Waits until each source has opened or failed once, at most `wait`.
    pub async fn settled(&self, wait: Duration) {
        self.engine.supervisor.settled(wait).await;
    }

    /// What is served now.
    pub fn catalog(&self) -> Arc<Catalog> {
        self.engine.supervisor.catalog()
    }

    /// How the server and its sources are now.
    pub async fn health(&self) -> HealthReport {
        health::report(&self.engine, &self.catalog().all).await
    }

    /// The calls, in numbers: what a dashboard shows.
    pub fn snapshot(&self) -> Snapshot {
        metrics::snapshot(&self.engine)
    }

    /// One operation through the whole chain.
    pub async fn call(&self, operation: Operation, mut cx: Context) -> Result<Reply, Refusal> {
        let _flight = self.engine.calls.token();
        let catalog = self.engine.catalog_for(operation.method(), &Params::default()).await;
        if cx.resources.is_none() {
            let reader = dispatch::Reader { catalog: catalog.clone() };
            cx.resources = Some(Arc::new(reader));
        }
        dispatch::call(&catalog, operation, &cx).await.1
    }

    /// Serves MCP over HTTP until `shutdown` fires, then lets calls in flight end and stops.
    pub async fn serve_http(&self, listener: TcpListener, shutdown: CancellationToken) -> Result<(), TransportError> {
        self.sweep_sessions();
        let served = http::serve(&self.engine, listener, shutdown).await;
        self.stop().await;
        served
    }

    /// Serves the process's standard input and output until either side ends, then stops.
    pub async fn serve_stdio(&self, shutdown: CancellationToken) -> Result<(), TransportError> {
        let mut sinks = self.engine.plan.audit.iter().flat_map(|audit| &audit.sinks);
        if sinks.any(|plan| plan.sink.takes_standard_output()) {
            return Err(TransportError::OutputTaken);
        }
        let user = ["USER", "LOGNAME", "USERNAME"].into_iter().find_map(|name| std::env::var(name).ok());
        let principal = Principal::local(user.as_deref().unwrap_or("local"));
        let (input, output) = stdio::standard_streams()?;
        let served = self.serve_io(input, output, TransportKind::Stdio, principal, shutdown).await;
        self.engine.tasks.call_off("the client is gone");
        self.stop().await;
        served
    }

    /// Serves newline-delimited JSON-RPC over any pair of streams, for one client.
    pub async fn serve_io<R, W>(
        &self,
        reader: R,
        writer: W,
        transport: TransportKind,
        principal: Principal,
        shutdown: CancellationToken,
    ) -> Result<(), TransportError>
    where
        R: AsyncRead + Unpin + Send,
        W: AsyncWrite + Unpin + Send + 'static,
    {
        stdio::serve(&self.engine, reader, writer, transport, Arc::new(principal), shutdown).await
    }

    /// Lets calls in flight end, at most as long as the plan says; then calls off the rest and
    /// closes the sources.
    pub async fn stop(&self) {
        let engine = &self.engine;
        engine.leaving.cancel();
        engine.draining.cancel();
        engine.calls.close();
        if tokio::time::timeout(engine.plan.listen.drain, engine.calls.wait()).await.is_err() {
            tracing::warn!("calls in flight did not end in time and are called off");
        }
        engine.stop.cancel();
        // Longer than sources get to stop, so that what is dropped then still leaves its record.
        let _ = tokio::time::timeout(limits::STOP_WAIT + limits::LAST_WORDS_WAIT, engine.calls.wait()).await;
        if let Some(audit) = &engine.audit {
            audit.flush().await;
        }
        engine.supervisor.close().await;
    }

    /// Ends idle sessions as long as the server lives.
    fn sweep_sessions(&self) {
        if self.engine.swept.swap(true, Ordering::Relaxed) {
            return;
        }
        let (engine, stop) = (Arc::downgrade(&self.engine), self.engine.stop.clone());
        let pause = self.engine.sessions.sweep_pause();
        if let Some(replicas) = &self.engine.replicas {
            replicas.start(&self.engine, &stop);
        }
        tokio::spawn(async move {
            while stop.run_until_cancelled(tokio::time::sleep(pause)).await.is_some() {
                match engine.upgrade() {
                    Some(engine) => {
                        match &engine.replicas {
                            Some(replicas) => engine.sessions.sweep_with(replicas).await,
                            None => engine.sessions.sweep(),
                        }
                        engine.tasks.sweep();
                    }
                    None => return,
                }
            }
        });
    }
}
