//! What a fence and masks keep back, against everything that was seen to get around such things.

use serde_json::json;

use super::*;
use crate::postgres::guard::{Bounds, Guard as Judge};
use crate::postgres::reach::{Reach, Written};
use crate::shared::own::OwnPlan;
use crate::shared::sql::Scope;

const DATA: &str = "
    CREATE SCHEMA sales; CREATE SCHEMA hidden;
    CREATE TABLE customers (id int PRIMARY KEY, name text, email text, ssn varchar(11), age int);
    INSERT INTO customers VALUES (1, 'Ada', 'ada@canary.test', '123-45-6789', 36), (2, 'Bob', 'bob@canary.test', '987-65-4321', 41);
    CREATE TABLE sales.orders (id int PRIMARY KEY, customer int REFERENCES customers, total numeric);
    INSERT INTO sales.orders VALUES (10, 1, 99.5);
    CREATE TABLE secret (id int, word text); INSERT INTO secret VALUES (1, 'canary');
    CREATE TABLE hidden.plans (id int, word text); INSERT INTO hidden.plans VALUES (1, 'canary');
    CREATE TABLE \"Mixed Case\" (id int, email text); INSERT INTO \"Mixed Case\" VALUES (1, 'mixed@canary.test');
    CREATE SEQUENCE hidden.counter; CREATE TYPE hidden.mood AS ENUM ('canary');
    CREATE VIEW sales.words AS SELECT word FROM secret;
    CREATE VIEW mails AS SELECT id, email AS address FROM customers;
    CREATE VIEW wholes AS SELECT c.id, row_to_json(c) AS everything FROM customers c;
    CREATE VIEW over AS SELECT * FROM mails;
    CREATE VIEW names AS SELECT id, name FROM customers;
    CREATE MATERIALIZED VIEW kept AS SELECT * FROM customers;
    CREATE TABLE people (id int, email text) PARTITION BY LIST (id);
    CREATE TABLE people_1 PARTITION OF people FOR VALUES IN (1);
    INSERT INTO people VALUES (1, 'part@canary.test');
    CREATE FUNCTION look(customers) RETURNS text STABLE LANGUAGE sql AS 'SELECT word FROM secret';
    CREATE FUNCTION upper(int) RETURNS text STABLE LANGUAGE sql AS 'SELECT word FROM secret';
    CREATE INDEX ON customers (email); ANALYZE";

