//! Questions in the stateless era: they end the call, and the client makes it again with its answers.

use std::sync::Arc;
use std::time::Duration;

use portwright_core::limits;
use portwright_server::guard::AuditPlan;
use portwright_server::{Server, ServerPlan};
use serde_json::{Value, json};

use crate::asker::{Asker, form};
use crate::client::{Answer, modern};
use crate::support::{Up, mount, pipe, pipe_of, plan, records, started, up};

async fn asking(plan: ServerPlan) -> (Server, Arc<Asker>, Up) {
    let asker = Arc::new(Asker::default());
    let server = started(plan, vec![mount("asker", asker.clone())]).await;
    let up = up(&server).await;
    (server, asker, up)
}

/// A request of a client that answers everything.
fn request(id: u64, method: &str, params: Value) -> Value {
    let mut request = modern(id, method, params);
    let able = json!({"elicitation": {"form": {}, "url": {}}, "sampling": {}, "roots": {}});
    request["params"]["_meta"]["io.modelcontextprotocol/clientCapabilities"] = able;
    request
}

fn call(tool: &str) -> Value {
    request(1, "tools/call", json!({"name": tool, "arguments": {"a": 1, "b": [2]}}))
}

/// The same again, with what the last answer gave to carry, and with these answers.
fn again(request: &Value, last: &Value, answers: &Value) -> Value {
    let mut next = request.clone();
    next["id"] = json!(request["id"].as_u64().expect("a number") + 1);
    next["params"]["requestState"] = last["result"]["requestState"].clone();
    next["params"]["inputResponses"] = answers.clone();
    next
}

fn entered(field: &str, value: &str) -> Value {
    json!({"action": "accept", "content": {field: value}})
}

fn text(answer: &Value) -> &str {
    answer["result"]["content"][0]["text"].as_str().unwrap_or_else(|| panic!("no text in {answer}"))
}

fn asks(answer: &Value, keys: &[&str]) {
    assert_eq!(answer["result"]["resultType"], "input_required", "{answer}");
    let requests = answer["result"]["inputRequests"].as_object().expect("requests");
    assert_eq!(requests.keys().collect::<Vec<_>>(), keys, "{answer}");
    assert!(answer["result"]["requestState"].is_string());
    assert!(answer["result"].get("ttlMs").is_none() && answer["result"].get("cacheScope").is_none());
    assert!(answer["result"]["_meta"]["io.modelcontextprotocol/serverInfo"].is_object());
}

async fn post(up: &Up, message: &Value) -> Value {
    let answer = up.connect().await.post(message).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    answer.json()
}

#[tokio::test]
async fn a_question_ends_the_call_and_its_answer_ends_the_next() {
    let (server, asker, up) = asking(plan()).await;
    let asked = post(&up, &call("name")).await;
    asks(&asked, &["name"]);
    let params = json!({"mode": "form", "message": "Who are you?", "requestedSchema": form("name")});
    assert_eq!(asked["result"]["inputRequests"]["name"], json!({"method": "elicitation/create", "params": params}));
    let done = post(&up, &again(&call("name"), &asked, &json!({"name": entered("name", "Ada")}))).await;
    assert_eq!((text(&done), &done["result"]["resultType"], &done["id"]), ("Ada", &json!("complete"), &json!(2)));
    assert_eq!(asker.runs(), 2, "it ran from its start");
    let mut pipe = pipe(&server);
    let asked = pipe.ask(&call("page")).await;
    asks(&asked, &["login"]);
    let page = &asked["result"]["inputRequests"]["login"]["params"];
    assert_eq!(*page, json!({"mode": "url", "message": "Please log in", "url": "https://example.com/login"}));
    let done = pipe.ask(&again(&call("page"), &asked, &json!({"login": {"action": "accept"}}))).await;
    assert_eq!(text(&done), "accept");
}

#[tokio::test]
async fn answers_and_what_is_remembered_last_over_rounds() {
    let (_, asker, up) = asking(plan()).await;
    let trip = call("trip");
    let first = post(&up, &trip).await;
    asks(&first, &["from", "roots"]);
    // One of two is missing, and one too many is there.
    let some = json!({"from": entered("city", "Paris"), "stray": 7});
    let second = post(&up, &again(&trip, &first, &some)).await;
    asks(&second, &["roots"]);
    let unfit = post(&up, &again(&trip, &second, &json!({"roots": {"roots": "none"}}))).await;
    asks(&unfit, &["roots"]);
    let third = post(&up, &again(&trip, &unfit, &json!({"roots": {"roots": []}}))).await;
    asks(&third, &["to"]);
    assert_ne!(third["result"]["requestState"], first["result"]["requestState"]);
    let done = post(&up, &again(&trip, &third, &json!({"to": entered("city", "Rome")}))).await;
    assert_eq!(text(&done), "Paris to Rome with 0, began 1");
    assert_eq!(asker.runs(), 5);
}

