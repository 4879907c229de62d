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
    wait_for("both lines", || {
        let dashboard = format!("the dashboard is at http://{}/\n", server.address);
        (server.errors().contains(&line) && server.errors().contains(&dashboard)).then_some(())
    });
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

/// A folder with two databases and a configuration that serves the first.
fn two_shops() -> (Folder, impl Fn(&Folder, &str)) {
    let folder = Folder::with("");
    for name in ["one", "two"] {
        let database = rusqlite::Connection::open(folder.file(&format!("{name}.sqlite"))).expect("a database");
        database.execute_batch(&format!("CREATE TABLE {name} (id INTEGER PRIMARY KEY);")).expect("filled");
    }
    let write = |folder: &Folder, text: &str| std::fs::write(folder.file("portwright.toml"), text).expect("written");
    (folder, write)
}

const ONE: &str = "[sources.one]\nkind = \"sqlite\"\npath = \"one.sqlite\"\n";
const TWO: &str = "[sources.two]\nkind = \"sqlite\"\npath = \"two.sqlite\"\n";

#[test]
fn a_changed_configuration_is_served_without_a_restart() {
    let (folder, write) = two_shops();
    write(&folder, &format!("[server]\ninstructions = \"Old.\"\n{ONE}"));
    let server = Portwright::start(&folder.file("portwright.toml"));
    let sources = |health: &serde_json::Value| {
        let names = health["sources"].as_array().into_iter().flatten();
        names.map(|source| source["name"].as_str().unwrap_or_default().to_owned()).collect::<Vec<_>>()
    };
    write(&folder, &format!("[server]\ninstructions = \"New.\"\n[listen]\nhttp = \"127.0.0.1:9\"\n{ONE}{TWO}"));
    server.wait_health("the second source", |health| sources(health) == ["one", "two"]);
    wait_for("the log", || server.errors().contains("configuration reloaded").then_some(()));
    assert!(server.errors().contains("kept=\"one\" opened=\"two\""), "{}", server.errors());
    let mut client = Http::connect(server.address, Era::Modern);
    let discovered = client.request("server/discover", &json!({}));
    assert_eq!(discovered["result"]["instructions"], "New.", "{discovered}");

    // A broken one is told with its places, and changes nothing.
    write(&folder, &format!("[server]\ninstructoins = \"Broken.\"\n{ONE}[sources.three]\nkind = \"sqlte\"\n"));
    let health = server.wait_health("the fault", |health| health["reason"].is_string());
    let reason = health["reason"].as_str().unwrap_or_default();
    assert!(reason.contains("2 errors in ") && reason.ends_with("the last good one is served"), "{reason}");
    assert_eq!((&health["status"], sources(&health)), (&json!("degraded"), vec!["one".into(), "two".into()]));
    assert_eq!(server.get("/ready").status, 200);
    wait_for("the places", || {
        let errors = server.errors();
        (errors.contains("portwright.toml:2:1") && errors.contains("did you mean")).then_some(())
    });

    write(&folder, TWO);
    server.wait_health("the mended one", |health| health["reason"].is_null() && sources(health) == ["two"]);
}

#[test]
fn a_signal_reloads_at_once_and_what_needs_a_restart_is_said() {
    let (folder, write) = two_shops();
    write(&folder, &format!("[sources.one]\nkind = \"sqlite\"\npath = \"${{file:which}}\"\n{TWO}"));
    std::fs::write(folder.file("which"), "one.sqlite").expect("written");
    let server = Portwright::start(&folder.file("portwright.toml"));
    // The file that a reference leads to is looked after as well.
    std::fs::write(folder.file("which"), "two.sqlite").expect("written");
    wait_for("the reload", || server.errors().contains("kept=\"two\" opened=\"one\"").then_some(()));
    server.hang_up();
    wait_for("another one", || server.errors().contains("kept=\"one, two\"").then_some(()));
    write(&folder, &format!("[server]\nname = \"other\"\n[audit]\nfile = \"audit.jsonl\"\n{TWO}"));
    wait_for("the words", || {
        let words = "these changes take effect after a restart parts=\"server.name, audit\"";
        server.errors().contains(words).then_some(())
    });
}
