//! What a plan's rules say of an operation, without making the call.

use portwright_core::{Operation, Principal};

use crate::guard::approve::Approve;
use crate::guard::policy::{BadPattern, Decision, Policy};
use crate::plan::ServerPlan;
use crate::server::Server;

impl Server {
    /// What the rules of a plan say of an operation on what is served now, and why. It leaves no record and reaches no
    /// source.
    pub fn explain(
        &self,
        plan: &ServerPlan,
        principal: &Principal,
        operation: Operation,
    ) -> Result<Decision, BadPattern> {
        let catalog = self.catalog();
        let call = catalog.call(operation);
        Policy::new(&plan.policy).map(|policy| match policy {
            Some(policy) => policy.judge(Some(principal), &call),
            None => Decision::without_policy(&call),
        })
    }

    /// The rule of a plan that has a person approve an operation on what is served now; none if it needs no approval.
    pub fn explain_approval(
        &self,
        plan: &ServerPlan,
        principal: &Principal,
        operation: Operation,
    ) -> Result<Option<String>, BadPattern> {
        let approve = Approve::new(&plan.approvals, &self.engine.desk)?;
        Ok(approve.and_then(|approve| approve.rule(principal, &self.catalog().call(operation))))
    }
}
