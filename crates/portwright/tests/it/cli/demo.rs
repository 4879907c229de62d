//! `portwright demo`: what a newcomer sees, and that nothing is left behind.

use std::io::Write;
use std::net::TcpListener;
use std::process::{Command, Stdio};

use serde_json::{Value, json};

use super::{Ended, Folder};
use crate::harness::server::{Output, signal};
use crate::harness::wait_for;

/// A folder in which every temporary one is made.
fn place() -> Folder {
    Folder::with("")
}

fn demo(place: &Folder, arguments: &[&str]) -> Command {
    let mut command = place.command(["demo"]);
    command.args(arguments).env("TMPDIR", place.path()).env("HTTP_PROXY", "http://127.0.0.1:1");
    command
}

fn run(place: &Folder, arguments: &[&str]) -> Ended {
    Ended::of(demo(place, arguments).output().expect("the binary runs"))
}

/// Folders that demos made and did not remove.
fn leftovers(place: &Folder) -> usize {
    let entries = std::fs::read_dir(place.path()).expect("readable").map(|entry| entry.expect("an entry"));
    entries.filter(|entry| entry.file_name().to_string_lossy().starts_with("portwright-demo-")).count()
}

#[test]
fn one_conversation_is_shown_to_its_end() {
    let place = place();
    let ended = run(&place, &["--once"]);
    assert_eq!((ended.code, ended.errors.as_str()), (0, ""), "{}", ended.out);
    for words in [
        "396 customers",
        "query_customers       Find customers by name, email address or customer ID.",
        "→ tools/call query_customers {\"search_term\":\"andr\",\"limit\":8}",
        "Андрій Бондар",
        "→ tools/call get_order_history",
        "docs/returns.md:1:# Returns and refunds",
        "`customer_id`: must be an integer",
        "did you mean `days`?",
        "→ tools/call run_sql_query {\"sql\":\"DELETE FROM customers\"}",
        "read-only",
        "\"outcome\":\"failed\"",
    ] {
        assert!(ended.out.contains(words), "{words:?} is not in\n{}", ended.out);
    }
    assert_eq!(ended.out.matches("  refused\n").count(), 2, "{}", ended.out);
    assert!(!ended.out.contains('\u{1b}'), "colours reach terminals only");
    assert_eq!(leftovers(&place), 0);
}

#[test]
fn then_it_serves_until_it_is_told_to_stop() {
    let place = place();
    let mut command = demo(&place, &["--listen", "127.0.0.1:0"]);
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("the binary starts");
    let output = Output::of(child.stdout.take().expect("output"));
    wait_for("the last line", || output.text().contains("Ctrl-C ends it").then_some(()));
    let url = output.text().lines().find_map(|line| line.strip_prefix("Serving ").map(str::to_owned)).expect("its URL");
    assert!(output.text().contains(&format!("claude mcp add --transport http shop {url}")), "{}", output.text());
    let called = place.run(&["call", "--url", &url, "query_customers", "search_term=ada", "limit=1", "--json"]);
    assert_eq!(called.code, 0, "{}", called.errors);
    let result: Value = serde_json::from_str(&called.out).expect("JSON");
    assert_eq!(result["structuredContent"]["row_count"], 1);
    assert_eq!(leftovers(&place), 1);
    signal(child.id(), "INT");
    let status = wait_for("its end", || child.try_wait().expect("its state"));
    assert_eq!(status.code(), Some(0));
    assert_eq!(leftovers(&place), 0);
}

#[test]
fn stdio_carries_the_protocol_and_nothing_else() {
    let place = place();
    let mut command = demo(&place, &["--stdio"]);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().expect("the binary starts");
    let mut input = child.stdin.take().expect("input");
    let hello =
        json!({"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "t", "version": "1"}});
    let call = json!({"name": "list_best_sellers", "arguments": {"days": 365, "limit": 2}});
    for message in [
        json!({"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": hello}),
        json!({"jsonrpc": "2.0", "method": "notifications/initialized"}),
        json!({"jsonrpc": "2.0", "id": 2, "method": "tools/call", "params": call}),
    ] {
        writeln!(input, "{message}").expect("written");
    }
    drop(input);
    let ended = Ended::of(child.wait_with_output().expect("its end"));
    assert_eq!(ended.code, 0, "{}", ended.errors);
    let answers: Vec<Value> =
        ended.out.lines().map(|line| serde_json::from_str(line).expect("every line is a message")).collect();
    let answer = answers.iter().find(|answer| answer["id"] == 2).expect("the answer");
    assert_eq!(answer["result"]["structuredContent"]["row_count"], 2, "{answer}");
    assert_eq!(leftovers(&place), 0);
}

#[test]
fn a_port_in_use_is_told_with_a_way_out() {
    let taken = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = taken.local_addr().expect("its address").to_string();
    let place = place();
    let ended = run(&place, &["--listen", &address]);
    assert_eq!((ended.code, ended.out.as_str()), (4, ""));
    assert!(ended.errors.contains(&address) && ended.errors.contains("choose another port"), "{}", ended.errors);
    assert_eq!(leftovers(&place), 0);
}

#[test]
fn it_is_not_shown_to_other_machines() {
    let ended = run(&place(), &["--listen", "0.0.0.0:0"]);
    assert_eq!(ended.code, 2);
    assert!(ended.errors.contains("other machines"), "{}", ended.errors);
}
