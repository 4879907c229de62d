//! Event streams that a client takes up again.

use std::sync::Arc;

use portwright_core::protocol::{CallToolResult, ContentBlock, JsonObject, Tool};
use portwright_core::{Context, Health, Refusal, Source, async_trait};
use serde_json::{Value, json};
use tokio::sync::Semaphore;

use crate::client::{Http, events};
use crate::support::{Up, mount, plan, started, until, up, usual};

/// Tells that it has begun, waits, tells that it goes on, and answers.
#[derive(Debug)]
pub(crate) struct Talker {
    pub(crate) go_on: Semaphore,
    waiting: Semaphore,
}

impl Default for Talker {
    fn default() -> Self {
        Self { go_on: Semaphore::new(0), waiting: Semaphore::new(0) }
    }
}

#[async_trait]
impl Source for Talker {
    fn tools(&self) -> Vec<Tool> {
        let schema: JsonObject = [("type".to_owned(), json!("object"))].into_iter().collect();
        vec![Tool::new("talk", "Talks.", schema.clone()), Tool::new("poll", "Hangs up.", schema)]
    }

    async fn call(&self, name: &str, _: &JsonObject, cx: &Context) -> Result<CallToolResult, Refusal> {
        match name {
            "poll" => cx.downstream.hang_up(),
            _ => cx.downstream.progress(1.0, None, None),
        }
        self.waiting.add_permits(1);
        let _on = self.go_on.acquire().await.map_err(Refusal::internal)?;
        cx.downstream.progress(2.0, None, None);
        Ok(CallToolResult::success(vec![ContentBlock::text("said")]))
    }

    async fn health(&self) -> Health {
        Health::Ready
    }
}

async fn talker() -> (Arc<Talker>, Up) {
    let talker = Arc::new(Talker::default());
    let server = started(plan(), vec![mount("talker", talker.clone())]).await;
    (talker, up(&server).await)
}

pub(crate) fn talk(id: u64, name: &str) -> Value {
    json!({"jsonrpc": "2.0", "id": id, "method": "tools/call", "params": {"name": name, "_meta": {"progressToken": id}}})
}

pub(crate) fn field<'a>(event: &'a str, name: &str) -> Option<&'a str> {
    event.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": "))
}

/// The next event as it was written.
pub(crate) async fn raw(http: &mut Http) -> Option<String> {
    loop {
        let chunk = http.chunk().await?;
        if !chunk.starts_with(':') {
            return Some(chunk);
        }
    }
}

pub(crate) async fn resume(up: &Up, session: &str, last: &str) -> (Http, String) {
    let mut http = up.connect().await;
    let headers = [("mcp-session-id", session), ("accept", "text/event-stream"), ("last-event-id", last)];
    let headers = headers.map(|(name, value)| (name.to_owned(), value.to_owned()));
    http.send("GET", "/mcp", &headers, "").await;
    let head = http.head().await;
    (http, head)
}

fn progress(event: &str) -> Value {
    events(event).pop_front().expect("a message")["params"]["progress"].clone()
}

#[tokio::test]
async fn a_stream_that_broke_off_is_heard_to_its_end() {
    let (talker, up) = talker().await;
    let (mut http, session) = up.session("2025-11-25").await;
    let (mut other, other_session) = up.session("2025-11-25").await;
    http.start(&talk(1, "talk"), &[("mcp-session-id", &session)]).await;
    other.start(&talk(1, "talk"), &[("mcp-session-id", &other_session)]).await;
    assert!(http.head().await.contains("text/event-stream"));
    let priming = raw(&mut http).await.expect("priming");
    assert_eq!((field(&priming, "data"), field(&priming, "event")), (Some(""), None), "{priming}");
    assert!(field(&priming, "retry").is_some_and(|retry| retry.parse::<u64>().is_ok()), "{priming}");
    let first = raw(&mut http).await.expect("an event");
    assert_eq!(progress(&first), 1.0);
    let (primed, heard) = (field(&priming, "id").expect("an id"), field(&first, "id").expect("an id"));
    assert_ne!(primed, heard);
    drop(http);
    talker.go_on.add_permits(2);
    let (mut again, head) = resume(&up, &session, heard).await;
    assert!(head.starts_with("HTTP/1.1 200") && head.contains("text/event-stream"), "{head}");
    let mut rest = Vec::new();
    while let Some(event) = raw(&mut again).await {
        rest.extend(events(&event));
    }
    assert_eq!(rest.len(), 2, "what was heard is not said again: {rest:?}");
    assert_eq!(
        (&rest[0]["params"]["progress"], &rest[1]["result"]["content"][0]["text"]),
        (&json!(2.0), &json!("said"))
    );
    let (mut whole, _) = resume(&up, &session, primed).await;
    let mut all = 0;
    while let Some(event) = raw(&mut whole).await {
        all += events(&event).len();
    }
    assert_eq!(all, 3, "from its beginning");
    let mut stranger = up.connect().await;
    let refused = stranger.get("/mcp", &[("mcp-session-id", "made-up"), ("last-event-id", heard)]).await;
    assert_eq!(refused.status, 404);
}

