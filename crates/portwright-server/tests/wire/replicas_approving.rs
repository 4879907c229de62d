//! Approval where there are several replicas: a call waits at one, and whoever decides reaches another.

use std::path::PathBuf;
use std::sync::Arc;

use portwright_core::Secret;
use portwright_server::guard::approve::{ApprovalPlan, By};
use portwright_server::guard::limit::WhenDown;
use portwright_server::{ReplicaPlan, ServerPlan};
use serde_json::{Value, json};

use crate::approvals::{key, queue};
use crate::asker::Asker;
use crate::client::{Answer, Http, modern};
use crate::replicas::acquainted;
use crate::sharing::Redis;
use crate::support::{Up, mount, plan, started, until, up};
use crate::till::{Till, asking, till};

struct Replica {
    up: Up,
    till: Arc<Till>,
}

impl Replica {
    async fn start(redis: &Redis, keys: Option<PathBuf>, approvals: ApprovalPlan) -> Self {
        let replicas = ReplicaPlan {
            secret: Secret::new("a secret that all replicas know, and nobody else"),
            store: Some(redis.plan(WhenDown::Closed).url),
            prefix: "test".to_owned(),
        };
        let (server, till) = till(ServerPlan { approvals, keys, replicas: Some(replicas), ..plan() }).await;
        Self { up: up(&server).await, till }
    }

    async fn start_call(&self, who: &str, sum: u64) -> Http {
        let mut http = self.up.connect().await;
        let pay = modern(1, "tools/call", json!({"name": "pay", "arguments": {"sum": sum}}));
        http.start(&pay, &[("authorization", who)]).await;
        http
    }

    async fn get(&self, who: &str, path: &str) -> Answer {
        self.up.connect().await.get(path, &[("authorization", who)]).await
    }

    async fn decide(&self, who: &str, id: &str, decision: Value) -> Answer {
        let mut http = self.up.connect().await;
        let headers = [("authorization", who), ("content-type", "application/json")];
        let headers = headers.map(|(name, value)| (name.to_owned(), value.to_owned()));
        http.send("POST", &format!("/approvals/{id}"), &headers, &decision.to_string()).await;
        http.answer().await
    }

    async fn waiting(&self, who: &str, count: usize) -> Vec<Value> {
        let list = async || self.get(who, "/approvals").await.json()["approvals"].as_array().expect("a list").clone();
        until("calls that wait", async || list().await.len() == count).await;
        list().await
    }
}

#[tokio::test]
async fn a_call_that_waits_at_one_replica_is_decided_at_another() {
    let Some(redis) = Redis::start().await else { return };
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("keys.toml");
    let (ada, bob) = (key(&file, "ada", "caller"), key(&file, "bob", "approver"));
    let one = Replica::start(&redis, Some(file.clone()), queue()).await;
    let other = Replica::start(&redis, Some(file.clone()), queue()).await;
    acquainted(&redis).await;
    let (mut first, mut second) = (one.start_call(&ada, 1).await, one.start_call(&ada, 2).await);
    let mut third = other.start_call(&ada, 3).await;
    for replica in [&one, &other] {
        let waiting = replica.waiting(&bob, 3).await;
        assert!(waiting.iter().all(|call| call["arguments"].is_null()), "lists tell no arguments");
    }
    let of = async |sum: u64| {
        for call in other.waiting(&bob, 3).await {
            let id = call["id"].as_str().expect("an id").to_owned();
            let shown = other.get(&bob, &format!("/approvals/{id}")).await.json();
            if shown["arguments"]["sum"] == sum {
                return id;
            }
        }
        panic!("no call for {sum}");
    };
    let (pay_one, pay_two, pay_three) = (of(1).await, of(2).await, of(3).await);
    assert_eq!(other.decide(&ada, &pay_one, json!({"decision": "approve"})).await.status, 403, "she is no approver");
    let done = other.decide(&bob, &pay_one, json!({"decision": "approve"})).await;
    assert_eq!((done.status, &done.json()["state"]), (200, &json!("approved")), "{done:?}");
    assert!(first.answer().await.body.contains("done"));
    let late = other.decide(&bob, &pay_one, json!({"decision": "deny"})).await;
    assert_eq!((late.status, &late.json()["approval"]["state"]), (409, &json!("approved")), "it counts once");
    let denied = other.decide(&bob, &pay_two, json!({"decision": "deny", "reason": "not on a Friday"})).await;
    assert_eq!(denied.status, 200);
    assert!(second.answer().await.body.contains("not on a Friday"));
    assert_eq!(one.decide(&bob, &pay_three, json!({"decision": "approve"})).await.status, 200);
    assert!(third.answer().await.body.contains("done"));
    assert_eq!((one.till.paid(), other.till.paid()), (1, 1), "each ran where it waited");
    assert_eq!(other.decide(&bob, &"0".repeat(32), json!({"decision": "approve"})).await.status, 404);
    // One's own call is nobody's own to decide, wherever it waits.
    let mut own = one.start_call(&bob, 4).await;
    let id = other.waiting(&bob, 1).await[0]["id"].as_str().expect("an id").to_owned();
    assert_eq!(other.decide(&bob, &id, json!({"decision": "approve"})).await.status, 403);
    let carol = key(&file, "carol", "approver");
    until("carol's key to be known", async || other.get(&carol, "/approvals").await.status == 200).await;
    assert_eq!(other.decide(&carol, &id, json!({"decision": "approve"})).await.status, 200);
    assert!(own.answer().await.body.contains("done"));
}

