//! The audit records of calls that came to nothing: whoever asks, and however wrongly, leaves a trace.

use std::path::{Path, PathBuf};
use std::time::Duration;

use portwright_core::limits;
use portwright_server::ServerPlan;
use portwright_server::guard::AuditPlan;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::client::modern;
use crate::support::{pipe, plan, until, up, usual};

pub(crate) fn audited() -> (TempDir, PathBuf, ServerPlan) {
    let folder = tempfile::tempdir().expect("folder");
    let file = folder.path().join("audit.jsonl");
    let mut plan = plan();
    plan.audit = Some(AuditPlan::new(&file));
    (folder, file, plan)
}

pub(crate) fn records(file: &Path) -> Vec<Value> {
    let text = std::fs::read_to_string(file).unwrap_or_default();
    text.lines().map(|line| serde_json::from_str(line).expect("a record")).collect()
}

/// What of each record tells why there was no answer.
pub(crate) fn refusals(file: &Path) -> Vec<[Value; 3]> {
    let of = |record: Value| ["name", "outcome", "flags"].map(|key| record[key].clone());
    records(file).into_iter().map(of).collect()
}

pub(crate) fn refused(name: &str, flag: &str) -> [Value; 3] {
    [json!(name), json!("refused"), json!([flag])]
}

fn call(id: u64, name: &str) -> Value {
    json!({"jsonrpc": "2.0", "id": id, "method": "tools/call", "params": {"name": name}})
}

/// The head of a request, up to what its era adds.
const FORM: &str = "POST /mcp HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n\
    accept: application/json, text/event-stream\r\n";

#[tokio::test]
async fn a_client_that_vanishes_leaves_its_record() {
    let (_folder, file, plan) = audited();
    let (server, _, faulty) = usual(plan).await;
    let up = up(&server).await;
    let mut http = up.connect().await;
    http.start(&modern(1, "tools/call", json!({"name": "wait"})), &[]).await;
    until("the call", || async { faulty.calls() == 1 }).await;
    drop(http);
    let outcomes = || records(&file).iter().map(|record| record["outcome"].clone()).collect::<Vec<_>>();
    until("its record", || async { !outcomes().is_empty() }).await;
    assert_eq!(outcomes(), ["cancelled"]);
}

/// A probe that is refused before there is an operation is a refused call all the same.
#[tokio::test]
async fn a_garbled_call_leaves_its_record() {
    let (_folder, file, plan) = audited();
    let (server, _, faulty) = usual(plan).await;
    let call = |params: Value| modern(1, "tools/call", params);
    let echo = |arguments: Value| call(json!({"name": "echo", "arguments": arguments}));
    let calls = [
        (echo(json!([1])), "echo", "invalid"),
        (echo(json!("x")), "echo", "invalid"),
        (call(json!({"name": "nothing", "arguments": 7})), "nothing", "not_found"),
        (call(json!({"name": 7})), "", "not_found"),
        (modern(1, "completion/complete", json!({"ref": {"type": "ref/prompt", "name": "x"}})), "x", "not_found"),
    ];
    let up = up(&server).await;
    let mut http = up.connect().await;
    let mut pipe = pipe(&server);
    for (message, ..) in &calls {
        assert!(http.post(message).await.json()["error"].is_object(), "{message}");
        assert!(pipe.ask(message).await["error"].is_object(), "{message}");
    }
    assert_eq!(http.post_with(&echo(json!({})), &[("mcp-name", "wait")]).await.error_code(), -32020);
    assert_eq!(http.post_with(&echo(json!({})), &[("mcp-method", "tools/list")]).await.error_code(), -32020);
    let of = |it: &Value| ["name", "outcome", "error", "flags"].map(|key| it[key].clone());
    let seen: Vec<_> = records(&file).iter().map(of).collect();
    let twice = calls.iter().flat_map(|(_, name, error)| [(*name, *error); 2]);
    let all = twice.chain([("echo", "invalid"); 2]);
    let wanted: Vec<_> =
        all.map(|(name, error)| [json!(name), json!("refused"), json!(error), json!(["garbled"])]).collect();
    assert_eq!(seen, wanted);
    assert_eq!(faulty.calls(), 0);
    pipe.finish().await;
}

/// Parameters that say a thing twice are no parameters; the call that they belong to is one.
#[tokio::test]
async fn a_call_that_can_not_be_read_leaves_its_record() {
    let (_folder, file, plan) = audited();
    let (server, _, faulty) = usual(plan).await;
    let twice = r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"echo","name":"wait"}}"#;
    let null = r#"{"jsonrpc":"2.0","id":null,"method":"tools/call","params":{"name":"echo"}}"#;
    let (up, mut pipe) = (up(&server).await, pipe(&server));
    let mut http = up.connect().await;
    for message in [twice, null] {
        let head = format!("{FORM}content-length: {}\r\n\r\n{message}", message.len());
        http.write(head.as_bytes()).await;
        assert_eq!(http.answer().await.status, 400);
        pipe.send(message).await;
        assert!(pipe.line().await.expect("an answer")["error"].is_object());
    }
    assert_eq!(refusals(&file), vec![refused("", "garbled"); 4]);
    assert_eq!(faulty.calls(), 0);
}

