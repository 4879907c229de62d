//! The form of what comes back.

use super::super::{Found, Rule, Severity, Subject};

pub(in super::super) const RULE: Rule = Rule {
    id: "output-schema-missing",
    severity: Severity::Hint,
    reason: "With an output schema, clients and programs get data that they can rely on, beside the text.",
    bad: "a table as text",
    good: "outputSchema, and structuredContent in each result",
    fix: "Declare an output schema and answer with structured content.",
    check,
};

fn check(subject: &Subject) -> Vec<Found> {
    let bare = subject.tools.iter().filter(|tool| !tool.has_output);
    bare.map(|tool| Found::tool(&tool.name, "It has no output schema.")).collect()
}
