//! Databases that are down, slow, or answer with more than anyone can read.

use serde_json::json;

use crate::harness::postgres::Postgres;
use crate::harness::server::{Portwright, serve};
use crate::harness::shop::{Shop, postgres_data};
use crate::harness::wire::{Client, Era, Http, Stdio};

#[test]
fn a_database_that_comes_up_later_brings_its_tools() {
    let mut shop = Shop::on(Postgres::down());
    let server = Portwright::listening(serve(&shop.config()));
    let health = server.wait_health("the source to be down", |health| health["sources"][0]["state"] != "connecting");
    assert_eq!(health["status"], "degraded", "{health}");
    let mut client = Http::connect(server.address, Era::Legacy);
    assert!(!client.tools().contains(&"query_customers".to_owned()));
    let events = client.events();
    let postgres = shop.database_mut().expect("a server");
    postgres.start();
    postgres.execute(&postgres_data());
    events.wait("notifications/tools/list_changed");
    let found = client.call("query_customers", json!({ "search_term": "ada" }));
    assert_eq!(found["result"]["structuredContent"]["row_count"], 1, "{found}");
    server.wait_health("the source to be back", |health| health["status"] == "ok");
}

#[test]
fn a_database_that_restarts_costs_no_call() {
    let mut shop = Shop::postgres();
    let server = Portwright::start(&shop.config());
    let mut client = Http::connect(server.address, Era::Modern);
    let ask = json!({ "search_term": "ada" });
    assert_eq!(client.call("query_customers", ask.clone())["result"]["structuredContent"]["row_count"], 1);
    let postgres = shop.database_mut().expect("a server");
    postgres.stop();
    let refused = client.call("query_customers", ask.clone());
    assert_eq!(refused["result"]["isError"], true, "{refused}");
    postgres.start();
    let found = client.call("query_customers", ask);
    assert_eq!(found["result"]["structuredContent"]["row_count"], 1, "{found}");
}

#[test]
fn a_cancelled_call_ends_its_statement() {
    let shop = Shop::postgres();
    let server = Portwright::start(&shop.config());
    let postgres = shop.database().expect("a server");
    let running = "SELECT count(*) FROM pg_stat_activity WHERE state = 'active' AND query LIKE '%customers f%' AND pid <> pg_backend_pid()";
    let mut client = Http::connect(server.address, Era::Modern);
    let (_, stream) = client.send("tools/call", &json!({ "name": "slow_report", "arguments": {} }));
    crate::harness::wait_for("the statement to run", || (postgres.ask(running) == "1").then_some(()));
    drop(stream);
    crate::harness::wait_for("the statement to end", || (postgres.ask(running) == "0").then_some(()));
}

#[test]
fn a_server_that_stops_leaves_no_statement_running() {
    for era in Era::BOTH {
        let shop = Shop::postgres();
        let postgres = shop.database().expect("a server");
        let source = format!("kind = \"postgres\"\nurl = \"{}\"\n", postgres.url(None));
        shop.configure(&source, "[listen]\ndrain = \"100ms\"\n");
        let mut server = Portwright::start(&shop.config());
        let running = "SELECT count(*) FROM pg_stat_activity WHERE state = 'active' AND query LIKE '%customers f%' AND pid <> pg_backend_pid()";
        let mut client = Http::connect(server.address, era);
        let _stream = client.send("tools/call", &json!({ "name": "slow_report", "arguments": {} }));
        crate::harness::wait_for("the statement to run", || (postgres.ask(running) == "1").then_some(()));
        server.terminate();
        assert_eq!(server.wait_end().code(), Some(0), "{}", server.errors());
        assert_eq!(postgres.ask(running), "0");
        assert_eq!(shop.outcomes()[0]["outcome"], "cancelled");
    }
}

#[test]
fn a_million_rows_are_cut_with_a_word() {
    for shop in [Shop::sqlite(), Shop::postgres()] {
        let server = Portwright::start(&shop.config());
        let mut client = Http::connect(server.address, Era::Modern);
        let answer = client.call("million_rows", json!({}));
        let content = &answer["result"]["structuredContent"];
        assert_eq!(content["truncated"], true, "{answer}");
        let rows = content["rows"].as_array().map_or(0, Vec::len);
        assert!((1..=200).contains(&rows), "{rows} rows");
        assert_eq!(content["row_count"], rows, "{answer}");
        assert!(content["notice"].as_str().is_some_and(|notice| notice.len() > 20), "{answer}");
        assert!(answer.to_string().len() < 300_000, "{} bytes", answer.to_string().len());
        let record = &shop.outcomes()[0];
        assert_eq!(record["truncated"], true, "{record}");
    }
}

