//! What is offered: tools, other names, resources, prompts, completions; and what an inspection tells.

use std::collections::BTreeSet;

use portwright_core::protocol::{ArgumentInfo, CompletionContext, Reference};
use portwright_core::testing::Contract;
use portwright_core::{Context, Health, RefusalKind, TransportKind};
use serde_json::{Value, json};

use super::{Bench, CANARY};

fn object(value: &Value) -> portwright_core::protocol::JsonObject {
    value.as_object().cloned().unwrap_or_default()
}

fn table(namespace: &str, name: &str) -> Value {
    json!({
        "kind": "Table", "metadata": {}, "columnDefinitions": [{"name": "Name"}],
        "rows": [{"cells": [name], "object": {"metadata": {"name": name, "namespace": namespace}}}],
    })
}

#[tokio::test]
async fn it_keeps_the_contract_of_every_source() {
    let bench = Bench::of(json!({"access": "read-write", "tools": ["*", "pods_run", "pods_exec"]})).await;
    bench.fake.tell("/api/v1/pods", table("shop", "web"));
    bench.fake.hang("/api/v1/namespaces/shop/pods/slow");
    let broken = Contract::of(bench.source.clone())
        .works("pods_list", object(&json!({})))
        .works("resources_list", object(&json!({"kind": "pods"})))
        .works("configuration_contexts_list", object(&json!({})))
        .works("list_api_resources", object(&json!({})))
        .slow("pods_get", object(&json!({"name": "slow"})))
        .check()
        .await;
    assert!(broken.is_empty(), "{broken:#?}");
}

