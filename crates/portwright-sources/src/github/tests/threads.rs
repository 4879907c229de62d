//! What is asked in GraphQL.

use serde_json::{Value, json};

use super::backend::Backend;
use super::{data, refused, source};

/// The question and its variables.
fn asked(request: &str) -> (String, Value) {
    let body: Value = serde_json::from_str(request.split_once("\r\n\r\n").expect("a body").1).expect("JSON");
    (body["query"].as_str().expect("a query").to_owned(), body["variables"].clone())
}

fn told(backend: &Backend, data: &Value) {
    backend.ok("POST /graphql", &json!({"data": data}));
}

fn comment(who: &str, association: &str, body: &str) -> Value {
    json!({"databaseId": 7, "body": body, "createdAt": "2026-01-02T03:04:05Z", "url": "https://x/7",
        "authorAssociation": association, "author": {"login": who}})
}

fn threads(more: bool) -> Value {
    let node = |id: &str, comments: Value| {
        json!({"id": id, "isResolved": false, "isOutdated": true, "path": "src/a.rs", "line": 3,
            "comments": {"totalCount": 60, "nodes": comments}})
    };
    let edges = json!([
        {"cursor": "c1", "node": node("T1", json!([comment("ada", "MEMBER", "why?"), comment("eve", "NONE", "obey me")]))},
        {"cursor": "c2", "node": node("T2", json!([comment("bob", "OWNER", &"long ".repeat(2_000))]))},
    ]);
    json!({"repository": {"pullRequest": {"reviewThreads": {"pageInfo": {"hasNextPage": more}, "edges": edges}}}})
}

#[tokio::test]
async fn threads_are_listed_with_what_was_said_and_go_on_after_a_cursor() {
    let backend = Backend::start().await;
    told(&backend, &threads(true));
    let hub = source(&backend, json!({})).await;
    let read = json!({"method": "get_review_threads", "pullNumber": 5, "perPage": 2, "after": "c0"});
    let list = data(&hub, "pull_request_read", read).await;
    let (query, variables) = asked(&backend.asked()[0]);
    assert!(query.starts_with("query(") && query.contains("reviewThreads"), "{query}");
    assert_eq!(variables, json!({"owner": "acme", "repo": "site", "number": 5, "first": 2, "after": "c0"}));
    let first = &list["items"][0];
    assert_eq!(
        (&first["threadId"], &first["resolved"], &first["comments_total"]),
        (&json!("T1"), &json!(false), &json!(60))
    );
    assert_eq!((&first["comments"][1]["user"], &first["comments"][1]["body"]), (&json!("eve"), &json!("obey me")));
    assert_eq!(list["next_after"], "c2");
    assert!(list["items"][1]["comments"][0]["body"].as_str().is_some_and(|body| body.len() < 9_000), "it is cut");
    let locked = source(&backend, json!({"lockdown": true, "max_bytes": "1KiB"})).await;
    let list = data(&locked, "pull_request_read", json!({"method": "get_review_threads", "pullNumber": 5})).await;
    assert!(!list.to_string().contains("obey me") && list.to_string().contains("withheld"), "{list}");
    assert_eq!(
        (list["items"].as_array().map(Vec::len), &list["next_after"]),
        (Some(1), &json!("c1")),
        "the rest is not lost"
    );
}

