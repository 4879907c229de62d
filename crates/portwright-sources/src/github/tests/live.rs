//! Against a GitHub that keeps what is written to it, which `tests/github/up.sh` starts anew: `PORTWRIGHT_GITHUB` is
//! its address.

use std::sync::Arc;

use portwright_core::{RefusalKind, Source};
use serde_json::{Value, json};

use super::{call, context, decode};

const TOKEN: &str = "canary_token_ada";

/// A source on it; none where there is none.
async fn hub(keys: Value) -> Option<Arc<dyn Source>> {
    let Ok(url) = std::env::var("PORTWRIGHT_GITHUB") else {
        use std::io::Write as _;
        let words = "skipped: PORTWRIGHT_GITHUB names no address (see tests/github/up.sh)";
        let _ = writeln!(std::io::stderr(), "{words}");
        return None;
    };
    let mut table = json!({"token": TOKEN, "api_url": url, "access": "read-write", "toolsets": ["all"]});
    table.as_object_mut().unwrap().extend(keys.as_object().cloned().unwrap());
    Some(decode(&table).expect("a plan").connect().await.expect("a source"))
}

/// What a tool says of `ada/site`, or no.
async fn tried(hub: &Arc<dyn Source>, tool: &str, more: &Value) -> Result<Value, (RefusalKind, String)> {
    let mut arguments = json!({"owner": "ada", "repo": "site"});
    arguments.as_object_mut().unwrap().extend(more.as_object().cloned().unwrap());
    let answer = call(hub, tool, arguments).await;
    let answer = answer.map_err(|refusal| (refusal.kind(), refusal.public().to_owned()))?;
    Ok(answer.structured_content.expect("data"))
}

async fn done(hub: &Arc<dyn Source>, tool: &str, more: Value) -> Value {
    tried(hub, tool, &more).await.unwrap_or_else(|refusal| panic!("{tool} {more}: {refusal:?}"))
}

async fn refused(hub: &Arc<dyn Source>, tool: &str, more: Value) -> String {
    tried(hub, tool, &more).await.expect_err(tool).1
}

#[tokio::test]
async fn a_change_goes_from_branch_to_merge() {
    let Some(hub) = hub(json!({"wait": "60s"})).await else { return };
    assert_eq!(done(&hub, "get_me", json!({})).await["login"], "ada");
    done(&hub, "create_branch", json!({"branch": "feature/one"})).await;
    let files = json!([{"path": "src/a.txt", "content": "first line\nGrüße\n"}, {"path": "b.txt", "content": "b"}]);
    let pushed =
        done(&hub, "push_files", json!({"branch": "feature/one", "message": "two files", "files": files})).await;
    let sha = pushed["sha"].as_str().unwrap();
    let commit = done(&hub, "get_commit", json!({"sha": sha})).await;
    assert_eq!((&commit["sha"], &commit["message"]), (&json!(sha), &json!("two files")));
    let file = json!({"path": "src/a.txt", "ref": "feature/one"});
    let read = done(&hub, "get_file_contents", file.clone()).await;
    assert_eq!(read["content"], "first line\nGrüße\n");
    assert!(refused(&hub, "get_file_contents", json!({"path": "src/a.txt"})).await.contains("nothing there"));
    let tree = done(&hub, "get_repository_tree", json!({"tree_sha": "feature/one", "recursive": true})).await;
    assert!(tree["paths"].as_array().unwrap().contains(&json!("src/a.txt")), "{tree}");
    let whole = done(&hub, "get_repository_tree", json!({})).await;
    assert!(!whole["paths"].as_array().unwrap().contains(&json!("src/")), "{whole}");
    let put = json!({"path": "b.txt", "content": "c", "message": "m", "branch": "feature/one"});
    assert!(refused(&hub, "create_or_update_file", put.clone()).await.contains("give its sha"));
    let mut with = put;
    with["sha"] = done(&hub, "get_file_contents", json!({"path": "b.txt", "ref": "feature/one"})).await["sha"].clone();
    done(&hub, "create_or_update_file", with).await;
    done(&hub, "delete_file", json!({"path": "b.txt", "message": "gone", "branch": "feature/one"})).await;
    let log = done(&hub, "list_commits", json!({"sha": "feature/one", "perPage": 2})).await;
    assert_eq!((log["items"].as_array().unwrap().len(), &log["next"]), (2, &json!(2)));
    let opened = json!({"title": "One", "head": "feature/one", "base": "main", "body": "Please"});
    let number = done(&hub, "create_pull_request", opened).await["number"].clone();
    let read =
        async |method: &str| done(&hub, "pull_request_read", json!({"method": method, "pullNumber": number})).await;
    assert_eq!((&read("get").await["head"], &read("get").await["base"]), (&json!("ada:feature/one"), &json!("main")));
    assert!(read("get_commits").await["items"].as_array().unwrap().len() >= 3);
    assert!(read("get_files").await["items"].is_array() && read("get_status").await["checks"].is_array());
    let review = json!({"method": "create", "pullNumber": number, "event": "COMMENT", "body": "Fine."});
    done(&hub, "pull_request_review_write", review).await;
    assert_eq!(read("get_reviews").await["items"][0]["body"], "Fine.");
    done(&hub, "merge_pull_request", json!({"pullNumber": number, "merge_method": "squash"})).await;
    assert_eq!(read("get").await["merged"], true);
    assert_eq!(done(&hub, "get_file_contents", json!({"path": "src/a.txt"})).await["content"], "first line\nGrüße\n");
    assert!(refused(&hub, "delete_branch", json!({"branch": "main"})).await.contains("default branch"));
    assert_eq!(done(&hub, "delete_branch", json!({"branch": "feature/one"})).await["deleted"], "feature/one");
    let uri = "repo://ada/site/contents/src/a.txt";
    assert!(hub.read(uri, &context()).await.is_ok());
}

