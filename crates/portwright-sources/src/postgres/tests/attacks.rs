//! Every technique that was seen to write, to reach out or to stay, through the source: as superuser and as owner.

use serde_json::json;

use super::*;

const ATTACKS: &str = include_str!("../guard/corpus/attacks.sql");

/// What needs a name of this server: statements that PostgreSQL would take.
fn techniques(folder: &str) -> Vec<String> {
    let mut sql: Vec<String> = [
        "COMMIT; INSERT INTO pub VALUES (666)",
        "ROLLBACK; INSERT INTO pub VALUES (666)",
        "SET transaction_read_only = off; INSERT INTO pub VALUES (666)",
        "SELECT set_config('transaction_read_only', 'off', false)",
        "SET SESSION default_transaction_read_only = off",
        "SET SESSION CHARACTERISTICS AS TRANSACTION READ WRITE",
        "WITH x AS (INSERT INTO pub VALUES (666) RETURNING *) SELECT * FROM x",
        "EXPLAIN ANALYZE INSERT INTO pub VALUES (666)",
        "SELECT * INTO stolen FROM pub",
        "CREATE TEMP TABLE x AS SELECT 1",
        "SELECT pg_read_file('PG_VERSION')",
        "SELECT * FROM pg_read_file('PG_VERSION')",
        "SELECT ('PG_VERSION'::text).pg_read_file",
        "SELECT pg_ls_dir('.')",
        "SELECT lo_from_bytea(4242, 'x')",
        "SELECT lo_create(4242)",
        "SELECT (4242::oid).lo_create",
        "SELECT lo_put(lo_create(4242), 0, 'x')",
        "SELECT nextval('counter')",
        "SELECT setval('counter', 99)",
        "SELECT write_it()",
        "SELECT public.write_it()",
        "SELECT * FROM write_it()",
        "SELECT p.write_row FROM pub p",
        "SELECT (p).write_row FROM pub p",
        "SELECT (1).write_number",
        "SELECT loosen()",
        "SELECT pg_sleep(30)",
        "SELECT (30::float8).pg_sleep",
        "SELECT pg_advisory_lock(1)",
        "SELECT pg_try_advisory_lock(1)",
        "SELECT pg_terminate_backend(pg_backend_pid())",
        "SET ROLE postgres",
        "RESET ROLE",
        "SET statement_timeout = 0",
        "NOTIFY x, 'y'",
        "SELECT pg_notify('x', 'y')",
        "LISTEN x",
        "PREPARE p AS INSERT INTO pub VALUES (666)",
        "DO $$ BEGIN INSERT INTO pub VALUES (666); END $$",
        "LOAD 'plpgsql'",
        "SELECT pg_stat_file('PG_VERSION')",
        "SELECT query_to_xml('INSERT INTO pub VALUES (666)', true, true, '')",
        "SELECT query_to_xml('SELECT * FROM secret', true, true, '')",
        "SELECT pg_logical_emit_message(false, 'a', 'b')",
        "SELECT pg_reload_conf()",
        "SELECT pg_switch_wal()",
        "SELECT pg_create_restore_point('x')",
        "LOCK TABLE pub IN ACCESS EXCLUSIVE MODE",
        "SELECT * FROM pub FOR UPDATE",
        "SELECT * FROM pg_authid",
        "SELECT * FROM pg_stat_activity",
        "SELECT current_setting('data_directory')",
        "VACUUM",
        "CALL write_proc()",
        "ALTER SYSTEM SET work_mem = '1GB'",
        "SELECT 1 OPERATOR(public.@#@) 1",
    ]
    .map(str::to_owned)
    .to_vec();
    sql.push(format!("COPY pub TO PROGRAM 'touch {folder}/pwned'"));
    sql.push(format!("COPY pub TO '{folder}/pwned'"));
    sql.push(format!("COPY (SELECT 1) TO '{folder}/pwned'"));
    sql.push(format!("SELECT lo_export(1, '{folder}/pwned')"));
    sql.push(format!("SELECT lo_import('{folder}/PG_VERSION')"));
    sql.push("COPY pub FROM '/etc/passwd'".to_owned());
    sql
}