/// Statements that reach beyond the fence.
const BEYOND: &[&str] = &[
    "SELECT * FROM secret",
    "SELECT * FROM public.secret",
    "SELECT * FROM \"secret\"",
    "SELECT * FROM hidden.plans",
    "TABLE secret",
    "SELECT * FROM ONLY secret",
    "SELECT * FROM customers, secret",
    "SELECT (SELECT word FROM secret LIMIT 1) FROM customers",
    "SELECT * FROM customers WHERE EXISTS (SELECT FROM secret)",
    "SELECT * FROM customers JOIN LATERAL (SELECT * FROM secret) s ON true",
    "WITH a AS (SELECT * FROM secret) SELECT * FROM a",
    "WITH secret AS (SELECT * FROM secret) SELECT * FROM secret",
    "SELECT * FROM secret, (WITH secret AS (SELECT 1) SELECT * FROM secret) x",
    "SELECT * FROM (WITH secret AS (SELECT 1) SELECT * FROM secret) x UNION ALL SELECT id FROM secret",
    "(WITH secret AS (SELECT 1 AS id) SELECT id FROM secret) UNION ALL SELECT id FROM secret",
    "SELECT id FROM secret UNION ALL (WITH secret AS (SELECT 1 AS id) SELECT id FROM secret)",
    "WITH a AS (SELECT id FROM secret), secret AS (SELECT 1 AS id) SELECT * FROM a",
    "WITH secret AS (SELECT 1 AS id) SELECT * FROM public.secret",
    "WITH \"Secret\" AS (SELECT 1 AS id) SELECT * FROM secret",
    "SELECT 1 UNION SELECT id FROM secret ORDER BY 1",
    "VALUES ((SELECT word FROM secret))",
    "EXPLAIN SELECT * FROM secret",
    "EXPLAIN (VERBOSE) TABLE secret",
    "SELECT NULL::secret",
    "SELECT NULL::hidden.plans",
    "SELECT (NULL::_secret)[1]",
    "SELECT CAST(NULL AS public.secret[])",
    "SELECT enum_range(NULL::hidden.mood)",
    "SELECT * FROM json_populate_record(NULL::secret, '{}')",
    "SELECT * FROM json_to_record('{}') AS x(a secret)",
    "SELECT 'secret'::regclass",
    "SELECT regclass 'secret'",
    "SELECT '{secret}'::_regclass",
    "SELECT '{secret}'::pg_catalog.\"_regclass\"",
    "SELECT CAST('{secret}' AS regclass[])",
    "SELECT regclass('secret')",
    "SELECT to_regclass('secret')",
    "SELECT cast('secret' AS pg_catalog.regclass)",
    "SELECT 'hidden'::regnamespace",
    "SELECT '1259'::oid::regclass",
    "SELECT pg_relation_size('secret')",
    "SELECT pg_total_relation_size('hidden.plans')",
    "SELECT pg_catalog.pg_relation_size('secret')",
    "SELECT pg_get_viewdef('sales.words')",
    "SELECT pg_get_indexdef(1)",
    "SELECT has_table_privilege('secret', 'SELECT')",
    "SELECT obj_description(1, 'pg_class')",
    "SELECT col_description(1, 1)",
    "SELECT table_to_xml('secret', true, true, '')",
    "SELECT query_to_xml('TABLE secret', true, true, '')",
    "SELECT schema_to_xml('hidden', true, true, '')",
    "SELECT currval('hidden.counter')",
    "SELECT last_value FROM hidden.counter",
    "SELECT * FROM dblink('', 'TABLE secret') AS t(a int)",
    "SELECT * FROM pg_class",
    "SELECT * FROM pg_catalog.pg_tables",
    "SELECT * FROM information_schema.tables",
    "SELECT * FROM pg_stats",
    "SELECT relname FROM pg_stat_user_tables",
    "SELECT * FROM pg_toast.pg_toast_1",
    "SELECT * FROM pg_sequences",
    "SELECT * FROM pg_indexes",
    "SELECT * FROM nothing.like.this.one",
    "SELECT * FROM XMLTABLE('/a' PASSING (SELECT word::xml FROM secret) COLUMNS x text)",
    "SELECT count(*) FILTER (WHERE EXISTS (TABLE secret)) FROM customers",
    "SELECT id FROM customers ORDER BY (SELECT word FROM secret)",
    "SELECT id FROM customers LIMIT (SELECT id FROM secret)",
    "SELECT sum(id) OVER (ORDER BY (SELECT id FROM secret)) FROM customers",
    "SELECT id FROM customers GROUP BY id HAVING id = (SELECT id FROM secret)",
    "SELECT id FROM customers TABLESAMPLE system ((SELECT id FROM secret))",
    "(WITH secret AS (SELECT 1 AS id) (SELECT id FROM secret)) UNION ALL SELECT id FROM secret",
    "((WITH secret AS (SELECT 1 AS id) SELECT id FROM secret)) UNION ALL SELECT id FROM secret",
    "SELECT c.look FROM customers c",
    "SELECT (c).look FROM customers c",
    "SELECT upper(id) FROM customers",
];

