//! How much a parameter may hold.

use super::super::{Found, Rule, Severity, Subject};

pub(in super::super) const RULE: Rule = Rule {
    id: "parameter-unbounded",
    severity: Severity::Hint,
    reason: "A number or text without bounds is an invitation: one call for a billion rows, or a megabyte of text.",
    bad: "{\"limit\": {\"type\": \"integer\"}}",
    good: "{\"limit\": {\"type\": \"integer\", \"minimum\": 1, \"maximum\": 100}}",
    fix: "Give numbers a range and texts a length.",
    check,
};

fn check(subject: &Subject) -> Vec<Found> {
    const COUNTS: [&str; 8] = ["limit", "count", "max", "size", "depth", "page", "top", "lines"];
    let mut found = Vec::new();
    for tool in &subject.tools {
        let open = tool.parameters().filter(|(name, schema)| {
            let counts = super::super::subject::words_of(name).iter().any(|word| COUNTS.contains(&word.as_str()));
            let number = schema["type"] == "integer" || schema["type"] == "number";
            let bound = ["maximum", "exclusiveMaximum", "enum"].iter().any(|key| schema.get(key).is_some());
            counts && number && !bound
        });
        found.extend(open.map(|(name, _)| Found::tool(&tool.name, format!("`{name}` has no upper bound.")).at(name)));
    }
    found
}
