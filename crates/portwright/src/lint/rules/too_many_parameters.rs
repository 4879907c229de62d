//! More than a model fills in well.

use super::super::{Found, Rule, Severity, Subject};

pub(in super::super) const RULE: Rule = Rule {
    id: "too-many-parameters",
    severity: Severity::Warning,
    reason: "The more parameters, the more often a model leaves out or mixes up one.",
    bad: "a tool with 18 parameters",
    good: "5 that matter, with defaults for the rest",
    fix: "Split the tool, or leave out what nearly nobody needs.",
    check,
};

const PARAMETERS_MAX: usize = 12;

fn check(subject: &Subject) -> Vec<Found> {
    let many = subject.tools.iter().map(|tool| (tool, tool.parameters().count()));
    let many = many.filter(|(_, count)| *count > PARAMETERS_MAX);
    many.map(|(tool, count)| Found::tool(&tool.name, format!("It has {count} parameters."))).collect()
}
