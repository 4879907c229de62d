//! `notifications/tasks` on a subscription.

use serde_json::json;

use super::{Client, begun, call, following, house};
use crate::support::{plan, up};

#[tokio::test]
async fn a_subscription_tells_how_its_tasks_are_when_that_changes() {
    let (server, jobs) = house(plan()).await;
    let up = up(&server).await;
    let mut http = up.connect().await;
    let mut ids = Vec::new();
    for tool in ["work", "must", "refuse"] {
        ids.push(http.post(&call(1, tool)).await.json()["result"]["taskId"].as_str().expect("an id").to_owned());
    }
    begun(&jobs, 2).await;
    let ended = http.post(&following(2, "tasks/get", json!({"taskId": ids[2]}))).await.json();
    assert_eq!(ended["result"]["status"], "completed", "{ended}");
    let mut stream = up.connect().await;
    let filter = json!({"notifications": {"taskIds": [ids[0], ids[0], ids[2], "never"]}});
    stream.start(&following(9, "subscriptions/listen", filter), &[]).await;
    stream.head().await;
    let acknowledged = stream.event().await.expect("acknowledged")["params"]["notifications"]["taskIds"].clone();
    let mut honoured = vec![json!(ids[0]), json!(ids[2])];
    honoured.sort_by(|a, b| a.as_str().cmp(&b.as_str()));
    assert_eq!(acknowledged, json!(honoured), "each once, and no stranger");
    let told = stream.event().await.expect("what ended before");
    assert_eq!((&told["method"], &told["params"]["taskId"]), (&json!("notifications/tasks"), &json!(ids[2])));
    assert_eq!(told["params"]["_meta"]["io.modelcontextprotocol/subscriptionId"], 9);
    jobs.gate.add_permits(2);
    let told = stream.event().await.expect("what ends now")["params"].clone();
    assert_eq!((&told["taskId"], &told["status"]), (&json!(ids[0]), &json!("completed")));
    assert_eq!(told["result"]["content"][0]["text"], "work", "the whole task, as tasks/get tells it");
    assert!(told.get("resultType").is_none(), "a notification is no result");
    up.shutdown.cancel();
    assert_eq!(stream.event().await.expect("the end")["id"], 9, "the task that is not followed was not told");
}

#[tokio::test]
async fn a_subscription_over_stdio_hears_of_questions() {
    let (server, _) = house(plan()).await;
    let mut ada = Client::of(&server, "ada");
    let id = ada.begin("ask").await;
    ada.settled(&id).await;
    let acknowledged = ada.ask("subscriptions/listen", json!({"notifications": {"taskIds": [id]}})).await;
    assert_eq!(acknowledged["params"]["notifications"]["taskIds"], json!([id]));
    let told = ada.pipe.line().await.expect("how it is");
    assert_eq!(told["params"]["status"], "input_required");
    assert!(told["params"]["inputRequests"].is_object());
    let many: Vec<String> = (0..=portwright_core::limits::TASKS_FOLLOWED_MAX).map(|id| id.to_string()).collect();
    let refused = ada.ask("subscriptions/listen", json!({"notifications": {"taskIds": many}})).await;
    assert_eq!(refused["error"]["code"], -32602);
}
