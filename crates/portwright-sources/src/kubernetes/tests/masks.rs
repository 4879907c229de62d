//! Secrets stay where they are, whatever is read and whatever fails.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::{Bench, CANARY, call, kubeconfig, spec, text};
use crate::kubernetes::{KubernetesKind, mask};
use portwright_core::SourceKind;

fn masked(mut object: Value) -> Value {
    mask::object(&mut object);
    object
}

#[test]
fn texts_that_look_like_secrets_are_masked() {
    let jwt = "eyJhbGciOiJSUzI1NiIsImtpZCI6IiJ9.eyJzdWIiOiJzeXN0ZW0ifQ.c2lnbmF0dXJl";
    for (text, shown) in [
        (format!("token {jwt} used"), "token (masked) used"),
        ("Authorization: Bearer abcdefghijklmnop1234".to_owned(), "Authorization: Bearer (masked)"),
        ("connecting to postgres://app:hunter2@db/shop".to_owned(), "connecting to postgres://app:(masked)db/shop"),
        ("password=hunter2 user=app".to_owned(), "password=(masked) user=app"),
        ("{\"api_key\": \"hunter2\"}".to_owned(), "{\"api_key\": \"(masked)\"}"),
        ("AKIAIOSFODNN7EXAMPLE".to_owned(), "(masked)"),
        ("join 07401b.f395accd246ae52d".to_owned(), "join (masked)"),
        ("-----BEGIN RSA PRIVATE KEY-----\nabc\n-----END RSA PRIVATE KEY-----\nx".to_owned(), "(masked)\nx"),
        ("-----BEGIN PRIVATE KEY-----\ncut off".to_owned(), "(masked)"),
        ("ghp_0123456789abcdefghijABCDEFGHIJ".to_owned(), "(masked)"),
    ] {
        assert_eq!(mask::text(&text), shown, "{text}");
    }
    for text in
        ["Basic authentication is off", "secretName: db", "pulled image nginx:1.27", "token expired", "web-6d4f.shop"]
    {
        assert_eq!(mask::text(text), text);
    }
}

#[test]
fn variables_and_keys_that_are_named_like_secrets_are_masked() {
    let pod = json!({
        "kind": "Pod",
        "spec": {
            "volumes": [{"name": "v", "secret": {"secretName": "db"}}],
            "imagePullSecrets": [{"name": "regcred"}],
            "containers": [{
                "args": ["--password=hunter2"],
                "env": [
                    {"name": "DB_PASSWORD", "value": "hunter2"},
                    {"name": "STRIPE_API_KEY", "value": "hunter2"},
                    {"name": "AWS_SECRET_ACCESS_KEY", "value": "hunter2"},
                    {"name": "SECRET_NAME", "value": "db"},
                    {"name": "TOKEN_URL", "value": "https://login.example"},
                    {"name": "MODE", "value": "fast"},
                    {"name": "FROM", "valueFrom": {"secretKeyRef": {"name": "db", "key": "password"}}},
                ],
            }],
        },
    });
    let masked = masked(pod);
    assert!(!masked.to_string().contains("hunter2"), "{masked}");
    let kept = [
        "\"secretName\":\"db\"",
        "regcred",
        "fast",
        "https://login.example",
        "\"key\":\"password\"",
        "\"value\":\"db\"",
    ];
    for kept in kept {
        assert!(masked.to_string().contains(kept), "{kept} in {masked}");
    }
}

