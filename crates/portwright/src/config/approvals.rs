//! `[approvals]`, and `approve` of the roles: which calls a person must approve, and who that is.

use std::collections::BTreeMap;

use portwright_core::{Diagnostic, HumanDuration, Pointer, limits};
use portwright_server::ServerPlan;
use portwright_server::guard::approve::{ApprovalPlan, By};
use schemars::JsonSchema;
use serde::Deserialize;

use super::roles::{self, RoleSection};

/// The rule that somebody must be able to say yes.
const NOBODY: &str = "nobody-approves";

/// Calls that a person must approve before they are made.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct ApprovalsSection {
    /// What is asked about, whoever calls: `tools:hub.merge_*`, `resources:db://shop/**`, `prompts:*`. A role may name more
    /// with its own `approve`.
    #[schemars(length(max = 1000))]
    pub(crate) ask: Vec<String>,
    /// How a person is asked: the first of these that is open. `client`: the caller's own client shows the question, if it
    /// can. `queue`: the call waits until somebody with one of the roles `approvers` decides. `["client", "queue"]` where
    /// nothing is said.
    pub(crate) by: Option<Vec<Way>>,
    /// How long a call waits for a person: `5m` where nothing is said, `1d` at most. No answer is a no.
    pub(crate) wait: Option<HumanDuration>,
    /// The roles whose holders decide in the queue, with `portwright approvals`. Without any there is no queue.
    #[schemars(length(max = 100))]
    pub(crate) approvers: Vec<String>,
    /// Whether an approver may decide about calls of their own. They may not where nothing is said.
    #[serde(rename = "self")]
    pub(crate) own: bool,
    /// How long an approval counts again for the very same call: the same caller, name and arguments. Not at all where
    /// nothing is said; `1d` at most.
    pub(crate) remember: Option<HumanDuration>,
}

/// How a person is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Way {
    /// By the caller's own client.
    Client,
    /// In the queue.
    Queue,
}

/// The sections → the plan of the guard.
pub(super) fn plan(
    section: ApprovalsSection,
    roles: &BTreeMap<String, RoleSection>,
    problems: &mut Vec<Diagnostic>,
) -> ApprovalPlan {
    let place = Pointer::root().join("approvals");
    let mut plan = ApprovalPlan { own: section.own, ..ApprovalPlan::default() };
    plan.ask = roles::patterns(&section.ask, &place.join("ask"), problems);
    for (name, role) in roles {
        let at = Pointer::root().join("roles").join(name).join("approve");
        plan.roles.push((name.as_str().into(), roles::patterns(&role.approve, &at, problems)));
    }
    if let Some(ways) = section.by {
        if ways.is_empty() {
            let message = "names no way to ask a person, so every call that needs approval would be refused";
            let hint = "`[\"client\", \"queue\"]`; to forbid calls altogether, use `deny` of a role";
            problems.push(Diagnostic::error(place.join("by"), "out-of-range", message).hint(hint));
        }
        let way = |way| if way == Way::Client { By::Client } else { By::Queue };
        plan.by = ways.into_iter().map(way).collect();
    }
    if let Some(wait) = section.wait {
        plan.wait = super::plan::positive(wait.0, place.join("wait"), problems);
        at_most(plan.wait, limits::APPROVAL_WAIT_MAX, place.join("wait"), problems);
    }
    if let Some(remember) = section.remember {
        plan.remember = remember.0;
        at_most(plan.remember, limits::APPROVAL_REMEMBER_MAX, place.join("remember"), problems);
    }
    for (index, role) in section.approvers.iter().enumerate() {
        if matches!(role.as_str(), "" | "anonymous" | "local") {
            let message = "whoever decides must prove who they are, so this can't be an approver's role";
            let hint = "a role of keys or tokens, such as `approver`: `portwright keys add ada --role approver`";
            problems.push(Diagnostic::error(place.join("approvers").join(index), "bad-role", message).hint(hint));
        }
    }
    plan.approvers = section.approvers.iter().map(|role| role.as_str().into()).collect();
    plan
}

fn at_most(written: std::time::Duration, most: std::time::Duration, place: Pointer, problems: &mut Vec<Diagnostic>) {
    if written > most {
        problems.push(Diagnostic::error(place, "out-of-range", "must not be longer than 1d"));
    }
}

/// What is odd about a plan that can be served all the same: approval that hardly anybody or nobody can give.
pub(crate) fn advice(plan: &ServerPlan) -> Option<Diagnostic> {
    let approvals = &plan.approvals;
    let advise = |key: &str, rule: &'static str, message: &str, hint: &str| {
        let place = Pointer::root().join("approvals").join(key);
        Some(Diagnostic::advice(place, rule, message).hint(hint))
    };
    let (client, queue) = (approvals.by.contains(&By::Client), approvals.has_queue());
    let name_some = "name the roles that decide: `approvers = [\"approver\"]`";
    if !approvals.asks() {
        return None;
    }
    if queue && !plan.asks_for_proof() {
        let message = "nobody can decide in the queue, since nothing here proves who somebody is";
        return advise("approvers", NOBODY, message, "give approvers keys ([auth.keys]) or tokens ([auth.oauth])");
    }
    if !queue && !client {
        let message = "calls that need approval are always refused: the queue has no approvers";
        return advise("by", NOBODY, message, name_some);
    }
    if !queue && approvals.by.contains(&By::Queue) {
        let message =
            "calls that need approval are refused where the caller's client can't ask a person: there is no queue";
        return advise("approvers", NOBODY, message, name_some);
    }
    if client && approvals.wait > plan.ask_timeout {
        let message = "a client's person has less time than this, since questions to clients end with `ask_timeout`";
        return advise("wait", "short-wait", message, "raise `ask_timeout` under [limits] as well");
    }
    None
}
