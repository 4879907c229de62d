//! One statement in one transaction.
//!
//! `BEGIN` and the statement's first messages leave together, so that a declared statement takes one round trip to its
//! rows. What only reads is never committed: the transaction is rolled back when the reply has
//! already left.

use std::time::Duration;

use futures::TryStreamExt as _;
use futures::future::{OptionFuture, try_join, try_join3};
use serde_json::Value;
use tokio::time::Instant;
use tokio_postgres::types::Type;
use tokio_postgres::{Client, RowStream, Statement};

use super::Access;
use super::errors::Fault;
use super::fly::fly;
use super::gather::{Gather, Wish};
use super::guard::{Names, Relation};
use super::identity::Guise;
use super::pool::Lease;
use super::reach::{Beyond, Reach};
use super::session::{Prepared, Session, waits};
use super::types::{Bound, Cell, schema};
use crate::shared::sql::{OutputColumn, Query, Rows, SqlError, unique_names};

/// Volatile functions, or all if `$3`, that a statement could call without the guard's leave. By a name in field position: those of one
/// argument, which may be the row itself. By the name of one of PostgreSQL's own: those that the path leads to and that
/// are not hidden by one of the same arguments, which comes first. An aggregate is as volatile as what it is made of.
const OTHER_FUNCTIONS: &str = "\
SELECT DISTINCT n.nspname::pg_catalog.text, p.proname::pg_catalog.text
FROM pg_catalog.pg_proc p JOIN pg_catalog.pg_namespace n ON n.oid = p.pronamespace
WHERE n.nspname <> 'pg_catalog' AND p.proname = ANY ($1::pg_catalog.text[] || $2::pg_catalog.text[])
  AND ($3 OR p.provolatile = 'v' OR EXISTS (
    SELECT FROM pg_catalog.pg_aggregate a
    JOIN pg_catalog.pg_proc f ON f.oid IN (a.aggtransfn, a.aggfinalfn, a.aggmtransfn, a.aggminvtransfn, a.aggmfinalfn)
    WHERE a.aggfnoid = p.oid AND f.provolatile = 'v'))
  AND ((p.proname = ANY ($1) AND p.prokind = 'f' AND p.pronargs >= 1 AND p.pronargs - p.pronargdefaults <= 1)
    OR (p.proname = ANY ($2) AND n.nspname = ANY (pg_catalog.current_schemas(false)) AND NOT EXISTS (
      SELECT FROM pg_catalog.pg_proc o WHERE o.pronamespace = 'pg_catalog'::pg_catalog.regnamespace
      AND o.proname = p.proname AND o.proargtypes = p.proargtypes AND p.pronargdefaults = 0 AND p.provariadic = 0)))";

/// A statement on its way.
#[derive(Debug, Clone, Copy)]
pub(super) struct Job<'a> {
    pub(super) query: Query<'a>,
    /// The statement as sent: the caller's, or with EXPLAIN before it.
    pub(super) sql: &'a str,
    /// Characters before the caller's statement.
    pub(super) prefix: usize,
    /// Names to compare with the functions that the database has.
    pub(super) names: &'a Names,
    /// The fence and masks that hold for it, with what it names.
    pub(super) held: Option<Held<'a>>,
    /// What its transaction runs under.
    pub(super) guise: &'a Guise,
    /// The statement was rewritten: places in it are not the caller's.
    pub(super) moved: bool,
    pub(super) deadline: Instant,
}

/// What an ad-hoc statement names, and what of it is open.
#[derive(Debug, Clone, Copy)]
pub(super) struct Held<'a> {
    pub(super) reach: &'a Reach,
    pub(super) relations: &'a [Relation],
}

/// Why an attempt failed.
#[derive(Debug)]
pub(super) enum Failure {
    /// The connection was gone before the server can have done anything that lasts.
    Lost(SqlError),
    /// What was prepared is of no use any more.
    Stale(SqlError),
    Told(SqlError),
}

