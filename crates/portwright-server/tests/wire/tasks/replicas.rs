//! A task that one replica keeps, asked for at another.

use std::sync::Arc;

use portwright_core::Secret;
use portwright_server::ReplicaPlan;
use portwright_server::guard::limit::WhenDown;
use serde_json::{Value, json};

use super::{Jobs, begun, following};
use crate::keys::add;
use crate::replicas::acquainted;
use crate::sharing::Redis;
use crate::support::{Up, mount, plan, started, until, up};

async fn replica(redis: &Redis, keys: &std::path::Path) -> (Arc<Jobs>, Up) {
    let mut plan = plan();
    plan.keys = Some(keys.to_owned());
    plan.replicas = Some(ReplicaPlan {
        secret: Secret::new("a secret that all replicas know, and nobody else"),
        store: Some(redis.plan(WhenDown::Closed).url),
        prefix: "test".to_owned(),
    });
    let jobs = Jobs::new();
    let server = started(plan, vec![mount("jobs", jobs.clone())]).await;
    (jobs, up(&server).await)
}

async fn ask(up: &Up, who: &str, method: &str, params: Value) -> Value {
    up.connect().await.post_with(&following(1, method, params), &[("authorization", who)]).await.json()
}

#[tokio::test]
async fn a_task_is_asked_for_answered_and_called_off_at_every_replica() {
    let Some(redis) = Redis::start().await else { return };
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("keys.toml");
    let (ada, bob) = (add(&file, "ada"), add(&file, "bob"));
    let ((jobs, one), (_, other)) = (replica(&redis, &file).await, replica(&redis, &file).await);
    acquainted(&redis).await;
    let begin = async |tool: &str| {
        let answer = ask(&one, &ada, "tools/call", json!({"name": tool})).await;
        answer["result"]["taskId"].as_str().unwrap_or_else(|| panic!("no task: {answer}")).to_owned()
    };
    let get = async |who: &str, id: &str| ask(&other, who, "tasks/get", json!({"taskId": id})).await;
    let work = begin("work").await;
    begun(&jobs, 1).await;
    assert_eq!(get(&ada, &work).await["result"]["status"], "working");
    assert_eq!(get(&bob, &work).await["error"]["code"], -32602, "another's looks like none");
    assert_eq!(get(&ada, &"0".repeat(48)).await["error"], get(&bob, &work).await["error"]);
    jobs.finish();
    until("the work to end", async || get(&ada, &work).await["result"]["status"] == "completed").await;
    assert_eq!(get(&ada, &work).await["result"]["result"]["content"][0]["text"], "work");
    // A question is answered from elsewhere, and a wrong answer is told of there.
    let asks = begin("ask").await;
    for name in ["Ada", "Lovelace"] {
        until("a question", async || get(&ada, &asks).await["result"]["status"] == "input_required").await;
        let requests = get(&ada, &asks).await["result"]["inputRequests"].clone();
        let key = requests.as_object().and_then(|all| all.keys().next()).expect("a question").clone();
        let update = |answer: Value| json!({"taskId": asks, "inputResponses": {key.clone(): answer}});
        let wrong = ask(&other, &ada, "tasks/update", update(json!({"action": "perhaps"}))).await;
        assert_eq!(wrong["error"]["code"], -32602, "{wrong}");
        let right = json!({"action": "accept", "content": {"name": name}});
        assert_eq!(ask(&other, &ada, "tasks/update", update(right)).await["result"]["resultType"], "complete");
        until("the answer to count", async || get(&ada, &asks).await["result"]["inputRequests"] != requests).await;
    }
    until("the end", async || get(&ada, &asks).await["result"]["status"] == "completed").await;
    assert_eq!(get(&ada, &asks).await["result"]["result"]["content"][0]["text"], "ask Ada Lovelace");
    let long = begin("work").await;
    assert_eq!(ask(&other, &bob, "tasks/cancel", json!({"taskId": long})).await["error"]["code"], -32602);
    assert_eq!(ask(&other, &ada, "tasks/cancel", json!({"taskId": long})).await["result"]["resultType"], "complete");
    until("the work to stop", async || get(&ada, &long).await["result"]["status"] == "cancelled").await;
}
