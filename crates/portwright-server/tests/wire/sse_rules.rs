//! What HTTP+SSE itself asks: the endpoint, whose it is, and how it ends.

use serde_json::json;

use crate::client::{Http, initialize, modern};
use crate::duplex::Sse;
use crate::support::{plan, until, up, usual, usual_up};

const PING: &str = r#"{"jsonrpc":"2.0","id":1,"method":"ping"}"#;

#[tokio::test]
async fn the_endpoint_is_secret_and_its_sessions_alone() {
    let up = usual_up().await;
    let (mut first, second) = (Sse::connect(up.address).await, Sse::connect(up.address).await);
    let id = first.endpoint.strip_prefix("/messages?session_id=").expect("the endpoint").to_owned();
    assert!(id.len() >= 32 && id.bytes().all(|byte| byte.is_ascii_hexdigit()), "{id}");
    assert_ne!(first.endpoint, second.endpoint);
    assert_eq!(first.say(PING).await.status, 202);
    assert_eq!(first.stream.event().await.expect("an answer"), json!({"jsonrpc": "2.0", "id": 1, "result": {}}));
    let mut http = up.connect().await;
    let typed = [("content-type".to_owned(), "application/json".to_owned())];
    for foreign in ["/messages", "/messages?session_id=", "/messages?session_id=made-up", "/messages?session=x"] {
        http.send("POST", foreign, &typed, PING).await;
        assert_eq!(http.answer().await.status, 404, "{foreign}");
    }
    http.send("POST", &second.endpoint, &[], PING).await;
    assert_eq!(http.answer().await.status, 415);
}

#[tokio::test]
async fn the_endpoint_stands_where_the_proxy_shows_it() {
    let up = usual_up().await;
    let sse = Sse::connect_with(up.address, &[("x-forwarded-prefix", "/tools/db")]).await;
    assert!(sse.endpoint.starts_with("/tools/db/messages?session_id="), "{}", sse.endpoint);
    let mut plan = plan();
    plan.listen.public_url = Some("https://acme.example/behind/a/path/mcp".to_owned());
    let up = crate::support::up(&usual(plan).await.0).await;
    let sse = Sse::connect_with(up.address, &[("host", "acme.example")]).await;
    assert!(sse.endpoint.starts_with("/behind/a/path/messages?session_id="), "{}", sse.endpoint);
}

#[tokio::test]
async fn methods_types_and_foreigners() {
    let up = usual_up().await;
    let mut http = up.connect().await;
    for (method, path) in [("POST", "/sse"), ("DELETE", "/sse"), ("GET", "/messages"), ("PUT", "/messages")] {
        http.send(method, path, &[], "").await;
        assert_eq!(http.answer().await.status, 405, "{method} {path}");
    }
    for (name, value, status) in [
        ("accept", "application/json", 406),
        ("origin", "https://evil.example", 403),
        ("origin", "null", 403),
        ("host", "evil.example", 403),
        ("x-forwarded-for", "10.0.0.1", 401),
    ] {
        assert_eq!(http.get("/sse", &[(name, value)]).await.status, status, "{name}: {value}");
        let sse = Sse::connect(up.address).await;
        if name != "accept" {
            let headers = [("content-type", "application/json"), (name, value)];
            let headers = headers.map(|(name, value)| (name.to_owned(), value.to_owned()));
            http.send("POST", &sse.endpoint, &headers, PING).await;
            assert_eq!(http.answer().await.status, status, "POST, {name}: {value}");
        }
    }
}

#[tokio::test]
async fn the_stateless_lifecycle_is_not_spoken_here() {
    let up = usual_up().await;
    let mut sse = Sse::connect(up.address).await;
    assert_eq!(sse.say(&modern(1, "tools/list", json!({})).to_string()).await.status, 202);
    let refused = sse.stream.event().await.expect("an answer");
    assert_eq!(refused["error"]["code"], -32022, "{refused}");
    assert_eq!(refused["error"]["data"]["supported"][0], "2024-11-05");
}

#[tokio::test]
async fn a_session_is_told_of_changes_once_it_is_open() {
    let (server, shelf, _) = usual(plan()).await;
    let up = up(&server).await;
    let mut sse = Sse::connect(up.address).await;
    sse.say(&initialize("2024-11-05").to_string()).await;
    let opened = sse.stream.event().await.expect("an answer");
    assert_eq!(opened["result"]["protocolVersion"], "2024-11-05");
    sse.say(r#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#).await;
    shelf.set_tools(1);
    let changed = sse.stream.event().await.expect("a change");
    assert_eq!(changed["method"], "notifications/tools/list_changed");
}

#[tokio::test]
async fn a_client_that_goes_away_calls_everything_off() {
    let (server, _, faulty) = usual(plan()).await;
    let up = up(&server).await;
    let mut sse = Sse::connect(up.address).await;
    sse.say(&initialize("2024-11-05").to_string()).await;
    let wait = json!({"jsonrpc": "2.0", "id": 7, "method": "tools/call", "params": {"name": "wait"}});
    sse.say(&wait.to_string()).await;
    until("the call", || async { faulty.calls() == 1 }).await;
    let Sse { stream, mut post, endpoint, .. } = sse;
    drop(stream);
    until("its end", || async { faulty.stopped() == 1 }).await;
    until("the end of the session", || async { server.health().await.sessions == 0 }).await;
    let typed = [("content-type".to_owned(), "application/json".to_owned())];
    post.send("POST", &endpoint, &typed, PING).await;
    assert_eq!(post.answer().await.status, 404);
}

#[tokio::test]
async fn a_stream_is_kept_alive_and_ends_where_nobody_ever_speaks() {
    let mut plan = plan();
    plan.listen.waits.keep_alive = std::time::Duration::from_millis(10);
    plan.listen.waits.idle = std::time::Duration::from_millis(100);
    let up = up(&usual(plan).await.0).await;
    let mut silent = Sse::connect(up.address).await;
    let mut speaks = Sse::connect(up.address).await;
    speaks.say(PING).await;
    assert!(silent.stream.chunk().await.is_some_and(|chunk| chunk.starts_with(':')), "a comment");
    assert!(silent.stream.event().await.is_none(), "it ends");
    speaks.say(PING).await;
    assert_eq!(speaks.stream.event().await.expect("the first answer")["id"], 1);
    assert_eq!(speaks.stream.event().await.expect("the second")["id"], 1);
}

#[tokio::test]
async fn what_is_off_is_not_there() {
    for (off, path) in [("http", "/mcp"), ("sse", "/sse"), ("sse", "/messages"), ("websocket", "/ws")] {
        let mut plan = plan();
        match off {
            "http" => plan.listen.transports.http = false,
            "sse" => plan.listen.transports.sse = false,
            _ => plan.listen.transports.websocket = false,
        }
        let up = up(&usual(plan).await.0).await;
        for (path, there) in [("/mcp", path != "/mcp"), (path, false), ("/health", true)] {
            let mut http = Http::connect(up.address).await;
            for method in ["GET", "POST"] {
                http.send(method, path, &[], "").await;
                let status = http.answer().await.status;
                assert_eq!(status != 404, there, "{method} {path} without {off}: {status}");
            }
        }
    }
}