impl Failure {
    pub(super) fn into_error(self) -> SqlError {
        let (Self::Lost(error) | Self::Stale(error) | Self::Told(error)) = self;
        error
    }
}

impl From<SqlError> for Failure {
    fn from(error: SqlError) -> Self {
        Self::Told(error)
    }
}

impl Job<'_> {
    pub(super) fn failed(&self, fault: Fault, lease: &mut Lease) -> Failure {
        let (lost, stale) = (fault.is_lost(), fault.is_stale());
        if lost && lease.session().is_ok_and(|session| session.exceeded()) {
            return Failure::Told(SqlError::Database {
                message:
                    "a row of the result is larger than 16 MiB; ask for fewer columns, or for parts of long values \
                          (left(text, 1000), substring(bytes, 1, 1000))"
                        .to_owned(),
                code: "54000".to_owned(),
                position: None,
            });
        }
        let mut told = fault.told(self.query.timeout, self.prefix);
        if let SqlError::Database { position, .. } = &mut told {
            *position = position.filter(|_| !self.moved);
        }
        match (lost, stale) {
            (true, _) if self.query.access == Access::ReadOnly => Failure::Lost(told),
            (_, true) if self.query.declared => Failure::Stale(told),
            _ => Failure::Told(told),
        }
    }

    /// BEGIN, with what holds for this transaction alone.
    pub(super) fn begin(&self, session: &Session) -> String {
        let mode = if self.query.access == Access::ReadOnly { "READ ONLY" } else { "READ WRITE" };
        if self.query.timeout == session.statement_wait {
            return format!("BEGIN {mode}");
        }
        format!("BEGIN {mode}; {}", waits("SET LOCAL", self.query.timeout))
    }
}

/// Runs it. The lease rests afterwards if the server has nothing left to do.
pub(super) async fn run(lease: &mut Lease, job: Job<'_>) -> Result<Rows, Failure> {
    let writes = job.query.access == Access::ReadWrite;
    lease.start(writes);
    if !writes
        && job.query.declared
        && job.names.is_empty()
        && let Some(rows) = fly(lease, job).await?
    {
        return Ok(rows);
    }
    let Some(held) = job.held else { return proceed(lease, job, false).await };
    // In a place of their own: most statements are not held, and their future stays small.
    let rewritten = Box::pin(hold(lease, job, held)).await?;
    let before = job.sql.len() - job.query.sql.len();
    let sql = format!("{}{rewritten}", job.sql.get(..before).unwrap_or_default());
    let moved = rewritten != job.query.sql;
    Box::pin(proceed(lease, Job { sql: &sql, moved, ..job }, true)).await
}

/// Opens the transaction and asks what the statement's names stand for; gives it as it may run.
async fn hold(lease: &mut Lease, job: Job<'_>, held: Held<'_>) -> Result<String, Failure> {
    let session = lease.session()?;
    let (begin, client) = (job.begin(session), &session.client);
    let answered = async {
        try_join(client.batch_execute(&begin), job.guise.put_on(client)).await?;
        held.reach.hold(client, job.query.sql, held.relations).await
    };
    match answered.await {
        Ok(sql) => Ok(sql),
        Err(Beyond::Asking(error)) => Err(at_rest(lease, job, error)),
        Err(Beyond::Refused(error)) => {
            lease.rest();
            Err(error.into())
        }
    }
}

/// Runs it as it is. `begun`: the transaction is open.
async fn proceed(lease: &mut Lease, job: Job<'_>, begun: bool) -> Result<Rows, Failure> {
    let writes = job.query.access == Access::ReadWrite;
    let known = lease.session()?.prepared(job.sql).filter(|_| job.names.is_empty() && !begun);
    let (prepared, begin) = match known {
        Some(prepared) => (prepared, Some(job.begin(lease.session()?))),
        None => (start(lease, job, begun).await?, None),
    };
    let statement = &prepared.statement;
    if let Err(error) = fits(job.query.values, statement.params()) {
        lease.rest();
        return Err(error.into());
    }
    let params: Vec<Bound<'_>> = job.query.values.iter().map(Bound).collect();
    let client = &lease.session()?.client;
    let begun = async {
        match &begin {
            Some(begin) => try_join(client.batch_execute(begin), job.guise.put_on(client)).await.map(drop),
            None => Ok(()),
        }
    };
    // They are sent in this order, without waiting in between.
    let rows = match try_join(begun, client.query_raw(statement, params)).await {
        Ok(((), rows)) => rows,
        Err(error) => return Err(at_rest(lease, job, error)),
    };
    let result = collect(lease, job, &prepared, rows).await?;
    if writes {
        commit(lease, job).await?;
    }
    Ok(result)
}

