//! One tool for everything.

use serde_json::Value;

use super::super::{Found, Rule, Severity, Subject};

pub(in super::super) const RULE: Rule = Rule {
    id: "mega-tool",
    severity: Severity::Warning,
    reason: "A tool with an action parameter hides what it can do: clients can't ask before the dangerous half, and models mix up which arguments belong to which action.",
    bad: "{\"name\": \"manage_orders\", \"action\": \"list | get | create | delete\"}",
    good: "list_orders, get_order, create_order, delete_order",
    fix: "Make a tool of each action, each with its own parameters and annotations.",
    check,
};

/// Actions from which on it is one.
const ACTIONS_MIN: usize = 3;

fn check(subject: &Subject) -> Vec<Found> {
    const NAMES: [&str; 7] = ["action", "operation", "command", "method", "op", "verb", "task"];
    let mut found = Vec::new();
    for tool in &subject.tools {
        for (name, schema) in tool.parameters().filter(|(name, _)| NAMES.contains(&name.to_lowercase().as_str())) {
            let actions = schema["enum"].as_array().into_iter().flatten().filter_map(Value::as_str).count();
            // Ways to look at one thing are no harm where nothing can be changed.
            if actions >= ACTIONS_MIN && tool.read_only != Some(true) {
                found.push(Found::tool(&tool.name, format!("`{name}` chooses among {actions} actions.")).at(name));
            }
        }
    }
    found
}
