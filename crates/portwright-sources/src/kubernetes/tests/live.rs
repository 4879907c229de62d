//! Against a real control plane, which `tests/kube/up.sh` starts: `PORTWRIGHT_KUBE` is its kubeconfig.

use std::sync::Arc;

use portwright_core::{Context, RefusalKind, Source, SourceKind, TransportKind};
use serde_json::{Value, json};

use super::{call, spec, text};
use crate::kubernetes::KubernetesKind;

/// A source on the real cluster; none where there is none.
async fn cluster(mut table: Value) -> Option<Arc<dyn Source>> {
    let Some(path) = std::env::var_os("PORTWRIGHT_KUBE") else {
        use std::io::Write;
        let words = "skipped: PORTWRIGHT_KUBE names no kubeconfig (see tests/kube/up.sh)";
        let _ = writeln!(std::io::stderr(), "{words}");
        return None;
    };
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    table["kubeconfig"] = path.to_string_lossy().into_owned().into();
    let config = KubernetesKind.decode(spec(&table, std::path::Path::new("/"))).expect("a sound table");
    Some(config.connect().await.expect("connected"))
}

async fn done(source: &dyn Source, tool: &str, arguments: Value) -> (Value, String) {
    let answer = call(source, tool, &arguments).await.unwrap_or_else(|refusal| panic!("{tool}: {refusal:?}"));
    let text = text(&answer);
    (answer.structured_content.expect("data"), text)
}

const MANIFEST: &str = "
apiVersion: v1
kind: Namespace
metadata: {name: NAME}
---
apiVersion: v1
kind: Secret
metadata: {name: db, namespace: NAME}
stringData: {password: hunter2-live}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, namespace: NAME}
spec:
  replicas: 1
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      containers:
      - {name: web, image: 'example.invalid/web:1', env: [{name: DB_PASSWORD, value: hunter2-env}]}
";

fn manifest(name: &str) -> String {
    MANIFEST.replace("NAME", name)
}

#[tokio::test]
async fn a_deployment_is_made_changed_rolled_back_and_deleted() {
    let Some(source) = cluster(json!({"access": "read-write"})).await else { return };
    let (source, name) = (&*source, "portwright-life");
    applied(source, name).await;
    rolled(source, name).await;
    scaled_and_deleted(source, name).await;
}

/// A manifest is tried, applied, applied again, and changed.
async fn applied(source: &dyn Source, name: &str) {
    let (dry, _) = done(
        source,
        "resources_create_or_update",
        json!({"resource": "apiVersion: v1\nkind: Namespace\nmetadata: {name: portwright-dry}", "dryRun": true}),
    )
    .await;
    assert_eq!(dry["changes"][0]["outcome"], "created");
    assert!(call(source, "resources_get", &json!({"kind": "ns", "name": "portwright-dry"})).await.is_err());
    let (made, _) = done(source, "resources_create_or_update", json!({"resource": manifest(name)})).await;
    assert_eq!(made["changes"].as_array().map(Vec::len), Some(3), "{made}");
    let (again, _) = done(source, "resources_create_or_update", json!({"resource": manifest(name)})).await;
    assert!(again["changes"].as_array().expect("list").iter().all(|one| one["outcome"] != "created"), "{again}");
    let newer = manifest(name).replace("web:1", "web:2").replace("hunter2-live", "hunter3-live");
    let (dry, _) = done(source, "resources_create_or_update", json!({"resource": newer, "dryRun": true})).await;
    let told = dry.to_string();
    assert!(told.contains("web:2") && !told.contains("hunter"), "{told}");
    assert_eq!(dry["changes"][1]["diff"], "(only masked values differ)");
    done(source, "resources_create_or_update", json!({"resource": newer})).await;
    let (secret, words) =
        done(source, "resources_get", json!({"kind": "Secret", "name": "db", "namespace": name})).await;
    assert_eq!(secret["object"]["data"]["password"], "(masked)");
    assert!(!words.contains("aHVudGV"));
    let (rows, _) = done(source, "resources_list", json!({"kind": "deploy", "namespace": name})).await;
    assert_eq!(rows["rows"][0][0], "web", "{rows}");
    let (deployment, _) = done(source, "resources_get", json!({"kind": "deployments.apps", "name": "web", "namespace": name, "part": "spec.template.spec.containers[0]"})).await;
    assert_eq!(deployment["object"]["env"][0]["value"], "(masked)", "{deployment}");
}

