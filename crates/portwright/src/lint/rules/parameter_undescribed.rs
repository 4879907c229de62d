//! What a parameter is.

use serde_json::Value;

use super::super::{Found, Rule, Severity, Subject};

pub(in super::super) const RULE: Rule = Rule {
    id: "parameter-undescribed",
    severity: Severity::Warning,
    reason: "A model fills in a parameter by its description; a name alone leads to guesses.",
    bad: "{\"q\": {\"type\": \"string\"}}",
    good: "{\"q\": {\"type\": \"string\", \"description\": \"Part of a name or email address\"}}",
    fix: "Describe it in a short phrase, with an example where the form matters.",
    check,
};

fn check(subject: &Subject) -> Vec<Found> {
    let mut found = Vec::new();
    for tool in &subject.tools {
        let bare = tool.parameters().filter(|(_, schema)| {
            schema["description"].as_str().unwrap_or_default().trim().is_empty() && schema["$ref"] == Value::Null
        });
        found.extend(bare.map(|(name, _)| Found::tool(&tool.name, format!("`{name}` has no description.")).at(name)));
    }
    for prompt in &subject.prompts {
        let bare = prompt.arguments.iter().flatten();
        let bare = bare.filter(|one| one.description.as_deref().unwrap_or_default().trim().is_empty());
        found.extend(
            bare.map(|one| {
                Found::of("prompt", &prompt.name, format!("`{}` has no description.", one.name)).at(&one.name)
            }),
        );
    }
    found
}