const BAIT: &str = "
    CREATE TABLE pub (id int); INSERT INTO pub VALUES (1); CREATE TABLE secret (id int); CREATE SEQUENCE counter;
    CREATE FUNCTION write_it() RETURNS int LANGUAGE sql AS 'INSERT INTO pub VALUES (666) RETURNING id';
    CREATE FUNCTION write_row(pub) RETURNS int LANGUAGE sql AS 'INSERT INTO pub VALUES (666) RETURNING id';
    CREATE FUNCTION write_number(int) RETURNS int LANGUAGE sql AS 'INSERT INTO pub VALUES (666) RETURNING id';
    CREATE FUNCTION add_it(int, int) RETURNS int LANGUAGE sql AS 'INSERT INTO pub VALUES (666) RETURNING id';
    CREATE OPERATOR @#@ (LEFTARG = int, RIGHTARG = int, FUNCTION = add_it);
    CREATE PROCEDURE write_proc() LANGUAGE sql AS 'INSERT INTO pub VALUES (666)';
    CREATE FUNCTION loosen() RETURNS text LANGUAGE sql SECURITY DEFINER AS
      'SELECT set_config(''default_transaction_read_only'', ''off'', false)'";

fn assert_untouched(fixture: &Fixture) {
    assert_eq!(fixture.sql("SELECT id FROM pub"), ["1"]);
    assert_eq!(fixture.sql("SELECT count(*) FROM pg_largeobject_metadata"), ["0"]);
    assert_eq!(fixture.sql("SELECT last_value, is_called FROM counter"), ["1\tf"]);
    assert_eq!(fixture.sql("SELECT count(*) FROM pg_class WHERE relname = 'stolen'"), ["0"]);
    assert!(!fixture.server.data().join("pwned").exists());
    assert_eq!(fixture.sql("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"), ["0"]);
}

/// A session that ad-hoc statements ran on is as a new one.
pub(super) async fn assert_unpoisoned(database: &PostgresDatabase) {
    let own = async |sql: &str| database.run(declared(sql, &[]), &cx()).await.unwrap().rows[0][0].clone();
    assert_eq!(own("SHOW transaction_read_only").await, json!("on"));
    assert_eq!(own("SHOW default_transaction_read_only").await, json!("on"));
    assert_eq!(own("SELECT count(*) FROM pg_listening_channels()").await, json!(0));
    assert_eq!(
        own("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND pid = pg_backend_pid()").await,
        json!(0)
    );
    assert_eq!(own("SELECT current_user = session_user").await, json!(true));
    assert_eq!(own("SELECT count(*) FROM pg_cursors WHERE is_holdable").await, json!(0));
    let limit = own("SELECT extract(epoch FROM current_setting('statement_timeout')::interval)").await;
    assert!(limit.as_str().unwrap().parse::<f64>().unwrap() > 0.0, "{limit}");
}

