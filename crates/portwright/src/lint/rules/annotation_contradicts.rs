//! A name that says something else than the annotations.

use super::super::{Found, Rule, Severity, Subject};

pub(in super::super) const RULE: Rule = Rule {
    id: "annotation-contradicts",
    severity: Severity::Error,
    reason: "A client does not ask before a tool that says that it only reads.",
    bad: "{\"name\": \"delete_order\", \"annotations\": {\"readOnlyHint\": true}}",
    good: "{\"name\": \"delete_order\", \"annotations\": {\"readOnlyHint\": false, \"destructiveHint\": true}}",
    fix: "Set readOnlyHint to what the tool does.",
    check,
};

fn check(subject: &Subject) -> Vec<Found> {
    const CHANGES: [&str; 12] =
        ["delete", "remove", "drop", "write", "create", "update", "insert", "send", "merge", "push", "patch", "kill"];
    let wrong = subject.tools.iter().filter_map(|tool| {
        let verb = tool.words().into_iter().next().filter(|word| CHANGES.contains(&word.as_str()))?;
        let lies = tool.read_only == Some(true);
        lies.then(|| Found::tool(&tool.name, format!("It says that it only reads, and its name says `{verb}`.")))
    });
    wrong.collect()
}
