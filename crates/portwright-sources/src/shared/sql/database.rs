//! [`Database`]: what the shared SQL source needs of a database.

use std::fmt::Debug;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use portwright_core::{Context, Diagnostic, Health, PoolUse};
use serde_json::Value;

pub use crate::shared::access::Access;
use crate::shared::own::Toolbox;

/// How a database's SQL is written, as far as the shared code must know.
#[derive(Debug)]
#[expect(clippy::struct_excessive_bools, reason = "each says whether a dialect has something")]
pub struct Dialect {
    /// For people: `PostgreSQL`.
    pub name: &'static str,
    /// `$1` or `?1`, from a position that starts at 1.
    pub placeholder: fn(usize) -> String,
    /// `$tag$ … $tag$` strings.
    pub dollar_quotes: bool,
    /// `E'…\'…'` strings with backslash escapes.
    pub escape_strings: bool,
    /// Block comments that nest.
    pub nested_comments: bool,
    /// Identifiers in `[…]`.
    pub bracket_identifiers: bool,
    /// Identifiers in `` `…` ``.
    pub backtick_identifiers: bool,
    /// MySQL's texts and comments: `'…\'…'` and `"…"` with backslash escapes, comments from `#` to the end of the line.
    pub mysql_quotes: bool,
    /// Placeholders have no numbers, so that a parameter that is used twice has two.
    pub positional: bool,
    /// Characters that begin the database's own placeholders (`$` in `$1`). A declared statement must not use them,
    /// since its parameters have names.
    pub own_placeholders: &'static [char],
    /// A value has its own type, whatever the statement makes of it: 7 / 2 is 3.
    pub types_by_value: bool,
    /// Plans can be asked for with indexes that are not there.
    pub imagines: bool,
    /// A sentence for the model about what is special in this SQL.
    pub notes: &'static str,
}

/// An index that is not there.
#[derive(Debug, Clone, PartialEq, Eq, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Imagined {
    /// `table` or `schema.table`, as written in SQL without quotes.
    pub table: String,
    pub columns: Vec<String>,
    #[serde(default)]
    pub using: IndexMethod,
}

/// How an index is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum IndexMethod {
    #[default]
    Btree,
    Hash,
    Brin,
}

/// The JSON side of a parameter's type.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum ParamType {
    String,
    Integer,
    Number,
    Boolean,
    /// Any JSON value, bound as JSON text.
    Object,
    Array,
}

/// A column of a statement's result.
#[derive(Debug, Clone, PartialEq)]
pub struct OutputColumn {
    /// Unique within the result: a second `id` is `id_2`.
    pub name: String,
    /// The database's own name of its type.
    pub type_name: String,
    /// JSON Schema of its values, without null.
    pub schema: Value,
    /// Whether it may be null. True where the database does not say.
    pub nullable: bool,
}

/// What a statement takes and gives, as the database says without running it.
#[derive(Debug, Clone, PartialEq)]
pub struct Description {
    /// The database's names of its parameters' types, in order; empty where it does not say.
    pub params: Vec<String>,
    /// Empty for a statement without a result.
    pub columns: Vec<OutputColumn>,
    /// Whether it runs with [`Access::ReadOnly`]: it would pass the same walls. On a source that may write, such a
    /// declared statement is offered as one that only reads, and runs so.
    pub read_only: bool,
}

/// A statement to run.
#[derive(Debug, Clone, Copy)]
pub struct Query<'a> {
    /// One statement, with the dialect's own placeholders.
    pub sql: &'a str,
    /// One value for each placeholder, in order. Bound, never spliced.
    pub values: &'a [Value],
    pub access: Access,
    /// It comes from the configuration: prepare it once a connection and keep it.
    pub declared: bool,
    /// More than these are not read from the database; [`Truncation::Rows`] says that there were more.
    pub rows_max: usize,
    /// Bytes of the rows as JSON ([`json_bytes`](super::json_bytes)). The row that would exceed it is left out, and
    /// [`Truncation::Bytes`] says so.
    pub bytes_max: usize,
    /// What is left for it, the wait for a connection included; never longer than the call may take.
    pub timeout: Duration,
}

/// Why a result was cut.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Truncation {
    Rows,
    Bytes,
}

