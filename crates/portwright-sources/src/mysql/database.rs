//! [`MySqlDatabase`]: the shared SQL source's view of a server.

use std::sync::Arc;
use std::time::Duration;

use mysql_async::prelude::Queryable as _;
use portwright_core::{Context, Diagnostic, Health, Pointer, async_trait, limits};
use tokio::time::{Instant, timeout_at};
use tokio_util::sync::CancellationToken;

use super::documents::Documents;
use super::errors::{is_lost, told};
use super::guard::{Author, Guard, Kind};
use super::pool::{Lease, Pool};
use super::run::{self, Failure, Job};
use super::session::{Flavor, Opener, Session};
use super::{DIALECT, introspect, privileges, types};
use crate::shared::sql::{
    Access, Database, Description, Dialect, OutputColumn, PoolPlan, Query, Rows, Schema, Scope, SqlError,
};

/// A server with its connections.
#[derive(Debug)]
pub struct MySqlDatabase {
    pool: Arc<Pool>,
    guard: Guard,
    access: Access,
    /// Where its table stands.
    place: Pointer,
    flavor: Flavor,
    documents: Documents,
}

impl MySqlDatabase {
    /// Opens a first connection.
    pub(super) async fn open(
        opener: Opener,
        guard: Guard,
        access: Access,
        plan: PoolPlan,
        place: Pointer,
    ) -> Result<Arc<Self>, SqlError> {
        let pool = Pool::new(opener, plan);
        let mut lease = pool.lease(false).await?;
        let flavor = lease.session()?.flavor;
        drop(lease);
        Ok(Arc::new(Self { pool, guard, access, place, flavor, documents: Documents::default() }))
    }

    fn judged(&self, sql: &str, access: Access, author: Author) -> Result<Kind, SqlError> {
        self.guard.check(sql, access, author).map_err(|rejection| SqlError::Rejected(rejection.to_string()))
    }

    fn checked(&self, query: &Query<'_>) -> Result<Kind, SqlError> {
        let author = if query.declared { Author::Operator } else { Author::Model };
        self.judged(query.sql, query.access, author)
    }

    /// Runs a job on a connection, once more on a new one if the first was dead.
    async fn attempts(&self, job: Job<'_>, cx: &Context) -> Result<Rows, SqlError> {
        let work = async {
            let mut again = false;
            loop {
                let mut lease = self.pool.lease(again).await?;
                match run::run(&mut lease, job).await {
                    Ok(rows) => return Ok(rows),
                    Err(Failure::Lost(_)) if lease.used && !again => {
                        cx.note(|trail| trail.flags.push("retried".to_owned()));
                        lease.discard();
                    }
                    Err(Failure::Lost(error)) => {
                        lease.discard();
                        return Err(error);
                    }
                    Err(Failure::Told(error)) => return Err(error),
                }
                again = true;
            }
        };
        bounded(work, job.deadline, job.query.timeout, &cx.cancel).await
    }

    /// Asks a question of our own, in a transaction that only reads.
    async fn ask<Q: Question>(
        &self,
        question: &Q,
        wait: Duration,
        cancel: &CancellationToken,
    ) -> Result<Q::Answer, SqlError> {
        let deadline = Instant::now() + wait;
        let work = async {
            let mut again = false;
            loop {
                let mut lease = self.pool.lease(again).await?;
                match answer(&mut lease, deadline, question).await {
                    Err(SqlError::Unreachable(error)) => {
                        let used = lease.used;
                        lease.discard();
                        if again || !used {
                            return Err(SqlError::Unreachable(error));
                        }
                    }
                    other => return other,
                }
                again = true;
            }
        };
        bounded(work, deadline, wait, cancel).await
    }
}

/// A question of our own.
trait Question: Sync {
    type Answer: Send;

    /// What its transaction may do.
    fn access(&self) -> Access {
        Access::ReadOnly
    }

    fn ask(&self, session: &mut Session) -> impl Future<Output = Result<Self::Answer, mysql_async::Error>> + Send;
}

/// What a statement takes and gives. Its parameters have no types before they have values.
struct Describe<'a> {
    sql: &'a str,
    access: Access,
    documents: &'a Documents,
}

impl Question for Describe<'_> {
    type Answer = Vec<OutputColumn>;

    /// A statement that writes is not even prepared in a transaction that only reads.
    fn access(&self) -> Access {
        self.access
    }

    async fn ask(&self, session: &mut Session) -> Result<Self::Answer, mysql_async::Error> {
        let columns = session.conn.prep(self.sql).await?.columns();
        let forms = self.documents.forms(session, &columns).await?;
        Ok(types::columns(&columns, &forms))
    }
}

/// What there is.
struct Look<'a> {
    scope: Scope<'a>,
    database: Option<&'a str>,
    flavor: Flavor,
}

impl Question for Look<'_> {
    type Answer = Schema;

    async fn ask(&self, session: &mut Session) -> Result<Schema, mysql_async::Error> {
        introspect::schema(&mut session.conn, self.scope, self.database, self.flavor).await
    }
}

/// Whether anybody is there.
struct Ping;

impl Question for Ping {
    type Answer = ();

    async fn ask(&self, _: &mut Session) -> Result<(), mysql_async::Error> {
        Ok(())
    }
}

