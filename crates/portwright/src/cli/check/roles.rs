//! Rules and roles that decide nothing: a pattern that fits no tool or prompt there is, a role that a key has and the
//! configuration does not know. Most are mistyped.

use std::sync::Arc;

use portwright_core::{Auth, Call, Diagnostic, Effects, Operation, Pointer, Principal, Target, TaskSupport};
use portwright_server::ServerPlan;
use portwright_server::guard::authenticate::keys::KeyFile;
use portwright_server::guard::policy::{Pattern, Policy, PolicyPlan, RolePlan};

use super::Tried;
use crate::config::nearest::nearest;

/// What nothing fits. Where a source is not open, nobody knows what it would offer, and only keys are looked at.
pub(super) fn unfit(plan: &ServerPlan, tried: &[Tried]) -> Vec<Diagnostic> {
    let mut found = keys(plan);
    if tried.iter().any(|source| source.failed.is_some()) {
        return found;
    }
    for role in &plan.policy.roles {
        for (list, patterns) in [("allow", &role.allow), ("deny", &role.deny)] {
            for (index, pattern) in patterns.iter().enumerate().filter(|(_, pattern)| !fits(pattern, tried)) {
                let place = Pointer::root().join("roles").join(&*role.name).join(list).join(index);
                let message = format!("`{}` fits nothing that is served", pattern.as_str());
                let hint = "`portwright list` shows the names; leave it if what it means comes later";
                found.push(Diagnostic::advice(place, "fits-nothing", message).hint(hint));
            }
        }
    }
    found
}

/// Whether some tool or prompt fits; resources have too many names to know them all.
fn fits(pattern: &Pattern, tried: &[Tried]) -> bool {
    let role = RolePlan { name: "role".into(), allow: vec![pattern.clone()], deny: Vec::new(), when: None };
    let Ok(Some(policy)) = Policy::new(&PolicyPlan { roles: vec![role] }) else { return true };
    let mut who = Principal::new("check", Auth::Key);
    who.roles = vec!["role".into()];
    let (noun, name) = pattern.as_str().split_once(':').unwrap_or_default();
    let is_tools = noun == "tools";
    // What means everything means what comes later too.
    if !(is_tools || noun == "prompts") || name.chars().all(|letter| letter == '*') {
        return true;
    }
    let mut names = tried.iter().flat_map(|source| {
        let offered = if is_tools { &source.tools } else { &source.prompts };
        offered.iter().map(|name| (source.name.clone(), name.clone()))
    });
    names.any(|(source, name)| policy.judge(Some(&who), &call(is_tools, source, name)).allowed)
}

fn call(is_tool: bool, source: Arc<str>, name: String) -> Call {
    let arguments = serde_json::Map::new();
    let operation = if is_tool {
        Operation::CallTool { name: name.clone(), arguments }
    } else {
        Operation::GetPrompt { name: name.clone(), arguments }
    };
    let target = Target {
        source,
        name,
        aliases: Vec::new(),
        narrow_aliases: Vec::new(),
        effects: Effects::None,
        tool: None,
        arguments: None,
        tasks: TaskSupport::default(),
        drifted: false,
    };
    Call { operation, target: Some(Arc::new(target)) }
}

/// Roles of keys that grant nothing, since the configuration does not know them.
fn keys(plan: &ServerPlan) -> Vec<Diagnostic> {
    let known: Vec<&str> = plan.policy.roles.iter().map(|role| &*role.name).collect();
    let Some(Ok(file)) = plan.keys.as_deref().map(KeyFile::read_or_new).filter(|_| !known.is_empty()) else {
        return Vec::new();
    };
    let place = Pointer::root().join("auth").join("keys").join("file");
    let mut found = Vec::new();
    for (name, entry) in file.keys.iter().filter(|(_, entry)| entry.revoked.is_none()) {
        for role in entry.roles.iter().filter(|role| !known.contains(&role.as_str())) {
            let message =
                format!("the key `{name}` has the role `{role}`, which grants nothing: there is no [roles.{role}]");
            let hint = match nearest(role, known.iter().copied()) {
                Some(near) => format!("did you mean `{near}`?"),
                None => "add the role, or make the key anew with another".to_owned(),
            };
            found.push(Diagnostic::advice(place.clone(), "unknown-role", message).hint(hint));
        }
    }
    found
}
