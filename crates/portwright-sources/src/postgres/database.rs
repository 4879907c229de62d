//! [`PostgresDatabase`]: the shared SQL source's view of a server.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures::future::try_join;
use portwright_core::{Context, Diagnostic, Health, Pointer, PoolUse, async_trait, limits};
use serde_json::Value;
use tokio::time::{Instant, timeout_at};
use tokio_util::sync::CancellationToken;

use super::errors::Fault;
use super::guard::{Author, Bounds, Guard, Names, Passed, Relation};
use super::identity::{Guise, Identity};
use super::pool::{Lease, Pool};
use super::reach::Reach;
use super::run::{self, Failure, Held, Job};
use super::session::{Opener, Session, waits};
use super::{DIALECT, introspect, privileges, tools};
use crate::shared::own::Toolbox;
use crate::shared::sql::{
    Access, Database, Description, Dialect, Imagined, OutputColumn, PoolPlan, Query, Rows, Schema, Scope, SqlError,
};

/// Bytes of a statement that the guard reads at once, in tens of microseconds. A longer one gets a thread.
const JUDGED_AT_ONCE_BYTES: usize = 1024;

/// Statements of the configuration that are remembered as checked.
const DECLARED_MAX: usize = 1000;

/// A server with its connections.
#[derive(Debug)]
pub struct PostgresDatabase {
    pub(super) pool: Arc<Pool>,
    pub(super) guard: Arc<Guard>,
    pub(super) reach: Reach,
    pub(super) identity: Identity,
    access: Access,
    /// Where its table stands.
    place: Pointer,
    /// Statements of the configuration that passed the guard: those that read, and those that may write.
    passed: [Mutex<HashSet<String>>; 2],
}

/// What statements are held to.
#[derive(Debug, Clone, Default)]
pub(super) struct Walls {
    pub(super) guard: Guard,
    pub(super) reach: Reach,
    pub(super) identity: Identity,
}

impl PostgresDatabase {
    /// Opens a first connection.
    pub(super) async fn open(
        opener: Opener,
        walls: Walls,
        access: Access,
        plan: PoolPlan,
        place: Pointer,
    ) -> Result<Arc<Self>, SqlError> {
        let Walls { guard, reach, identity } = walls;
        let bounds = Bounds { fenced: reach.is_bounded(), bound: identity.is_some() };
        let (guard, pool) = (Arc::new(guard.held(bounds)), Pool::new(opener, plan));
        let database = Self { pool, guard, reach, identity, access, place, passed: Default::default() };
        drop(database.pool.lease(false).await?);
        Ok(Arc::new(database))
    }

    pub(super) async fn checked(&self, query: &Query<'_>) -> Result<Passed, SqlError> {
        let author = if query.declared { Author::Operator } else { Author::Model };
        self.judged(query.sql, query.access, author).await
    }

    /// What an ad-hoc statement is held to, if anything is kept back.
    pub(super) fn held<'a>(&'a self, relations: Option<&'a [Relation]>) -> Option<Held<'a>> {
        let relations = relations.filter(|_| self.reach.is_bounded())?;
        Some(Held { reach: &self.reach, relations })
    }

    /// Asks the guard. What takes longer than other work of a call does not hold up other calls.
    async fn judged(&self, sql: &str, access: Access, author: Author) -> Result<Passed, SqlError> {
        let judged = if sql.len() <= JUDGED_AT_ONCE_BYTES {
            self.guard.check(sql, access, author)
        } else {
            let (guard, sql) = (self.guard.clone(), sql.to_owned());
            let judging = tokio::task::spawn_blocking(move || guard.check(&sql, access, author));
            judging.await.map_err(|error| SqlError::Internal(Box::new(error)))?
        };
        judged.map_err(|rejection| SqlError::Rejected(rejection.to_string()))
    }

    /// A statement of the configuration is checked once; what it calls is the operator's affair.
    async fn declared(&self, query: &Query<'_>) -> Result<(), SqlError> {
        let passed = || {
            let set = &self.passed[usize::from(query.access == Access::ReadWrite)];
            set.lock().unwrap_or_else(PoisonError::into_inner)
        };
        if passed().contains(query.sql) {
            return Ok(());
        }
        self.checked(query).await?;
        let mut passed = passed();
        if passed.len() < DECLARED_MAX {
            passed.insert(query.sql.to_owned());
        }
        Ok(())
    }

