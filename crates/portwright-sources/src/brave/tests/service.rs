//! A search service on the loopback: answers as a test says, and remembers what it was asked.

use std::fmt::Write as _;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use reqwest::Url;
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

/// What it was asked.
#[derive(Debug, Clone)]
pub(super) struct Asked {
    pub(super) path: String,
    pub(super) params: Vec<(String, String)>,
    pub(super) headers: Vec<(String, String)>,
    pub(super) at: Instant,
    /// How many it was asked before.
    pub(super) before: usize,
}

impl Asked {
    pub(super) fn param(&self, name: &str) -> Option<&str> {
        self.params.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    pub(super) fn all(&self, name: &str) -> Vec<&str> {
        self.params.iter().filter(|(known, _)| known == name).map(|(_, value)| value.as_str()).collect()
    }

    pub(super) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }
}

/// What it answers.
#[derive(Debug, Clone)]
pub(super) struct Answer {
    status: u16,
    headers: Vec<(&'static str, String)>,
    body: String,
    after: Duration,
}

impl Answer {
    pub(super) fn json(value: &Value) -> Self {
        Self { status: 200, headers: Vec::new(), body: value.to_string(), after: Duration::ZERO }
    }

    pub(super) fn raw(status: u16, body: &str) -> Self {
        Self { status, headers: Vec::new(), body: body.to_owned(), after: Duration::ZERO }
    }

    /// An error as the service writes it.
    pub(super) fn error(status: u16, code: &str, detail: &str) -> Self {
        let error = json!({ "type": "ErrorResponse", "error": { "status": status, "code": code, "detail": detail } });
        Self::raw(status, &error.to_string())
    }

    pub(super) fn with(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    pub(super) fn limits(self, limit: &str, remaining: &str, reset: &str) -> Self {
        self.with("x-ratelimit-limit", limit).with("x-ratelimit-remaining", remaining).with("x-ratelimit-reset", reset)
    }

    /// It answers only after this time.
    pub(super) fn after(self, after: Duration) -> Self {
        Self { after, ..self }
    }
}

type Say = dyn Fn(&Asked) -> Answer + Send + Sync;

#[derive(Debug)]
pub(super) struct Service {
    address: std::net::SocketAddr,
    asked: Arc<Mutex<Vec<Asked>>>,
    serving: JoinHandle<()>,
}

impl Drop for Service {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

impl Service {
    pub(super) async fn new(say: impl Fn(&Asked) -> Answer + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let asked = Arc::new(Mutex::new(Vec::new()));
        let (say, list): (Arc<Say>, _) = (Arc::new(say), asked.clone());
        let serving = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(stream, say.clone(), list.clone()));
            }
        });
        Self { address, asked, serving }
    }

    /// One that always answers the same.
    pub(super) async fn always(value: Value) -> Self {
        Self::new(move |_| Answer::json(&value)).await
    }

    pub(super) fn url(&self) -> String {
        format!("http://{}/res/v1", self.address)
    }

    pub(super) fn asked(&self) -> Vec<Asked> {
        self.asked.lock().expect("a lock").clone()
    }

    pub(super) fn last(&self) -> Asked {
        self.asked().pop().expect("somebody asked")
    }
}

/// One request a connection: as plain as HTTP can be.
async fn serve(stream: TcpStream, say: Arc<Say>, list: Arc<Mutex<Vec<Asked>>>) {
    let mut stream = BufReader::new(stream);
    let mut lines = Vec::new();
    loop {
        let mut line = String::new();
        match stream.read_line(&mut line).await {
            Ok(read) if read > 0 && !line.trim().is_empty() => lines.push(line.trim().to_owned()),
            Ok(read) if read > 0 => break,
            _ => return,
        }
    }
    let target = lines.first().and_then(|line| line.split(' ').nth(1)).unwrap_or("/");
    let url = Url::parse("http://service").and_then(|base| base.join(target)).expect("a target");
    let header =
        |line: &String| line.split_once(':').map(|(name, value)| (name.to_lowercase(), value.trim().to_owned()));
    let asked = {
        let mut list = list.lock().expect("a lock");
        let asked = Asked {
            path: url.path().trim_start_matches("/res/v1").to_owned(),
            params: url.query_pairs().into_owned().collect(),
            headers: lines.iter().skip(1).filter_map(header).collect(),
            at: Instant::now(),
            before: list.len(),
        };
        list.push(asked.clone());
        asked
    };
    let answer = say(&asked);
    tokio::time::sleep(answer.after).await;
    let mut head =
        format!("HTTP/1.1 {} Said\r\nconnection: close\r\ncontent-length: {}\r\n", answer.status, answer.body.len());
    for (name, value) in &answer.headers {
        let _ = write!(head, "{name}: {value}\r\n");
    }
    let _ = stream.write_all(format!("{head}\r\n{}", answer.body).as_bytes()).await;
}
