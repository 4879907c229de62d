//! Sessions over HTTP: who may use one, and when it ends.

use std::time::Duration;

use serde_json::json;

use crate::client::initialize;
use crate::support::{plan, until, up, usual, usual_up};

const LIST: &str = r#"{"jsonrpc":"2.0","id":1,"method":"tools/list"}"#;

fn list() -> serde_json::Value {
    serde_json::from_str(LIST).expect("JSON")
}

#[tokio::test]
async fn ids_are_long_unlike_and_needed() {
    let up = usual_up().await;
    let (mut http, first) = up.session("2025-11-25").await;
    let (_, second) = up.session("2025-11-25").await;
    assert!(first.len() >= 32 && first.bytes().all(|byte| byte.is_ascii_graphic()), "{first}");
    assert_ne!(first, second);
    assert_eq!(http.post(&list()).await.status, 400, "no id");
    assert_eq!(http.post_with(&list(), &[("mcp-session-id", "made-up")]).await.status, 404);
    assert_eq!(http.post_with(&list(), &[("mcp-session-id", &first)]).await.status, 200);
    for (version, status) in [("2025-11-25", 200), ("2025-03-26", 200), ("1999-01-01", 400), ("", 200)] {
        let headers = [("mcp-session-id", first.as_str()), ("mcp-protocol-version", version)];
        assert_eq!(http.post_with(&list(), &headers).await.status, status, "{version}");
    }
}

#[tokio::test]
async fn delete_ends_a_session() {
    let up = usual_up().await;
    let (mut http, id) = up.session("2025-11-25").await;
    http.send("DELETE", "/mcp", &[("mcp-session-id".to_owned(), id.clone())], "").await;
    assert_eq!(http.answer().await.status, 204);
    assert_eq!(http.post_with(&list(), &[("mcp-session-id", &id)]).await.status, 404);
    http.send("DELETE", "/mcp", &[("mcp-session-id".to_owned(), id)], "").await;
    assert_eq!(http.answer().await.status, 404, "it can't end twice");
}

#[tokio::test]
async fn the_one_that_was_idle_longest_makes_room() {
    let mut plan = plan();
    plan.sessions.max = 2;
    let up = up(&usual(plan).await.0).await;
    let (mut http, first) = up.session("2025-11-25").await;
    let (_, second) = up.session("2025-11-25").await;
    tokio::time::sleep(Duration::from_millis(5)).await;
    assert_eq!(http.post_with(&list(), &[("mcp-session-id", &first)]).await.status, 200);
    let (_, third) = up.session("2025-11-25").await;
    assert_eq!(http.post_with(&list(), &[("mcp-session-id", &second)]).await.status, 404, "the idlest is gone");
    for id in [&first, &third] {
        assert_eq!(http.post_with(&list(), &[("mcp-session-id", id)]).await.status, 200);
    }
}

#[tokio::test]
async fn busy_sessions_are_never_sacrificed() {
    let mut plan = plan();
    plan.sessions.max_of_one = 1;
    plan.sessions.idle = Duration::from_millis(50);
    let (server, _, faulty) = usual(plan).await;
    let up = up(&server).await;
    let (mut http, id) = up.session("2025-11-25").await;
    let wait = json!({"jsonrpc": "2.0", "id": 7, "method": "tools/call", "params": {"name": "wait"}});
    http.start(&wait, &[("mcp-session-id", &id)]).await;
    until("the call", || async { faulty.calls() == 1 }).await;
    let mut other = up.connect().await;
    assert_eq!(other.post(&initialize("2025-11-25")).await.status, 503, "no room while the only one is busy");
    // Much longer than a session may be idle.
    tokio::time::sleep(Duration::from_millis(300)).await;
    let cancel = json!({"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": 7}});
    assert_eq!(other.post_with(&cancel, &[("mcp-session-id", &id)]).await.status, 202, "it is still there");
    let answer = http.answer().await;
    assert_eq!((answer.status, answer.messages().len()), (200, 0), "what was called off gets no answer");
    assert_eq!(faulty.stopped(), 1);
    until("the end of the idle session", || async {
        up.connect().await.get("/health", &[]).await.json()["sessions"] == 0
    })
    .await;
    assert_eq!(other.post_with(&list(), &[("mcp-session-id", &id)]).await.status, 404);
}

