//! Tools and resources that the configuration declares on an SQL source.

mod template;

use std::collections::BTreeMap;

use portwright_core::protocol::JsonObject;
use portwright_core::{ByteSize, Declared, Diagnostic, HumanDuration, IconTable, Pointer};
use schemars::JsonSchema;
use serde::Deserialize;

use super::config::{Bounds, bounds};
use super::database::Dialect;
use super::params::{ParamTable, Params};
use super::placeholders::{self, Statement, line_and_column};
use crate::shared::decode;

pub use template::{Completion, DeclaredTemplate};

/// `[tools.NAME]` on an SQL source, as written.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct ToolTable {
    /// A name for people.
    pub title: Option<String>,
    /// Pictures that clients may show beside it.
    #[schemars(length(max = 8))]
    pub icons: Vec<IconTable>,
    /// What the tool does, when to use it, what it returns, its limits: for the model.
    pub description: Option<String>,
    /// One statement. Parameters are written `:name`, and are bound, never spliced.
    pub sql: Option<String>,
    /// The parameters by name.
    #[schemars(with = "BTreeMap<String, ParamTable>")]
    pub params: JsonObject,
    /// How long the statement may run. Default: the source's.
    pub timeout: Option<HumanDuration>,
    /// Rows that the result may have. Default: the source's.
    #[schemars(range(min = 1, max = 100_000))]
    pub max_rows: Option<usize>,
    /// Bytes that the rows may have as JSON. Default: the source's.
    pub max_bytes: Option<ByteSize>,
    /// For a statement that writes: whether the same call twice does no more than once.
    pub idempotent: bool,
    /// For a statement that writes: whether it changes or deletes what was there. Default: true.
    pub destructive: Option<bool>,
}

/// `[resources."URI"]` on an SQL source, as written.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct ResourceTable {
    /// A short name. Default: the last part of the URI.
    pub name: Option<String>,
    /// A name for people.
    pub title: Option<String>,
    /// Pictures that clients may show beside it.
    #[schemars(length(max = 8))]
    pub icons: Vec<IconTable>,
    /// What it is.
    pub description: Option<String>,
    /// How the rows are written. Default: `application/json`.
    pub mime_type: MimeType,
    /// One statement that reads.
    pub sql: Option<String>,
    /// The parameters by name: a variable `{name}` of the URI each, or `from = "principal"`.
    #[schemars(with = "BTreeMap<String, ParamTable>")]
    pub params: JsonObject,
    /// By variable of the URI: one statement whose first column gives values to offer while somebody types. `:typed` is
    /// what was typed so far, and the other variables are what was chosen for them, or NULL.
    #[schemars(with = "BTreeMap<String, String>")]
    pub complete: JsonObject,
    /// How long the statement may run. Default: the source's.
    pub timeout: Option<HumanDuration>,
    /// Rows that the result may have. Default: the source's.
    #[schemars(range(min = 1, max = 100_000))]
    pub max_rows: Option<usize>,
    /// Bytes that the rows may have as JSON. Default: the source's.
    pub max_bytes: Option<ByteSize>,
}

/// How the rows of a resource are written.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, JsonSchema)]
pub enum MimeType {
    #[default]
    #[serde(rename = "application/json")]
    Json,
    #[serde(rename = "text/csv")]
    Csv,
    #[serde(rename = "text/plain")]
    Text,
}

impl MimeType {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Json => "application/json",
            Self::Csv => "text/csv",
            Self::Text => "text/plain",
        }
    }
}

/// A declared statement with its parameters and bounds.
#[derive(Debug, Clone)]
pub struct DeclaredSql {
    /// Where the SQL stands.
    pub place: Pointer,
    /// As written.
    pub text: String,
    pub statement: Statement,
    pub params: Params,
    pub bounds: Bounds,
}

/// A declared tool, as meant.
#[derive(Debug, Clone)]
pub struct DeclaredTool {
    pub name: String,
    pub title: Option<String>,
    pub icons: Vec<IconTable>,
    pub description: Option<String>,
    pub sql: DeclaredSql,
    pub idempotent: bool,
    pub destructive: bool,
}

/// A declared resource, as meant.
#[derive(Debug, Clone)]
pub struct DeclaredResource {
    pub uri: String,
    pub name: String,
    pub title: Option<String>,
    pub icons: Vec<IconTable>,
    pub description: Option<String>,
    pub mime_type: MimeType,
    pub sql: DeclaredSql,
    /// If its URI has variables.
    pub template: Option<DeclaredTemplate>,
}

/// What reading a declaration needs and fills.
#[derive(Debug)]
pub struct Reading<'a> {
    pub dialect: &'a Dialect,
    pub defaults: Bounds,
    pub problems: &'a mut Vec<Diagnostic>,
    pub advice: &'a mut Vec<Diagnostic>,
}