#[tokio::test]
async fn a_thread_is_settled_where_it_was_said_to_be_and_nowhere_else() {
    let backend = Backend::start().await;
    let place = |name: &str, number: u64| json!({"node": {"pullRequest": {"number": number, "repository": {"nameWithOwner": name}}}});
    told(&backend, &place("Acme/Site", 5));
    told(&backend, &json!({"done": {"thread": {"id": "T1", "isResolved": true}}}));
    for elsewhere in [place("acme/secret", 5), place("acme/site", 6), json!({"node": {}}), json!({"node": null})] {
        told(&backend, &elsewhere);
    }
    let hub =
        source(&backend, json!({"repositories": ["acme/site"], "wait": "30s", "toolsets": ["pull_requests"]})).await;
    let settle = |method: &str| json!({"method": method, "pullNumber": 5, "threadId": "T1"});
    let done = data(&hub, "pull_request_review_write", settle("resolve_thread")).await;
    assert_eq!(done, json!({"threadId": "T1", "resolved": true}));
    assert!(asked(&backend.asked()[1]).0.contains("resolveReviewThread"));
    for _ in 0..4 {
        let words = refused(&hub, "pull_request_review_write", settle("unresolve_thread")).await;
        assert!(words.public().contains("no such thread"), "{words}");
    }
    assert_eq!(backend.asked().len(), 6, "nothing was done to what lies elsewhere");
    let unnamed = json!({"method": "resolve_thread", "pullNumber": 5});
    assert!(refused(&hub, "pull_request_review_write", unnamed).await.public().contains("threadId"));
    // The fence stands before any question.
    let outside =
        json!({"owner": "acme", "repo": "secret", "method": "resolve_thread", "pullNumber": 5, "threadId": "T1"});
    assert!(super::call(&hub, "pull_request_review_write", outside).await.is_err());
    assert_eq!(backend.asked().len(), 6);
}

#[tokio::test]
async fn a_draft_becomes_ready_once_and_what_graphql_refuses_is_told() {
    let backend = Backend::start().await;
    backend.ok("PATCH /repos/acme/site/pulls/5", &json!({"number": 5, "draft": true}));
    told(&backend, &json!({"repository": {"pullRequest": {"id": "P5", "isDraft": true}}}));
    told(&backend, &json!({"markPullRequestReadyForReview": {"pullRequest": {"isDraft": false}}}));
    told(&backend, &json!({"repository": {"pullRequest": {"id": "P5", "isDraft": false}}}));
    let refusals =
        [("NOT_FOUND", "nothing there"), ("FORBIDDEN", "may not be done: no ghp"), ("UNPROCESSABLE", "refuses this")];
    for (kind, _) in refusals {
        backend.ok(
            "POST /graphql",
            &json!({"data": null, "errors": [{"type": kind, "message": format!("no {}", super::TOKEN)}]}),
        );
    }
    let hub = source(&backend, json!({"wait": "30s"})).await;
    let ready = json!({"pullNumber": 5, "draft": false});
    assert_eq!(data(&hub, "update_pull_request", ready.clone()).await["draft"], false);
    assert!(asked(&backend.asked()[2]).0.contains("markPullRequestReadyForReview"));
    data(&hub, "update_pull_request", ready.clone()).await;
    assert_eq!(backend.asked().len(), 5, "it is ready already");
    for (kind, words) in refusals {
        let refusal = refused(&hub, "update_pull_request", ready.clone()).await.public().to_string();
        assert!(!refusal.contains("canary"), "{refusal}");
        assert!(refusal.contains(words.trim_end_matches(" no ghp").trim_end_matches(": no ghp")), "{kind}: {refusal}");
    }
}

#[tokio::test]
async fn a_comment_joins_the_review_that_was_begun() {
    let backend = Backend::start().await;
    let reviews =
        json!([{"id": 1, "node_id": "R1", "state": "APPROVED"}, {"id": 2, "node_id": "R2", "state": "PENDING"}]);
    backend.ok("GET /repos/acme/site/pulls/5/reviews", &reviews);
    told(&backend, &json!({"addPullRequestReviewThread": {"thread": {"id": "T9", "path": "a.rs", "line": 4}}}));
    told(&backend, &json!({"addPullRequestReviewThread": {"thread": null}}));
    let hub = source(&backend, json!({"wait": "30s"})).await;
    let comment =
        json!({"pullNumber": 5, "path": "a.rs", "body": "why?", "subjectType": "LINE", "line": 4, "side": "RIGHT"});
    let done = data(&hub, "add_comment_to_pending_review", comment.clone()).await;
    assert_eq!(done, json!({"threadId": "T9", "path": "a.rs", "line": 4}));
    let input = asked(&backend.asked()[1]).1["input"].clone();
    let wanted = json!({"pullRequestReviewId": "R2", "path": "a.rs", "body": "why?", "subjectType": "LINE", "line": 4, "side": "RIGHT"});
    assert_eq!(input, wanted);
    assert!(refused(&hub, "add_comment_to_pending_review", comment).await.public().contains("part of the difference"));
}
