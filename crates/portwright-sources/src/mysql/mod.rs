//! MySQL and MariaDB as a source.
//!
//! Four walls keep read-only: `guard/` lets through only statements that it understands and that call nothing but what
//! computes; each call is a READ ONLY transaction over the protocol of prepared statements, which takes one statement;
//! the session is reset afterwards; and the user has its own privileges, which `privileges.rs` looks at. `dsn.rs` and
//! `session.rs` are a connection, `pool.rs` lends them, `run.rs` runs one statement, `types/` are its values. It knows
//! nothing of tools.

mod database;
mod documents;
mod dsn;
mod errors;
mod guard;
mod introspect;
mod pool;
mod privileges;
mod run;
mod session;
#[cfg(any(test, feature = "testing"))]
pub mod testing;
#[cfg(test)]
mod tests;
mod types;

use std::sync::Arc;

use globset::Glob;
use portwright_core::{
    ConnectError, Diagnostic, Pointer, Secret, Severity, Source, SourceConfig, SourceKind, SourceSpec, async_trait,
};
use schemars::{JsonSchema, Schema as JsonShape, SchemaGenerator};
use serde::Deserialize;

pub use self::database::MySqlDatabase;
use self::dsn::Dsn;
use self::guard::{Author, Guard};
use self::session::{OpenError, Opener};
pub(crate) use crate::shared::sql::Access;
use crate::shared::sql::placeholders::line_and_column;
use crate::shared::sql::{self, Dialect, SqlError, SqlPlan, SqlSource};

/// The kind `mysql`.
#[derive(Debug, Clone, Copy)]
pub struct MySql;

/// What the kind adds to `[sources.NAME]`.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
struct MySqlTable {
    /// `mysql://USER:PASSWORD@HOST:PORT/DATABASE`. `ssl-mode` (disabled, preferred, required,
    /// verify-identity), `ssl-ca`, `ssl-cert` and `ssl-key` mean what MySQL's own client takes them for; beyond this
    /// machine the default is verify-identity. `socket` names a socket of this machine.
    url: Option<Secret>,
    /// Functions that ad-hoc queries may call beside the servers' own harmless ones: globs on `database.name`. One of
    /// the servers' own that is held back takes its name alone.
    functions: Vec<String>,
}

/// How the SQL of both servers is written.
pub static DIALECT: Dialect = Dialect {
    name: "MySQL",
    placeholder: |_| "?".to_owned(),
    dollar_quotes: false,
    escape_strings: false,
    nested_comments: false,
    bracket_identifiers: false,
    backtick_identifiers: true,
    mysql_quotes: true,
    positional: true,
    own_placeholders: &['?'],
    types_by_value: false,
    imagines: false,
    notes: "MySQL's dialect, as MySQL and MariaDB share it: names stand in `backticks`, texts in single quotes, texts \
            are joined by CONCAT(), there is no ILIKE, and LIKE ignores case in most collations. Moments are in UTC.",
};

impl SourceKind for MySql {
    fn name(&self) -> &'static str {
        "mysql"
    }

    fn summary(&self) -> &'static str {
        "A MySQL or MariaDB database"
    }

    fn schema(&self, generator: &mut SchemaGenerator) -> JsonShape {
        sql::schema::<MySqlTable>(generator)
    }

    fn tool_schema(&self, generator: &mut SchemaGenerator) -> Option<JsonShape> {
        Some(sql::tool_schema(generator))
    }

    fn resource_schema(&self, generator: &mut SchemaGenerator) -> Option<JsonShape> {
        Some(sql::resource_schema(generator))
    }

    fn decode(&self, spec: SourceSpec) -> Result<Box<dyn SourceConfig>, Vec<Diagnostic>> {
        let (own, plan, mut problems) = sql::decode::<MySqlTable>(&spec, &DIALECT, &[]);
        let place = spec.place();
        let url = own.url.unwrap_or_default();
        let dsn = if url.is_empty() {
            if !problems.iter().any(|problem| problem.place == place.join("url")) {
                let missing = Diagnostic::error(place.clone(), "missing-key", "`url` is missing");
                problems.push(missing.hint("url = \"${env:DATABASE_URL}\""));
            }
            None
        } else {
            let told = |error: dsn::DsnError| {
                Diagnostic::error(place.join("url"), "wrong-value", format!("`url` can't be used: {error}"))
            };
            let hint = "mysql://USER:PASSWORD@HOST:3306/DATABASE?ssl-mode=verify-identity";
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
        match (dsn, guard) {
            (Some(dsn), Some(guard)) if problems.iter().all(|problem| problem.severity != Severity::Error) => {
                Ok(Box::new(MySqlConfig { dsn, guard, plan }))
            }
            _ => Err(problems),
        }
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
struct MySqlConfig {
    dsn: Dsn,
    guard: Guard,
    plan: SqlPlan,
}

impl MySqlConfig {
    async fn database(&self) -> Result<Arc<MySqlDatabase>, ConnectError> {
        let plan = &self.plan;
        let opener = Opener::new(self.dsn.clone(), plan.access);
        let opened = MySqlDatabase::open(opener, self.guard.clone(), plan.access, plan.pool, plan.place.clone());
        opened.await.map_err(|error| connect_error(error, &plan.place.join("url")))
    }
}

#[async_trait]
impl SourceConfig for MySqlConfig {
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
        Some(OpenError::TimedOut) => "the server did not answer in time",
        Some(OpenError::TooOld) => "the server is too old: MySQL 8.0.13 or MariaDB 10.2.4 is needed",
        Some(OpenError::Refused(error)) => refusal(error),
        _ => "the database can't be reached",
    };
    ConnectError::new(words).because(cause).at(place.clone())
}

fn refusal(error: &mysql_async::Error) -> &'static str {
    use mysql_async::{DriverError, Error, IoError};
    match error {
        Error::Server(server) => match server.code {
            1045 | 1698 => "the server refused the user or the password of the URL",
            1044 => "the server lets this user not into the database of the URL",
            1049 => "the server has no such database",
            1040 | 1203 | 1226 => "the server has no connection left",
            1053 => "the server is starting up or shutting down",
            1129 | 1130 => "the server takes no connections from this host",
            3159 => "the server wants TLS: leave out ssl-mode=disabled",
            _ => "the server refused the session",
        },
        Error::Driver(DriverError::NoClientSslFlagFromServer) => {
            "the server has no TLS, and the URL wants it (ssl-mode=disabled says that the network is trusted)"
        }
        Error::Driver(DriverError::UnknownAuthPlugin { .. } | DriverError::CleartextPluginDisabled) => {
            "the server asks for the password in a way that is not known here"
        }
        Error::Io(IoError::Tls(_)) => {
            "no secure connection: the server's certificate is not one of the authority's or not for this host \
             (ssl-ca=PATH names the authority)"
        }
        Error::Io(IoError::Io(error)) => match error.kind() {
            std::io::ErrorKind::ConnectionRefused => "nothing answers at the host and port of the URL",
            // rustls' own errors come as these.
            std::io::ErrorKind::InvalidData => {
                "no secure connection: the server's certificate is not one of the authority's or not for this host \
                 (ssl-ca=PATH names the authority)"
            }
            _ => "the server can't be reached, or ended the connection",
        },
        _ => "the database can't be reached",
    }
}
