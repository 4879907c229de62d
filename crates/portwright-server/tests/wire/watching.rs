//! Subscriptions to resources, in both eras.

use std::sync::Arc;

use portwright_core::limits;
use portwright_server::Server;
use portwright_server::guard::AuditPlan;
use serde_json::{Value, json};

use crate::asker::Asker;
use crate::client::{initialize, modern};
use crate::shelf::Shelf;
use crate::support::{mount, pipe, plan, records, started, up};

const SUBSCRIPTION: &str = "io.modelcontextprotocol/subscriptionId";

async fn watched() -> (Server, Arc<Asker>) {
    let asker = Arc::new(Asker::default());
    let shelf = mount("shelf", Arc::new(Shelf::new(0)));
    (started(plan(), vec![mount("asker", asker.clone()), shelf]).await, asker)
}

fn request(id: u64, method: &str, uri: &str) -> Value {
    json!({"jsonrpc": "2.0", "id": id, "method": method, "params": {"uri": uri}})
}

fn updated(uri: &str) -> Value {
    json!({"jsonrpc": "2.0", "method": "notifications/resources/updated", "params": {"uri": uri}})
}

#[tokio::test]
async fn a_session_hears_of_what_it_subscribed_to() {
    let (server, asker) = watched().await;
    let mut pipe = pipe(&server);
    let hello = pipe.ask(&initialize("2025-11-25")).await;
    assert_eq!(hello["result"]["capabilities"]["resources"], json!({"listChanged": true, "subscribe": true}));
    pipe.send(r#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#).await;
    pipe.send(r#"{"jsonrpc":"2.0","method":"notifications/roots/list_changed"}"#).await;
    assert_eq!(pipe.ask(&request(1, "resources/subscribe", "ask://who")).await["result"], json!({}));
    asker.update("ask://else");
    asker.update("ask://who");
    assert_eq!(pipe.line().await.expect("an update"), updated("ask://who"));
    assert_eq!(pipe.ask(&request(2, "resources/unsubscribe", "ask://who")).await["result"], json!({}));
    asker.update("ask://who");
    let pong = pipe.ask(&json!({"jsonrpc": "2.0", "id": 3, "method": "ping"})).await;
    assert_eq!(pong["id"], 3, "nothing more is said");
    for (uri, code) in [("ask://none", -32002), ("ask://other", -32002), ("shelf://note", -32602)] {
        let refused = pipe.ask(&request(4, "resources/subscribe", uri)).await;
        assert_eq!(refused["error"]["code"], code, "{refused}");
    }
    assert!(pipe.finish().await.is_empty());
}

#[tokio::test]
async fn a_session_over_http_hears_on_its_stream() {
    let (server, asker) = watched().await;
    let up = up(&server).await;
    let (mut http, id) = up.session("2025-06-18").await;
    let headers = [("mcp-session-id".to_owned(), id.clone()), ("accept".to_owned(), "text/event-stream".to_owned())];
    let mut stream = up.connect().await;
    stream.send("GET", "/mcp", &headers, "").await;
    stream.head().await;
    let subscribed = http.post_with(&request(1, "resources/subscribe", "ask://who"), &[("mcp-session-id", &id)]).await;
    assert_eq!((subscribed.status, &subscribed.json()["result"]), (200, &json!({})));
    // Another session asked for nothing.
    let (_, other) = up.session("2025-06-18").await;
    let mut silent = up.connect().await;
    let headers = [("mcp-session-id".to_owned(), other.clone()), headers[1].clone()];
    silent.send("GET", "/mcp", &headers, "").await;
    silent.head().await;
    asker.update("ask://who");
    assert_eq!(stream.event().await.expect("an update"), updated("ask://who"));
    http.send("DELETE", "/mcp", &headers[..1], "").await;
    assert_eq!(http.answer().await.status, 204);
    assert!(silent.event().await.is_none(), "its stream ends without a word");
}

#[tokio::test]
async fn subscribing_is_a_call_with_a_record() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("audit.jsonl");
    let mut plan = plan();
    plan.audit = Some(AuditPlan::new(file.clone()));
    let server = started(plan, vec![mount("asker", Arc::new(Asker::default()))]).await;
    let mut pipe = pipe(&server);
    pipe.ask(&initialize("2025-11-25")).await;
    pipe.ask(&request(1, "resources/subscribe", "ask://who")).await;
    pipe.ask(&request(2, "resources/subscribe", "ask://none")).await;
    let filter = json!({"notifications": {"resourceSubscriptions": ["ask://who"]}});
    pipe.ask(&modern(3, "subscriptions/listen", filter)).await;
    let records = records(&file);
    let told: Vec<_> = records.iter().map(|one| (one["name"].as_str(), one["outcome"].as_str())).collect();
    let (who, none) = (Some("ask://who"), Some("ask://none"));
    assert_eq!(told, [(who, Some("ok")), (none, Some("refused")), (who, Some("ok"))]);
    assert!(records.iter().all(|one| one["operation"] == "resources/subscribe"), "{records:?}");
}

#[tokio::test]
async fn a_session_watches_so_many_and_no_more() {
    let (server, _) = watched().await;
    let mut pipe = pipe(&server);
    pipe.ask(&initialize("2025-11-25")).await;
    // Unknown ones take no room.
    for id in 0..=limits::WATCHED_MAX as u64 {
        pipe.ask(&request(id, "resources/subscribe", &format!("ask://none/{id}"))).await;
    }
    assert_eq!(pipe.ask(&request(999, "resources/subscribe", "ask://who")).await["result"], json!({}));
    let many: Vec<_> = (0..=limits::WATCHED_MAX).map(|number| format!("ask://{number}")).collect();
    let listen = modern(1, "subscriptions/listen", json!({"notifications": {"resourceSubscriptions": many}}));
    assert_eq!(pipe.ask(&listen).await["error"]["code"], -32602);
}

#[tokio::test]
async fn a_subscription_names_what_is_honoured_and_ends_in_good_order() {
    let (server, asker) = watched().await;
    let uris = json!(["ask://who", "ask://other", "ask://none", "shelf://note"]);
    let filter = json!({"notifications": {"resourceSubscriptions": uris}});
    let listen = modern(5, "subscriptions/listen", filter);
    let mut pipe = pipe(&server);
    let up = up(&server).await;
    let mut http = up.connect().await;
    http.start(&listen, &[]).await;
    http.head().await;
    for acknowledged in [pipe.ask(&listen).await, http.event().await.expect("acknowledged")] {
        assert_eq!(acknowledged["method"], "notifications/subscriptions/acknowledged");
        assert_eq!(acknowledged["params"]["notifications"], json!({"resourceSubscriptions": ["ask://who"]}));
    }
    asker.update("ask://other");
    asker.update("ask://who");
    let mut expected = updated("ask://who");
    expected["params"]["_meta"] = json!({SUBSCRIPTION: 5});
    assert_eq!(pipe.line().await.expect("an update"), expected);
    assert_eq!(http.event().await.expect("an update"), expected);
    let discovered = up.connect().await.post(&modern(6, "server/discover", json!({}))).await.json();
    assert_eq!(discovered["result"]["capabilities"]["resources"]["subscribe"], true);
    up.shutdown.cancel();
    let end = http.event().await.expect("the end");
    assert_eq!((&end["id"], &end["result"]["resultType"]), (&json!(5), &json!("complete")));
    assert!(http.event().await.is_none(), "its stream ends, which says enough");
    let rest = pipe.finish().await;
    assert_eq!(rest.len(), 2, "{rest:?}");
    assert_eq!(rest[0]["result"]["resultType"], "complete");
    assert_eq!((&rest[1]["method"], &rest[1]["params"]["requestId"]), (&json!("notifications/cancelled"), &json!(5)));
}
