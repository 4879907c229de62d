//! An HTTP client that sends exactly what it is told, right or wrong.

use std::collections::VecDeque;
use std::fmt::Write as _;
use std::net::SocketAddr;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// Longer than anything here takes.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

pub(crate) struct Http {
    stream: TcpStream,
    buffer: Vec<u8>,
}

#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) head: String,
    pub(crate) body: String,
}

impl Answer {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().find_map(|line| {
            let (key, value) = line.split_once(':')?;
            key.eq_ignore_ascii_case(name).then(|| value.trim())
        })
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    /// The messages: one of JSON, or those of a stream.
    pub(crate) fn messages(&self) -> VecDeque<Value> {
        if self.header("content-type") == Some("text/event-stream") {
            events(&self.body)
        } else if self.body.is_empty() {
            VecDeque::new()
        } else {
            VecDeque::from([self.json()])
        }
    }

    pub(crate) fn error_code(&self) -> i64 {
        self.json()["error"]["code"].as_i64().unwrap_or_else(|| panic!("no error in {self:?}"))
    }
}

pub(crate) fn events(body: &str) -> VecDeque<Value> {
    let data = body.lines().filter_map(|line| line.strip_prefix("data: "));
    // An event without data only tells its id.
    data.filter(|data| !data.is_empty()).map(|data| serde_json::from_str(data).expect("event")).collect()
}

/// A request of the stateless era, with all that it needs.
pub(crate) fn modern(id: u64, method: &str, mut params: Value) -> Value {
    params["_meta"]["io.modelcontextprotocol/protocolVersion"] = "2026-07-28".into();
    params["_meta"]["io.modelcontextprotocol/clientCapabilities"] = json!({});
    json!({"jsonrpc": "2.0", "id": id, "method": method, "params": params})
}

pub(crate) fn initialize(version: &str) -> Value {
    json!({"jsonrpc": "2.0", "id": 0, "method": "initialize", "params": {
        "protocolVersion": version, "capabilities": {}, "clientInfo": {"name": "test", "version": "1"}
    }})
}

/// The headers that a proper client of the message's era sends.
pub(crate) fn headers_for(message: &Value) -> Vec<(String, String)> {
    let mut headers = vec![
        ("content-type".to_owned(), "application/json".to_owned()),
        ("accept".to_owned(), "application/json, text/event-stream".to_owned()),
    ];
    let params = &message["params"];
    if let Some(version) = params["_meta"]["io.modelcontextprotocol/protocolVersion"].as_str() {
        headers.push(("mcp-protocol-version".to_owned(), version.to_owned()));
        headers.push(("mcp-method".to_owned(), message["method"].as_str().unwrap_or_default().to_owned()));
        let name = params["name"].as_str().or(params["uri"].as_str()).or(params["taskId"].as_str());
        if let Some(name) = name {
            headers.push(("mcp-name".to_owned(), name.to_owned()));
        }
    }
    headers
}

impl Http {
    pub(crate) async fn connect(address: SocketAddr) -> Self {
        let stream = TcpStream::connect(address).await.expect("connect");
        stream.set_nodelay(true).expect("nodelay");
        Self { stream, buffer: Vec::new() }
    }

    pub(crate) async fn write(&mut self, bytes: &[u8]) {
        // A server that refuses early may have closed already; its answer is what counts.
        let _ = self.stream.write_all(bytes).await;
    }

    /// One request with just these headers, and Host unless it is among them.
    pub(crate) async fn send(&mut self, method: &str, path: &str, headers: &[(String, String)], body: &str) {
        let mut head = format!("{method} {path} HTTP/1.1\r\n");
        if !headers.iter().any(|(name, _)| name == "host") {
            head.push_str("host: localhost\r\n");
        }
        for (name, value) in headers {
            let _ = write!(head, "{name}: {value}\r\n");
        }
        let _ = write!(head, "content-length: {}\r\n\r\n{body}", body.len());
        self.write(head.as_bytes()).await;
    }