/// Statements that look for a masked value.
const PROBES: &[&str] = &[
    "SELECT * FROM customers",
    "SELECT c FROM customers c",
    "SELECT c.* FROM customers c",
    "SELECT c::text FROM customers c",
    "SELECT email(c) FROM customers c",
    "SELECT (c).email FROM customers c",
    "SELECT array_agg(c) FROM customers c",
    "SELECT string_agg(email, ',') FROM customers",
    "SELECT * FROM customers c(a, b, d)",
    "SELECT xmlforest(c.email) FROM customers c",
    "SELECT * FROM (TABLE customers) x",
    "TABLE customers",
    "SELECT * FROM ONLY customers",
    "SELECT * FROM customers *",
    "SELECT * FROM customers TABLESAMPLE bernoulli (100)",
    "SELECT email FROM customers UNION SELECT email FROM customers ORDER BY 1",
    "SELECT email::int FROM customers",
    "SELECT * FROM customers WHERE email::int = 1",
    "SELECT * FROM customers WHERE ssn::int = 1",
    "SELECT public.customers.email FROM customers",
    "SELECT max(email), min(email) FROM customers",
    "SELECT * FROM customers NATURAL JOIN customers d",
    "SELECT * FROM mails",
    "SELECT * FROM over",
    "SELECT * FROM wholes",
    "SELECT * FROM kept",
    "SELECT everything FROM wholes",
    "SELECT most_common_vals::text FROM pg_stats WHERE tablename = 'customers'",
    "SELECT histogram_bounds::text FROM pg_catalog.pg_stats",
    "SELECT * FROM pg_stats_ext",
    "SELECT * FROM people",
    "SELECT * FROM people_1",
    "EXPLAIN SELECT * FROM customers WHERE email = 'ada@canary.test'",
    "SELECT query_to_xml('TABLE customers', true, true, '')",
    "SELECT 1 FROM customers WHERE 1 / (CASE WHEN email LIKE 'a%' THEN 0 ELSE 1 END) = 1",
];

fn texts(patterns: &[&str]) -> Vec<String> {
    patterns.iter().map(|&text| text.to_owned()).collect()
}

fn walls(schemas: Option<&[&str]>, tables: Option<&[&str]>, mask: &[&str]) -> Walls {
    let (schemas, tables, mask) = (schemas.map(texts), tables.map(texts), texts(mask));
    let written = Written { schemas: schemas.as_deref(), tables: tables.as_deref(), mask: &mask };
    let mut problems = Vec::new();
    let reach = Reach::decode(written, &Pointer::root(), &mut problems);
    assert!(problems.is_empty(), "{problems:?}");
    Walls { reach, ..Walls::default() }
}

async fn fenced(fixture: &Fixture, access: Access) -> Arc<PostgresDatabase> {
    let walls = walls(Some(&["public", "sales"]), Some(&["public.customers", "sales.*"]), &[]);
    open_behind(walls, &fixture.url("postgres"), access, 1).await.unwrap()
}

