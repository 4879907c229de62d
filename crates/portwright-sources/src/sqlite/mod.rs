//! SQLite as a source: a file, opened so that read-only holds whatever a statement says.
//!
//! `open.rs` raises the walls, `authorizer.rs` is the list of what statements may do, `pool.rs` and `stop.rs` run them
//! off the async threads and call them off, `run.rs` steps them. It knows nothing of tools or parameters.

mod authorizer;
mod errors;
mod introspect;
mod open;
mod pool;
mod run;
mod stop;
#[cfg(test)]
mod tests;
mod values;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use portwright_core::{
    ConnectError, Context, Diagnostic, Health, Pointer, PoolUse, Severity, Source, SourceConfig, SourceKind,
    SourceSpec, async_trait, limits,
};
use rusqlite::{Connection, ErrorCode};
use schemars::{JsonSchema, Schema as JsonShape, SchemaGenerator};
use serde::Deserialize;
use tokio_util::sync::CancellationToken;

use self::authorizer::Mode;
use self::pool::{Pool, Run};
use self::run::Job;
use crate::shared::sql::{
    self, Access, Database, Description, Dialect, PoolPlan, Query, Rows, Schema, Scope, SqlError, SqlPlan, SqlSource,
};

/// The kind `sqlite`.
#[derive(Debug, Clone, Copy)]
pub struct Sqlite;

/// What the kind adds to `[sources.NAME]`.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
struct SqliteTable {
    /// The database file; relative to the configuration file.
    path: Option<String>,
    /// Nobody writes to the file while it is served. For files on media or in folders that can't be written.
    immutable: bool,
}

/// How SQLite's SQL is written.
pub static DIALECT: Dialect = Dialect {
    name: "SQLite",
    placeholder: |number| format!("?{number}"),
    dollar_quotes: false,
    escape_strings: false,
    nested_comments: false,
    bracket_identifiers: true,
    backtick_identifiers: true,
    mysql_quotes: false,
    positional: false,
    own_placeholders: &['?', '$', '@'],
    types_by_value: true,
    imagines: false,
    notes: "SQLite's dialect: dates are text (date(), strftime()), LIKE ignores the case of ASCII letters, there is no \
            ILIKE, and texts stand in single quotes.",
};

impl SourceKind for Sqlite {
    fn name(&self) -> &'static str {
        "sqlite"
    }

    fn summary(&self) -> &'static str {
        "An SQLite database file"
    }

    fn schema(&self, generator: &mut SchemaGenerator) -> JsonShape {
        sql::schema::<SqliteTable>(generator)
    }

    fn tool_schema(&self, generator: &mut SchemaGenerator) -> Option<JsonShape> {
        Some(sql::tool_schema(generator))
    }

    fn resource_schema(&self, generator: &mut SchemaGenerator) -> Option<JsonShape> {
        Some(sql::resource_schema(generator))
    }

    fn decode(&self, spec: SourceSpec) -> Result<Box<dyn SourceConfig>, Vec<Diagnostic>> {
        let (own, plan, mut problems) = sql::decode::<SqliteTable>(&spec, &DIALECT, &[]);
        let place = spec.place();
        let path = own.path.unwrap_or_default();
        if path.is_empty() && !problems.iter().any(|problem| problem.place == place.join("path")) {
            let missing = Diagnostic::error(place.clone(), "missing-key", "`path` is missing");
            problems.push(missing.hint("path = \"shop.db\""));
        }
        if path.starts_with(":memory:") || path.starts_with("file:") {
            let message = format!("`{path}` is not a file's path");
            let hint = "a database in memory would be empty and gone at the end; name a file";
            problems.push(Diagnostic::error(place.join("path"), "wrong-value", message).hint(hint));
        }
        if own.immutable && plan.access == Access::ReadWrite {
            let message = "a file that nobody writes to can't be `read-write`";
            problems.push(Diagnostic::error(place.join("immutable"), "wrong-value", message));
        }
        if problems.iter().any(|problem| problem.severity == Severity::Error) {
            return Err(problems);
        }
        let path = std::path::absolute(spec.base.join(&path)).map_err(|error| {
            let message = format!("`{path}` can't be made an absolute path: {error}");
            vec![Diagnostic::error(place.join("path"), "wrong-value", message)]
        })?;
        Ok(Box::new(SqliteConfig { path, immutable: own.immutable, plan }))
    }
}

