//! A description that says no more than the name.

use super::super::subject::words_of;
use super::super::{Found, Rule, Severity, Subject};

pub(in super::super) const RULE: Rule = Rule {
    id: "description-vague",
    severity: Severity::Warning,
    reason: "A description that only repeats the name tells a model nothing that it did not know.",
    bad: "\"Query customers\"",
    good: "\"Find customers by name or email address. Use this when the user mentions a customer and you need their ID.\"",
    fix: "Say more than the name does: what goes in, what comes out, and when.",
    check,
};

/// Words that a description has at least.
const WORDS_MIN: usize = 4;

fn check(subject: &Subject) -> Vec<Found> {
    let vague = subject.tools.iter().filter(|tool| !tool.description.is_empty()).filter_map(|tool| {
        let said = words_of(&tool.description);
        let name = tool.words();
        let more = said.iter().filter(|word| !name.contains(word)).count();
        let why = if said.len() < WORDS_MIN {
            format!("Its description has only {} words.", said.len())
        } else if more < 2 {
            "Its description says what the name says, and no more.".to_owned()
        } else {
            return None;
        };
        Some(Found::tool(&tool.name, why))
    });
    vague.collect()
}