    /// Runs a job on a connection, once more on a new one if the first was dead.
    pub(super) async fn attempts(&self, job: Job<'_>, cx: &Context) -> Result<Rows, SqlError> {
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
                    Err(Failure::Stale(_)) if !again => {
                        lease.session()?.forget();
                        lease.discard();
                    }
                    Err(Failure::Lost(error) | Failure::Stale(error) | Failure::Told(error)) => return Err(error),
                }
                again = true;
            }
        };
        bounded(work, job.deadline, job.query.timeout, &cx.cancel).await
    }

    /// Runs a statement of our own, which the guard need not see. It only reads.
    pub(super) async fn ours(
        &self,
        sql: &str,
        values: &[Value],
        rows_max: usize,
        bytes_max: usize,
        cx: &Context,
    ) -> Result<Rows, SqlError> {
        let timeout = cx.time_left().map_or(limits::STATEMENT_WAIT, |left| left.min(limits::STATEMENT_WAIT));
        let (access, declared) = (Access::ReadOnly, true);
        let query = Query { sql, values, access, declared, rows_max, bytes_max, timeout };
        let (names, guise) = (Names::default(), self.identity.of(cx)?);
        let (names, guise, held, moved) = (&names, &guise, None, false);
        let job = Job { query, sql, prefix: 0, names, held, guise, moved, deadline: deadline(timeout, cx) };
        self.attempts(job, cx).await
    }

    /// Runs one statement of a caller that changes rows. One that changes all rows of a table must say so.
    pub(super) async fn change(&self, sql: &str, confirmed: bool, cx: &Context) -> Result<Rows, SqlError> {
        let change = self.judged(sql, Access::ReadWrite, Author::Model).await?.change;
        let words = match change {
            None => "only INSERT, UPDATE, DELETE or MERGE can be run by this tool",
            Some(change) if change.all && !confirmed => {
                "there is no WHERE: the statement would change all rows. Add one, or say confirm_all = true"
            }
            Some(_) => {
                let timeout = self.pool.opener.statement_wait();
                let timeout = cx.time_left().map_or(timeout, |left| left.min(timeout));
                let (rows_max, bytes_max) = (limits::ROWS_MAX, limits::RESULT_BYTES_MAX);
                let (access, declared, values) = (Access::ReadWrite, false, &[][..]);
                return self.run(Query { sql, values, access, declared, rows_max, bytes_max, timeout }, cx).await;
            }
        };
        Err(SqlError::Rejected(words.to_owned()))
    }

    /// Asks a question of our own, in a transaction that only reads.
    async fn ask<Q: Question>(
        &self,
        question: &Q,
        guise: &Guise,
        wait: Duration,
        cancel: &CancellationToken,
    ) -> Result<Q::Answer, SqlError> {
        let deadline = Instant::now() + wait;
        let work = async {
            let mut again = false;
            loop {
                let mut lease = self.pool.lease(again).await?;
                match answer(&mut lease, deadline, question, guise).await {
                    Err(SqlError::Unreachable(_)) if lease.used && !again => lease.discard(),
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

    fn ask(&self, session: &Session) -> impl Future<Output = Result<Self::Answer, tokio_postgres::Error>> + Send;
}

/// What a statement takes and gives.
struct Describe<'a>(&'a str);

impl Question for Describe<'_> {
    type Answer = (Vec<String>, Vec<OutputColumn>);

    /// The statement itself must not outlive the lease: the driver closes it on the session, whoever has that then.
    async fn ask(&self, session: &Session) -> Result<Self::Answer, tokio_postgres::Error> {
        let statement = session.client.prepare(self.0).await?;
        Ok((statement.params().iter().map(run::type_name).collect(), run::columns(&statement)))
    }
}

/// What there is.
struct Look<'a>(Scope<'a>);

impl Question for Look<'_> {
    type Answer = Schema;

    async fn ask(&self, session: &Session) -> Result<Schema, tokio_postgres::Error> {
        introspect::schema(&session.client, self.0, &session.default_schema).await
    }
}

/// Whether anybody is there.
struct Ping;

impl Question for Ping {
    type Answer = ();

    async fn ask(&self, _: &Session) -> Result<(), tokio_postgres::Error> {
        Ok(())
    }
}

/// What the role may do.
struct Role;

impl Question for Role {
    type Answer = privileges::Facts;

    async fn ask(&self, session: &Session) -> Result<privileges::Facts, tokio_postgres::Error> {
        privileges::facts(&session.client).await
    }
}

