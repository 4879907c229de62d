//! `analyze_db_health`: what is wrong with the database, and what mends it.

use std::sync::Arc;

use portwright_core::{Context, Refusal, limits};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{PostgresDatabase, cut, found};
use crate::shared::own::Answer;

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct AnalyzeHealth {
    /// index, connection, vacuum, sequence, replication, buffer, constraint, with commas between them. Default: all.
    health_type: Option<String>,
}

/// What a check found: `ok` is a measure, `warning` wants something done.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
struct Told {
    level: String,
    finding: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    advice: Option<String>,
}

#[derive(Debug, Serialize, JsonSchema)]
struct Checked {
    check: &'static str,
    healthy: bool,
    findings: Vec<Told>,
    /// There are more than are told.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    truncated: bool,
}

#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Health {
    healthy: bool,
    checks: Vec<Checked>,
}

/// Each check by its name, as statements that give level, finding and advice.
const CHECKS: [(&str, &str); 7] = [
    ("index", include_str!("health/index.sql")),
    ("connection", include_str!("health/connection.sql")),
    ("vacuum", include_str!("health/vacuum.sql")),
    ("sequence", include_str!("health/sequence.sql")),
    ("replication", include_str!("health/replication.sql")),
    ("buffer", include_str!("health/buffer.sql")),
    ("constraint", include_str!("health/constraint.sql")),
];

/// The checks that are asked for, in their own order.
fn chosen(asked: &str) -> Result<Vec<(&'static str, &'static str)>, Refusal> {
    let words: Vec<&str> = asked.split(',').map(str::trim).filter(|word| !word.is_empty()).collect();
    let known = |word: &str| word == "all" || CHECKS.iter().any(|(name, _)| *name == word);
    if let Some(word) = words.iter().find(|word| !known(word)) {
        let names = CHECKS.map(|(name, _)| name).join(", ");
        return Err(Refusal::invalid(format!("there is no check `{word}`; there are {names} and all")));
    }
    let all = words.is_empty() || words.contains(&"all");
    Ok(CHECKS.into_iter().filter(|(name, _)| all || words.contains(name)).collect())
}

pub(super) async fn analyze(
    database: Arc<PostgresDatabase>,
    asked: AnalyzeHealth,
    cx: Context,
) -> Result<Answer<Health>, Refusal> {
    let mut checks = Vec::new();
    for (check, sql) in chosen(asked.health_type.as_deref().unwrap_or_default())? {
        let found = found::<Told>(&database, sql, &[], limits::FINDINGS_MAX, &cx).await?;
        cut(found.more, &cx);
        let healthy = found.items.iter().all(|finding| finding.level != "warning");
        checks.push(Checked { check, healthy, findings: found.items, truncated: found.more });
    }
    let mut lines = Vec::new();
    for check in &checks {
        lines.push(format!("{}: {}", check.check, if check.healthy { "healthy" } else { "wants attention" }));
        for Told { finding, advice, .. } in &check.findings {
            let advice = advice.as_ref().map(|advice| format!(" -> {advice}")).unwrap_or_default();
            lines.push(format!("  {finding}{advice}"));
        }
    }
    let healthy = checks.iter().all(|check| check.healthy);
    Ok(Answer::told(Health { healthy, checks }, lines.join("\n")))
}

#[cfg(test)]
mod tests {
    use super::chosen;

    #[test]
    fn checks_are_chosen_by_name() {
        let names =
            |asked: &str| chosen(asked).map(|checks| checks.into_iter().map(|(name, _)| name).collect::<Vec<_>>());
        assert_eq!(names("").unwrap().len(), 7);
        assert_eq!(names("all").unwrap().len(), 7);
        assert_eq!(names("vacuum, index").unwrap(), ["index", "vacuum"]);
        assert!(names("indexes").unwrap_err().public().contains("index, connection"));
    }
}
