//! Plans of statements that read: as they are, and with indexes that are not there, by the extension hypopg.
//!
//! Such indexes belong to the connection and outlive the transaction, so the connection is closed afterwards. Only names
//! and columns that the caller could read are taken, and they are quoted, never spliced.

use portwright_core::Context;
use tokio::time::Instant;

use super::database::{PostgresDatabase, bounded, deadline};
use super::errors::Fault;
use super::guard::Names;
use super::identity::Guise;
use super::pool::Lease;
use super::run::{self, Failure, Job};
use super::session::{identifier, waits};
use crate::shared::sql::{Access, Imagined, IndexMethod, Query, SqlError};

/// Where hypopg is, if it is.
const HYPOPG: &str = "SELECT n.nspname::pg_catalog.text FROM pg_catalog.pg_extension e \
                      JOIN pg_catalog.pg_namespace n ON n.oid = e.extnamespace WHERE e.extname = 'hypopg'";

/// A table's name as a caller writes it, quoted.
fn table(name: &str) -> Result<String, SqlError> {
    let parts: Vec<&str> = name.split('.').collect();
    if parts.len() > 2 || parts.iter().any(|part| part.is_empty() || part.contains('\0')) {
        let words = format!("`{name}` is no table; write `table` or `schema.table`, without quotes");
        return Err(SqlError::Rejected(words));
    }
    Ok(parts.into_iter().map(identifier).collect::<Vec<_>>().join("."))
}

fn columns(imagined: &Imagined) -> String {
    imagined.columns.iter().map(|column| identifier(column)).collect::<Vec<_>>().join(", ")
}

fn definition(imagined: &Imagined) -> Result<String, SqlError> {
    let using = match imagined.using {
        IndexMethod::Btree => "btree",
        IndexMethod::Hash => "hash",
        IndexMethod::Brin => "brin",
    };
    Ok(format!("CREATE INDEX ON {} USING {using} ({})", table(&imagined.table)?, columns(imagined)))
}

impl PostgresDatabase {
    /// The plan of a statement; with `analyze` it is run; with definitions, these indexes are made up before.
    pub(super) async fn planned(
        &self,
        query: Query<'_>,
        analyze: bool,
        definitions: &[String],
        cx: &Context,
    ) -> Result<String, SqlError> {
        let query = Query { access: Access::ReadOnly, ..query };
        let guise = self.identity.of(cx)?;
        let passed = self.checked(&query).await?;
        if !passed.is_query {
            return Err(SqlError::Rejected("only SELECT, VALUES and TABLE can be explained".to_owned()));
        }
        let prefix = if analyze { "EXPLAIN (ANALYZE, BUFFERS, FORMAT TEXT) " } else { "EXPLAIN (FORMAT TEXT) " };
        let sql = format!("{prefix}{}", query.sql);
        let mut names = if query.declared { Names::default() } else { passed.names };
        names.retain(|name| !self.guard.allows(None, name));
        let declared = query.declared;
        let query = Query { rows_max: usize::MAX, declared: false, ..query };
        let (held, deadline) = (self.held((!declared).then_some(&*passed.relations)), deadline(query.timeout, cx));
        let (names, guise, prefix) = (&names, &guise, prefix.len());
        let job = Job { query, sql: &sql, prefix, names, held, guise, moved: false, deadline };
        let rows = if definitions.is_empty() {
            self.attempts(job, cx).await?
        } else {
            let work = async {
                let mut lease = self.pool.lease(false).await?;
                prepare(&mut lease, definitions, guise, deadline).await?;
                run::run(&mut lease, job).await.map_err(Failure::into_error)
            };
            bounded(work, deadline, query.timeout, &cx.cancel).await?
        };
        let mut lines: Vec<String> =
            rows.rows.iter().filter_map(|row| row.first()?.as_str().map(str::to_owned)).collect();
        if rows.truncated.is_some() {
            lines.push("…".to_owned());
        }
        Ok(lines.join("\n"))
    }

    /// Whether the caller may read what the indexes would be on: asked by a statement like any of theirs, which passes
    /// the guard, the fence and the server's own privileges.
    pub(super) async fn may_imagine(
        &self,
        query: Query<'_>,
        imagined: &[Imagined],
        cx: &Context,
    ) -> Result<Vec<String>, SqlError> {
        if self.reach.masks() {
            let words = "hypothetical_indexes can't be asked for where columns are masked; explain without them";
            return Err(SqlError::Rejected(words.to_owned()));
        }
        let mut definitions = Vec::new();
        for one in imagined {
            let sql = format!("SELECT {} FROM {} LIMIT 0", columns(one), table(&one.table)?);
            let probe = Query { sql: &sql, values: &[], access: Access::ReadOnly, declared: false, ..query };
            crate::shared::sql::Database::run(self, probe, cx).await.map_err(|error| match error {
                SqlError::Database { message, code, .. } => SqlError::Database {
                    message: format!("hypothetical_indexes, on `{}`: {message}", one.table),
                    code,
                    position: None,
                },
                other => other,
            })?;
            definitions.push(definition(one)?);
        }
        Ok(definitions)
    }
}

/// Makes the indexes on a connection that is closed after it.
async fn prepare(lease: &mut Lease, definitions: &[String], guise: &Guise, deadline: Instant) -> Result<(), SqlError> {
    lease.start(false);
    lease.last();
    let wait = run::left(deadline);
    let client = &lease.session()?.client;
    let made = async {
        client.batch_execute(&format!("BEGIN READ ONLY; {}", waits("SET LOCAL", wait))).await?;
        guise.put_on(client).await?;
        let Some(home) = client.query_opt(HYPOPG, &[]).await? else {
            return Ok::<_, tokio_postgres::Error>(false);
        };
        let home: String = home.try_get(0)?;
        let make = format!("SELECT {}.hypopg_create_index($1)", identifier(&home));
        for definition in definitions {
            client.query(&make, &[definition]).await?;
        }
        client.batch_execute("ROLLBACK").await?;
        Ok(true)
    };
    match made.await {
        Ok(true) => Ok(()),
        Ok(false) => {
            let words = "hypothetical_indexes need the extension hypopg, which this database does not have; whoever runs it can \
                         add it with CREATE EXTENSION hypopg";
            Err(SqlError::Rejected(words.to_owned()))
        }
        Err(error) => Err(Fault::from(error).told(wait, 0)),
    }
}
