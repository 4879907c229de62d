//! A model chooses by descriptions.

use super::super::{Found, Rule, Severity, Subject};

pub(in super::super) const RULE: Rule = Rule {
    id: "description-missing",
    severity: Severity::Error,
    reason: "A model chooses tools by their descriptions; without one it guesses from the name.",
    bad: "{\"name\": \"query\"}",
    good: "{\"name\": \"search_orders\", \"description\": \"Find orders by number or customer. Use this when …\"}",
    fix: "Say what it does, when to use it, and what comes back.",
    check,
};

fn check(subject: &Subject) -> Vec<Found> {
    let tools = subject.tools.iter().filter(|tool| tool.description.is_empty());
    let tools = tools.map(|tool| Found::tool(&tool.name, "It has no description."));
    let prompts =
        subject.prompts.iter().filter(|prompt| prompt.description.as_deref().unwrap_or_default().trim().is_empty());
    tools.chain(prompts.map(|prompt| Found::of("prompt", &prompt.name, "It has no description."))).collect()
}
