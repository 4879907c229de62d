//! What comes back.

use super::super::{Found, Rule, Severity, Subject};

pub(in super::super) const RULE: Rule = Rule {
    id: "no-returns",
    severity: Severity::Warning,
    reason: "A model plans its next step by what a tool gives back.",
    bad: "\"Search customers by name.\"",
    good: "\"Search customers by name. Returns id, name and email, sorted by name.\"",
    fix: "Say what comes back: which fields, in which order.",
    check,
};

fn check(subject: &Subject) -> Vec<Found> {
    const SAYS: [&str; 16] = [
        "return",
        "gives",
        "answer",
        "result",
        "output",
        "responds",
        "shows",
        "prints",
        "tells",
        "yields",
        "lists",
        "comes back",
        "contents of",
        "get ",
        "read ",
        "what is",
    ];
    let silent = subject.tools.iter().filter(|tool| {
        let told = tool.description.to_lowercase();
        !told.is_empty() && !tool.has_output && !SAYS.iter().any(|words| told.contains(words))
    });
    silent.map(|tool| Found::tool(&tool.name, "Its description does not say what comes back.")).collect()
}
