//! A real server that goes away, is busy, or is asked for too much.

use std::time::Duration;

use serde_json::json;
use tokio_util::sync::CancellationToken;

use super::*;
use portwright_core::Health;

const OURS: &str = "datname = current_database() AND application_name = 'portwright'";

fn kill(fixture: &Fixture, state: &str) {
    fixture.sql(&format!("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE {OURS} AND state = '{state}'"));
}

fn running(fixture: &Fixture) -> bool {
    fixture.sql(&format!(
        "SELECT count(*) FROM pg_stat_activity WHERE {OURS} AND state = 'active' AND query LIKE '%slow%'"
    )) != ["0"]
}

/// Takes a minute on any machine, and only computes.
const SLOW: &str = "SELECT count(*) AS slow FROM generate_series(1, 100000) a, generate_series(1, 100000) b";

#[tokio::test(flavor = "multi_thread")]
async fn dead_idle_connections_are_replaced() {
    let fixture = Fixture::new("");
    let database = fixture.open().await;
    assert_eq!(one(&database, "SELECT 1").await, json!(1));
    for _ in 0..3 {
        kill(&fixture, "idle");
        assert_eq!(one(&database, "SELECT 2").await, json!(2));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_read_is_tried_again_when_its_connection_dies() {
    let fixture = Fixture::new("");
    let database = fixture.open().await;
    let once = "SELECT count(*) AS slow FROM generate_series(1, 3000) a, generate_series(1, 3000) b";
    assert_eq!(one(&database, "SELECT 1").await, json!(1));
    let context = cx();
    let work = database.run(query(once, &[]), &context);
    let killer = async {
        until("it runs", || running(&fixture)).await;
        kill(&fixture, "active");
    };
    let (answer, ()) = tokio::join!(work, killer);
    assert_eq!(answer.unwrap().rows, [[json!(9_000_000)]]);
    assert_eq!(context.trail().flags, ["retried"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_write_is_never_tried_again() {
    let fixture = Fixture::new("CREATE TABLE t (x bigint)");
    let database = fixture.open_for_writing().await;
    let sql = format!("INSERT INTO t {SLOW}");
    let context = cx();
    let work = database.run(writing(&sql, &[]), &context);
    let killer = async {
        until("it runs", || running(&fixture)).await;
        kill(&fixture, "active");
    };
    let (answer, ()) = tokio::join!(work, killer);
    assert!(matches!(answer, Err(SqlError::Unreachable(_))), "{answer:?}");
    assert_eq!(fixture.sql("SELECT count(*) FROM t"), ["0"]);
    assert_eq!(one(&database, "SELECT 1").await, json!(1));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restarted_server_is_found_again() {
    let mut server = Server::start();
    server.sql("postgres", "CREATE DATABASE d");
    let database = open(&server.url("postgres", "d"), Access::ReadOnly, 2).await.unwrap();
    assert_eq!(one(&database, "SELECT 1").await, json!(1));
    server.stop();
    let down = ask(&database, "SELECT 1").await.unwrap_err();
    assert!(matches!(down, SqlError::Unreachable(_)), "{down:?}");
    assert!(!down.to_string().contains("127.0.0.1"), "{down}");
    assert!(matches!(database.health().await, Health::Degraded(_)));
    server.restart();
    assert_eq!(one(&database, "SELECT 2").await, json!(2));
    assert_eq!(database.health().await, Health::Ready);
}

async fn assert_stopped(fixture: &Fixture, database: &PostgresDatabase) {
    until("the server has stopped", || !running(fixture)).await;
    // On the one connection that there is.
    for _ in 0..20 {
        assert_eq!(one(database, "SELECT 1").await, json!(1));
    }
    assert_eq!(fixture.sql(&format!("SELECT count(*) FROM pg_stat_activity WHERE {OURS}")), ["1"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cancelled_call_stops_on_the_server() {
    let fixture = Fixture::new("");
    let database = open(&fixture.url("postgres"), Access::ReadOnly, 1).await.unwrap();
    let mut context = cx();
    let cancel = CancellationToken::new();
    context.cancel = cancel.clone();
    let canceller = async {
        until("it runs", || running(&fixture)).await;
        cancel.cancel();
    };
    let (answer, ()) = tokio::join!(database.run(query(SLOW, &[]), &context), canceller);
    assert!(matches!(answer, Err(SqlError::Cancelled)), "{answer:?}");
    assert_stopped(&fixture, &database).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dropped_call_stops_on_the_server() {
    let fixture = Fixture::new("");
    let database = open(&fixture.url("postgres"), Access::ReadOnly, 1).await.unwrap();
    let context = cx();
    tokio::select! {
        answer = database.run(query(SLOW, &[]), &context) => panic!("{answer:?}"),
        () = until("it runs", || running(&fixture)) => {}
    }
    assert_stopped(&fixture, &database).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_slow_statement_is_stopped_in_time() {
    let fixture = Fixture::new("");
    let database = open(&fixture.url("postgres"), Access::ReadOnly, 1).await.unwrap();
    let short = Query { timeout: Duration::from_millis(300), ..query(SLOW, &[]) };
    let answer = database.run(short, &cx()).await;
    assert!(matches!(answer, Err(SqlError::TimedOut(_))), "{answer:?}");
    assert_stopped(&fixture, &database).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_pool_says_so() {
    let fixture = Fixture::new("");
    let database = open(&fixture.url("postgres"), Access::ReadOnly, 1).await.unwrap();
    let (slow, quick) = (cx(), cx());
    tokio::select! {
        answer = database.run(query(SLOW, &[]), &slow) => panic!("{answer:?}"),
        answer = async {
            until("it runs", || running(&fixture)).await;
            database.run(query("SELECT 1", &[]), &quick).await
        } => assert!(matches!(answer, Err(SqlError::PoolBusy(_))), "{answer:?}"),
    }
    assert_eq!(database.health().await, Health::Ready);
}

#[tokio::test(flavor = "multi_thread")]
async fn many_calls_share_few_connections() {
    let fixture = Fixture::new("");
    let database = open(&fixture.url("postgres"), Access::ReadOnly, 3).await.unwrap();
    let calls = (0..60).map(|number| {
        let database = database.clone();
        async move { one(&database, &format!("SELECT {number}")).await == json!(number) }
    });
    assert!(futures::future::join_all(calls).await.into_iter().all(|right| right));
    let open = fixture.sql(&format!("SELECT count(*) FROM pg_stat_activity WHERE {OURS}"));
    assert!(open[0].parse::<u32>().unwrap() <= 3, "{open:?}");
}
