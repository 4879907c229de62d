//! A secret where everybody reads it.

use portwright_server::guard::sanitize::holds_secret;

use super::super::subject::texts;
use super::super::{Found, Rule, Severity, Subject};

pub(in super::super) const RULE: Rule = Rule {
    id: "secret-in-schema",
    severity: Severity::Error,
    reason: "Lists go to every client and into every conversation; a key in a default or example is out.",
    bad: "{\"default\": \"ghp_…\"}",
    good: "no default; the server has the key",
    fix: "Take it out and replace the secret: it is known now.",
    check,
};

fn check(subject: &Subject) -> Vec<Found> {
    let mut found = Vec::new();
    for tool in &subject.tools {
        let own = std::iter::once(("description".to_owned(), tool.description.clone()));
        let holding = own.chain(texts(&tool.schema)).filter(|(_, text)| holds_secret(text));
        found.extend(
            holding.map(|(at, _)| Found::tool(&tool.name, format!("`{at}` holds what looks like a secret.")).at(&at)),
        );
    }
    found
}
