//! What is made of answers.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::json;

use super::backend::Backend;
use super::{context, data, refused, source};

#[tokio::test]
async fn files_and_folders_are_read() {
    let backend = Backend::start().await;
    let file = |bytes: &[u8]| json!({"type": "file", "sha": "s1", "size": bytes.len(), "content": STANDARD.encode(bytes) + "\n"});
    backend.ok("/repos/acme/site/contents/a.md", &file("Grüße\n".as_bytes()));
    backend.ok("/repos/acme/site/contents/b.bin", &file(&[0xff, 0xfe, 0]));
    backend.ok("/repos/acme/site/contents/long.md", &file("x".repeat(5000).as_bytes()));
    backend.ok("/repos/acme/site/contents/big.md", &json!({"type": "file", "sha": "s2", "size": 4, "content": ""}));
    backend.ok("/repos/acme/site/git/blobs/s2", &json!({"content": STANDARD.encode("blob")}));
    backend
        .ok("/repos/acme/site/contents/huge", &json!({"type": "file", "sha": "s3", "size": 99_999_999, "content": ""}));
    backend.ok("/repos/acme/site/contents", &json!([{"type": "dir", "name": "src", "path": "src", "url": "https://x"}, {"type": "file", "name": "a.md", "path": "a.md", "size": 7}]));
    let source = source(&backend, json!({"max_bytes": "4KiB"})).await;
    let read = data(&source, "get_file_contents", json!({"path": "a.md", "ref": "main"})).await;
    assert_eq!((&read["content"], &read["sha"], &read["type"]), (&json!("Grüße\n"), &json!("s1"), &json!("file")));
    let top = data(&source, "get_file_contents", json!({})).await;
    assert_eq!(
        top["entries"],
        json!([{"type": "dir", "name": "src", "path": "src"}, {"type": "file", "name": "a.md", "path": "a.md", "size": 7}])
    );
    assert!(data(&source, "get_file_contents", json!({"path": "b.bin"})).await.get("content").is_none());
    assert_eq!(data(&source, "get_file_contents", json!({"path": "big.md"})).await["content"], "blob");
    assert_eq!(data(&source, "get_file_contents", json!({"path": "long.md"})).await["truncated"], true);
    assert!(refused(&source, "get_file_contents", json!({"path": "huge"})).await.public().contains("at most"));
    let resource = source.read("repo://acme/site/refs/heads/main/contents/a.md", &context()).await.expect("a text");
    assert_eq!(serde_json::to_value(&resource.contents[0]).unwrap()["text"], "Grüße\n");
}

#[tokio::test]
async fn issues_are_no_pull_requests_and_come_with_what_matters() {
    let backend = Backend::start().await;
    let issue = json!({
        "number": 1, "title": "T", "state": "open", "user": {"login": "ada", "id": 7}, "labels": [{"name": "bug", "color": "f00"}],
        "assignees": [], "body": "x".repeat(9000), "url": "https://x", "node_id": "N", "milestone": null,
    });
    backend.ok("/repos/acme/site/issues?", &json!([issue, {"number": 2, "pull_request": {}}]));
    backend.ok("/repos/acme/site/issues/1/comments", &json!([{"id": 5, "user": {"login": "bo"}, "body": "hi"}]));
    backend.ok("/repos/acme/site/issues/1", &issue);
    let source = source(&backend, json!({})).await;
    let listed = data(&source, "list_issues", json!({"labels": ["bug", "a b"], "state": "all"})).await;
    let items = listed["items"].as_array().unwrap();
    assert_eq!((items.len(), &items[0]["user"], &items[0]["labels"]), (1, &json!("ada"), &json!(["bug"])));
    assert!(items[0]["body"].as_str().unwrap().len() < 4200 && items[0].get("node_id").is_none());
    assert_eq!(backend.lines()[0], "GET /repos/acme/site/issues?state=all&labels=bug%2Ca%20b&per_page=30");
    let whole = data(&source, "issue_read", json!({"method": "get", "issue_number": 1})).await;
    assert_eq!(whole["body"].as_str().unwrap().len(), 9000);
    let comments = data(&source, "issue_read", json!({"method": "get_comments", "issue_number": 1})).await;
    assert_eq!(comments["items"][0], json!({"id": 5, "user": "bo", "body": "hi"}));
    let few = data(&source, "list_issues", json!({"fields": ["number", "node_id"]})).await;
    assert_eq!(few["items"][0], json!({"number": 1, "node_id": "N"}));
}

