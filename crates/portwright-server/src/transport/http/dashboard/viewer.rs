//! Who looks, and what of others' calls they see.

use std::sync::Arc;

use portwright_core::{Auth, Principal};

use crate::engine::Engine;
use crate::guard::clean_name;

pub(super) struct Viewer {
    pub(super) principal: Arc<Principal>,
    /// Whether they see everybody's calls.
    pub(super) sees_all: bool,
}

impl Viewer {
    pub(super) fn new(engine: &Engine, principal: Arc<Principal>, local: bool) -> Self {
        let plan = &engine.plan;
        let proven = !matches!(principal.auth, Auth::Anonymous | Auth::Local);
        let has_role = proven && plan.dashboard.roles.iter().any(|role| principal.roles.contains(role));
        // Where nobody is told apart, whoever sits at the machine owns what runs on it.
        let owner = local && plan.dashboard.roles.is_empty() && plan.policy.roles.is_empty() && !plan.asks_for_proof();
        Self { principal, sees_all: has_role || owner }
    }

    /// Whether they see what is this principal's, by the name that metrics have for it.
    pub(super) fn sees(&self, principal: Option<&str>, auth: Option<&str>) -> bool {
        let own = || principal == Some(&*clean_name(&self.principal.id)) && auth == Some(self.principal.auth.as_str());
        self.sees_all || own()
    }
}