/// A sort that does not fit in memory neither goes to a disk nor takes the process with it.
#[test]
fn a_sort_in_sqlite_is_bounded() {
    let shop = Shop::sqlite();
    let server = Portwright::start(&shop.config());
    let mut client = Http::connect(server.address, Era::Modern);
    let mut sort = |rows: u32, bytes: u32| {
        let numbers = format!("WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT {rows})");
        let sql =
            format!("{numbers} SELECT length(b) AS b FROM (SELECT randomblob({bytes}) AS b FROM n ORDER BY b) LIMIT 1");
        client.call("run_sql_query", json!({ "sql": sql }))
    };
    let refused = sort(1000, 900_000);
    assert_eq!(refused["result"]["isError"], true, "{refused}");
    assert!(refused.to_string().contains("memory"), "{refused}");
    let sorted = sort(20_000, 1000);
    assert_eq!(sorted["result"]["structuredContent"]["rows"], json!([{ "b": 1000 }]), "{sorted}");
}

#[test]
fn a_call_that_takes_too_long_is_stopped() {
    let shop = Shop::sqlite();
    let file = shop.folder().join("shop.sqlite");
    shop.configure(&format!("kind = \"sqlite\"\npath = {:?}\ntimeout = \"200ms\"\n", file.display().to_string()), "");
    let mut client = Stdio::start(serve(&shop.config()), Era::Legacy);
    let answer = client.call("slow_report", json!({}));
    assert_eq!(answer["result"]["isError"], true, "{answer}");
    let words = answer["result"]["content"][0]["text"].as_str().unwrap_or_default();
    assert!(words.contains("200ms"), "{answer}");
    assert!(client.close().success());
}

/// A session whose statement was called off serves the next call as if nothing had been.
#[test]
fn calls_after_a_cancelled_one_are_unharmed() {
    let shop = Shop::postgres();
    let server = Portwright::start(&shop.config());
    let postgres = shop.database().expect("a server");
    let running = "SELECT count(*) FROM pg_stat_activity WHERE state = 'active' AND query LIKE '%customers f%' AND pid <> pg_backend_pid()";
    for _ in 0..12 {
        let mut client = Http::connect(server.address, Era::Modern);
        let (_, stream) = client.send("tools/call", &json!({ "name": "slow_report", "arguments": {} }));
        let found = client.call("query_customers", json!({ "search_term": "Ada Lovelace" }));
        assert_eq!(found["result"]["structuredContent"]["row_count"], 1, "{found}");
        crate::harness::wait_for("the statement to run", || (postgres.ask(running) == "1").then_some(()));
        drop(stream);
        crate::harness::wait_for("the statement to end", || (postgres.ask(running) == "0").then_some(()));
    }
    let slow = shop.outcomes().into_iter().filter(|record| record["name"] == "slow_report");
    assert!(slow.map(|record| record["outcome"].clone()).all(|outcome| outcome == "cancelled"), "{}", server.errors());
}

#[test]
fn of_two_databases_each_stands_by_itself() {
    let stats = Postgres::with("CREATE TABLE visits (page text); INSERT INTO visits VALUES ('home')");
    let mut shop = Shop::postgres();
    let more = format!("[sources.stats]\nkind = \"postgres\"\nurl = {:?}\n", stats.url(None));
    let url = shop.database().expect("a server").url(None);
    shop.configure(&format!("kind = \"postgres\"\nurl = {url:?}\n"), &more);
    let server = Portwright::start(&shop.config());
    let mut client = Http::connect(server.address, Era::Modern);
    let tools = client.tools();
    for name in ["shop.run_sql_query", "stats.run_sql_query", "query_customers"] {
        assert!(tools.contains(&name.to_owned()), "{name} is not in {tools:?}");
    }
    let mut rows = |tool: &str, sql: &str| client.call(tool, json!({ "sql": sql }))["result"].clone();
    let visits = "SELECT page FROM visits";
    assert_eq!(rows("stats.run_sql_query", visits)["structuredContent"]["rows"], json!([{"page": "home"}]));
    assert_eq!(rows("shop.run_sql_query", visits)["isError"], true, "the other's table");
    shop.database_mut().expect("a server").stop();
    assert_eq!(rows("shop.run_sql_query", "SELECT 1 AS one")["isError"], true);
    assert_eq!(rows("stats.run_sql_query", visits)["structuredContent"]["row_count"], 1, "the other goes on");
    let health = server.wait_health("the one to be missed", |health| health["status"] == "degraded");
    assert!(
        health["sources"]
            .as_array()
            .is_some_and(|all| all.iter().any(|it| it["name"] == "stats" && it["state"] == "ready"))
    );
}