/// The server has answered with an error: nothing runs any more.
fn at_rest(lease: &mut Lease, job: Job<'_>, error: tokio_postgres::Error) -> Failure {
    if error.as_db_error().is_some() {
        lease.rest();
    }
    job.failed(error.into(), lease)
}

/// Opens the transaction, unless it is open, and prepares the statement, in one round trip.
async fn start(lease: &mut Lease, job: Job<'_>, begun: bool) -> Result<Prepared, Failure> {
    let session = lease.session()?;
    let begin = job.begin(session);
    let known = session.prepared(job.sql);
    let client = &session.client;
    let check: OptionFuture<_> = (!job.names.is_empty()).then(|| other_functions(client, job)).into();
    let prepare: OptionFuture<_> = known.is_none().then(|| client.prepare(job.sql)).into();
    let begin = async {
        if begun {
            return Ok(());
        }
        try_join(client.batch_execute(&begin), job.guise.put_on(client)).await.map(drop)
    };
    // They are sent in this order.
    let started = try_join3(begin, async { prepare.await.transpose() }, async { check.await.transpose() });
    let (prepared, functions) = match started.await {
        Ok(((), prepared, functions)) => (prepared, functions),
        Err(error) => return Err(at_rest(lease, job, error)),
    };
    if let Some((schema, name)) = functions.unwrap_or_default().into_iter().next() {
        lease.rest();
        let words = other_function(&schema, &name, job.held.is_some());
        return Err(SqlError::Rejected(words).into());
    }
    let session = lease.session()?;
    match (known, prepared) {
        (Some(prepared), _) => Ok(prepared),
        (None, Some(statement)) => {
            let prepared = Prepared::from(statement);
            if job.query.declared {
                session.keep(job.sql, &prepared);
            }
            Ok(prepared)
        }
        (None, None) => Err(SqlError::Internal("nothing was prepared".into()).into()),
    }
}

/// Behind a fence, it is not said where there is a function.
fn other_function(schema: &str, name: &str, fenced: bool) -> String {
    if fenced {
        return format!(
            "`{name}` could call a function that is not PostgreSQL's own. Write pg_catalog.{name}(…) if you mean \
             PostgreSQL's, take a column by another name, or leave it out"
        );
    }
    format!(
        "`{name}` could call the function {schema}.{name}, which may change something. Write pg_catalog.{name}(…) if you \
         mean PostgreSQL's own, take a column by another name, or leave it out (an operator can allow it with \
         functions = [\"{schema}.{name}\"])"
    )
}

async fn other_functions(client: &Client, job: Job<'_>) -> Result<Vec<(String, String)>, tokio_postgres::Error> {
    let Names { fields, calls } = job.names;
    let [fields, calls] = [fields, calls].map(|names| names.iter().collect::<Vec<_>>());
    // One that only reads reads beyond a fence, or as somebody else.
    let any = job.held.is_some() || !job.guise.is_empty();
    let rows = client.query(OTHER_FUNCTIONS, &[&fields, &calls, &any]).await?;
    rows.iter().map(|row| Ok((row.try_get(0)?, row.try_get(1)?))).collect()
}

