//! Which rule asks for approval of a call.

use std::sync::Arc;

use portwright_core::{Call, Principal};

use super::ApprovalPlan;
use crate::guard::policy::{BadPattern, Patterns, Subject};

/// The patterns, ready to be looked up.
#[derive(Debug)]
pub(super) struct Rules {
    ask: Patterns,
    roles: Vec<(Arc<str>, Patterns)>,
}

impl Rules {
    pub(super) fn new(plan: &ApprovalPlan) -> Result<Self, BadPattern> {
        let role = |(name, patterns): &(Arc<str>, Vec<_>)| Ok((name.clone(), Patterns::new(patterns)?));
        Ok(Self { ask: Patterns::new(&plan.ask)?, roles: plan.roles.iter().map(role).collect::<Result<_, _>>()? })
    }

    /// The first rule that fits, by its place in the plan. Like a deny, it fits by any name and any reading.
    pub(super) fn rule(&self, principal: &Principal, call: &Call) -> Option<String> {
        let subject = Subject::of(&call.operation, call.target.as_deref())?;
        if let Some(place) = self.ask.denies(&subject) {
            return Some(format!("approvals.ask[{place}]"));
        }
        self.roles.iter().filter(|(name, _)| principal.role_names().any(|role| role == &**name)).find_map(
            |(name, patterns)| patterns.denies(&subject).map(|place| format!("roles.{name}.approve[{place}]")),
        )
    }
}