async fn answer<Q: Question>(
    lease: &mut Lease,
    deadline: Instant,
    question: &Q,
    guise: &Guise,
) -> Result<Q::Answer, SqlError> {
    lease.start(false);
    let wait = run::left(deadline);
    let session = lease.session()?;
    let begin = format!("BEGIN READ ONLY; {}", waits("SET LOCAL", wait));
    let answered = async {
        try_join(session.client.batch_execute(&begin), guise.put_on(&session.client)).await?;
        question.ask(session).await
    };
    let answered = answered.await.map_err(|error| Fault::from(error).told(wait, 0));
    lease.rest();
    answered
}

/// Work within its time, unless it is called off.
pub(super) async fn bounded<T>(
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

pub(super) fn deadline(wait: Duration, cx: &Context) -> Instant {
    Instant::now() + cx.time_left().map_or(wait, |left| left.min(wait))
}

#[async_trait]
impl Database for PostgresDatabase {
    fn dialect(&self) -> &'static Dialect {
        &DIALECT
    }

    async fn describe(&self, sql: &str, access: Access) -> Result<Description, SqlError> {
        self.judged(sql, access, Author::Operator).await?;
        // A function of the operator's own may write.
        let reads = self.judged(sql, Access::ReadOnly, Author::Model).await.is_ok();
        let (params, columns) =
            self.ask(&Describe(sql), &Guise::default(), limits::STATEMENT_WAIT, &CancellationToken::new()).await?;
        Ok(Description { params, columns, read_only: access == Access::ReadOnly || reads })
    }

    async fn run(&self, query: Query<'_>, cx: &Context) -> Result<Rows, SqlError> {
        let guise = self.identity.of(cx)?;
        let (mut names, mut relations) = (Names::default(), None);
        if query.declared {
            self.declared(&query).await?;
        } else {
            let passed = self.checked(&query).await?;
            if query.access == Access::ReadOnly || self.reach.is_bounded() || !guise.is_empty() {
                names = passed.names;
            }
            relations = Some(passed.relations);
        }
        names.retain(|name| !self.guard.allows(None, name));
        let (held, deadline) = (self.held(relations.as_deref()), deadline(query.timeout, cx));
        let (names, guise) = (&names, &guise);
        let job = Job { query, sql: query.sql, prefix: 0, names, held, guise, moved: false, deadline };
        self.attempts(job, cx).await
    }

    async fn explain(&self, query: Query<'_>, analyze: bool, cx: &Context) -> Result<String, SqlError> {
        Box::pin(self.planned(query, analyze, &[], cx)).await
    }

    async fn imagine(&self, query: Query<'_>, imagined: &[Imagined], cx: &Context) -> Result<String, SqlError> {
        let definitions = self.may_imagine(query, imagined, cx).await?;
        Box::pin(self.planned(query, false, &definitions, cx)).await
    }

    async fn schema(&self, scope: Scope<'_>, cx: &Context) -> Result<Schema, SqlError> {
        let wait = cx.time_left().unwrap_or(limits::STATEMENT_WAIT).min(limits::STATEMENT_WAIT);
        let mut schema = self.ask(&Look(scope), &self.identity.of(cx)?, wait, &cx.cancel).await?;
        self.reach.narrow(&mut schema);
        Ok(schema)
    }

    async fn health(&self) -> Health {
        match self.ask(&Ping, &Guise::default(), limits::HEALTH_WAIT, &CancellationToken::new()).await {
            // Busy is not ill.
            Ok(()) | Err(SqlError::PoolBusy(_)) => Health::Ready,
            Err(error) => {
                tracing::warn!(%error, "database does not answer");
                Health::Degraded("the database can't be reached".to_owned())
            }
        }
    }

    async fn privileges(&self) -> Vec<Diagnostic> {
        let mut found = privileges::of_connection(self.pool.opener.dsn(), &self.place);
        match self.ask(&Role, &Guise::default(), limits::STATEMENT_WAIT, &CancellationToken::new()).await {
            Ok(facts) => found.extend(privileges::judge(&facts, self.access, &self.place)),
            Err(error) => tracing::warn!(%error, "privileges can't be read"),
        }
        found
    }

    fn toolbox() -> Toolbox<Self> {
        tools::toolbox()
    }

    fn pool_use(&self) -> Option<PoolUse> {
        Some(self.pool.used())
    }

    async fn close(&self) {
        self.pool.close().await;
    }
}
