//! Questions in the era of sessions: requests of the server's on the way of the call that asks.

use std::sync::Arc;
use std::time::Duration;

use portwright_core::limits;
use portwright_server::guard::AuditPlan;
use portwright_server::{Server, ServerPlan};
use serde_json::{Value, json};

use crate::asker::{Asker, form};
use crate::client::{Http, initialize};
use crate::duplex::{Duplex, Way};
use crate::support::{Up, mount, plan, records, started, until, up};

/// One client with a session, over any transport.
enum Peer {
    Http { up: Up, session: String, call: Http, open: bool },
    Duplex(Duplex),
}

async fn asking(plan: ServerPlan) -> (Server, Arc<Asker>) {
    let asker = Arc::new(Asker::default());
    (started(plan, vec![mount("asker", asker.clone())]).await, asker)
}

fn hello(version: &str, capabilities: &Value) -> Value {
    let mut hello = initialize(version);
    hello["params"]["capabilities"] = capabilities.clone();
    hello
}

fn everything() -> Value {
    json!({"elicitation": {"form": {}, "url": {}}, "sampling": {}, "roots": {"listChanged": true}})
}

fn call(id: u64, tool: &str) -> Value {
    json!({"jsonrpc": "2.0", "id": id, "method": "tools/call", "params": {"name": tool}})
}

fn answer(question: &Value, result: &Value) -> Value {
    json!({"jsonrpc": "2.0", "id": question["id"], "result": result})
}

fn entered(field: &str, value: &str) -> Value {
    json!({"action": "accept", "content": {field: value}})
}

fn text(answer: &Value) -> &str {
    answer["result"]["content"][0]["text"].as_str().unwrap_or_else(|| panic!("no text in {answer}"))
}

impl Peer {
    async fn all(server: &Server, version: &str, capabilities: &Value) -> Vec<Self> {
        let mut all = vec![Self::http(server, version, capabilities).await];
        for way in Way::ALL {
            all.push(Self::duplex(way, server, version, capabilities).await);
        }
        all
    }

    async fn http(server: &Server, version: &str, capabilities: &Value) -> Self {
        let up = up(server).await;
        let mut call = up.connect().await;
        let answer = call.post(&hello(version, capabilities)).await;
        let session = answer.header("mcp-session-id").expect("a session").to_owned();
        Self::Http { up, session, call, open: false }
    }

    async fn piped(server: &Server, version: &str, capabilities: &Value) -> Self {
        Self::duplex(Way::Stdio, server, version, capabilities).await
    }

    async fn duplex(way: Way, server: &Server, version: &str, capabilities: &Value) -> Self {
        let (mut duplex, _) = way.open(server).await;
        duplex.ask(&hello(version, capabilities)).await;
        Self::Duplex(duplex)
    }

    /// Sends a request whose answer is a stream.
    async fn start(&mut self, message: &Value) {
        match self {
            Self::Http { session, call, open, .. } => {
                if std::mem::take(open) {
                    assert!(call.event().await.is_none(), "the stream of the last call ends with its answer");
                }
                call.start(message, &[("mcp-session-id", session)]).await;
            }
            Self::Duplex(duplex) => duplex.send(&message.to_string()).await,
        }
    }

    /// The next message for us; none at the end of the call's stream.
    async fn next(&mut self) -> Option<Value> {
        match self {
            Self::Http { call, open, .. } => {
                if !std::mem::replace(open, true) {
                    let head = call.head().await;
                    assert!(head.contains("text/event-stream"), "{head}");
                }
                call.event().await
            }
            Self::Duplex(duplex) => duplex.next().await,
        }
    }

    async fn heard(&mut self) -> Value {
        self.next().await.expect("a message")
    }

    /// Sends what is not answered.
    async fn tell(&mut self, message: &Value) {
        match self {
            Self::Http { up, session, .. } => {
                let told = up.connect().await.post_with(message, &[("mcp-session-id", session)]).await;
                assert_eq!((told.status, &*told.body), (202, ""));
            }
            Self::Duplex(duplex) => duplex.send(&message.to_string()).await,
        }
    }

