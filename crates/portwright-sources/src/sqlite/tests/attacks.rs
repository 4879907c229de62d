//! Nothing that a statement says changes anything, on disk or in the connection, and nothing runs without end.

use std::sync::Arc;

use portwright_core::{RefusalKind, Source};
use serde_json::json;

use super::super::authorizer::FUNCTIONS;
use super::{Shop, content, sql};

/// Every way to write, to reach another file, to load code, or to change the connection that is known.
const ATTACKS: &[&str] = &[
    "INSERT INTO customers(name) VALUES ('x')",
    "UPDATE customers SET name = 'x'",
    "DELETE FROM customers",
    "REPLACE INTO customers(id, name) VALUES (1, 'x')",
    "WITH x AS (SELECT 1) INSERT INTO customers(name) SELECT 'x' FROM x",
    "INSERT INTO customers(name) VALUES ('x') RETURNING id",
    "EXPLAIN INSERT INTO customers(name) VALUES ('x')",
    "EXPLAIN QUERY PLAN DELETE FROM customers",
    "CREATE TABLE x(a)",
    "CREATE TEMP TABLE x(a)",
    "CREATE TEMP VIEW x AS SELECT 1",
    "CREATE TEMP TRIGGER x AFTER INSERT ON customers BEGIN SELECT 1; END",
    "CREATE VIRTUAL TABLE x USING fts5(a)",
    "CREATE TABLE x AS SELECT 1",
    "CREATE INDEX x ON customers(name)",
    "CREATE VIEW x AS SELECT 1",
    "DROP TABLE customers",
    "ALTER TABLE customers RENAME TO x",
    "ALTER TABLE customers ADD COLUMN x",
    "REINDEX",
    "ANALYZE",
    "VACUUM",
    "VACUUM INTO '{folder}/out.db'",
    "ATTACH '{folder}/out.db' AS x",
    "ATTACH '{folder}/shop.db' AS x",
    "ATTACH 'file:{folder}/shop.db?mode=rw' AS x",
    "ATTACH 'file:{folder}/out.db?mode=rwc' AS x",
    "ATTACH ':memory:' AS x",
    "DETACH main",
    "PRAGMA query_only = off",
    "PRAGMA writable_schema = on",
    "PRAGMA journal_mode = wal",
    "PRAGMA journal_mode = delete",
    "PRAGMA trusted_schema = on",
    "PRAGMA temp_store_directory = '{folder}'",
    "PRAGMA user_version = 7",
    "PRAGMA application_id = 7",
    "PRAGMA foreign_keys = off",
    "PRAGMA wal_checkpoint",
    "PRAGMA optimize",
    "PRAGMA hard_heap_limit = 1",
    "PRAGMA cache_size = -9999999",
    "PRAGMA data_version = 1",
    "PRAGMA table_info(customers)",
    "SELECT * FROM pragma_table_info('customers')",
    "SELECT * FROM pragma_function_list",
    "SELECT * FROM pragma_database_list",
    "SELECT load_extension('{folder}/x.so')",
    "SELECT fts3_tokenizer('simple')",
    "SELECT fts3_tokenizer('x', x'0000000000000000')",
    "SELECT LOAD_EXTENSION('x')",
    "SELECT \"load_extension\"('x')",
    "SELECT readfile('/etc/passwd')",
    "SELECT writefile('{folder}/out', 'x')",
    "SELECT edit('x')",
    "SELECT sqlite_log(1, 'x')",
    "SELECT 1; DELETE FROM customers",
    "SELECT 1; SELECT 2",
    "SELECT 1; ATTACH ':memory:' AS x",
    ";; DELETE FROM customers",
    "/* SELECT */ DELETE FROM customers",
    "-- SELECT\nDELETE FROM customers",
    "BEGIN",
    "BEGIN IMMEDIATE",
    "COMMIT",
    "ROLLBACK",
    "SAVEPOINT x",
    "RELEASE x",
    "UPDATE sqlite_schema SET sql = ''",
    "UPDATE sqlite_master SET rootpage = 2",
    "DELETE FROM sqlite_sequence",
    "SELECT zeroblob(900000000)",
    "SELECT printf('%.*c', 900000000, 'x')",
    "SELECT replace(printf('%.*c', 8000000, 'x'), 'x', 'yyyyyyyyyy')",
    "SELECT '' LIKE printf('%.*c', 5000, '%')",
    "SELECT ?1",
    "SELECT :name",
    "",
    "   ;  ",
    "-- nothing",
    "SELECT 1\0; DELETE FROM customers",
];

