//! [`Desk`]: what outlives a reload of the rules: calls that wait, questions that clients carry, what was approved.

use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

use portwright_core::{Principal, async_trait, limits};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::kept::Kept;
use super::queue::Queue;
use super::{ApprovalPlan, Digest};

/// One for a server.
#[derive(Debug)]
pub(crate) struct Desk {
    pub(crate) queue: Queue,
    /// The questions that clients carry, by what nobody can guess, each for its call.
    pub(super) carried: Kept<String, Digest>,
    /// What counts as approved for a while.
    pub(super) remembered: Kept<Digest, ()>,
    /// The server stops: nobody waits any more.
    pub(super) draining: CancellationToken,
    approvers: Mutex<Option<Arc<Approvers>>>,
    /// Where a yes may be kept that is not kept here.
    elsewhere: OnceLock<Arc<dyn Elsewhere>>,
}

/// What a yes is for, and how long it holds on.
pub(crate) type CarriedYes = (Digest, Duration);

/// Other processes of the same server.
#[async_trait]
pub(crate) trait Elsewhere: std::fmt::Debug + Send + Sync {
    /// Takes the yes out of wherever it is kept, so that it counts once.
    async fn take(&self, word: &str) -> Option<CarriedYes>;
}

/// Who decides in the queue.
#[derive(Debug)]
pub(crate) struct Approvers {
    roles: Vec<Arc<str>>,
    own: bool,
}

impl Approvers {
    /// Whether they decide at all.
    pub(crate) fn include(&self, principal: &Principal) -> bool {
        ApprovalPlan::is_approver(&self.roles, principal)
    }

    /// Whether they may decide about their own calls.
    pub(crate) fn may_decide_their_own(&self) -> bool {
        self.own
    }
}

impl Default for Desk {
    fn default() -> Self {
        Self::new(&ApprovalPlan::default(), CancellationToken::new())
    }
}

impl Desk {
    pub(crate) fn new(plan: &ApprovalPlan, draining: CancellationToken) -> Self {
        let desk = Self {
            queue: Queue::default(),
            carried: Kept::new(limits::APPROVALS_CARRIED_MAX, limits::APPROVALS_CARRIED_OF_ONE_MAX),
            remembered: Kept::new(limits::APPROVALS_REMEMBERED_MAX, limits::APPROVALS_REMEMBERED_OF_ONE_MAX),
            draining,
            approvers: Mutex::default(),
            elsewhere: OnceLock::new(),
        };
        desk.set_approvers(plan);
        desk
    }

    /// From now on these decide, also about calls that wait already.
    /// Has others asked for what is not kept here.
    pub(crate) fn look_elsewhere(&self, elsewhere: Arc<dyn Elsewhere>) {
        let _ = self.elsewhere.set(elsewhere);
    }

    /// Gives up a yes that is kept here, to whoever has the call that it is for.
    pub(crate) fn give_up(&self, word: &str) -> Option<CarriedYes> {
        let now = Instant::now();
        let (digest, until) = self.carried.take(&word.to_owned(), now)?;
        Some((digest, until.saturating_duration_since(now)))
    }

    /// Takes a yes out, here or elsewhere.
    pub(super) async fn take(&self, word: &str) -> Option<CarriedYes> {
        match (self.give_up(word), self.elsewhere.get()) {
            (Some(kept), _) => Some(kept),
            (None, Some(elsewhere)) => elsewhere.take(word).await,
            (None, None) => None,
        }
    }

    pub(crate) fn set_approvers(&self, plan: &ApprovalPlan) {
        let approvers = plan.has_queue().then(|| Approvers { roles: plan.approvers.clone(), own: plan.own });
        *self.approvers.lock().unwrap_or_else(PoisonError::into_inner) = approvers.map(Arc::new);
    }

    /// None where there is no queue.
    pub(crate) fn approvers(&self) -> Option<Arc<Approvers>> {
        self.approvers.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}
