//! A small API server on loopback: it answers what it was told to, and remembers what it was asked.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};

/// What one request asked for.
#[derive(Debug, Clone)]
pub(super) struct Asked {
    pub(super) line: String,
    pub(super) headers: HashMap<String, String>,
    pub(super) body: String,
}

#[derive(Debug, Clone)]
struct Told {
    status: u16,
    body: String,
}

#[derive(Debug, Clone)]
pub(super) struct Fake {
    pub(super) url: String,
    answers: Arc<Mutex<HashMap<String, Told>>>,
    asked: Arc<Mutex<Vec<Asked>>>,
}

impl Fake {
    pub(super) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        let fake = Self { url, answers: Arc::default(), asked: Arc::default() };
        fake.tell("/version", json!({"gitVersion": "v1.33.0"}));
        fake.tell("/api/v1", discovery());
        fake.tell(
            "/apis",
            json!({"groups": [
                {"name": "apps", "preferredVersion": {"groupVersion": "apps/v1"}},
                {"name": "shop.example", "preferredVersion": {"groupVersion": "shop.example/v1"}},
            ]}),
        );
        fake.tell("/apis/apps/v1", json!({"resources": [
            {"name": "deployments", "singularName": "deployment", "namespaced": true, "kind": "Deployment",
             "verbs": ["get", "list", "patch"], "shortNames": ["deploy"]},
            {"name": "deployments/scale", "namespaced": true, "kind": "Scale", "verbs": ["get", "patch"]},
            {"name": "replicasets", "namespaced": true, "kind": "ReplicaSet", "verbs": ["list"], "shortNames": ["rs"]},
            {"name": "statefulsets", "namespaced": true, "kind": "StatefulSet", "verbs": ["list"]},
        ]}));
        fake.tell(
            "/apis/shop.example/v1",
            json!({"resources": [
                {"name": "orders", "namespaced": true, "kind": "Order", "verbs": ["get", "list"]},
            ]}),
        );
        let served = fake.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(served.clone().serve(stream));
            }
        });
        fake
    }

    /// Every request of this path is answered so, whatever its query. `METHOD path` is of that method alone.
    pub(super) fn tell(&self, path: &str, body: impl Into<Value>) {
        let body: Value = body.into();
        let body = body.as_str().map_or_else(|| body.to_string(), str::to_owned);
        self.answers.lock().unwrap_or_else(PoisonError::into_inner).insert(path.to_owned(), Told { status: 200, body });
    }

    /// It is refused so.
    pub(super) fn refuse(&self, path: &str, status: u16, reason: &str, message: &str) {
        let body = json!({"kind": "Status", "status": "Failure", "code": status, "reason": reason, "message": message});
        self.refuse_with(path, status, &body);
    }

    pub(super) fn refuse_with(&self, path: &str, status: u16, body: &Value) {
        let told = Told { status, body: body.to_string() };
        self.answers.lock().unwrap_or_else(PoisonError::into_inner).insert(path.to_owned(), told);
    }

    /// It is never answered.
    pub(super) fn hang(&self, path: &str) {
        let told = Told { status: 0, body: String::new() };
        self.answers.lock().unwrap_or_else(PoisonError::into_inner).insert(path.to_owned(), told);
    }

    pub(super) fn asked(&self) -> Vec<Asked> {
        self.asked.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The lines of the requests that went to a path.
    pub(super) fn lines(&self, path: &str) -> Vec<String> {
        self.asked().into_iter().map(|asked| asked.line).filter(|line| line.contains(path)).collect()
    }

    async fn serve(self, stream: TcpStream) {
        let mut stream = BufReader::new(stream);
        while let Some(asked) = read(&mut stream).await {
            let target = asked.line.split(' ').nth(1).unwrap_or_default().to_owned();
            let path = target.split('?').next().unwrap_or_default().to_owned();
            let method = asked.line.split(' ').next().unwrap_or_default().to_owned();
            let answer = {
                let answers = self.answers.lock().unwrap_or_else(PoisonError::into_inner);
                // A watch has the path of a list.
                let watch = if target.contains("watch=true") { format!("{path}?watch") } else { String::new() };
                let found = [watch, format!("{method} {target}"), format!("{method} {path}"), target, path];
                found.iter().find_map(|key| answers.get(key).cloned())
            };
            self.asked.lock().unwrap_or_else(PoisonError::into_inner).push(asked);
            let none = json!({"kind": "Status", "code": 404, "reason": "NotFound", "message": "not found"}).to_string();
            let Told { status, body } = answer.unwrap_or(Told { status: 404, body: none });
            if status == 0 {
                std::future::pending::<()>().await;
            }
            let head = format!(
                "HTTP/1.1 {status} X\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n",
                body.len()
            );
            if stream.write_all((head + &body).as_bytes()).await.is_err() {
                return;
            }
        }
    }
}

async fn read(stream: &mut BufReader<TcpStream>) -> Option<Asked> {
    let mut line = String::new();
    stream.read_line(&mut line).await.ok().filter(|read| *read > 0)?;
    let mut headers = HashMap::new();
    loop {
        let mut header = String::new();
        stream.read_line(&mut header).await.ok()?;
        let Some((name, value)) = header.trim_end().split_once(':') else { break };
        headers.insert(name.to_lowercase(), value.trim().to_owned());
    }
    let length = headers.get("content-length").and_then(|length| length.parse().ok()).unwrap_or(0);
    let mut body = vec![0; length];
    stream.read_exact(&mut body).await.ok()?;
    let body = String::from_utf8_lossy(&body).into_owned();
    Some(Asked { line: line.trim_end().trim_end_matches(" HTTP/1.1").to_owned(), headers, body })
}

fn discovery() -> Value {
    json!({"resources": [
        {"name": "pods", "singularName": "pod", "namespaced": true, "kind": "Pod", "verbs": ["get", "list"], "shortNames": ["po"]},
        {"name": "pods/log", "namespaced": true, "kind": "Pod", "verbs": ["get"]},
        {"name": "secrets", "namespaced": true, "kind": "Secret", "verbs": ["get", "list"]},
        {"name": "configmaps", "namespaced": true, "kind": "ConfigMap", "verbs": ["get", "list"], "shortNames": ["cm"]},
        {"name": "nodes", "namespaced": false, "kind": "Node", "verbs": ["get", "list"], "shortNames": ["no"]},
        {"name": "namespaces", "namespaced": false, "kind": "Namespace", "verbs": ["get", "list"], "shortNames": ["ns"]},
        {"name": "events", "namespaced": true, "kind": "Event", "verbs": ["get", "list"], "shortNames": ["ev"]},
    ]})
}