    /// Sends a request that is answered at once.
    async fn ask(&mut self, message: &Value) -> Value {
        match self {
            Self::Http { up, session, .. } => {
                let answer = up.connect().await.post_with(message, &[("mcp-session-id", session)]).await;
                answer.messages().pop_back().expect("an answer")
            }
            Self::Duplex(duplex) => duplex.ask(message).await,
        }
    }
}

#[tokio::test]
async fn a_question_travels_on_its_call_and_the_answer_comes_back_to_it() {
    let (server, _) = asking(plan()).await;
    for mut peer in Peer::all(&server, "2025-11-25", &everything()).await {
        peer.start(&call(7, "name")).await;
        let question = peer.heard().await;
        assert_eq!(question["method"], "elicitation/create");
        let params = json!({"mode": "form", "message": "Who are you?", "requestedSchema": form("name")});
        assert_eq!(question["params"], params);
        // Answers to what was not asked are nobody's.
        for id in [json!(99), json!("1"), json!("made up"), json!(-1)] {
            peer.tell(&json!({"jsonrpc": "2.0", "id": id, "result": entered("name", "Eve")})).await;
        }
        peer.tell(&answer(&question, &entered("name", "Ada"))).await;
        let done = peer.heard().await;
        assert_eq!((&done["id"], text(&done)), (&json!(7), "Ada"));
        peer.tell(&answer(&question, &entered("name", "Eve"))).await;
        peer.start(&call(8, "trip")).await;
        let (from, roots) = (peer.heard().await, peer.heard().await);
        assert_ne!(from["id"], roots["id"]);
        assert_eq!((&roots["method"], &roots["params"]), (&json!("roots/list"), &json!({})));
        peer.tell(&answer(&roots, &json!({"roots": [{"uri": "file:///home/ada"}]}))).await;
        peer.tell(&answer(&from, &entered("city", "Paris"))).await;
        let to = peer.heard().await;
        assert_eq!(to["params"]["message"], "And to where?");
        peer.tell(&answer(&to, &json!({"action": "decline"}))).await;
        assert!(text(&peer.heard().await).starts_with("Paris to decline with 1, began "));
    }
}

#[tokio::test]
async fn the_model_writes_and_a_page_is_concluded() {
    let (server, _) = asking(plan()).await;
    for mut peer in Peer::all(&server, "2025-11-25", &everything()).await {
        peer.start(&call(1, "sample")).await;
        let question = peer.heard().await;
        assert_eq!(question["method"], "sampling/createMessage");
        assert_eq!(question["params"]["maxTokens"], 50);
        let written = json!({"role": "assistant", "model": "m", "content": {"type": "text", "text": "roses"}});
        peer.tell(&answer(&question, &written)).await;
        assert_eq!(text(&peer.heard().await), "roses");
        peer.start(&call(2, "page")).await;
        let question = peer.heard().await;
        assert_eq!(question["params"]["mode"], "url");
        let id = question["params"]["elicitationId"].clone();
        assert!(id.as_str().is_some_and(|id| id.len() == 32), "{question}");
        peer.tell(&answer(&question, &json!({"action": "accept"}))).await;
        let concluded = peer.heard().await;
        assert_eq!(concluded["method"], "notifications/elicitation/complete");
        assert_eq!(concluded["params"], json!({"elicitationId": id}));
        assert_eq!(text(&peer.heard().await), "accept");
    }
}

#[tokio::test]
async fn a_client_is_asked_only_what_it_declared_and_its_revision_knows() {
    let (server, asker) = asking(plan()).await;
    let form = json!({"elicitation": {}});
    let cases = [
        ("2025-11-25", json!({}), "name", "show a form"),
        ("2025-11-25", json!({"elicitation": null}), "name", "show a form"),
        ("2025-11-25", json!({"elicitation": {"url": {}}}), "name", "show a form"),
        ("2025-11-25", form.clone(), "page", "web page"),
        ("2025-06-18", everything(), "page", "web page"),
        ("2025-03-26", everything(), "name", "show a form"),
        ("2025-11-25", form.clone(), "sample", "its model"),
        ("2025-11-25", form, "roots", "its folders"),
    ];
    let runs = cases.len() * 4;
    for (version, capabilities, tool, words) in cases {
        for mut peer in Peer::all(&server, version, &capabilities).await {
            let refused = peer.ask(&call(1, tool)).await;
            assert_eq!(refused["result"]["isError"], true, "{version} {capabilities} {tool}: {refused}");
            assert!(text(&refused).contains(words), "{refused}");
        }
    }
    assert_eq!(asker.runs(), runs);
    let mut old = Peer::piped(&server, "2025-06-18", &everything()).await;
    old.start(&call(1, "name")).await;
    assert!(old.heard().await["params"].get("mode").is_none(), "that revision knows no modes");
}

