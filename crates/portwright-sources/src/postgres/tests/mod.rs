//! Against a server of our own.

mod attacks;
mod catalog;
mod faults;
mod flights;
mod identity;
mod operation;
mod plans;
mod reach;
mod secure;
mod source;
mod statements;
mod values;

use std::path::Path;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::{Duration, Instant};

use portwright_core::{Context, Pointer, Secret, TransportKind, limits};
use serde_json::Value;

use super::PostgresDatabase;
use super::database::Walls;
use super::dsn::Dsn;
use super::session::Opener;
use super::testing::Server;
use crate::shared::sql::{Access, Database as _, PoolPlan, Query, Rows, SqlError};

/// Tests that run at the same time share a server; it ends with the last of them.
static SHARED: Mutex<Weak<Server>> = Mutex::new(Weak::new());
static DATABASES: AtomicU32 = AtomicU32::new(1);

/// How long a test waits for something to come true.
const WAIT: Duration = Duration::from_secs(30);

/// A database of a test's own.
struct Fixture {
    server: Arc<Server>,
    database: String,
}

impl Fixture {
    fn new(sql: &str) -> Self {
        let server = {
            let mut shared = SHARED.lock().unwrap_or_else(PoisonError::into_inner);
            let server = shared.upgrade().unwrap_or_else(|| Arc::new(Server::start()));
            *shared = Arc::downgrade(&server);
            server
        };
        Self::on(server, sql)
    }

    fn on(server: Arc<Server>, sql: &str) -> Self {
        let database = format!("t{}", DATABASES.fetch_add(1, Ordering::Relaxed));
        server.sql("postgres", &format!("CREATE DATABASE {database}"));
        if !sql.is_empty() {
            server.sql(&database, sql);
        }
        Self { server, database }
    }

    fn sql(&self, sql: &str) -> Vec<String> {
        self.server.sql(&self.database, sql)
    }

    /// A role of this test alone.
    fn role(&self, options: &str) -> String {
        let role = format!("r_{}", self.database);
        self.sql(&format!("CREATE ROLE {role} LOGIN {options}"));
        role
    }

    fn url(&self, role: &str) -> String {
        self.server.url(role, &self.database)
    }

    async fn open(&self) -> Arc<PostgresDatabase> {
        open(&self.url("postgres"), Access::ReadOnly, 2).await.unwrap()
    }

    async fn open_for_writing(&self) -> Arc<PostgresDatabase> {
        open(&self.url("postgres"), Access::ReadWrite, 2).await.unwrap()
    }
}

async fn open(url: &str, access: Access, max: usize) -> Result<Arc<PostgresDatabase>, SqlError> {
    open_behind(Walls::default(), url, access, max).await
}

async fn open_behind(walls: Walls, url: &str, access: Access, max: usize) -> Result<Arc<PostgresDatabase>, SqlError> {
    let opener = Opener::new(Dsn::parse(&Secret::new(url), Path::new("/")).unwrap(), limits::STATEMENT_WAIT).unwrap();
    let plan = PoolPlan { max, wait: Duration::from_millis(500) };
    let place = Pointer::new("/sources/test");
    PostgresDatabase::open(opener, walls, access, plan, place).await
}

fn cx() -> Context {
    Context::new("test", TransportKind::InProcess)
}

fn query<'a>(sql: &'a str, values: &'a [Value]) -> Query<'a> {
    Query {
        sql,
        values,
        access: Access::ReadOnly,
        declared: false,
        rows_max: 200,
        bytes_max: 64 * 1024,
        timeout: Duration::from_secs(20),
    }
}

fn declared<'a>(sql: &'a str, values: &'a [Value]) -> Query<'a> {
    Query { declared: true, ..query(sql, values) }
}

fn writing<'a>(sql: &'a str, values: &'a [Value]) -> Query<'a> {
    Query { access: Access::ReadWrite, ..query(sql, values) }
}

async fn ask(database: &PostgresDatabase, sql: &str) -> Result<Rows, SqlError> {
    database.run(query(sql, &[]), &cx()).await
}

/// The one value of a result.
async fn one(database: &PostgresDatabase, sql: &str) -> Value {
    let rows = ask(database, sql).await.unwrap();
    assert_eq!((rows.rows.len(), rows.columns.len()), (1, 1), "{sql}");
    rows.rows[0][0].clone()
}

/// Waits until `is_so`.
async fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    let end = Instant::now() + WAIT;
    while !is_so() {
        assert!(Instant::now() < end, "never: {what}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}
