//! Rules on names. Each line is a rule (`+tools:a*`, `-resources:db://**`), a call (`tools a.b`) or anything else.

use std::sync::Arc;

use portwright_core::protocol::JsonObject;
use portwright_core::{Auth, Call, Effects, Operation, Principal, Target};
use portwright_server::guard::policy::{Pattern, Policy, PolicyPlan, RolePlan};

/// Lines that are looked at.
const LINES_MAX: usize = 40;

/// Judges every call by the rules, and by the rules with one more deny.
pub fn judge(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let (mut allow, mut deny, mut calls) = (Vec::new(), Vec::new(), Vec::new());
    for line in text.lines().take(LINES_MAX) {
        match line.split_at_checked(1) {
            Some(("+", rule)) => allow.extend(Pattern::read(rule)),
            Some(("-", rule)) => deny.extend(Pattern::read(rule)),
            _ => calls.extend(call(line)),
        }
    }
    let Some(policy) = policy(&allow, &deny) else { return };
    for fewer in 0..deny.len() {
        let mut most = deny.clone();
        most.remove(fewer);
        let Some(looser) = self::policy(&allow, &most) else { continue };
        for call in &calls {
            let (strict, loose) = (policy.judge(Some(&caller()), call), looser.judge(Some(&caller()), call));
            assert!(loose.allowed || !strict.allowed, "a deny allowed {call:?}");
        }
    }
    for call in &calls {
        let decision = policy.judge(Some(&caller()), call);
        assert!(!decision.allowed || !allow.is_empty(), "nothing allows {call:?}");
        assert_eq!(decision.allowed, policy.judge(Some(&caller()), call).allowed, "twice the same: {call:?}");
        let stranger = policy.judge(Some(&Principal::new("stranger", Auth::Key)), call);
        assert!(!stranger.allowed, "a caller without roles may do {call:?}");
        if let Operation::ReadResource { uri } = &call.operation {
            escape(&policy, &allow, uri);
        }
    }
}

/// A path that leads back out of what is allowed is not allowed because of how it begins.
fn escape(policy: &Policy, allow: &[Pattern], uri: &str) {
    // Whatever begins with a slash behind the scheme, when everything else is left again.
    if allow.iter().any(|pattern| pattern.as_str().contains("etc") || !pattern.as_str().contains("://a/")) {
        return;
    }
    let Some((scheme, path)) = uri.split_once("://") else { return };
    let depth = path.split(['/', '\\']).count()
        + path.matches("%2f").count()
        + path.matches("%2F").count()
        + path.matches("%5").count();
    let out = format!("{scheme}://{path}/{}etc", "../".repeat(depth + 1));
    let call = Call { operation: Operation::ReadResource { uri: out.clone() }, target: Some(target("x")) };
    assert!(!policy.judge(Some(&caller()), &call).allowed, "{out} is allowed by {allow:?}");
}

fn policy(allow: &[Pattern], deny: &[Pattern]) -> Option<Arc<Policy>> {
    let role = RolePlan { name: "role".into(), allow: allow.to_vec(), deny: deny.to_vec(), when: None };
    Policy::new(&PolicyPlan { roles: vec![role] }).ok().flatten()
}

fn caller() -> Principal {
    let mut caller = Principal::new("caller", Auth::Key);
    caller.roles = vec!["role".into()];
    caller
}

fn target(name: &str) -> Arc<Target> {
    Arc::new(Target {
        narrow_aliases: Vec::new(),
        drifted: false,
        source: "source".into(),
        name: name.to_owned(),
        aliases: vec![format!("{name}_too")],
        effects: Effects::None,
        tool: None,
        arguments: None,
        tasks: Default::default(),
    })
}

fn call(line: &str) -> Option<Call> {
    let (kind, name) = line.split_once(' ')?;
    let operation = match kind {
        "tools" => Operation::CallTool { name: name.to_owned(), arguments: JsonObject::new() },
        "resources" => Operation::ReadResource { uri: name.to_owned() },
        _ => return None,
    };
    Some(Call { operation, target: Some(target(name)) })
}