    pub(crate) async fn post(&mut self, message: &Value) -> Answer {
        self.post_with(message, &[]).await
    }

    /// A proper request, but with these headers instead of its own; an empty value leaves the header out.
    pub(crate) async fn post_with(&mut self, message: &Value, instead: &[(&str, &str)]) -> Answer {
        self.start(message, instead).await;
        self.answer().await
    }

    pub(crate) async fn start(&mut self, message: &Value, instead: &[(&str, &str)]) {
        let mut headers = headers_for(message);
        headers.retain(|(name, _)| !instead.iter().any(|(other, _)| other == name));
        let given = instead.iter().filter(|(_, value)| !value.is_empty());
        headers.extend(given.map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
        self.send("POST", "/mcp", &headers, &message.to_string()).await;
    }

    pub(crate) async fn get(&mut self, path: &str, headers: &[(&str, &str)]) -> Answer {
        let headers: Vec<_> = headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        self.send("GET", path, &headers, "").await;
        self.answer().await
    }

    pub(crate) async fn answer(&mut self) -> Answer {
        tokio::time::timeout(PATIENCE, self.read_answer()).await.expect("an answer in time")
    }

    async fn read_answer(&mut self) -> Answer {
        let head = self.head().await;
        let mut answer = Answer { status: status(&head), head, body: String::new() };
        if answer.header("transfer-encoding") == Some("chunked") {
            while let Some(chunk) = self.chunk().await {
                answer.body.push_str(&chunk);
            }
        } else {
            let length = answer.header("content-length").map_or(0, |length| length.parse().expect("length"));
            while self.buffer.len() < length {
                assert!(self.fill().await, "the connection ended within a body");
            }
            answer.body = String::from_utf8(self.buffer.drain(..length).collect()).expect("UTF-8");
        }
        answer
    }

    /// The head of a response; its body is yet to be read.
    pub(crate) async fn head(&mut self) -> String {
        loop {
            if let Some(end) = self.buffer.windows(4).position(|four| four == b"\r\n\r\n") {
                return String::from_utf8(self.buffer.drain(..end + 4).collect()).expect("UTF-8");
            }
            assert!(self.fill().await, "the connection ended before a response");
        }
    }

    /// The next chunk of a chunked body; none at its end.
    pub(crate) async fn chunk(&mut self) -> Option<String> {
        loop {
            if let Some(end) = self.buffer.windows(2).position(|two| two == b"\r\n") {
                let size = String::from_utf8_lossy(&self.buffer[..end]).into_owned();
                let size = usize::from_str_radix(&size, 16).expect("chunk size");
                let whole = end + 2 + size + 2;
                if self.buffer.len() >= whole {
                    let chunk: Vec<u8> = self.buffer.drain(..whole).collect();
                    return (size > 0).then(|| String::from_utf8_lossy(&chunk[end + 2..end + 2 + size]).into_owned());
                }
            }
            if !self.fill().await {
                return None;
            }
        }
    }

    /// The next message of a stream of events; none at its end.
    pub(crate) async fn event(&mut self) -> Option<Value> {
        let read = async {
            loop {
                if let Some(event) = events(&self.chunk().await?).pop_front() {
                    return Some(event);
                }
            }
        };
        tokio::time::timeout(PATIENCE, read).await.expect("an event in time")
    }

    /// Whether more came; false at the end of the connection.
    pub(crate) async fn fill(&mut self) -> bool {
        let read = self.stream.read_buf(&mut self.buffer);
        matches!(tokio::time::timeout(PATIENCE, read).await.expect("bytes in time"), Ok(count) if count > 0)
    }

    /// Waits until the server closes the connection.
    pub(crate) async fn closed(&mut self) {
        while self.fill().await {}
    }
}

fn status(head: &str) -> u16 {
    head.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or_else(|| panic!("no status in {head}"))
}
