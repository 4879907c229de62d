//! The guard chain: every call passes it, in this order, on its way to a source.
//!
//! What each guard does stands in its own file. None of them knows a transport, a session or a source.

pub mod approve;
pub mod audit;
pub mod authenticate;
mod deadline;
mod fence;
pub mod limit;
mod own;
pub mod policy;
mod redact;
pub mod sanitize;
mod telemetry;
pub mod validate;

#[cfg(test)]
mod tests;

use std::sync::Arc;

use portwright_core::Guard;

pub use approve::ApprovalPlan;
pub use audit::{Audit, AuditPlan};
pub use authenticate::Authenticate;
pub use limit::{Ledger, LimitPlan};
pub use sanitize::SanitizePlan;
pub(crate) use telemetry::{CALL_SPAN, clean_name};

use crate::ops::metrics::Metrics;
use crate::plan::ServerPlan;
use approve::Approve;
use policy::Policy;

/// The chain, outermost first. The order is fixed here and nowhere else:
///
/// - telemetry sees everything that happens;
/// - the audit stands outside every guard that may refuse, so that each refusal leaves its record;
/// - the fence and the deadline stand right inside it, so that panics and time-outs of everything further in are
///   refusals by the time they are recorded, and no guard can hold a call longer than it may take;
/// - how much is used is judged before what is allowed, so that who tries forbidden names uses up what they have; the
///   limits of single tools and sources come after it, since a limit would tell that a tool is there, and so does the
///   limit of all together, since what one tries in vain must take nothing from the others;
/// - who calls is settled before what they may do, and that before what they say is looked at;
/// - guards of one's own come in the order in which they were added, after policy and before validation: they know who
///   calls, a call that they forbid does not learn what its arguments should have been, and what they change in a call
///   is still held against its schema;
/// - a person is asked only about a call that everything else lets through; the deadline does not count that wait;
/// - the intent stands next to the source: only a call that every guard let through had an intent;
/// - sanitize is innermost: every other guard sees only the cleaned reply.
pub(crate) fn chain(
    plan: &ServerPlan,
    audit: Option<&Audit>,
    policy: Option<&Arc<Policy>>,
    ledger: &Arc<Ledger>,
    own: &[Arc<dyn Guard>],
    approve: Option<Approve>,
    metrics: &Arc<Metrics>,
) -> Vec<Arc<dyn Guard>> {
    let before: [Option<Arc<dyn Guard>>; 6] = [
        Some(Arc::new(telemetry::Telemetry::new(metrics.clone(), plan.export.as_deref()))),
        audit.map(|audit| Arc::new(audit.outcome()) as Arc<dyn Guard>),
        Some(Arc::new(fence::Fence)),
        Some(Arc::new(deadline::Deadline::new(plan.call_timeout))),
        // authenticate: done where the credential came in, before a session was looked for
        limit::Limit::of_principals(&plan.limit, ledger).map(|limit| Arc::new(limit) as Arc<dyn Guard>),
        policy.map(|policy| Arc::new(policy::Judge::new(policy.clone())) as Arc<dyn Guard>),
    ];
    let own = own.iter().map(|guard| Arc::new(own::Own::new(guard.clone())) as Arc<dyn Guard>);
    let after: [Option<Arc<dyn Guard>>; 5] = [
        limit::Limit::of_targets(&plan.limit, ledger).map(|limit| Arc::new(limit) as Arc<dyn Guard>),
        Some(Arc::new(validate::Validate)),
        approve.map(|approve| Arc::new(approve) as Arc<dyn Guard>),
        audit.map(|audit| Arc::new(audit.intent()) as Arc<dyn Guard>),
        Some(Arc::new(sanitize::Sanitize::new(&plan.sanitize))),
    ];
    before.into_iter().flatten().chain(own).chain(after.into_iter().flatten()).collect()
}
