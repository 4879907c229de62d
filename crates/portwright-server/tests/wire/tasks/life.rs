//! How a task begins, is asked for, and ends.

use serde_json::json;

use super::{Client, EXTENSION, begun, call, following, house};
use crate::client::{headers_for, initialize, modern};
use crate::support::{pipe, plan, up};

#[tokio::test]
async fn a_task_is_told_when_it_begins_while_it_works_and_when_it_has_ended() {
    let (server, jobs) = house(plan()).await;
    let mut ada = Client::of(&server, "ada");
    let answer = ada.call("work").await["result"].clone();
    assert_eq!((&answer["resultType"], &answer["status"]), (&json!("task"), &json!("working")));
    for absent in ["result", "error", "inputRequests", "requestState", "content", "task", "ttl", "pollInterval"] {
        assert!(answer.get(absent).is_none(), "{absent}: {answer}");
    }
    let id = answer["taskId"].as_str().expect("an id").to_owned();
    assert_eq!(id.len(), 48, "192 bits");
    begun(&jobs, 1).await;
    let working = ada.get(&id).await["result"].clone();
    assert_eq!((&working["resultType"], &working["status"]), (&json!("complete"), &json!("working")));
    assert_eq!(working["statusMessage"], "half way", "progress is the task's message");
    jobs.finish();
    let done = ada.settled(&id).await;
    assert_eq!((&done["status"], &done["createdAt"]), (&json!("completed"), &answer["createdAt"]));
    assert_eq!(done["result"], json!({"content": [{"type": "text", "text": "work"}], "isError": false}));
    assert_eq!(done["ttlMs"], answer["ttlMs"]);
    let cancelled = ada.ask("tasks/cancel", json!({"taskId": id})).await;
    assert_eq!(cancelled["result"]["resultType"], "complete", "what has ended is called off in vain");
    assert_eq!(ada.get(&id).await["result"]["status"], "completed");
}