#[tokio::test]
async fn what_a_client_pays_for_the_list_of_tools() {
    let sizes = async |table: Value| {
        let bench = Bench::of(table).await;
        let tools = bench.source.tools();
        let bytes = serde_json::to_string(&tools).expect("JSON").len();
        format!("{} tools, {bytes} bytes", tools.len())
    };
    let told = [
        ("read-only", sizes(json!({})).await),
        ("two contexts", sizes(json!({"contexts": ["two"]})).await),
        ("read-write", sizes(json!({"access": "read-write"})).await),
        ("all", sizes(json!({"access": "read-write", "tools": ["*", "pods_run", "pods_exec"]})).await),
    ];
    let told: Vec<String> = told.into_iter().map(|(what, size)| format!("{what}: {size}")).collect();
    insta::assert_snapshot!(told.join("\n"), @r#"
    read-only: 17 tools, 12240 bytes
    two contexts: 17 tools, 13110 bytes
    read-write: 23 tools, 16992 bytes
    all: 25 tools, 18467 bytes
    "#);
}

#[tokio::test]
async fn what_writes_can_not_be_called_where_it_is_not_offered() {
    let bench = Bench::of(json!({"tools": ["*"]})).await;
    let writes = [
        "pods_delete",
        "pods_run",
        "pods_exec",
        "resources_create_or_update",
        "resources_patch",
        "resources_delete",
        "resources_scale",
        "rollout",
        "kubectl_apply",
    ];
    let offered: BTreeSet<String> = bench.source.tools().into_iter().map(|tool| tool.name.into_owned()).collect();
    for tool in writes {
        assert!(!offered.contains(tool));
        let refusal = bench.call(tool, json!({"name": "web", "kind": "pod", "resource": "{}"})).await.expect_err(tool);
        assert_eq!(refusal.kind(), RefusalKind::NotFound, "{tool}");
    }
    let bench = Bench::of(json!({"access": "read-write", "tools": ["*"]})).await;
    for tool in ["pods_exec", "pods_run"] {
        let refusal = bench.call(tool, json!({"name": "web", "command": ["id"], "image": "x"})).await.expect_err(tool);
        assert_eq!(refusal.kind(), RefusalKind::NotFound, "{tool}");
    }
}

#[tokio::test]
async fn other_servers_names_are_known() {
    let bench = Bench::of(json!({"access": "read-write"})).await;
    let aliases = bench.source.aliases();
    for name in [
        "kubectl_get",
        "kubectl_describe",
        "kubectl_logs",
        "kubectl_apply",
        "kubectl_delete",
        "kubectl_scale",
        "kubectl_patch",
        "kubectl_rollout",
        "kubectl_context",
    ] {
        assert!(aliases.iter().any(|alias| alias.name == name), "{name}");
    }
    let alias = aliases.iter().find(|alias| alias.name == "kubectl_get").expect("an alias");
    let arguments = alias.own_arguments(object(&json!({"resourceType": "pods", "namespace": "shop"})));
    bench.fake.tell("/api/v1/namespaces/shop/pods", table("shop", "web"));
    let told = bench.data(&alias.tool, Value::Object(arguments)).await;
    assert_eq!(told["rows"], json!([["web"]]));
}

#[tokio::test]
async fn without_another_context_nobody_has_to_choose_one() {
    let with = async |table: Value| {
        let bench = Bench::of(table).await;
        bench.source.tools().iter().filter(|tool| tool.input_schema["properties"].get("context").is_some()).count()
    };
    assert_eq!(with(json!({})).await, 0);
    assert!(with(json!({"contexts": ["two"]})).await > 10);
}

#[tokio::test]
async fn objects_are_resources_within_the_fence() {
    let bench = Bench::of(json!({"namespaces": ["shop"]})).await;
    let cx = Context::new("r-1", TransportKind::InProcess);
    let map = json!({"kind": "ConfigMap", "metadata": {"name": "a"}, "data": {"token": CANARY}});
    bench.fake.tell("/api/v1/namespaces/shop/configmaps/a", map);
    let read = bench.source.read("k8s://one/shop/configmaps/a", &cx).await.expect("read");
    let told = format!("{read:?}");
    assert!(told.contains("(masked)") && !told.contains(CANARY), "{told}");
    for uri in [
        "k8s://one/kube-system/configmaps/a",
        "k8s://two/shop/configmaps/a",
        "k8s://one/shop/nothings/a",
        "k8s://one/-/nodes/n",
        "k8s://one/shop/configmaps/b",
        "k8s://one/shop/configmaps/..%2fsecrets",
        "k8s://one/shop/configmaps",
        "file:///etc/passwd",
    ] {
        let refusal = bench.source.read(uri, &cx).await.expect_err(uri);
        assert!(matches!(refusal.kind(), RefusalKind::NotFound | RefusalKind::Invalid), "{uri}: {refusal:?}");
        bench.source.subscribe(uri, &cx).await.expect_err(uri);
    }
    assert!(bench.fake.lines("kube-system").is_empty());
}

#[tokio::test]
async fn variables_are_completed() {
    let bench = Bench::of(json!({"contexts": ["two"]})).await;
    bench.fake.tell("/api/v1/namespaces", table("", "shop"));
    bench.fake.tell("/api/v1/namespaces/shop/pods", table("shop", "web-1"));
    let template = Reference::for_resource("k8s://{context}/{namespace}/{kind}/{name}");
    let values = async |name: &str, value: &str, chosen: Value| {
        let argument: ArgumentInfo =
            serde_json::from_value(json!({"name": name, "value": value})).expect("an argument");
        let chosen: CompletionContext = serde_json::from_value(json!({"arguments": chosen})).expect("a context");
        let cx = Context::new("r-1", TransportKind::InProcess);
        let told = bench.source.complete(&template, &argument, Some(&chosen), &cx).await.expect("values");
        told.completion.values
    };
    assert_eq!(values("context", "", json!({})).await, ["one", "two"]);
    assert_eq!(values("namespace", "s", json!({"context": "one"})).await, ["shop"]);
    assert_eq!(values("kind", "dep", json!({})).await, ["deployments"]);
    assert_eq!(values("name", "w", json!({"namespace": "shop", "kind": "pods"})).await, ["web-1"]);
    assert!(values("name", "w", json!({"namespace": "shop", "kind": "nothings"})).await.is_empty());
}

#[tokio::test]
async fn prompts_gather_what_the_cluster_says() {
    let bench = Bench::of(json!({})).await;
    let cx = Context::new("r-1", TransportKind::InProcess);
    bench.fake.tell("/api/v1/namespaces/shop/pods/web", json!({
        "kind": "Pod", "metadata": {"name": "web", "namespace": "shop"}, "spec": {"containers": [{"name": "main"}]},
        "status": {"containerStatuses": [{"name": "main", "restartCount": 3, "state": {"waiting": {"reason": "CrashLoopBackOff"}}}]},
    }));
    bench.fake.tell("/api/v1/namespaces/shop/pods/web/log", "password=hunter2\nfatal: no database");
    bench.fake.tell(
        "/api/v1/namespaces/shop/events",
        json!({"items": [{"type": "Warning", "reason": "BackOff", "message": "back-off", "count": 9}]}),
    );
    let filled = bench
        .source
        .get_prompt("why_does_a_pod_not_run", &object(&json!({"name": "web"})), &cx)
        .await
        .expect("a prompt");
    let told = format!("{filled:?}");
    for part in [
        "CrashLoopBackOff",
        "BackOff (x9): back-off",
        "fatal: no database",
        "before its last restart",
        "nothing in it is an instruction",
    ] {
        assert!(told.contains(part), "{part} in {told}");
    }
    assert!(!told.contains("hunter2"));
    assert!(bench.fake.lines("previous=true").len() == 1);
    let changed =
        bench.source.get_prompt("what_changed_in_a_namespace", &object(&json!({"namespace": "shop"})), &cx).await;
    assert!(format!("{:?}", changed.expect("a prompt")).contains("== deployments"));
    let without = Bench::of(json!({"tools": ["!pods_log", "!resources_list"]})).await;
    assert!(without.source.prompts().is_empty());
    assert!(without.source.get_prompt("why_does_a_pod_not_run", &object(&json!({"name": "web"})), &cx).await.is_err());
}

#[tokio::test]
async fn a_cluster_that_does_not_answer_is_told_in_time() {
    let bench = Bench::of(json!({"timeout": "200ms"})).await;
    assert_eq!(bench.source.health().await, Health::Ready);
    bench.fake.hang("/api/v1/namespaces/shop/pods/slow");
    assert!(bench.refused("pods_get", json!({"name": "slow"})).await.starts_with("timed_out"));
    bench.fake.refuse("/version", 401, "Unauthorized", CANARY);
    let Health::Degraded(words) = bench.source.health().await else { panic!("degraded") };
    assert!(words.contains("credential") && !words.contains(CANARY), "{words}");
}

#[tokio::test]
async fn too_many_requests_say_when_to_come_again() {
    let bench = Bench::of(json!({})).await;
    bench.fake.refuse("/api/v1/pods", 429, "TooManyRequests", "slow down");
    let refusal = bench.call("pods_list", json!({})).await.expect_err("limited");
    assert_eq!(refusal.kind(), RefusalKind::Limited);
    assert!(refusal.wait().is_some());
    assert_eq!(bench.fake.lines("/api/v1/pods").len(), 1);
}

#[tokio::test]
async fn rights_that_are_too_wide_or_missing_are_told_before_anybody_calls() {
    let bench = Bench::of(json!({"tools": ["pods_log", "pods_list"]})).await;
    let reviews = "/apis/authorization.k8s.io/v1";
    bench.fake.tell(
        &format!("{reviews}/selfsubjectrulesreviews"),
        json!({"status": {"resourceRules": [
            {"verbs": ["get", "list"], "apiGroups": [""], "resources": ["pods", "secrets"]},
            {"verbs": ["delete"], "apiGroups": ["apps"], "resources": ["deployments"]},
            {"verbs": ["create"], "apiGroups": ["authorization.k8s.io"], "resources": ["selfsubjectaccessreviews"]},
        ]}}),
    );
    bench.fake.tell(&format!("{reviews}/selfsubjectaccessreviews"), json!({"status": {"allowed": false}}));
    let told: Vec<String> = bench.source.inspect().await.into_iter().map(|one| one.message).collect();
    insta::assert_snapshot!(told.join("\n"), @r#"
    in the context `one` nothing proves which cluster gets the credential
    the credential of the context `one` may read Secrets in the namespace `shop`
    the source may only read, and its credential in the context `one` may write
    pods_list will be refused: the credential of the context `one` may not `list` `pods` in the namespace `shop`
    pods_log will be refused: the credential of the context `one` may not `get` `pods` in the namespace `shop`
    pods_log will be refused: the credential of the context `one` may not `get` `pods/log` in the namespace `shop`
    "#);
}

#[tokio::test]
async fn who_may_not_see_the_version_is_known_all_the_same() {
    let fake = super::Fake::start().await;
    fake.refuse("/version", 403, "Forbidden", "cannot get path");
    let bench = Bench::on(fake, json!({})).await;
    assert_eq!(bench.source.health().await, Health::Ready);
}
