//! Whose rows: the settings and the role that a transaction runs under, by what the caller's credential says. Policies
//! of the database do the rest.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use portwright_core::{Context, Diagnostic, Pointer};
use schemars::JsonSchema;
use serde::Deserialize;
use tokio_postgres::types::{ToSql, Type};
use tokio_postgres::{Client, Error};

use crate::shared::sql::SqlError;

/// Where a value comes from.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
enum Origin {
    /// From the credential that the call came with.
    #[default]
    Principal,
}

/// A setting that a credential gives.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct SettingTable {
    #[expect(dead_code, reason = "there is one origin, and it is said in so many words")]
    from: Origin,
    /// The claim that holds it; dots step into objects.
    claim: String,
}

/// The role that a credential gives.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct RoleTable {
    #[expect(dead_code, reason = "there is one origin, and it is said in so many words")]
    from: Origin,
    /// The claim that holds it; dots step into objects.
    claim: String,
    /// The roles that it may name. The role of the URL must be a member of each.
    allow: Vec<String>,
}

/// What a credential must say, and what becomes of it.
#[derive(Debug, Clone, Default)]
pub(super) struct Identity {
    /// Settings and their claims.
    settings: Vec<(String, String)>,
    role: Option<RoleTable>,
}

/// Settings of one transaction: names and values, the role last.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Guise(Vec<String>);

impl Identity {
    pub(super) fn decode(
        set: &BTreeMap<String, SettingTable>,
        role: Option<&RoleTable>,
        place: &Pointer,
        problems: &mut Vec<Diagnostic>,
    ) -> Self {
        for name in set.keys().filter(|name| !is_custom(name)) {
            let words = format!("`{name}` is not a setting of your own: its name needs a dot");
            let problem = Diagnostic::error(place.join("set").join(name), "wrong-value", words);
            problems.push(problem.hint("set = { \"app.tenant\" = { from = \"principal\", claim = \"tenant\" } }"));
        }
        if let Some(role) = role {
            let place = place.join("role").join("allow");
            if role.allow.is_empty() {
                let words = "`allow` is empty: name the roles that a credential may ask for";
                problems.push(Diagnostic::error(place.clone(), "wrong-value", words));
            }
            for (index, name) in role.allow.iter().enumerate() {
                if name.is_empty() || name.eq_ignore_ascii_case("none") {
                    let words = format!("`{name}` is no role: it would be the one of the URL");
                    problems.push(Diagnostic::error(place.join(index), "wrong-value", words));
                }
            }
        }
        let settings = set.iter().map(|(name, table)| (name.clone(), table.claim.clone())).collect();
        Self { settings, role: role.cloned() }
    }

    /// Whether there is anything that it sets.
    pub(super) fn is_some(&self) -> bool {
        !self.settings.is_empty() || self.role.is_some()
    }

    /// What this caller's transactions run under. A credential that does not say it is refused before the database is
    /// asked.
    pub(super) fn of(&self, cx: &Context) -> Result<Guise, SqlError> {
        let claim = |name: &str| {
            let value = cx.principal().and_then(|who| who.claim(name));
            let text = value.as_ref().and_then(|value| value.as_str()).filter(|text| !text.is_empty());
            let text = text.filter(|text| !text.contains('\0')).map(str::to_owned);
            text.ok_or_else(|| refused(cx, name, "is missing or no text"))
        };
        let mut pairs = Vec::new();
        for (name, from) in &self.settings {
            pairs.extend([name.clone(), claim(from)?]);
        }
        if let Some(role) = &self.role {
            let name = claim(&role.claim)?;
            if !role.allow.contains(&name) {
                return Err(refused(cx, &role.claim, "names a role that is not in `allow`"));
            }
            pairs.extend(["role".to_owned(), name]);
        }
        Ok(Guise(pairs))
    }
}

/// The log learns which claim it is; the caller, that the credential does not do.
fn refused(cx: &Context, claim: &str, why: &str) -> SqlError {
    let principal = cx.principal().map(|who| who.id.to_string()).unwrap_or_default();
    tracing::warn!(principal, claim, why, "credential does not fit the database");
    SqlError::Rejected("your credential does not say whose data this is; ask who runs this server".to_owned())
}

impl Guise {
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// One statement that sets everything for the transaction that is open.
    pub(super) fn sql(&self) -> String {
        let mut sql = "SELECT ".to_owned();
        for index in (1..=self.0.len()).step_by(2) {
            let comma = if index == 1 { "" } else { ", " };
            let _ = write!(sql, "{comma}pg_catalog.set_config(${index}, ${}, true)", index + 1);
        }
        sql
    }

    /// The types of its parameters.
    pub(super) fn types(&self) -> Vec<u32> {
        vec![Type::TEXT.oid(); self.0.len()]
    }

    pub(super) fn values(&self) -> Vec<Option<String>> {
        self.0.iter().cloned().map(Some).collect()
    }

    /// Sets everything, if there is anything.
    pub(super) async fn put_on(&self, client: &Client) -> Result<(), Error> {
        if self.is_empty() {
            return Ok(());
        }
        let values: Vec<(&(dyn ToSql + Sync), Type)> =
            self.0.iter().map(|text| (text as &(dyn ToSql + Sync), Type::TEXT)).collect();
        client.query_typed(&self.sql(), &values).await.map(drop)
    }
}

/// Whether it is a name such as extensions and applications have: with a dot, and nothing that needs quotes.
fn is_custom(name: &str) -> bool {
    let is_word = |word: &str| {
        word.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_')
            && word.chars().all(|letter| letter.is_ascii_alphanumeric() || letter == '_')
    };
    name.contains('.') && name.split('.').all(is_word)
}
