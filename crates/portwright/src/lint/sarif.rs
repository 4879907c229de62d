//! Findings in SARIF 2.1.0, the form that code hosts and editors read.

use serde_json::{Value, json};

use super::{Finding, RULES, Report, Severity};

/// The whole log of one run.
pub(crate) fn sarif(report: &Report) -> Value {
    let level = |severity| match severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
        Severity::Hint => "note",
    };
    let rules: Vec<Value> = RULES
        .iter()
        .map(|rule| {
            json!({
                "id": rule.id,
                "shortDescription": {"text": rule.reason},
                "help": {"text": format!("{}\n\nBad: {}\nGood: {}", rule.fix, rule.bad, rule.good)},
                "defaultConfiguration": {"level": level(rule.severity)},
            })
        })
        .collect();
    let result = |finding: &Finding| {
        let index = RULES.iter().position(|rule| rule.id == finding.rule);
        json!({
            "ruleId": finding.rule,
            "ruleIndex": index,
            "level": level(finding.severity),
            "message": {"text": format!("{} {}", finding.message, finding.fix)},
            "locations": [location(finding)],
        })
    };
    json!({
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [{
            "tool": {"driver": {
                "name": "portwright",
                "version": env!("CARGO_PKG_VERSION"),
                "informationUri": env!("CARGO_PKG_REPOSITORY"),
                "rules": rules,
            }},
            "results": report.findings.iter().map(result).collect::<Vec<_>>(),
        }],
    })
}

fn location(finding: &Finding) -> Value {
    let kind = finding.kind.unwrap_or("list");
    let name = [Some(kind), finding.name.as_deref(), finding.parameter.as_deref()];
    let name: Vec<&str> = name.into_iter().flatten().collect();
    let mut location = json!({"logicalLocations": [{"fullyQualifiedName": name.join("/"), "kind": "member"}]});
    if let Some(place) = &finding.place {
        location["physicalLocation"] = json!({
            "artifactLocation": {"uri": place.file},
            "region": {"startLine": place.line, "startColumn": place.column},
        });
    }
    location
}
