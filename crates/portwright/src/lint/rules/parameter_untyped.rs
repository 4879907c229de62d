//! What form a parameter has.

use super::super::{Found, Rule, Severity, Subject};

pub(in super::super) const RULE: Rule = Rule {
    id: "parameter-untyped",
    severity: Severity::Warning,
    reason: "Without a type a client can't check it, and some refuse the schema.",
    bad: "{\"id\": {\"description\": \"The order\"}}",
    good: "{\"id\": {\"type\": \"integer\", \"description\": \"The order's number\"}}",
    fix: "Give it a type, or the values that it takes.",
    check,
};

fn check(subject: &Subject) -> Vec<Found> {
    const SAYS: [&str; 7] = ["type", "enum", "const", "anyOf", "oneOf", "allOf", "$ref"];
    let mut found = Vec::new();
    for tool in &subject.tools {
        let untyped = tool.parameters().filter(|(_, schema)| !SAYS.iter().any(|key| schema.get(key).is_some()));
        found.extend(untyped.map(|(name, _)| Found::tool(&tool.name, format!("`{name}` has no type.")).at(name)));
    }
    found
}