/// Says which value does not fit, before anything is sent.
fn fits(values: &[Value], types: &[Type]) -> Result<(), SqlError> {
    if values.len() != types.len() {
        let words = match values.len() {
            0 => "the statement has placeholders, and nothing to put there; write the values into it".to_owned(),
            given => format!("the statement takes {} parameters, and {given} were given", types.len()),
        };
        return Err(SqlError::Values(words));
    }
    for (index, (value, ty)) in values.iter().zip(types).enumerate() {
        Bound(value).text(ty).map_err(|error| SqlError::Value { index, words: error.to_string() })?;
    }
    Ok(())
}

/// The columns of a statement, with names that differ.
pub(super) fn columns(statement: &Statement) -> Vec<OutputColumn> {
    let names = unique_names(statement.columns().iter().map(tokio_postgres::Column::name));
    let columns = statement.columns().iter().zip(names);
    columns
        .map(|(column, name)| OutputColumn {
            name,
            type_name: type_name(column.type_()),
            schema: schema(column.type_()),
            nullable: true,
        })
        .collect()
}

/// A type's name with its schema where that is not PostgreSQL's own.
pub(super) fn type_name(ty: &Type) -> String {
    match ty.name().strip_prefix('_').filter(|_| matches!(ty.kind(), tokio_postgres::types::Kind::Array(_))) {
        Some(member) => format!("{member}[]"),
        None => ty.name().to_owned(),
    }
}

/// Reads rows up to the bounds.
async fn collect(lease: &mut Lease, job: Job<'_>, prepared: &Prepared, rows: RowStream) -> Result<Rows, Failure> {
    let mut rows = Box::pin(rows);
    let mut gather = Gather::new(prepared, job.query);
    let ended = loop {
        let row = match rows.as_mut().try_next().await {
            Ok(Some(row)) => row,
            Ok(None) => break true,
            Err(error) => return Err(at_rest(lease, job, error)),
        };
        let cells = (0..gather.width()).map(|index| row.try_get::<_, Cell<'_>>(index));
        let cells = cells.collect::<Result<Vec<_>, _>>().map_err(|error| job.failed(error.into(), lease))?;
        // What writes must come to its end; what reads is called off.
        if gather.row(cells) == Wish::Enough && job.query.access == Access::ReadOnly {
            break false;
        }
    };
    if let Some(count) = rows.rows_affected().filter(|_| job.query.access == Access::ReadWrite) {
        gather.result.wrote(job.query.sql, count);
    }
    if gather.asked.is_empty() {
        if ended {
            lease.rest();
        }
        return Ok(gather.result);
    }
    if !ended {
        // The rows that are left stand in the way: the driver throws away those that nobody takes.
        drop(rows);
        lease.call_off().await?;
        begin_anew(lease, job).await?;
    }
    gather.ask(lease).await
}

/// Opens another transaction in place of the one that was called off or has ended.
pub(super) async fn begin_anew(lease: &mut Lease, job: Job<'_>) -> Result<(), Failure> {
    let session = lease.session()?;
    // Outside of a transaction, ROLLBACK does nothing.
    let begun = session.client.batch_execute(&format!("ROLLBACK; {}", job.begin(session))).await;
    begun.map_err(|error| job.failed(error.into(), lease))
}

/// Ends a writing transaction. If the connection breaks here, nobody knows how it ended.
async fn commit(lease: &mut Lease, job: Job<'_>) -> Result<(), SqlError> {
    lease.start(true);
    let ended = lease.session()?.client.batch_execute("COMMIT").await.map_err(Fault::from);
    match ended {
        Ok(()) => {
            lease.rest();
            Ok(())
        }
        Err(fault) if fault.is_lost() => Err(SqlError::Database {
            message:
                "the connection was lost while the change was being committed; look whether it took effect before \
                      trying again"
                    .to_owned(),
            code: "08007".to_owned(),
            position: None,
        }),
        Err(fault) => {
            lease.rest();
            Err(fault.told(job.query.timeout, job.prefix))
        }
    }
}

/// What is left until `deadline`.
pub(super) fn left(deadline: Instant) -> Duration {
    deadline.saturating_duration_since(Instant::now())
}
