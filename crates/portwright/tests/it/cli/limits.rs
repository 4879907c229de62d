//! Limits, as callers and operators see them.

use serde_json::{Value, json};

use super::Folder;
use crate::harness::redis::Redis;
use crate::harness::server::{Portwright, serve};
use crate::harness::shop::Shop;
use crate::harness::wire::{Client, Era, Http};
use crate::harness::{wait_for, wait_longer};

fn limited(shop: &Shop, more: &str) {
    let file = shop.folder().join("shop.sqlite").display().to_string();
    shop.configure(&format!("kind = \"sqlite\"\npath = {file:?}\n"), more);
}

fn search(client: &mut Http) -> Value {
    client.call("query_customers", json!({ "search_term": "ada" }))
}

#[test]
fn a_call_over_the_limit_is_told_when_to_come_again_in_every_session() {
    let shop = Shop::sqlite();
    limited(&shop, "[limits]\ncalls = \"3/day\"\n");
    let server = Portwright::start(&shop.config());
    for era in [Era::Modern, Era::Legacy] {
        let mut client = Http::connect(server.address, era);
        client.tools();
        let answers: Vec<_> = (0..3).map(|_| search(&mut client)).collect();
        let last = &answers[2]["result"];
        if era == Era::Modern {
            assert!(answers.iter().all(|answer| answer["result"]["isError"] != true), "{answers:?}");
            continue;
        }
        assert_eq!(last["isError"], true, "another session has not more: {answers:?}");
        let words = last["content"][0]["text"].as_str().unwrap_or_default();
        assert!(words.starts_with("too many calls in too short a time") && words.contains("try again in"), "{words}");
        assert!(last["_meta"]["portwright/retryAfterMs"].as_u64().is_some_and(|wait| wait > 1000), "{last}");
    }
    let refused: Vec<_> = shop.outcomes().into_iter().filter(|record| record["outcome"] == "refused").collect();
    assert_eq!(refused.len(), 3);
    assert!(refused.iter().all(|record| record["rule"] == "limits.calls"), "{refused:?}");
}

#[test]
fn a_tool_and_a_source_have_limits_of_their_own_and_a_reload_changes_them() {
    let shop = Shop::sqlite();
    limited(&shop, "[tools.query_customers.limits]\ncalls = \"1/day\"\n");
    let server = Portwright::start(&shop.config());
    let mut client = Http::connect(server.address, Era::Modern);
    assert_ne!(search(&mut client)["result"]["isError"], true);
    assert_eq!(search(&mut client)["result"]["isError"], true);
    let tables = client.call("list_tables", json!({}));
    assert_ne!(tables["result"]["isError"], true, "another tool is not limited: {tables}");
    limited(&shop, "[tools.query_customers.limits]\ncalls = \"1000/s\"\n");
    server.hang_up();
    wait_for("the new limit", || (search(&mut client)["result"]["isError"] != true).then_some(()));
}

#[test]
fn limits_that_make_no_sense_are_said_with_a_hint() {
    let source = "[sources.one]\nkind = \"sqlite\"\npath = \"one.sqlite\"\n";
    let limits = "[limits]\ncalls = \"0/min\"\nconcurrent = 0\nqueue_wait = \"2h\"\n[limits.total]\nburst = 5\n\
                  [sources.one.limits]\ncals = \"1/s\"\nresult_bytes = \"10MiB\"\n";
    let ended = Folder::with(&format!("{source}{limits}")).run(&["check", "--offline", "--json"]);
    let report: Value = serde_json::from_str(&ended.out).unwrap();
    let problems = report["problems"].as_array().cloned().unwrap_or_default();
    let told: Vec<_> =
        problems.iter().map(|one| (one["line"].as_u64().unwrap_or(0), one["rule"].as_str().unwrap_or(""))).collect();
    assert_eq!(
        told,
        [
            (5, "out-of-range"),
            (6, "out-of-range"),
            (7, "out-of-range"),
            (9, "unused-key"),
            (11, "unknown-key"),
            (12, "bad-value")
        ],
        "{}",
        ended.out
    );
    assert!(problems.iter().all(|one| one["hint"].is_string()), "{}", ended.out);
}

