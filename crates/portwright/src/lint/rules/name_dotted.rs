//! Names with a dot.

use super::super::{Found, Rule, Severity, Subject};

pub(in super::super) const RULE: Rule = Rule {
    id: "name-dotted",
    severity: Severity::Hint,
    reason: "Dots are allowed by the protocol, and some clients and model APIs refuse them.",
    bad: "\"shop.search\"",
    good: "\"shop_search\"",
    fix: "Use `_` where you can choose.",
    check,
};

fn check(subject: &Subject) -> Vec<Found> {
    let dotted = subject.tools.iter().filter(|tool| tool.name.contains('.'));
    dotted.map(|tool| Found::tool(&tool.name, "Its name has a dot.")).collect()
}
