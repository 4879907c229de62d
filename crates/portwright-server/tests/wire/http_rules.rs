//! What HTTP itself asks: methods, headers, statuses.

use serde_json::json;

use crate::client::{initialize, modern};
use crate::support::usual_up;

#[tokio::test]
async fn statuses_of_the_stateless_lifecycle() {
    let up = usual_up().await;
    let mut http = up.connect().await;
    let say = modern(1, "tools/call", json!({"name": "say", "arguments": {"word": "hi"}}));
    let ok = http.post(&say).await;
    assert_eq!((ok.status, ok.header("content-type")), (200, Some("application/json")));
    assert!(ok.header("mcp-session-id").is_none());
    assert_eq!(http.post(&modern(2, "made/up", json!({}))).await.status, 404);
    let notification = json!({"jsonrpc": "2.0", "method": "notifications/cancelled", "params": say["params"]});
    let accepted = http.post(&notification).await;
    assert_eq!((accepted.status, accepted.body.as_str()), (202, ""));
    let response = json!({"jsonrpc": "2.0", "id": 1, "result": {}});
    let refused = http.post_with(&response, &[("mcp-protocol-version", "2026-07-28")]).await;
    assert_eq!((refused.status, refused.error_code()), (400, -32600));
    for wrong in [json!({}), json!({"io.modelcontextprotocol/protocolVersion": "2026-07-28"})] {
        let message = json!({"jsonrpc": "2.0", "id": 3, "method": "tools/list", "params": {"_meta": wrong}});
        let refused = http.post_with(&message, &[("mcp-protocol-version", "2026-07-28")]).await;
        assert_eq!((refused.status, refused.error_code()), (400, -32602), "{refused:?}");
    }
    let mut future = modern(4, "tools/list", json!({}));
    future["params"]["_meta"]["io.modelcontextprotocol/protocolVersion"] = "2099-01-01".into();
    let refused = http.post(&future).await;
    assert_eq!((refused.status, refused.error_code()), (400, -32022));
    assert_eq!(refused.json()["error"]["data"]["requested"], "2099-01-01");
}

#[tokio::test]
async fn headers_say_what_the_body_says() {
    let up = usual_up().await;
    let mut http = up.connect().await;
    let say = modern(1, "tools/call", json!({"name": "say", "arguments": {"word": "hi"}}));
    for wrong in [
        ("mcp-protocol-version", "2025-11-25"),
        ("mcp-protocol-version", ""),
        ("mcp-method", "tools/list"),
        ("mcp-method", "TOOLS/CALL"),
        ("mcp-method", ""),
        ("mcp-name", "other"),
        ("mcp-name", ""),
        ("mcp-name", "=?base64?c2F5=?="),
        ("mcp-name", "=?base64?c2F5!?="),
        ("mcp-name", "=?base64?/w==?="),
    ] {
        let refused = http.post_with(&say, &[wrong]).await;
        assert_eq!((refused.status, refused.error_code()), (400, -32020), "{wrong:?}");
    }
    for right in [("mcp-name", "=?base64?c2F5?="), ("mcp-name", "  say  "), ("mcp-method", "\ttools/call ")] {
        assert_eq!(http.post_with(&say, &[right]).await.status, 200, "{right:?}");
    }
    let twice = http.post_with(&say, &[("mcp-name", "say"), ("mcp-name", "other")]).await;
    assert_eq!((twice.status, twice.error_code()), (400, -32020), "one header twice");
}

#[tokio::test]
async fn mirrored_arguments_agree() {
    let up = usual_up().await;
    let mut http = up.connect().await;
    let mirror =
        modern(1, "tools/call", json!({"name": "mirror", "arguments": {"region": "hé", "deep": {"count": 42}}}));
    let right = [("mcp-param-region", "=?base64?aMOp?="), ("mcp-param-count", "42")];
    assert_eq!(http.post_with(&mirror, &right).await.status, 200);
    let numeric = [("mcp-param-region", "=?base64?aMOp?="), ("mcp-param-count", "42.0")];
    assert_eq!(http.post_with(&mirror, &numeric).await.status, 200);
    for wrong in [
        vec![],
        vec![("mcp-param-region", "=?base64?aMOp?=")],
        vec![("mcp-param-region", "he"), ("mcp-param-count", "42")],
        vec![("mcp-param-region", "=?base64?aMOp?="), ("mcp-param-count", "43")],
    ] {
        let refused = http.post_with(&mirror, &wrong).await;
        assert_eq!((refused.status, refused.error_code()), (400, -32020), "{wrong:?}");
    }
    let none = modern(1, "tools/call", json!({"name": "mirror", "arguments": {"region": null}}));
    let refused = http.post_with(&none, &[("mcp-param-region", "x")]).await;
    assert_eq!(refused.status, 400, "a header without its argument");
}