#[test]
fn config_maps_lists_and_old_manifests_hide_nothing() {
    let map = json!({
        "kind": "ConfigMap",
        "metadata": {"annotations": {"kubectl.kubernetes.io/last-applied-configuration": "hunter2", "note": "kept"}},
        "data": {"password": "hunter2", "app.conf": "user=app\npassword=hunter2\n"},
    });
    let secret =
        json!({"apiVersion": "v1", "kind": "Secret", "data": {"tls.key": "hunter2"}, "stringData": {"x": "hunter2"}});
    let odd = json!({"apiVersion": "v1", "kind": "Secret", "data": "hunter2"});
    let masked = masked(json!({"kind": "List", "items": [map, {"kind": "List", "items": [secret, odd]}]}));
    assert!(!masked.to_string().contains("hunter2"), "{masked}");
    assert!(masked.to_string().contains("kept"));
    let custom = super::super::mask::is_secrets_name("clientSecret");
    assert!(custom && !mask::is_secrets_name("secretName") && !mask::is_secrets_name("tokenExpirationSeconds"));
}

proptest! {
    #[test]
    fn no_value_of_a_secret_survives(keys in proptest::collection::vec("[a-z.]{1,12}", 1..6), value in "[A-Za-z0-9+/]{12,40}") {
        let data: serde_json::Map<String, Value> = keys.into_iter().map(|key| (key, value.clone().into())).collect();
        let masked = masked(json!({"apiVersion": "v1", "kind": "Secret", "data": data.clone(), "stringData": data}));
        prop_assert!(!masked.to_string().contains(&value));
    }
}

#[tokio::test]
async fn a_mask_is_never_written_back() {
    let bench = Bench::of(json!({"access": "read-write"})).await;
    let secret = json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "db"}, "stringData": {"password": "(masked)"}});
    let told = bench.refused("resources_create_or_update", json!({"resource": secret.to_string()})).await;
    assert!(told.contains("leave those fields out"), "{told}");
    let patch = json!({"kind": "secret", "name": "db", "patch": {"stringData": {"password": "(masked)"}}});
    assert!(bench.refused("resources_patch", patch).await.contains("leave those fields out"));
    assert!(bench.fake.lines("PATCH").is_empty());
}

#[tokio::test]
async fn the_configuration_is_told_without_the_credential() {
    let bench = Bench::of(json!({"contexts": ["two"], "namespaces": ["shop"]})).await;
    for tool in ["configuration_view", "configuration_contexts_list"] {
        let answer = bench.call(tool, json!({})).await.expect(tool);
        let told = format!("{answer:?} {}", text(&answer));
        assert!(!told.contains(CANARY) && !told.contains("127.0.0.1"), "{told}");
    }
    let contexts = bench.data("configuration_contexts_list", json!({"operation": "get"})).await;
    assert_eq!(contexts["current"], "one");
    assert_eq!(contexts["contexts"][1], json!({"name": "two", "namespace": "shop"}));
    let told = bench.refused("pods_list", json!({"context": "three"})).await;
    assert_eq!(told, "invalid: there is no context `three` here: there is one, two");
}

#[tokio::test]
async fn a_secret_that_does_not_fit_is_not_repeated() {
    let bench = Bench::of(json!({"access": "read-write"})).await;
    let path = "/api/v1/namespaces/shop/secrets/db";
    bench.fake.refuse(&format!("PATCH {path}"), 422, "Invalid", "data[password]: Invalid value: \"hunter2\"");
    let secret =
        json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "db"}, "stringData": {"password": "x"}});
    let told = bench.refused("resources_create_or_update", json!({"resource": secret.to_string()})).await;
    assert!(told.starts_with("failed: the cluster does not take it") && !told.contains("hunter2"), "{told}");
}

#[tokio::test]
async fn programs_of_a_kubeconfig_run_only_where_the_configuration_says_so() {
    let folder = tempfile::tempdir().expect("a folder");
    let mark = folder.path().join("ran");
    let run = json!({"exec": {"apiVersion": "client.authentication.k8s.io/v1", "command": "touch", "args": [mark]}});
    std::fs::write(folder.path().join("config"), kubeconfig("http://127.0.0.1:1", &run)).expect("written");
    let config = KubernetesKind.decode(spec(&json!({"kubeconfig": "config"}), folder.path())).expect("sound");
    let error = config.connect().await.expect_err("refused");
    assert!(error.to_string().contains("set `exec = true`"), "{error}");
    assert!(!mark.exists());
}