/// Calls without a session, with one of somebody's dreams, or of a revision that nobody speaks.
#[tokio::test]
async fn a_stray_call_leaves_its_record() {
    let (_folder, file, plan) = audited();
    let (server, _, faulty) = usual(plan).await;
    let (up, mut pipe) = (up(&server).await, pipe(&server));
    let mut http = up.connect().await;
    assert_eq!(http.post(&call(1, "echo")).await.status, 400);
    assert_eq!(http.post_with(&call(2, "echo"), &[("mcp-session-id", "dreamt")]).await.status, 404);
    let mut future = modern(3, "tools/call", json!({"name": "echo"}));
    future["params"]["_meta"]["io.modelcontextprotocol/protocolVersion"] = "2099-01-01".into();
    assert_eq!(http.post(&future).await.error_code(), -32022);
    let now = modern(4, "tools/call", json!({"name": "echo"}));
    assert_eq!(http.post_with(&now, &[("mcp-protocol-version", "")]).await.error_code(), -32020);
    assert_eq!(pipe.ask(&call(5, "echo")).await["error"]["code"], -32600);
    assert_eq!(pipe.ask(&future).await["error"]["code"], -32022);
    assert_eq!(refusals(&file), vec![refused("echo", "stray"); 6]);
    let agreed = records(&file).iter().filter(|record| !record["protocol"].is_null()).count();
    assert_eq!(agreed, 0, "no revision was agreed on");
    assert_eq!(faulty.calls(), 0);
    let lists = json!({"jsonrpc": "2.0", "id": 7, "method": "tools/list"});
    assert_eq!(http.post(&lists).await.status, 400);
    assert_eq!(records(&file).len(), 6, "a list is no call");
}

#[tokio::test]
async fn one_call_too_many_leaves_its_record() {
    let (_folder, file, mut plan) = audited();
    plan.listen.drain = Duration::from_millis(50);
    let (server, _, faulty) = usual(plan).await;
    let mut pipe = pipe(&server);
    for id in 0..limits::SESSION_CALLS_MAX {
        pipe.send(&modern(id as u64, "tools/call", json!({"name": "wait"})).to_string()).await;
    }
    assert_eq!(pipe.ask(&modern(9999, "tools/call", json!({"name": "echo"}))).await["error"]["code"], -32600);
    assert_eq!(refusals(&file), [refused("echo", "busy")]);
    pipe.shutdown.cancel();
    drop(pipe);
    server.stop().await;
    until("the end of all", || async { faulty.stopped() == limits::SESSION_CALLS_MAX }).await;
}

/// Requests that began before the server was told to stop, and end after: of both eras, and on another transport.
#[tokio::test]
async fn a_call_that_comes_while_the_server_stops_leaves_its_record() {
    let (_folder, file, plan) = audited();
    let (server, _, faulty) = usual(plan).await;
    let up = up(&server).await;
    let (_, session) = up.session("2025-11-25").await;
    let mut pipe = pipe(&server);
    let now = modern(1, "tools/call", json!({"name": "echo"})).to_string();
    let eras = [
        ("mcp-protocol-version: 2026-07-28\r\nmcp-method: tools/call\r\nmcp-name: echo\r\n".to_owned(), now.clone()),
        (format!("mcp-session-id: {session}\r\n"), call(2, "echo").to_string()),
    ];
    let mut cut = Vec::new();
    for (headers, body) in &eras {
        let mut http = up.connect().await;
        let (first, rest) = body.split_at(body.len() / 2);
        http.write(format!("{FORM}{headers}content-length: {}\r\n\r\n{first}", body.len()).as_bytes()).await;
        cut.push((http, rest));
    }
    // A held call, so that the conversation on the other transport is still open.
    pipe.send(&modern(7, "tools/call", json!({"name": "wait"})).to_string()).await;
    until("the held call", || async { faulty.calls() == 1 }).await;
    up.shutdown.cancel();
    until("the end of the listener", || async { tokio::net::TcpStream::connect(up.address).await.is_err() }).await;
    for (mut http, rest) in cut {
        http.write(rest.as_bytes()).await;
        assert_eq!(http.answer().await.status, 503);
    }
    assert_eq!(pipe.ask(&serde_json::from_str(&now).expect("JSON")).await["error"]["code"], -32603);
    assert_eq!(refusals(&file), vec![refused("echo", "draining"); 3]);
    assert_eq!(faulty.calls(), 1);
}
