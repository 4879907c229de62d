//! What the audit says of calls that were tasks, however they end.

use std::time::Duration;

use portwright_server::guard::AuditPlan;
use serde_json::{Value, json};
use tempfile::TempDir;

use super::{Client, begun, house};
use crate::support::plan;

fn records(folder: &TempDir) -> Vec<Value> {
    let text = std::fs::read_to_string(folder.path().join("audit.jsonl")).expect("the audit");
    text.lines().map(|line| serde_json::from_str(line).expect("a record")).collect()
}

/// Name and outcome of each record.
fn outcomes(folder: &TempDir) -> Vec<(String, String)> {
    let field = |record: &Value, key: &str| record[key].as_str().unwrap_or_default().to_owned();
    records(folder).iter().map(|record| (field(record, "name"), field(record, "outcome"))).collect()
}

fn pair(name: &str, outcome: &str) -> (String, String) {
    (name.to_owned(), outcome.to_owned())
}

#[tokio::test]
async fn a_task_leaves_one_record_when_it_ends_and_asking_for_it_leaves_none() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut plan = plan();
    plan.audit = Some(AuditPlan::new(folder.path().join("audit.jsonl")));
    let (server, jobs) = house(plan).await;
    let mut ada = Client::of(&server, "ada");
    let id = ada.begin("save").await;
    begun(&jobs, 1).await;
    assert_eq!(outcomes(&folder), [pair("save", "intent")], "announced, and not ended");
    for method in ["tasks/get", "tasks/update", "tasks/get"] {
        ada.ask(method, json!({"taskId": id, "inputResponses": {}})).await;
    }
    ada.get("never").await;
    jobs.finish();
    ada.settled(&id).await;
    let id = ada.begin("work").await;
    begun(&jobs, 2).await;
    ada.ask("tasks/cancel", json!({"taskId": id})).await;
    ada.settled(&id).await;
    for tool in ["break", "big"] {
        let id = ada.begin(tool).await;
        ada.settled(&id).await;
    }
    ada.call("at_once").await;
    let expected = [
        pair("save", "intent"),
        pair("save", "ok"),
        pair("work", "cancelled"),
        pair("break", "failed"),
        pair("big", "failed"),
        pair("at_once", "ok"),
    ];
    assert_eq!(outcomes(&folder), expected);
    let records = records(&folder);
    let flags = |at: usize| &records[at]["flags"];
    assert_eq!((flags(0), flags(1), flags(5)), (&json!([]), &json!(["task"]), &json!([])));
    assert_eq!(records[1]["principal"], "ada");
}

#[tokio::test]
async fn tasks_that_run_when_the_server_stops_are_called_off_and_recorded() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut plan = plan();
    plan.audit = Some(AuditPlan::new(folder.path().join("audit.jsonl")));
    plan.listen.drain = Duration::from_millis(50);
    let (server, jobs) = house(plan).await;
    let mut ada = Client::of(&server, "ada");
    ada.begin("work").await;
    ada.begin("stubborn").await;
    let asks = ada.begin("ask").await;
    begun(&jobs, 2).await;
    assert_eq!(ada.settled(&asks).await["status"], "input_required");
    server.stop().await;
    let mut ended = outcomes(&folder);
    ended.sort();
    assert_eq!(ended, [pair("ask", "cancelled"), pair("stubborn", "cancelled"), pair("work", "cancelled")]);
    assert_eq!(jobs.stopped(), 1);
}

#[tokio::test]
async fn a_stopping_server_lets_a_task_end() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut plan = plan();
    plan.audit = Some(AuditPlan::new(folder.path().join("audit.jsonl")));
    let (server, jobs) = house(plan).await;
    let mut ada = Client::of(&server, "ada");
    ada.begin("work").await;
    begun(&jobs, 1).await;
    let stopping = tokio::spawn({
        let server = server.clone();
        async move { server.stop().await }
    });
    jobs.finish();
    stopping.await.expect("no panic");
    assert_eq!(outcomes(&folder), [pair("work", "ok")]);
}
