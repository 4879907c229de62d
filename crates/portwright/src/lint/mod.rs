//! `portwright lint`: are the tools written for a model? Every rule is a file in `rules/` and a line in [`RULES`].
//!
//! It looks at what a server lists and at nothing else, so it works on any MCP server. What a list costs is counted with a
//! tokenizer that models use; others differ by a few percent.

mod rules;
mod sarif;
mod subject;
#[cfg(test)]
mod tests;
mod tokens;

use serde::Serialize;

pub(crate) use rules::RULES;
pub(crate) use sarif::sarif;
pub(crate) use subject::Subject;

/// How bad it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Severity {
    /// A client refuses it, or a model is led astray.
    Error,
    /// A model does worse than it could.
    Warning,
    /// It could be better.
    Hint,
}

impl Severity {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warning => "warning",
            Self::Hint => "hint",
        }
    }
}

/// A rule, with what people have to know to follow it.
#[derive(Debug)]
pub(crate) struct Rule {
    /// Stable: people silence it by this name.
    pub(crate) id: &'static str,
    pub(crate) severity: Severity,
    /// Why it matters.
    pub(crate) reason: &'static str,
    pub(crate) bad: &'static str,
    pub(crate) good: &'static str,
    /// What to do, in one line.
    pub(crate) fix: &'static str,
    check: fn(&Subject) -> Vec<Found>,
}

/// What a rule found.
#[derive(Debug)]
struct Found {
    /// What it is about: a tool, a prompt, a resource; none for the whole list.
    of: Option<(&'static str, String)>,
    /// Which of its parameters.
    parameter: Option<String>,
    message: String,
}

impl Found {
    fn tool(name: &str, message: impl Into<String>) -> Self {
        Self { of: Some(("tool", name.to_owned())), parameter: None, message: message.into() }
    }

    fn of(kind: &'static str, name: &str, message: impl Into<String>) -> Self {
        Self { of: Some((kind, name.to_owned())), parameter: None, message: message.into() }
    }

    fn all(message: impl Into<String>) -> Self {
        Self { of: None, parameter: None, message: message.into() }
    }

    fn at(mut self, parameter: &str) -> Self {
        self.parameter = Some(parameter.to_owned());
        self
    }
}

/// A finding, as it is told.
#[derive(Debug, Serialize)]
pub(crate) struct Finding {
    pub(crate) rule: &'static str,
    pub(crate) severity: Severity,
    /// `tool`, `prompt`, `resource`; none for the whole list.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) kind: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) parameter: Option<String>,
    pub(crate) message: String,
    pub(crate) fix: &'static str,
    /// Where it is declared, if that is in a configuration of ours.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) place: Option<Place>,
}

/// A place in a configuration.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Place {
    pub(crate) file: String,
    pub(crate) line: u64,
    pub(crate) column: u64,
}

/// What a list is like.
#[derive(Debug, Serialize)]
pub(crate) struct Report {
    pub(crate) findings: Vec<Finding>,
    /// What each tool costs in tokens, the dearest first.
    pub(crate) tokens: Vec<(String, usize)>,
    /// What the list of tools costs.
    pub(crate) tokens_all: usize,
}

impl Report {
    pub(crate) fn count(&self, severity: Severity) -> usize {
        self.findings.iter().filter(|finding| finding.severity == severity).count()
    }
}

/// Holds a list against every rule that is not silenced.
pub(crate) fn lint(subject: &Subject, allowed: &[String]) -> Report {
    let mut findings = Vec::new();
    for rule in RULES.iter().filter(|rule| !allowed.iter().any(|id| id == rule.id)) {
        findings.extend((rule.check)(subject).into_iter().map(|found| {
            let (kind, name) = found.of.unzip();
            let (rule, severity, fix) = (rule.id, rule.severity, rule.fix);
            Finding { rule, severity, kind, name, parameter: found.parameter, message: found.message, fix, place: None }
        }));
    }
    findings.sort_by(|one, other| (one.severity, &one.name, one.rule).cmp(&(other.severity, &other.name, other.rule)));
    let mut tokens: Vec<_> = subject.tools.iter().map(|tool| (tool.name.clone(), tool.tokens)).collect();
    tokens.sort_by(|one, other| other.1.cmp(&one.1).then_with(|| one.0.cmp(&other.0)));
    let tokens_all = tokens.iter().map(|(_, count)| count).sum();
    Report { findings, tokens, tokens_all }
}