#[tokio::test]
async fn a_commit_tells_who_and_when() {
    let backend = Backend::start().await;
    let commit = json!({
        "sha": "c1", "commit": {"message": "m", "author": {"name": "Ada", "date": "2026-01-01T00:00:00Z"}}, "author": {"login": "ada"},
        "files": [{"filename": "a.rs", "additions": 1, "patch": "@@"}],
    });
    backend.ok("/repos/acme/site/commits/c1", &commit);
    let source = source(&backend, json!({})).await;
    let read = data(&source, "get_commit", json!({"sha": "c1"})).await;
    assert_eq!(
        (&read["author"]["date"], &read["login"], &read["message"]),
        (&json!("2026-01-01T00:00:00Z"), &json!("ada"), &json!("m"))
    );
    assert_eq!(read["files"], json!([{"filename": "a.rs", "additions": 1}]));
    let full = data(&source, "get_commit", json!({"sha": "c1", "detail": "full_patch"})).await;
    assert_eq!(full["files"][0]["patch"], "@@");
}

#[tokio::test]
async fn a_pull_request_is_read_from_all_sides() {
    let backend = Backend::start().await;
    backend.ok(
        "/repos/acme/site/pulls/3/files",
        &json!([{"filename": "a.rs", "status": "modified", "patch": "@@", "blob_url": "https://x"}]),
    );
    backend.ok(
        "/repos/acme/site/commits/abc/status",
        &json!({"state": "success", "statuses": [{"context": "ci", "state": "success", "id": 1}]}),
    );
    backend.ok(
        "/repos/acme/site/commits/abc/check-runs",
        &json!({"check_runs": [{"name": "test", "status": "completed", "conclusion": "success"}]}),
    );
    backend.answer_with("GET /repos/acme/site/pulls/3 ", "200 OK", "", "diff --git a b\n+x\n");
    let source = source(&backend, json!({})).await;
    let read =
        async |method: &str| data(&source, "pull_request_read", json!({"method": method, "pullNumber": 3})).await;
    assert_eq!(read("get_files").await["items"][0], json!({"filename": "a.rs", "status": "modified", "patch": "@@"}));
    assert_eq!(read("get_diff").await["diff"], "diff --git a b\n+x\n");
    assert!(backend.asked()[1].contains("application/vnd.github.diff"));
    let with_head = Backend::start().await;
    with_head.ok("/repos/acme/site/pulls/3", &json!({"number": 3, "head": {"sha": "abc", "label": "acme:x"}, "base": {"ref": "main"}, "mergeable_state": "clean"}));
    with_head.ok(
        "/repos/acme/site/commits/abc/status",
        &json!({"state": "success", "statuses": [{"context": "ci", "state": "success", "id": 1}]}),
    );
    with_head.ok(
        "/repos/acme/site/commits/abc/check-runs",
        &json!({"check_runs": [{"name": "test", "conclusion": "success"}]}),
    );
    let source = super::source(&with_head, json!({})).await;
    let status = data(&source, "pull_request_read", json!({"method": "get_status", "pullNumber": 3})).await;
    assert_eq!(status["checks"], json!([{"name": "test", "conclusion": "success"}]));
    let about = data(&source, "pull_request_read", json!({"method": "get", "pullNumber": 3})).await;
    assert_eq!((&about["head"], &about["base"]), (&json!("acme:x"), &json!("main")));
}

#[tokio::test]
async fn logs_are_fetched_without_the_token_and_cut_at_their_end() {
    let backend = Backend::start().await;
    let far = format!("location: {}/log/7\r\n", backend.url);
    backend.ok(
        "/repos/acme/site/actions/runs/5/jobs",
        &json!({"jobs": [{"id": 7, "name": "test", "conclusion": "failure"}, {"id": 8, "conclusion": "success"}]}),
    );
    backend.answer_with("/repos/acme/site/actions/jobs/7/logs", "302 Found", &far, "");
    backend.answer_with("/log/7", "200 OK", "", "one\ntwo\nthree\n");
    let source = source(&backend, json!({})).await;
    let logs = data(&source, "get_job_logs", json!({"run_id": 5, "tail_lines": 2})).await;
    assert_eq!(logs["logs"], json!([{"job_id": 7, "name": "test", "log": "two\nthree\n"}]));
    assert!(!backend.asked()[2].to_lowercase().contains("authorization"), "the token went elsewhere");
    // An address inside that a stranger wrote is not asked.
    let evil = Backend::start().await;
    evil.answer_with(
        "/repos/acme/site/actions/jobs/7/logs",
        "302 Found",
        "location: http://169.254.169.254/latest\r\n",
        "",
    );
    let source = super::source(&evil, json!({})).await;
    assert!(refused(&source, "get_job_logs", json!({"job_id": 7})).await.public().contains("can't be fetched"));
}
