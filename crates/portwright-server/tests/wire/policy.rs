//! Roles from outside: callers see and use what their roles allow, and everything else does not exist for them.

use std::sync::Arc;

use portwright_server::ServerPlan;
use portwright_server::guard::AuditPlan;
use portwright_server::guard::policy::{Condition, Pattern, PolicyPlan, RolePlan};
use serde_json::{Value, json};

use crate::client::{Http, initialize, modern};
use crate::support::{Up, pipe, plan, records, up, usual, usual_mounts};

fn role(name: &str, allow: &[&str], deny: &[&str], when: Option<&str>) -> RolePlan {
    let patterns = |texts: &[&str]| texts.iter().map(|text| Pattern::read(text).expect("a pattern")).collect();
    let when = when.map(|text| Arc::new(Condition::read(text).expect("a condition")));
    RolePlan { name: name.into(), allow: patterns(allow), deny: patterns(deny), when }
}

fn with(roles: Vec<RolePlan>) -> ServerPlan {
    ServerPlan { policy: PolicyPlan { roles }, ..plan() }
}

/// What strangers may here: some of each kind.
fn some() -> Vec<RolePlan> {
    let allow = ["tools:sa*", "tools:steps", "resources:shelf://note", "resources:shelf://items/*"];
    vec![role("anonymous", &allow, &["tools:shelf.steps", "resources:shelf://items/secret"], None)]
}

async fn served(plan: ServerPlan) -> Up {
    up(&usual(plan).await.0).await
}

fn names(answer: &Value, list: &str, key: &str) -> Vec<String> {
    let entries = answer["result"][list].as_array().unwrap_or_else(|| panic!("no {list} in {answer}"));
    entries.iter().map(|entry| entry[key].as_str().expect("a name").to_owned()).collect()
}

const LISTS: [(&str, &str, &str, &[&str]); 4] = [
    ("tools/list", "tools", "name", &["say"]),
    ("resources/list", "resources", "uri", &["shelf://note"]),
    ("resources/templates/list", "resourceTemplates", "uriTemplate", &["shelf://items/{id}"]),
    ("prompts/list", "prompts", "name", &[]),
];

#[tokio::test]
async fn lists_hold_what_the_caller_may_use_in_both_eras() {
    let up = served(with(some())).await;
    let (mut http, session) = up.session("2025-11-25").await;
    let session: &[(&str, &str)] = &[("mcp-session-id", &session)];
    for (method, list, key, expected) in LISTS {
        let answer = http.post(&modern(1, method, json!({}))).await.json();
        assert_eq!(names(&answer, list, key), expected, "{method}");
        assert_eq!(answer["result"]["cacheScope"], "private");
        let legacy = json!({"jsonrpc": "2.0", "id": 2, "method": method});
        assert_eq!(names(&http.post_with(&legacy, session).await.json(), list, key), expected, "{method}");
    }
    let health = http.get("/health", &[]).await.json();
    assert_eq!(health["tools"], json!(["say"]));
}

/// Calls of what is forbidden, and of what there is not: the second is the first with another name.
fn pairs() -> Vec<(&'static str, Value, &'static str, &'static str)> {
    let reference = |kind: &str, key: &str, name: &str| json!({"ref": {"type": kind, key: name}, "argument": {"name": "id", "value": "a"}});
    vec![
        ("tools/call", json!({"name": "mirror", "arguments": {}}), "mirror", "mirrox"),
        ("tools/call", json!({"name": "mirror", "arguments": {"region": "eu"}}), "mirror", "mirrox"),
        ("tools/call", json!({"name": "steps", "arguments": {"odd": 1}}), "steps", "stepz"),
        ("tools/call", json!({"name": "steps", "arguments": {}}), "steps", "stepz"),
        ("resources/read", json!({"uri": "shelf://items/secret"}), "shelf://items/secret", "shelf://other/secret"),
        (
            "resources/read",
            json!({"uri": "shelf://items/secre%74"}),
            "shelf://items/secre%74",
            "shelf://other/secre%74",
        ),
        ("resources/read", json!({"uri": "shelf://files/a/b"}), "shelf://files/a/b", "shelf://filez/a/b"),
        ("prompts/get", json!({"name": "embed", "arguments": {}}), "embed", "embex"),
        ("completion/complete", reference("ref/prompt", "name", "embed"), "embed", "embex"),
        ("completion/complete", reference("ref/resource", "uri", "shelf://files/{+path}"), "files", "filez"),
    ]
}

/// The answer without the name that was asked for.
fn nameless(answer: &Value, name: &str) -> String {
    answer.to_string().replace(name, "NAME")
}