#[tokio::test]
async fn what_such_a_program_prints_is_told_to_nobody() {
    let folder = tempfile::tempdir().expect("a folder");
    let script = format!("echo {CANARY}; exit 3");
    let run = json!({"exec": {"apiVersion": "client.authentication.k8s.io/v1", "command": "sh", "args": ["-c", script], "interactiveMode": "Never"}});
    std::fs::write(folder.path().join("config"), kubeconfig("http://127.0.0.1:1", &run)).expect("written");
    let table = json!({"kubeconfig": "config", "exec": true});
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let error =
        KubernetesKind.decode(spec(&table, folder.path())).expect("sound").connect().await.expect_err("no credential");
    let bytes: Vec<String> = CANARY.bytes().map(|byte| byte.to_string()).collect();
    let told = format!("{error} {error:?}");
    assert!(told.contains("the program for the credential failed: exit status: 3"), "{told}");
    assert!(!told.contains(CANARY) && !told.contains(&bytes.join(", ")), "{told}");
}

#[tokio::test]
async fn such_a_program_gives_the_credential_and_asks_nobody() {
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let (fake, folder) = (super::Fake::start().await, tempfile::tempdir().expect("a folder"));
    let kind =
        json!({"apiVersion": "client.authentication.k8s.io/v1", "kind": "ExecCredential", "status": {"token": CANARY}});
    let script =
        format!(r#"case "$KUBERNETES_EXEC_INFO" in *'"interactive":false'*) echo '{kind}';; *) exit 3;; esac"#);
    let run =
        json!({"exec": {"apiVersion": "client.authentication.k8s.io/v1", "command": "sh", "args": ["-c", script]}});
    std::fs::write(folder.path().join("config"), kubeconfig(&fake.url, &run)).expect("written");
    let table = json!({"kubeconfig": "config", "exec": true});
    KubernetesKind.decode(spec(&table, folder.path())).expect("sound").connect().await.expect("connected");
    let asked = fake.asked();
    assert_eq!(asked[0].headers.get("authorization"), Some(&format!("Bearer {CANARY}")));
}

#[tokio::test]
async fn a_kubeconfig_that_is_none_is_told_without_what_stands_in_it() {
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::write(folder.path().join("config"), format!("users: [{{name: x, user: {{token: {CANARY}}}"))
        .expect("written");
    for table in [json!({"kubeconfig": "config"}), json!({"kubeconfig": "absent"}), json!({"kubeconfig": "."})] {
        let config = KubernetesKind.decode(spec(&table, folder.path())).expect("sound");
        let error = config.connect().await.expect_err("refused");
        let cause = std::error::Error::source(&error).map(ToString::to_string).unwrap_or_default();
        assert!(
            error.to_string().contains("can't be read") && !format!("{error:?} {cause}").contains(CANARY),
            "{error:?}"
        );
    }
}

#[tokio::test]
async fn logs_and_events_are_masked_too() {
    let bench = Bench::of(json!({})).await;
    bench.fake.tell(
        "/api/v1/namespaces/shop/pods/web",
        json!({
            "metadata": {"name": "web"}, "spec": {"containers": [{"name": "main"}, {"name": "side"}]},
        }),
    );
    bench.fake.tell("/api/v1/namespaces/shop/pods/web/log", "start\npassword=hunter2\nready");
    bench.fake.tell(
        "/api/v1/events",
        json!({"items": [
            {"reason": "Failed", "message": "postgres://app:hunter2@db", "metadata": {"namespace": "shop"}},
        ]}),
    );
    for (tool, arguments) in [("pods_log", json!({"name": "web"})), ("events_list", json!({}))] {
        let answer = call(&*bench.source, tool, &arguments).await.expect(tool);
        let told = format!("{answer:?}");
        assert!(told.contains("(masked)") && !told.contains("hunter2"), "{told}");
    }
}