#[test]
fn two_servers_share_what_a_caller_may_use() {
    let Some(redis) = Redis::start("canary-hunter2") else { return };
    let servers: Vec<_> = (0..2)
        .map(|_| {
            let shop = Shop::sqlite();
            limited(&shop, "[limits]\ncalls = \"3/day\"\nqueue_wait = \"0s\"\nstore = \"${env:LIMITS_STORE}\"\n");
            let mut command = serve(&shop.config());
            command.env("LIMITS_STORE", format!("redis://:canary-hunter2@127.0.0.1:{}", redis.port));
            command.env("RUST_LOG", "debug");
            let server = Portwright::listening(command);
            server.wait_ready();
            (shop, server)
        })
        .collect();
    let said: Vec<bool> = [0, 1, 0, 1]
        .map(|number| {
            let (_, server) = &servers[number];
            search(&mut Http::connect(server.address, Era::Modern))["result"]["isError"] == true
        })
        .to_vec();
    assert_eq!(said, [false, false, false, true]);
    for (_, server) in &servers {
        assert!(!server.errors().contains("canary"), "{}", server.errors());
    }
}

#[test]
fn places_of_a_killed_server_come_back() {
    let Some(redis) = Redis::start("hunter2") else { return };
    let [first, second] = [0, 1].map(|_| {
        let shop = Shop::sqlite();
        let one = "[limits]\ncall_timeout = \"10m\"\nqueue_wait = \"0s\"\nstore = \"${env:LIMITS_STORE}\"\n[limits.total]\nconcurrent = 1\n";
        limited(&shop, one);
        let mut command = serve(&shop.config());
        command.env("LIMITS_STORE", format!("redis://:hunter2@127.0.0.1:{}", redis.port));
        let server = Portwright::listening(command);
        server.wait_ready();
        (shop, server)
    });
    let (_, running) = Http::connect(first.1.address, Era::Modern)
        .send("tools/call", &json!({"name": "slow_report", "arguments": {}}));
    wait_for("the call to run", || {
        let overview: Value = serde_json::from_str(&first.1.get("/dashboard/api/overview").body).ok()?;
        (overview["numbers"]["in_flight"] == 1).then_some(())
    });
    let mut other = Http::connect(second.1.address, Era::Modern);
    assert_eq!(search(&mut other)["result"]["isError"], true, "the place is taken");
    drop(first);
    assert_eq!(search(&mut other)["result"]["isError"], true, "nobody knows yet that it is dead");
    let patience = portwright_core::limits::STORE_LEASE * 4;
    wait_longer(patience, "the place to come back", || {
        std::thread::sleep(std::time::Duration::from_millis(500));
        (search(&mut other)["result"]["isError"] != true).then_some(())
    });
    drop(running);
}

#[test]
fn check_says_that_the_store_is_away_and_not_its_password() {
    let config = "[limits]\ncalls = \"3/day\"\nstore = \"redis://:canary-hunter2@127.0.0.1:1/0\"\n";
    let ended = Folder::with(config).run(&["check", "--json"]);
    assert_eq!(ended.code, 5, "{}", ended.out);
    let report: Value = serde_json::from_str(&ended.out).unwrap();
    assert_eq!((&report["problems"][0]["rule"], &report["problems"][0]["line"]), (&json!("unreachable"), &json!(3)));
    let wrong =
        Folder::with("[limits]\nstore = \"http://canary-hunter2@host\"\n").run(&["check", "--offline", "--json"]);
    assert_eq!(wrong.code, 3, "{}", wrong.out);
    for said in [&ended.errors, &wrong.errors, &report["problems"][0]["message"].to_string()] {
        assert!(!said.contains("canary"), "{said}");
    }
}
