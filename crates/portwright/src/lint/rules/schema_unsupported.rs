//! Schemas that clients choke on.

use serde_json::Value;

use super::super::{Found, Rule, Severity, Subject};

pub(in super::super) const RULE: Rule = Rule {
    id: "schema-unsupported",
    severity: Severity::Warning,
    reason: "Model APIs take a part of JSON Schema: an object at the top, no choice between forms there, no references.",
    bad: "{\"anyOf\": [{…}, {…}]}",
    good: "{\"type\": \"object\", \"properties\": {…}}",
    fix: "Make the top an object with properties, and write out what references stand for.",
    check,
};

fn check(subject: &Subject) -> Vec<Found> {
    let mut found = Vec::new();
    for tool in &subject.tools {
        let top =
            ["anyOf", "oneOf", "allOf", "not", "$ref", "if"].into_iter().find(|key| tool.schema.get(key).is_some());
        if let Some(key) = top {
            found.push(Found::tool(&tool.name, format!("Its input schema has `{key}` at the top.")));
        } else if tool.schema["type"] != "object" {
            found.push(Found::tool(&tool.name, "Its input schema is no object."));
        } else if refers(&tool.schema) {
            found.push(Found::tool(&tool.name, "Its input schema has references (`$ref`)."));
        }
    }
    found
}

fn refers(schema: &Value) -> bool {
    match schema {
        Value::Object(entries) => {
            entries.iter().any(|(key, value)| (key == "$ref" && value.is_string()) || refers(value))
        }
        Value::Array(items) => items.iter().any(refers),
        _ => false,
    }
}
