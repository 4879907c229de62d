//! What is sent.

use serde_json::{Value, json};

use super::backend::Backend;
use super::{data, refused, source};

/// The body of a request.
fn body(request: &str) -> Value {
    serde_json::from_str(request.split_once("\r\n\r\n").unwrap().1).unwrap()
}

#[tokio::test]
async fn several_files_are_one_commit_and_nobodys_is_lost() {
    let backend = Backend::start().await;
    backend.ok("GET /repos/acme/site/git/ref/heads/main", &json!({"object": {"sha": "c0"}}));
    backend.ok("GET /repos/acme/site/git/commits/c0", &json!({"tree": {"sha": "t0"}}));
    backend.ok("POST /repos/acme/site/git/trees", &json!({"sha": "t1"}));
    backend.ok("POST /repos/acme/site/git/commits", &json!({"sha": "c1", "message": "m"}));
    backend.ok("PATCH /repos/acme/site/git/refs/heads/main", &json!({}));
    let hub = source(&backend, json!({})).await;
    let files = json!([{"path": "a/b.txt", "content": "1"}, {"path": "c.txt", "content": "2"}]);
    let push = json!({"branch": "main", "message": "m", "files": files});
    assert_eq!(data(&hub, "push_files", push.clone()).await["sha"], "c1");
    let asked = backend.asked();
    assert_eq!(
        body(&asked[2])["tree"][0],
        json!({"path": "a/b.txt", "mode": "100644", "type": "blob", "content": "1"})
    );
    assert_eq!(body(&asked[3])["parents"], json!(["c0"]));
    assert_eq!(body(&asked[4]), json!({"sha": "c1", "force": false}));
}

#[tokio::test]
async fn an_issue_is_made_and_changed() {
    let backend = Backend::start().await;
    backend.ok("/repos/acme/site/issues", &json!({"number": 4, "title": "T", "html_url": "https://x/4"}));
    let hub = source(&backend, json!({})).await;
    assert_eq!(
        data(&hub, "issue_write", json!({"method": "create", "title": "T", "labels": ["bug"]})).await["number"],
        4
    );
    let close = json!({"method": "update", "issue_number": 4, "state": "closed", "state_reason": "not_planned"});
    data(&hub, "issue_write", close).await;
    let asked = backend.asked();
    assert!(
        asked[0].starts_with("POST /repos/acme/site/issues ")
            && asked[1].starts_with("PATCH /repos/acme/site/issues/4 ")
    );
    assert_eq!(body(&asked[0]), json!({"title": "T", "labels": ["bug"]}));
    assert_eq!(body(&asked[1]), json!({"state": "closed", "state_reason": "not_planned"}));
    assert!(refused(&hub, "issue_write", json!({"method": "create"})).await.public().contains("title"));
    assert!(refused(&hub, "issue_write", json!({"method": "update"})).await.public().contains("issue_number"));
}

#[tokio::test]
async fn older_names_become_ours() {
    let backend = Backend::start().await;
    let hub = source(&backend, json!({})).await;
    let aliases = hub.aliases();
    let turned = |name: &str, arguments: Value| {
        let alias = aliases.iter().find(|alias| alias.name == name).unwrap_or_else(|| panic!("{name}"));
        let arguments = Value::from(alias.own_arguments(arguments.as_object().cloned().unwrap()));
        format!("{} {arguments}", alias.tool)
    };
    assert_eq!(turned("create_issue", json!({"title": "T"})), r#"issue_write {"title":"T","method":"create"}"#);
    assert_eq!(
        turned("get_pull_request_files", json!({"pull_number": 3})),
        r#"pull_request_read {"pullNumber":3,"method":"get_files"}"#
    );
    assert_eq!(turned("search_code", json!({"q": "x", "per_page": 5})), r#"search_code {"query":"x","perPage":5}"#);
    assert_eq!(turned("merge_pull_request", json!({"pull_number": 3})), r#"merge_pull_request {"pullNumber":3}"#);
    // All 26 of the older server are ours or become ours.
    let tools = hub.tools();
    for name in [
        "create_or_update_file",
        "search_repositories",
        "create_repository",
        "get_file_contents",
        "push_files",
        "create_issue",
        "create_pull_request",
        "fork_repository",
        "create_branch",
        "list_commits",
        "list_issues",
        "update_issue",
        "add_issue_comment",
        "search_code",
        "search_issues",
        "search_users",
        "get_issue",
        "get_pull_request",
        "list_pull_requests",
        "create_pull_request_review",
        "merge_pull_request",
        "get_pull_request_files",
        "get_pull_request_status",
        "update_pull_request_branch",
        "get_pull_request_comments",
        "get_pull_request_reviews",
    ] {
        let known = tools.iter().any(|tool| tool.name == name) || aliases.iter().any(|alias| alias.name == name);
        assert!(known, "{name}");
    }
}

#[tokio::test]
async fn branches_that_matter_are_not_deleted() {
    let backend = Backend::start().await;
    backend.ok("GET /repos/acme/site/branches/guarded", &json!({"protected": true}));
    backend.ok("GET /repos/acme/site/branches/old", &json!({"protected": false}));
    backend.answer_with("DELETE /repos/acme/site/git/refs/heads/old", "204 No Content", "", "");
    backend.ok("GET /repos/acme/site ", &json!({"default_branch": "trunk"}));
    let hub = source(&backend, json!({})).await;
    assert!(refused(&hub, "delete_branch", json!({"branch": "trunk"})).await.public().contains("default branch"));
    assert!(refused(&hub, "delete_branch", json!({"branch": "guarded"})).await.public().contains("protected"));
    assert_eq!(data(&hub, "delete_branch", json!({"branch": "old"})).await["deleted"], "old");
}

#[tokio::test]
async fn a_file_that_is_there_is_replaced_only_by_its_digest() {
    let backend = Backend::start().await;
    let words = json!({"message": "Invalid request.\n\n\"sha\" wasn't supplied."}).to_string();
    backend.answer_with("PUT /repos/acme/site/contents/a.md", "422 Unprocessable", "", &words);
    let hub = source(&backend, json!({})).await;
    let file = json!({"path": "a.md", "content": "x", "message": "m", "branch": "main"});
    assert!(refused(&hub, "create_or_update_file", file).await.public().contains("give its sha"));
}

#[tokio::test]
async fn reviews_carry_their_comments() {
    let backend = Backend::start().await;
    backend.ok(
        "GET /repos/acme/site/pulls/3/reviews",
        &json!([{"id": 1, "state": "APPROVED"}, {"id": 9, "state": "PENDING"}]),
    );
    backend.ok("POST /repos/acme/site/pulls/3/reviews", &json!({"id": 2, "state": "COMMENTED"}));
    let hub = source(&backend, json!({})).await;
    let comments = json!([{"path": "a.rs", "line": 4, "side": "RIGHT", "body": "why?"}]);
    let review = json!({"method": "create", "pullNumber": 3, "event": "COMMENT", "body": "b", "comments": comments});
    data(&hub, "pull_request_review_write", review).await;
    assert_eq!(
        body(&backend.asked()[0]),
        json!({"body": "b", "event": "COMMENT", "comments": [{"path": "a.rs", "body": "why?", "line": 4, "side": "RIGHT"}]})
    );
    data(&hub, "pull_request_review_write", json!({"method": "submit_pending", "pullNumber": 3, "event": "APPROVE"}))
        .await;
    assert!(backend.lines()[2].starts_with("POST /repos/acme/site/pulls/3/reviews/9/events"), "{:?}", backend.lines());
}