/// It is rolled back, restarted, paused and resumed.
async fn rolled(source: &dyn Source, name: &str) {
    // The controllers take a moment to note revisions.
    let revisions = async |least: usize| {
        for _ in 0..200 {
            let (status, _) = done(source, "rollout_status", json!({"name": "web", "namespace": name})).await;
            if status["revisions"].as_array().is_some_and(|all| all.len() >= least) {
                return status;
            }
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        }
        panic!("no revisions in time");
    };
    let status = revisions(2).await;
    assert_eq!(
        (&status["done"], &status["revisions"][0]["images"][0]),
        (&json!(false), &json!("example.invalid/web:2"))
    );
    done(source, "rollout", json!({"action": "undo", "name": "web", "namespace": name})).await;
    let (back, _) = done(
        source,
        "resources_get",
        json!({"kind": "deploy", "name": "web", "namespace": name, "part": "spec.template.spec.containers.0.image"}),
    )
    .await;
    assert_eq!(back["object"], "example.invalid/web:1");
    done(source, "rollout", json!({"action": "restart", "name": "web", "namespace": name})).await;
    done(source, "rollout", json!({"action": "pause", "name": "web", "namespace": name})).await;
    let told = call(source, "rollout", &json!({"action": "restart", "name": "web", "namespace": name})).await;
    assert!(told.expect_err("paused").public().contains("resume"));
    done(source, "rollout", json!({"action": "resume", "name": "web", "namespace": name})).await;
}

/// It is scaled, patched, and ends.
async fn scaled_and_deleted(source: &dyn Source, name: &str) {
    let (scaled, _) = done(source, "resources_scale", json!({"name": "web", "namespace": name, "scale": 3})).await;
    assert_eq!((&scaled["before"], &scaled["replicas"]), (&json!(1), &json!(3)));
    let patch =
        json!({"spec": {"template": {"spec": {"containers": [{"name": "web", "image": "example.invalid/web:9"}]}}}});
    let (patched, words) = done(
        source,
        "resources_patch",
        json!({"kind": "deploy", "name": "web", "namespace": name, "patch": patch, "type": "strategic"}),
    )
    .await;
    assert!(words.contains("web:9"), "{patched}");
    let (events, _) = done(source, "events_list", json!({"namespace": name})).await;
    assert!(events.to_string().contains("ScalingReplicaSet"), "{events}");
    let (_, words) =
        done(source, "resources_get", json!({"kind": "deploy", "name": "web", "namespace": name, "also": "events"}))
            .await;
    assert!(words.contains("ScalingReplicaSet"), "{words}");
    let (gone, _) = done(source, "resources_delete", json!({"kind": "deploy", "name": "web", "namespace": name})).await;
    assert_eq!(gone["changes"][0]["outcome"], "deleted", "{gone}");
    let told = call(source, "resources_get", &json!({"kind": "deploy", "name": "web", "namespace": name})).await;
    assert_eq!(
        told.expect_err("gone").public(),
        "there is no Deployment `web` in the namespace `portwright-life`: a list tells which there are"
    );
    done(source, "resources_delete", json!({"kind": "ns", "name": name})).await;
}

#[tokio::test]
async fn kinds_and_fields_are_explained_by_the_cluster() {
    let Some(source) = cluster(json!({})).await else { return };
    let (kinds, _) = done(&*source, "list_api_resources", json!({"apiGroup": "apps"})).await;
    assert!(kinds.to_string().contains("statefulsets"), "{kinds}");
    let (told, _) = done(&*source, "explain_resource", json!({"resource": "deploy.spec.strategy"})).await;
    assert!(told["fields"].to_string().contains("rollingUpdate"), "{told}");
    let wrong =
        call(&*source, "explain_resource", &json!({"resource": "pods.spec.contaners"})).await.expect_err("wrong");
    assert!(wrong.public().contains("`containers`?"), "{}", wrong.public());
    let top = call(&*source, "nodes_top", &json!({})).await.expect_err("no metrics");
    assert_eq!(top.public(), "the cluster has no Metrics API: its operator has to install metrics-server");
    let wrong = call(&*source, "resources_list", &json!({"kind": "deploymnt"})).await.expect_err("wrong");
    assert!(wrong.public().contains("did you mean"), "{}", wrong.public());
}

