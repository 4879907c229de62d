//! Plans with indexes that are not there.

use serde_json::{Value, json};

use super::Fixture;
use super::source::{call, data, refused};

const SHOP: &str = "
    CREATE SCHEMA ext; CREATE EXTENSION hypopg SCHEMA ext;
    CREATE TABLE orders (id int PRIMARY KEY, customer int, note text);
    INSERT INTO orders SELECT n, n % 1000, repeat('x', 100) FROM generate_series(1, 20000) n;
    CREATE TABLE secret (a int, b int); CREATE SCHEMA hidden; CREATE TABLE hidden.plans (a int); ANALYZE";

/// A server may lack the extension; then only that is tested.
fn has_hypopg(fixture: &Fixture) -> bool {
    let there = fixture.sql("SELECT 1 FROM pg_available_extensions WHERE name = 'hypopg'") == ["1"];
    if !there {
        eprintln!("SKIPPED: this server has no hypopg (Debian: postgresql-15-hypopg)");
    }
    there
}

fn shop() -> Option<Fixture> {
    let bare = Fixture::new("");
    has_hypopg(&bare).then(|| Fixture::new(SHOP))
}

fn asked(table: &str, columns: &[&str]) -> Value {
    json!({"sql": "SELECT id FROM orders WHERE customer = 7", "hypothetical_indexes": [{"table": table, "columns": columns}]})
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plan_is_told_as_it_would_be_with_an_index_that_no_later_call_sees() {
    let Some(fixture) = shop() else { return };
    let pool = json!({"pool": {"max": 1}});
    let source = fixture.source("postgres", pool).await;
    let plan = async |arguments: Value| data(call(&source, "explain_query", arguments).await)["plan"].to_string();
    let bare = json!({"sql": "SELECT id FROM orders WHERE customer = 7"});
    assert!(plan(bare.clone()).await.contains("Seq Scan"));
    for table in ["orders", "public.orders"] {
        let told = plan(asked(table, &["customer"])).await;
        assert!(told.contains("btree_orders_customer"), "{told}");
        // There is one connection in all; the next call has another.
        assert!(plan(bare.clone()).await.contains("Seq Scan"));
    }
    let hash = json!({"sql": bare["sql"], "hypothetical_indexes": [{"table": "orders", "columns": ["customer"], "using": "hash"}]});
    assert!(plan(hash).await.contains("hash_orders_customer"));
    let left = json!({"sql": "SELECT count(*) AS n FROM ext.hypopg_list_indexes"});
    assert_eq!(data(call(&source, "run_sql_query", left).await)["rows"][0]["n"], json!(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn only_what_the_caller_could_read_is_imagined() {
    let Some(fixture) = shop() else { return };
    let role = fixture.role("");
    fixture.sql(&format!(
        "GRANT SELECT ON orders TO {role}; GRANT SELECT (a) ON secret TO {role}; GRANT USAGE ON SCHEMA ext TO {role}"
    ));
    let source = fixture.source(&role, json!({})).await;
    let told = data(call(&source, "explain_query", asked("orders", &["customer"])).await);
    assert!(told["plan"].to_string().contains("btree_orders_customer"), "{told}");
    for (table, columns) in
        [("hidden.plans", vec!["a"]), ("secret", vec!["b"]), ("orders", vec!["nothing"]), ("nobody", vec!["a"])]
    {
        let words = refused(call(&source, "explain_query", asked(table, &columns)).await);
        assert!(words.contains("hypothetical_indexes"), "{table}: {words}");
    }
    // What is written in a name stays a name.
    for table in ["orders; DROP TABLE secret", "orders(id)--", "a.b.c", "", "orders\" (id"] {
        assert!(
            call(&source, "explain_query", asked(table, &["id"])).await.map_or(true, |it| it.is_error == Some(true)),
            "{table}"
        );
    }
    let injected = asked("orders", &["id) ; DROP TABLE orders; --"]);
    assert!(refused(call(&source, "explain_query", injected).await).contains("hypothetical_indexes"));
    assert_eq!(fixture.sql("SELECT count(*) FROM orders"), ["20000"]);
    let analyzed =
        json!({"sql": "SELECT 1", "analyze": true, "hypothetical_indexes": [{"table": "orders", "columns": ["id"]}]});
    assert!(call(&source, "explain_query", analyzed).await.is_err());
    let fenced = fixture.source("postgres", json!({"schemas": ["public"], "tables": ["public.orders"]})).await;
    for table in ["secret", "hidden.plans"] {
        let words = refused(call(&fenced, "explain_query", asked(table, &["a"])).await);
        assert!(!words.contains("fence"), "{words}");
    }
    assert!(
        data(call(&fenced, "explain_query", asked("orders", &["customer"])).await)["plan"]
            .to_string()
            .contains("btree_orders")
    );
    let masked = fixture.source("postgres", json!({"mask": ["orders.note"]})).await;
    assert!(refused(call(&masked, "explain_query", asked("orders", &["note"])).await).contains("masked"));
}

#[tokio::test(flavor = "multi_thread")]
async fn without_the_extension_it_says_what_is_missing() {
    let fixture = Fixture::new("CREATE TABLE orders (id int, customer int)");
    let source = fixture.source("postgres", json!({})).await;
    let words = refused(call(&source, "explain_query", asked("orders", &["customer"])).await);
    assert!(words.contains("CREATE EXTENSION hypopg"), "{words}");
}
