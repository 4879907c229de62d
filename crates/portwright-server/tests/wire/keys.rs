//! API keys from outside: who shows one is its holder, on every request; who shows a wrong one is nobody.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use futures::SinkExt;
use portwright_server::guard::AuditPlan;
use portwright_server::guard::authenticate::key::Key;
use portwright_server::guard::authenticate::keys::{Entry, KeyFile};
use portwright_server::plan::Anonymous;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio_tungstenite::tungstenite::Message;

use crate::client::{Http, PATIENCE, initialize, modern};
use crate::duplex::{Sse, Ws, dial};
use crate::shelf::Shelf;
use crate::support::{Up, plan, until, up, usual};

struct Keyed {
    folder: TempDir,
    up: Up,
    shelf: Arc<Shelf>,
    ada: String,
    bob: String,
}

impl Keyed {
    fn file(&self) -> PathBuf {
        self.folder.path().join("keys.toml")
    }

    fn revoke_ada(&self) {
        let revoke = |keys: &mut KeyFile| {
            keys.keys.get_mut("ada").expect("ada").revoked = Some("2026-01-02T00:00:00Z".parse().expect("a moment"));
            Ok::<_, ()>(())
        };
        KeyFile::change(&self.file(), revoke).expect("written").expect("changed");
    }

    fn records(&self) -> Vec<Value> {
        let text = std::fs::read_to_string(self.folder.path().join("audit.jsonl")).unwrap_or_default();
        text.lines().map(|line| serde_json::from_str(line).expect("a record")).collect()
    }
}

/// Adds a key to the file; what its holder sends.
pub(crate) fn add(file: &Path, name: &str) -> String {
    let key = Key::generate().expect("random bytes");
    let entry = Entry::of(&key, Vec::new(), "2026-01-01T00:00:00Z".parse().expect("a moment"), None);
    let insert = |keys: &mut KeyFile| {
        keys.keys.insert(name.to_owned(), entry);
        Ok::<_, ()>(())
    };
    KeyFile::change(file, insert).expect("written").expect("changed");
    format!("Bearer {}", key.reveal().expose())
}

async fn keyed(anonymous: Anonymous) -> Keyed {
    keyed_with(anonymous, portwright_core::limits::KEEP_ALIVE).await
}

async fn keyed_with(anonymous: Anonymous, keep_alive: Duration) -> Keyed {
    let folder = tempfile::tempdir().expect("folder");
    let file = folder.path().join("keys.toml");
    let (ada, bob) = (add(&file, "ada"), add(&file, "bob"));
    let mut plan = plan();
    plan.keys = Some(file);
    plan.listen.anonymous = anonymous;
    plan.listen.waits.keep_alive = keep_alive;
    plan.audit = Some(AuditPlan::new(folder.path().join("audit.jsonl")));
    let (server, shelf, _) = usual(plan).await;
    let up = up(&server).await;
    Keyed { folder, up, shelf, ada, bob }
}

fn say() -> Value {
    modern(1, "tools/call", json!({"name": "say", "arguments": {"word": "hi"}}))
}

#[tokio::test]
async fn a_key_says_who_calls() {
    let keyed = keyed(Anonymous::Loopback).await;
    let mut http = keyed.up.connect().await;
    for authorization in [&*keyed.ada, &keyed.bob.replace("Bearer", "bearer "), ""] {
        let answer = http.post_with(&say(), &[("authorization", authorization)]).await;
        assert_eq!(answer.json()["result"]["content"][0]["text"], "hi", "{authorization}");
    }
    let who: Vec<_> = keyed.records().iter().map(|it| (it["principal"].clone(), it["auth"].clone())).collect();
    let wanted = [("ada", "key"), ("bob", "key"), ("anonymous", "anonymous")];
    assert_eq!(who, wanted.map(|(who, how)| (json!(who), json!(how))));
}

