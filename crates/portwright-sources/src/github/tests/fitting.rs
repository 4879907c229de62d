//! Answers fit their bounds, and nothing is lost between them.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::backend::Backend;
use super::{call, data, refused, source};

fn titles(page: &Value) -> Vec<u64> {
    page["items"].as_array().unwrap().iter().map(|one| one["number"].as_u64().unwrap()).collect()
}

#[tokio::test]
async fn what_does_not_fit_of_a_page_comes_with_the_next() {
    let backend = Backend::start().await;
    let issue = |number: u64| {
        let mut issue = json!({"number": number, "title": "T", "body": "x".repeat(1_000), "user": {"login": "a"}});
        if number.is_multiple_of(3) {
            issue["pull_request"] = json!({});
        }
        issue
    };
    let page = |page: u64, size: u64| -> Value { ((page - 1) * size + 1..=(page * size).min(40)).map(issue).collect() };
    for (at, size) in [(2, 10), (4, 5), (5, 5), (6, 5), (7, 5), (8, 5)] {
        let link = format!("link: <http://x/y?page={}>; rel=\"next\"\r\n", at + 1);
        let link = if at * size < 40 { link.as_str() } else { "" };
        let request = format!("/repos/acme/site/issues?page={at}&per_page={size}");
        backend.answer_with(&request, "200 OK", link, &page(at, size).to_string());
    }
    let hub = source(&backend, json!({"max_bytes": "6KiB"})).await;
    let first = data(&hub, "list_issues", json!({"page": 2, "perPage": 10})).await;
    // Five fit, with two pull requests beside them; the pages that begin there have five.
    assert_eq!((titles(&first), &first["next"], &first["perPage"]), (vec![11, 13, 14], &json!(4), &json!(5)));
    let (mut seen, mut next) = (titles(&first), first["next"].clone());
    while next.is_u64() {
        let page = data(&hub, "list_issues", json!({"page": next, "perPage": 5})).await;
        seen.extend(titles(&page));
        next = page["next"].clone();
    }
    let all: Vec<u64> = (11..=40_u64).filter(|number: &u64| !number.is_multiple_of(3)).collect();
    assert_eq!(seen, all);
}

#[tokio::test]
async fn a_long_file_is_read_to_its_end() {
    let backend = Backend::start().await;
    let whole: String = (0..400).map(|number| format!("line {number}\n")).chain(["e".repeat(3_000)]).collect();
    let file =
        |bytes: &[u8]| json!({"type": "file", "sha": "s", "size": bytes.len(), "content": STANDARD.encode(bytes)});
    backend.ok("/repos/acme/site/contents/long", &file(whole.as_bytes()));
    backend.ok("/repos/acme/site/contents/empty", &file(b""));
    backend.ok("/repos/acme/site/contents/a%20b.bin", &file(&[0xff; 2_000]));
    let hub = source(&backend, json!({"max_bytes": "1KiB"})).await;
    let (mut read, mut next) = (String::new(), json!(1));
    while next.is_u64() {
        let piece = data(&hub, "get_file_contents", json!({"path": "long", "start_line": next})).await;
        assert_eq!(piece["truncated"], true, "the last line is cut too");
        read.push_str(piece["content"].as_str().unwrap());
        next = piece["next_line"].clone();
    }
    let end = format!("{}… [cut]", "e".repeat(1_024));
    assert_eq!(read, whole.replace(&"e".repeat(3_000), &end));
    let refusal = refused(&hub, "get_file_contents", json!({"path": "long", "start_line": 500})).await;
    assert!(refusal.public().contains("401 lines"), "{refusal}");
    assert_eq!(data(&hub, "get_file_contents", json!({"path": "empty"})).await["content"], "");
    // What is no text comes whole or not at all, with the URI by which it can be read.
    let binary = json!({"owner": "acme", "repo": "site", "path": "a b.bin", "ref": "feature/x"});
    let answer = call(&hub, "get_file_contents", binary).await.expect("an answer");
    let text = serde_json::to_string(&answer.content).unwrap();
    assert!(text.contains("repo://acme/site/sha/feature%2Fx/contents/a%20b.bin") && text.len() < 1_000, "{text}");
    let uri = "repo://acme/site/sha/feature%2Fx/contents/a%20b.bin";
    assert!(hub.read(uri, &super::context()).await.is_ok());
    assert!(backend.lines().last().unwrap().ends_with("/contents/a%20b.bin?ref=feature%2Fx"));
    assert!(hub.read("repo://acme/site/refs/pull/3/head/contents/empty", &super::context()).await.is_ok());
    assert!(backend.lines().last().unwrap().ends_with("?ref=refs%2Fpull%2F3%2Fhead"));
}

#[tokio::test]
async fn one_large_thing_is_cut_to_the_bound() {
    let backend = Backend::start().await;
    let files: Value = (0..20).map(|number| (format!("f{number}"), json!({"content": "é".repeat(9_000)}))).collect();
    backend.ok("/gists/1", &json!({"id": "1", "files": files}));
    backend.ok("/repos/acme/site/issues/1", &json!({"number": 1, "body": "b".repeat(60_000)}));
    let folder: Vec<Value> = (0..900)
        .map(|number| json!({"type": "file", "path": format!("dir/{number}"), "sha": "s".repeat(40)}))
        .collect();
    backend.ok("/repos/acme/site/contents/dir", &json!(folder));
    let patch = |number: u32| json!({"filename": format!("{number}.rs"), "patch": "+".repeat(3_000)});
    backend.ok("/repos/acme/site/commits/c", &json!({"sha": "c", "files": (0..30).map(patch).collect::<Vec<_>>()}));
    let hub = source(&backend, json!({"max_bytes": "16KiB"})).await;
    let gist = data(&hub, "get_gist", json!({"gist_id": "1"})).await;
    assert_eq!(gist["files"].as_object().unwrap().len(), 20);
    let commit = data(&hub, "get_commit", json!({"sha": "c", "detail": "full_patch"})).await;
    assert_eq!(
        (commit["files"].as_array().unwrap().len(), &commit["next"], &commit["perPage"]),
        (5, &json!(2), &json!(5))
    );
    let named = json!({"method": "get", "issue_number": 1});
    for answer in [
        gist,
        commit,
        data(&hub, "issue_read", named).await,
        data(&hub, "get_file_contents", json!({"path": "dir"})).await,
    ] {
        let bytes = answer.to_string().len();
        assert!((4_000..17_000).contains(&bytes), "{bytes}");
    }
}
