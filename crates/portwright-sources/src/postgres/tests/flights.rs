//! Declared statements that only read: a round trip each, and sessions as clean as after any other way.

use serde_json::json;
use tokio_util::sync::CancellationToken;

use super::*;
use crate::shared::sql::Truncation;

async fn fly(database: &PostgresDatabase, sql: &str, values: &[Value]) -> Result<Rows, SqlError> {
    database.run(declared(sql, values), &cx()).await
}

/// Statements that flights have prepared on the one session that there is.
async fn named(database: &PostgresDatabase) -> Value {
    let names = "SELECT count(*) FROM pg_prepared_statements WHERE name LIKE 'portwright\\_%'";
    fly(database, names, &[]).await.unwrap().rows[0][0].clone()
}

async fn alone(fixture: &Fixture) -> Arc<PostgresDatabase> {
    open(&fixture.url("postgres"), Access::ReadOnly, 1).await.unwrap()
}

const OURS: &str = "datname = current_database() AND application_name = 'portwright'";
const SLOW: &str = "SELECT count(*) AS slow FROM generate_series(1, 100000) a, generate_series(1, 100000) b";

fn running(fixture: &Fixture) -> bool {
    fixture.sql(&format!("SELECT 1 FROM pg_stat_activity WHERE {OURS} AND state = 'active' AND query LIKE '%slow%'"))
        == ["1"]
}