impl Reading<'_> {
    /// Reads a tool; none if it is too wrong to go on with.
    pub fn tool(&mut self, declared: &Declared) -> Option<DeclaredTool> {
        let place = &declared.place;
        let table: ToolTable = decode::table(&declared.table, place, self.problems);
        if table.description.as_deref().unwrap_or("").trim().is_empty() {
            let message = format!("the tool `{}` has no description", declared.name);
            let hint = "say what it does, when to use it, what it returns and what its limits are";
            self.advice.push(Diagnostic::advice(place.clone(), "no-description", message).hint(hint));
        }
        let bounds = bounds(table.timeout, table.max_rows, table.max_bytes, self.defaults, place, self.problems);
        let sql = self.sql(table.sql, &table.params, bounds, place)?;
        Some(DeclaredTool {
            name: declared.name.clone(),
            title: table.title,
            icons: table.icons,
            description: table.description,
            sql,
            idempotent: table.idempotent,
            destructive: table.destructive.unwrap_or(true),
        })
    }

    /// Reads a resource; none if it is too wrong to go on with.
    pub fn resource(&mut self, declared: &Declared) -> Option<DeclaredResource> {
        let place = &declared.place;
        let uri = &declared.name;
        let table: ResourceTable = decode::table(&declared.table, place, self.problems);
        let bounds = bounds(table.timeout, table.max_rows, table.max_bytes, self.defaults, place, self.problems);
        let sql = self.sql(table.sql, &table.params, bounds, place)?;
        let template = self.template(uri, &sql.params, &table.complete, bounds, place);
        let name = table.name.unwrap_or_else(|| uri.rsplit('/').find(|part| !part.is_empty()).unwrap_or(uri).into());
        let (title, icons, description) = (table.title, table.icons, table.description);
        let mime_type = table.mime_type;
        Some(DeclaredResource { uri: uri.clone(), name, title, icons, description, mime_type, sql, template })
    }

    fn sql(
        &mut self,
        text: Option<String>,
        params: &JsonObject,
        bounds: Bounds,
        place: &Pointer,
    ) -> Option<DeclaredSql> {
        let before = self.problems.len();
        let params = Params::decode(params, &place.join("params"), self.problems, self.advice);
        let Some(text) = text.filter(|text| !text.trim().is_empty()) else {
            if !self.problems.iter().any(|problem| problem.place == place.join("sql")) {
                let missing = Diagnostic::error(place.clone(), "missing-key", "`sql` is missing");
                self.problems.push(missing.hint("sql = \"SELECT … WHERE id = :id\""));
            }
            return None;
        };
        let statement = self.statement(&text, params, bounds, place.join("sql"), true);
        statement.filter(|_| self.problems.len() == before)
    }

    /// One statement that stands at `place`. `whole`: every parameter must be used.
    fn statement(
        &mut self,
        text: &str,
        params: Params,
        bounds: Bounds,
        place: Pointer,
        whole: bool,
    ) -> Option<DeclaredSql> {
        let before = self.problems.len();
        let text = text.trim_end_matches(|c: char| c.is_whitespace() || c == ';').to_owned();
        let statement = match placeholders::rewrite(&text, self.dialect) {
            Ok(statement) => statement,
            Err(error) => {
                let message = format!("{error} ({})", line_and_column(&text, error.position()));
                let hint = match error {
                    placeholders::PlaceholderError::OwnPlaceholder { .. } => "write `:name` and declare it in `params`",
                    placeholders::PlaceholderError::Unclosed { .. } => "close it",
                };
                self.problems.push(Diagnostic::error(place, "wrong-sql", message).hint(hint));
                return None;
            }
        };
        self.matching_names(&statement, &params, &place, whole);
        (self.problems.len() == before).then_some(DeclaredSql { place, text, statement, params, bounds })
    }

    /// Every name in the SQL is declared, and every declared one is used.
    fn matching_names(&mut self, statement: &Statement, params: &Params, place: &Pointer, whole: bool) {
        let declared: Vec<&String> = params.iter().map(|param| &param.name).collect();
        for name in statement.names.iter().filter(|name| !declared.contains(name)) {
            let unused = declared.iter().filter(|known| !statement.names.contains(known));
            let hint = match decode::did_you_mean(name, unused.map(|known| known.as_str())) {
                Some(near) => format!("did you mean `:{near}`?"),
                None => format!("declare it: params.{name} = {{ type = \"string\", description = \"…\" }}"),
            };
            let message = format!("`:{name}` is not declared in `params`");
            self.problems.push(Diagnostic::error(place.clone(), "unknown-param", message).hint(hint));
        }
        for name in declared.iter().filter(|name| whole && !statement.names.contains(name)) {
            let message = format!("the parameter `{name}` is not used in `sql`");
            let place = place.parent().unwrap_or_default().join("params").join(name);
            let unused = Diagnostic::error(place, "unused-param", message);
            self.problems.push(unused.hint(format!("write `:{name}` where it belongs, or remove it")));
        }
    }
}
