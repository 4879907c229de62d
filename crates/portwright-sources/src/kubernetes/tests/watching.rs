//! Objects that clients subscribe to.

use std::time::Duration;

use portwright_core::{Context, RefusalKind, TransportKind};
use serde_json::json;

use super::Bench;

#[tokio::test]
async fn each_change_of_an_object_is_told_once_it_is_subscribed_to() {
    let bench = Bench::of(json!({})).await;
    let cx = Context::new("r-1", TransportKind::InProcess);
    let map = |version: &str| json!({"kind": "ConfigMap", "metadata": {"name": "a", "resourceVersion": version}});
    let path = "/api/v1/namespaces/shop/configmaps";
    bench.fake.tell(&format!("{path}/a"), map("4"));
    bench.fake.tell(path, json!({"metadata": {"resourceVersion": "5"}, "items": [map("4")]}));
    bench.fake.tell(&format!("{path}?watch"), format!("{}\n", json!({"type": "MODIFIED", "object": map("6")})));
    let (uri, mut news) = ("k8s://one/shop/cm/a", bench.source.updates().expect("updates"));
    for _ in 0..3 {
        bench.source.subscribe(uri, &cx).await.expect("subscribed");
    }
    let told = tokio::time::timeout(Duration::from_secs(10), news.recv()).await;
    assert_eq!(&*told.expect("in time").expect("news"), uri);
    let watched = bench.fake.lines("watch=true");
    assert_eq!(
        watched[0],
        format!("GET {path}?fieldSelector=metadata.name%3Da&watch=true&resourceVersion=5&timeoutSeconds=240")
    );
    bench.source.close().await;
}

#[tokio::test]
async fn who_may_not_read_an_object_hears_nothing_of_it() {
    let bench = Bench::of(json!({"namespaces": ["shop"]})).await;
    let cx = Context::new("r-1", TransportKind::InProcess);
    bench.fake.refuse(
        "/api/v1/namespaces/shop/secrets/db",
        403,
        "Forbidden",
        "secrets is forbidden: User x cannot get",
    );
    let refusal = bench.source.subscribe("k8s://one/shop/secrets/db", &cx).await.expect_err("no right");
    assert_eq!(refusal.kind(), RefusalKind::Failed);
    let refusal = bench.source.subscribe("k8s://one/dev/secrets/db", &cx).await.expect_err("outside");
    assert_eq!(refusal.kind(), RefusalKind::NotFound);
    let without = Bench::of(json!({"tools": ["!resources_get"]})).await;
    assert!(without.source.updates().is_none() && without.source.templates().is_empty());
    assert!(without.source.read("k8s://one/shop/cm/a", &cx).await.is_err());
    assert!(bench.fake.lines("watch=true").is_empty());
}