#[tokio::test]
async fn an_id_in_flight_is_refused_and_the_first_call_unharmed() {
    let (server, _, faulty) = usual(plan()).await;
    let up = up(&server).await;
    let (mut http, id) = up.session("2025-11-25").await;
    let call = |tool: &str| json!({"jsonrpc": "2.0", "id": "same", "method": "tools/call", "params": {"name": tool}});
    http.start(&call("wait"), &[("mcp-session-id", &id)]).await;
    until("the call", || async { faulty.calls() == 1 }).await;
    let mut other = up.connect().await;
    let refused = other.post_with(&call("echo"), &[("mcp-session-id", &id)]).await;
    assert_eq!(refused.error_code(), -32600);
    assert_eq!(faulty.calls(), 1);
    let elsewhere = json!({"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": "other"}});
    assert_eq!(other.post_with(&elsewhere, &[("mcp-session-id", &id)]).await.status, 202);
    assert_eq!(faulty.stopped(), 0, "only the named one is called off");
    other.send("DELETE", "/mcp", &[("mcp-session-id".to_owned(), id)], "").await;
    assert_eq!(other.answer().await.status, 204);
    http.answer().await;
    assert_eq!(faulty.stopped(), 1, "the end of a session calls off what it has in flight");
}

#[tokio::test]
async fn batches_are_for_the_one_revision_that_has_them() {
    let up = usual_up().await;
    let (mut http, old) = up.session("2025-03-26").await;
    let batch = json!([
        {"jsonrpc": "2.0", "id": 1, "method": "ping"},
        {"jsonrpc": "2.0", "method": "notifications/initialized"},
        {"jsonrpc": "2.0", "id": 2, "method": "tools/call", "params": {"name": "say", "arguments": {"word": "hi"}}},
        {"jsonrpc": "2.0", "id": 3, "method": "made/up"},
        7
    ]);
    let answer = http.post_with(&batch, &[("mcp-session-id", &old)]).await;
    let answers = answer.json();
    let codes: Vec<_> = answers.as_array().expect("an array").iter().map(|one| &one["error"]["code"]).collect();
    assert_eq!(codes, [&json!(null), &json!(null), &json!(-32601), &json!(-32600)], "{answers}");
    assert_eq!(answers[1]["result"]["content"][0]["text"], "hi");
    let (mut http, new) = up.session("2025-06-18").await;
    let refused = http.post_with(&batch, &[("mcp-session-id", &new)]).await;
    assert_eq!((refused.status, refused.error_code()), (400, -32600));
    let empty = http.post_with(&json!([]), &[("mcp-session-id", &old)]).await;
    assert_eq!((empty.status, empty.error_code()), (400, -32600));
}

#[tokio::test]
async fn a_client_that_goes_away_does_not_call_off_what_a_session_asked() {
    let (server, _, faulty) = usual(plan()).await;
    let up = up(&server).await;
    let (mut http, id) = up.session("2025-11-25").await;
    let wait = json!({"jsonrpc": "2.0", "id": 7, "method": "tools/call", "params": {"name": "wait"}});
    http.start(&wait, &[("mcp-session-id", &id)]).await;
    until("the call", || async { faulty.calls() == 1 }).await;
    drop(http);
    let mut other = up.connect().await;
    assert_eq!(other.post_with(&list(), &[("mcp-session-id", &id)]).await.status, 200);
    assert_eq!(faulty.stopped(), 0);
    let cancel = json!({"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": 7}});
    other.post_with(&cancel, &[("mcp-session-id", &id)]).await;
    until("the end of the call", || async { faulty.stopped() == 1 }).await;
}