/// A statement's result.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Rows {
    pub columns: Arc<[OutputColumn]>,
    /// Values in the order of `columns`, each lossless.
    pub rows: Vec<Vec<Value>>,
    pub truncated: Option<Truncation>,
    /// Rows written, for a statement that writes rows.
    pub affected: Option<u64>,
    /// What was done, for a statement that changes something else than rows: `CREATE TABLE`.
    pub done: Option<String>,
}

impl Rows {
    /// Says what a statement that may write has done: how many rows it wrote, or its own words.
    pub fn wrote(&mut self, sql: &str, count: u64) {
        match definition(sql) {
            Some(words) if self.columns.is_empty() => self.done = Some(words),
            _ => self.affected = Some(count),
        }
    }
}

/// The first words of a statement that defines something; none for one that is about rows.
fn definition(sql: &str) -> Option<String> {
    /// Words between the verb and the kind of thing.
    const BETWEEN: [&str; 10] =
        ["OR", "REPLACE", "UNIQUE", "TEMP", "TEMPORARY", "UNLOGGED", "GLOBAL", "LOCAL", "RECURSIVE", "CONCURRENTLY"];
    let mut rest = sql.trim_start();
    while let Some(comment) = rest.strip_prefix("--") {
        rest = comment.split_once('\n')?.1.trim_start();
    }
    let mut words =
        rest.split(|letter: char| !letter.is_ascii_alphabetic() && letter != '_').map(str::to_ascii_uppercase);
    let verb = words.next()?;
    match verb.as_str() {
        "CREATE" | "ALTER" | "DROP" | "REFRESH" | "COMMENT" => {
            let kind = words.find(|word| !word.is_empty() && !BETWEEN.contains(&word.as_str()))?;
            let kind = if kind == "MATERIALIZED" { "MATERIALIZED VIEW".to_owned() } else { kind };
            Some(format!("{verb} {kind}"))
        }
        "TRUNCATE" | "ANALYZE" | "CALL" | "REINDEX" | "VACUUM" => Some(verb),
        _ => None,
    }
}

/// What kind of relation it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum TableKind {
    Table,
    View,
    MaterializedView,
    ForeignTable,
    VirtualTable,
}

/// A column of a table.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct ColumnInfo {
    pub name: String,
    #[serde(rename = "type")]
    pub type_name: String,
    pub nullable: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub default: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub comment: Option<String>,
    /// The values that it may take, for an enum.
    #[serde(rename = "enum", skip_serializing_if = "Vec::is_empty")]
    pub values: Vec<String>,
}

/// A reference to another table.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct ForeignKey {
    pub columns: Vec<String>,
    /// The table referred to, with its schema where it is not the same.
    pub references: String,
    pub referenced_columns: Vec<String>,
}

/// An index.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Index {
    pub name: String,
    /// Columns or expressions.
    pub columns: Vec<String>,
    pub unique: bool,
}

/// A table, view or the like.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Table {
    pub schema: String,
    pub name: String,
    pub kind: TableKind,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub comment: Option<String>,
    /// The database's own estimate.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rows_estimate: Option<u64>,
    pub columns: Vec<ColumnInfo>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub primary_key: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub foreign_keys: Vec<ForeignKey>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub indexes: Vec<Index>,
}

/// Which part of the schema is wanted. Names compare as the database compares quoted identifiers; one that does not
/// exist gives no tables and is no error.
#[derive(Debug, Clone, Copy, Default)]
pub struct Scope<'a> {
    pub schema: Option<&'a str>,
    pub table: Option<&'a str>,
}

/// What there is, as read from the catalogs now; only what the role may see, and without the database's own schemas.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Schema {
    /// Names of the schemas, also empty ones.
    pub schemas: Vec<String>,
    /// In order of schema and name; at most [`SCHEMA_TABLES_MAX`](portwright_core::limits::SCHEMA_TABLES_MAX).
    pub tables: Vec<Table>,
    /// Whether there are more tables than that.
    pub truncated: bool,
    /// The schema that unqualified names mean: `public`, `main`.
    pub default_schema: String,
}