#[tokio::test]
async fn prompts_and_resources_ask_too_and_nothing_else_does() {
    let (_, _, up) = asking(plan()).await;
    let answers = json!({"name": entered("name", "Ada")});
    let prompt = request(1, "prompts/get", json!({"name": "greet"}));
    let asked = post(&up, &prompt).await;
    asks(&asked, &["name"]);
    let done = post(&up, &again(&prompt, &asked, &answers)).await;
    assert_eq!(done["result"]["messages"][0]["content"]["text"], "Greet Ada.");
    let read = request(1, "resources/read", json!({"uri": "ask://who"}));
    let asked = post(&up, &read).await;
    asks(&asked, &["name"]);
    let done = post(&up, &again(&read, &asked, &answers)).await;
    assert_eq!(done["result"]["contents"][0]["text"], "Ada");
    assert_eq!(done["result"]["ttlMs"], 0);
    let list = post(&up, &again(&request(1, "tools/list", json!({})), &asked, &answers)).await;
    assert_eq!(list["result"]["resultType"], "complete");
}

fn refused(answer: &Answer) -> String {
    assert_eq!(answer.error_code(), -32602, "{answer:?}");
    answer.json()["error"]["message"].as_str().expect("words").to_owned()
}

#[tokio::test]
async fn what_a_client_carries_is_its_own_whole_and_for_this_call() {
    let (server, asker, up) = asking(plan()).await;
    let first = call("name");
    let asked = post(&up, &first).await;
    let state = asked["result"]["requestState"].as_str().expect("a state").to_owned();
    let good = again(&first, &asked, &json!({"name": entered("name", "Ada")}));
    let with = |state: &str| {
        let mut message = good.clone();
        message["params"]["requestState"] = state.into();
        message
    };
    let flipped: String = state.chars().rev().collect();
    let (content, mac) = state.split_once('.').expect("two parts");
    let mut elsewhere = good.clone();
    elsewhere["params"]["name"] = "write".into();
    let mut otherwise = good.clone();
    otherwise["params"]["arguments"]["a"] = 2.into();
    let long = "x".repeat(limits::ASK_STATE_BYTES_MAX + 1);
    let foreign = [
        with(&format!("{state}-TAMPERED")),
        with(&flipped),
        with(&format!("{content}A.{mac}")),
        with(&format!("{content}.{}", &mac[1..])),
        with(""),
        with("."),
        with(&long),
        elsewhere,
        otherwise,
    ];
    for message in foreign {
        let words = refused(&up.connect().await.post(&message).await);
        assert!(words.contains("make the call again without it"), "{words}");
    }
    let mut number = good.clone();
    number["params"]["requestState"] = 7.into();
    refused(&up.connect().await.post(&number).await);
    let mut array = good.clone();
    array["params"]["inputResponses"] = json!([]);
    refused(&up.connect().await.post(&array).await);
    // Another caller, over another transport.
    let mut eve = pipe_of(&server, "eve");
    assert_eq!(eve.ask(&good).await["error"]["code"], -32602);
    let other = asking(plan()).await;
    refused(&other.2.connect().await.post(&good).await);
    assert_eq!(asker.runs(), 1, "none of it reached the source");
    // However it is written, it is the same call.
    let rewritten = good.to_string().replace(r#"{"a":1,"b":[2]}"#, r#"{ "b" : [2], "a" : 1.0 }"#);
    assert!(rewritten.contains("1.0"), "{rewritten}");
    let headers = crate::client::headers_for(&good);
    let mut http = up.connect().await;
    http.send("POST", "/mcp", &headers, &rewritten).await;
    assert_eq!(text(&http.answer().await.json()), "Ada");
}

#[tokio::test]
async fn what_a_client_carries_expires() {
    let mut plan = plan();
    plan.ask_timeout = Duration::ZERO;
    let (_, asker, up) = asking(plan).await;
    let asked = post(&up, &call("name")).await;
    let late = again(&call("name"), &asked, &json!({"name": entered("name", "Ada")}));
    assert!(refused(&up.connect().await.post(&late).await).contains("expired"));
    assert_eq!(asker.runs(), 1);
}

#[tokio::test]
async fn an_answer_counts_for_the_question_that_it_was_given_to() {
    let (_, _, up) = asking(plan()).await;
    let drift = call("drift");
    let mut last = post(&up, &drift).await;
    let mut rounds = 1;
    let told = loop {
        asks(&last, &["drift"]);
        last = post(&up, &again(&drift, &last, &json!({"drift": entered("name", "yes to what?")}))).await;
        if last["result"]["resultType"] == "complete" {
            break last;
        }
        rounds += 1;
    };
    assert_eq!(rounds, limits::ASK_ROUNDS_MAX, "and it does not go on for ever");
    assert!(told["result"]["isError"] == true && text(&told).contains("given up"), "{told}");
}

#[tokio::test]
async fn a_client_that_can_not_answer_is_told_what_it_lacks() {
    let (server, _, up) = asking(plan()).await;
    let cases = [
        ("name", json!({"sampling": {}}), json!({"elicitation": {"form": {}}})),
        ("page", json!({"elicitation": {}}), json!({"elicitation": {"url": {}}})),
        ("sample", json!({}), json!({"sampling": {}})),
        ("roots", json!({"roots": null}), json!({"roots": {}})),
    ];
    for (tool, has, lacks) in cases {
        let mut message = modern(1, "tools/call", json!({"name": tool}));
        message["params"]["_meta"]["io.modelcontextprotocol/clientCapabilities"] = has;
        let answer = up.connect().await.post(&message).await;
        assert_eq!((answer.status, answer.error_code()), (400, -32021), "{answer:?}");
        assert_eq!(answer.json()["error"]["data"]["requiredCapabilities"], lacks);
        let answer = pipe(&server).ask(&message).await;
        assert_eq!(answer["error"]["data"]["requiredCapabilities"], lacks);
    }
}

#[tokio::test]
async fn each_round_is_a_call_with_one_record() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("audit.jsonl");
    let mut plan = plan();
    plan.audit = Some(AuditPlan::new(file.clone()));
    let (_, _, up) = asking(plan).await;
    let first = call("write");
    let asked = post(&up, &first).await;
    let mut tampered = again(&first, &asked, &json!({}));
    tampered["params"]["requestState"] = "made up".into();
    refused(&up.connect().await.post(&tampered).await);
    post(&up, &again(&first, &asked, &json!({"name": entered("name", "Ada")}))).await;
    let records = records(&file);
    let outcomes: Vec<_> = records.iter().map(|record| record["outcome"].as_str().unwrap_or_default()).collect();
    assert_eq!(outcomes, ["intent", "input_required", "refused", "intent", "ok"], "{records:?}");
    assert_eq!((&records[1]["decision"], &records[1]["error"]), (&json!("allow"), &Value::Null));
}

