//! Where writing was asked for, a call is one transaction, and the other walls still stand.

use std::sync::Arc;
use std::time::Duration;

use portwright_core::{Effects, RefusalKind, Source};
use serde_json::json;

use super::{Shop, content, cx, object, sql, text};

async fn writable(shop: &Shop) -> Arc<dyn Source> {
    let add = json!({
        "description": "Add.", "sql": "INSERT INTO customers(name) VALUES (:name) RETURNING id, name", "destructive": false,
        "params": {"name": {"type": "string", "description": "Name."}},
    });
    let rename = json!({
        "description": "Rename.", "sql": "UPDATE customers SET name = :name WHERE id = :id", "idempotent": true,
        "params": {"name": {"type": "string", "description": "N."}, "id": {"type": "integer", "description": "I."}},
    });
    let count = json!({"description": "Count.", "sql": "SELECT count(*) AS n FROM customers"});
    let tools = [("add", add), ("rename", rename), ("count", count)];
    shop.open_with(json!({"access": "read-write", "timeout": "5s"}), &tools, &[]).await
}

#[tokio::test]
async fn a_tool_says_whether_it_writes() {
    let shop = Shop::new();
    let source = writable(&shop).await;
    let effects = |name: &str| Effects::of(source.tools().iter().find(|tool| tool.name == name).unwrap());
    assert_eq!(effects("add"), Effects::Writes);
    assert_eq!(effects("rename"), Effects::Idempotent);
    assert_eq!(effects("count"), Effects::None);
    assert_eq!(effects("run_sql_query"), Effects::Writes);
    assert_eq!(effects("list_tables"), Effects::None);
}

#[tokio::test]
async fn writes_are_committed_and_counted() {
    let shop = Shop::new();
    let source = writable(&shop).await;
    let added = content(source.call("add", &object(json!({"name": "Cyd"})), &cx()).await);
    assert_eq!((&added["rows"], &added["affected"]), (&json!([{"id": 3, "name": "Cyd"}]), &json!(1)));
    let renamed = source.call("rename", &object(json!({"id": 3, "name": "'; DROP TABLE x"})), &cx()).await;
    assert_eq!(text(renamed), "1 row was written.");
    assert_eq!(text(sql(&source, "DELETE FROM customers WHERE id > 100").await), "0 rows were written.");
    assert_eq!(text(sql(&source, "CREATE TABLE extra(a)").await), "Done: CREATE TABLE.");
    assert_eq!(text(sql(&source, "INSERT INTO extra SELECT id FROM customers").await), "3 rows were written.");
    let fresh = rusqlite::Connection::open(&shop.path).unwrap();
    let names: String = fresh.query_row("SELECT group_concat(name) FROM customers", [], |row| row.get(0)).unwrap();
    assert_eq!(names, "Ada,Bob,'; DROP TABLE x");
    assert_eq!(text(source.call("count", &object(json!({})), &cx()).await), "n\n3");
}

#[tokio::test]
async fn the_other_walls_still_stand() {
    let shop = Shop::new();
    let source = writable(&shop).await;
    let folder = shop.folder.path().to_string_lossy().into_owned();
    for attack in [
        "ATTACH '{folder}/x.db' AS x",
        "VACUUM INTO '{folder}/x.db'",
        "VACUUM",
        "PRAGMA journal_mode = wal",
        "PRAGMA writable_schema = on",
        "PRAGMA user_version = 3",
        "COMMIT",
        "ROLLBACK",
        "BEGIN",
        "SAVEPOINT x",
        "CREATE TEMP TABLE x(a)",
        "CREATE VIRTUAL TABLE temp.x USING fts5(a)",
        "CREATE VIRTUAL TABLE x USING dbstat",
        "SELECT load_extension('x')",
        "INSERT INTO customers(name) VALUES (load_extension('x'))",
        "UPDATE sqlite_schema SET sql = 'x'",
        "INSERT INTO customers(name) VALUES ('x'); COMMIT; ATTACH '{folder}/x.db' AS x",
        "INSERT INTO customers(name) VALUES ('x'); INSERT INTO customers(name) VALUES ('y')",
    ] {
        let attack = attack.replace("{folder}", &folder);
        let result = sql(&source, &attack).await;
        assert!(result.is_err(), "`{attack}` ran: {result:?}");
    }
    assert!(!shop.folder.path().join("x.db").exists());
    assert_eq!(text(sql(&source, "SELECT count(*) AS n FROM customers").await), "n\n2");
    // The connection is as good as new.
    assert_eq!(text(sql(&source, "UPDATE customers SET vip = 1").await), "2 rows were written.");
}

#[tokio::test]
async fn a_failed_write_leaves_nothing() {
    let shop = Shop::new();
    let source = writable(&shop).await;
    let insert = "INSERT INTO customers(id, name) SELECT 10, 'x' UNION ALL SELECT 1, 'taken'";
    let refusal = sql(&source, insert).await.unwrap_err();
    assert_eq!((refusal.kind(), refusal.public()), (RefusalKind::Failed, "UNIQUE constraint failed: customers.id"));
    assert!(sql(&source, "INSERT INTO orders(customer_id) VALUES (99)").await.is_err(), "foreign keys hold");
    assert_eq!(text(sql(&source, "SELECT count(*) AS n FROM customers").await), "n\n2");
}

#[tokio::test]
async fn a_cancelled_write_leaves_nothing() {
    let shop = Shop::new();
    let source = writable(&shop).await;
    let context = cx();
    let cancel = context.cancel.clone();
    let endless = "INSERT INTO customers(name) WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) \
                   SELECT 'x' || i FROM n";
    let task = {
        let source = source.clone();
        tokio::spawn(async move {
            source.call("run_sql_query", &object(json!({"sql": endless})), &context).await.unwrap_err().kind()
        })
    };
    tokio::task::yield_now().await;
    cancel.cancel();
    let kind = tokio::time::timeout(Duration::from_secs(30), task).await.expect("it ends").unwrap();
    assert_eq!(kind, RefusalKind::Cancelled);
    assert_eq!(text(sql(&source, "SELECT count(*) AS n FROM customers").await), "n\n2");
    assert_eq!(text(sql(&source, "UPDATE customers SET vip = 1").await), "2 rows were written.");
}

#[tokio::test]
async fn a_lock_of_another_process_is_waited_for_and_told() {
    let shop = Shop::new();
    let source = shop.open(json!({"access": "read-write", "timeout": "100ms"})).await;
    let mut other = rusqlite::Connection::open(&shop.path).unwrap();
    let lock = other.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate).unwrap();
    assert_eq!(sql(&source, "UPDATE customers SET vip = 1").await.unwrap_err().kind(), RefusalKind::TimedOut);
    // Reading goes on.
    assert_eq!(text(sql(&source, "SELECT count(*) AS n FROM customers").await), "n\n2");
    lock.commit().unwrap();
    assert_eq!(text(sql(&source, "UPDATE customers SET vip = 1").await), "2 rows were written.");
}