#[tokio::test]
async fn a_client_that_can_not_follow_tasks_waits_or_is_told_what_it_lacks() {
    let (server, jobs) = house(plan()).await;
    let mut pipe = pipe(&server);
    jobs.finish();
    let answer = pipe.ask(&modern(1, "tools/call", json!({"name": "work"}))).await;
    assert_eq!(
        (&answer["result"]["resultType"], &answer["result"]["content"][0]["text"]),
        (&json!("complete"), &json!("work"))
    );
    jobs.gate.add_permits(2);
    let answer = pipe.ask(&modern(2, "tools/call", json!({"name": "later"}))).await;
    assert_eq!(answer["result"]["content"][0]["text"], "later", "the source need not know");
    let lacking = json!({"requiredCapabilities": {"extensions": {EXTENSION: {}}}});
    for (method, params) in [
        ("tools/call", json!({"name": "must"})),
        ("tasks/get", json!({"taskId": "any"})),
        ("tasks/update", json!({"taskId": "any", "inputResponses": {}})),
        ("tasks/cancel", json!({"taskId": "any"})),
        ("subscriptions/listen", json!({"notifications": {"taskIds": ["any"]}})),
    ] {
        let answer = pipe.ask(&modern(3, method, params)).await;
        assert_eq!(
            (&answer["error"]["code"], &answer["error"]["data"]),
            (&json!(-32021), &lacking),
            "{method}: {answer}"
        );
    }
    let mut old = crate::support::pipe(&server);
    assert!(old.ask(&initialize("2025-11-25")).await["result"]["capabilities"].get("extensions").is_none());
    old.send(r#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#).await;
    let call = json!({"jsonrpc": "2.0", "id": 4, "method": "tools/call", "params": {"name": "must"}});
    assert_eq!(old.ask(&call).await["result"]["isError"], true);
    let get = json!({"jsonrpc": "2.0", "id": 5, "method": "tasks/get", "params": {"taskId": "any"}});
    assert_eq!(old.ask(&get).await["error"]["code"], -32601);
    assert_eq!(jobs.begun(), 3);
}

#[tokio::test]
async fn over_http_headers_and_statuses_are_those_of_other_methods() {
    let (server, jobs) = house(plan()).await;
    let up = up(&server).await;
    let mut http = up.connect().await;
    let discovered = http.post(&following(1, "server/discover", json!({}))).await.json();
    assert_eq!(discovered["result"]["capabilities"]["extensions"], json!({EXTENSION: {}}));
    let refused = http.post(&modern(2, "tools/call", json!({"name": "must"}))).await;
    assert_eq!((refused.status, refused.error_code()), (400, -32021));
    let id = http.post(&call(3, "must")).await.json()["result"]["taskId"].clone();
    let get = following(4, "tasks/get", json!({"taskId": id}));
    assert!(headers_for(&get).iter().any(|(name, value)| name == "mcp-name" && *value == id), "the client sends it");
    let told = http.post(&get).await;
    assert_eq!((told.status, &told.json()["result"]["taskId"]), (200, &id));
    for wrong in ["", "another"] {
        let refused = http.post_with(&get, &[("mcp-name", wrong)]).await;
        assert_eq!((refused.status, refused.error_code()), (400, -32020), "{wrong:?}");
    }
    let unknown = http.post(&following(5, "tasks/get", json!({"taskId": "never"}))).await;
    assert_eq!(unknown.error_code(), -32602);
    for wrong in [json!({}), json!({"taskId": 7}), json!({"taskId": null}), json!({"taskId": [id]})] {
        for method in ["tasks/get", "tasks/update", "tasks/cancel"] {
            assert_eq!(http.post(&following(6, method, wrong.clone())).await.error_code(), -32602, "{wrong}");
        }
    }
    for wrong in [json!(null), json!([]), json!("x"), json!(1)] {
        let update = following(6, "tasks/update", json!({"taskId": id, "inputResponses": wrong}));
        assert_eq!(http.post(&update).await.error_code(), -32602, "{update}");
    }
    for removed in ["tasks/list", "tasks/result"] {
        let answer = http.post(&following(7, removed, json!({"taskId": id}))).await;
        assert_eq!((answer.status, answer.error_code()), (404, -32601), "{removed}");
    }
    begun(&jobs, 1).await;
}

#[tokio::test]
async fn what_is_refused_never_becomes_a_task() {
    let (server, jobs) = house(plan()).await;
    let mut ada = Client::of(&server, "ada");
    let answer = ada.ask("tools/call", json!({"name": "work", "arguments": {"wrong": 1}})).await;
    assert_eq!((&answer["result"]["resultType"], &answer["result"]["isError"]), (&json!("complete"), &json!(true)));
    assert_eq!(ada.call("missing").await["error"]["code"], -32602);
    assert_eq!(ada.call("at_once").await["result"]["content"][0]["text"], "at_once");
    assert_eq!(jobs.begun(), 0);
}

#[tokio::test]
async fn only_errors_of_the_protocol_are_failures() {
    let (server, _) = house(plan()).await;
    let mut ada = Client::of(&server, "ada");
    for (tool, status) in [("refuse", "completed"), ("big", "completed"), ("break", "failed"), ("panic", "failed")] {
        let id = ada.begin(tool).await;
        let end = ada.settled(&id).await;
        assert_eq!(end["status"], status, "{tool}: {end}");
        if status == "completed" {
            assert_eq!(end["result"]["isError"], true, "{tool}: {end}");
            assert!(end.get("error").is_none());
        } else {
            assert_eq!(end["error"]["code"], -32603, "{tool}: {end}");
            assert!(end.get("result").is_none() && !end.to_string().contains("hunter2"), "{end}");
        }
    }
}

#[tokio::test]
async fn a_task_that_is_called_off_ends_even_if_its_source_does_not_listen() {
    let (server, jobs) = house(plan()).await;
    let mut ada = Client::of(&server, "ada");
    for (count, tool) in ["work", "stubborn"].into_iter().enumerate() {
        let id = ada.begin(tool).await;
        begun(&jobs, count + 1).await;
        let answer = ada.ask("tasks/cancel", json!({"taskId": id})).await;
        let keys: Vec<_> = answer["result"].as_object().expect("a result").keys().collect();
        assert_eq!(keys, ["resultType", "_meta"], "an acknowledgement and no more");
        let end = ada.settled(&id).await;
        assert_eq!(end["status"], "cancelled", "{tool}");
        assert!(end.get("result").is_none() && end.get("error").is_none(), "{end}");
    }
    assert_eq!(jobs.stopped(), 1);
}