#[tokio::test]
async fn a_yes_that_a_client_carries_counts_once_at_whichever_replica() {
    let Some(redis) = Redis::start().await else { return };
    let by_client = || ApprovalPlan { by: vec![By::Client], ..asking() };
    let one = Replica::start(&redis, None, by_client()).await;
    let other = Replica::start(&redis, None, by_client()).await;
    acquainted(&redis).await;
    let mut pay = modern(1, "tools/call", json!({"name": "pay", "arguments": {"sum": 5}}));
    pay["params"]["_meta"]["io.modelcontextprotocol/clientCapabilities"] = json!({"elicitation": {"form": {}}});
    let asked = one.up.connect().await.post(&pay).await.json();
    let key =
        asked["result"]["inputRequests"].as_object().and_then(|all| all.keys().next()).expect("a question").clone();
    let mut again = pay.clone();
    again["params"]["requestState"] = asked["result"]["requestState"].clone();
    again["params"]["inputResponses"] = json!({key: {"action": "accept"}});
    let done = other.up.connect().await.post(&again).await;
    assert_eq!(done.json()["result"]["content"][0]["text"], "done", "{done:?}");
    for replica in [&one, &other] {
        let twice = replica.up.connect().await.post(&again).await.json();
        assert_eq!(twice["result"]["resultType"], "input_required", "asked anew: {twice}");
    }
    assert_eq!((one.till.paid(), other.till.paid()), (0, 1));
}

#[tokio::test]
async fn an_answer_that_a_client_carries_counts_once_at_whichever_replica() {
    let Some(redis) = Redis::start().await else { return };
    let plan = || ServerPlan {
        replicas: Some(ReplicaPlan {
            secret: Secret::new("a secret that all replicas know, and nobody else"),
            store: Some(redis.plan(WhenDown::Closed).url),
            prefix: "test".to_owned(),
        }),
        ..plan()
    };
    let (mut ups, mut askers) = (Vec::new(), Vec::new());
    for _ in 0..2 {
        let asker = Arc::new(Asker::default());
        ups.push(up(&started(plan(), vec![mount("asker", asker.clone())]).await).await);
        askers.push(asker);
    }
    let mut call = modern(1, "tools/call", json!({"name": "name", "arguments": {}}));
    call["params"]["_meta"]["io.modelcontextprotocol/clientCapabilities"] = json!({"elicitation": {"form": {}}});
    let answered = async |up: &Up| {
        let asked = up.connect().await.post(&call).await.json();
        let mut again = call.clone();
        again["params"]["requestState"] = asked["result"]["requestState"].clone();
        again["params"]["inputResponses"] = json!({"name": {"action": "accept", "content": {"name": "Ada"}}});
        again
    };
    let again = answered(&ups[0]).await;
    let at = |number: usize| (&ups[number % 2], &again);
    let runs = (0..6).map(at).map(|(up, again)| async { up.connect().await.post(again).await.json() });
    let answers = futures::future::join_all(runs).await;
    let done = answers.iter().filter(|answer| answer["result"]["content"][0]["text"] == "Ada").count();
    assert_eq!((done, askers[0].runs() + askers[1].runs()), (1, 2), "{answers:?}");
    let again = answered(&ups[0]).await;
    redis.signal("STOP");
    let refused = ups[1].connect().await.post(&again).await.json();
    assert_eq!(askers[1].runs() + askers[0].runs(), 3, "nobody can tell whether it was used: {refused}");
    redis.signal("CONT");
}