async fn attack(fixture: &Fixture, role: &str) {
    let database = open(&fixture.url(role), Access::ReadOnly, 1).await.unwrap();
    let folder = fixture.server.data();
    let corpus = ATTACKS.split("\n\n").map(str::trim).filter(|sql| !sql.is_empty()).map(str::to_owned);
    let mut count = 0;
    for sql in techniques(folder.to_str().unwrap()).into_iter().chain(corpus) {
        let answer = ask(&database, &sql).await;
        assert!(answer.is_err(), "{role}: {sql}: {answer:?}");
        assert!(!matches!(answer, Err(SqlError::Internal(_) | SqlError::TimedOut(_))), "{role}: {sql}: {answer:?}");
        count += 1;
    }
    println!("{role}: {count} attacks refused");
    assert_unpoisoned(&database).await;
    assert_untouched(fixture);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_superuser_writes_nothing() {
    let fixture = Fixture::new(BAIT);
    attack(&fixture, "postgres").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_owner_writes_nothing() {
    let fixture = Fixture::new("");
    let role = fixture.role("CREATEROLE");
    fixture.sql(&format!(
        "ALTER DATABASE {} OWNER TO {role}; GRANT ALL ON SCHEMA public TO {role}; SET ROLE {role}; {BAIT}",
        fixture.database
    ));
    attack(&fixture, &role).await;
}

/// What the guard does not judge: the operator's own statements. The transaction holds them.
#[tokio::test(flavor = "multi_thread")]
async fn the_transaction_holds_what_the_guard_lets_through() {
    let fixture = Fixture::new(BAIT);
    let database = open(&fixture.url("postgres"), Access::ReadOnly, 1).await.unwrap();
    for sql in
        ["SELECT write_it()", "SELECT p.write_row FROM pub p", "SELECT 1 OPERATOR(public.@#@) 1", "SELECT 1 @#@ 1"]
    {
        let answer = database.run(declared(sql, &[]), &cx()).await;
        assert!(matches!(&answer, Err(SqlError::Database { code, .. }) if code == "25006"), "{sql}: {answer:?}");
    }
    // A function that sets what outlives a transaction: it is rolled back.
    database.run(declared("SELECT loosen()", &[]), &cx()).await.unwrap();
    assert_unpoisoned(&database).await;
    assert_untouched(&fixture);
}

/// What fits the arguments better than PostgreSQL's own function of a name is called in its place.
#[tokio::test(flavor = "multi_thread")]
async fn a_name_of_postgresqls_own_is_lent_to_nobody() {
    let fixture = Fixture::new(
        "CREATE FUNCTION lower(int) RETURNS text LANGUAGE plpgsql AS $$BEGIN PERFORM pg_notify('x', 'y'); RETURN ''; END$$;
         CREATE FUNCTION join_both(text, text) RETURNS text LANGUAGE sql AS 'SELECT lower(1)';
         CREATE AGGREGATE sum(text) (SFUNC = join_both, STYPE = text);
         CREATE FUNCTION round(float8, int) RETURNS float8 IMMUTABLE LANGUAGE sql AS 'SELECT 0.5::float8';
         CREATE SCHEMA aside; CREATE FUNCTION aside.upper(int) RETURNS text LANGUAGE sql AS 'SELECT lower(1)'",
    );
    let database = fixture.open().await;
    for sql in ["SELECT lower(1)", "SELECT * FROM LOWER(1)", "SELECT \"sum\"('a'::text)", "SELECT sum('a') OVER ()"] {
        let answers =
            [ask(&database, sql).await.map(|_| ()), database.explain(query(sql, &[]), true, &cx()).await.map(|_| ())];
        for answer in answers {
            assert!(
                matches!(&answer, Err(SqlError::Rejected(words)) if words.contains("pg_catalog.")),
                "{sql}: {answer:?}"
            );
        }
    }
    assert_eq!(one(&database, "SELECT pg_catalog.lower('A') || upper('a')").await, json!("aA"));
    assert_eq!(one(&database, "SELECT round(1.25::float8, 1)").await, json!(0.5));
    database.run(declared("SELECT lower(1)", &[]), &cx()).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn writing_sessions_are_clean_afterwards() {
    let fixture = Fixture::new(
        "CREATE TABLE t (x int); CREATE FUNCTION spoil() RETURNS int LANGUAGE plpgsql AS $$ BEGIN
           PERFORM set_config('statement_timeout', '0', false); PERFORM set_config('search_path', 'evil', false);
           PERFORM pg_advisory_lock(7); EXECUTE 'LISTEN x'; CREATE TEMP TABLE pg_class (a int);
           PERFORM set_config('default_transaction_read_only', 'off', false); RETURN 1; END $$",
    );
    let database = open(&fixture.url("postgres"), Access::ReadWrite, 1).await.unwrap();
    database.run(Query { declared: true, ..writing("SELECT spoil()", &[]) }, &cx()).await.unwrap();
    assert_unpoisoned(&database).await;
    assert_eq!(one(&database, "SELECT count(*) > 100 FROM pg_class").await, json!(true));
    assert_eq!(one(&database, "SHOW search_path").await, json!("public, pg_temp"));
}
