//! Approval in the queue: the calls that wait, who decides, and who must not.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use portwright_core::limits;
use portwright_server::guard::AuditPlan;
use portwright_server::guard::approve::{ApprovalPlan, By};
use portwright_server::guard::authenticate::key::Key;
use portwright_server::guard::authenticate::keys::{Entry, KeyFile};
use portwright_server::{Server, ServerPlan};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::client::{Answer, Http, modern};
use crate::support::{Up, mount, plan, records, started, until, up};
use crate::till::{Till, asking, patterns, till};

/// A server with a queue: ada and eve call, bob and carol decide.
struct Desk {
    folder: TempDir,
    server: Server,
    up: Up,
    till: Arc<Till>,
    ada: String,
    eve: String,
    bob: String,
    carol: String,
}

pub(crate) fn queue() -> ApprovalPlan {
    ApprovalPlan { by: vec![By::Queue], approvers: vec!["approver".into()], ..asking() }
}

pub(crate) fn key(file: &Path, name: &str, role: &str) -> String {
    let key = Key::generate().expect("random bytes");
    let insert = |keys: &mut KeyFile| {
        let since = "2026-01-01T00:00:00Z".parse().expect("a moment");
        keys.keys.insert(name.to_owned(), Entry::of(&key, vec![role.into()], since, None));
        Ok::<_, ()>(())
    };
    KeyFile::change(file, insert).expect("written").expect("changed");
    format!("Bearer {}", key.reveal().expose())
}

async fn desk(approvals: ApprovalPlan) -> Desk {
    let folder = tempfile::tempdir().expect("folder");
    let file = folder.path().join("keys.toml");
    let [ada, eve, bob, carol] = [("ada", "caller"), ("eve", "caller"), ("bob", "approver"), ("carol", "approver")]
        .map(|(name, role)| key(&file, name, role));
    let audit = Some(AuditPlan::new(folder.path().join("audit.jsonl")));
    let (server, till) = till(ServerPlan { approvals, keys: Some(file), audit, ..plan() }).await;
    let up = up(&server).await;
    Desk { folder, server, up, till, ada, eve, bob, carol }
}

fn pay(sum: u64) -> Value {
    modern(1, "tools/call", json!({"name": "pay", "arguments": {"sum": sum, "password": "hunter2"}}))
}

fn text(answer: &Answer) -> String {
    answer.json()["result"]["content"][0]["text"].as_str().unwrap_or_else(|| panic!("no text in {answer:?}")).to_owned()
}

impl Desk {
    /// A call that waits for its answer.
    async fn start(&self, who: &str, message: &Value) -> Http {
        let mut http = self.up.connect().await;
        http.start(message, &[("authorization", who)]).await;
        http
    }

    async fn get(&self, who: &str, path: &str) -> Answer {
        self.up.connect().await.get(path, &[("authorization", who)]).await
    }

    async fn post(&self, path: &str, headers: &[(&str, &str)], body: &str) -> Answer {
        let mut http = self.up.connect().await;
        let headers: Vec<_> = headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        http.send("POST", path, &headers, body).await;
        http.answer().await
    }

    async fn decide(&self, who: &str, id: &str, decision: &Value) -> Answer {
        let headers = [("authorization", who), ("content-type", "application/json")];
        self.post(&format!("/approvals/{id}"), &headers, &decision.to_string()).await
    }

    /// The calls that wait, once there are so many.
    async fn waiting(&self, count: usize) -> Vec<Value> {
        let list = || async {
            self.get(&self.bob, "/approvals").await.json()["approvals"].as_array().expect("a list").clone()
        };
        until("calls that wait", || async { list().await.len() == count }).await;
        list().await
    }

    async fn id(&self) -> String {
        self.waiting(1).await[0]["id"].as_str().expect("an id").to_owned()
    }