#[tokio::test]
async fn a_wrong_credential_is_nobodys() {
    let keyed = keyed(Anonymous::Loopback).await;
    let stranger = Key::generate().expect("random bytes").reveal();
    let mixed = format!("{}{}", &keyed.ada[..27], &keyed.bob[27..]);
    let stranger = format!("Bearer {}", stranger.expose());
    for wrong in [&*stranger, &mixed, "Bearer", "Bearer x", "Basic YWRhOmFkYQ==", &keyed.ada[7..], "Bearer \u{e9}"] {
        let mut http = keyed.up.connect().await;
        for message in [say(), initialize("2025-11-25")] {
            let answer = http.post_with(&message, &[("authorization", wrong)]).await;
            assert_eq!(answer.status, 401, "{wrong}: {answer:?}");
            assert_eq!(answer.header("www-authenticate"), Some("Bearer error=\"invalid_token\""));
            assert!(!answer.body.contains("pw_") && !answer.body.contains("revoked"), "{answer:?}");
        }
    }
    let mut http = keyed.up.connect().await;
    let twice = format!("{}\r\nauthorization: {}", keyed.ada, keyed.bob);
    assert_eq!(http.post_with(&say(), &[("authorization", &twice)]).await.status, 401, "two credentials are none");
    // Nothing was called, and each of them is told of.
    until("the records", || async { keyed.records().len() == 15 }).await;
    for record in keyed.records() {
        let told = ["operation", "outcome", "principal", "name", "args"].map(|key| record[key].clone());
        let remote = json!({"remote": "127.0.0.1"});
        assert_eq!(told, [json!("authenticate"), json!("refused"), json!(""), Value::Null, remote]);
        assert!(record["rule"].is_string() && !record.to_string().contains("pw_"), "{record}");
    }
}

#[tokio::test]
async fn without_a_key_there_is_no_way_in_where_nobody_is_anonymous() {
    let keyed = keyed(Anonymous::Never).await;
    let mut http = keyed.up.connect().await;
    let refused = http.post(&say()).await;
    assert_eq!((refused.status, refused.header("www-authenticate")), (401, Some("Bearer")));
    assert_eq!(http.post_with(&say(), &[("authorization", &keyed.ada)]).await.status, 200);
    // In a query it is not looked for, and would be in logs.
    let path = format!("/mcp?access_token={}", &keyed.ada[7..]);
    http.send("POST", &path, &[("content-type".to_owned(), "application/json".to_owned())], &say().to_string()).await;
    assert_eq!(http.answer().await.status, 401);
}