#[tokio::test(flavor = "multi_thread")]
async fn a_known_statement_takes_off() {
    let fixture = Fixture::new("CREATE TABLE t AS SELECT n AS id, 'name ' || n AS name FROM generate_series(1, 100) n");
    let database = alone(&fixture).await;
    let by_id = "SELECT id, name FROM t WHERE id = $1";
    for id in 1..=50 {
        let rows = fly(&database, by_id, &[json!(id)]).await.unwrap();
        assert_eq!(rows.rows, [[json!(id), json!(format!("name {id}"))]]);
        assert_eq!(rows.columns.iter().map(|column| &*column.name).collect::<Vec<_>>(), ["id", "name"]);
    }
    assert_eq!(fly(&database, by_id, &[json!(null)]).await.unwrap().rows.len(), 0);
    // The first call of a statement goes the longer way; then there are the three of every flight, and its own.
    assert_eq!(named(&database).await, json!(4));
    assert_eq!(named(&database).await, json!(5));
    // Between flights, other ways of asking work as ever.
    assert_eq!(one(&database, "SELECT count(*) FROM t").await, json!(100));
    assert_eq!(fly(&database, by_id, &[json!(7)]).await.unwrap().rows, [[json!(7), json!("name 7")]]);
    let nobody = format!("SELECT state FROM pg_stat_activity WHERE {OURS}");
    assert_eq!(fixture.sql(&nobody), ["idle"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn errors_on_a_flight_read_as_any_other() {
    let fixture = Fixture::new("CREATE DOMAIN small AS int CHECK (value < 10)");
    let database = alone(&fixture).await;
    let divide = "SELECT 10 / $1::int AS x";
    for _ in 0..3 {
        assert_eq!(fly(&database, divide, &[json!(5)]).await.unwrap().rows, [[json!(2)]]);
        let error = fly(&database, divide, &[json!(0)]).await.unwrap_err();
        assert!(
            matches!(&error, SqlError::Database { message, code, .. } if message == "division by zero" && code == "22012"),
            "{error:?}"
        );
        let error = fly(&database, divide, &[json!("x")]).await.unwrap_err();
        assert!(error.to_string().contains("invalid input syntax for type integer"), "{error:?}");
        let error = fly(&database, divide, &[json!([1])]).await.unwrap_err();
        assert!(matches!(error, SqlError::Value { index: 0, .. }), "{error:?}");
        let error = fly(&database, divide, &[]).await.unwrap_err();
        assert!(matches!(error, SqlError::Values(_)), "{error:?}");
        let error = fly(&database, "SELECT $1::small", &[json!(11)]).await.unwrap_err();
        assert!(error.to_string().contains("violates check constraint"), "{error:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_flight_is_bounded_like_any_call() {
    let fixture = Fixture::new("");
    let database = alone(&fixture).await;
    let many = "SELECT n, repeat('x', 100) FROM generate_series(1, 1000000) n";
    for _ in 0..3 {
        let rows = fly(&database, many, &[]).await.unwrap();
        assert_eq!((rows.rows.len(), rows.truncated), (200, Some(Truncation::Rows)));
        let narrow = Query { bytes_max: 1000, ..declared(many, &[]) };
        assert_eq!(database.run(narrow, &cx()).await.unwrap().truncated, Some(Truncation::Bytes));
    }
    let large = "SELECT repeat('x', $1::int)";
    assert_eq!(fly(&database, large, &[json!(1)]).await.unwrap().rows, [[json!("x")]]);
    let error = fly(&database, large, &[json!(100_000_000)]).await.unwrap_err();
    assert!(error.to_string().contains("larger than 16 MiB"), "{error:?}");
    // Rows that come in many pieces, and a parameter that leaves in many.
    let wide = Query { bytes_max: 4_000_000, ..declared(large, &[]) };
    let rows = database.run(Query { values: &[json!(3_000_000)], ..wide }, &cx()).await.unwrap();
    assert_eq!(rows.rows[0][0].as_str().map(str::len), Some(3_000_000));
    let echo = "SELECT length($1::text)";
    for _ in 0..2 {
        assert_eq!(fly(&database, echo, &["y".repeat(3_000_000).into()]).await.unwrap().rows, [[json!(3_000_000)]]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn time_of_its_own_holds_for_one_flight() {
    let fixture = Fixture::new("");
    let database = alone(&fixture).await;
    let limit = "SELECT current_setting('statement_timeout'), current_setting('transaction_read_only')";
    let own = Query { timeout: Duration::from_millis(1234), ..declared(limit, &[]) };
    let usual = Query { timeout: limits::STATEMENT_WAIT, ..own };
    for _ in 0..3 {
        assert_eq!(database.run(own, &cx()).await.unwrap().rows, [[json!("1234ms"), json!("on")]]);
        assert_eq!(database.run(usual, &cx()).await.unwrap().rows, [[json!("10s"), json!("on")]]);
    }
    let slow = Query { timeout: Duration::from_millis(200), ..declared(SLOW, &[]) };
    for _ in 0..2 {
        let error = database.run(slow, &cx()).await.unwrap_err();
        assert!(matches!(error, SqlError::TimedOut(_)), "{error:?}");
    }
    assert_eq!(database.run(usual, &cx()).await.unwrap().rows, [[json!("10s"), json!("on")]]);
}

/// Statements that were flown before, so that they fly now.
const SERIES: &str = "SELECT count(*) AS slow FROM generate_series(1, $1::int) a, generate_series(1, $1::int) b";

#[tokio::test(flavor = "multi_thread")]
async fn a_flight_is_called_off_on_the_server() {
    let fixture = Fixture::new("");
    let database = alone(&fixture).await;
    for dropped in [false, true, false] {
        for _ in 0..2 {
            assert_eq!(fly(&database, SERIES, &[json!(2)]).await.unwrap().rows, [[json!(4)]]);
        }
        let values = [json!(100_000)];
        let mut context = cx();
        let cancel = CancellationToken::new();
        context.cancel = cancel.clone();
        let canceller = async {
            until("it runs", || running(&fixture)).await;
            if !dropped {
                cancel.cancel();
                std::future::pending::<()>().await;
            }
        };
        tokio::select! {
            answer = database.run(declared(SERIES, &values), &context) => {
                assert!(!dropped && matches!(answer, Err(SqlError::Cancelled)), "{answer:?}");
            }
            () = canceller => {}
        }
        until("the server has stopped", || !running(&fixture)).await;
        for _ in 0..10 {
            assert_eq!(fly(&database, SERIES, &[json!(3)]).await.unwrap().rows, [[json!(9)]]);
        }
        assert_eq!(fixture.sql(&format!("SELECT count(*) FROM pg_stat_activity WHERE {OURS}")), ["1"]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_flight_whose_connection_dies_is_tried_again() {
    let fixture = Fixture::new("");
    let database = alone(&fixture).await;
    for _ in 0..3 {
        assert_eq!(fly(&database, SERIES, &[json!(2)]).await.unwrap().rows, [[json!(4)]]);
    }
    fixture.sql(&format!("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE {OURS}"));
    for _ in 0..3 {
        assert_eq!(fly(&database, SERIES, &[json!(2)]).await.unwrap().rows, [[json!(4)]]);
    }
    let (context, values) = (cx(), [json!(3000)]);
    let killer = async {
        until("it runs", || running(&fixture)).await;
        fixture.sql(&format!("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE {OURS}"));
    };
    let (answer, ()) = tokio::join!(database.run(declared(SERIES, &values), &context), killer);
    assert_eq!(answer.unwrap().rows, [[json!(9_000_000)]]);
    assert_eq!(context.trail().flags, ["retried"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn values_that_only_the_server_can_write_come_from_a_flight_too() {
    let fixture = Fixture::new("");
    let database = alone(&fixture).await;
    let vector = "SELECT to_tsvector('simple', 'a b ' || n) AS v FROM generate_series(1, $1::int) n";
    for count in [2, 3, 1000] {
        let rows = fly(&database, vector, &[json!(count)]).await.unwrap();
        assert_eq!(rows.rows[0], [json!("'1':3 'a':1 'b':2")]);
        assert_eq!(rows.rows.len(), count.min(200));
    }
    assert_eq!(one(&database, "SELECT 1").await, json!(1));
}

/// Functions behind views, which neither the guard nor the flight sees: what they leave on the session goes.
#[tokio::test(flavor = "multi_thread")]
async fn a_flight_leaves_nothing_on_its_session() {
    let fixture = Fixture::new(
        "CREATE TABLE t (x int);
         CREATE FUNCTION spoil() RETURNS text LANGUAGE plpgsql AS $$ BEGIN
           PERFORM set_config('statement_timeout', '0', false); PERFORM set_config('search_path', 'evil', false);
           PERFORM pg_advisory_lock(7); EXECUTE 'LISTEN x'; PERFORM set_config('role', 'pg_monitor', false);
           PERFORM set_config('default_transaction_read_only', 'off', false); RETURN 'spoilt'; END $$;
         CREATE FUNCTION write_it() RETURNS int LANGUAGE sql AS 'INSERT INTO t VALUES (1) RETURNING x';
         CREATE VIEW spoilt AS SELECT spoil() AS s; CREATE VIEW written AS SELECT write_it() AS w",
    );
    let database = alone(&fixture).await;
    for _ in 0..3 {
        assert_eq!(fly(&database, "SELECT s FROM spoilt", &[]).await.unwrap().rows, [[json!("spoilt")]]);
        attacks::assert_unpoisoned(&database).await;
        assert_eq!(fixture.sql("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'"), ["0"]);
        let error = fly(&database, "SELECT w FROM written", &[]).await.unwrap_err();
        assert!(matches!(&error, SqlError::Database { code, .. } if code == "25006"), "{error:?}");
        attacks::assert_unpoisoned(&database).await;
    }
    assert_eq!(fixture.sql("SELECT count(*) FROM t"), ["0"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn many_flights_share_few_sessions() {
    let fixture = Fixture::new("");
    let database = open(&fixture.url("postgres"), Access::ReadOnly, 3).await.unwrap();
    let calls = (0..300).map(|number| {
        let database = database.clone();
        async move {
            match number % 5 {
                0 => one(&database, &format!("SELECT {number}")).await == json!(number),
                1 => fly(&database, "SELECT generate_series(1, 100000)", &[]).await.unwrap().rows.len() == 200,
                2 => fly(&database, "SELECT 1 / $1::int", &[json!(0)]).await.is_err(),
                _ => fly(&database, "SELECT $1::int", &[json!(number)]).await.unwrap().rows == [[json!(number)]],
            }
        }
    });
    let answers = futures::stream::StreamExt::buffer_unordered(futures::stream::iter(calls), 8);
    let answers: Vec<bool> = futures::stream::StreamExt::collect(answers).await;
    assert!(answers.len() == 300 && answers.into_iter().all(|right| right));
    let open = fixture.sql(&format!("SELECT count(*) FROM pg_stat_activity WHERE {OURS}"));
    assert!(open[0].parse::<u32>().unwrap() <= 3, "{open:?}");
}
