//! Characters that people do not see.

use portwright_server::guard::sanitize::characters::{Found as Hidden, clean};

use super::super::subject::texts;
use super::super::{Found, Rule, Severity, Subject};

pub(in super::super) const RULE: Rule = Rule {
    id: "hidden-characters",
    severity: Severity::Error,
    reason: "Invisible characters carry words that only the model reads.",
    bad: "a description with characters of the Unicode tag block",
    good: "the same without them",
    fix: "Take them out; if they are not yours, do not use this server.",
    check,
};

fn check(subject: &Subject) -> Vec<Found> {
    let mut found = Vec::new();
    for tool in &subject.tools {
        let own = [("description", &tool.description), ("title", &tool.title), ("name", &tool.name)];
        let own = own.into_iter().map(|(at, text)| (at.to_owned(), text.clone()));
        for (at, text) in own.chain(texts(&tool.schema)) {
            let mut hidden = Hidden::default();
            let _ = clean(&text, &mut hidden);
            if hidden.total() > 0 {
                found.push(Found::tool(&tool.name, format!("`{at}` hides {} characters.", hidden.total())).at(&at));
            }
        }
    }
    found
}
