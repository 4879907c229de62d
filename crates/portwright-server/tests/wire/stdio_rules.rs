//! What is special about one client on one pair of streams.

use serde_json::json;

use crate::client::{initialize, modern};
use crate::support::{pipe, plan, until, usual};

#[tokio::test]
async fn what_was_asked_before_the_end_is_answered() {
    let mut pipe = pipe(&usual(plan()).await.0);
    for id in 0..10 {
        pipe.send(&modern(id, "tools/call", json!({"name": "steps"})).to_string()).await;
    }
    let mut ids: Vec<_> = pipe.finish().await.iter().map(|answer| answer["id"].as_u64()).collect();
    ids.sort_unstable();
    assert_eq!(ids, (0..10).map(Some).collect::<Vec<_>>());
}

#[tokio::test]
async fn nothing_but_ping_comes_before_initialize() {
    let mut pipe = pipe(&usual(plan()).await.0);
    let ask = |method: &str| json!({"jsonrpc": "2.0", "id": 1, "method": method});
    assert_eq!(pipe.ask(&ask("ping")).await["result"], json!({}));
    assert_eq!(pipe.ask(&ask("tools/list")).await["error"]["code"], -32600);
    assert_eq!(pipe.ask(&ask("server/discover")).await["error"]["code"], -32602, "a probe learns what is missing");
    assert!(pipe.ask(&initialize("2025-11-25")).await["result"].is_object());
    assert_eq!(pipe.ask(&initialize("2025-11-25")).await["error"]["code"], -32600);
    pipe.finish().await;
}

#[tokio::test]
async fn a_call_that_is_called_off_gets_no_answer_and_others_theirs() {
    let (server, _, faulty) = usual(plan()).await;
    let mut pipe = pipe(&server);
    pipe.send(&modern(1, "tools/call", json!({"name": "wait"})).to_string()).await;
    until("the call", || async { faulty.calls() == 1 }).await;
    let again = pipe.ask(&modern(1, "tools/call", json!({"name": "echo"}))).await;
    assert_eq!(again["error"]["code"], -32600, "its id is in flight");
    assert_eq!(pipe.ask(&modern(2, "tools/call", json!({"name": "echo"}))).await["id"], 2);
    pipe.send(r#"{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":1}}"#).await;
    until("its end", || async { faulty.stopped() == 1 }).await;
    assert_eq!(pipe.finish().await.len(), 0);
}

#[tokio::test]
async fn a_client_that_is_gone_calls_everything_off() {
    let (server, _, faulty) = usual(plan()).await;
    let mut pipe = pipe(&server);
    pipe.send(&modern(1, "tools/call", json!({"name": "wait"})).to_string()).await;
    until("the call", || async { faulty.calls() == 1 }).await;
    // Something that the server must say, and can't.
    pipe.send(&modern(2, "tools/list", json!({})).to_string()).await;
    let crate::support::Pipe { reader, writer, serving, .. } = pipe;
    drop((reader, writer));
    let _ = serving.await.expect("no panic");
    until("the end of the call", || async { faulty.stopped() == 1 }).await;
}

#[tokio::test]
async fn one_conversation_has_a_bound_of_calls_in_flight() {
    let mut plan = plan();
    plan.listen.drain = std::time::Duration::from_millis(50);
    let (server, _, faulty) = usual(plan).await;
    let mut pipe = pipe(&server);
    let most = portwright_core::limits::SESSION_CALLS_MAX;
    for id in 0..most {
        pipe.send(&modern(id as u64, "tools/call", json!({"name": "wait"})).to_string()).await;
    }
    let refused = pipe.ask(&modern(9999, "tools/call", json!({"name": "echo"}))).await;
    assert_eq!((&refused["id"], &refused["error"]["code"]), (&json!(9999), &json!(-32600)));
    assert_eq!(faulty.calls(), most);
    pipe.shutdown.cancel();
    drop(pipe);
    server.stop().await;
    until("the end of all", || async { faulty.stopped() == most }).await;
}
