//! People and models choose resources by what is said of them.

use super::super::{Found, Rule, Severity, Subject};

pub(in super::super) const RULE: Rule = Rule {
    id: "resource-undescribed",
    severity: Severity::Hint,
    reason: "A resource without a description has to be read to know what it is.",
    bad: "{\"uri\": \"db://shop/notes\", \"name\": \"notes\"}",
    good: "{\"uri\": \"db://shop/notes\", \"name\": \"notes\", \"description\": \"How the shop counts money and time\"}",
    fix: "Say in one line what is in it.",
    check,
};

fn check(subject: &Subject) -> Vec<Found> {
    let bare = |description: &Option<String>| description.as_deref().unwrap_or_default().trim().is_empty();
    let resources = subject.resources.iter().filter(|one| bare(&one.description)).map(|one| &one.uri);
    let templates = subject.templates.iter().filter(|one| bare(&one.description)).map(|one| &one.uri_template);
    resources.chain(templates).map(|uri| Found::of("resource", uri, "It has no description.")).collect()
}