fn attacks(folder: &str) -> Vec<String> {
    ATTACKS.iter().map(|attack| attack.replace("{folder}", folder)).collect()
}

async fn withstand(source: &Arc<dyn Source>, shop: &Shop) {
    let before = shop.bytes();
    for attack in attacks(&shop.folder.path().to_string_lossy()) {
        match sql(source, &attack).await {
            Ok(result) => panic!("`{attack}` ran: {result:?}"),
            Err(refusal) => {
                let kind = refusal.kind();
                assert!(matches!(kind, RefusalKind::Failed | RefusalKind::Invalid), "`{attack}`: {kind:?} {refusal}");
                assert!(!refusal.public().is_empty(), "`{attack}`");
            }
        }
        assert!(shop.bytes() == before, "`{attack}` changed a file");
    }
    let after = content(sql(source, "SELECT count(*) AS n FROM customers").await);
    assert_eq!(after["rows"], json!([{"n": 2}]));
}

#[tokio::test]
async fn every_attack_is_refused_and_the_file_is_unchanged() {
    let shop = Shop::new();
    withstand(&shop.open(json!({"pool": {"max": 1}})).await, &shop).await;
}

#[tokio::test]
async fn the_same_through_explain() {
    let shop = Shop::new();
    let source = shop.open(json!({})).await;
    let before = shop.bytes();
    for attack in attacks(&shop.folder.path().to_string_lossy()) {
        // What is only too large when it runs may be explained.
        if attack.starts_with("SELECT zeroblob") || attack.contains("printf") {
            continue;
        }
        let arguments = super::object(json!({"sql": attack, "analyze": true}));
        let result = source.call("explain_query", &arguments, &super::cx()).await;
        assert!(result.is_err(), "`{attack}` was explained: {result:?}");
        assert!(shop.bytes() == before, "`{attack}` changed a file");
    }
}

#[tokio::test]
async fn a_refusal_says_what_works_instead() {
    let shop = Shop::new();
    let source = shop.open(json!({})).await;
    for (statement, words) in [
        ("DELETE FROM customers", "read-only"),
        ("PRAGMA table_info(customers)", "describe_table"),
        ("ATTACH 'x' AS x", "attached"),
        ("CREATE TEMP TABLE x(a)", "WITH"),
        ("BEGIN", "each call is one"),
        ("SELECT load_extension('x')", "load_extension() is not available"),
        ("SELECT 1; SELECT 2", "one statement"),
        ("SELECT ?1", "placeholders"),
    ] {
        let refusal = sql(&source, statement).await.unwrap_err();
        assert!(refusal.public().contains(words), "`{statement}`: {}", refusal.public());
    }
}

/// What a schema does when it is read may be hostile too.
#[tokio::test]
async fn a_hostile_schema_gets_no_further() {
    let shop = Shop::with(
        "CREATE TABLE customers(id INTEGER PRIMARY KEY, name);
         INSERT INTO customers VALUES (1, 'a'), (2, 'b');
         CREATE VIEW loads AS SELECT load_extension('x') AS x;
         CREATE VIEW tokenizes AS SELECT fts3_tokenizer('simple') AS x;
         CREATE VIEW lists AS SELECT * FROM pragma_database_list;",
    );
    let source = shop.open(json!({})).await;
    for view in ["loads", "tokenizes", "lists"] {
        let refusal = sql(&source, &format!("SELECT * FROM {view}")).await.unwrap_err();
        assert_eq!(refusal.kind(), RefusalKind::Failed, "{view}: {refusal}");
    }
    withstand(&source, &shop).await;
}