/// A file that is configured but not yet open.
#[derive(Debug)]
struct SqliteConfig {
    path: PathBuf,
    immutable: bool,
    plan: SqlPlan,
}

#[async_trait]
impl SourceConfig for SqliteConfig {
    async fn connect(&self) -> Result<Arc<dyn Source>, ConnectError> {
        let tools = self.plan.tools.iter().map(|tool| &tool.sql);
        let declared = tools.chain(self.plan.resources.iter().map(|resource| &resource.sql));
        let bytes_max = declared.map(|sql| sql.bounds.bytes_max).fold(self.plan.bounds.bytes_max, usize::max);
        let settings = SqliteSettings {
            immutable: self.immutable,
            access: self.plan.access,
            // A value is at most the whole of a result, and is a third shorter in the file than as base64.
            value_bytes_max: open::VALUE_BYTES_MAX.max(bytes_max),
            pool: self.plan.pool,
        };
        let database = SqliteDatabase::open(&self.path, settings)
            .await
            .map_err(|error| connect_error(error, &self.plan.place.join("path")))?;
        Ok(SqlSource::open(database, self.plan.clone()).await)
    }
}

fn connect_error(error: SqlError, place: &Pointer) -> ConnectError {
    let SqlError::Unreachable(cause) = error else {
        return ConnectError::new("the database file can't be read").because(error).at(place.clone());
    };
    let code = cause.downcast_ref::<rusqlite::Error>().and_then(rusqlite::Error::sqlite_error_code);
    let words = match code {
        Some(ErrorCode::NotADatabase) => "the file is not an SQLite database",
        Some(ErrorCode::CannotOpen) => {
            "the database file can't be opened: it is missing, or this process may not read it, or it is in WAL mode \
             in a folder that this process may not write to (then set `immutable = true` if nobody writes to it)"
        }
        Some(ErrorCode::PermissionDenied | ErrorCode::ReadOnly) => "this process may not write to the database file",
        _ => "the database file can't be read",
    };
    ConnectError::new(words).because(cause).at(place.clone())
}

/// Makes a database file and runs `sql` in it, for demonstrations and tests. An existing file is left as it is, and is
/// an error.
pub fn create(path: &Path, sql: &str) -> Result<(), CreateError> {
    std::fs::File::create_new(path)?;
    let mut db = Connection::open(path)?;
    let transaction = db.transaction()?;
    transaction.execute_batch(sql)?;
    Ok(transaction.commit()?)
}

