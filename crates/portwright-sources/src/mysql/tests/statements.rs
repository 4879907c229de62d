//! What statements may do: bounds, time, and the walls that keep a reading source from writing.

use portwright_core::Refusal;
use serde_json::json;

use super::source::{call, refused};
use super::*;
use crate::mysql::guard::tests::HOSTILE;
use crate::shared::sql::Truncation;

const SHOP: &str = "
    CREATE TABLE t (a INT); INSERT INTO t VALUES (1);
    CREATE TABLE mt (a INT) ENGINE=MyISAM; INSERT INTO mt VALUES (1);
    CREATE SEQUENCE s;
    CREATE FUNCTION write_it() RETURNS INT BEGIN INSERT INTO t VALUES (666); RETURN 1; END;
    CREATE FUNCTION write_old() RETURNS INT BEGIN INSERT INTO mt VALUES (666); RETURN 1; END;
    CREATE VIEW writes AS SELECT write_it() AS x;
    CREATE PROCEDURE write_it() INSERT INTO t VALUES (666)";

fn shop() -> Fixture {
    let fixture = Fixture::new("");
    // The client ends statements at semicolons, so routines come one by one.
    for sql in SHOP.replace("BEGIN ", "BEGIN NOTATALL ").split(";\n") {
        let sql = sql.replace("NOTATALL ", "");
        fixture.sql(&if sql.contains("FUNCTION") { format!("DELIMITER //\n{sql}//") } else { sql });
    }
    fixture
}