#[tokio::test]
async fn a_session_is_its_openers_alone() {
    let keyed = keyed(Anonymous::Loopback).await;
    let mut http = keyed.up.connect().await;
    let opened = http.post_with(&initialize("2025-11-25"), &[("authorization", &keyed.ada)]).await;
    let session = opened.header("mcp-session-id").expect("a session").to_owned();
    let call = json!({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": "say", "arguments": {"word": "x"}}});
    let as_who = async |http: &mut Http, who: &str| {
        http.post_with(&call, &[("authorization", who), ("mcp-session-id", &session)]).await.status
    };
    assert_eq!(as_who(&mut http, &keyed.ada).await, 200);
    assert_eq!(as_who(&mut http, &keyed.bob).await, 404, "another's session looks like none");
    assert_eq!(as_who(&mut http, "").await, 404);
    keyed.revoke_ada();
    until("the end of the key", || async {
        let mut http = keyed.up.connect().await;
        as_who(&mut http, &keyed.ada).await == 401
    })
    .await;
}

#[tokio::test]
async fn a_conversation_is_its_openers_and_ends_with_their_key() {
    let keyed = keyed(Anonymous::Loopback).await;
    let mut sse = Sse::connect_with(keyed.up.address, &[("authorization", &keyed.ada)]).await;
    let ping = r#"{"jsonrpc":"2.0","id":1,"method":"ping"}"#;
    for (who, status) in [(&*keyed.bob, 404), ("", 404), ("Bearer x", 401), (&*keyed.ada, 202)] {
        let headers = [("content-type", "application/json"), ("authorization", who)];
        let headers = headers.into_iter().filter(|(_, value)| !value.is_empty());
        let headers: Vec<_> = headers.map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
        sse.post.send("POST", &sse.endpoint, &headers, ping).await;
        assert_eq!(sse.post.answer().await.status, status, "{who}");
    }
    let (socket, _) = dial(keyed.up.address, &[("authorization", &keyed.ada)]).await.expect("a WebSocket");
    let mut ws = Ws { socket };
    ws.socket.send(Message::text(say().to_string())).await.expect("sent");
    assert!(matches!(ws.frame().await, Some(Message::Text(_))));
    let calls: Vec<_> = keyed.records().into_iter().filter(|record| record["operation"] == "tools/call").collect();
    assert_eq!(calls[0]["principal"], "ada");
    keyed.revoke_ada();
    until("the end of the key", || async {
        let mut http = keyed.up.connect().await;
        http.post_with(&say(), &[("authorization", &keyed.ada)]).await.status == 401
    })
    .await;
    let calls = || keyed.records().iter().filter(|record| record["operation"] == "tools/call").count();
    let before = calls();
    ws.socket.send(Message::text(say().to_string())).await.expect("sent");
    let close = ws.closed().await.expect("a close");
    assert_eq!((u16::from(close.code), calls()), (1008, before), "{close:?}");
}

/// The streams of each kind that stand open for ada.
async fn streams(keyed: &Keyed) -> [(&'static str, Http); 3] {
    let authorization = ("authorization", &*keyed.ada);
    let mut http = keyed.up.connect().await;
    let opened = http.post_with(&initialize("2025-11-25"), &[authorization]).await;
    let session = opened.header("mcp-session-id").expect("a session").to_owned();
    let headers = |more: &[(&str, &str)]| {
        let all = [authorization, ("accept", "text/event-stream")];
        let all = all.iter().chain(more).map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        all.collect::<Vec<_>>()
    };
    let mut own = keyed.up.connect().await;
    own.send("GET", "/mcp", &headers(&[("mcp-session-id", &session)]), "").await;
    let mut listening = keyed.up.connect().await;
    let filter = json!({"notifications": {"toolsListChanged": true}});
    listening.start(&modern(7, "subscriptions/listen", filter), &[authorization]).await;
    let mut sse = keyed.up.connect().await;
    sse.send("GET", "/sse", &headers(&[]), "").await;
    let mut all = [("session", own), ("subscriptions/listen", listening), ("sse", sse)];
    for (what, stream) in &mut all {
        assert!(stream.head().await.contains("200 OK"), "{what}");
    }
    all
}

#[tokio::test]
async fn streams_that_stand_end_with_the_key_that_opened_them() {
    let keyed = keyed_with(Anonymous::Never, Duration::from_millis(20)).await;
    let open = streams(&keyed).await;
    keyed.revoke_ada();
    for (what, mut stream) in open {
        let ended = async { while stream.chunk().await.is_some() {} };
        tokio::time::timeout(PATIENCE, ended).await.unwrap_or_else(|_| panic!("{what} goes on without its key"));
    }
}

#[tokio::test]
async fn a_stream_that_never_rests_ends_with_its_key_too() {
    // No keep-alive comes before the test is over.
    let keyed = keyed_with(Anonymous::Never, Duration::from_hours(1)).await;
    let [(_, mut own), (_, mut listening), _] = streams(&keyed).await;
    keyed.revoke_ada();
    until("the end of the key", || async {
        let mut http = keyed.up.connect().await;
        http.post_with(&say(), &[("authorization", &keyed.ada)]).await.status == 401
    })
    .await;
    keyed.shelf.set_tools(3);
    for (what, stream) in [("session", &mut own), ("listening", &mut listening)] {
        let mut heard = String::new();
        while let Some(chunk) = stream.chunk().await {
            heard.push_str(&chunk);
        }
        assert!(!heard.contains("list_changed"), "{what} heard {heard}");
    }
}
