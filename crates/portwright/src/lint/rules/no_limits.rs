//! How much comes back.

use super::super::{Found, Rule, Severity, Subject};

pub(in super::super) const RULE: Rule = Rule {
    id: "no-limits",
    severity: Severity::Hint,
    reason: "A model that does not know that a list is cut takes the first page for all there is.",
    bad: "\"List orders.\"",
    good: "\"List orders, newest first, at most `limit` (100).\"",
    fix: "Say how many at most, and how to get the rest.",
    check,
};

fn check(subject: &Subject) -> Vec<Found> {
    const LISTS: [&str; 7] = ["list", "search", "find", "query", "browse", "scan", "all"];
    const SAYS: [&str; 16] = [
        "at most", "up to", "limit", "maximum", "max ", "page", "first", "cursor", "per_page", "perpage", "top ",
        "count", "rows", "depth", "only one", "head",
    ];
    let silent = subject.tools.iter().filter(|tool| {
        let lists = tool.words().iter().any(|word| LISTS.contains(&word.as_str()));
        let told = tool.told();
        let named =
            tool.parameters().any(|(name, _)| SAYS.iter().any(|words| name.to_lowercase().contains(words.trim())));
        lists && !tool.description.is_empty() && !named && !SAYS.iter().any(|words| told.contains(words))
    });
    silent.map(|tool| Found::tool(&tool.name, "It gives a list and does not say how long that can be.")).collect()
}