    fn flags(&self) -> Vec<(Value, String)> {
        let told = records(&self.folder.path().join("audit.jsonl")).into_iter();
        told.filter(|it| it["outcome"] != "intent")
            .map(|it| (it["decision"].clone(), it["flags"].to_string()))
            .collect()
    }
}

#[tokio::test]
async fn somebody_else_approves_or_denies() {
    let desk = desk(queue()).await;
    let mut call = desk.start(&desk.ada, &pay(5)).await;
    let listed = desk.waiting(1).await.remove(0);
    let told = ["principal", "auth", "operation", "name", "source", "rule", "state", "read_only"]
        .map(|key| listed[key].clone());
    assert_eq!(
        told,
        [
            json!("ada"),
            json!("key"),
            json!("tools/call"),
            json!("pay"),
            json!("till"),
            json!("approvals.ask[0]"),
            json!("waiting"),
            json!(false)
        ]
    );
    assert!(listed.get("arguments").is_none(), "{listed}");
    let id = desk.id().await;
    let shown = desk.get(&desk.bob, &format!("/approvals/{id}")).await;
    assert_eq!(shown.json()["arguments"], json!({"sum": 5, "password": "[redacted]"}));
    assert_eq!(shown.header("cache-control"), Some("no-store"));
    assert_eq!(desk.till.paid(), 0);
    let approved = desk.decide(&desk.bob, &id, &json!({"decision": "approve"})).await;
    assert_eq!(
        (approved.status, &approved.json()["state"], &approved.json()["decided_by"]),
        (200, &json!("approved"), &json!("bob"))
    );
    assert_eq!(text(&call.answer().await), "done");
    assert_eq!(desk.till.paid(), 1);

    let mut call = desk.start(&desk.ada, &pay(6)).await;
    let id = desk.id().await;
    let reason = "not on\n a Friday\u{202e} \u{1b}[31m";
    assert_eq!(desk.decide(&desk.carol, &id, &json!({"decision": "deny", "reason": reason})).await.status, 200);
    assert_eq!(text(&call.answer().await), "a person declined this call: not on a Friday");
    assert_eq!(desk.till.paid(), 1);
    let flags = desk.flags();
    assert!(
        flags[0].0 == "allow" && flags[0].1.contains("approved_via:queue") && flags[0].1.contains("approved_by:bob"),
        "{flags:?}"
    );
    assert!(flags[1].0 == "deny" && flags[1].1.contains("declined_by:carol"), "{flags:?}");
}

#[tokio::test]
async fn the_first_decision_counts_and_the_second_is_told() {
    let desk = desk(queue()).await;
    let mut call = desk.start(&desk.ada, &pay(5)).await;
    let id = desk.id().await;
    let (yes, no) = (json!({"decision": "approve"}), json!({"decision": "deny"}));
    let (first, second) = tokio::join!(desk.decide(&desk.bob, &id, &yes), desk.decide(&desk.carol, &id, &no));
    let mut statuses = [first.status, second.status];
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 409]);
    let (won, lost) = if first.status == 200 { (first, second) } else { (second, first) };
    assert_eq!(lost.json()["approval"]["state"], won.json()["state"]);
    let done = text(&call.answer().await) == "done";
    assert_eq!((done, desk.till.paid()), (won.json()["state"] == "approved", usize::from(done)));
    assert_eq!(desk.decide(&desk.bob, &id, &yes).await.status, 409, "and for good");
}