#[tokio::test]
async fn two_who_carry_the_same_answer_at_once_make_one_call() {
    let (server, asker, _) = asking(plan()).await;
    let call = call("name");
    let asked = pipe(&server).ask(&call).await;
    let answered = again(&call, &asked, &json!({"name": entered("name", "Ada")}));
    let runs = (0..8).map(|_| async { pipe(&server).ask(&answered).await });
    let answers = futures::future::join_all(runs).await;
    let done = answers.iter().filter(|answer| answer["result"]["isError"] != true).count();
    assert_eq!((done, asker.runs()), (1, 2), "one run asked, one had the answer: {answers:?}");
    let late = pipe(&server).ask(&answered).await;
    assert!(text(&late).contains("was used already"), "{late}");
    // Asked anew, it is answered anew.
    let asked = pipe(&server).ask(&call).await;
    let done = pipe(&server).ask(&again(&call, &asked, &json!({"name": entered("name", "Bob")}))).await;
    assert_eq!(text(&done), "Bob");
}

#[tokio::test]
async fn what_a_refused_call_carried_stays_good() {
    let (server, asker, _) = asking(plan()).await;
    let call = call("name");
    let asked = pipe(&server).ask(&call).await;
    let answered = again(&call, &asked, &json!({"name": entered("name", "Ada")}));
    server.reload(&plan(), Vec::new()).await.expect("reloaded");
    assert_eq!(pipe(&server).ask(&answered).await["error"]["code"], -32602, "there is no such tool");
    server.reload(&plan(), vec![mount("asker", asker.clone())]).await.expect("reloaded");
    assert_eq!(text(&pipe(&server).ask(&answered).await), "Ada");
}