#[tokio::test]
async fn answers_that_do_not_fit_and_refusals_of_the_client_are_told() {
    let (server, _) = asking(plan()).await;
    let wrong = [
        (json!({"result": {"action": "accept", "content": {"name": 7}}}), "does not fit the form"),
        (json!({"result": {"action": "accept", "content": {"name": "a", "more": 1}}}), "does not fit the form"),
        (json!({"result": {"action": "accept"}}), "holds nothing"),
        (json!({"result": {"action": "perhaps"}}), "can't be read"),
        (json!({"result": []}), "can't be read"),
        (json!({"error": {"code": -1, "message": "the person\nis away"}}), "no answer: the personis away"),
        (json!({"error": 7}), "gave no answer"),
    ];
    for mut peer in Peer::all(&server, "2025-11-25", &everything()).await {
        for (id, (wrong, words)) in (1..).zip(&wrong) {
            peer.start(&call(id, "name")).await;
            let mut message = wrong.clone();
            message["jsonrpc"] = "2.0".into();
            message["id"] = peer.heard().await["id"].clone();
            peer.tell(&message).await;
            let told = peer.heard().await;
            assert!(told["result"]["isError"] == true && text(&told).contains(words), "{told}");
        }
    }
}

#[tokio::test]
async fn another_session_answers_in_vain() {
    let (server, _) = asking(plan()).await;
    let mut ada = Peer::http(&server, "2025-11-25", &everything()).await;
    let mut eve = Peer::http(&server, "2025-11-25", &everything()).await;
    ada.start(&call(1, "name")).await;
    let question = ada.heard().await;
    eve.tell(&answer(&question, &entered("name", "Eve"))).await;
    let mut piped = Peer::piped(&server, "2025-11-25", &everything()).await;
    piped.tell(&answer(&question, &entered("name", "Mallory"))).await;
    assert_eq!(piped.ask(&json!({"jsonrpc": "2.0", "id": 1, "method": "ping"})).await["result"], json!({}));
    ada.tell(&answer(&question, &entered("name", "Ada"))).await;
    assert_eq!(text(&ada.heard().await), "Ada");
}

#[tokio::test]
async fn nobody_waits_for_ever() {
    let mut plan = plan();
    plan.ask_timeout = Duration::from_millis(50);
    let (server, _) = asking(plan).await;
    for mut peer in Peer::all(&server, "2025-11-25", &everything()).await {
        peer.start(&call(1, "trip")).await;
        let (one, other) = (peer.heard().await, peer.heard().await);
        for question in [one, other] {
            let cancelled = peer.heard().await;
            assert_eq!(cancelled["method"], "notifications/cancelled");
            assert_eq!(cancelled["params"]["requestId"], question["id"]);
        }
        let told = peer.heard().await;
        assert!(told["result"]["isError"] == true && text(&told).contains("no answer came"), "{told}");
    }
}

#[tokio::test]
async fn a_call_that_is_called_off_calls_off_its_questions() {
    let (server, _) = asking(plan()).await;
    for mut peer in Peer::all(&server, "2025-11-25", &everything()).await {
        peer.start(&call(1, "name")).await;
        let question = peer.heard().await;
        peer.tell(&json!({"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": 1}})).await;
        let cancelled = peer.heard().await;
        assert_eq!(cancelled["method"], "notifications/cancelled");
        assert_eq!(cancelled["params"]["requestId"], question["id"]);
        if let Peer::Http { .. } = &peer {
            assert!(peer.next().await.is_none(), "what was called off gets no answer");
        }
        peer.tell(&answer(&question, &entered("name", "too late"))).await;
        let pong = peer.ask(&json!({"jsonrpc": "2.0", "id": 2, "method": "ping"})).await;
        assert_eq!(pong["result"], json!({}));
    }
}

