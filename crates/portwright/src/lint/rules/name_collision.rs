//! Names that look the same.

use std::collections::BTreeMap;

use super::super::{Found, Rule, Severity, Subject};

pub(in super::super) const RULE: Rule = Rule {
    id: "name-collision",
    severity: Severity::Error,
    reason: "Models and some clients do not tell `getOrder` from `get_order`: the wrong one is called.",
    bad: "\"get_order\" and \"getOrder\"",
    good: "\"get_order\" and \"get_order_items\"",
    fix: "Give one of them a name that says how it differs.",
    check,
};

fn check(subject: &Subject) -> Vec<Found> {
    let mut alike: BTreeMap<String, Vec<&str>> = BTreeMap::new();
    for tool in &subject.tools {
        let folded = tool.name.chars().filter(|letter| letter.is_alphanumeric()).flat_map(char::to_lowercase);
        alike.entry(folded.collect()).or_default().push(&tool.name);
    }
    let told = alike.values().filter(|names| names.len() > 1);
    told.map(|names| Found::tool(names[1], format!("It looks like `{}`.", names[0]))).collect()
}
