//! `[dashboard]`: who looks at the page for people.

use std::collections::BTreeMap;

use portwright_core::{Diagnostic, Pointer};
use portwright_server::plan::{DashboardPlan, DashboardReaders};
use schemars::JsonSchema;
use serde::Deserialize;

use super::roles::RoleSection;

/// The page for people, at `/`: what is served, how it is, the calls, the audit, approvals.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct DashboardSection {
    /// Who looks at it.
    pub(crate) readers: ReadersSection,
    /// Who has one of these roles sees everybody's calls; others see their own. Without any, and without `[roles]` and `[auth]`,
    /// whoever sits at this machine sees all.
    #[schemars(length(max = 100))]
    pub(crate) roles: Vec<String>,
}

/// Who looks at the dashboard.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum ReadersSection {
    /// Nobody.
    Off,
    /// People on this machine. The default.
    #[default]
    Loopback,
    /// Those, and everybody who may call.
    Callers,
}

pub(super) fn plan(
    section: &DashboardSection,
    roles: &BTreeMap<String, RoleSection>,
    proven: bool,
    problems: &mut Vec<Diagnostic>,
) -> DashboardPlan {
    let place = Pointer::root().join("dashboard").join("roles");
    for (index, role) in section.roles.iter().enumerate() {
        if !roles.is_empty() && !roles.contains_key(role) {
            let message = format!("there is no role `{role}`");
            let hint = format!("name one of [roles], or add `[roles.{role}]`");
            problems.push(Diagnostic::error(place.join(index), "unknown-role", message).hint(hint));
        }
    }
    if !section.roles.is_empty() && !proven {
        let message = "nobody can prove that they have a role: no credentials are taken";
        problems.push(Diagnostic::error(place, "unproven", message).hint("add `[auth.keys]`, or take `roles` out"));
    }
    DashboardPlan {
        readers: match section.readers {
            ReadersSection::Off => DashboardReaders::Off,
            ReadersSection::Loopback => DashboardReaders::Loopback,
            ReadersSection::Callers => DashboardReaders::Callers,
        },
        roles: section.roles.iter().map(|role| role.as_str().into()).collect(),
    }
}