#[tokio::test]
async fn rights_that_are_missing_are_told() {
    let Some(source) = cluster(json!({"context": "reader"})).await else { return };
    let refusal = call(&*source, "pods_list", &json!({})).await.expect_err("no rights");
    assert_eq!(refusal.kind(), RefusalKind::Failed);
    assert!(refusal.public().contains("may not `list` `pods` in all namespaces"), "{}", refusal.public());
    let told: Vec<String> = source.inspect().await.into_iter().map(|one| one.message).collect();
    let log = "pods_log will be refused: the credential of the context `reader` may not `get` `pods/log` in the namespace `default`";
    assert!(told.iter().any(|one| one == log), "{told:#?}");
    let admin = cluster(json!({"context": "admin"})).await.expect("a cluster");
    let told: Vec<String> = admin.inspect().await.into_iter().map(|one| one.message).collect();
    assert!(told.iter().any(|one| one.contains("may do everything")), "{told:#?}");
    assert!(told[0].contains("nothing proves which cluster"), "{told:#?}");
}

#[tokio::test]
async fn a_subscriber_hears_of_each_change() {
    let Some(source) = cluster(json!({"access": "read-write"})).await else { return };
    let map = |value: &str| json!({"resource": json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "watched", "namespace": "default"}, "data": {"a": value}}).to_string()});
    done(&*source, "resources_create_or_update", map("1")).await;
    let uri = "k8s://admin/default/configmaps/watched";
    let mut news = source.updates().expect("updates");
    let cx = Context::new("r-1", TransportKind::InProcess);
    source.subscribe(uri, &cx).await.expect("subscribed");
    // The watch begins a moment after the answer: one of these changes is after that.
    for value in 2..100 {
        done(&*source, "resources_create_or_update", map(&value.to_string())).await;
        let told = tokio::time::timeout(std::time::Duration::from_millis(100), news.recv()).await;
        if let Ok(told) = told {
            assert_eq!(&*told.expect("news"), uri);
            done(&*source, "resources_delete", json!({"kind": "cm", "name": "watched", "namespace": "default"})).await;
            return;
        }
    }
    panic!("no word of any change");
}

const READER: &str = "
apiVersion: v1
kind: Namespace
metadata: {name: portwright-view}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: view, namespace: portwright-view}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: view}
subjects: [{apiGroup: rbac.authorization.k8s.io, kind: Group, name: readers}]
---
apiVersion: v1
kind: ConfigMap
metadata: {name: one, namespace: portwright-view}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: two, namespace: portwright-view}
data: {password: hunter2}
";

#[tokio::test]
async fn a_reader_works_behind_a_fence_with_the_role_view_alone() {
    let Some(admin) = cluster(json!({"access": "read-write"})).await else { return };
    done(&*admin, "resources_create_or_update", json!({"resource": READER})).await;
    let fenced = json!({"context": "reader", "namespaces": ["portwright-view"]});
    let reader = cluster(fenced).await.expect("a cluster");
    // Roles take a moment to count.
    let mut told = Vec::new();
    for _ in 0..200 {
        told = reader.inspect().await.into_iter().map(|one| one.message).collect();
        if told.iter().all(|one| !one.contains("pods_log will")) {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    let top = |one: &String| one.starts_with("pods_top will be refused") || one.contains("nothing proves");
    assert!(told.iter().all(top), "{told:#?}");
    let (pods, words) = done(&*reader, "pods_list", json!({})).await;
    assert_eq!((&pods["rows"], &*words), (&json!([]), "no pods fit"));
    let refusal = call(&*reader, "resources_list", &json!({"kind": "secrets"})).await.expect_err("no right");
    assert!(refusal.public().contains("may not `list` `secrets` in the namespace `portwright-view`"), "{refusal}");
    assert!(call(&*reader, "resources_list", &json!({"kind": "nodes"})).await.is_err());
    let list = async |from: Value| {
        let arguments =
            json!({"kind": "cm", "limit": 1, "continue": from, "fieldSelector": "metadata.name!=kube-root-ca.crt"});
        done(&*reader, "resources_list", arguments).await.0
    };
    let (mut names, mut from) = (Vec::new(), json!(""));
    for _ in 0..5 {
        let page = list(from).await;
        names.extend(page["rows"].as_array().into_iter().flatten().map(|row| row[0].clone()));
        from = page["next"].clone();
        if from.is_null() {
            break;
        }
    }
    assert_eq!(names, ["one", "two"]);
    done(&*admin, "resources_delete", json!({"kind": "ns", "name": "portwright-view"})).await;
}
