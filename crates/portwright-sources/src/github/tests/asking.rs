//! How the API is asked: rates, tags, pages; and what is offered.

use std::time::Duration;

use portwright_core::testing::Contract;
use portwright_core::{Health, RefusalKind};
use serde_json::{Value, json};

use super::backend::Backend;
use super::{TOKEN, call, data, decode, refused, source};

#[tokio::test]
async fn it_keeps_the_contract_of_a_source() {
    let backend = Backend::start().await;
    backend.ok("/repos/acme/site/branches", &json!([{"name": "main"}]));
    let source = source(&backend, json!({"access": "read-only"})).await;
    let works = json!({"owner": "acme", "repo": "site"}).as_object().cloned().unwrap();
    let broken = Contract::of(source).works("list_branches", works).check().await;
    assert!(broken.is_empty(), "{broken:?}");
}

/// The official server's list has 61,718 bytes for 85 tools (726 each), and 37,133 for the 51 that only read.
#[tokio::test]
async fn the_list_is_short() {
    let size = async |keys: Value| {
        let backend = Backend::start().await;
        let tools = source(&backend, keys).await.tools();
        (tools.len(), serde_json::to_string(&tools).unwrap().len())
    };
    let (all, bytes) = size(json!({})).await;
    assert_eq!(all, 50);
    assert!(bytes < 37_700, "{bytes} bytes");
    let table = json!({"token": "t"});
    let tools = decode(&table).unwrap().connect().await.unwrap().tools();
    let bytes = serde_json::to_string(&tools).unwrap().len();
    assert!(tools.iter().all(|tool| tool.annotations.as_ref().unwrap().read_only_hint == Some(true)));
    assert_eq!(tools.len(), 21);
    assert!(bytes < 15_700, "{bytes} bytes");
}

#[tokio::test]
async fn what_writes_is_not_offered_where_the_plan_only_reads() {
    let backend = Backend::start().await;
    let source = source(&backend, json!({"access": "read-only"})).await;
    for tool in
        ["issue_write", "create_or_update_file", "merge_pull_request", "delete_branch", "label_write", "create_gist"]
    {
        assert_eq!(call(&source, tool, json!({})).await.expect_err(tool).kind(), RefusalKind::NotFound, "{tool}");
    }
    assert!(!source.aliases().iter().any(|alias| alias.name == "create_issue"));
}

#[tokio::test]
async fn what_did_not_change_does_not_come_again() {
    let backend = Backend::start().await;
    let body = json!([{"name": "main"}]).to_string();
    backend.answer_with("/repos/acme/site/branches", "200 OK", "etag: \"one\"\r\n", &body);
    backend.answer_with("/repos/acme/site/branches", "304 Not Modified", "", "");
    let source = source(&backend, json!({})).await;
    for _ in 0..2 {
        assert_eq!(data(&source, "list_branches", json!({})).await["items"][0]["name"], "main");
    }
    assert!(backend.asked()[1].to_lowercase().contains("if-none-match: \"one\""));
}

#[tokio::test]
async fn pages_go_on_where_github_says_so() {
    let backend = Backend::start().await;
    let link = "link: <https://api.github.com/x?per_page=2&page=3>; rel=\"next\", <https://api.github.com/x?page=9>; rel=\"last\"\r\n";
    backend.answer_with("/repos/acme/site/commits", "200 OK", link, "[]");
    let source = source(&backend, json!({})).await;
    let page =
        data(&source, "list_commits", json!({"page": 2, "perPage": 2, "sha": "main", "since": "2026-01-01T00:00:00Z"}))
            .await;
    assert_eq!(page["next"], 3);
    assert_eq!(
        backend.lines(),
        ["GET /repos/acme/site/commits?sha=main&since=2026-01-01T00%3A00%3A00Z&page=2&per_page=2"]
    );
}

