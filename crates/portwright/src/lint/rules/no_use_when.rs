//! When to call it.

use super::super::{Found, Rule, Severity, Subject};

pub(in super::super) const RULE: Rule = Rule {
    id: "no-use-when",
    severity: Severity::Hint,
    reason: "Among many tools a model needs to know when this one is the right one. A hint, since a name that everybody knows says it alone.",
    bad: "\"Returns the orders of a customer.\"",
    good: "\"List what one customer ordered. Use this when the user asks what somebody bought.\"",
    fix: "Add a sentence that begins with \"Use this when\".",
    check,
};

fn check(subject: &Subject) -> Vec<Found> {
    const SAYS: [&str; 14] = [
        "use this",
        "use it",
        "use when",
        "useful when",
        "useful for",
        "when the user",
        "when you",
        "call this",
        "call it",
        "if the user",
        "if you",
        "best for",
        "to find out",
        "before you",
    ];
    let silent = subject.tools.iter().filter(|tool| {
        let told = tool.description.to_lowercase();
        !told.is_empty() && !SAYS.iter().any(|words| told.contains(words))
    });
    silent.map(|tool| Found::tool(&tool.name, "Its description does not say when to use it.")).collect()
}
