//! A name for people.

use super::super::{Found, Rule, Severity, Subject};

pub(in super::super) const RULE: Rule = Rule {
    id: "title-missing",
    severity: Severity::Hint,
    reason: "People are asked about tools by their title; without one they see the name that is made for models.",
    bad: "{\"name\": \"query_customers\"}",
    good: "{\"name\": \"query_customers\", \"title\": \"Find customers\"}",
    fix: "Give it a title of two or three words.",
    check,
};

fn check(subject: &Subject) -> Vec<Found> {
    let bare = subject.tools.iter().filter(|tool| tool.title.trim().is_empty());
    bare.map(|tool| Found::tool(&tool.name, "It has no title.")).collect()
}
