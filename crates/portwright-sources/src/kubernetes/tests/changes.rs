//! What writes: manifests, patches, scaling, deleting.

use serde_json::{Value, json};

use super::Bench;

async fn bench() -> Bench {
    Bench::of(json!({"access": "read-write", "namespaces": ["shop"]})).await
}

fn deployment(image: &str) -> Value {
    json!({
        "apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web", "namespace": "shop", "resourceVersion": image},
        "spec": {"template": {"spec": {"containers": [{"name": "web", "image": image}]}}},
    })
}

#[tokio::test]
async fn a_manifest_is_applied_on_the_server_and_tells_its_differences() {
    let bench = bench().await;
    let path = "/apis/apps/v1/namespaces/shop/deployments/web";
    bench.fake.tell(&format!("GET {path}"), deployment("web:1"));
    bench.fake.tell(&format!("PATCH {path}"), deployment("web:2"));
    let manifest = "apiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: web\n---\n";
    let told = bench.data("resources_create_or_update", json!({"resource": manifest, "dryRun": true})).await;
    let diff = told["changes"][0]["diff"].as_str().expect("a diff");
    assert!(diff.lines().any(|line| line.starts_with('-') && line.contains("web:1")), "{diff}");
    assert!(diff.lines().any(|line| line.starts_with('+') && line.contains("web:2")), "{diff}");
    let asked = bench.fake.asked().into_iter().find(|asked| asked.line.starts_with("PATCH")).expect("a patch");
    assert_eq!(asked.line, format!("PATCH {path}?fieldManager=portwright&force=false&dryRun=All"));
    assert_eq!(asked.headers["content-type"], "application/apply-patch+yaml");
    assert_eq!(
        serde_json::from_str::<Value>(&asked.body).expect("JSON"),
        json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web", "namespace": "shop"}})
    );
}

#[tokio::test]
async fn manifests_that_may_not_be_are_refused_before_any_is_written() {
    let bench = bench().await;
    let good = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n";
    for (rest, words) in [
        (
            "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: b, namespace: kube-system}",
            "`kube-system` is none of them",
        ),
        ("apiVersion: v1\nkind: Node\nmetadata: {name: b}", "belong to the whole cluster"),
        ("apiVersion: v1\nkind: Namespace\nmetadata: {name: other}", "`other` is none of them"),
        ("kind: ConfigMap\nmetadata: {name: b}", "needs `apiVersion` and `kind`"),
        ("apiVersion: v1\nkind: ConfigMap\nmetadata: {generateName: b}", "`metadata.name`"),
        ("apiVersion: v1\nkind: Nothing\nmetadata: {name: b}", "no kind `Nothing`"),
        ("apiVersion: nothing/v1\nkind: Nothing\nmetadata: {name: b}", "does not know the apiVersion"),
        ("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: ../b}", "is not a name"),
        ("a: [", "neither YAML nor JSON"),
        ("just words", "not an object"),
    ] {
        let manifest = format!("{good}---\n{rest}");
        let told = bench.refused("resources_create_or_update", json!({"resource": manifest})).await;
        assert!(told.contains(words), "{rest}: {told}");
    }
    assert!(bench.fake.lines("PATCH").is_empty());
    let both = json!({"resource": good.replace("name: a", "name: a, namespace: shop"), "namespace": "dev"});
    assert!(bench.refused("resources_create_or_update", both).await.contains("leave one of them out"));
}

#[tokio::test]
async fn a_yaml_bomb_is_refused() {
    let bench = bench().await;
    let mut bomb = "a0: &a0 [x,x,x,x,x,x,x,x,x,x]\n".to_owned();
    for level in 1..12 {
        let before = level - 1;
        bomb = format!("{bomb}a{level}: &a{level} [{}]\n", vec![format!("*a{before}"); 10].join(","));
    }
    let told = bench.refused("resources_create_or_update", json!({"resource": bomb})).await;
    assert!(told.starts_with("invalid: the manifest is neither"), "{told}");
    let large = format!("a: {}", "x".repeat(300 * 1024));
    assert!(bench.refused("resources_create_or_update", json!({"resource": large})).await.contains("256 KiB"));
}

#[tokio::test]
async fn fields_of_others_are_told_by_their_names() {
    let bench = bench().await;
    let path = "/apis/apps/v1/namespaces/shop/deployments/web";
    bench.fake.tell(&format!("GET {path}"), deployment("web:1"));
    let status = json!({
        "kind": "Status", "code": 409, "reason": "Conflict", "message": "conflict with \"hpa\"",
        "details": {"causes": [{"reason": "FieldManagerConflict", "message": "conflict", "field": ".spec.replicas"}]},
    });
    bench.fake.refuse_with(&format!("PATCH {path}"), 409, &status);
    let manifest = deployment("web:2").to_string();
    let told = bench.refused("resources_create_or_update", json!({"resource": manifest})).await;
    assert_eq!(
        told,
        "failed: others manage these fields: .spec.replicas. Leave them out, or set `force` to take them over"
    );
}

#[tokio::test]
async fn scaling_and_deleting_go_by_the_parts_of_the_api() {
    let bench = bench().await;
    let scale = "/apis/apps/v1/namespaces/shop/deployments/web/scale";
    bench.fake.tell(&format!("GET {scale}"), json!({"spec": {"replicas": 1}}));
    bench.fake.tell(&format!("PATCH {scale}"), json!({"spec": {"replicas": 4}}));
    let told = bench.data("resources_scale", json!({"name": "web", "scale": 4})).await;
    assert_eq!(told, json!({"object": "Deployment/web", "replicas": 4, "before": 1}));
    let told = bench.data("resources_scale", json!({"name": "web"})).await;
    assert_eq!(told, json!({"object": "Deployment/web", "replicas": 1}));
    bench.fake.tell(
        "DELETE /api/v1/namespaces/shop/pods/web",
        json!({"kind": "Pod", "metadata": {"deletionTimestamp": "now"}}),
    );
    let told = bench.data("pods_delete", json!({"name": "web"})).await;
    assert_eq!(told, json!({"object": "Pod/web in shop", "outcome": "is being deleted"}));
    let body = bench.fake.asked().pop().map(|asked| asked.body).unwrap_or_default();
    assert!(body.contains("\"propagationPolicy\":\"Background\""), "{body}");
}

#[tokio::test]
async fn a_webhook_that_fails_tells_no_address() {
    let bench = bench().await;
    let said = "Internal error occurred: failed calling webhook \"x\": Post \"https://10.0.0.9:443/validate?token=hunter2\": refused";
    bench.fake.refuse("DELETE /api/v1/namespaces/shop/pods/web", 500, "InternalError", said);
    let told = bench.refused("pods_delete", json!({"name": "web"})).await;
    assert!(told.contains("webhook") && !told.contains("10.0.0.9") && !told.contains("hunter2"), "{told}");
}