#[tokio::test]
async fn a_call_that_asked_leaves_one_record_that_says_so() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("audit.jsonl");
    let mut plan = plan();
    plan.audit = Some(AuditPlan::new(file.clone()));
    let (server, _) = asking(plan).await;
    let mut peer = Peer::piped(&server, "2025-11-25", &everything()).await;
    peer.start(&call(1, "name")).await;
    let question = peer.heard().await;
    peer.tell(&answer(&question, &entered("name", "Ada"))).await;
    peer.heard().await;
    let records = records(&file);
    assert_eq!(records.len(), 1, "{records:?}");
    assert_eq!((&records[0]["outcome"], &records[0]["flags"]), (&json!("ok"), &json!(["asked"])));
}

#[tokio::test]
async fn a_flood_of_questions_is_bounded() {
    let (server, asker) = asking(plan()).await;
    let mut peer = Peer::piped(&server, "2025-11-25", &everything()).await;
    peer.start(&call(1, "endless")).await;
    let mut asked = 0;
    let told = loop {
        let message = peer.heard().await;
        if message["id"] == 1 && message.get("result").is_some() {
            break message;
        }
        asked += 1;
        peer.tell(&answer(&message, &entered("name", "x"))).await;
    };
    assert_eq!(asked, limits::ASKS_OF_CALL_MAX);
    assert!(told["result"]["isError"] == true && text(&told).contains("given up"), "{told}");
    // All at once as well: what is open in one session is bounded, whichever call asks.
    peer.start(&call(2, "crowd")).await;
    let mut questions = Vec::new();
    for _ in 0..limits::ASKS_OPEN_MAX {
        questions.push(peer.heard().await);
    }
    let refused = peer.ask(&call(3, "name")).await;
    assert!(text(&refused).contains("too many questions"), "{refused}");
    for question in &questions {
        peer.tell(&answer(question, &entered("name", "x"))).await;
    }
    assert_eq!(text(&peer.heard().await), limits::ASKS_OPEN_MAX.to_string());
    peer.start(&call(4, "name")).await;
    assert_eq!(peer.heard().await["method"], "elicitation/create", "there is room again");
    assert_eq!(asker.runs(), 4);
}

#[tokio::test]
async fn the_end_of_a_session_ends_its_questions() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("audit.jsonl");
    let mut plan = plan();
    plan.audit = Some(AuditPlan::new(file.clone()));
    let (server, _) = asking(plan).await;
    let mut peer = Peer::http(&server, "2025-11-25", &everything()).await;
    peer.start(&call(1, "name")).await;
    peer.heard().await;
    let Peer::Http { up, session, .. } = &peer else { panic!("it is HTTP") };
    let mut other = up.connect().await;
    other.send("DELETE", "/mcp", &[("mcp-session-id".to_owned(), session.clone())], "").await;
    assert_eq!(other.answer().await.status, 204);
    while let Some(message) = peer.next().await {
        assert_eq!(message["method"], "notifications/cancelled", "what was called off gets no answer");
    }
    until("the end of the call", || async { records(&file).len() == 1 }).await;
    assert_eq!(records(&file)[0]["outcome"], "cancelled");
}

#[tokio::test]
async fn a_client_that_went_away_is_asked_no_more() {
    let mut plan = plan();
    plan.ask_timeout = Duration::from_millis(200);
    let (server, asker) = asking(plan).await;
    let mut peer = Peer::http(&server, "2025-11-25", &everything()).await;
    peer.start(&call(1, "name")).await;
    peer.heard().await;
    let Peer::Http { up, call, .. } = peer else { panic!("it is HTTP") };
    drop(call);
    until("the end of the call", || async {
        up.connect().await.get("/health", &[]).await.json()["sessions"] == 1 && asker.runs() == 1
    })
    .await;
    up.shutdown.cancel();
    up.serving.await.expect("no panic").expect("it stops in good time");
}
