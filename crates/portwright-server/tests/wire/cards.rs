//! What the server tells of itself before anybody connects.

use portwright_server::ServerPlan;
use serde_json::json;

use crate::support::{started, up};

const CARD: &str = "/mcp/server-card";
const CATALOG: &str = "/.well-known/ai-catalog.json";

fn public() -> ServerPlan {
    let mut plan = ServerPlan::new("shop");
    plan.title = Some("Acme's shop".to_owned());
    plan.description = Some("Orders and customers.".to_owned());
    plan.instructions = Some("For those who call.".to_owned());
    plan.listen.public_url = Some("https://mcp.acme.example".to_owned());
    plan
}

#[tokio::test]
async fn the_card_says_who_and_where() {
    let up = up(&started(public(), Vec::new()).await).await;
    let mut http = up.connect().await;
    let answer = http.get(CARD, &[]).await;
    assert_eq!((answer.status, answer.header("content-type")), (200, Some("application/mcp-server-card+json")));
    let card = answer.json();
    assert_eq!(
        card,
        json!({
            "$schema": "https://static.modelcontextprotocol.io/schemas/v1/server-card.schema.json",
            "name": "example.acme.mcp/shop",
            "version": env!("CARGO_PKG_VERSION"),
            "description": "Orders and customers.",
            "title": "Acme's shop",
            "remotes": [{
                "type": "streamable-http",
                "url": "https://mcp.acme.example/mcp",
                "supportedProtocolVersions": ["2024-11-05", "2025-03-26", "2025-06-18", "2025-11-25", "2026-07-28"],
            }],
        })
    );
    let answer = http.get(CATALOG, &[]).await;
    assert_eq!((answer.status, answer.header("content-type")), (200, Some("application/ai-catalog+json")));
    assert_eq!(
        answer.json(),
        json!({
            "specVersion": "1.0",
            "entries": [{
                "identifier": "urn:air:mcp.acme.example:mcp:shop",
                "type": "application/mcp-server-card+json",
                "url": "https://mcp.acme.example/mcp/server-card",
                "displayName": "Acme's shop",
            }],
        })
    );
}

#[tokio::test]
async fn without_a_public_address_none_is_told() {
    let up = up(&started(ServerPlan::new("shop"), Vec::new()).await).await;
    let mut http = up.connect().await;
    let card = http.get(CARD, &[]).await.json();
    assert_eq!((&card["name"], &card["remotes"]), (&json!("localhost/shop"), &json!(null)), "{card}");
    assert!(card["description"].is_string());
    assert_eq!(http.get(CATALOG, &[]).await.json(), json!({"specVersion": "1.0", "entries": []}));
}

#[tokio::test]
async fn any_page_may_read_them_and_caches_may_keep_them() {
    let mut plan = public();
    plan.listen.anonymous = portwright_server::Anonymous::Anywhere;
    let up = up(&started(plan, Vec::new()).await).await;
    let mut http = up.connect().await;
    for path in [CARD, CATALOG] {
        let answer = http.get(path, &[("origin", "https://anything.example")]).await;
        assert_eq!((answer.status, answer.header("access-control-allow-origin")), (200, Some("*")));
        assert_eq!(answer.header("cache-control"), Some("public, max-age=3600"));
        let tag = answer.header("etag").expect("a tag").to_owned();
        for known in [tag.clone(), format!("W/{tag}"), format!("\"other\", {tag}"), "*".to_owned()] {
            let again = http.get(path, &[("if-none-match", &known)]).await;
            assert_eq!((again.status, again.body.as_str()), (304, ""), "{known}");
            assert_eq!(again.header("etag"), Some(tag.as_str()));
        }
        assert_eq!(http.get(path, &[("if-none-match", "\"other\"")]).await.status, 200);
        for (method, status) in [("OPTIONS", 204), ("POST", 405)] {
            http.send(method, path, &[], "").await;
            assert_eq!(http.answer().await.status, status);
        }
        let rebound = http.get(path, &[("host", "evil.example")]).await;
        assert_eq!(rebound.status, 403, "the Host is judged here as well");
    }
    // Elsewhere nothing changed for that page.
    assert_eq!(http.get("/health", &[("origin", "https://anything.example")]).await.status, 403);
}