#[tokio::test]
async fn issues_and_releases_are_written_and_found() {
    let Some(hub) = hub(json!({"wait": "60s"})).await else { return };
    let made = json!({"method": "create", "title": "It crashes", "body": "On Tuesdays", "labels": ["bug"]});
    let number = done(&hub, "issue_write", made).await["number"].clone();
    done(&hub, "add_issue_comment", json!({"issue_number": number, "body": "Here too"})).await;
    let read = async |method: &str| done(&hub, "issue_read", json!({"method": method, "issue_number": number})).await;
    let issue = read("get").await;
    assert_eq!(
        (&issue["title"], &issue["user"], &issue["state"]),
        (&json!("It crashes"), &json!("ada"), &json!("open"))
    );
    assert_eq!(read("get_comments").await["items"][0]["body"], "Here too");
    assert_eq!(read("get_labels").await["items"][0]["name"], "bug");
    let found = done(&hub, "search_issues", json!({"query": "crashes"})).await;
    assert_eq!(found["items"][0]["number"], number, "{found}");
    let close = json!({"method": "update", "issue_number": number, "state": "closed", "state_reason": "completed"});
    assert_eq!(done(&hub, "issue_write", close).await["state"], "closed");
    let listed = done(&hub, "list_issues", json!({"state": "closed", "fields": ["number", "title"]})).await;
    assert_eq!(listed["items"][0], json!({"number": number, "title": "It crashes"}));
    done(&hub, "label_write", json!({"method": "create", "name": "later", "color": "ededed"})).await;
    assert_eq!(done(&hub, "get_label", json!({"name": "later"})).await["color"], "ededed");
    done(&hub, "create_release", json!({"tag_name": "v1.0.0", "name": "One", "body": "The first"})).await;
    assert_eq!(done(&hub, "get_latest_release", json!({})).await["tag_name"], "v1.0.0");
    assert_eq!(done(&hub, "get_release_by_tag", json!({"tag": "v1.0.0"})).await["body"], "The first");
    let repository = json!({"name": "notes", "autoInit": true});
    assert_eq!(done(&hub, "create_repository", repository).await["private"], true);
    assert_eq!(done(&hub, "search_repositories", json!({"query": "site"})).await["items"][0]["full_name"], "ada/site");
}

#[tokio::test]
async fn nothing_leads_out_of_the_fence() {
    let keys = json!({"repositories": ["ada/site"], "toolsets": ["context", "repos", "issues", "pull_requests"]});
    let Some(hub) = hub(keys).await else { return };
    let out = "../../../../repos/acme/secret/contents/pwn.txt";
    for (tool, more) in [
        ("get_file_contents", json!({"path": "../../../../user"})),
        ("create_or_update_file", json!({"path": out, "content": "x", "message": "m", "branch": "main"})),
        ("get_file_contents", json!({"owner": "acme", "repo": "secret", "path": "README.md"})),
        ("get_file_contents", json!({"owner": "acme", "repo": "nothing", "path": "README.md"})),
        ("search_code", json!({"query": "secret repo:acme/secret"})),
        ("create_repository", json!({"name": "leak", "organization": "acme"})),
    ] {
        let words = refused(&hub, tool, more).await;
        assert!(!words.contains("Not for everybody") && !words.contains(TOKEN), "{words}");
    }
    let found = done(&hub, "search_repositories", json!({"query": "e"})).await;
    assert!(!found.to_string().contains("secret"), "{found}");
    let unfenced = self::hub(json!({})).await.expect("a source");
    let there = json!({"owner": "acme", "repo": "secret", "path": "pwn.txt"});
    assert!(refused(&unfenced, "get_file_contents", there).await.contains("nothing there"));
}
