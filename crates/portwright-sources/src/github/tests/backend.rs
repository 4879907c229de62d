//! An API on loopback, for tests: it answers what a test says, and remembers what it was asked.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// An API on loopback.
#[derive(Clone)]
pub(super) struct Backend {
    pub(super) url: String,
    asked: Arc<Mutex<Vec<String>>>,
    answers: Arc<Mutex<VecDeque<(String, String)>>>,
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Backend {
    pub(super) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        let backend = Self { url, asked: Arc::default(), answers: Arc::default() };
        let same = backend.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(same.clone().serve(stream));
            }
        });
        backend
    }

    async fn serve(self, mut stream: TcpStream) {
        let (mut read, mut block) = (Vec::new(), [0; 4096]);
        while let Ok(count) = stream.read(&mut block).await {
            read.extend_from_slice(&block[..count]);
            let text = String::from_utf8_lossy(&read);
            let whole = text.split_once("\r\n\r\n").is_some_and(|(head, body)| {
                let length =
                    head.to_lowercase().lines().find_map(|line| line.strip_prefix("content-length: ")?.parse().ok());
                body.len() >= length.unwrap_or(0)
            });
            if count == 0 || whole {
                break;
            }
        }
        let answer = self.answer(&String::from_utf8_lossy(&read));
        let _ = stream.write_all(answer.as_bytes()).await;
    }

    /// The next request that begins so (`GET /path`, or `/path` for any method) is answered so; the last such answer
    /// stays.
    pub(super) fn answer_with(&self, request: &str, status: &str, headers: &str, body: &str) {
        let length = body.len();
        let answer = format!(
            "HTTP/1.1 {status}\r\ncontent-type: application/json\r\n{headers}content-length: {length}\r\nconnection: close\r\n\r\n{body}"
        );
        locked(&self.answers).push_back((request.to_owned(), answer));
    }

    pub(super) fn ok(&self, request: &str, body: &Value) {
        self.answer_with(request, "200 OK", "", &body.to_string());
    }

    fn answer(&self, request: &str) -> String {
        locked(&self.asked).push(request.to_owned());
        let path = request.split(' ').nth(1).unwrap_or_default();
        let mut answers = locked(&self.answers);
        let fits = |known: &(String, String)| request.starts_with(&known.0) || path.starts_with(&known.0);
        let Some(at) = answers.iter().position(fits) else {
            return "HTTP/1.1 404 Not Found\r\ncontent-length: 2\r\nconnection: close\r\n\r\n{}".to_owned();
        };
        let last = answers.iter().filter(|known| known.0 == answers[at].0).count() == 1;
        if last { answers[at].1.clone() } else { answers.remove(at).map(|(_, answer)| answer).unwrap_or_default() }
    }

    /// All requests so far, as they came.
    pub(super) fn asked(&self) -> Vec<String> {
        locked(&self.asked).clone()
    }

    /// Their first lines without the protocol's version.
    pub(super) fn lines(&self) -> Vec<String> {
        let line = |request: &String| request.lines().next().unwrap_or_default().replace(" HTTP/1.1", "");
        self.asked().iter().map(line).collect()
    }
}
