//! Statements on a real server: what they give, how they are cut, which session they leave.

use serde_json::json;

use super::*;
use crate::shared::sql::{Scope, Truncation};

const SHOP: &str = include_str!("../guard/corpus/schema.sql");
const HONEST: &str = include_str!("../guard/corpus/honest.sql");

#[tokio::test(flavor = "multi_thread")]
async fn honest_queries_run() {
    let fixture = Fixture::new(SHOP);
    let database = fixture.open().await;
    let all = HONEST.split("\n\n").map(str::trim).filter(|sql| !sql.starts_with("SELECT -- 1"));
    let mut ran = 0;
    for sql in all {
        let parameters = (1..=3).filter(|number| sql.contains(&format!("${number}"))).count();
        let values: Vec<_> = match parameters {
            1 if sql.contains("int[]") => vec![json!([1, 2])],
            1 if sql.contains("ILIKE") => vec![json!("a")],
            1 => vec![json!(1)],
            3 => vec![json!("x"), json!(2), json!("2024-01-02T03:04:05Z")],
            _ => Vec::new(),
        };
        if let Err(error) = database.run(query(sql, &values), &cx()).await {
            panic!("{sql}: {error:?}");
        }
        ran += 1;
    }
    assert!(ran >= 150, "{ran}");
}

