//! The examples work as they stand, and answer alike on all databases.

use std::path::Path;
use std::process::Command;

use portwright_sources::mysql::testing::Server as MariaDb;
use serde_json::{Value, json};

use crate::harness::files::{root, text};
use crate::harness::postgres::Postgres;
use crate::harness::server::{binary, serve};
use crate::harness::wire::{Client, Era, Stdio};

#[test]
fn the_example_shops_answer_alike_on_all_databases() {
    let sqlite = tempfile::tempdir().expect("a folder");
    let database = rusqlite::Connection::open(sqlite.path().join("shop.db")).expect("a database");
    database.execute_batch(&text("crates/portwright/src/demo/shop.sql")).expect("filled");
    let on_sqlite = conversation(copied("examples/shop-sqlite.toml", sqlite.path()));

    let postgres = Postgres::with(&text("examples/shop-postgres.sql"));
    let folder = tempfile::tempdir().expect("a folder");
    let mut command = copied("examples/shop-postgres.toml", folder.path());
    command.env("DATABASE_URL", postgres.url(Some("shop_reader")));
    let on_postgres = conversation(command);

    assert_eq!(on_sqlite, on_postgres);

    let mysql = MariaDb::start();
    mysql.sql("mysql", "CREATE DATABASE shop CHARACTER SET utf8mb4");
    mysql.sql("shop", &text("examples/mysql.sql"));
    let folder = tempfile::tempdir().expect("a folder");
    let mut command = copied("examples/mysql.toml", folder.path());
    command.env("MYSQL_URL", mysql.url("shop_reader", "shop"));
    let on_mysql = conversation(command);

    assert_eq!(on_sqlite, on_mysql);
}

#[test]
fn every_example_is_sound_while_every_host_is_away() {
    let folder = root().join("examples");
    let mut checked = 0;
    for entry in std::fs::read_dir(&folder).expect("examples").flatten() {
        if entry.path().extension().is_none_or(|ending| ending != "toml") {
            continue;
        }
        let mut check = Command::new(binary());
        check.args(["check", "--offline", "-c"]).arg(entry.path());
        check.envs([
            ("DATABASE_URL", "postgres://reader@127.0.0.1/shop"),
            ("MYSQL_URL", "mysql://reader@127.0.0.1/shop"),
            ("GITHUB_TOKEN", "t"),
            ("BRAVE_API_KEY", "t"),
        ]);
        let ended = check.output().expect("the binary runs");
        assert!(ended.status.success(), "{}: {}", entry.path().display(), String::from_utf8_lossy(&ended.stderr));
        checked += 1;
    }
    assert!(checked >= 8, "{checked} examples");
}

/// Serves a copy of an example, so that nothing is written beside the example.
fn copied(example: &str, folder: &Path) -> Command {
    let config = folder.join("portwright.toml");
    std::fs::write(&config, text(example)).expect("written");
    serve(&config)
}

/// What must be the same on all: the names of all that is offered, and the shape of each answer.
fn conversation(command: Command) -> Vec<Value> {
    let mut client = Stdio::start(command, Era::Modern);
    let mut names = client.tools();
    names.sort_unstable();
    let mut said = vec![json!(names)];

    let found = client.call("query_customers", json!({ "search_term": "an", "limit": 5 }));
    let customers = rows(&found);
    assert_eq!(customers.len(), 5, "{found}");
    let history = client.call("get_order_history", json!({ "customer_id": 1, "days": 3650 }));
    for answer in [&found, &history] {
        let row = rows(answer).swap_remove(0);
        said.push(json!(row.as_object().expect("a row").keys().collect::<Vec<_>>()));
    }

    let table = client.request("resources/read", &json!({ "uri": "db://shop/schema/customers" }));
    assert!(table["result"]["contents"][0]["text"].as_str().is_some_and(|text| text.contains("email")), "{table}");
    for (name, arguments) in
        [("summarize_customer", json!({ "customer": "1" })), ("explore_table", json!({ "table": "orders" }))]
    {
        let prompt = client.request("prompts/get", &json!({ "name": name, "arguments": arguments }));
        let messages = prompt["result"]["messages"].as_array().unwrap_or_else(|| panic!("{prompt}"));
        said.push(json!(messages.iter().map(|message| &message["content"]["type"]).collect::<Vec<_>>()));
    }
    let customer = client.request("resources/read", &json!({ "uri": "db://shop/customers/1" }));
    let customer = customer["result"]["contents"][0]["text"].as_str().unwrap_or_else(|| panic!("{customer}"));
    let customer: Value = serde_json::from_str(customer).expect("JSON");
    said.push(json!(customer["rows"][0].as_object().expect("a row").keys().collect::<Vec<_>>()));
    for (reference, argument, value) in [
        (json!({ "type": "ref/resource", "uri": "db://shop/customers/{id}" }), "id", "1"),
        (json!({ "type": "ref/prompt", "name": "explore_table" }), "table", "or"),
    ] {
        let typed = json!({ "ref": reference, "argument": { "name": argument, "value": value } });
        let answer = client.request("completion/complete", &typed);
        let values = answer["result"]["completion"]["values"].as_array().unwrap_or_else(|| panic!("{answer}"));
        let begins = |offered: &Value| offered.as_str().is_some_and(|offered| offered.starts_with(value));
        assert!(!values.is_empty() && values.iter().all(begins), "{answer}");
        said.push(json!(values));
    }
    assert!(client.close().success());
    said
}

/// The rows of an answer; there must be some.
fn rows(answer: &Value) -> Vec<Value> {
    let rows = answer["result"]["structuredContent"]["rows"].as_array().filter(|rows| !rows.is_empty());
    rows.unwrap_or_else(|| panic!("no rows: {answer}")).clone()
}