#[tokio::test]
async fn ids_that_are_not_kept_are_refused() {
    let (_, up) = talker().await;
    let (mut http, session) = up.session("2025-11-25").await;
    for id in ["9-9", "made up", "", "1-1-1", "-1"] {
        let refused = http.get("/mcp", &[("mcp-session-id", &session), ("last-event-id", id)]).await;
        assert_eq!((refused.status, refused.error_code()), (400, -32600), "{id}");
    }
}

#[tokio::test]
async fn a_source_may_let_go_of_the_connection() {
    let (talker, up) = talker().await;
    let (mut http, session) = up.session("2025-11-25").await;
    let closed = http.post_with(&talk(1, "poll"), &[("mcp-session-id", &session)]).await;
    assert_eq!(closed.header("content-type"), Some("text/event-stream"));
    assert_eq!(closed.messages().len(), 0, "only an id to come back to");
    let id = field(&closed.body, "id").expect("an id");
    let (mut again, _) = resume(&up, &session, id).await;
    talker.go_on.add_permits(1);
    let mut rest = Vec::new();
    while let Some(event) = raw(&mut again).await {
        rest.extend(events(&event));
    }
    assert_eq!(rest.last().expect("an answer")["id"], 1);
    // A client that knows nothing of it keeps its connection.
    let (mut old, session) = up.session("2025-06-18").await;
    talker.go_on.add_permits(1);
    let answer = old.post_with(&talk(2, "poll"), &[("mcp-session-id", &session)]).await;
    assert_eq!(answer.messages().back().expect("an answer")["id"], 2);
    assert!(field(&answer.body, "retry").is_none() && field(&answer.body, "id").is_some(), "{answer:?}");
}

#[tokio::test]
async fn one_listener_a_stream_and_the_newest_wins() {
    let (talker, up) = talker().await;
    let (mut http, session) = up.session("2025-11-25").await;
    http.start(&talk(1, "talk"), &[("mcp-session-id", &session)]).await;
    http.head().await;
    let id = field(&raw(&mut http).await.expect("priming"), "id").expect("an id").to_owned();
    assert_eq!(progress(&raw(&mut http).await.expect("an event")), 1.0);
    let (mut again, _) = resume(&up, &session, &id).await;
    assert!(raw(&mut http).await.is_none(), "the first ended");
    talker.go_on.add_permits(1);
    raw(&mut again).await.expect("priming");
    assert_eq!(progress(&raw(&mut again).await.expect("an event")), 1.0);
    assert_eq!(progress(&raw(&mut again).await.expect("an event")), 2.0);
}

#[tokio::test]
async fn a_call_that_says_nothing_before_its_answer_is_answered_with_json() {
    let (talker, up) = talker().await;
    talker.go_on.add_permits(5);
    let (mut http, session) = up.session("2025-11-25").await;
    let mut quiet = talk(1, "talk");
    quiet["params"]["_meta"] = json!({});
    let answer = http.post_with(&quiet, &[("mcp-session-id", &session)]).await;
    assert_eq!(answer.header("content-type"), Some("application/json"));
    let only = http.post_with(&quiet, &[("mcp-session-id", &session), ("accept", "text/event-stream")]).await;
    assert_eq!((only.header("content-type"), only.messages().len()), (Some("text/event-stream"), 1));
    assert!(field(&only.body, "id").is_some());
}

#[tokio::test]
async fn a_session_that_lost_its_own_stream_hears_that_lists_changed() {
    let (server, shelf, _) = usual(plan()).await;
    let up = up(&server).await;
    let (http, session) = up.session("2025-11-25").await;
    drop(http);
    let mut stream = up.connect().await;
    let headers = [("mcp-session-id", session.as_str()), ("accept", "text/event-stream")];
    let headers = headers.map(|(name, value)| (name.to_owned(), value.to_owned()));
    stream.send("GET", "/mcp", &headers, "").await;
    assert!(stream.head().await.contains("200 OK"));
    let id = field(&raw(&mut stream).await.expect("priming"), "id").expect("an id").to_owned();
    drop(stream);
    let before = server.catalog().tool_names().len();
    let (mut nothing, _) = resume(&up, &session, &id).await;
    let same = raw(&mut nothing).await.expect("priming");
    assert_eq!(field(&same, "id"), Some(&*id), "nothing has changed");
    drop(nothing);
    shelf.set_tools(1);
    until("the change", || async { server.catalog().tool_names().len() > before }).await;
    // The change is counted right after it is told.
    until("news", || async {
        let (mut again, _) = resume(&up, &session, &id).await;
        field(&raw(&mut again).await.expect("priming"), "id") != Some(&*id)
            && events(&raw(&mut again).await.expect("an event"))[0]["method"] == "notifications/tools/list_changed"
    })
    .await;
}

#[tokio::test]
async fn the_end_of_a_session_ends_what_it_hears() {
    let (_, up) = talker().await;
    let (mut http, session) = up.session("2025-11-25").await;
    http.start(&talk(1, "talk"), &[("mcp-session-id", &session)]).await;
    http.head().await;
    let id = field(&raw(&mut http).await.expect("priming"), "id").expect("an id").to_owned();
    let mut other = up.connect().await;
    other.send("DELETE", "/mcp", &[("mcp-session-id".to_owned(), session.clone())], "").await;
    assert_eq!(other.answer().await.status, 204);
    while raw(&mut http).await.is_some() {}
    let gone = other.get("/mcp", &[("mcp-session-id", &session), ("last-event-id", &id)]).await;
    assert_eq!(gone.status, 404);
}
