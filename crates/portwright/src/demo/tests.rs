//! The shop, its configuration, and how a conversation is shown.

use portwright_core::protocol::{CallToolResult, ContentBlock};
use serde_json::json;

use super::conversation::{answer, first_sentence, wrapped};
use super::shop::{CONFIGURATION, CONTENTS, SCRIPT, Shop};

#[test]
fn the_shop_holds_what_is_said_of_it() {
    let db = rusqlite::Connection::open_in_memory().unwrap();
    db.execute_batch(SCRIPT).unwrap();
    let count =
        |table: &str| -> i64 { db.query_row(&format!("SELECT count(*) FROM {table}"), [], |row| row.get(0)).unwrap() };
    let said = format!(
        "{} customers, {} products, {} orders with {} items",
        count("customers"),
        count("products"),
        count("orders"),
        count("order_items")
    );
    assert_eq!(said, CONTENTS);
    for (what, query) in [
        ("broken references", "SELECT count(*) FROM pragma_foreign_key_check"),
        ("orders without a total", "SELECT count(*) FROM orders WHERE total_cents IS NULL OR total_cents <= 0"),
        ("addresses elsewhere", "SELECT count(*) FROM customers WHERE email NOT LIKE '%@example.com'"),
        (
            "orders before their customer",
            "SELECT count(*) FROM orders JOIN customers ON customers.id = customer_id WHERE ordered_at < created_at",
        ),
        ("leftovers", "SELECT count(*) FROM temp.sqlite_schema"),
    ] {
        let found: i64 = db.query_row(query, [], |row| row.get(0)).unwrap();
        assert_eq!(found, 0, "{what}");
    }
}

#[tokio::test]
async fn the_configuration_is_sound() {
    let shop = Shop::make().await.unwrap();
    let plan = shop.plan().unwrap();
    let names: Vec<_> = plan.sources.iter().map(|source| &*source.name).collect();
    assert_eq!(names, ["shop", "docs", "declared"]);
    let folder = shop.audit_file().parent().unwrap().to_owned();
    assert!(folder.join("shop.db").exists());
    drop(shop);
    assert!(!folder.exists(), "the folder is gone with the shop");
}

#[test]
fn the_example_is_what_the_demo_serves() {
    let example = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/shop-sqlite.toml");
    assert_eq!(std::fs::read_to_string(example).unwrap(), CONFIGURATION);
}

#[test]
fn answers_are_drawn() {
    let mut result = CallToolResult::success(vec![ContentBlock::text("text")]);
    let rows: Vec<_> = (0..10).map(|id| json!({"id": id, "name": "n".repeat(60)})).collect();
    result.structured_content = Some(json!({ "rows": rows }));
    let drawn = answer(&result);
    assert!(drawn.contains("… and 2 more rows"), "{drawn}");
    assert!(drawn.contains(&format!("{}…", "n".repeat(44))) && !drawn.contains(&"n".repeat(45)), "{drawn}");
    let refused = CallToolResult::error(vec![ContentBlock::text("no\u{1b}[2J such row")]);
    let drawn = answer(&refused);
    assert!(drawn.contains("no\u{fffd}[2J such row"), "an answer can't steer the terminal: {drawn:?}");
}

#[test]
fn a_record_is_broken_between_its_fields() {
    let record = json!({"a": "x".repeat(60), "b": {"c": "y,\"z"}, "d": "w".repeat(60), "e": null}).to_string();
    let lines = wrapped(&record);
    assert_eq!(lines.replace('\n', ""), record);
    assert!(lines.lines().count() > 1 && lines.lines().all(|line| line.len() < 100), "{lines}");
}

#[test]
fn the_first_sentence_ends_with_its_full_stop() {
    assert_eq!(first_sentence("\nFind customers. Use it when …"), "Find customers.");
    assert_eq!(first_sentence("One line\nand another. More"), "One line");
    assert_eq!(first_sentence(""), "");
}
