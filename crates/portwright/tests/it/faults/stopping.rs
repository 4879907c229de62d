//! The server stops; no call is lost.

use serde_json::json;

use crate::harness::server::{Portwright, serve, signal};
use crate::harness::shop::Shop;
use crate::harness::wait_for;
use crate::harness::wire::{self, Client, Era, Http, Stdio};

/// Takes about a second: long enough to be running when the signal comes.
const PATIENT: &str = r#"
[tools.patient_report]
source = "shop"
description = "A report that takes a second."
sql = """
WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 3000000) SELECT max(i) AS n FROM n
"""
"#;

#[test]
fn a_call_in_flight_is_answered_before_the_server_ends() {
    for era in Era::BOTH {
        let shop = patient_shop();
        let mut server = Portwright::start(&shop.config());
        let mut client = Http::connect(server.address, era);
        let (id, stream) = client.send("tools/call", &json!({ "name": "patient_report", "arguments": {} }));
        client.call("query_customers", json!({ "search_term": "ada" }));
        server.terminate();
        let answer = wire::read_answer(stream).response();
        assert_eq!(answer["id"], id);
        assert_eq!(answer["result"]["structuredContent"]["rows"][0]["n"], 3_000_000, "{answer}");
        let status = server.wait_end();
        assert_eq!(status.code(), Some(0), "{}", server.errors());
        assert!(server.output().is_empty(), "standard output belongs to the stdio transport: {}", server.output());
    }
}

#[test]
fn a_call_over_stdio_is_answered_before_the_server_ends() {
    for era in Era::BOTH {
        let shop = patient_shop();
        let mut client = Stdio::start(serve(&shop.config()), era);
        let id = client.send("tools/call", &json!({ "name": "patient_report", "arguments": {} }));
        client.call("query_customers", json!({ "search_term": "ada" }));
        signal(client.process(), "TERM");
        let answer = client.answer(id);
        assert_eq!(answer["result"]["structuredContent"]["rows"][0]["n"], 3_000_000, "{answer}");
        let status = client.close();
        assert_eq!(status.code(), Some(0), "{status}");
    }
}

/// Another program locks the database, so that all of them are in flight when the signal comes.
#[test]
fn two_hundred_calls_in_flight_are_all_answered_by_the_program() {
    const CALLS: usize = 200;
    let shop = Shop::sqlite();
    let file = shop.folder().join("shop.sqlite");
    let patient = "timeout = \"60s\"\npool = { max = 8, wait = \"60s\" }";
    let source = format!("kind = \"sqlite\"\npath = {:?}\n{patient}\n", file.display().to_string());
    shop.configure(&source, "[listen]\ndrain = \"60s\"\n[limits]\ncall_timeout = \"60s\"\n");
    let mut server = Portwright::start(&shop.config());
    let lock = rusqlite::Connection::open(&file).expect("the database");
    lock.execute_batch("BEGIN EXCLUSIVE").expect("locked");
    let mut client = Http::connect(server.address, Era::Modern);
    let calls: Vec<_> = (0..CALLS)
        .map(|_| {
            client.send("tools/call", &json!({ "name": "query_customers", "arguments": { "search_term": "ada" } }))
        })
        .collect();
    let in_flight = format!("\nportwright_calls_in_flight {CALLS}\n");
    wait_for("all calls", || server.get("/metrics").body.contains(&in_flight).then_some(()));
    server.terminate();
    wait_for("the drain", || server.errors().contains("draining").then_some(()));
    lock.execute_batch("ROLLBACK").expect("unlocked");
    for (id, stream) in calls {
        let answer = wire::read_answer(stream).response();
        assert_eq!(answer["id"], id);
        assert_eq!(answer["result"]["structuredContent"]["rows"][0]["name"], "Ada Lovelace", "{answer}");
    }
    assert_eq!(server.wait_end().code(), Some(0), "{}", server.errors());
    assert_eq!(shop.outcomes().len(), CALLS);
}

/// A balancer's grace: no longer ready, and calls are taken all the same until the delay is over or cut short.
#[test]
fn who_asks_whether_it_is_ready_hears_of_the_end_before_calls_are_turned_away() {
    let shop = Shop::sqlite();
    let file = shop.folder().join("shop.sqlite");
    let source = format!("kind = \"sqlite\"\npath = {:?}\n", file.display().to_string());
    shop.configure(&source, "[listen]\ndrain_delay = \"1h\"\n");
    let mut server = Portwright::start(&shop.config());
    server.terminate();
    wait_for("the end of being ready", || (server.get("/ready").status == 503).then_some(()));
    let health = server.get("/health");
    assert!(health.status == 503 && health.body.contains("\"status\":\"draining\""), "{health:?}");
    assert_eq!(server.get("/live").status, 200);
    let mut client = Http::connect(server.address, Era::Modern);
    let answer = client.call("query_customers", json!({ "search_term": "ada" }));
    assert_eq!(answer["result"]["structuredContent"]["rows"][0]["name"], "Ada Lovelace", "{answer}");
    assert!(server.get("/metrics").body.contains("portwright_draining 1"));
    server.terminate();
    assert_eq!(server.wait_end().code(), Some(0), "{}", server.errors());
}

#[test]
fn every_call_leaves_one_record() {
    let shop = Shop::sqlite();
    let mut server = Portwright::start(&shop.config());
    let mut calls = 0;
    for era in Era::BOTH {
        let mut client = Http::connect(server.address, era);
        client.call("query_customers", json!({ "search_term": "ada" }));
        client.call("query_customers", json!({ "search_term": 5 }));
        client.call("no_such_tool", json!({}));
        client.request("resources/read", &json!({ "uri": "db://shop/schema" }));
        client.request("resources/read", &json!({ "uri": "db://shop/nothing" }));
        client.request("prompts/get", &json!({ "name": "summarize_customer", "arguments": { "customer_id": "1" } }));
        client.request("prompts/get", &json!({ "name": "no_such_prompt" }));
        calls += 7;
        // Lists are no calls.
        client.tools();
    }
    server.terminate();
    assert_eq!(server.wait_end().code(), Some(0));
    let records = shop.outcomes();
    assert_eq!(records.len(), calls, "{records:#?}");
    let ids: std::collections::BTreeSet<_> = records.iter().map(|record| record["id"].to_string()).collect();
    assert_eq!(ids.len(), calls, "an id stands for one call");
    let output = std::process::Command::new(crate::harness::server::binary())
        .args(["audit", "verify"])
        .arg(shop.audit_file())
        .output()
        .expect("the binary runs");
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
}

fn patient_shop() -> Shop {
    let shop = Shop::sqlite();
    let file = shop.folder().join("shop.sqlite");
    shop.configure(&format!("kind = \"sqlite\"\npath = {:?}\n", file.display().to_string()), PATIENT);
    shop
}
