//! The source against an API that answers what a test says.

mod answers;
mod asking;

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

use portwright_core::protocol::{CallToolResult, JsonObject};
use portwright_core::{Context, Diagnostic, Refusal, Source, SourceConfig, SourceKind, SourceSpec, TransportKind};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use super::Brave;

const TOKEN: &str = "BSA-canary-7f3e";

/// An API on loopback: paths that begin so are answered so; each request is remembered.
#[derive(Clone)]
struct Backend {
    url: String,
    asked: Arc<Mutex<Vec<String>>>,
    answers: Arc<Mutex<VecDeque<(String, String)>>>,
}

impl Backend {
    async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        let backend = Self { url, asked: Arc::default(), answers: Arc::default() };
        let same = backend.clone();
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                let same = same.clone();
                tokio::spawn(async move {
                    let mut read = Vec::new();
                    let mut block = [0; 4096];
                    while let Ok(count) = stream.read(&mut block).await {
                        read.extend_from_slice(&block[..count]);
                        if count == 0 || read.windows(4).any(|end| end == b"\r\n\r\n") {
                            break;
                        }
                    }
                    let request = String::from_utf8_lossy(&read).into_owned();
                    let answer = same.answer(&request);
                    let _ = stream.write_all(answer.as_bytes()).await;
                });
            }
        });
        backend
    }

    /// The next request whose path begins so is answered so; the last such answer stays.
    fn answer_with(&self, path: &str, status: &str, headers: &str, body: &Value) {
        let body = body.to_string();
        let length = body.len();
        let answer = format!(
            "HTTP/1.1 {status}\r\ncontent-type: application/json\r\n{headers}content-length: {length}\r\nconnection: close\r\n\r\n{body}"
        );
        self.answers.lock().unwrap().push_back((path.to_owned(), answer));
    }

    fn ok(&self, path: &str, body: &Value) {
        self.answer_with(path, "200 OK", "", body);
    }

    fn answer(&self, request: &str) -> String {
        self.asked.lock().unwrap().push(request.to_owned());
        let path = request.split(' ').nth(1).unwrap_or_default().to_owned();
        let mut answers = self.answers.lock().unwrap();
        let fits = |known: &(String, String)| path.starts_with(&known.0);
        let Some(at) = answers.iter().position(fits) else {
            return "HTTP/1.1 404 Not Found\r\ncontent-length: 2\r\nconnection: close\r\n\r\n{}".to_owned();
        };
        let last = answers.iter().filter(|known| fits(known)).count() == 1;
        if last { answers[at].1.clone() } else { answers.remove(at).expect("an answer").1 }
    }

    fn asked(&self) -> Vec<String> {
        self.asked.lock().unwrap().clone()
    }

    async fn source(&self, keys: Value) -> Arc<dyn Source> {
        let mut table = json!({"token": TOKEN, "api_url": self.url, "rate": "1000/s"});
        table.as_object_mut().unwrap().extend(keys.as_object().cloned().unwrap());
        decode(&table).expect("a plan").connect().await.expect("a source")
    }
}

fn decode(table: &Value) -> Result<Box<dyn SourceConfig>, Vec<Diagnostic>> {
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let table: JsonObject = table.as_object().cloned().expect("an object");
    let base = std::env::temp_dir();
    Brave.decode(SourceSpec { name: "web".into(), table, tools: Vec::new(), resources: Vec::new(), base })
}

async fn call(source: &Arc<dyn Source>, tool: &str, arguments: Value) -> Result<CallToolResult, Refusal> {
    let cx = Context::new("r-1", TransportKind::InProcess);
    source.call(tool, arguments.as_object().expect("an object"), &cx).await
}

async fn data(source: &Arc<dyn Source>, tool: &str, arguments: Value) -> Value {
    let result = call(source, tool, arguments).await.unwrap_or_else(|refusal| panic!("{tool}: {refusal}"));
    result.structured_content.expect("data")
}
