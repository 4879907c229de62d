//! The examples work as they stand, and answer alike on both databases.

use std::path::Path;
use std::process::Command;

use serde_json::{Value, json};

use crate::harness::files::text;
use crate::harness::postgres::Postgres;
use crate::harness::server::serve;
use crate::harness::wire::{Client, Era, Stdio};

#[test]
fn the_example_shops_answer_alike_on_both_databases() {
    let sqlite = tempfile::tempdir().expect("a folder");
    let database = rusqlite::Connection::open(sqlite.path().join("shop.db")).expect("a database");
    database.execute_batch(&text("crates/portwright/src/demo/shop.sql")).expect("filled");
    let on_sqlite = conversation(copied("examples/shop-sqlite.toml", sqlite.path()));

    let postgres = Postgres::with(&text("examples/shop-postgres.sql"));
    let folder = tempfile::tempdir().expect("a folder");
    let mut command = copied("examples/shop-postgres.toml", folder.path());
    command.env("DATABASE_URL", format!("postgresql://shop_reader@127.0.0.1:{}/postgres", postgres.port));
    let on_postgres = conversation(command);

    for (sqlite, postgres) in on_sqlite.iter().zip(&on_postgres) {
        assert_eq!(sqlite, postgres);
    }
    assert_eq!(on_sqlite.len(), on_postgres.len());
}

/// Serves a copy of an example, so that nothing is written beside the example.
fn copied(example: &str, folder: &Path) -> Command {
    let config = folder.join("portwright.toml");
    std::fs::write(&config, text(example)).expect("written");
    serve(&config)
}

/// What must be the same on both: names, counts, ids; not the times, which count from now.
fn conversation(command: Command) -> Vec<Value> {
    let mut client = Stdio::start(command, Era::Modern);
    let mut names = client.tools();
    names.sort_unstable();
    let mut said = vec![json!(names)];

    let found = client.call("query_customers", json!({ "search_term": "an", "limit": 5 }));
    let rows = rows(&found);
    assert_eq!(rows.len(), 5, "{found}");
    said.extend(rows.iter().map(|row| json!([row["id"], row["name"], row["email"], row["country"]])));

    for customer in 1..=5 {
        let history = client.call("get_order_history", json!({ "customer_id": customer, "days": 3650 }));
        let orders = self::rows(&history);
        said.extend(orders.iter().map(|row| json!([row["order_id"], row["status"], row["items"]])));
    }
    let orders = said.len();
    assert!(orders > 10, "the customers ordered nothing: {said:?}");

    let table = client.request("resources/read", &json!({ "uri": "db://shop/schema/customers" }));
    assert!(table["result"]["contents"][0]["text"].as_str().is_some_and(|text| text.contains("email")), "{table}");
    for (name, arguments) in
        [("summarize_customer", json!({ "customer": "1" })), ("explore_table", json!({ "table": "orders" }))]
    {
        let prompt = client.request("prompts/get", &json!({ "name": name, "arguments": arguments }));
        let messages = prompt["result"]["messages"].as_array().unwrap_or_else(|| panic!("{prompt}"));
        said.push(json!(messages.iter().map(|message| &message["content"]["type"]).collect::<Vec<_>>()));
    }
    assert!(client.close().success());
    said
}

fn rows(answer: &Value) -> Vec<Value> {
    answer["result"]["structuredContent"]["rows"].as_array().unwrap_or_else(|| panic!("no rows: {answer}")).clone()
}
