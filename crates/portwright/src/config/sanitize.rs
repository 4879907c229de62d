//! `[sanitize]`: names become kinds of redaction, expressions are compiled.

use std::sync::Arc;

use portwright_core::{Diagnostic, Pointer, limits};
use portwright_server::guard::SanitizePlan;
use portwright_server::guard::sanitize::{Drift, Injection, Redact};

use super::DECLARED;
use super::file::{DriftSection, InjectionSection, SanitizeSection};

/// The section → the plan of the guard.
pub(super) fn plan(section: &SanitizeSection, problems: &mut Vec<Diagnostic>) -> SanitizePlan {
    let place = Pointer::root().join("sanitize");
    if section.patterns.len() > limits::REDACT_PATTERNS_MAX {
        let message = format!("more than {} patterns", limits::REDACT_PATTERNS_MAX);
        problems.push(Diagnostic::error(place.join("patterns"), "out-of-range", message));
    }
    for (name, expression) in &section.patterns {
        let at = place.join("patterns").join(name);
        if Redact::named(name).is_some() {
            let message = format!("`{name}` is a kind of its own");
            problems.push(Diagnostic::error(at, "bad-pattern", message).hint("give the pattern another name"));
        } else if let Err(error) = Redact::pattern(expression) {
            problems.push(
                Diagnostic::error(at, "bad-pattern", format!("this pattern can't be used: {error}"))
                    .hint("regular expressions without look-around and back-references, such as `K-[0-9]{6}`"),
            );
        } else if !section.redact.contains(name) {
            let message = format!("`redact` does not name `{name}`, so nothing is redacted by it");
            problems.push(Diagnostic::error(at, "unused-pattern", message).hint(format!("add \"{name}\" to `redact`")));
        }
    }
    let mut redact = Vec::new();
    for (index, name) in section.redact.iter().enumerate() {
        let pattern = || section.patterns.get(name).map(|expression| Redact::pattern(expression));
        match (Redact::named(name), pattern()) {
            (Some(kind), _) => redact.push(kind),
            (None, Some(Ok(pattern))) => redact.push(pattern),
            // Told above.
            (None, Some(Err(_))) => {}
            (None, None) => {
                let at = place.join("redact").join(index);
                let known = Redact::NAMES.join("`, `");
                problems.push(
                    Diagnostic::error(at, "unknown-redaction", format!("there is no kind or pattern `{name}`"))
                        .hint(format!("`{known}`, or a name from [sanitize.patterns]")),
                );
            }
        }
    }
    SanitizePlan {
        injection: match section.injection {
            InjectionSection::Off => Injection::Off,
            InjectionSection::Mark => Injection::Mark,
            InjectionSection::Block => Injection::Block,
        },
        drift: match section.drift {
            DriftSection::Log => Drift::Log,
            DriftSection::Block => Drift::Block,
        },
        redact,
        own_prompts: vec![Arc::from(DECLARED)],
    }
}
