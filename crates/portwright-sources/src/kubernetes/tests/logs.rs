//! Logs: which container, which lines, and what is left of long ones.

use serde_json::{Value, json};

use super::{Bench, text};

fn pod(name: &str) -> Value {
    json!({
        "kind": "Pod",
        "metadata": {"name": name, "annotations": {"kubectl.kubernetes.io/default-container": "main"}},
        "spec": {"initContainers": [{"name": "init"}], "containers": [{"name": "side"}, {"name": "main"}]},
    })
}

async fn bench(table: Value) -> Bench {
    let bench = Bench::of(table).await;
    bench.fake.tell("/api/v1/namespaces/shop/pods/web", pod("web"));
    let lines: Vec<String> =
        (1..=30).map(|line| format!("{line} {}", if line % 10 == 0 { "ERROR" } else { "ok" })).collect();
    bench.fake.tell("/api/v1/namespaces/shop/pods/web/log", lines.join("\n"));
    bench
}

#[tokio::test]
async fn the_main_container_is_read_where_none_is_named() {
    let bench = bench(json!({})).await;
    let told = bench.data("pods_log", json!({"name": "web", "tail": 5, "previous": true, "since": "10m"})).await;
    assert_eq!((&told["logs"][0]["pod"], &told["logs"][0]["container"]), (&json!("web"), &json!("main")));
    let asked = bench.fake.lines("/log");
    assert_eq!(
        asked,
        ["GET /api/v1/namespaces/shop/pods/web/log?container=main&tailLines=5&previous=true&sinceSeconds=600",]
    );
    let all = bench.data("pods_log", json!({"name": "web", "container": "*"})).await;
    assert_eq!(all["logs"].as_array().map(Vec::len), Some(3));
    let told = bench.refused("pods_log", json!({"name": "web", "container": "man"})).await;
    assert_eq!(told, "invalid: the pod has no container `man`: it has init, side, main");
}

#[tokio::test]
async fn grep_finds_lines_with_those_around_them() {
    let bench = bench(json!({})).await;
    let answer =
        bench.call("pods_log", json!({"name": "web", "grep": "ERR", "around": 1, "tail": 2})).await.expect("found");
    assert_eq!(text(&answer), "19 ok\n20 ERROR\n21 ok\n--\n29 ok\n30 ERROR");
    let told = bench.refused("pods_log", json!({"name": "web", "grep": "("})).await;
    assert!(told.starts_with("invalid: `grep`"), "{told}");
    let told = bench.refused("pods_log", json!({"name": "web", "since": "yesterday"})).await;
    assert!(told.starts_with("invalid: `since`"), "{told}");
}

#[tokio::test]
async fn what_is_too_long_loses_its_beginning() {
    let bench = bench(json!({"max_bytes": 1024})).await;
    bench.fake.tell("/api/v1/namespaces/shop/pods/web/log", format!("{}\nlast", "x".repeat(100) + "\n").repeat(40));
    let told = bench.data("pods_log", json!({"name": "web"})).await;
    let text = told["logs"][0]["text"].as_str().expect("text");
    assert!(text.len() <= 1024 && text.ends_with("last"), "{}", text.len());
    assert!(told["note"].as_str().is_some_and(|note| note.contains("narrow it")));
}

#[tokio::test]
async fn a_workload_is_read_by_its_pods() {
    let bench = bench(json!({})).await;
    bench.fake.tell("/apis/apps/v1/namespaces/shop/deployments/web", json!({
        "kind": "Deployment", "spec": {"selector": {
            "matchLabels": {"app": "web"},
            "matchExpressions": [{"key": "tier", "operator": "In", "values": ["a", "b"]}, {"key": "x", "operator": "Exists"}],
        }},
    }));
    bench.fake.tell(
        "/api/v1/namespaces/shop/pods",
        json!({"items": [pod("web"), pod("web-2")], "metadata": {"continue": "x"}}),
    );
    bench.fake.refuse(
        "/api/v1/namespaces/shop/pods/web-2/log",
        400,
        "BadRequest",
        "container \"main\" is waiting to start: ContainerCreating",
    );
    let answer = bench.call("pods_log", json!({"kind": "Deployment", "name": "web", "tail": 1})).await.expect("logs");
    let told = text(&answer);
    assert!(
        told.starts_with("== web/main\n")
            && told.contains("== web-2/main\n(the cluster says no: container \"main\" is waiting"),
        "{told}"
    );
    assert!(told.ends_with("(only the first 2 pods)"), "{told}");
    let asked = bench.fake.lines("/pods?");
    assert_eq!(asked, ["GET /api/v1/namespaces/shop/pods?labelSelector=app%3Dweb%2Ctier+in+%28a%2Cb%29%2Cx&limit=20",]);
}
