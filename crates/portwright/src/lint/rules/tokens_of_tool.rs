//! What one tool costs.

use super::super::{Found, Rule, Severity, Subject};

pub(in super::super) const RULE: Rule = Rule {
    id: "tokens-of-tool",
    severity: Severity::Warning,
    reason: "Every tool is read in every conversation, whether it is called or not.",
    bad: "1,800 tokens for one tool",
    good: "150 to 300",
    fix: "Shorten descriptions and schema; split what is really two tools.",
    check,
};

const TOKENS_MAX: usize = 1_000;

fn check(subject: &Subject) -> Vec<Found> {
    let dear = subject.tools.iter().filter(|tool| tool.tokens > TOKENS_MAX);
    dear.map(|tool| Found::tool(&tool.name, format!("It costs {} tokens.", tool.tokens))).collect()
}
