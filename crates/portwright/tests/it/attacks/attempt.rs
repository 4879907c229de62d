//! Trying a case, on each way that it can come.

use std::io::{Read, Write};

use serde_json::{Value, json};

use super::case::{Case, Deed};
use super::target::Target;
use super::{Outcome, tokens};
use crate::harness::server::serve;
use crate::harness::wire::{Client, open};

/// The most that is read of an answer.
const ANSWER_BYTES_MAX: u64 = 4 << 20;

pub(super) fn attempt(target: &Target, number: usize, case: &Case) -> Outcome {
    let mut outcome = Outcome { ways: Vec::new(), seen: String::new(), wrong: Vec::new() };
    let mut look = |way, (end, text): (String, String)| {
        outcome.ways.push(way);
        if outcome.seen.is_empty() {
            outcome.seen.clone_from(&end);
        }
        outcome.wrong.extend(judged(case, &end, &text).into_iter().map(|wrong| format!("{way}: {wrong}")));
    };
    match &case.deed {
        Deed::Http(request) => look("http", over_http(target, &target.filled(request))),
        Deed::Token(forgery) => look("http", with_token(target, forgery)),
        Deed::Command(arguments) => look("command", command(target, arguments)),
        Deed::Row(_) => {
            for (way, mut client) in target.ways() {
                look(way, called(&mut *client, "read_note", &json!({ "id": number })));
            }
        }
        Deed::Call { tool, arguments } => {
            let arguments = target.filled(arguments);
            let arguments: Value = serde_json::from_str(&arguments).expect("arguments that are JSON");
            for (way, mut client) in target.ways() {
                look(way, called(&mut *client, tool, &arguments));
            }
        }
    }
    outcome
}

/// What of an answer is not as the case says.
fn judged(case: &Case, end: &str, text: &str) -> Vec<String> {
    let mut wrong = Vec::new();
    let brief: String = text.chars().take(400).collect();
    if !case.ends.is_empty() && !case.ends.iter().any(|one| one == end) {
        wrong.push(format!("{end}, not {}: {brief:?}", case.ends.join(" or ")));
    }
    for shown in case.shown.iter().filter(|shown| !text.contains(shown.as_str())) {
        wrong.push(format!("{shown:?} is missing: {brief:?}"));
    }
    for hidden in case.hidden.iter().filter(|hidden| text.contains(hidden.as_str())) {
        wrong.push(format!("{hidden:?} is there: {brief:?}"));
    }
    wrong
}

fn called(client: &mut dyn Client, tool: &str, arguments: &Value) -> (String, String) {
    let answer = client.request("tools/call", &json!({ "name": tool, "arguments": arguments }));
    let end = match (answer["error"]["code"].as_i64(), &answer["result"]["isError"]) {
        (Some(code), _) => format!("error {code}"),
        (None, Value::Bool(true)) => "refused".to_owned(),
        _ => "answered".to_owned(),
    };
    let mut text = String::new();
    strings(&answer, &mut text);
    (end, text)
}

/// Every string in an answer, as a model reads it.
fn strings(value: &Value, out: &mut String) {
    match value {
        Value::String(text) => {
            out.push_str(text);
            out.push('\n');
        }
        Value::Array(items) => items.iter().for_each(|item| strings(item, out)),
        Value::Object(fields) => fields.values().for_each(|item| strings(item, out)),
        other => {
            out.push_str(&other.to_string());
            out.push('\n');
        }
    }
}

/// Sends a request as it is written, but for the length of its body, and reads until the server is done.
fn over_http(target: &Target, request: &str) -> (String, String) {
    let (head, body) = request.split_once("\n\n").unwrap_or((request, ""));
    let mut head = head.trim_end().replace('\n', "\r\n");
    let lower = head.to_ascii_lowercase();
    if !body.is_empty() && !lower.contains("content-length:") && !lower.contains("transfer-encoding:") {
        head = format!("{head}\r\nContent-Length: {}", body.len());
    }
    if !lower.contains("connection:") {
        head.push_str("\r\nConnection: close");
    }
    let mut stream = open(target.address());
    // The server may hang up before it has heard everything.
    let _ = stream.write_all(format!("{head}\r\n\r\n{body}").as_bytes());
    let mut heard = Vec::new();
    let _ = stream.take(ANSWER_BYTES_MAX).read_to_end(&mut heard);
    let text = String::from_utf8_lossy(&heard).into_owned();
    let end = text.strip_prefix("HTTP/1.1 ").and_then(|rest| rest.get(..3)).unwrap_or("closed").to_owned();
    // Every answer that came: what is smuggled behind a first request would have one of its own.
    (end, format!("{text}\nanswers: {}", text.matches("HTTP/1.1 ").count()))
}

fn with_token(target: &Target, forgery: &str) -> (String, String) {
    let token = tokens::forged(target.issuer(), forgery);
    let request = format!(
        "POST /mcp HTTP/1.1\nHost: {{host}}\nContent-Type: application/json\nAccept: application/json, text/event-stream\n\
         Mcp-Method: tools/list\nMCP-Protocol-Version: 2026-07-28\nAuthorization: Bearer {token}\n\n{{list}}"
    );
    over_http(target, &target.filled(&request))
}

fn command(target: &Target, arguments: &str) -> (String, String) {
    let mut words = arguments.split(' ');
    assert_eq!(words.next(), Some("serve"), "only `serve` is a way in");
    let output = serve(&target.bare()).args(words).output().expect("the binary runs");
    let said = [output.stdout, output.stderr].concat();
    let end = output.status.code().map_or_else(|| "killed".to_owned(), |code| format!("exit {code}"));
    (end, String::from_utf8_lossy(&said).into_owned())
}
