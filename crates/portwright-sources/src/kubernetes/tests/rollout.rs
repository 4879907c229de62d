//! Rollouts, and what a cluster says of its fields.

use serde_json::{Value, json};

use super::Bench;

const PATH: &str = "/apis/apps/v1/namespaces/shop/deployments/web";

fn revision(number: u32, image: &str, owner: &str) -> Value {
    json!({
        "metadata": {
            "creationTimestamp": "2026-01-01T10:00:00Z", "ownerReferences": [{"uid": owner}],
            "annotations": {"deployment.kubernetes.io/revision": number.to_string()},
        },
        "spec": {"template": {"metadata": {"labels": {"app": "web", "pod-template-hash": "x"}}, "spec": {"containers": [{"image": image}]}}},
    })
}

async fn bench(spec: Value) -> Bench {
    let bench = Bench::of(json!({"access": "read-write"})).await;
    let mut deployment = json!({
        "kind": "Deployment", "metadata": {"name": "web", "uid": "u-1", "generation": 2},
        "spec": {"replicas": 3, "selector": {"matchLabels": {"app": "web"}}},
        "status": {"observedGeneration": 2, "replicas": 4, "updatedReplicas": 1, "availableReplicas": 3},
    });
    for (key, value) in spec.as_object().into_iter().flatten() {
        deployment["spec"][key] = value.clone();
    }
    bench.fake.tell(PATH, deployment);
    bench.fake.tell("/apis/apps/v1/namespaces/shop/replicasets", json!({"items": [
        revision(1, "web:1", "u-1"), revision(9, "web:9", "another"), revision(3, "web:3", "u-1"), revision(2, "web:2", "u-1"),
    ]}));
    bench
}

#[tokio::test]
async fn a_status_says_what_a_rollout_waits_for_and_which_revisions_there_were() {
    let bench = bench(json!({})).await;
    let told = bench.data("rollout_status", json!({"name": "web"})).await;
    assert_eq!((&told["done"], &told["status"]), (&json!(false), &json!("1 of 3 are of the new revision")));
    let numbers: Vec<_> =
        told["revisions"].as_array().into_iter().flatten().map(|one| one["revision"].clone()).collect();
    assert_eq!(numbers, [3, 2, 1]);
    let told = bench.refused("rollout_status", json!({"name": "web", "kind": "pod"})).await;
    assert_eq!(told, "invalid: a Pod has no rollouts: a Deployment, StatefulSet or DaemonSet has");
}

#[tokio::test]
async fn going_back_takes_the_revision_before_or_the_one_named() {
    let bench = bench(json!({})).await;
    for (revision, image) in [(Value::Null, "web:2"), (json!(1), "web:1")] {
        bench.data("rollout", json!({"action": "undo", "name": "web", "revision": revision})).await;
        let asked = bench.fake.asked().into_iter().rfind(|asked| asked.line.starts_with("PATCH")).expect("a patch");
        assert_eq!(asked.headers["content-type"], "application/json-patch+json");
        let body: Value = serde_json::from_str(&asked.body).expect("JSON");
        assert_eq!(body[0]["value"]["spec"]["containers"][0]["image"], image);
        assert_eq!(body[0]["value"]["metadata"]["labels"], json!({"app": "web"}));
    }
    let told = bench.refused("rollout", json!({"action": "undo", "name": "web", "revision": 9})).await;
    assert_eq!(told, "failed: there is no such revision to go back to: there is 3, 2, 1");
    let told = bench.refused("rollout", json!({"action": "undo", "name": "web", "revision": 3})).await;
    assert_eq!(told, "failed: it is at revision 3 already");
}

#[tokio::test]
async fn what_is_paused_is_resumed_first() {
    let bench = bench(json!({"paused": true})).await;
    for action in ["restart", "undo"] {
        let told = bench.refused("rollout", json!({"action": action, "name": "web"})).await;
        assert_eq!(told, "failed: it is paused: `resume` it first");
    }
    bench.data("rollout", json!({"action": "resume", "name": "web"})).await;
    let body = bench.fake.asked().into_iter().rfind(|asked| asked.line.starts_with("PATCH")).map(|asked| asked.body);
    assert_eq!(body.as_deref(), Some(r#"{"spec":{"paused":false}}"#));
}

#[tokio::test]
async fn fields_are_explained_along_references() {
    let bench = Bench::of(json!({})).await;
    bench.fake.tell("/openapi/v3/apis/apps/v1", json!({"components": {"schemas": {
        "Deployment": {
            "description": "Declares pods.", "type": "object",
            "x-kubernetes-group-version-kind": [{"group": "apps", "version": "v1", "kind": "Deployment"}],
            "properties": {"spec": {"allOf": [{"$ref": "#/components/schemas/Spec"}]}},
        },
        "Spec": {
            "description": "What is wanted. And more.", "type": "object", "required": ["selector"],
            "properties": {
                "selector": {"type": "object", "additionalProperties": {"type": "string"}, "description": "Which pods. More."},
                "rules": {"type": "array", "items": {"$ref": "#/components/schemas/Spec"}},
            },
        },
    }}}));
    let told = bench.data("explain_resource", json!({"resource": "deploy.spec.rules"})).await;
    assert_eq!((&told["type"], &told["description"]), (&json!("[]object"), &json!("What is wanted. And more.")));
    assert_eq!(
        told["fields"][0],
        json!({"name": "selector", "type": "map of string", "required": true, "description": "Which pods."})
    );
    let told = bench.refused("explain_resource", json!({"resource": "deploy.spec.rulez"})).await;
    assert_eq!(told, "invalid: there is no field `rulez` in Deployment: `rules`?");
}