/// What the user may do.
struct Grants;

impl Question for Grants {
    type Answer = privileges::Facts;

    async fn ask(&self, session: &mut Session) -> Result<privileges::Facts, mysql_async::Error> {
        privileges::facts(&mut session.conn).await
    }
}

async fn answer<Q: Question>(lease: &mut Lease, deadline: Instant, question: &Q) -> Result<Q::Answer, SqlError> {
    lease.start();
    let wait = deadline.saturating_duration_since(Instant::now());
    let session = lease.session()?;
    let answered = async {
        session.begin(question.access(), wait, None).await?;
        question.ask(session).await
    };
    match answered.await {
        Ok(answer) => {
            lease.rest();
            Ok(answer)
        }
        Err(error) => {
            if !is_lost(&error) && !error.is_fatal() {
                lease.rest();
            }
            Err(told(error, wait))
        }
    }
}

/// Work within its time, unless it is called off.
async fn bounded<T>(
    work: impl Future<Output = Result<T, SqlError>>,
    deadline: Instant,
    wait: Duration,
    cancel: &CancellationToken,
) -> Result<T, SqlError> {
    tokio::select! {
        biased;
        () = cancel.cancelled() => Err(SqlError::Cancelled),
        done = timeout_at(deadline, work) => done.unwrap_or(Err(SqlError::TimedOut(wait))),
    }
}

fn deadline(wait: Duration, cx: &Context) -> Instant {
    Instant::now() + cx.time_left().map_or(wait, |left| left.min(wait))
}

#[async_trait]
impl Database for MySqlDatabase {
    fn dialect(&self) -> &'static Dialect {
        &DIALECT
    }

    async fn describe(&self, sql: &str, access: Access) -> Result<Description, SqlError> {
        self.judged(sql, access, Author::Operator)?;
        // A function of the operator's own may write.
        let reads = self.judged(sql, Access::ReadOnly, Author::Model).is_ok();
        let question = Describe { sql, access, documents: &self.documents };
        let columns = self.ask(&question, limits::STATEMENT_WAIT, &CancellationToken::new()).await?;
        Ok(Description { params: Vec::new(), columns, read_only: access == Access::ReadOnly || reads })
    }

    async fn run(&self, query: Query<'_>, cx: &Context) -> Result<Rows, SqlError> {
        let kind = self.checked(&query)?;
        let job =
            Job { query, sql: query.sql, kind, documents: &self.documents, deadline: deadline(query.timeout, cx) };
        self.attempts(job, cx).await
    }

    async fn explain(&self, query: Query<'_>, analyze: bool, cx: &Context) -> Result<String, SqlError> {
        let query = Query { access: Access::ReadOnly, ..query };
        if self.checked(&query)? != Kind::Query {
            return Err(SqlError::Rejected("only SELECT, WITH, VALUES and TABLE can be explained".to_owned()));
        }
        let prefix = match (self.flavor, analyze) {
            (_, false) => "EXPLAIN FORMAT=JSON ",
            (Flavor::MySql, true) => "EXPLAIN ANALYZE ",
            (Flavor::MariaDb, true) => "ANALYZE FORMAT=JSON ",
        };
        let sql = format!("{prefix}{}", query.sql);
        let query = Query { rows_max: usize::MAX, ..query };
        let job = Job {
            query,
            sql: &sql,
            kind: Kind::Telling,
            documents: &self.documents,
            deadline: deadline(query.timeout, cx),
        };
        let rows = self.attempts(job, cx).await?;
        let mut lines: Vec<String> =
            rows.rows.iter().filter_map(|row| row.first()?.as_str().map(str::to_owned)).collect();
        if rows.truncated.is_some() {
            lines.push("…".to_owned());
        }
        Ok(lines.join("\n"))
    }

    async fn schema(&self, scope: Scope<'_>, cx: &Context) -> Result<Schema, SqlError> {
        let wait = cx.time_left().unwrap_or(limits::STATEMENT_WAIT).min(limits::STATEMENT_WAIT);
        let database = self.pool.opener.dsn.database.as_deref();
        self.ask(&Look { scope, database, flavor: self.flavor }, wait, &cx.cancel).await
    }

    async fn health(&self) -> Health {
        match self.ask(&Ping, limits::HEALTH_WAIT, &CancellationToken::new()).await {
            // Busy is not ill.
            Ok(()) | Err(SqlError::PoolBusy(_)) => Health::Ready,
            Err(error) => {
                tracing::warn!(%error, "database does not answer");
                Health::Degraded("the database can't be reached".to_owned())
            }
        }
    }

    async fn privileges(&self) -> Vec<Diagnostic> {
        let mut found = privileges::of_connection(&self.pool.opener.dsn, &self.place);
        match self.ask(&Grants, limits::STATEMENT_WAIT, &CancellationToken::new()).await {
            Ok(facts) => {
                let database = self.pool.opener.dsn.database.as_deref();
                found.extend(privileges::judge(&facts, self.access, database, &self.place));
            }
            Err(error) => tracing::warn!(%error, "privileges can't be read"),
        }
        found
    }

    async fn close(&self) {
        self.pool.close().await;
    }
}

#[cfg(test)]
impl MySqlDatabase {
    pub(super) fn pool(&self) -> &Arc<Pool> {
        &self.pool
    }
}