/// Why a statement gave no rows. What `Display` says may be told to the caller.
#[derive(Debug, thiserror::Error)]
pub enum SqlError {
    /// The read-only guard refused it before it was sent.
    #[error("{0}")]
    Rejected(String),
    /// The database refused it.
    #[error("{message}")]
    Database {
        /// The database's message with its hint, without addresses or credentials.
        message: String,
        /// SQLSTATE, SQLite's extended code, or MySQL's number.
        code: String,
        /// Where in the statement, in characters from 1.
        position: Option<usize>,
    },
    /// A value does not fit its parameter.
    #[error("parameter {}: {words}", .index + 1)]
    Value {
        /// Which of [`Query::values`].
        index: usize,
        words: String,
    },
    /// The statement does not take as many values as there are.
    #[error("{0}")]
    Values(String),
    #[error("the database is busy: no connection was free within {0:?}")]
    PoolBusy(Duration),
    #[error("the database can't be reached now; try again later")]
    Unreachable(#[source] Box<dyn std::error::Error + Send + Sync>),
    #[error("the statement took longer than {0:?} and was stopped; narrow it, or ask for less")]
    TimedOut(Duration),
    #[error("the call was cancelled")]
    Cancelled,
    #[error("internal error")]
    Internal(#[source] Box<dyn std::error::Error + Send + Sync>),
}

/// A database with a pool of its own.
#[async_trait]
pub trait Database: Debug + Send + Sync + 'static {
    fn dialect(&self) -> &'static Dialect;

    /// Asks the database what a statement takes and gives. Runs nothing. With [`Access::ReadOnly`], a statement that
    /// the read-only guard would refuse is refused here too.
    async fn describe(&self, sql: &str, access: Access) -> Result<Description, SqlError>;

    /// Runs one statement in a clean session, in one transaction, and stops when `cx.cancel` fires. With
    /// [`Access::ReadOnly`], nothing changes whatever the statement says.
    async fn run(&self, query: Query<'_>, cx: &Context) -> Result<Rows, SqlError>;

    /// The plan of a read-only statement as text; `analyze` runs it (still read-only).
    async fn explain(&self, query: Query<'_>, analyze: bool, cx: &Context) -> Result<String, SqlError>;

    /// The plan of a statement that reads, as it would be with these indexes; [`Dialect::imagines`] says whether it can
    /// be asked for.
    async fn imagine(&self, _: Query<'_>, _: &[Imagined], _: &Context) -> Result<String, SqlError> {
        Err(SqlError::Rejected("this database can't plan with indexes that are not there".to_owned()))
    }

    /// What there is now within `scope`. [`Schema::schemas`] is complete whatever the scope.
    async fn schema(&self, scope: Scope<'_>, cx: &Context) -> Result<Schema, SqlError>;

    async fn health(&self) -> Health;

    /// Privileges that are wider than the plan needs, each with the statements that mend it. Places are within
    /// `[sources.NAME]`.
    async fn privileges(&self) -> Vec<Diagnostic>;

    /// The tools that only this kind of database has.
    fn toolbox() -> Toolbox<Self>
    where
        Self: Sized,
    {
        Toolbox::closed(Vec::new())
    }

    /// How its connections are used, without asking it.
    fn pool_use(&self) -> Option<PoolUse> {
        None
    }

    /// Returns when no statement runs any more.
    async fn close(&self) {}
}

#[cfg(test)]
mod tests {
    use super::definition;

    #[test]
    fn what_defines_something_is_told_from_what_writes_rows() {
        for (sql, words) in [
            ("create unique index on t (a)", Some("CREATE INDEX")),
            ("-- a note\n CREATE OR REPLACE TEMP VIEW v AS SELECT 1", Some("CREATE VIEW")),
            ("REFRESH MATERIALIZED VIEW m", Some("REFRESH MATERIALIZED VIEW")),
            ("COMMENT ON TABLE t IS 'x'", Some("COMMENT ON")),
            ("TRUNCATE t", Some("TRUNCATE")),
            ("INSERT INTO t VALUES (1)", None),
            ("WITH x AS (SELECT 1) DELETE FROM t", None),
            ("CREATE", None),
            ("--", None),
        ] {
            assert_eq!(definition(sql).as_deref(), words, "{sql}");
        }
    }
}
