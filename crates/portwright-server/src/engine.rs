//! [`Engine`]: what all conversations of a server share.

use std::fmt;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use portwright_core::{Context, Guard, limits};
use tokio_util::sync::{CancellationToken, DropGuard};
use tokio_util::task::TaskTracker;

use crate::catalog::{Catalog, Supervisor};
use crate::guard::approve::Desk;
use crate::guard::{self, Audit};
use crate::ops::health;
use crate::ops::metrics::Metrics;
use crate::plan::ServerPlan;
use crate::session::asking::rounds::Round;
use crate::session::asking::spent::Spent;
use crate::session::asking::wire::Wire;
use crate::session::asking::{Asks, Seal, Way};
use crate::session::downstream::Notifier;
use crate::session::errors::WireError;
use crate::session::params::{self, Params};
use crate::session::replicas::Replicas;
use crate::session::reply::ServerInfo;
use crate::session::store::Store;
use crate::session::tasks::Tasks;
use crate::session::{Speaker, dispatch};

/// What all conversations share.
pub(crate) struct Engine {
    pub(crate) plan: ServerPlan,
    pub(crate) info: ServerInfo,
    pub(crate) authenticate: guard::Authenticate,
    pub(crate) sessions: Store,
    /// The way to the other replicas, where there are some that share sessions.
    pub(crate) replicas: Option<Arc<Replicas>>,
    pub(crate) tasks: Tasks,
    pub(crate) supervisor: Supervisor,
    /// Seals what clients carry for us.
    pub(crate) seal: Arc<Seal>,
    /// Which of that is used up.
    pub(crate) spent: Arc<Spent>,
    /// Calls in flight.
    pub(crate) calls: TaskTracker,
    /// Streams that wait for changes.
    pub(crate) streams: Arc<tokio::sync::Semaphore>,
    /// Places to look through the audit.
    pub(crate) searches: Arc<tokio::sync::Semaphore>,
    /// The server is about to stop, and says so to who asks whether it is ready.
    pub(crate) leaving: CancellationToken,
    /// The server stops: no new calls, streams end.
    pub(crate) draining: CancellationToken,
    /// The server has stopped: calls still in flight are called off.
    pub(crate) stop: CancellationToken,
    pub(crate) started: Instant,
    pub(crate) health: health::Cache,
    pub(crate) metrics: Arc<Metrics>,
    /// Sources are let go with the last clone of the server.
    pub(crate) _last: DropGuard,
    pub(crate) audit: Option<Audit>,
    /// Where people approve calls.
    pub(crate) desk: Arc<Desk>,
    /// Who has used how much.
    pub(crate) ledger: Arc<guard::Ledger>,
    /// The guards of one's own.
    pub(crate) own: Vec<Arc<dyn Guard>>,
    /// What keeps the server from being well and is nobody's state: the last configuration that could not be used.
    pub(crate) fault: Mutex<Option<String>>,
    pub(crate) swept: AtomicBool,
    pub(crate) run: String,
    pub(crate) requests: AtomicU64,
}

impl fmt::Debug for Engine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Engine").field("name", &self.plan.name).finish_non_exhaustive()
    }
}

impl Engine {
    /// The next request's id, for logs.
    fn next_request(&self) -> String {
        format!("{}-{}", self.run, self.requests.fetch_add(1, Ordering::Relaxed))
    }

    /// The catalog as it is now. While sources are opening for the first time, they are waited for a little, so that a
    /// client that asks at once sees them; but nobody waits to learn who is there, or for what is there already.
    pub(crate) async fn catalog_for(&self, method: &str, params: &Params<'_>) -> Arc<Catalog> {
        if !matches!(method, "server/discover" | "ping" | "tasks/get" | "tasks/update" | "tasks/cancel")
            && !self.supervisor.is_settled()
        {
            let name = params::text("name", params.name.or(params.uri)).unwrap_or_default();
            if !self.supervisor.catalog().serves(method, &name) {
                self.supervisor.settled(limits::SETTLE_WAIT.saturating_sub(self.started.elapsed())).await;
            }
        }
        self.supervisor.catalog()
    }

    /// What a request of the stateless era brings along of earlier rounds. None where there are none.
    pub(crate) fn round(
        &self,
        speaker: &Speaker,
        method: &str,
        params: &Params<'_>,
    ) -> Result<Option<Round>, WireError> {
        Round::read((&self.seal, &self.spent), self.plan.ask_timeout, speaker, method, params)
    }

    /// What is known around a call.
    pub(crate) fn context(
        self: &Arc<Self>,
        speaker: &Speaker,
        catalog: &Arc<Catalog>,
        cancel: CancellationToken,
        notifier: Option<Notifier>,
        round: Option<Round>,
    ) -> Context {
        let mut cx = Context::new(self.next_request(), speaker.transport);
        cx.protocol = speaker.protocol.clone();
        cx.client.clone_from(&speaker.client);
        cx.session.clone_from(&speaker.session);
        cx.cancel = cancel;
        cx.follows_tasks = speaker.tasks;
        let asks = match (round, &speaker.asks, &notifier) {
            (Some(round), ..) => Asks::Round(Box::new(round)),
            (None, Some(open), Some(notifier)) if speaker.abilities.any() => {
                let (outbox, ended) = (notifier.outbox().clone(), notifier.ended().clone());
                let wait = self.plan.ask_timeout;
                Asks::Wire(Box::new(Wire::new(open.clone(), speaker.abilities, outbox, ended, wait, &cx)))
            }
            _ => Asks::Not(speaker.abilities),
        };
        cx.downstream = Arc::new(Way::new(notifier, asks));
        cx.resources = Some(Arc::new(dispatch::Reader { catalog: catalog.clone() }));
        cx.set_principal(speaker.principal.clone());
        cx
    }

    /// What numbers that clients see begin after, so that no other replica gives the same ones.
    pub(crate) fn base(&self) -> u64 {
        self.replicas.as_ref().map_or(0, |replicas| replicas.base())
    }

    pub(crate) fn audit(&self) -> Option<&Audit> {
        self.audit.as_ref()
    }

    pub(crate) fn fault(&self) -> Option<String> {
        self.fault.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}