#[tokio::test]
async fn pauses_are_kept_and_a_used_up_hour_is_told() {
    let backend = Backend::start().await;
    let limited = json!({"message": "You have exceeded a secondary rate limit"}).to_string();
    backend.answer_with("/repos/acme/site/branches", "403 Forbidden", "retry-after: 0\r\n", &limited);
    backend.ok("/repos/acme/site/branches", &json!([{"name": "main"}]));
    let hub = source(&backend, json!({})).await;
    assert_eq!(data(&hub, "list_branches", json!({})).await["items"][0]["name"], "main");
    let long = Backend::start().await;
    let twice = Backend::start().await;
    twice.answer_with("/repos/acme/site/branches", "403 Forbidden", "retry-after: 0\r\n", &limited);
    let hub = source(&twice, json!({})).await;
    assert_eq!(refused(&hub, "list_branches", json!({})).await.kind(), RefusalKind::Limited);
    assert_eq!(twice.asked().len(), 2);
    long.answer_with("/repos/acme/site/branches", "429 Too Many Requests", "retry-after: 600\r\n", &limited);
    let hub = source(&long, json!({})).await;
    let refusal = refused(&hub, "list_branches", json!({})).await;
    assert_eq!((refusal.kind(), refusal.wait()), (RefusalKind::Limited, Some(Duration::from_mins(10))));
    let empty = Backend::start().await;
    empty.answer_with("/repos/acme", "200 OK", "x-ratelimit-remaining: 0\r\nx-ratelimit-reset: 99999999999\r\n", "[]");
    empty.ok("/repos/other", &json!([]));
    let hub = source(&empty, json!({"tokens": {"other": "ghp_other"}})).await;
    data(&hub, "list_branches", json!({})).await;
    assert!(refused(&hub, "list_branches", json!({})).await.public().contains("used up"));
    assert_eq!(empty.asked().len(), 1);
    // Another token has a rate of its own.
    data(&hub, "list_branches", json!({"owner": "other"})).await;
}

#[tokio::test]
async fn refusals_say_what_can_be_done_about_them() {
    let backend = Backend::start().await;
    let source = source(&backend, json!({})).await;
    for (status, body, kind, words) in [
        (
            "401 Unauthorized",
            json!({"message": "Bad credentials"}),
            RefusalKind::Unavailable,
            "refuses this server's token",
        ),
        (
            "403 Forbidden",
            json!({"message": "Resource not accessible by integration"}),
            RefusalKind::Failed,
            "not accessible",
        ),
        ("404 Not Found", json!({}), RefusalKind::Failed, "may not see it"),
        (
            "422 Unprocessable",
            json!({"message": "Validation Failed", "errors": [{"field": "title", "code": "missing_field"}]}),
            RefusalKind::Failed,
            "title missing_field",
        ),
        ("500 Oh", json!({}), RefusalKind::Unavailable, "trouble of its own"),
        ("301 Moved", json!({}), RefusalKind::Failed, "moved"),
    ] {
        let backend = Backend::start().await;
        backend.answer_with("/", status, "", &body.to_string());
        let source = super::source(&backend, json!({})).await;
        let refusal = refused(&source, "list_branches", json!({})).await;
        assert_eq!(refusal.kind(), kind, "{status}: {refusal}");
        assert!(refusal.public().contains(words), "{refusal}");
    }
    assert_eq!(source.health().await, Health::Ready);
}

#[tokio::test]
async fn a_token_that_may_do_too_much_is_told() {
    let backend = Backend::start().await;
    backend.answer_with("/rate_limit", "200 OK", "x-oauth-scopes: repo, read:org, admin:org\r\n", "{}");
    let found = source(&backend, json!({"access": "read-only"})).await.inspect().await;
    assert!(found[0].message.contains("reading needs: repo, admin:org"), "{found:?}");
    let found = source(&backend, json!({})).await.inspect().await;
    assert!(found[0].message.contains("may not write gists"), "{found:?}");
    assert!(found[1].message.contains("this source needs: admin:org"), "{found:?}");
    backend.answer_with("/rate_limit", "200 OK", "x-oauth-scopes: read:org\r\n", "{}");
    let narrow = source(&backend, json!({"toolsets": ["issues"]})).await;
    narrow.inspect().await;
    let found = narrow.inspect().await;
    assert!(found.len() == 1 && found[0].message.contains("may only read"), "{found:?}");
    let bad = Backend::start().await;
    bad.answer_with("/rate_limit", "401 Unauthorized", "", "{}");
    let source = source(&bad, json!({})).await;
    let found = source.inspect().await;
    assert_eq!(found[0].place.to_string(), "/sources/hub/token");
    assert!(matches!(source.health().await, Health::Degraded(_)));
    assert!(!format!("{found:?}").contains(TOKEN));
    // Nothing is listening there any more.
    let gone = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let keys = json!({"api_url": format!("http://{gone}"), "tokens": {"acme": "ghp_own"}});
    let found = super::source(&bad, keys).await.inspect().await;
    let told: Vec<_> = found.iter().map(|one| format!("{} {}", one.place, one.rule)).collect();
    assert_eq!(told, ["/sources/hub/token unreachable", "/sources/hub/tokens/acme unreachable"]);
}