#[tokio::test(flavor = "multi_thread")]
async fn results_are_bounded_without_being_read_to_their_end() {
    let fixture = Fixture::new("");
    let database = fixture.open().await;
    let rows = ask(&database, "SELECT n, repeat('x', 100) FROM generate_series(1, 1000000) n").await.unwrap();
    assert_eq!((rows.rows.len(), rows.truncated), (200, Some(Truncation::Rows)));
    let narrow = Query { bytes_max: 1000, ..query("SELECT repeat('x', 90) FROM generate_series(1, 1000000)", &[]) };
    let rows = database.run(narrow, &cx()).await.unwrap();
    assert_eq!(rows.truncated, Some(Truncation::Bytes));
    assert!((5..=10).contains(&rows.rows.len()), "{}", rows.rows.len());
    let exact = Query { rows_max: 3, ..query("SELECT generate_series(1, 3)", &[]) };
    assert_eq!(database.run(exact, &cx()).await.unwrap().truncated, None);
    // What was left unread is stopped on the server.
    until("the server is idle", || {
        fixture.sql("SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'portwright' AND state = 'active'") == ["0"]
    })
    .await;
    assert_eq!(one(&database, "SELECT 1").await, json!(1));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_row_that_is_too_large_ends_in_words() {
    let fixture = Fixture::new("");
    let database = fixture.open().await;
    let error = ask(&database, "SELECT repeat('x', 100000000)").await.unwrap_err();
    assert!(error.to_string().contains("larger than 16 MiB"), "{error:?}");
    assert_eq!(one(&database, "SELECT 1").await, json!(1));
}

#[tokio::test(flavor = "multi_thread")]
async fn parameters_are_bound_by_the_types_that_the_server_infers() {
    let fixture = Fixture::new("CREATE TYPE mood AS ENUM ('sad', 'ok'); CREATE TYPE place AS (street text, zip int)");
    let database = fixture.open().await;
    let give = async |sql: &str, values: &[Value]| {
        let rows = database.run(query(sql, values), &cx()).await;
        rows.map(|rows| rows.rows[0][0].clone())
    };
    assert_eq!(give("SELECT $1 + 1", &[json!(41)]).await.unwrap(), json!(42));
    assert_eq!(give("SELECT $1::int", &[json!(7.0)]).await.unwrap(), json!(7));
    assert_eq!(give("SELECT $1::text", &[json!("'; DROP TABLE x; --")]).await.unwrap(), json!("'; DROP TABLE x; --"));
    assert_eq!(give("SELECT $1::numeric", &[json!("1.50")]).await.unwrap(), json!("1.50"));
    assert_eq!(give("SELECT $1::jsonb -> 'a'", &[json!({"a": [1, "x"]})]).await.unwrap(), json!([1, "x"]));
    assert_eq!(
        give("SELECT $1::text[]", &[json!(["a", null, "b,\"c\\"])]).await.unwrap(),
        json!(["a", null, "b,\"c\\"])
    );
    assert_eq!(give("SELECT $1::int[]", &[json!([[1, 2], [3, 4]])]).await.unwrap(), json!([[1, 2], [3, 4]]));
    assert_eq!(give("SELECT $1::bytea", &[json!("AAH/")]).await.unwrap(), json!("AAH/"));
    assert_eq!(give("SELECT $1::mood", &[json!("ok")]).await.unwrap(), json!("ok"));
    assert_eq!(
        give("SELECT $1::place", &[json!({"zip": 5, "street": "a, \"b\""})]).await.unwrap(),
        json!({"street": "a, \"b\"", "zip": 5})
    );
    assert_eq!(give("SELECT $1::date IS NULL", &[json!(null)]).await.unwrap(), json!(true));
    assert_eq!(give("SELECT $1::bool", &[json!(true)]).await.unwrap(), json!(true));
    assert_eq!(give("SELECT 3 = ANY ($1)", &[json!([1, 3])]).await.unwrap(), json!(true));
    let misfit = give("SELECT $1::int", &[json!([1])]).await.unwrap_err();
    assert!(matches!(&misfit, SqlError::Value { index: 0, words } if words.contains("int4")), "{misfit:?}");
    let misfit = give("SELECT $1::int", &[json!("seven")]).await.unwrap_err();
    assert!(misfit.to_string().contains("invalid input syntax for type integer"), "{misfit:?}");
    let missing = give("SELECT $1::int", &[]).await.unwrap_err();
    assert!(matches!(&missing, SqlError::Values(words) if words.contains("write the values")), "{missing:?}");
    // A misfit leaves the connection as good as it was.
    assert_eq!(give("SELECT 1", &[]).await.unwrap(), json!(1));
}

#[tokio::test(flavor = "multi_thread")]
async fn errors_tell_what_and_where() {
    let fixture = Fixture::new("CREATE TABLE people (id int PRIMARY KEY, name text)");
    let database = fixture.open().await;
    let error = ask(&database, "SELECT nme FROM people").await.unwrap_err();
    let SqlError::Database { message, code, position } = error else { panic!("{error:?}") };
    assert!(message.contains("column \"nme\" does not exist") && message.contains("people.name"), "{message}");
    assert_eq!((code.as_str(), position), ("42703", Some(8)));
    let error = database.explain(query("SELECT nme FROM people", &[]), false, &cx()).await.unwrap_err();
    assert!(matches!(error, SqlError::Database { position: Some(8), .. }), "{error:?}");
    let error = ask(&database, "SELECT 1 / 0").await.unwrap_err();
    assert_eq!(error.to_string(), "division by zero");
}

#[tokio::test(flavor = "multi_thread")]
async fn plans_are_told_as_text() {
    let fixture = Fixture::new("CREATE TABLE t AS SELECT n FROM generate_series(1, 100) n");
    let database = fixture.open().await;
    let plan = database.explain(query("SELECT * FROM t WHERE n = $1", &[json!(5)]), false, &cx()).await.unwrap();
    assert!(plan.contains("Seq Scan on t") && !plan.contains("actual"), "{plan}");
    let plan = database.explain(query("SELECT count(*) FROM t;", &[]), true, &cx()).await.unwrap();
    assert!(plan.contains("actual"), "{plan}");
    assert!(database.explain(query("DELETE FROM t", &[]), true, &cx()).await.is_err());
    assert_eq!(fixture.sql("SELECT count(*) FROM t"), ["100"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn writes_take_effect_where_they_may() {
    let fixture = Fixture::new("CREATE TABLE t (id serial PRIMARY KEY, name text UNIQUE)");
    let database = fixture.open_for_writing().await;
    let rows = database
        .run(writing("INSERT INTO t (name) SELECT 'n' || n FROM generate_series(1, 300) n RETURNING id", &[]), &cx())
        .await
        .unwrap();
    assert_eq!((rows.rows.len(), rows.truncated, rows.affected), (200, Some(Truncation::Rows), Some(300)));
    assert_eq!(fixture.sql("SELECT count(*) FROM t"), ["300"]);
    let error = database.run(writing("INSERT INTO t (name) VALUES ('x'), ('n1')", &[]), &cx()).await.unwrap_err();
    assert!(error.to_string().contains("already exists"), "{error}");
    assert_eq!(fixture.sql("SELECT count(*) FROM t"), ["300"]);
    // What defines something says so, and counts no rows.
    let made = database.run(writing("CREATE TABLE made AS SELECT 1 AS x", &[]), &cx()).await.unwrap();
    assert_eq!((made.done.as_deref(), made.affected), (Some("CREATE TABLE"), None));
    // What only reads stays so, also on a source that may write.
    let refused = database.run(declared("DELETE FROM t", &[]), &cx()).await.unwrap_err();
    assert!(matches!(refused, SqlError::Rejected(_)), "{refused:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn descriptions_come_without_running() {
    let fixture = Fixture::new(
        "CREATE TYPE mood AS ENUM ('sad', 'ok'); CREATE TABLE t (id int, m mood); CREATE FUNCTION touch() RETURNS int LANGUAGE sql VOLATILE AS 'INSERT INTO t VALUES (1) RETURNING id'",
    );
    let database = fixture.open_for_writing().await;
    let told =
        database.describe("SELECT id, id, m FROM t WHERE id = $1 AND m = ANY ($2)", Access::ReadWrite).await.unwrap();
    assert_eq!(told.params, ["int4", "mood[]"]);
    assert_eq!(told.columns.iter().map(|column| column.name.as_str()).collect::<Vec<_>>(), ["id", "id_2", "m"]);
    assert_eq!(told.columns[2].schema, json!({"type": "string", "enum": ["sad", "ok"]}));
    assert!(told.read_only);
    let told = database.describe("INSERT INTO t VALUES ($1, 'ok')", Access::ReadWrite).await.unwrap();
    assert!(told.columns.is_empty() && !told.read_only);
    assert!(!database.describe("SELECT touch()", Access::ReadWrite).await.unwrap().read_only);
    assert!(database.describe("INSERT INTO t VALUES (1)", Access::ReadOnly).await.is_err());
    assert_eq!(fixture.sql("SELECT count(*) FROM t"), ["0"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn declared_statements_survive_changes_of_their_tables() {
    let fixture = Fixture::new("CREATE TABLE t (a int); INSERT INTO t VALUES (1)");
    let database = fixture.open().await;
    let read = async || database.run(declared("SELECT * FROM t", &[]), &cx()).await.unwrap();
    assert_eq!(read().await.rows, [[json!(1)]]);
    fixture.sql("ALTER TABLE t ADD b text DEFAULT 'x'");
    assert_eq!(read().await.rows, [[json!(1), json!("x")]]);
    assert_eq!(read().await.rows, [[json!(1), json!("x")]]);
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_shadows_the_builtins() {
    let fixture = Fixture::new(
        "CREATE TABLE log (x int); CREATE SCHEMA evil;
         CREATE FUNCTION evil.lower(text) RETURNS text LANGUAGE sql AS 'SELECT ''evil''';
         CREATE TABLE evil.pg_class (relname text); CREATE TABLE public.t AS SELECT 1 AS x",
    );
    let role = fixture.role("");
    fixture.sql(&format!("ALTER ROLE {role} SET search_path = evil, pg_catalog, public; GRANT USAGE ON SCHEMA evil TO {role}; GRANT SELECT ON t TO {role}"));
    let database = open(&fixture.url(&role), Access::ReadOnly, 2).await.unwrap();
    assert_eq!(one(&database, "SELECT lower('X'::text)").await, json!("x"));
    assert_eq!(one(&database, "SELECT count(*) > 100 FROM pg_class").await, json!(true));
    assert_eq!(one(&database, "SELECT x FROM t").await, json!(1));
    assert_eq!(one(&database, "SHOW search_path").await, json!("evil, public, pg_temp"));
    let found = database.schema(Scope { schema: None, table: Some("t") }, &cx()).await.unwrap();
    assert_eq!((found.tables.len(), found.default_schema.as_str()), (1, "evil"));
}
