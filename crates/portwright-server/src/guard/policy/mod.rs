//! What a principal may do: roles with rules on tools, resources and prompts.
//!
//! Nothing is allowed that no rule of the caller's roles allows, and a rule that denies wins over all that allow. One
//! function decides, about calls and about what is listed alike. Whoever may not do something is told that it does not
//! exist.

mod condition;
mod decision;
mod pattern;
mod subject;

#[cfg(test)]
mod tests;

use std::sync::Arc;

use portwright_core::{Call, Context, Guard, Next, Principal, Refusal, Reply, async_trait};

pub use condition::{BadCondition, Condition};
pub use decision::{Decision, Why};
pub use pattern::{BadPattern, Pattern};

use crate::catalog::{Entry, Sight, Standing};
pub(in crate::guard) use pattern::Patterns;
pub(crate) use subject::Subject;

/// The role of callers who showed no credential.
pub const ANONYMOUS: &str = "anonymous";
/// The role of whoever started the process. Where the plan has none of this name, they may do everything.
pub const LOCAL: &str = "local";

/// The roles of the plan, in its order.
#[derive(Debug, Clone, Default)]
pub struct PolicyPlan {
    pub roles: Vec<RolePlan>,
}

/// One role.
#[derive(Debug, Clone)]
pub struct RolePlan {
    pub name: Arc<str>,
    pub allow: Vec<Pattern>,
    pub deny: Vec<Pattern>,
    /// What must hold for `allow`; `deny` always holds.
    pub when: Option<Arc<Condition>>,
}

/// The roles, ready to decide.
#[derive(Debug)]
pub struct Policy {
    roles: Vec<Role>,
    /// What it was made of, to see whether another says the same.
    written: String,
}

#[derive(Debug)]
struct Role {
    name: Arc<str>,
    allow: Patterns,
    deny: Patterns,
    when: Option<Arc<Condition>>,
}

impl Policy {
    /// None where the plan has no roles: then whoever got in may do everything.
    pub fn new(plan: &PolicyPlan) -> Result<Option<Arc<Self>>, BadPattern> {
        if plan.roles.is_empty() {
            return Ok(None);
        }
        let role = |role: &RolePlan| {
            let (allow, deny) = (Patterns::new(&role.allow)?, Patterns::new(&role.deny)?);
            Ok(Role { name: role.name.clone(), allow, deny, when: role.when.clone() })
        };
        let roles = plan.roles.iter().map(role).collect::<Result<_, _>>()?;
        Ok(Some(Arc::new(Self { roles, written: format!("{:?}", plan.roles) })))
    }

    /// Whether a call may go on.
    pub fn judge(&self, principal: Option<&Principal>, call: &Call) -> Decision {
        match Subject::of(&call.operation, call.target.as_deref()) {
            Some(subject) => self.decide(principal, &subject, Some(call)),
            None => Decision::refused(Why::Unknown),
        }
    }

    /// Whether something stands in the caller's lists: some call of it might be allowed.
    pub(crate) fn lists(&self, principal: Option<&Principal>, subject: &Subject<'_>) -> bool {
        self.decide(principal, subject, None).allowed
    }
}

impl Sight for Policy {
    fn standing(&self, principal: Option<&Principal>) -> Option<Standing> {
        self.standing_of(principal)
    }

    fn sees(&self, principal: Option<&Principal>, entry: Entry<'_>) -> bool {
        let subject = match entry {
            Entry::Tool(target) => Subject::tool(target),
            Entry::Prompt(target) => Subject::prompt(target),
            Entry::Resource(uri) => Subject::uri(uri),
            Entry::Template(uri) => Subject::template(uri),
        };
        self.lists(principal, &subject)
    }

    fn written(&self) -> &str {
        &self.written
    }
}

/// Refuses what no rule allows.
#[derive(Debug)]
pub(super) struct Judge {
    policy: Arc<Policy>,
}

impl Judge {
    pub(super) fn new(policy: Arc<Policy>) -> Self {
        Self { policy }
    }
}

#[async_trait]
impl Guard for Judge {
    fn name(&self) -> &'static str {
        "policy"
    }

    async fn check(&self, call: &Call, cx: &Context, next: Next<'_>) -> Result<Reply, Refusal> {
        let decision = self.policy.judge(cx.principal().map(|principal| &**principal), call);
        if !decision.allowed {
            cx.note(|trail| trail.rule = decision.rule);
            return Err(call.operation.not_found());
        }
        let result = next.run(call, cx).await;
        if let Some(rule) = decision.rule {
            // A guard further in that refused has said which rule of its own did.
            cx.note(|trail| {
                trail.rule.get_or_insert(rule);
            });
        }
        result
    }
}
