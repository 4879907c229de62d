//! Commands in pods, against a pod of the tests' own.

use futures::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::handshake::server::{Request, Response};

use super::{Bench, kubeconfig, spec, text};
use crate::kubernetes::KubernetesKind;
use portwright_core::SourceKind;

/// A pod that prints and ends so; what it was asked for comes back.
async fn pod(listener: TcpListener, stdout: Vec<u8>, status: Value) -> String {
    let (stream, _) = listener.accept().await.expect("a caller");
    let mut asked = String::new();
    #[expect(clippy::result_large_err, reason = "the handshake's own type")]
    let look = |request: &Request, mut response: Response| {
        asked = request.uri().to_string();
        let protocol = "v5.channel.k8s.io".parse().expect("a header");
        response.headers_mut().insert("sec-websocket-protocol", protocol);
        Ok(response)
    };
    let mut socket = tokio_tungstenite::accept_hdr_async(stream, look).await.expect("a handshake");
    let framed = |channel: u8, data: &[u8]| Message::binary([&[channel], data].concat());
    let _ = socket.send(framed(1, &stdout)).await;
    let _ = socket.send(framed(2, b"token=hunter2\n")).await;
    let _ = socket.send(framed(3, status.to_string().as_bytes())).await;
    let _ = socket.close(None).await;
    while socket.next().await.is_some_and(|message| message.is_ok()) {}
    asked
}

async fn ran(stdout: Vec<u8>, status: Value) -> (Value, String) {
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let version = Bench::of(json!({})).await;
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let folder = tempfile::tempdir().expect("a folder");
    // The default context answers, the other one is where the pod runs.
    let mut config: Value = serde_json::from_str(&kubeconfig(&version.fake.url, &json!({"token": "x"}))).expect("JSON");
    let there = format!("http://{}", listener.local_addr().expect("an address"));
    config["clusters"].as_array_mut().expect("a list").push(json!({"name": "d", "cluster": {"server": there}}));
    config["contexts"][1]["context"]["cluster"] = "d".into();
    std::fs::write(folder.path().join("config"), config.to_string()).expect("written");
    let table = json!({"kubeconfig": "config", "contexts": ["two"], "access": "read-write", "tools": ["pods_exec"]});
    let source = KubernetesKind.decode(spec(&table, folder.path())).expect("sound").connect().await.expect("connected");
    let pod = tokio::spawn(pod(listener, stdout, status));
    let arguments =
        json!({"context": "two", "name": "web", "command": ["ls", "-l; rm -rf /", "$(id)"], "container": "main"});
    let answer = super::call(&*source, "pods_exec", &arguments).await.expect("ran");
    assert!(!text(&answer).contains("hunter2"));
    (answer.structured_content.expect("data"), pod.await.expect("asked"))
}

#[tokio::test]
async fn a_command_is_a_list_of_words_and_tells_how_it_ended() {
    let causes = json!([{"reason": "ExitCode", "message": "3"}]);
    let status =
        json!({"status": "Failure", "reason": "NonZeroExitCode", "message": "exit", "details": {"causes": causes}});
    let (told, asked) = ran(b"total 0\n".to_vec(), status).await;
    assert_eq!(told, json!({"exit_code": 3, "stdout": "total 0\n", "stderr": "token=(masked)\n"}));
    for part in
        ["command=ls&command=-l%3B+rm+-rf+%2F&command=%24%28id%29", "container=main", "/namespaces/shop/pods/web/exec"]
    {
        assert!(asked.contains(part), "{part} in {asked}");
    }
}

#[tokio::test]
async fn what_prints_without_end_is_left_at_its_bound() {
    let (told, _) = ran(vec![b'x'; 200 * 1024], json!({"status": "Success"})).await;
    assert_eq!(told["stdout"].as_str().map(str::len), Some(64 * 1024));
    assert!(told["note"].as_str().is_some_and(|note| note.contains("cut at 65536 bytes")), "{}", told["note"]);
    assert!(told.get("exit_code").is_none());
}

#[tokio::test]
async fn a_pod_is_run_with_a_name_that_is_free() {
    let bench = Bench::of(json!({"access": "read-write", "tools": ["pods_run"]})).await;
    bench.fake.tell("POST /api/v1/namespaces/shop/pods", json!({"metadata": {"name": "run-x7"}}));
    let told = bench.data("pods_run", json!({"image": "nginx", "port": 80})).await;
    assert_eq!(told, json!({"name": "run-x7", "namespace": "shop"}));
    let body: Value = serde_json::from_str(&bench.fake.asked().pop().expect("asked").body).expect("JSON");
    assert_eq!(body["metadata"]["generateName"], "run-");
    assert_eq!(body["spec"]["containers"][0]["ports"], json!([{"containerPort": 80}]));
}
