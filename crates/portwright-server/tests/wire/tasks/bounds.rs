//! Whose tasks they are, how many there may be, and how long they last.

use std::time::Duration;

use serde_json::json;

use super::{Client, begun, call, following, house};
use crate::support::{plan, until, up};

#[tokio::test]
async fn a_task_is_its_principals_alone() {
    let (server, jobs) = house(plan()).await;
    let (mut ada, mut eve) = (Client::of(&server, "ada"), Client::of(&server, "eve"));
    let id = ada.begin("work").await;
    begun(&jobs, 1).await;
    for (method, params) in
        [("tasks/get", json!({})), ("tasks/update", json!({"inputResponses": {}})), ("tasks/cancel", json!({}))]
    {
        let [of_ada, never] = [id.as_str(), "never"].map(|id| {
            let mut params = params.clone();
            params["taskId"] = id.into();
            params
        });
        let (seen, unknown) = (eve.ask(method, of_ada).await, eve.ask(method, never).await);
        assert_eq!(seen["error"], unknown["error"], "{method}: it looks like none");
        assert_eq!(seen["error"]["code"], -32602);
    }
    let listening = eve.ask("subscriptions/listen", json!({"notifications": {"taskIds": [id]}})).await;
    assert_eq!(listening["params"]["notifications"], json!({}), "nor is it followed");
    assert_eq!(ada.get(&id).await["result"]["status"], "working", "eve did not call it off");
    assert_eq!(Client::of(&server, "ada").get(&id).await["result"]["status"], "working", "ada may come back");
}

#[tokio::test]
async fn one_principal_has_so_many_tasks_and_others_have_room() {
    let mut plan = plan();
    plan.tasks.max_of_one = 2;
    let (server, jobs) = house(plan).await;
    let (mut ada, mut bob) = (Client::of(&server, "ada"), Client::of(&server, "bob"));
    let ids = [ada.begin("work").await, ada.begin("must").await];
    assert_eq!(ada.call("must").await["result"]["isError"], true, "there is no room");
    jobs.gate.add_permits(3);
    let waited = ada.call("work").await;
    assert_eq!(waited["result"]["content"][0]["text"], "work", "without a task, the client waits");
    for id in &ids {
        assert_eq!(ada.settled(id).await["status"], "completed");
    }
    assert_eq!(ada.call("must").await["result"]["isError"], true, "what was promised is kept");
    bob.begin("must").await;
}

#[tokio::test]
async fn a_task_is_kept_for_its_time() {
    let mut plan = plan();
    plan.tasks.max_of_one = 1;
    // Kept for at least as long as it may run and its source may take to stop.
    (plan.tasks.timeout, plan.tasks.ttl) = (Duration::ZERO, Duration::ZERO);
    let (server, _) = house(plan).await;
    let mut ada = Client::of(&server, "ada");
    let id = ada.begin("refuse").await;
    assert_eq!(ada.get(&id).await["result"]["ttlMs"], 4000);
    let pipe = tokio::sync::Mutex::new(ada);
    until("the task's end", || async { pipe.lock().await.get(&id).await["error"]["code"] == -32602 }).await;
    pipe.lock().await.begin("refuse").await;
}

#[tokio::test]
async fn a_task_may_take_longer_than_a_call_but_not_for_ever() {
    let mut plan = plan();
    plan.call_timeout = Duration::from_millis(50);
    plan.tasks.timeout = Duration::from_millis(400);
    let (server, jobs) = house(plan).await;
    let mut ada = Client::of(&server, "ada");
    let id = ada.begin("work").await;
    let end = ada.settled(&id).await;
    assert_eq!((&end["status"], &end["result"]["isError"]), (&json!("completed"), &json!(true)));
    let words = end["result"]["content"][0]["text"].as_str().expect("words");
    assert!(words.contains("0.4 s"), "the task's time, not the call's: {words}");
    let late = ada.call("later").await;
    let words = late["result"]["content"][0]["text"].as_str().expect("words");
    assert!(words.contains("0.1 s") || words.contains("0.0 s"), "no task yet, so the call's time: {words}");
    assert_eq!(jobs.stopped(), 2);
}

#[tokio::test]
async fn who_goes_before_the_task_calls_the_work_off_and_who_goes_later_does_not() {
    let (server, jobs) = house(plan()).await;
    let up = up(&server).await;
    let mut http = up.connect().await;
    http.start(&call(1, "later"), &[]).await;
    begun(&jobs, 1).await;
    drop(http);
    until("the end of the work", || async { jobs.stopped() == 1 }).await;
    let mut http = up.connect().await;
    http.start(&call(2, "later"), &[]).await;
    begun(&jobs, 2).await;
    jobs.finish();
    let id = http.answer().await.json()["result"]["taskId"].clone();
    drop(http);
    begun(&jobs, 3).await;
    jobs.finish();
    let mut http = up.connect().await;
    let mut get = async || http.post(&following(3, "tasks/get", json!({"taskId": id}))).await.json()["result"].clone();
    while get().await["status"] == "working" {
        tokio::task::yield_now().await;
    }
    assert_eq!(get().await["result"]["content"][0]["text"], "later");
    assert_eq!(jobs.stopped(), 1);
}
