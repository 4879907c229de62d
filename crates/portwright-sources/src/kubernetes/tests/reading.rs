//! Configuration, lists and objects, the fence, and rights that are missing.

use serde_json::json;

use super::{Bench, CANARY, problems, text};

fn secret() -> serde_json::Value {
    json!({
        "apiVersion": "v1", "kind": "Secret", "type": "Opaque",
        "metadata": {
            "name": "db", "namespace": "shop", "managedFields": [{"manager": "kubectl"}],
            "annotations": {"kubectl.kubernetes.io/last-applied-configuration": "{\"stringData\":{\"password\":\"hunter2\"}}"},
        },
        "data": {"password": "aHVudGVyMg==", "user": "cm9vdA=="},
    })
}

#[test]
fn what_is_wrong_in_a_table_is_told_at_once() {
    insta::assert_snapshot!(problems(&json!({
        "in_cluster": true, "context": "x", "namespaces": ["shop", "*"], "denied": ["a b"], "max_items": 0, "nmespaces": [],
    })), @r#"
    /sources/cluster/nmespaces there is no key `nmespaces` here: did you mean `namespaces`?
    /sources/cluster/context `context` is of a kubeconfig, and `in_cluster` uses none: leave one of the two out
    /sources/cluster/namespaces/1 `*` is not a namespace's name: small letters, digits and `-`; there are no patterns here
    /sources/cluster/denied/0 `a b` is not a kind: write `Secret`, or with its group `Certificate.cert-manager.io`
    /sources/cluster/max_items `max_items` has to lie between 1 and 1000:
    "#);
}

#[test]
fn every_key_is_taken() {
    let table = json!({
        "kubeconfig": "~/.kube/config", "context": "staging", "contexts": ["staging-eu"], "namespaces": ["shop", "shop-jobs"],
        "denied": ["Secret", "Certificate.cert-manager.io"], "access": "read-write", "timeout": "20s", "max_bytes": "64KiB",
        "max_items": 100, "exec": true, "toolsets": ["core", "config"], "tools": ["!resources_delete", "pods_exec"],
    });
    assert_eq!(problems(&table), "");
    assert_eq!(problems(&json!({"in_cluster": true})), "");
    let nodes = problems(&json!({"namespaces": ["shop"], "tools": ["nodes_top"]}));
    assert!(nodes.starts_with("/sources/cluster/tools/0 nodes belong to the whole cluster"), "{nodes}");
}

#[tokio::test]
async fn lists_are_tables_of_the_cluster_and_go_on_by_a_mark() {
    let bench = Bench::of(json!({"max_items": 2})).await;
    let row = |name: &str| json!({"cells": [name, "1/1", "<none>"], "object": {"metadata": {"name": name, "namespace": "shop"}}});
    bench.fake.tell(
        "/api/v1/pods",
        json!({
            "kind": "Table", "metadata": {"continue": "abc", "remainingItemCount": 3},
            "columnDefinitions": [{"name": "Name"}, {"name": "Ready"}, {"name": "Nominated Node"}],
            "rows": [row("web-1"), row("web-2")],
        }),
    );
    let answer = bench.call("pods_list", json!({"labelSelector": "app=web&x"})).await.expect("pods");
    assert_eq!(
        answer.structured_content,
        Some(json!({
            "columns": ["Namespace", "Name", "Ready"],
            "rows": [["shop", "web-1", "1/1"], ["shop", "web-2", "1/1"]],
            "next": "0:abc", "note": "3 more",
        }))
    );
    insta::assert_snapshot!(text(&answer), @r#"
    NAMESPACE  NAME   READY
    shop       web-1  1/1
    shop       web-2  1/1
    (3 more)
    (continue: 0:abc)
    "#);
    let asked = bench.fake.lines("/api/v1/pods");
    assert_eq!(asked, ["GET /api/v1/pods?labelSelector=app%3Dweb%26x&limit=2&includeObject=Metadata"]);
    bench.data("pods_list", json!({"continue": "0:abc"})).await;
    assert!(bench.fake.lines("/api/v1/pods")[1].contains("continue=abc"));
}

#[tokio::test]
async fn secrets_are_masked_and_credentials_stay_here() {
    let bench = Bench::of(json!({})).await;
    bench.fake.tell("/api/v1/namespaces/shop/secrets/db", secret());
    let answer = bench.call("resources_get", json!({"kind": "secret", "name": "db"})).await.expect("a secret");
    let told = format!("{answer:?}");
    for leak in ["aHVudGVyMg", "hunter2", "cm9vdA", "managedFields", CANARY] {
        assert!(!told.contains(leak), "{leak} in {told}");
    }
    assert_eq!(
        answer.structured_content.expect("data")["object"]["data"],
        json!({"password": "(masked)", "user": "(masked)"})
    );
    let asked = bench.fake.asked();
    assert_eq!(asked.last().and_then(|asked| asked.headers.get("authorization")), Some(&format!("Bearer {CANARY}")));
    assert!(!format!("{:?}", bench.source).contains(CANARY));
}

#[tokio::test]
async fn names_are_one_segment_of_the_path() {
    let bench = Bench::of(json!({})).await;
    for name in ["../secrets/db", "..", "a/b", "a%2fb", "a?x=1", "", "a\nb"] {
        let told = bench.refused("pods_get", json!({"name": name})).await;
        assert!(told.starts_with("invalid"), "{name}: {told}");
        let told = bench.refused("pods_get", json!({"name": "a", "namespace": "x/../y"})).await;
        assert!(told.starts_with("invalid"), "{told}");
    }
    assert!(bench.fake.lines("/api/v1/namespaces").is_empty());
}

#[tokio::test]
async fn a_fence_holds_before_the_cluster_is_asked() {
    let bench = Bench::of(json!({"namespaces": ["shop", "dev"], "denied": ["Secret"]})).await;
    let told = bench.refused("pods_list_in_namespace", json!({"namespace": "kube-system"})).await;
    assert_eq!(told, "invalid: this server works in the namespaces shop, dev alone, and `kube-system` is none of them");
    assert!(bench.refused("resources_get", json!({"kind": "Secret", "name": "db"})).await.contains("Secret"));
    assert!(bench.refused("resources_list", json!({"kind": "nodes"})).await.contains("whole cluster"));
    for namespace in ["shop", "dev"] {
        bench.fake.tell(
            &format!("/api/v1/namespaces/{namespace}/pods"),
            json!({
                "kind": "Table", "metadata": {}, "columnDefinitions": [{"name": "Name"}],
                "rows": [{"cells": ["web"], "object": {"metadata": {"namespace": namespace}}}],
            }),
        );
    }
    let all = bench.data("pods_list", json!({})).await;
    assert_eq!(all["rows"], json!([["shop", "web"], ["dev", "web"]]));
    let named = bench.data("namespaces_list", json!({})).await;
    assert_eq!(named["rows"], json!([["shop"], ["dev"]]));
    assert!(bench.fake.lines("kube-system").is_empty() && bench.fake.lines("/nodes").is_empty());
}

#[tokio::test]
async fn a_missing_right_is_told_as_a_role_would_grant_it() {
    let bench = Bench::of(json!({})).await;
    let said =
        "pods is forbidden: User \"reader\" cannot list resource \"pods\" in API group \"\" at the cluster scope";
    bench.fake.refuse("/api/v1/pods", 403, "Forbidden", said);
    insta::assert_snapshot!(bench.refused("pods_list", json!({})).await, @r#"failed: this server's credential may not `list` `pods` in all namespaces: a role would have to grant the verb `list` on the resource `pods` of the API group `""`. A call that names one namespace may be allowed."#);
    insta::assert_snapshot!(bench.refused("pods_get", json!({"name": "web"})).await, @r#"failed: there is no Pod `web` in the namespace `shop`: a list tells which there are"#);
    bench.fake.refuse("/api/v1/pods", 401, "Unauthorized", CANARY);
    let told = bench.refused("pods_list", json!({})).await;
    assert!(told.starts_with("unavailable") && !told.contains(CANARY), "{told}");
}

#[tokio::test]
async fn custom_kinds_are_kinds_by_any_of_their_names() {
    let bench = Bench::of(json!({"denied": ["ConfigMap"]})).await;
    let order = json!({"apiVersion": "shop.example/v1", "kind": "Order", "metadata": {"name": "a"}, "spec": {"apiToken": "hunter2", "count": 3}});
    bench.fake.tell("/apis/shop.example/v1/namespaces/shop/orders/a", order);
    for (kind, version) in [("Order", ""), ("orders", "shop.example/v1"), ("order.shop.example", ""), ("ORDERS", "")] {
        let told = bench.data("resources_get", json!({"kind": kind, "apiVersion": version, "name": "a"})).await;
        assert_eq!(told["object"]["spec"], json!({"apiToken": "(masked)", "count": 3}), "{kind}");
    }
    assert_eq!(bench.fake.asked().iter().filter(|asked| asked.line == "GET /apis/shop.example/v1").count(), 1);
    let told = bench.refused("resources_get", json!({"kind": "ordr", "name": "a"})).await;
    assert_eq!(told, "invalid: the cluster has no kind `ordr`: did you mean `Order`?");
    let told = bench.refused("resources_get", json!({"kind": "cm", "name": "a"})).await;
    assert_eq!(told, "invalid: this server does not touch objects of the kind ConfigMap");
    let listed = bench.data("list_api_resources", json!({})).await.to_string();
    assert!(listed.contains("orders") && !listed.contains("configmaps"), "{listed}");
}

#[tokio::test]
async fn a_large_object_is_told_by_its_parts() {
    let bench = Bench::of(json!({"max_bytes": 2048})).await;
    let data: serde_json::Map<String, serde_json::Value> =
        (0..50).map(|key| (format!("k{key}"), "x".repeat(100).into())).collect();
    bench.fake.tell("/api/v1/namespaces/shop/configmaps/big", json!({"kind": "ConfigMap", "data": data}));
    let told = bench.data("resources_get", json!({"kind": "cm", "name": "big"})).await;
    assert_eq!(told["object"]["data"]["k7"], 102);
    assert!(told["note"].as_str().is_some_and(|note| note.contains("`part`")));
    let part = bench.data("resources_get", json!({"kind": "cm", "name": "big", "part": "data.k7"})).await;
    assert_eq!(part["object"], "x".repeat(100));
    bench.fake.tell("/api/v1/namespaces/shop/secrets/db", secret());
    let part = bench.data("resources_get", json!({"kind": "secret", "name": "db", "part": "data.password"})).await;
    assert_eq!(part["object"], "(masked)");
}

#[tokio::test]
async fn events_come_latest_first() {
    let bench = Bench::of(json!({})).await;
    let event = |at: &str, reason: &str| {
        json!({
            "type": "Normal", "reason": reason, "lastTimestamp": at, "count": 2, "message": "done\nwell",
            "metadata": {"namespace": "shop"}, "involvedObject": {"kind": "Pod", "name": "web"},
        })
    };
    bench.fake.tell("/api/v1/namespaces/shop/events", json!({"items": [
        event("2026-01-01T10:00:00Z", "First"), event("2026-01-01T12:00:00Z", "Last"), event("2026-01-01T11:00:00Z", "Second"),
    ]}));
    let told = bench.data("events_list", json!({"namespace": "shop", "limit": 2})).await;
    assert_eq!(told["rows"][0], json!(["2026-01-01T12:00:00Z", "shop", "Normal", "Last", "Pod/web", "2", "done well"]));
    assert_eq!(told["rows"][1][3], "Second");
    assert_eq!(told["note"], "2 of 3: narrow them by `namespace` or `fieldSelector`");
}

#[tokio::test]
async fn what_pods_and_nodes_use_is_told_in_the_same_units() {
    let bench = Bench::of(json!({})).await;
    assert!(bench.refused("pods_top", json!({})).await.contains("no Metrics API"));
    let metrics = "/apis/metrics.k8s.io/v1beta1";
    bench.fake.tell(&format!("{metrics}/namespaces/shop/pods"), json!({"items": [{
        "metadata": {"name": "web", "namespace": "shop"},
        "containers": [{"name": "a", "usage": {"cpu": "1500000n", "memory": "2048Ki"}}, {"name": "b", "usage": {"cpu": "2", "memory": "1Gi"}}],
    }]}));
    let told = bench.data("pods_top", json!({})).await;
    assert_eq!(told["rows"], json!([["shop", "web", "b", "2000m", "1024Mi"], ["shop", "web", "a", "2m", "2Mi"]]));
    bench.fake.tell(
        &format!("{metrics}/nodes"),
        json!({"items": [{"metadata": {"name": "n"}, "usage": {"cpu": "500m", "memory": "1Gi"}}]}),
    );
    bench.fake.tell(
        "/api/v1/nodes",
        json!({"items": [{"metadata": {"name": "n"}, "status": {"allocatable": {"cpu": "2", "memory": "4Gi"}}}]}),
    );
    let told = bench.data("nodes_top", json!({})).await;
    assert_eq!(told["rows"], json!([["n", "500m", "25%", "1024Mi", "25%"]]));
}
