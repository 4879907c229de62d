//! A task that asks its client something waits for the answer.

use serde_json::json;

use super::{Client, EXTENSION, house};
use crate::client::modern;
use crate::support::plan;

fn accept(name: &str) -> serde_json::Value {
    json!({"action": "accept", "content": {"name": name}})
}

#[tokio::test]
async fn a_question_makes_a_task_wait_for_its_answer() {
    let (server, _) = house(plan()).await;
    let mut ada = Client::of(&server, "ada");
    let id = ada.begin("ask").await;
    let asks = ada.settled(&id).await;
    assert_eq!(asks["status"], "input_required");
    let requests = asks["inputRequests"].as_object().expect("requests");
    let (first, request) = requests.iter().next().expect("one request");
    assert_eq!(
        (requests.len(), &request["method"], &request["params"]["message"]),
        (1, &json!("elicitation/create"), &json!("Who?"))
    );
    let update = |key: &str, answer| json!({"taskId": id, "inputResponses": {key: answer}});
    let wrong = ada.ask("tasks/update", update(first, json!({"action": "perhaps"}))).await;
    assert_eq!(wrong["error"]["code"], -32602, "{wrong}");
    let stranger = ada.ask("tasks/update", update("never-asked", json!(1))).await;
    assert_eq!(stranger["result"]["resultType"], "complete", "what is not asked is ignored");
    assert_eq!(ada.get(&id).await["result"]["inputRequests"], asks["inputRequests"], "the question stands");
    ada.ask("tasks/update", update(first, accept("Ada"))).await;
    let asks = ada.settled(&id).await;
    let second =
        asks["inputRequests"].as_object().and_then(|map| map.keys().next()).expect("a second question").clone();
    assert_ne!(&second, first, "a key is never used twice");
    ada.ask("tasks/update", update(first, accept("Eve"))).await;
    ada.ask("tasks/update", update(&second, accept("Lovelace"))).await;
    let end = ada.settled(&id).await;
    assert_eq!(end["result"]["content"][0]["text"], "ask Ada Lovelace");
    assert!(end.get("inputRequests").is_none());
    assert_eq!(ada.ask("tasks/update", update(&second, accept("Eve"))).await["result"]["resultType"], "complete");
}

#[tokio::test]
async fn a_task_that_waits_can_be_called_off() {
    let (server, _) = house(plan()).await;
    let mut ada = Client::of(&server, "ada");
    let id = ada.begin("ask").await;
    assert_eq!(ada.settled(&id).await["status"], "input_required");
    ada.ask("tasks/cancel", json!({"taskId": id})).await;
    let end = ada.until(&id, |status| status != "input_required").await;
    assert_eq!((&end["status"], end.get("inputRequests")), (&json!("cancelled"), None));
}

#[tokio::test]
async fn a_question_before_the_task_ends_the_call_and_one_within_makes_it_wait() {
    let (server, _) = house(plan()).await;
    let mut ada = Client::of(&server, "ada");
    let round = ada.call("ask_first").await["result"].clone();
    assert_eq!((&round["resultType"], round.get("taskId")), (&json!("input_required"), None));
    assert_eq!(round["inputRequests"]["first"]["method"], "elicitation/create");
    let again = json!({
        "name": "ask_first", "requestState": round["requestState"], "inputResponses": {"first": accept("Ada")}
    });
    let task = ada.ask("tools/call", again).await["result"].clone();
    assert_eq!(task["resultType"], "task");
    assert!(task.get("requestState").is_none() && task.get("inputRequests").is_none(), "{task}");
    let id = task["taskId"].as_str().expect("an id");
    let asks = ada.settled(id).await;
    let keys: Vec<_> = asks["inputRequests"].as_object().expect("requests").keys().collect();
    assert_eq!(keys, ["second"], "the first was answered before");
    ada.ask("tasks/update", json!({"taskId": id, "inputResponses": {"second": accept("Lovelace")}})).await;
    let end = ada.settled(id).await;
    let text = end["result"]["content"][0]["text"].as_str().expect("a text");
    assert_eq!(text, r#"Some("Ada") Some("Lovelace") Some(String("it"))"#);
}

#[tokio::test]
async fn a_task_does_not_ask_a_client_that_does_not_answer() {
    let (server, _) = house(plan()).await;
    let mut ada = Client::of(&server, "ada");
    let mut call = modern(1, "tools/call", json!({"name": "ask"}));
    call["params"]["_meta"]["io.modelcontextprotocol/clientCapabilities"] = json!({"extensions": {EXTENSION: {}}});
    let id = ada.pipe.ask(&call).await["result"]["taskId"].as_str().expect("an id").to_owned();
    let end = ada.settled(&id).await;
    assert_eq!((&end["status"], &end["error"]["code"]), (&json!("failed"), &json!(-32021)));
    assert_eq!(end["error"]["data"]["requiredCapabilities"], json!({"elicitation": {"form": {}}}));
}
