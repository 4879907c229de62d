//! `portwright serve`: what operators rely on.

use serde_json::json;

use super::Folder;
use crate::harness::server::Portwright;
use crate::harness::shop::Shop;
use crate::harness::wait_for;
use crate::harness::wire::{Client, Era, Http};

#[test]
fn it_says_where_it_listens_and_what_it_serves() {
    let shop = Shop::sqlite();
    let server = Portwright::start(&shop.config());
    let line = format!("shop on http://{}/mcp  (shop, declared)\n", server.address);
    assert!(server.errors().contains(&line), "{}", server.errors());
    assert_eq!(server.output(), "");
}

/// Neither the statement nor the drain would end within any test's patience: only the second signal does.
#[test]
fn a_second_signal_ends_it_at_once() {
    let shop = Shop::sqlite();
    let file = shop.folder().join("shop.sqlite");
    let source = format!("kind = \"sqlite\"\npath = {:?}\ntimeout = \"1h\"\n", file.display().to_string());
    shop.configure(&source, "[listen]\ndrain = \"1h\"\n[limits]\ncall_timeout = \"1h\"\n");
    let mut server = Portwright::start(&shop.config());
    let mut client = Http::connect(server.address, Era::Modern);
    let (_, stream) = client.send("tools/call", &json!({ "name": "slow_report", "arguments": {} }));
    client.call("query_customers", json!({ "search_term": "ada" }));
    server.terminate();
    wait_for("the drain", || server.errors().contains("draining").then_some(()));
    server.terminate();
    assert_eq!(server.wait_end().code(), Some(0));
    drop(stream);
}

#[test]
fn log_lines_can_be_json() {
    let folder = Folder::with("[sources.gone]\nkind = \"sqlite\"\npath = \"gone.sqlite\"\n");
    let server = Portwright::listening(folder.command(["serve", "--log-format", "json", "--log-level", "debug"]));
    wait_for("a log line", || server.errors().contains("\"level\":\"").then_some(()));
    let errors = server.errors();
    let lines = errors.lines().filter(|line| line.starts_with('{'));
    assert!(lines.into_iter().all(|line| serde_json::from_str::<serde_json::Value>(line).is_ok()), "{errors}");
}