#[tokio::test]
async fn honest_statements_run() {
    let shop = Shop::new();
    shop.beside(
        "CREATE VIRTUAL TABLE notes USING fts5(body); INSERT INTO notes VALUES ('hello world');
         CREATE VIRTUAL TABLE old USING fts4(body); INSERT INTO old VALUES ('hello world');
         CREATE VIRTUAL TABLE boxes USING rtree(id, x0, x1); INSERT INTO boxes VALUES (1, 0, 2);",
    );
    let source = shop.open(json!({})).await;
    for statement in [
        "SELECT 1",
        "VALUES (1), (2)",
        "select 1 -- a comment; with a semicolon",
        "SELECT 1;",
        "SELECT 1; -- done",
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 10) SELECT sum(i) FROM n",
        "SELECT c.name, o.total, rank() OVER (PARTITION BY c.id ORDER BY o.total) FROM customers c JOIN orders o ON \
         o.customer_id = c.id",
        "SELECT * FROM spending",
        "SELECT name FROM sqlite_schema",
        "SELECT json_extract('{\"a\":[1,2]}', '$.a[1]'), '{\"a\":1}' -> 'a', '{\"a\":1}' ->> 'a'",
        "SELECT value FROM json_each('[1,2,3]')",
        "SELECT date('now'), strftime('%Y', '2026-01-01'), current_timestamp",
        "SELECT group_concat(name, ', '), count(*), avg(id), total(id) FROM customers",
        "SELECT name FROM customers WHERE name LIKE 'a%' OR name GLOB 'A*' OR name IN (SELECT name FROM customers)",
        "SELECT highlight(notes, 0, '[', ']'), bm25(notes) FROM notes WHERE notes MATCH 'hello' ORDER BY rank",
        "SELECT snippet(old) FROM old WHERE old MATCH 'world'",
        "SELECT id FROM boxes WHERE x0 <= 1 AND x1 >= 1",
        "SELECT 'DELETE FROM customers; DROP TABLE x' AS \"insert\"",
        "SELECT upper(name) || lower(name), length(name), substr(name, 1, 1), coalesce(email, '-') FROM customers",
        "SELECT CASE WHEN vip THEN 'x' ELSE 'y' END, CAST(id AS TEXT), round(1.5), abs(-1), typeof(id) FROM customers",
        "SELECT * FROM customers LEFT JOIN orders USING (id) UNION ALL SELECT * FROM customers LEFT JOIN orders USING \
         (id) ORDER BY 1 LIMIT 5 OFFSET 1",
        "EXPLAIN QUERY PLAN SELECT * FROM customers",
    ] {
        let result = sql(&source, statement).await;
        assert!(result.is_ok(), "`{statement}`: {result:?}");
    }
}

#[test]
fn the_list_of_functions_is_in_order() {
    let sorted = FUNCTIONS.windows(2).find(|pair| pair[0] >= pair[1]);
    assert_eq!(sorted, None);
}

/// A new SQLite may bring new functions; each is put on the list or left off it with a thought.
#[test]
fn every_built_in_function_has_been_judged() {
    const LEFT_OFF: &[&str] = &[
        "fts3_tokenizer",
        "fts5",
        "load_extension",
        "optimize",
        "sqlite_log",
        "sqlite_drop_column",
        "sqlite_rename_column",
        "sqlite_rename_table",
        "sqlite_rename_test",
        "sqlite_rename_quotefix",
    ];
    let db = rusqlite::Connection::open_in_memory().unwrap();
    let mut statement = db.prepare("SELECT DISTINCT lower(name) FROM pragma_function_list").unwrap();
    let names: Vec<String> = statement.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect();
    let unknown: Vec<&String> =
        names.iter().filter(|name| !FUNCTIONS.contains(&name.as_str()) && !LEFT_OFF.contains(&name.as_str())).collect();
    assert!(unknown.is_empty(), "{unknown:?}");
}
