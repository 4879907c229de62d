//! `[roles.NAME]`: patterns and conditions are read, and become the policy's roles.

use std::collections::BTreeMap;
use std::sync::Arc;

use portwright_core::{Diagnostic, Pointer};
use portwright_server::guard::policy::{Condition, Pattern, PolicyPlan, RolePlan};
use schemars::JsonSchema;
use serde::Deserialize;

use super::limits::QuotaSection;

/// What callers with this role may do. Nothing is allowed that no rule of their roles allows.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct RoleSection {
    /// What they may use: `tools:query_*`, `tools:SOURCE.*`, `resources:db://shop/**`, `prompts:*`.
    #[schemars(length(max = 1000))]
    pub(crate) allow: Vec<String>,
    /// What they may not, whatever else allows it.
    #[schemars(length(max = 1000))]
    pub(crate) deny: Vec<String>,
    /// What a person must approve each time, of what they may use; see `[approvals]`.
    #[schemars(length(max = 1000))]
    pub(crate) approve: Vec<String>,
    /// What must hold for `allow`: a CEL expression on `principal` (id, auth, roles, claims), `call` (operation, name,
    /// source) and `args`, such as `args.limit <= 50`.
    pub(crate) when: Option<String>,
    /// How much each caller with this role may use, beside what is said under `[limits]`.
    pub(crate) limits: Option<QuotaSection>,
}

/// The sections → the plan of the guard.
pub(super) fn plan(sections: BTreeMap<String, RoleSection>, problems: &mut Vec<Diagnostic>) -> PolicyPlan {
    let roles = sections.into_iter().filter_map(|(name, section)| role(&name, &section, problems));
    PolicyPlan { roles: roles.collect() }
}

fn role(name: &str, section: &RoleSection, problems: &mut Vec<Diagnostic>) -> Option<RolePlan> {
    let place = Pointer::root().join("roles").join(name);
    let before = problems.len();
    if name.is_empty() || !name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_.:-".contains(&byte)) {
        let message = format!("`{name}` is no name for a role");
        problems.push(
            Diagnostic::error(place.clone(), "bad-name", message).hint("letters, digits and `_.:-`, such as `analyst`"),
        );
    }
    if section.allow.is_empty() && section.deny.is_empty() && section.approve.is_empty() && section.limits.is_none() {
        let message = format!("the role `{name}` has no rules, so it changes nothing");
        problems
            .push(Diagnostic::error(place.clone(), "no-rules", message).hint("such as `allow = [\"tools:query_*\"]`"));
    }
    let allow = patterns(&section.allow, &place.join("allow"), problems);
    let deny = patterns(&section.deny, &place.join("deny"), problems);
    let when = section.when.as_deref().and_then(|text| match Condition::read(text) {
        Ok(condition) => Some(Arc::new(condition)),
        Err(error) => {
            problems.push(
                Diagnostic::error(place.join("when"), "bad-condition", error.to_string())
                    .hint("such as `args.limit <= 50` or `principal.claims.tenant == \"north\"`"),
            );
            None
        }
    });
    (problems.len() == before).then(|| RolePlan { name: name.into(), allow, deny, when })
}

pub(super) fn patterns(written: &[String], place: &Pointer, problems: &mut Vec<Diagnostic>) -> Vec<Pattern> {
    let mut read = Vec::new();
    for (index, text) in written.iter().enumerate() {
        match Pattern::read(text) {
            Ok(pattern) => read.push(pattern),
            Err(error) => problems.push(
                Diagnostic::error(place.join(index), "bad-pattern", error.to_string())
                    .hint("such as `tools:query_*`, `tools:SOURCE.*`, `resources:db://shop/**`, `prompts:*`"),
            ),
        }
    }
    read
}
