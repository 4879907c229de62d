//! Two tools that say the same.

use std::collections::HashSet;

use super::super::subject::words_of;
use super::super::{Found, Rule, Severity, Subject};

pub(in super::super) const RULE: Rule = Rule {
    id: "near-duplicate",
    severity: Severity::Warning,
    reason: "A model that can't tell two tools apart calls either.",
    bad: "two tools \"Get information about a record.\"",
    good: "descriptions that say how they differ",
    fix: "Say in each how it differs from the other, or leave one out.",
    check,
};

/// The share of words that two descriptions have in common, from which on they say the same.
const ALIKE: f64 = 0.9;

/// Shorter ones are alike by chance.
const WORDS_MIN: usize = 6;

fn check(subject: &Subject) -> Vec<Found> {
    let words: Vec<HashSet<String>> =
        subject.tools.iter().map(|tool| words_of(&tool.description).into_iter().collect()).collect();
    let mut found = Vec::new();
    for (at, (tool, said)) in subject.tools.iter().zip(&words).enumerate() {
        let earlier = subject.tools[..at].iter().zip(&words[..at]);
        let twin = earlier.filter(|_| said.len() >= WORDS_MIN).find(|(_, other)| share(said, other) >= ALIKE);
        if let Some((twin, _)) = twin {
            found.push(Found::tool(&tool.name, format!("Its description says what that of `{}` says.", twin.name)));
        }
    }
    found
}

#[expect(clippy::cast_precision_loss, reason = "a description has few words")]
fn share(one: &HashSet<String>, other: &HashSet<String>) -> f64 {
    let both = one.intersection(other).count();
    let all = one.len() + other.len() - both;
    if all == 0 { 0.0 } else { both as f64 / all as f64 }
}
