//! Clients with one conversation of messages each way, whatever carries it: stdio's framing, HTTP+SSE, WebSocket.

use std::collections::VecDeque;
use std::net::SocketAddr;

use futures::{SinkExt, StreamExt};
use portwright_server::Server;
use serde_json::Value;
use tokio::net::TcpStream;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::handshake::client::Response;
use tokio_tungstenite::tungstenite::protocol::CloseFrame;
use tokio_tungstenite::tungstenite::{self, Message};

use crate::client::{Answer, Http, PATIENCE};
use crate::support::{Pipe, Up, pipe, up};

/// HTTP+SSE.
pub(crate) struct Sse {
    pub(crate) stream: Http,
    pub(crate) post: Http,
    pub(crate) endpoint: String,
    /// What was refused by the POST itself.
    refused: VecDeque<Value>,
}

impl Sse {
    pub(crate) async fn connect(address: SocketAddr) -> Self {
        Self::connect_with(address, &[]).await
    }

    pub(crate) async fn connect_with(address: SocketAddr, headers: &[(&str, &str)]) -> Self {
        let mut stream = Http::connect(address).await;
        let mut all = vec![("accept".to_owned(), "text/event-stream".to_owned())];
        all.extend(headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
        stream.send("GET", "/sse", &all, "").await;
        let head = stream.head().await;
        assert!(head.starts_with("HTTP/1.1 200") && head.contains("text/event-stream"), "{head}");
        let first = stream.chunk().await.expect("the endpoint");
        let endpoint = first.strip_prefix("event: endpoint\ndata: ").and_then(|rest| rest.strip_suffix("\n\n"));
        let endpoint = endpoint.unwrap_or_else(|| panic!("no endpoint in {first}")).to_owned();
        Self { stream, post: Http::connect(address).await, endpoint, refused: VecDeque::new() }
    }

    /// Posts to the session, and gives what the POST was answered.
    pub(crate) async fn say(&mut self, message: &str) -> Answer {
        let headers = [("content-type".to_owned(), "application/json".to_owned())];
        self.post.send("POST", &self.endpoint, &headers, message).await;
        self.post.answer().await
    }

    async fn send(&mut self, message: &str) {
        let answer = self.say(message).await;
        match answer.status {
            202 => assert_eq!(answer.body, ""),
            400 => self.refused.push_back(answer.json()),
            _ => panic!("{answer:?}"),
        }
    }

    async fn next(&mut self) -> Option<Value> {
        match self.refused.pop_front() {
            Some(refused) => Some(refused),
            None => self.stream.event().await,
        }
    }
}

/// WebSocket, spoken by another's library.
pub(crate) struct Ws {
    pub(crate) socket: WebSocketStream<TcpStream>,
}

/// Opens a WebSocket with these headers beside those that the protocol needs.
pub(crate) async fn dial(
    address: SocketAddr,
    headers: &[(&'static str, &str)],
) -> Result<(WebSocketStream<TcpStream>, Response), tungstenite::Error> {
    let mut request = format!("ws://localhost:{}/ws", address.port()).into_client_request()?;
    for (name, value) in headers {
        request.headers_mut().insert(*name, value.parse().expect("a header"));
    }
    tokio_tungstenite::client_async(request, TcpStream::connect(address).await?).await
}

impl Ws {
    pub(crate) async fn connect(address: SocketAddr) -> Self {
        let (socket, response) = dial(address, &[("sec-websocket-protocol", "mcp")]).await.expect("a WebSocket");
        assert_eq!(response.headers()["sec-websocket-protocol"], "mcp");
        Self { socket }
    }

    async fn send(&mut self, message: &str) {
        self.socket.send(Message::text(message)).await.expect("sent");
    }

    /// The next frame that is no ping; none at the end.
    pub(crate) async fn frame(&mut self) -> Option<Message> {
        loop {
            match tokio::time::timeout(PATIENCE, self.socket.next()).await.expect("a frame in time") {
                Some(Ok(Message::Ping(_) | Message::Pong(_))) => {}
                Some(Ok(frame)) => return Some(frame),
                _ => return None,
            }
        }
    }

    async fn next(&mut self) -> Option<Value> {
        match self.frame().await? {
            Message::Text(text) => Some(serde_json::from_str(&text).expect("JSON")),
            Message::Close(_) => None,
            other => panic!("an unexpected frame: {other:?}"),
        }
    }

    /// Waits for the end, and says how the server closed.
    pub(crate) async fn closed(&mut self) -> Option<CloseFrame> {
        while let Some(frame) = self.frame().await {
            if let Message::Close(close) = frame {
                return close;
            }
        }
        None
    }
}

/// A client of any of them.
pub(crate) enum Duplex {
    Stdio(Box<Pipe>),
    Sse(Box<Sse>),
    Ws(Box<Ws>),
}

/// What carries it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Way {
    Stdio,
    Sse,
    Ws,
}

impl Way {
    pub(crate) const ALL: [Self; 3] = [Self::Stdio, Self::Sse, Self::Ws];

    /// As it stands in an audit record.
    pub(crate) const fn kind(self) -> &'static str {
        match self {
            Self::Stdio => "stdio",
            Self::Sse => "sse",
            Self::Ws => "websocket",
        }
    }

    /// A client of a server's own. What serves it is given too, unless the client itself ends it.
    pub(crate) async fn open(self, server: &Server) -> (Duplex, Option<Up>) {
        if self == Self::Stdio {
            return (Duplex::Stdio(Box::new(pipe(server))), None);
        }
        let up = up(server).await;
        (self.join(&up).await, Some(up))
    }

    /// One more client of a server that listens.
    pub(crate) async fn join(self, up: &Up) -> Duplex {
        match self {
            Self::Stdio => panic!("stdio has one client"),
            Self::Sse => Duplex::Sse(Box::new(Sse::connect(up.address).await)),
            Self::Ws => Duplex::Ws(Box::new(Ws::connect(up.address).await)),
        }
    }
}

impl Duplex {
    pub(crate) async fn send(&mut self, message: &str) {
        match self {
            Self::Stdio(pipe) => pipe.send(message).await,
            Self::Sse(sse) => sse.send(message).await,
            Self::Ws(ws) => ws.send(message).await,
        }
    }

    /// The next message; none at the end.
    pub(crate) async fn next(&mut self) -> Option<Value> {
        match self {
            Self::Stdio(pipe) => pipe.line().await,
            Self::Sse(sse) => sse.next().await,
            Self::Ws(ws) => ws.next().await,
        }
    }

    pub(crate) async fn ask(&mut self, message: &Value) -> Value {
        self.send(&message.to_string()).await;
        self.next().await.expect("an answer")
    }
}
