//! Streams of the server's own messages.

use serde_json::{Value, json};

use crate::client::modern;
use crate::support::{pipe, plan, up, usual};

fn listen(id: u64, filter: &Value) -> Value {
    modern(id, "subscriptions/listen", json!({"notifications": filter}))
}

const SUBSCRIPTION: &str = "io.modelcontextprotocol/subscriptionId";

#[tokio::test]
async fn a_subscription_hears_what_it_asked_for_until_the_server_stops() {
    let (server, shelf, _) = usual(plan()).await;
    let up = up(&server).await;
    let mut tools = up.connect().await;
    tools.start(&listen(41, &json!({"toolsListChanged": true, "resourceSubscriptions": ["shelf://note"]})), &[]).await;
    assert!(tools.head().await.contains("text/event-stream"));
    let acknowledged = tools.event().await.expect("acknowledged");
    assert_eq!(acknowledged["method"], "notifications/subscriptions/acknowledged");
    assert_eq!(acknowledged["params"]["notifications"], json!({"toolsListChanged": true}), "only what is honoured");
    assert_eq!(acknowledged["params"]["_meta"][SUBSCRIPTION], 41, "a number stays one");
    let mut prompts = up.connect().await;
    prompts.start(&listen(42, &json!({"promptsListChanged": true})), &[]).await;
    prompts.head().await;
    prompts.event().await.expect("acknowledged");
    shelf.set_tools(1);
    let changed = tools.event().await.expect("a change");
    assert_eq!(changed["method"], "notifications/tools/list_changed");
    assert_eq!(changed["params"]["_meta"][SUBSCRIPTION], 41);
    up.shutdown.cancel();
    for (mut stream, id) in [(tools, 41), (prompts, 42)] {
        let end = stream.event().await.expect("the end");
        assert_eq!((&end["id"], &end["result"]["resultType"]), (&json!(id), &json!("complete")), "{end}");
        assert_eq!(end["result"]["_meta"][SUBSCRIPTION], id);
        assert!(stream.event().await.is_none());
    }
    up.serving.await.expect("no panic").expect("served");
}

#[tokio::test]
async fn a_session_has_one_stream_and_the_newest_wins() {
    let (server, shelf, _) = usual(plan()).await;
    let up = up(&server).await;
    let (mut http, id) = up.session("2025-11-25").await;
    assert_eq!(http.get("/mcp", &[("mcp-session-id", &id), ("accept", "application/json")]).await.status, 406);
    assert_eq!(http.get("/mcp", &[("mcp-session-id", "made-up")]).await.status, 404);
    let headers = [("mcp-session-id".to_owned(), id.clone()), ("accept".to_owned(), "text/event-stream".to_owned())];
    let (mut first, mut second) = (up.connect().await, up.connect().await);
    first.send("GET", "/mcp", &headers, "").await;
    assert!(first.head().await.contains("200 OK"));
    second.send("GET", "/mcp", &headers, "").await;
    assert!(second.head().await.contains("200 OK"));
    assert!(first.event().await.is_none(), "the first ended");
    shelf.set_tools(1);
    let changed = second.event().await.expect("a change");
    assert_eq!(changed, json!({"jsonrpc": "2.0", "method": "notifications/tools/list_changed", "params": {}}));
    http.send("DELETE", "/mcp", &headers[..1], "").await;
    assert_eq!(http.answer().await.status, 204);
    assert!(second.event().await.is_none(), "it ends with its session");
}

#[tokio::test]
async fn an_idle_stream_is_kept_alive() {
    let mut plan = plan();
    plan.listen.waits.keep_alive = std::time::Duration::from_millis(10);
    let up = up(&usual(plan).await.0).await;
    let mut stream = up.connect().await;
    stream.start(&listen(1, &json!({})), &[]).await;
    stream.head().await;
    stream.event().await.expect("acknowledged");
    assert!(stream.chunk().await.is_some_and(|chunk| chunk.starts_with(':')), "a comment");
}

#[tokio::test]
async fn subscriptions_over_stdio_stand_between_other_messages() {
    let (server, shelf, _) = usual(plan()).await;
    let mut pipe = pipe(&server);
    let acknowledged = pipe.ask(&listen(1, &json!({"toolsListChanged": true}))).await;
    assert_eq!(acknowledged["params"]["_meta"][SUBSCRIPTION], 1);
    let again = pipe.ask(&listen(1, &json!({}))).await;
    assert_eq!(again["error"]["code"], -32600, "its id is in use");
    shelf.set_tools(1);
    assert_eq!(pipe.line().await.expect("a change")["method"], "notifications/tools/list_changed");
    let other = pipe.ask(&listen(2, &json!({"toolsListChanged": true}))).await;
    assert_eq!(other["params"]["_meta"][SUBSCRIPTION], 2);
    pipe.send(r#"{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":1}}"#).await;
    // Its answer tells that what was sent before it was read.
    pipe.ask(&modern(3, "server/discover", json!({}))).await;
    shelf.set_tools(2);
    let changed = pipe.line().await.expect("a change");
    assert_eq!(changed["params"]["_meta"][SUBSCRIPTION], 2, "the first was called off");
    let rest = pipe.finish().await;
    assert_eq!(rest.len(), 2, "{rest:?}");
    assert_eq!(rest[0]["result"]["_meta"][SUBSCRIPTION], 2);
    assert_eq!(rest[1]["method"], "notifications/cancelled");
    assert_eq!(rest[1]["params"]["requestId"], 2);
}
