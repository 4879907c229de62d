//! PostgreSQL as a source.
//!
//! Three walls keep read-only: `guard/` lets through only statements that it understands and that call nothing but what
//! computes; each call is a READ ONLY transaction that is rolled back; and the role has its own privileges, which
//! `privileges.rs` looks at. `dsn.rs`, `tls.rs`, `wire.rs`, `line.rs` and `session.rs` are a connection, `pool.rs` lends
//! them, `run.rs` runs one statement, `fly.rs` one of the configuration that reads in a single round trip, `types/` are its values. It knows nothing of tools.

mod append;
mod database;
mod dsn;
mod errors;
mod flight;
mod fly;
mod gather;
mod guard;
mod identity;
mod introspect;
mod line;
mod plans;
mod pool;
mod privileges;
mod reach;
mod run;
mod session;
#[cfg(any(test, feature = "testing"))]
pub mod testing;
#[cfg(test)]
mod tests;
mod tls;
mod tools;
mod types;
mod wire;

use std::collections::BTreeMap;
use std::sync::Arc;

use globset::Glob;
use portwright_core::{
    ConnectError, Diagnostic, Pointer, Secret, Severity, Source, SourceConfig, SourceKind, SourceSpec, async_trait,
};
use schemars::{JsonSchema, Schema as JsonShape, SchemaGenerator};
use serde::Deserialize;
use tokio_postgres::error::SqlState;

pub use self::append::{AppendError, Appender, UrlError};
pub use self::database::PostgresDatabase;
use self::database::Walls;
use self::dsn::Dsn;
use self::guard::{Author, Guard};
use self::identity::{Identity, RoleTable, SettingTable};
use self::reach::{Reach, Written};
use self::session::{OpenError, Opener};
pub(crate) use crate::shared::sql::Access;
use crate::shared::sql::placeholders::line_and_column;
use crate::shared::sql::{self, Dialect, SqlError, SqlPlan, SqlSource};

/// The kind `postgres`.
#[derive(Debug, Clone, Copy)]
pub struct Postgres;

/// What the kind adds to `[sources.NAME]`.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
struct PostgresTable {
    /// `postgres://USER:PASSWORD@HOST/DATABASE`, or libpq's key=value pairs. `sslmode` (also `verify-ca` and
    /// `verify-full`), `sslrootcert`, `sslcert` and `sslkey` mean what libpq takes them for.
    url: Option<Secret>,
    /// Functions that ad-hoc queries may call beside PostgreSQL's own harmless ones: globs on `schema.name`. One of
    /// PostgreSQL's own that is held back takes `pg_catalog.name`.
    functions: Vec<String>,
    /// The fence of ad-hoc statements and of the source's own tools: globs of schemas. Default: all that the role sees.
    schemas: Option<Vec<String>>,
    /// The same for tables and views: globs of `schema.table`.
    tables: Option<Vec<String>>,
    /// Columns whose values no ad-hoc statement sees: globs of `schema.table.column` or `table.column`.
    mask: Vec<String>,
    /// Settings of each transaction that the caller's credential gives, for the policies of row security.
    set: BTreeMap<String, SettingTable>,
    /// The role that each transaction runs as, by the caller's credential.
    role: Option<RoleTable>,
}

/// How PostgreSQL's SQL is written.
pub static DIALECT: Dialect = Dialect {
    name: "PostgreSQL",
    placeholder: |number| format!("${number}"),
    dollar_quotes: true,
    escape_strings: true,
    nested_comments: true,
    bracket_identifiers: false,
    backtick_identifiers: false,
    mysql_quotes: false,
    positional: false,
    own_placeholders: &['$'],
    types_by_value: false,
    imagines: true,
    notes: "PostgreSQL's dialect: mixed-case names stand in double quotes, texts in single quotes, casts are x::type.",
};

impl SourceKind for Postgres {
    fn name(&self) -> &'static str {
        "postgres"
    }

    fn summary(&self) -> &'static str {
        "A PostgreSQL database"
    }

    fn schema(&self, generator: &mut SchemaGenerator) -> JsonShape {
        sql::schema::<PostgresTable>(generator)
    }

    fn tool_schema(&self, generator: &mut SchemaGenerator) -> Option<JsonShape> {
        Some(sql::tool_schema(generator))
    }

    fn resource_schema(&self, generator: &mut SchemaGenerator) -> Option<JsonShape> {
        Some(sql::resource_schema(generator))
    }

    fn decode(&self, spec: SourceSpec) -> Result<Box<dyn SourceConfig>, Vec<Diagnostic>> {
        let (own, plan, mut problems) = sql::decode::<PostgresTable>(&spec, &DIALECT, &tools::toolbox().told());
        let place = spec.place();
        let url = own.url.unwrap_or_default();
        let dsn = if url.is_empty() {
            // A table that can't be read has none, whatever is written.
            let said = spec.table.get("url").is_some_and(|url| url.as_str() != Some(""));
            if !said && !problems.iter().any(|problem| problem.place == place.join("url")) {
                let missing = Diagnostic::error(place.clone(), "missing-key", "`url` is missing");
                problems.push(missing.hint("url = \"${env:DATABASE_URL}\""));
            }
            None
        } else {
            let told = |error: dsn::DsnError| {
                Diagnostic::error(place.join("url"), "wrong-value", format!("`url` can't be used: {error}"))
            };
            let hint = "postgres://USER:PASSWORD@HOST:5432/DATABASE?sslmode=verify-full";
            Dsn::parse(&url, &spec.base).map_err(|error| problems.push(told(error).hint(hint))).ok()
        };
        for (index, pattern) in own.functions.iter().enumerate() {
            if let Err(error) = Glob::new(pattern) {
                let place = place.join("functions").join(index);
                problems.push(Diagnostic::error(place, "wrong-value", error.to_string()));
            }
        }
        let guard = Guard::new(&own.functions).ok();
        if let Some(guard) = &guard {
            refused(guard, &plan, &mut problems);
        }
        let written = Written { schemas: own.schemas.as_deref(), tables: own.tables.as_deref(), mask: &own.mask };
        let reach = Reach::decode(written, &place, &mut problems);
        let identity = Identity::decode(&own.set, own.role.as_ref(), &place, &mut problems);
        if reach.is_bounded() || identity.is_some() {
            unbounded(&plan, &place, &mut problems);
        }
        match (dsn, guard) {
            (Some(dsn), Some(guard)) if problems.iter().all(|problem| problem.severity != Severity::Error) => {
                Ok(Box::new(PostgresConfig { dsn, walls: Walls { guard, reach, identity }, plan }))
            }
            _ => Err(problems),
        }
    }
}