#[tokio::test(flavor = "multi_thread")]
async fn a_result_is_cut_and_the_rest_is_not_read() {
    let fixture = Fixture::new("CREATE TABLE n (i INT); INSERT INTO n SELECT seq FROM seq_1_to_100000");
    let database = fixture.open().await;
    let rows = ask(&database, "SELECT i FROM n").await.unwrap();
    assert_eq!((rows.rows.len(), rows.truncated), (200, Some(Truncation::Rows)));
    let rows = ask(&database, "SELECT i FROM n LIMIT 50000").await.unwrap();
    assert_eq!((rows.rows.len(), rows.truncated), (200, Some(Truncation::Rows)));
    let rows = ask(&database, "SELECT repeat('x', 40000) FROM n LIMIT 5").await.unwrap();
    assert_eq!((rows.rows.len(), rows.truncated), (1, Some(Truncation::Bytes)));
    let rows = ask(&database, "SELECT i FROM n LIMIT 200").await.unwrap();
    assert_eq!((rows.rows.len(), rows.truncated), (200, None));
    // A statement's own count is not cut with its rows.
    assert_eq!(one(&database, "SELECT count(*) FROM (SELECT i FROM n) x").await, json!(100_000));
    // What was cut runs no more.
    until("nothing runs", || fixture.running("") == 1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn time_is_bounded_and_what_is_called_off_ends() {
    let fixture = Fixture::new("");
    let database = open(&fixture.url("root"), Access::ReadOnly, 1).await.unwrap();
    let long = "SELECT count(*) FROM seq_1_to_1000000 a, seq_1_to_1000000 b";
    let running = || fixture.running("SELECT count(*) FROM seq") > 0;
    let brief = Query { timeout: Duration::from_millis(300), ..query(long, &[]) };
    let error = database.run(brief, &cx()).await.unwrap_err();
    assert!(matches!(error, SqlError::TimedOut(_)), "{error:?}");
    until("it ended", || !running()).await;
    let cx = cx();
    let cancel = cx.cancel.clone();
    let (runs, ()) = tokio::join!(database.run(query(long, &[]), &cx), async {
        until("it runs", running).await;
        cancel.cancel();
    });
    assert!(matches!(runs, Err(SqlError::Cancelled)), "{runs:?}");
    until("it ended", || !running()).await;
    // The caller may also just go away.
    let gone = database.clone();
    let task = tokio::spawn(async move { gone.run(query(long, &[]), &super::cx()).await.map(|_| ()) });
    until("it runs", running).await;
    task.abort();
    until("it ended", || !running()).await;
    assert_eq!(one(&database, "SELECT 1").await, json!(1));
}

#[tokio::test(flavor = "multi_thread")]
async fn hostile_statements_change_nothing() {
    let fixture = shop();
    let source = fixture.source("root", json!({})).await;
    let before = fixture.server.dump(&fixture.database);
    for (sql, _) in HOSTILE {
        let answer = call(&source, "run_sql_query", json!({"sql": sql})).await;
        assert!(answer.is_err(), "{sql}");
    }
    assert_eq!(fixture.server.dump(&fixture.database), before);
}

/// Without the guard, each of the other walls.
#[tokio::test(flavor = "multi_thread")]
async fn behind_the_guard_the_transaction_holds() {
    let fixture = shop();
    let before = fixture.server.dump(&fixture.database);
    let database = fixture.open().await;
    // The operator's own function, and a view that the guard does not see behind.
    for sql in ["SELECT write_it()", "SELECT write_old()", "SELECT x FROM writes"] {
        let error = database.run(declared(sql, &[]), &cx()).await.unwrap_err();
        assert!(error.to_string().contains("read-only"), "{sql}: {error}");
    }
    let error = ask(&database, "SELECT x FROM writes").await.unwrap_err();
    assert!(error.to_string().contains("read-only"), "{error}");
    assert_eq!(fixture.server.dump(&fixture.database), before);
}

/// What the driver would do with statements that the guard would refuse.
#[tokio::test(flavor = "multi_thread")]
async fn prepared_statements_are_one_and_read() {
    use mysql_async::prelude::Queryable as _;
    let fixture = shop();
    let before = fixture.server.dump(&fixture.database);
    let dsn = Dsn::parse(&Secret::new(fixture.url("root")), Path::new("/")).unwrap();
    let opener = Opener::new(dsn, Access::ReadOnly);
    for sql in [
        "INSERT INTO t VALUES (2)",
        "DELETE FROM mt",
        "SELECT 1; DELETE FROM t",
        "SELECT NEXTVAL(s)",
        "UPDATE t SET a = 3",
    ] {
        let mut session = opener.open().await.unwrap();
        session.begin(Access::ReadOnly, Duration::from_secs(5), None).await.unwrap();
        let ran = session.conn.exec_drop(sql, ()).await;
        assert!(ran.is_err(), "{sql}");
        // Also outside of a transaction that says so.
        drop(opener.settle(session, false).await);
        let mut session = opener.open().await.unwrap();
        assert!(session.conn.exec_drop(sql, ()).await.is_err(), "{sql}");
    }
    assert_eq!(fixture.server.dump(&fixture.database), before);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_keeps_nothing_from_one_call_to_the_next() {
    let fixture = shop();
    let database = open(&fixture.url("root"), Access::ReadWrite, 1).await.unwrap();
    let first = one(&database, "SELECT connection_id()").await;
    let modes = one(&database, "SELECT @@sql_mode").await;
    assert!(modes.as_str().unwrap().starts_with("STRICT_TRANS_TABLES"), "{modes}");
    let session = "SET SESSION sql_mode = 'ANSI_QUOTES,NO_BACKSLASH_ESCAPES'";
    assert!(matches!(database.run(writing(session, &[]), &cx()).await, Err(SqlError::Rejected(_))));
    let next = one(&database, "SELECT connection_id()").await;
    assert_eq!(first, next);
    assert_eq!(one(&database, "SELECT @@sql_mode").await, modes);
    assert_eq!(one(&database, r#"SELECT "a\"b""#).await, json!("a\"b"));
    assert_eq!(one(&database, "SELECT @@time_zone").await, json!("+00:00"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_source_that_may_write_writes_whole_or_not_at_all() {
    let fixture = Fixture::new("CREATE TABLE t (a INT PRIMARY KEY, b INT)");
    let database = fixture.open_for_writing().await;
    let put = writing("INSERT INTO t VALUES (1, 1), (2, 2)", &[]);
    assert_eq!(database.run(put, &cx()).await.unwrap().affected, Some(2));
    let twice = database.run(writing("INSERT INTO t VALUES (3, 3), (1, 1)", &[]), &cx()).await.unwrap_err();
    assert!(twice.to_string().contains("Duplicate entry"), "{twice}");
    // What is matched counts, also where nothing changes, as with the other databases.
    let update = database.run(writing("UPDATE t SET b = 1 WHERE a = 1", &[]), &cx()).await.unwrap();
    assert_eq!(update.affected, Some(1));
    let made = database.run(writing("CREATE TABLE x (a INT)", &[]), &cx()).await.unwrap();
    assert_eq!((made.done.as_deref(), made.affected), (Some("CREATE TABLE"), None));
    let returned = database.run(writing("DELETE FROM t WHERE a = 2 RETURNING a", &[]), &cx()).await.unwrap();
    assert_eq!(returned.rows, [[json!(2)]]);
    assert_eq!(fixture.sql("SELECT * FROM t"), ["1\t1"]);
    // The same source reads where a statement only reads.
    let read = database.run(query("DELETE FROM t", &[]), &cx()).await;
    assert!(matches!(read, Err(SqlError::Rejected(_))));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refusal_tells_the_model_what_to_mend() {
    let fixture = Fixture::new("CREATE TABLE t (a INT); CREATE TABLE hidden (a INT)");
    let user = fixture.user("SELECT");
    fixture.sql(&format!(
        "REVOKE SELECT ON {db}.* FROM {user}@'%'; GRANT SELECT ON {db}.t TO {user}@'%'",
        db = fixture.database
    ));
    let source = fixture.source(&user, json!({})).await;
    let ask = async |sql: &str| -> Result<_, Refusal> { call(&source, "run_sql_query", json!({"sql": sql})).await };
    assert!(refused(ask("SELECT b FROM t").await).contains("Unknown column 'b'"));
    assert!(refused(ask("SELECT * FROM missing").await).contains("denied"), "also what is not there");
    let denied = refused(ask("SELECT * FROM hidden").await);
    assert!(denied.contains("may not do this") && !denied.contains(&user) && !denied.contains("127.0.0.1"), "{denied}");
    let unread = refused(ask("SELECT FROM WHERE").await);
    assert!(unread.contains("near") && !unread.contains("manual"), "{unread}");
}