/// Why a database file was not made.
#[derive(Debug, thiserror::Error)]
pub enum CreateError {
    #[error("the file can't be made")]
    File(#[from] std::io::Error),
    #[error("the database can't be filled")]
    Sql(#[from] rusqlite::Error),
}

/// How a file is opened.
#[derive(Debug, Clone, Copy)]
struct SqliteSettings {
    immutable: bool,
    access: Access,
    value_bytes_max: usize,
    pool: PoolPlan,
}

/// A database file with its connections.
#[derive(Debug)]
pub struct SqliteDatabase {
    pool: Arc<Pool>,
}

impl SqliteDatabase {
    /// Opens the file and reads its first page.
    async fn open(path: &Path, settings: SqliteSettings) -> Result<Arc<Self>, SqlError> {
        let SqliteSettings { immutable, access, value_bytes_max, pool } = settings;
        let database = Self { pool: Pool::new(path.to_owned(), immutable, value_bytes_max, pool) };
        database.touch(Mode::Own, limits::CONNECT_WAIT).await?;
        if access == Access::ReadWrite {
            database.touch(Mode::Writer, limits::CONNECT_WAIT).await?;
        }
        Ok(Arc::new(database))
    }

    /// Reads the file's first page, on a connection of that mode.
    async fn touch(&self, mode: Mode, timeout: Duration) -> Result<(), SqlError> {
        let run = Run { mode, timeout, cancel: CancellationToken::new() };
        let read = |lease: &mut pool::Lease| {
            let read = lease.conn.db.query_row("SELECT count(*) FROM main.sqlite_schema", [], |_| Ok(()));
            read.map_err(|error| lease.told(error, 0))?;
            if lease.conn.writes && lease.conn.db.is_readonly("main").unwrap_or(true) {
                let code = rusqlite::ffi::Error::new(rusqlite::ffi::SQLITE_READONLY);
                return Err(SqlError::Unreachable(Box::new(rusqlite::Error::SqliteFailure(code, None))));
            }
            Ok(())
        };
        self.pool.run(run, read).await
    }
}

#[async_trait]
impl Database for SqliteDatabase {
    fn dialect(&self) -> &'static Dialect {
        &DIALECT
    }

    async fn describe(&self, sql: &str, access: Access) -> Result<Description, SqlError> {
        let run = |mode| Run { mode, timeout: limits::STATEMENT_WAIT, cancel: CancellationToken::new() };
        let (first, second) = (sql.to_owned(), sql.to_owned());
        let read = self.pool.run(run(Mode::Reader), move |lease| run::describe(lease, &first, true)).await;
        match read {
            Err(SqlError::Rejected(_)) if access == Access::ReadWrite => {
                self.pool.run(run(Mode::Writer), move |lease| run::describe(lease, &second, false)).await
            }
            other => other,
        }
    }

    async fn run(&self, query: Query<'_>, cx: &Context) -> Result<Rows, SqlError> {
        let job = Arc::new(Job::new(&query)?);
        let run = |mode| Run { mode, timeout: query.timeout, cancel: cx.cancel.clone() };
        // What only reads must not wait for the one that writes.
        let same = job.clone();
        let read = self.pool.run(run(Mode::Reader), move |lease| run::read(lease, &same)).await;
        match read {
            Err(SqlError::Rejected(_)) if query.access == Access::ReadWrite => {
                self.pool.run(run(Mode::Writer), move |lease| run::write(lease, &job)).await
            }
            other => other,
        }
    }

    async fn explain(&self, query: Query<'_>, analyze: bool, cx: &Context) -> Result<String, SqlError> {
        let job = Job::new(&query)?;
        let run = Run { mode: Mode::Reader, timeout: query.timeout, cancel: cx.cancel.clone() };
        self.pool.run(run, move |lease| run::explain(lease, &job, analyze)).await
    }

    async fn schema(&self, scope: Scope<'_>, cx: &Context) -> Result<Schema, SqlError> {
        let (schema, table) = (scope.schema.map(str::to_owned), scope.table.map(str::to_owned));
        let left = cx.time_left().unwrap_or(limits::STATEMENT_WAIT).min(limits::STATEMENT_WAIT);
        let read = move |lease: &mut pool::Lease| introspect::schema(lease, schema.as_deref(), table.as_deref());
        self.pool.run(Run::own(left, cx), read).await
    }

    async fn health(&self) -> Health {
        match self.touch(Mode::Own, limits::HEALTH_WAIT).await {
            // Busy is not ill.
            Ok(()) | Err(SqlError::PoolBusy(_)) => Health::Ready,
            Err(error) => {
                tracing::warn!(path = %self.pool.path().display(), %error, "database file can't be read");
                Health::Degraded("the database file can't be read".to_owned())
            }
        }
    }

    fn pool_use(&self) -> Option<PoolUse> {
        Some(self.pool.used())
    }

    async fn privileges(&self) -> Vec<Diagnostic> {
        // A file has no roles. Read-only is held by how it is opened, whatever this process may do to it.
        Vec::new()
    }
}