#[tokio::test]
async fn nobody_approves_their_own_call() {
    let desk = desk(queue()).await;
    let mut call = desk.start(&desk.bob, &pay(5)).await;
    let id = desk.id().await;
    let own = desk.decide(&desk.bob, &id, &json!({"decision": "approve"})).await;
    assert_eq!((own.status, desk.till.paid()), (403, 0), "{own:?}");
    assert_eq!(desk.decide(&desk.carol, &id, &json!({"decision": "approve"})).await.status, 200);
    assert_eq!(text(&call.answer().await), "done");
    let plan = ServerPlan { approvals: ApprovalPlan { own: true, ..queue() }, ..plan() };
    let mounts = vec![crate::support::mount("till", desk.till.clone())];
    desk.server.reload(&plan, mounts).await.expect("reloaded");
    let mut call = desk.start(&desk.bob, &pay(6)).await;
    let id = desk.id().await;
    assert_eq!(
        desk.decide(&desk.bob, &id, &json!({"decision": "approve"})).await.status,
        200,
        "where the plan says so"
    );
    assert_eq!(text(&call.answer().await), "done");
}

#[tokio::test]
async fn the_queue_is_for_proven_approvers_alone() {
    let desk = desk(queue()).await;
    let _call = desk.start(&desk.ada, &pay(5)).await;
    let id = desk.id().await;
    let one = format!("/approvals/{id}");
    let body = r#"{"decision":"approve"}"#;
    let json = ("content-type", "application/json");
    for path in ["/approvals", &one] {
        assert_eq!(desk.up.connect().await.get(path, &[]).await.status, 401, "this machine alone proves nothing");
        assert_eq!(desk.get(&desk.ada, path).await.status, 403, "{path}");
        assert_eq!(desk.get("Bearer pw_x", path).await.status, 401, "{path}");
    }
    for (headers, status) in [
        (vec![json], 401),
        (vec![json, ("authorization", &*desk.ada)], 403),
        (vec![json, ("authorization", &*desk.eve)], 403),
        (vec![json, ("cookie", &*desk.bob)], 401),
        // What a page of another site can send.
        (vec![("content-type", "text/plain"), ("authorization", &*desk.bob)], 415),
        (vec![json, ("authorization", &*desk.bob), ("origin", "https://evil.example")], 403),
        (vec![json, ("authorization", &*desk.bob), ("host", "evil.example")], 403),
        (
            vec![json, ("authorization", &*desk.bob), ("host", "evil.example:80"), ("origin", "http://evil.example")],
            403,
        ),
    ] {
        let answer = desk.post(&one, &headers, body).await;
        assert_eq!(answer.status, status, "{headers:?}: {answer:?}");
    }
    for odd in ["", "{}", "[]", r#"{"decision":"maybe"}"#, r#"{"decision":"approve","force":true}"#, &" ".repeat(9000)]
    {
        let headers = [json, ("authorization", &*desk.bob)];
        assert_eq!(desk.post(&one, &headers, odd).await.status, 400, "{odd}");
    }
    assert_eq!((desk.id().await, desk.till.paid()), (id, 0), "it still waits");
}

#[tokio::test]
async fn ids_are_not_guessed() {
    let desk = desk(queue()).await;
    let _calls = [desk.start(&desk.ada, &pay(1)).await, desk.start(&desk.ada, &pay(2)).await];
    let ids: Vec<_> = desk.waiting(2).await.iter().map(|it| it["id"].as_str().expect("an id").to_owned()).collect();
    assert!(ids.iter().all(|id| id.len() == 32) && ids[0] != ids[1] && ids[0][..8] != ids[1][..8], "{ids:?}");
    for guess in ["0", "1", &ids[0][..31], &ids[0].to_uppercase(), "../approvals", "%2e%2e", &"0".repeat(32)] {
        let answer = desk.decide(&desk.bob, guess, &json!({"decision": "approve"})).await;
        let same = ids[0] == ids[0].to_uppercase() && guess == ids[0];
        assert!(answer.status == 404 || same, "{guess}: {answer:?}");
    }
    assert_eq!(desk.till.paid(), 0);
}

#[tokio::test]
async fn a_flood_of_one_caller_leaves_room_for_others() {
    let desk = desk(queue()).await;
    let mut calls = Vec::new();
    for sum in 0..limits::APPROVALS_WAITING_OF_ONE_MAX as u64 {
        calls.push(desk.start(&desk.ada, &pay(sum)).await);
    }
    desk.waiting(calls.len()).await;
    let refused = desk.start(&desk.ada, &pay(99)).await.answer().await;
    assert!(text(&refused).contains("too many calls wait"), "{refused:?}");
    let mut other = desk.start(&desk.eve, &pay(1)).await;
    let listed = desk.waiting(calls.len() + 1).await;
    let eves = listed.iter().find(|it| it["principal"] == "eve").expect("a place");
    let id = eves["id"].as_str().expect("an id");
    assert_eq!(desk.decide(&desk.bob, id, &json!({"decision": "approve"})).await.status, 200);
    assert_eq!(text(&other.answer().await), "done");
}

#[tokio::test]
async fn who_waits_for_a_person_keeps_nobody_else_out_and_runs_when_there_is_a_place() {
    let (folder, faulty) =
        (tempfile::tempdir().expect("folder"), Arc::new(portwright_core::testing::Faulty::default()));
    let file = folder.path().join("keys.toml");
    let (ada, bob) = (key(&file, "ada", "caller"), key(&file, "bob", "approver"));
    let mut plan = ServerPlan { approvals: queue(), keys: Some(file), ..plan() };
    plan.limit.total.concurrent = Some(1);
    plan.limit.each.concurrent = Some(1);
    plan.limit.queue_wait = Duration::ZERO;
    let till = Arc::new(Till::default());
    let server = started(plan, vec![mount("till", till.clone()), mount("faulty", faulty.clone())]).await;
    let up = up(&server).await;
    let desk =
        Desk { folder, server, up, till, ada: ada.clone(), eve: ada.clone(), bob: bob.clone(), carol: bob.clone() };
    let plain = |tool: &str| modern(1, "tools/call", json!({"name": tool, "arguments": {}}));
    let mut waiting = [desk.start(&ada, &pay(1)).await, desk.start(&ada, &pay(2)).await];
    let ids = desk.waiting(2).await;
    let look = desk.start(&ada, &plain("look")).await.answer().await;
    assert_eq!(text(&look), "done", "the one place is free");
    // The place is taken, and somebody says yes.
    let running = desk.start(&ada, &plain("wait")).await;
    until("the call to run", || async { faulty.calls() == 1 }).await;
    for id in &ids {
        let id = id["id"].as_str().expect("an id");
        assert_eq!(desk.decide(&bob, id, &json!({"decision": "approve"})).await.status, 200);
    }
    let full = desk.start(&ada, &plain("look")).await.answer().await;
    assert_eq!(full.json()["result"]["isError"], true, "{full:?}");
    assert_eq!(desk.till.paid(), 0, "a yes is no second place");
    drop(running);
    for http in &mut waiting {
        assert_eq!(text(&http.answer().await), "done");
    }
    assert_eq!(desk.till.paid(), 2);
    until("the place to be free again", || async {
        desk.start(&ada, &plain("look")).await.answer().await.json()["result"]["isError"] != true
    })
    .await;
}

#[tokio::test]
async fn whoever_goes_away_waits_no_more() {
    let desk = desk(queue()).await;
    let call = desk.start(&desk.ada, &pay(5)).await;
    let id = desk.id().await;
    drop(call);
    desk.waiting(0).await;
    let late = desk.decide(&desk.bob, &id, &json!({"decision": "approve"})).await;
    assert_eq!((late.status, &late.json()["approval"]["state"]), (409, &json!("cancelled")), "{late:?}");
    assert_eq!(desk.till.paid(), 0);
}

#[tokio::test]
async fn what_nobody_decides_in_time_is_not_made() {
    let desk = desk(ApprovalPlan { wait: Duration::from_millis(300), ..queue() }).await;
    let mut call = desk.start(&desk.ada, &pay(5)).await;
    let id = desk.id().await;
    assert!(text(&call.answer().await).contains("nobody approved this call within"));
    let late = desk.decide(&desk.bob, &id, &json!({"decision": "approve"})).await;
    assert_eq!((late.status, &late.json()["approval"]["state"]), (409, &json!("expired")), "{late:?}");
    assert_eq!(desk.till.paid(), 0);
    let flags = desk.flags();
    assert!(flags[0].0 == "deny" && flags[0].1.contains("unanswered"), "{flags:?}");
}

#[tokio::test]
async fn a_server_that_stops_refuses_those_who_wait() {
    let desk = desk(queue()).await;
    let mut call = desk.start(&desk.ada, &pay(5)).await;
    desk.id().await;
    desk.up.shutdown.cancel();
    assert!(text(&call.answer().await).contains("the server is stopping"));
    desk.up.serving.await.expect("no panic").expect("served");
    assert_eq!(desk.till.paid(), 0);
}

#[tokio::test]
async fn a_client_that_asks_for_progress_hears_that_it_waits() {
    let desk = desk(queue()).await;
    let mut message = pay(5);
    message["params"]["_meta"]["progressToken"] = json!("t");
    let mut call = desk.start(&desk.ada, &message).await;
    assert!(call.head().await.contains("text/event-stream"));
    let told = call.event().await.expect("progress");
    let id = desk.id().await;
    let words = told["params"]["message"].as_str().expect("a message");
    assert!(words.contains("waiting for a person's approval") && words.contains(&id), "{told}");
    desk.decide(&desk.bob, &id, &json!({"decision": "approve"})).await;
    assert_eq!(call.event().await.expect("an answer")["result"]["content"][0]["text"], "done");
}

#[tokio::test]
async fn a_call_that_may_be_a_task_waits_as_one() {
    let desk = desk(queue()).await;
    let able = |mut message: Value| {
        message["params"]["_meta"]["io.modelcontextprotocol/clientCapabilities"] =
            json!({"extensions": {"io.modelcontextprotocol/tasks": {}}});
        message
    };
    let call = able(modern(1, "tools/call", json!({"name": "slow_pay", "arguments": {}})));
    let begun = desk.start(&desk.ada, &call).await.answer().await.json();
    assert_eq!(begun["result"]["resultType"], "task", "{begun}");
    let get = able(modern(2, "tasks/get", json!({"taskId": begun["result"]["taskId"]})));
    let id = desk.id().await;
    let task = || async { desk.start(&desk.ada, &get).await.answer().await.json() };
    until("the message", || async {
        task().await["result"]["statusMessage"].as_str().is_some_and(|it| it.contains(&id))
    })
    .await;
    assert_eq!((task().await["result"]["status"].clone(), desk.till.paid()), (json!("working"), 0));
    assert_eq!(desk.decide(&desk.bob, &id, &json!({"decision": "approve"})).await.status, 200);
    until("the end", || async { task().await["result"]["status"] == "completed" }).await;
    assert_eq!(desk.till.paid(), 1);
}

#[tokio::test]
async fn a_role_is_asked_about_where_others_are_not() {
    let approvals =
        ApprovalPlan { ask: Vec::new(), roles: vec![("caller".into(), patterns(&["tools:till.pay"]))], ..queue() };
    let desk = desk(approvals).await;
    assert_eq!(text(&desk.start(&desk.bob, &pay(1)).await.answer().await), "done");
    let _call = desk.start(&desk.ada, &pay(2)).await;
    assert_eq!(desk.waiting(1).await[0]["rule"], "roles.caller.approve[0]");
}

#[tokio::test]
async fn without_approvers_there_is_no_such_page() {
    let desk = desk(ApprovalPlan { approvers: Vec::new(), ..queue() }).await;
    let (none, other) = (desk.get(&desk.bob, "/approvals").await, desk.get(&desk.bob, "/nothing").await);
    assert_eq!((none.status, none.body), (404, other.body));
}
