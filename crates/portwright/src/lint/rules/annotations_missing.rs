//! Whether it only reads.

use super::super::{Found, Rule, Severity, Subject};

pub(in super::super) const RULE: Rule = Rule {
    id: "annotations-missing",
    severity: Severity::Warning,
    reason: "Clients ask people before tools that may change something; without annotations they ask always, or never.",
    bad: "{\"name\": \"list_orders\"}",
    good: "{\"name\": \"list_orders\", \"annotations\": {\"readOnlyHint\": true}}",
    fix: "Set readOnlyHint; where it is false, destructiveHint as well.",
    check,
};

fn check(subject: &Subject) -> Vec<Found> {
    let bare = subject
        .tools
        .iter()
        .filter(|tool| tool.read_only.is_none() || (tool.read_only == Some(false) && tool.destructive.is_none()));
    bare.map(|tool| Found::tool(&tool.name, "Its annotations do not say whether it changes anything.")).collect()
}
