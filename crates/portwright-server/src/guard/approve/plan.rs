//! The plan of approvals: which calls, how a person is asked, who decides.

use std::sync::Arc;
use std::time::Duration;

use portwright_core::{Principal, limits};

use crate::guard::policy::Pattern;

/// How a person is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum By {
    /// The caller's own client shows the question, if it declared that it can.
    Client,
    /// The call waits until somebody with an approver's role decides.
    Queue,
}

/// Which calls a person must approve, and who that is.
#[derive(Debug, Clone)]
pub struct ApprovalPlan {
    /// Whoever calls.
    pub ask: Vec<Pattern>,
    /// When a caller with this role calls.
    pub roles: Vec<(Arc<str>, Vec<Pattern>)>,
    /// The first of these that is open is taken.
    pub by: Vec<By>,
    /// How long a call waits. No answer is a no.
    pub wait: Duration,
    /// The roles of those who decide in the queue. None, no queue.
    pub approvers: Vec<Arc<str>>,
    /// Whether approvers may decide about their own calls.
    pub own: bool,
    /// How long a yes counts again for the very same call. Zero: never.
    pub remember: Duration,
}

impl Default for ApprovalPlan {
    fn default() -> Self {
        Self {
            ask: Vec::new(),
            roles: Vec::new(),
            by: vec![By::Client, By::Queue],
            wait: limits::APPROVAL_WAIT,
            approvers: Vec::new(),
            own: false,
            remember: Duration::ZERO,
        }
    }
}

impl ApprovalPlan {
    /// Whether any rule asks for approval.
    pub fn asks(&self) -> bool {
        !self.ask.is_empty() || self.roles.iter().any(|(_, patterns)| !patterns.is_empty())
    }

    /// Whether calls can wait for somebody else than their own client.
    pub fn has_queue(&self) -> bool {
        self.by.contains(&By::Queue) && !self.approvers.is_empty()
    }

    /// Whether this caller has a role that decides. Whoever proved nothing has none.
    pub(super) fn is_approver(approvers: &[Arc<str>], principal: &Principal) -> bool {
        use portwright_core::Auth::{Anonymous, Local};
        !matches!(principal.auth, Anonymous | Local) && approvers.iter().any(|role| principal.roles.contains(role))
    }
}