#[tokio::test]
async fn types_encodings_and_methods() {
    let up = usual_up().await;
    let mut http = up.connect().await;
    let list = modern(1, "tools/list", json!({}));
    for (header, value, status) in [
        ("content-type", "text/plain", 415),
        ("content-type", "", 415),
        ("content-type", "application/json; charset=utf-8", 200),
        ("content-type", "Application/JSON", 200),
        ("content-encoding", "gzip", 415),
        ("content-encoding", "identity", 200),
        ("accept", "text/html", 406),
        ("accept", "application/json;q=0", 406),
        ("accept", "*/*", 200),
        ("accept", "", 200),
        ("accept", "application/json", 200),
        ("accept", "text/event-stream", 200),
        ("accept", "text/html, application/*;q=0.5", 200),
    ] {
        assert_eq!(http.post_with(&list, &[(header, value)]).await.status, status, "{header}: {value}");
    }
    for (method, path, status) in [
        ("PUT", "/mcp", 405),
        ("GET", "/mcp", 405),
        ("DELETE", "/mcp", 405),
        ("OPTIONS", "/mcp", 405),
        ("POST", "/health", 405),
        ("POST", "/mcp/", 404),
        ("POST", "//mcp", 404),
        ("POST", "/mcp/..;/health", 404),
        ("GET", "/", 200),
        ("POST", "/", 405),
        ("GET", "/nothing", 404),
    ] {
        http.send(method, path, &[], "").await;
        assert_eq!(http.answer().await.status, status, "{method} {path}");
    }
}

#[tokio::test]
async fn a_call_that_speaks_answers_only_json_to_those_who_read_nothing_else() {
    let up = usual_up().await;
    let mut http = up.connect().await;
    let steps = modern(1, "tools/call", json!({"name": "steps", "_meta": {"progressToken": 1}}));
    let quiet = http.post_with(&steps, &[("accept", "application/json")]).await;
    assert_eq!(quiet.header("content-type"), Some("application/json"));
    assert_eq!(quiet.messages().len(), 1);
    let stream = http.post_with(&steps, &[("accept", "text/event-stream")]).await;
    assert_eq!(stream.header("content-type"), Some("text/event-stream"));
    assert_eq!(stream.messages().len(), 3);
    let list = http.post_with(&modern(2, "ping", json!({})), &[("accept", "text/event-stream")]).await;
    assert_eq!(list.status, 404);
}

#[tokio::test]
async fn foreign_hosts_and_origins_reach_nothing() {
    let up = usual_up().await;
    let mut http = up.connect().await;
    let list = modern(1, "tools/list", json!({}));
    for (header, value) in [
        ("host", "evil.example"),
        ("host", "localhost.evil.example"),
        ("origin", "https://evil.example"),
        ("origin", "null"),
    ] {
        let refused = http.post_with(&list, &[(header, value)]).await;
        assert_eq!(refused.status, 403, "{header}: {value}");
        assert!(refused.header("access-control-allow-origin").is_none());
    }
    assert_eq!(http.get("/health", &[("host", "evil.example")]).await.status, 403);
    let local = http.post_with(&list, &[("origin", "http://localhost:6274")]).await;
    assert_eq!(local.status, 200);
    assert!(local.header("access-control-allow-origin").is_none(), "no page was allowed by name");
    let passed_on = http.post_with(&list, &[("x-forwarded-for", "10.0.0.1")]).await;
    assert_eq!(passed_on.status, 401, "what a proxy passes on is not local");
}

#[tokio::test]
async fn a_page_that_was_allowed_by_name_may_read() {
    let mut plan = crate::support::plan();
    plan.listen.allowed_origins = vec!["https://chat.example".to_owned()];
    let up = crate::support::up(&crate::support::usual(plan).await.0).await;
    let mut http = up.connect().await;
    http.send("OPTIONS", "/mcp", &[("origin".to_owned(), "https://chat.example".to_owned())], "").await;
    let asked = http.answer().await;
    assert_eq!((asked.status, asked.header("access-control-allow-origin")), (204, Some("https://chat.example")));
    let answer = http.post_with(&initialize("2025-11-25"), &[("origin", "https://chat.example")]).await;
    assert_eq!(answer.header("access-control-allow-origin"), Some("https://chat.example"));
    assert_eq!(answer.header("vary"), Some("origin"));
}

#[tokio::test]
async fn pages_tell_how_it_is() {
    let up = usual_up().await;
    let mut http = up.connect().await;
    let health = http.get("/health", &[]).await;
    let report = health.json();
    assert_eq!((health.status, &report["status"]), (200, &json!("degraded")), "{report}");
    let sources = report["sources"].as_array().expect("sources");
    let shelf = sources.iter().find(|source| source["name"] == "shelf").expect("the shelf");
    assert_eq!(shelf["state"], "degraded", "a tool was left out");
    assert!(shelf["reason"].as_str().is_some_and(|reason| reason.contains("`unsound`")), "{shelf}");
    assert!(report["tools"].as_array().is_some_and(|tools| tools.contains(&json!("say"))));
    assert_eq!(http.get("/ready", &[]).await.status, 200);
    assert_eq!(http.get("/live", &[]).await.status, 200);
}