async fn looks_alike(http: &mut Http, session: &[(&str, &str)], build: impl Fn(&str, Value) -> Value) {
    for (method, params, forbidden, unknown) in pairs() {
        let other: Value = serde_json::from_str(&params.to_string().replace(forbidden, unknown)).expect("JSON");
        let (one, two) = (build(method, params), build(method, other));
        let (first, second) = (http.post_with(&one, session).await, http.post_with(&two, session).await);
        assert_eq!(first.status, second.status, "{one}");
        let head = |head: &str| head.lines().filter(|line| !line.starts_with("content-length")).collect::<String>();
        assert_eq!(head(&first.head), head(&second.head), "{one}");
        let (first, second) = (first.json(), second.json());
        assert_eq!(nameless(&first, forbidden), nameless(&second, unknown), "{one}");
        let refused = first.get("error").is_some() || first["result"]["isError"] == true;
        assert!(refused, "{one} → {first}");
    }
}

#[tokio::test]
async fn what_is_forbidden_looks_as_if_it_were_not_there() {
    let up = served(with(some())).await;
    let (mut http, session) = up.session("2025-11-25").await;
    looks_alike(&mut http, &[], |method, params| modern(1, method, params)).await;
    looks_alike(
        &mut http,
        &[("mcp-session-id", &session)],
        |method, params| json!({"jsonrpc": "2.0", "id": 1, "method": method, "params": params}),
    )
    .await;
    let subscribe = |uri: &str| {
        let params = json!({ "uri": uri });
        json!({"jsonrpc": "2.0", "id": 1, "method": "resources/subscribe", "params": params})
    };
    let mut asked = Vec::new();
    for uri in ["shelf://items/secret", "shelf://other/secret"] {
        let answer = http.post_with(&subscribe(uri), &[("mcp-session-id", &session)]).await.json();
        asked.push(nameless(&answer, uri));
    }
    assert_eq!(asked[0], asked[1]);
}

#[tokio::test]
async fn the_record_tells_the_rule_that_the_caller_does_not_learn() {
    let folder = tempfile::tempdir().expect("folder");
    let file = folder.path().join("audit.jsonl");
    let up = served(ServerPlan { audit: Some(AuditPlan::new(&file)), ..with(some()) }).await;
    let mut http = up.connect().await;
    for (name, arguments) in [("say", json!({"word": "hi"})), ("steps", json!({})), ("nothing", json!({}))] {
        let answer = http.post(&modern(1, "tools/call", json!({"name": name, "arguments": arguments}))).await;
        assert!(!answer.body.contains("roles."), "{}", answer.body);
    }
    let told: Vec<_> = records(&file).iter().map(|it| (it["decision"].clone(), it["rule"].clone())).collect();
    let rule = |text: &str| json!(format!("roles.anonymous.{text}"));
    assert_eq!(
        told,
        [(json!("allow"), rule("allow[0]")), (json!("deny"), rule("deny[0]")), (json!("deny"), Value::Null)]
    );
}

#[tokio::test]
async fn a_condition_judges_each_call_and_hides_nothing() {
    let roles = vec![role("anonymous", &["tools:say"], &[], Some("args.word != 'no'"))];
    let mut http = served(with(roles)).await.connect().await;
    let listed = http.post(&modern(1, "tools/list", json!({}))).await.json();
    assert_eq!(names(&listed, "tools", "name"), ["say"]);
    for (word, goes) in [("yes", true), ("no", false)] {
        let call = modern(1, "tools/call", json!({"name": "say", "arguments": {"word": word}}));
        let answer = http.post(&call).await.json();
        assert_eq!(answer["result"]["content"][0]["text"] == word, goes, "{answer}");
    }
}

#[tokio::test]
async fn what_a_prompt_embeds_is_judged_as_its_callers_own_reading() {
    let roles = vec![role("anonymous", &["prompts:*", "resources:shelf://note"], &[], None)];
    let mut http = served(with(roles)).await.connect().await;
    for (uri, goes) in [("shelf://note", true), ("shelf://items/1", false)] {
        let call = modern(1, "prompts/get", json!({"name": "embed", "arguments": {"uri": uri}}));
        let answer = http.post(&call).await;
        assert_eq!(answer.body.contains("text of"), goes, "{}", answer.body);
    }
}

#[tokio::test]
async fn new_rules_count_at_once_and_clients_hear_of_their_lists() {
    let (server, ..) = usual(plan()).await;
    let mut pipe = pipe(&server);
    pipe.ask(&initialize("2025-11-25")).await;
    pipe.send(r#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#).await;
    let list = json!({"jsonrpc": "2.0", "id": 1, "method": "tools/list"});
    assert!(names(&pipe.ask(&list).await, "tools", "name").len() > 2, "without roles everything is there");
    let stricter = with(vec![role("local", &["tools:say"], &[], None)]);
    server.reload(&stricter, usual_mounts()).await.expect("reloaded");
    let mut heard = Vec::new();
    while heard.len() < 3 {
        let news = pipe.line().await.expect("news");
        heard.push(news["method"].as_str().unwrap_or_default().to_owned());
    }
    assert!(heard.contains(&"notifications/tools/list_changed".to_owned()), "{heard:?}");
    assert_eq!(names(&pipe.ask(&list).await, "tools", "name"), ["say"]);
}
