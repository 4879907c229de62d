//! What the list costs.

use super::super::{Found, Rule, Severity, Subject};

pub(in super::super) const RULE: Rule = Rule {
    id: "tokens-of-list",
    severity: Severity::Warning,
    reason: "A long list fills the context before the first question, and models choose worse among many tools.",
    bad: "60 tools for 25,000 tokens",
    good: "the 15 that this agent needs for 3,000",
    fix: "Offer fewer: toolsets, `tools = […]`, or roles that see only theirs.",
    check,
};

const TOKENS_MAX: usize = 10_000;

fn check(subject: &Subject) -> Vec<Found> {
    let all: usize = subject.tools.iter().map(|tool| tool.tokens).sum();
    let count = subject.tools.len();
    let told = || Found::all(format!("The list of {count} tools costs {all} tokens."));
    (all > TOKENS_MAX).then(told).into_iter().collect()
}
