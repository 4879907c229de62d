//! Two replicas that share a secret, and sessions in a real Redis.

use std::sync::Arc;
use std::time::Duration;

use portwright_core::{Secret, limits};
use portwright_server::guard::limit::WhenDown;
use portwright_server::{ReplicaPlan, Server, ServerPlan};
use serde_json::{Value, json};

use crate::asker::Asker;
use crate::client::{Http, initialize, modern};
use crate::keys::add;
use crate::resuming::{Talker, field, raw, resume, talk};
use crate::sharing::Redis;
use crate::shelf::Shelf;
use crate::support::{Up, mount, plan, started, until, up};

const SECRET: &str = "a secret that all replicas know, and nobody else";

/// One of several processes of one server.
struct Replica {
    server: Server,
    up: Up,
    asker: Arc<Asker>,
    talker: Arc<Talker>,
}

impl Replica {
    async fn start(replicas: ReplicaPlan, change: impl FnOnce(&mut ServerPlan)) -> Self {
        let mut plan = plan();
        plan.replicas = Some(replicas);
        change(&mut plan);
        let (asker, talker) = (Arc::new(Asker::default()), Arc::new(Talker::default()));
        let shelf = mount("shelf", Arc::new(Shelf::new(0)));
        let mounts = vec![mount("asker", asker.clone()), mount("talker", talker.clone()), shelf];
        let server = started(plan, mounts).await;
        let up = up(&server).await;
        Self { server, up, asker, talker }
    }

    async fn post(&self, session: &str, message: &Value) -> crate::client::Answer {
        self.up.connect().await.post_with(message, &[("mcp-session-id", session)]).await
    }

    async fn status(&self, session: &str) -> u16 {
        self.post(session, &list()).await.status
    }

    async fn delete(&self, session: &str) -> u16 {
        let mut http = self.up.connect().await;
        http.send("DELETE", "/mcp", &[("mcp-session-id".to_owned(), session.to_owned())], "").await;
        http.answer().await.status
    }

    /// The stream of the server's own messages.
    async fn stream(&self, session: &str) -> Http {
        let mut http = self.up.connect().await;
        let headers = [("mcp-session-id", session), ("accept", "text/event-stream")];
        let headers = headers.map(|(name, value)| (name.to_owned(), value.to_owned()));
        http.send("GET", "/mcp", &headers, "").await;
        assert!(http.head().await.starts_with("HTTP/1.1 200"));
        http
    }
}

fn list() -> Value {
    json!({"jsonrpc": "2.0", "id": 1, "method": "tools/list"})
}

fn call(id: u64, tool: &str) -> Value {
    json!({"jsonrpc": "2.0", "id": id, "method": "tools/call", "params": {"name": tool}})
}

fn shared(redis: &Redis) -> ReplicaPlan {
    let store = Some(redis.plan(WhenDown::Closed).url);
    ReplicaPlan { secret: Secret::new(SECRET), store, prefix: "test".to_owned() }
}

async fn two(redis: &Redis) -> [Replica; 2] {
    [Replica::start(shared(redis), |_| ()).await, Replica::start(shared(redis), |_| ()).await]
}

/// A session of a client that answers everything.
async fn open(replica: &Replica, version: &str) -> (Http, String) {
    let mut hello = initialize(version);
    hello["params"]["capabilities"] = json!({"elicitation": {"form": {}}, "roots": {}});
    hello["params"]["clientInfo"]["name"] = json!("canary-client");
    let mut http = replica.up.connect().await;
    let answer = http.post(&hello).await;
    let session = answer.header("mcp-session-id").expect("a session").to_owned();
    (http, session)
}