/// Tools that can't be held to what the source keeps back.
fn unbounded(plan: &SqlPlan, place: &Pointer, problems: &mut Vec<Diagnostic>) {
    for name in plan.more_tools.iter().filter(|name| tools::sees_all(name)) {
        let words = format!("`{name}` looks at the whole server, beyond `schemas`, `tables`, `mask`, `set` and `role`");
        let problem = Diagnostic::error(place.join("tools"), "unbounded-tool", words);
        problems.push(problem.hint("leave it out, or offer it on a source of its own for who looks after the server"));
    }
}

/// Declared statements that the guard refuses whatever the database holds.
fn refused(guard: &Guard, plan: &SqlPlan, problems: &mut Vec<Diagnostic>) {
    let tools = plan.tools.iter().map(|tool| (&tool.sql, plan.access));
    let resources = plan.resources.iter().map(|resource| (&resource.sql, Access::ReadOnly));
    for (sql, access) in tools.chain(resources) {
        let Err(rejection) = guard.check(&sql.statement.sql, access, Author::Operator) else { continue };
        let message = match rejection.position.map(|position| sql.statement.original_position(position)) {
            Some(position) => format!("{} ({})", rejection.message, line_and_column(&sql.text, position)),
            None => rejection.message,
        };
        problems.push(Diagnostic::error(sql.place.clone(), "refused-sql", message));
    }
}

/// A database that is configured but not yet open.
#[derive(Debug)]
struct PostgresConfig {
    dsn: Dsn,
    walls: Walls,
    plan: SqlPlan,
}

impl PostgresConfig {
    async fn database(&self) -> Result<Arc<PostgresDatabase>, ConnectError> {
        let opener = Opener::new(self.dsn.clone(), self.plan.bounds.timeout).map_err(|error| {
            ConnectError::new(format!("TLS can't be set up: {error}")).because(error).at(self.url())
        })?;
        let plan = &self.plan;
        let opened = PostgresDatabase::open(opener, self.walls.clone(), plan.access, plan.pool, plan.place.clone());
        opened.await.map_err(|error| connect_error(error, &self.url()))
    }

    fn url(&self) -> Pointer {
        self.plan.place.join("url")
    }
}

#[async_trait]
impl SourceConfig for PostgresConfig {
    async fn connect(&self) -> Result<Arc<dyn Source>, ConnectError> {
        Ok(SqlSource::open(self.database().await?, self.plan.clone()).await)
    }
}

/// Words for a health page: no host, no user, no database.
fn connect_error(error: SqlError, place: &Pointer) -> ConnectError {
    let SqlError::Unreachable(cause) = error else {
        return ConnectError::new("the database can't be opened").because(error).at(place.clone());
    };
    let words = match cause.downcast_ref::<OpenError>() {
        Some(OpenError::Resolve(_)) => "the host's name is not known",
        Some(OpenError::Connect(_)) => "nothing answers at the host and port of the URL",
        Some(OpenError::TimedOut) => "the server did not answer in time",
        Some(OpenError::WrongServer(_)) => {
            "no host of the URL is the kind of server that target_session_attrs asks for"
        }
        Some(OpenError::Refused(error)) => refusal(error),
        _ => "the database can't be reached",
    };
    ConnectError::new(words).because(cause).at(place.clone())
}

fn refusal(error: &tokio_postgres::Error) -> &'static str {
    match error.code() {
        Some(code) if *code == SqlState::INVALID_PASSWORD => "the server refused the user or the password of the URL",
        Some(code) if *code == SqlState::INVALID_AUTHORIZATION_SPECIFICATION => {
            "the server takes no such user from this host (pg_hba.conf)"
        }
        Some(code) if *code == SqlState::INVALID_CATALOG_NAME => "the server has no such database",
        Some(code) if *code == SqlState::TOO_MANY_CONNECTIONS => "the server has no connection left",
        Some(code) if *code == SqlState::CANNOT_CONNECT_NOW => "the server is starting up or shutting down",
        Some(_) => "the server refused the session",
        None if error.to_string().contains("TLS") => {
            "no secure connection: the server's certificate is not one of the authority's or not for this host, or the \
             server has no TLS"
        }
        None => "the server ended the connection",
    }
}
