//! Names that clients refuse.

use super::super::{Found, Rule, Severity, Subject};

pub(in super::super) const RULE: Rule = Rule {
    id: "name-rejected",
    severity: Severity::Error,
    reason: "Clients take 1 to 64 letters, digits, `_` and `-`; a tool with another name is left out, or breaks the whole list.",
    bad: "\"get customer (v2)\"",
    good: "\"get_customer\"",
    fix: "Rename it with letters, digits and `_`.",
    check,
};

const CHARS_MAX: usize = 64;

fn check(subject: &Subject) -> Vec<Found> {
    let odd = |name: &str| !name.chars().all(|letter| letter.is_ascii_alphanumeric() || "_-.".contains(letter));
    let refused = subject.tools.iter().filter_map(|tool| {
        let name = tool.name.as_str();
        let why = if name.is_empty() {
            "It has no name.".to_owned()
        } else if odd(name) {
            "Its name has characters that clients refuse.".to_owned()
        } else if name.len() > CHARS_MAX {
            format!("Its name has {} characters; clients take {CHARS_MAX}.", name.len())
        } else {
            return None;
        };
        Some(Found::tool(name, why))
    });
    refused.collect()
}