/// Waits until both hear each other: what is said before is lost to who does not listen yet.
pub(crate) async fn acquainted(redis: &Redis) {
    let client = redis::Client::open(redis.plan(WhenDown::Closed).url.expose()).expect("an address");
    let mut connection = client.get_multiplexed_async_connection().await.expect("connected");
    for _ in 0..2_000 {
        let heard: (String, u64) = redis::cmd("PUBSUB")
            .arg("NUMSUB")
            .arg("test:replicas")
            .query_async(&mut connection)
            .await
            .expect("a number");
        if heard.1 >= 2 {
            return;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    panic!("the replicas do not listen");
}

#[tokio::test]
async fn a_session_is_served_by_every_replica_and_outlives_the_one_that_opened_it() {
    let Some(redis) = Redis::start().await else { return };
    let [one, other] = two(&redis).await;
    let (_, session) = open(&one, "2025-11-25").await;
    assert_eq!((other.status(&session).await, one.status(&session).await), (200, 200));
    assert_eq!(other.status(&"0".repeat(48)).await, 404, "one that nobody opened");
    assert_eq!(other.status("made-up").await, 404);
    one.up.shutdown.cancel();
    one.up.serving.await.expect("no panic").expect("served");
    assert_eq!(other.status(&session).await, 200);
    let third = Replica::start(shared(&redis), |_| ()).await;
    assert_eq!(third.status(&session).await, 200, "what the first one opened is known to one that never met it");
}

#[tokio::test]
async fn a_session_ends_at_every_replica() {
    let Some(redis) = Redis::start().await else { return };
    let [one, other] = two(&redis).await;
    acquainted(&redis).await;
    let (_, session) = open(&one, "2025-11-25").await;
    assert_eq!(other.status(&session).await, 200);
    assert_eq!(other.delete(&session).await, 204);
    until("the session to end", async || one.status(&session).await == 404).await;
    assert_eq!(other.status(&session).await, 404);
}

#[tokio::test]
async fn a_session_of_another_replica_is_its_principals_alone() {
    let Some(redis) = Redis::start().await else { return };
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("keys.toml");
    let (ada, bob) = (add(&file, "ada"), add(&file, "bob"));
    let keyed = |plan: &mut ServerPlan| plan.keys = Some(file.clone());
    let one = Replica::start(shared(&redis), keyed).await;
    let other = Replica::start(shared(&redis), keyed).await;
    let hello = one.up.connect().await.post_with(&initialize("2025-11-25"), &[("authorization", &ada)]).await;
    let session = hello.header("mcp-session-id").expect("a session");
    let as_whom = async |who: &str| {
        let headers = [("authorization", who), ("mcp-session-id", session)];
        other.up.connect().await.post_with(&list(), &headers).await.status
    };
    assert_eq!((as_whom(&bob).await, as_whom("").await), (404, 404));
    assert_eq!(as_whom(&ada).await, 200);
}

#[tokio::test]
async fn a_call_is_called_off_by_whichever_replica_hears_it() {
    let Some(redis) = Redis::start().await else { return };
    let [one, other] = two(&redis).await;
    acquainted(&redis).await;
    let (mut http, session) = open(&one, "2025-11-25").await;
    http.start(&talk(7, "talk"), &[("mcp-session-id", &session)]).await;
    assert!(http.head().await.contains("text/event-stream"));
    raw(&mut http).await.expect("priming");
    raw(&mut http).await.expect("progress");
    for request in [json!(8), json!(7)] {
        let cancel = json!({"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": request}});
        assert_eq!(other.post(&session, &cancel).await.status, 202);
    }
    assert_eq!(http.event().await, None, "what was called off gets no answer");
}

#[tokio::test]
async fn a_question_is_answered_by_whichever_replica_hears_it() {
    let Some(redis) = Redis::start().await else { return };
    let [one, other] = two(&redis).await;
    acquainted(&redis).await;
    let (mut http, session) = open(&one, "2025-06-18").await;
    http.start(&call(1, "name"), &[("mcp-session-id", &session)]).await;
    assert!(http.head().await.contains("text/event-stream"));
    let question = http.event().await.expect("a question");
    assert_eq!(question["method"], "elicitation/create");
    let id = question["id"].as_u64().expect("a number");
    assert!((1 << 32..1 << 53).contains(&id), "{id} is read exactly by every client");
    // Another session's answer counts for nothing, at this replica as at that.
    let (_, stranger) = open(&one, "2025-06-18").await;
    let answer =
        |name: &str| json!({"jsonrpc": "2.0", "id": id, "result": {"action": "accept", "content": {"name": name}}});
    assert_eq!(other.post(&stranger, &answer("Eve")).await.status, 202);
    assert_eq!(other.post(&session, &answer("Ada")).await.status, 202);
    let done = http.event().await.expect("an answer");
    assert_eq!(done["result"]["content"][0]["text"], "Ada");
}

#[tokio::test]
async fn a_lost_stream_is_heard_to_its_end_by_way_of_another_replica() {
    let Some(redis) = Redis::start().await else { return };
    let [one, other] = two(&redis).await;
    acquainted(&redis).await;
    let (mut http, session) = open(&one, "2025-11-25").await;
    http.start(&talk(1, "talk"), &[("mcp-session-id", &session)]).await;
    assert!(http.head().await.contains("text/event-stream"));
    let priming = raw(&mut http).await.expect("priming");
    let first = raw(&mut http).await.expect("an event");
    let (primed, heard) = (field(&priming, "id").expect("an id"), field(&first, "id").expect("an id"));
    drop(http);
    let (mut again, head) = resume(&other.up, &session, heard).await;
    assert!(head.starts_with("HTTP/1.1 200") && head.contains("text/event-stream"), "{head}");
    one.talker.go_on.add_permits(1);
    let said = async |http: &mut Http| {
        let mut said = Vec::new();
        while let Some(message) = http.event().await {
            said.push(message);
        }
        said
    };
    let rest = said(&mut again).await;
    assert_eq!(rest.len(), 2, "what was heard is not said again: {rest:?}");
    assert_eq!(rest[1]["result"]["content"][0]["text"], "said");
    let (mut whole, _) = resume(&other.up, &session, primed).await;
    assert_eq!(said(&mut whole).await.len(), 3, "it is kept for who lost all of it");
    // Streams that nobody keeps, and those of another session.
    let (stream, event) = heard.split_once('-').expect("two numbers");
    let none = format!("{}-{event}", stream.parse::<u64>().expect("a number") + 1);
    assert!(resume(&other.up, &session, &none).await.1.starts_with("HTTP/1.1 400"));
    let (_, stranger) = open(&other, "2025-11-25").await;
    assert!(resume(&other.up, &stranger, heard).await.1.starts_with("HTTP/1.1 400"));
}

#[tokio::test]
async fn what_a_session_watches_and_hears_it_watches_and_hears_everywhere() {
    let Some(redis) = Redis::start().await else { return };
    let [one, other] = two(&redis).await;
    acquainted(&redis).await;
    let (_, session) = open(&one, "2025-11-25").await;
    let ask = async |replica: &Replica, method: &str, params: Value| {
        let asked = json!({"jsonrpc": "2.0", "id": 1, "method": method, "params": params});
        let answer = replica.post(&session, &asked).await.json();
        assert_eq!(answer["result"], json!({}), "{method}: {answer}");
    };
    let told = async |replica: &Replica, stream: &mut Http| {
        let mut ticks = tokio::time::interval(Duration::from_millis(20));
        let event = loop {
            tokio::select! {
                event = stream.event() => break event.expect("an event"),
                _ = ticks.tick() => replica.asker.update("ask://who"),
            }
        };
        let said = (&event["method"], &event["params"]["uri"]);
        assert_eq!(said, (&json!("notifications/resources/updated"), &json!("ask://who")));
    };
    // One that has the session already is told; one that takes it up later finds it written down.
    let mut stream = other.stream(&session).await;
    ask(&one, "resources/subscribe", json!({"uri": "ask://who"})).await;
    ask(&one, "logging/setLevel", json!({"level": "error"})).await;
    told(&other, &mut stream).await;
    let third = Replica::start(shared(&redis), |_| ()).await;
    let mut newer = third.stream(&session).await;
    told(&third, &mut newer).await;
    // A client has one such stream: a newer one elsewhere takes its place.
    while stream.event().await.is_some() {}
    let logs = async |replica: &Replica| {
        let answer = replica.post(&session, &talkative()).await;
        answer.messages().iter().filter(|message| message["method"] == "notifications/message").count()
    };
    assert_eq!((logs(&one).await, logs(&other).await, logs(&third).await), (1, 1, 1));
    ask(&one, "logging/setLevel", json!({"level": "debug"})).await;
    until("the level to be known", async || logs(&other).await == 2 && logs(&third).await == 2).await;
}

fn talkative() -> Value {
    json!({"jsonrpc": "2.0", "id": 5, "method": "tools/call", "params": {"name": "steps", "_meta": {"progressToken": 5}}})
}

#[tokio::test]
async fn the_store_learns_neither_who_nor_what() {
    let Some(redis) = Redis::start().await else { return };
    let one = Replica::start(shared(&redis), |_| ()).await;
    let (_, session) = open(&one, "2025-11-25").await;
    let url = redis.plan(WhenDown::Closed).url;
    let client = redis::Client::open(url.expose()).expect("an address");
    let mut connection = client.get_multiplexed_async_connection().await.expect("connected");
    let names: Vec<String> = redis::cmd("KEYS").arg("*").query_async(&mut connection).await.expect("keys");
    assert_eq!(names.len(), 1, "{names:?}");
    let value: Vec<u8> = redis::cmd("GET").arg(&names[0]).query_async(&mut connection).await.expect("a value");
    let text = format!("{}{}", names[0], String::from_utf8_lossy(&value));
    for canary in ["canary-client", "2025-11-25", "anonymous", &session] {
        assert!(!text.contains(canary), "{canary} in {text}");
    }
    let lives: i64 = redis::cmd("PTTL").arg(&names[0]).query_async(&mut connection).await.expect("a time");
    assert!(lives > 0, "it would stay for ever");
    // Who writes there without the secret opens no session.
    let other = Replica::start(shared(&redis), |_| ()).await;
    let _: String = redis::cmd("SET").arg(&names[0]).arg(b"{}").query_async(&mut connection).await.expect("set");
    assert_eq!(other.status(&session).await, 404);
    let mut foreign = shared(&redis);
    foreign.secret = Secret::new("another secret, of somebody who shares the store");
    let (_, session) = open(&one, "2025-11-25").await;
    assert_eq!(Replica::start(foreign, |_| ()).await.status(&session).await, 404);
    assert_eq!(other.status(&session).await, 200);
}

#[tokio::test]
async fn sessions_of_ones_own_go_on_without_the_store_and_others_can_wait() {
    let Some(mut redis) = Redis::start().await else { return };
    let [one, other] = two(&redis).await;
    let (_, session) = open(&one, "2025-11-25").await;
    redis.signal("KILL");
    until("the store to be missed", async || other.status(&session).await == 503).await;
    assert_eq!(one.status(&session).await, 200);
    let (_, later) = open(&one, "2025-11-25").await;
    assert_eq!(one.status(&later).await, 200, "a session begins all the same");
    redis.again().await;
    until("the store to be found again", async || other.status(&session).await != 503).await;
    acquainted(&redis).await;
    let (_, session) = open(&one, "2025-11-25").await;
    until("sessions to be shared again", async || other.status(&session).await == 200).await;
    assert_eq!(other.delete(&session).await, 204);
    until("the session to end", async || one.status(&session).await == 404).await;
}

#[tokio::test]
async fn a_session_lives_as_long_as_any_replica_hears_of_it() {
    let Some(redis) = Redis::start().await else { return };
    let short = |plan: &mut ServerPlan| plan.sessions.idle = Duration::from_millis(400);
    let one = Replica::start(shared(&redis), short).await;
    let other = Replica::start(shared(&redis), short).await;
    let (_, session) = open(&one, "2025-11-25").await;
    for _ in 0..20 {
        assert_eq!(other.status(&session).await, 200);
        tokio::time::sleep(Duration::from_millis(60)).await;
    }
    assert_eq!(one.status(&session).await, 200, "it was not idle, if not busy here");
    until("the end of the idle session", async || {
        one.server.health().await.sessions == 0 && other.server.health().await.sessions == 0
    })
    .await;
    assert_eq!((one.status(&session).await, other.status(&session).await), (404, 404));
}

#[tokio::test]
async fn who_has_to_make_room_goes_everywhere() {
    let Some(redis) = Redis::start().await else { return };
    let one = Replica::start(shared(&redis), |plan| plan.sessions.max = 1).await;
    let other = Replica::start(shared(&redis), |_| ()).await;
    acquainted(&redis).await;
    let (_, first) = open(&one, "2025-11-25").await;
    assert_eq!(other.status(&first).await, 200);
    let (_, second) = open(&one, "2025-11-25").await;
    until("the first to end", async || other.status(&first).await == 404).await;
    assert_eq!((one.status(&first).await, other.status(&second).await), (404, 200));
}

#[tokio::test]
async fn what_a_client_carries_opens_at_every_replica_that_shares_the_secret() {
    let secret = |secret: &str| ReplicaPlan { secret: Secret::new(secret), store: None, prefix: "test".to_owned() };
    let one = Replica::start(secret(SECRET), |_| ()).await;
    let other = Replica::start(secret(SECRET), |_| ()).await;
    let foreign = Replica::start(secret(&SECRET.to_uppercase()), |_| ()).await;
    let mut request = modern(1, "tools/call", json!({"name": "name", "arguments": {}}));
    request["params"]["_meta"]["io.modelcontextprotocol/clientCapabilities"] = json!({"elicitation": {"form": {}}});
    let asked = one.up.connect().await.post(&request).await.json();
    assert_eq!(asked["result"]["resultType"], "input_required", "{asked}");
    request["params"]["requestState"] = asked["result"]["requestState"].clone();
    request["params"]["inputResponses"] = json!({"name": {"action": "accept", "content": {"name": "Ada"}}});
    let refused = foreign.up.connect().await.post(&request).await;
    assert!(refused.json()["error"].is_object(), "{refused:?}");
    let done = other.up.connect().await.post(&request).await.json();
    assert_eq!(done["result"]["content"][0]["text"], "Ada", "{done}");
    assert!(SECRET.len() >= limits::REPLICA_SECRET_BYTES_MIN);
}
