//! `portwright approvals`, and calls that wait for it.

use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::process::Stdio;
use std::thread::{self, JoinHandle};

use serde_json::{Value, json};

use super::{Ended, Folder};
use crate::harness::server::{Portwright, serve};
use crate::harness::wait_for;
use crate::harness::wire::exchange;

const CONFIG: &str = "[auth.keys]\nfile = \"keys.toml\"\n[listen]\nanonymous = \"never\"\n\
                      [prompts.greet]\ndescription = \"Greets.\"\ntemplate = \"Hello.\"\n\
                      [roles.caller]\nallow = [\"prompts:*\"]\napprove = [\"prompts:greet\"]\n\
                      [approvals]\nby = [\"queue\"]\nwait = \"15s\"\napprovers = [\"approver\"]\n";

/// Gets the prompt, and waits for the answer.
fn get(address: SocketAddr, key: &str) -> JoinHandle<String> {
    let key = key.to_owned();
    thread::spawn(move || {
        let meta = json!({"io.modelcontextprotocol/protocolVersion": "2026-07-28",
            "io.modelcontextprotocol/clientCapabilities": {}});
        let params = json!({"name": "greet", "_meta": meta});
        let body = json!({"jsonrpc": "2.0", "id": 1, "method": "prompts/get", "params": params});
        let head = format!(
            "POST /mcp HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer {key}\r\ncontent-type: application/json\r\n\
             accept: application/json, text/event-stream\r\nmcp-protocol-version: 2026-07-28\r\n\
             mcp-method: prompts/get\r\nmcp-name: greet\r\nconnection: close\r\ncontent-length: {}\r\n\r\n{body}",
            body.to_string().len()
        );
        exchange(address, &head).body
    })
}

#[test]
fn a_call_waits_until_it_is_approved_or_denied() {
    let folder = Folder::with(CONFIG);
    let key = |name: &str, role: &str| folder.run(&["keys", "add", name, "--role", role]).out.trim().to_owned();
    let (caller, approver) = (key("ci", "caller"), key("ada", "approver"));
    std::fs::write(folder.file("ada.key"), format!("{approver}\n")).expect("written");
    let server = Portwright::listening(serve(&folder.file("portwright.toml")));
    let url = format!("http://{}/mcp", server.address);
    let run = |key: &str, arguments: &[&str]| {
        let all = [&["approvals"], arguments, &["--url", &url]].concat();
        Ended::of(folder.command(all).env("PORTWRIGHT_TOKEN", key).output().expect("the binary runs"))
    };
    let waiting = || -> Option<String> {
        let listed: Value = serde_json::from_str(&run(&approver, &["list", "--json"]).out).expect("JSON");
        listed["approvals"][0]["id"].as_str().map(str::to_owned)
    };
    assert_eq!(run(&approver, &["list"]).out, "no call waits for approval\n");
    let refused = run(&caller, &["list"]);
    assert!(refused.code == 7 && refused.errors.contains("your roles approve no calls here"), "{}", refused.errors);

    let call = get(server.address, &caller);
    let id = wait_for("a call that waits", waiting);
    let listed = run("", &["list", "--key-file", "ada.key"]);
    assert!(
        listed.code == 0 && listed.out.contains(&id) && listed.out.contains("greet"),
        "{} {}",
        listed.out,
        listed.errors
    );
    let shown = run(&approver, &["show", &id]);
    assert!(shown.out.contains("called by ci (key)") && shown.out.contains("roles.caller.approve[0]"), "{}", shown.out);
    let approved = run(&approver, &["approve", &id]);
    assert!(approved.code == 0 && approved.out.contains("approved: greet"), "{} {}", approved.out, approved.errors);
    let answer = call.join().expect("no panic");
    assert!(answer.contains("Hello."), "{answer}");
    let twice = run(&approver, &["deny", &id]);
    assert!(twice.code == 7 && twice.errors.contains("it was approved already (by ada)"), "{}", twice.errors);

    let mut watch = folder.command(["approvals", "watch", "--key-file", "ada.key", "--url", &url]);
    let mut watch = watch.stdout(Stdio::piped()).spawn().expect("the binary runs");
    let call = get(server.address, &caller);
    let id = wait_for("a call that waits", waiting);
    let mut line = String::new();
    BufReader::new(watch.stdout.take().expect("its output")).read_line(&mut line).expect("a line");
    assert!(line.contains(&id) && line.contains("waiting: greet"), "{line}");
    watch.kill().and_then(|()| watch.wait()).expect("it ends");
    assert_eq!(run(&approver, &["deny", &id, "--reason", "not now"]).code, 0);
    let answer = call.join().expect("no panic");
    assert!(answer.contains("a person declined this call: not now"), "{answer}");
    let none = run(&approver, &["approve", "0123"]);
    assert!(none.code == 7 && none.errors.contains("no call waits under this id"), "{}", none.errors);
}

#[test]
fn without_a_key_nobody_approves() {
    let folder = Folder::with(CONFIG);
    let refused = folder.run(&["approvals", "list"]);
    assert!(refused.code == 2 && refused.errors.contains("PORTWRIGHT_TOKEN"), "{}", refused.errors);
}

#[test]
fn explain_tells_which_rule_asks_and_check_who_could_say_yes() {
    let folder = Folder::with(CONFIG);
    let told = folder.run(&["explain", "--role", "caller", "prompt", "greet", "--json"]);
    let told: Value = serde_json::from_str(&told.out).expect("JSON");
    assert_eq!(told["approval"], json!({"rule": "roles.caller.approve[0]", "line": 10}), "{told}");
    let text = folder.run(&["explain", "--role", "caller", "prompt", "greet"]).out;
    assert!(text.contains("it waits until a person approves it: roles.caller.approve[0]"), "{text}");
    let checked = |config: &str| folder_check(&CONFIG.replace("approvers = [\"approver\"]\n", config));
    assert_eq!(folder_check(CONFIG), Value::Null);
    assert_eq!(checked(""), "nobody-approves", "a queue that nobody decides");
    assert_eq!(checked("approvers = [\"anonymous\"]\n"), "bad-role");
    assert_eq!(folder_check(&CONFIG.replace("[auth.keys]\nfile = \"keys.toml\"\n", "")), "nobody-approves");
    assert_eq!(folder_check(&CONFIG.replace("by = [\"queue\"]\nwait = \"15s\"", "wait = \"1h\"")), "short-wait");
    assert_eq!(folder_check(&CONFIG.replace("15s", "25h")), "out-of-range");
    assert_eq!(folder_check(&CONFIG.replace("prompts:greet", "greet")), "bad-pattern");
    assert_eq!(folder_check(&CONFIG.replace("[\"queue\"]", "[]")), "out-of-range");
}

/// The rule of the first finding.
fn folder_check(config: &str) -> Value {
    let report = Folder::with(config).run(&["check", "--offline", "--json"]);
    let report: Value = serde_json::from_str(&report.out).expect("JSON");
    report["problems"][0]["rule"].clone()
}
