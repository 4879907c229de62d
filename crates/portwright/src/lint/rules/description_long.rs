//! A description that clients cut.

use super::super::{Found, Rule, Severity, Subject};

pub(in super::super) const RULE: Rule = Rule {
    id: "description-long",
    severity: Severity::Warning,
    reason: "Some clients cut descriptions after 1,024 characters, and every model reads them in each conversation.",
    bad: "three paragraphs with examples",
    good: "the same in four sentences; details stand at the parameters",
    fix: "Keep what decides whether to call it; move the rest to the parameters, a resource or a prompt.",
    check,
};

/// Characters that every client takes.
const CHARS_MAX: usize = 1024;

fn check(subject: &Subject) -> Vec<Found> {
    let length = |text: &str| text.chars().count();
    let long = subject.tools.iter().filter(|tool| length(&tool.description) > CHARS_MAX);
    let told = |count: usize| format!("Its description has {count} characters; some clients cut it after {CHARS_MAX}.");
    long.map(|tool| Found::tool(&tool.name, told(length(&tool.description)))).collect()
}