async fn masked(fixture: &Fixture, access: Access) -> Arc<PostgresDatabase> {
    let walls = walls(None, None, &["public.*.email", "*.ssn", "people.email"]);
    open_behind(walls, &fixture.url("postgres"), access, 1).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fence_opens_what_it_names() {
    let fixture = Fixture::new(DATA);
    let database = fenced(&fixture, Access::ReadOnly).await;
    for (sql, answer) in [
        ("SELECT name FROM customers WHERE id = 1", json!("Ada")),
        ("SELECT c.name FROM public.customers AS c JOIN sales.orders o ON o.customer = c.id", json!("Ada")),
        ("SELECT word FROM sales.words", json!("canary")),
        ("WITH secret AS (SELECT 7 AS word) SELECT word FROM secret", json!(7)),
        (
            "WITH secret AS (SELECT 7 AS word) SELECT 1 AS word FROM secret WHERE false UNION SELECT word FROM secret",
            json!(7),
        ),
        (
            "WITH RECURSIVE secret(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM secret WHERE n < 5) SELECT max(n) FROM secret",
            json!(5),
        ),
        ("WITH a AS (SELECT 1 AS x), b AS (SELECT x + 1 AS y FROM a) SELECT (SELECT y FROM b)", json!(2)),
        ("SELECT (x).id FROM (SELECT NULL::customers AS x) t", json!(null)),
        ("SELECT count(*) FROM generate_series(1, 3)", json!(3)),
        ("SELECT '2020-01-01'::date::text || 1::int::text", json!("2020-01-011")),
        ("SELECT count(*) > 100 FROM pg_timezone_names", json!(true)),
    ] {
        assert_eq!(one(&database, sql).await, answer, "{sql}");
    }
    let plan = database.explain(query("SELECT * FROM customers WHERE id = 1", &[]), false, &cx()).await.unwrap();
    assert!(plan.contains("customers"), "{plan}");
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_beyond_the_fence_is_read() {
    let fixture = Fixture::new(DATA);
    let database = fenced(&fixture, Access::ReadOnly).await;
    for sql in BEYOND {
        let answer = ask(&database, sql).await;
        assert!(matches!(answer, Err(SqlError::Database { .. } | SqlError::Rejected(_))), "{sql}: {answer:?}");
        let words = answer.unwrap_err().to_string();
        assert!(!words.contains("canary"), "{sql}: {words}");
        let explained = database.explain(query(sql, &[]), true, &cx()).await;
        assert!(explained.is_err(), "{sql}: {explained:?}");
    }
    println!("{} attacks on a fence refused", BEYOND.len());
    // What is kept back and what is not there read the same.
    for name in ["secret", "nowhere"] {
        let refused = ask(&database, &format!("SELECT * FROM {name}")).await.unwrap_err();
        let SqlError::Database { message, code, position } = refused else { panic!("{refused:?}") };
        assert_eq!(message, format!("relation \"{name}\" does not exist"));
        assert_eq!((code.as_str(), position), ("42P01", Some(15)));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fence_holds_what_writes() {
    let fixture = Fixture::new(DATA);
    fixture.sql("CREATE FUNCTION peek() RETURNS text LANGUAGE sql AS 'SELECT word FROM secret'");
    let database = fenced(&fixture, Access::ReadWrite).await;
    for sql in [
        "INSERT INTO secret VALUES (2, 'x')",
        "UPDATE secret SET word = 'x'",
        "DELETE FROM hidden.plans",
        "MERGE INTO secret s USING customers c ON s.id = c.id WHEN MATCHED THEN DELETE",
        "MERGE INTO customers c USING secret s ON s.id = c.id WHEN MATCHED THEN UPDATE SET name = s.word",
        "UPDATE customers SET name = word FROM secret",
        "UPDATE customers SET name = (SELECT word FROM secret LIMIT 1)",
        "DELETE FROM customers USING secret",
        "INSERT INTO sales.orders SELECT id FROM secret RETURNING id",
        "INSERT INTO sales.orders VALUES (11, 1, 1) RETURNING (SELECT word FROM secret)",
        "WITH secret AS (SELECT 1) DELETE FROM secret",
        "WITH d AS (DELETE FROM secret RETURNING word) SELECT * FROM d",
        "UPDATE customers SET name = peek()",
        "SELECT peek()",
        "CREATE VIEW sales.more AS SELECT * FROM secret",
        "CREATE TABLE sales.more AS SELECT * FROM secret",
        "SELECT * INTO sales.more FROM secret",
        "ALTER TABLE secret SET SCHEMA sales",
        "DROP TABLE secret",
        "TRUNCATE secret",
        "CALL anything()",
        "SELECT nextval('hidden.counter')",
    ] {
        let answer = database.run(writing(sql, &[]), &cx()).await;
        assert!(matches!(answer, Err(SqlError::Database { .. } | SqlError::Rejected(_))), "{sql}: {answer:?}");
    }
    assert_eq!(fixture.sql("SELECT word FROM secret UNION ALL SELECT word FROM hidden.plans"), ["canary", "canary"]);
    assert_eq!(fixture.sql("SELECT last_value, is_called FROM hidden.counter"), ["1\tf"]);
    let written = database.run(writing("UPDATE customers SET name = 'Eve' WHERE id = 2", &[]), &cx()).await.unwrap();
    assert_eq!(written.affected, Some(1));
    let own = {
        let chosen = OwnPlan { access: Access::ReadWrite, tools: vec!["execute_write"] };
        PostgresDatabase::toolbox().offer(&chosen)
    };
    let call = async |arguments: Value| {
        let arguments = arguments.as_object().cloned().unwrap();
        own.call(&database, "execute_write", &arguments, &cx()).await
    };
    let answer =
        call(json!({"sql": "UPDATE customers SET name = 'Ann' WHERE id = 2 RETURNING id, name;"})).await.unwrap();
    let told = answer.structured_content.unwrap();
    assert_eq!(told, json!({"affected": 1, "rows": [{"id": 2, "name": "Ann"}], "truncated": false}));
    for (sql, word) in [
        ("UPDATE customers SET name = 'x'", "confirm_all"),
        (
            "WITH d AS (DELETE FROM sales.orders RETURNING id) INSERT INTO sales.orders (id) SELECT id FROM d",
            "confirm_all",
        ),
        ("SELECT 1", "INSERT, UPDATE, DELETE or MERGE"),
        ("DROP TABLE customers", "allowed here"),
        ("DELETE FROM secret WHERE id = 1", "does not exist"),
        ("DELETE FROM customers WHERE id = 1; DELETE FROM customers WHERE id = 2", "one statement"),
    ] {
        let refused = call(json!({"sql": sql})).await.unwrap_err();
        assert!(refused.public().contains(word), "{sql}: {}", refused.public());
    }
    assert_eq!(fixture.sql("SELECT name FROM customers ORDER BY id"), ["Ada", "Ann"]);
    let all = call(json!({"sql": "UPDATE customers SET age = 1", "confirm_all": true})).await.unwrap();
    assert_eq!(all.structured_content.unwrap(), json!({"affected": 2, "rows": [], "truncated": false}));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_schema_ends_at_the_fence() {
    let fixture = Fixture::new(DATA);
    let database = fenced(&fixture, Access::ReadOnly).await;
    let found = database.schema(Scope::default(), &cx()).await.unwrap();
    assert_eq!(found.schemas, ["public", "sales"]);
    let names: Vec<String> = found.tables.iter().map(|table| format!("{}.{}", table.schema, table.name)).collect();
    assert_eq!(names, ["public.customers", "sales.orders", "sales.words"]);
    let found = database.schema(Scope { schema: Some("hidden"), table: Some("plans") }, &cx()).await.unwrap();
    assert!(found.tables.is_empty());
    // The operator's own statements are theirs to judge.
    let rows = database.run(declared("SELECT word FROM secret", &[]), &cx()).await.unwrap();
    assert_eq!(rows.rows[0][0], json!("canary"));
}

#[tokio::test(flavor = "multi_thread")]
async fn masked_columns_give_no_value() {
    let fixture = Fixture::new(DATA);
    let database = masked(&fixture, Access::ReadOnly).await;
    for (sql, answer) in [
        ("SELECT email FROM customers WHERE id = 1", json!("***")),
        ("SELECT c.email FROM public.customers AS c WHERE c.id = 1", json!("***")),
        ("SELECT customers.email FROM customers LIMIT 1", json!("***")),
        ("SELECT email FROM \"Mixed Case\"", json!("***")),
        ("SELECT ssn FROM customers LIMIT 1", json!(null)),
        ("SELECT name FROM customers WHERE id = 1", json!("Ada")),
        ("SELECT count(*) FROM customers WHERE email LIKE 'ada%'", json!(0)),
        ("SELECT count(DISTINCT email) FROM customers", json!(1)),
        ("SELECT (row_to_json(c) ->> 'email') || (to_jsonb(c) ->> 'email') FROM customers c LIMIT 1", json!("******")),
        ("SELECT email FROM people", json!("***")),
        ("SELECT email FROM people_1", json!("***")),
        ("SELECT name FROM names WHERE id = 2", json!("Bob")),
        ("WITH customers AS (SELECT 5 AS email) SELECT email FROM customers", json!(5)),
        ("SELECT count(*) FROM customers a JOIN customers b USING (email)", json!(4)),
    ] {
        assert_eq!(one(&database, sql).await, answer, "{sql}");
    }
    for sql in PROBES {
        let shown = match ask(&database, sql).await {
            Ok(rows) => format!("{:?}", rows.rows),
            Err(error) => error.to_string(),
        };
        let bare = shown.replace("ada@canary.test\") does", "");
        assert!(!bare.contains("canary") && !bare.contains("123-45"), "{sql}: {shown}");
    }
    println!("{} probes of masked columns saw none", PROBES.len());
    for sql in ["SELECT * FROM mails", "SELECT * FROM over", "SELECT id FROM wholes", "SELECT id FROM kept"] {
        let answer = ask(&database, sql).await;
        assert!(matches!(&answer, Err(SqlError::Rejected(words)) if words.contains("masked")), "{sql}: {answer:?}");
    }
    // A plan tells nothing that depends on the values.
    let estimate = async |mail: &str| {
        let sql = format!("SELECT id FROM customers WHERE email = '{mail}'");
        database.explain(query(&sql, &[]), false, &cx()).await.unwrap().replace(mail, "")
    };
    assert_eq!(estimate("ada@canary.test").await, estimate("nobody@nowhere.test").await);
}

#[tokio::test(flavor = "multi_thread")]
async fn masked_tables_are_told_and_not_written() {
    let fixture = Fixture::new(DATA);
    let database = masked(&fixture, Access::ReadWrite).await;
    let found = database.schema(Scope { schema: None, table: Some("customers") }, &cx()).await.unwrap();
    let comment = |name: &str| found.tables[0].columns.iter().find(|it| it.name == name).unwrap().comment.clone();
    assert!(comment("email").unwrap().starts_with("masked"));
    assert_eq!(comment("name"), None);
    for sql in [
        "UPDATE customers SET name = email RETURNING name",
        "UPDATE customers SET age = 1 WHERE email = 'x'",
        "DELETE FROM customers RETURNING *",
        "INSERT INTO customers (id) VALUES (1) ON CONFLICT (id) DO UPDATE SET name = customers.email RETURNING name",
        "MERGE INTO customers c USING sales.orders o ON o.customer = c.id WHEN MATCHED THEN UPDATE SET name = c.email",
        "WITH d AS (DELETE FROM customers RETURNING email) SELECT * FROM d",
    ] {
        let answer = database.run(writing(sql, &[]), &cx()).await;
        assert!(matches!(&answer, Err(SqlError::Rejected(words)) if words.contains("masked")), "{sql}: {answer:?}");
    }
    let sql =
        "UPDATE sales.orders o SET total = length(c.email) FROM customers c WHERE c.id = o.customer RETURNING total";
    let rows = database.run(writing(sql, &[]), &cx()).await.unwrap();
    assert_eq!(rows.rows[0][0].to_string().trim_matches('"'), "3");
}

/// What PostgreSQL has of functions that take the name or number of a relation is closed by a fence.
#[tokio::test(flavor = "multi_thread")]
async fn functions_that_look_up_relations_are_closed() {
    let fixture = Fixture::new("");
    let functions = fixture.sql(
        "SELECT DISTINCT proname FROM pg_proc WHERE pronamespace = 'pg_catalog'::regnamespace AND prokind = 'f'
         AND proargtypes::oid[] && '{regclass,regproc,regprocedure,regtype,regnamespace}'::regtype[]::oid[]",
    );
    let guard = Judge::default().held(Bounds { fenced: true, bound: false });
    let judge = |name: &str| {
        guard.check(&format!("SELECT {name}('x')"), Access::ReadOnly, crate::postgres::guard::Author::Model)
    };
    let open: Vec<&String> = functions.iter().filter(|name| judge(name).is_ok()).collect();
    assert!(functions.len() > 10 && open.is_empty(), "{open:?}");
}
