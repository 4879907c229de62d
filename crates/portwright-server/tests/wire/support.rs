//! Servers to test against, and ways to talk to them.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use portwright_core::testing::Faulty;
use portwright_core::{Principal, Source, TransportKind};
use portwright_server::{Mount, Origin, Server, ServerPlan, TransportError};
use serde_json::Value;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, DuplexStream, ReadHalf, WriteHalf};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::client::{Http, PATIENCE, initialize};
use crate::shelf::Shelf;

pub(crate) fn plan() -> ServerPlan {
    let mut plan = ServerPlan::new("test");
    plan.call_timeout = Duration::from_secs(15);
    plan.instructions = Some("Tests.".to_owned());
    plan
}

pub(crate) fn mount(name: &str, source: Arc<dyn Source>) -> Mount {
    Mount { name: name.into(), kind: "test".to_owned(), origin: Origin::Open(source), print: None }
}

/// A server with a shelf and a faulty source.
pub(crate) async fn usual(plan: ServerPlan) -> (Server, Arc<Shelf>, Arc<Faulty>) {
    let (shelf, faulty) = (Arc::new(Shelf::new(0)), Arc::new(Faulty::default()));
    let server = started(plan, vec![mount("shelf", shelf.clone()), mount("faulty", faulty.clone())]).await;
    (server, shelf, faulty)
}

/// The sources of a usual server, anew.
pub(crate) fn usual_mounts() -> Vec<Mount> {
    vec![mount("shelf", Arc::new(Shelf::new(0))), mount("faulty", Arc::new(Faulty::default()))]
}

pub(crate) async fn started(plan: ServerPlan, mounts: Vec<Mount>) -> Server {
    let server = Server::start(plan, mounts).expect("start");
    server.settled(PATIENCE).await;
    server
}

/// A server on a listener.
pub(crate) struct Up {
    pub(crate) address: SocketAddr,
    pub(crate) shutdown: CancellationToken,
    pub(crate) serving: JoinHandle<Result<(), TransportError>>,
}

pub(crate) async fn up(server: &Server) -> Up {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("bind");
    let address = listener.local_addr().expect("address");
    let shutdown = CancellationToken::new();
    let (server, stop) = (server.clone(), shutdown.clone());
    let serving = tokio::spawn(async move { server.serve_http(listener, stop).await });
    Up { address, shutdown, serving }
}

pub(crate) async fn usual_up() -> Up {
    up(&usual(plan()).await.0).await
}

impl Up {
    pub(crate) async fn connect(&self) -> Http {
        Http::connect(self.address).await
    }

    /// A connection with a session on it.
    pub(crate) async fn session(&self, version: &str) -> (Http, String) {
        let mut http = self.connect().await;
        let answer = http.post(&initialize(version)).await;
        assert_eq!(answer.status, 200, "{answer:?}");
        let id = answer.header("mcp-session-id").expect("a session id").to_owned();
        (http, id)
    }
}

/// One client over stdio's framing.
pub(crate) struct Pipe {
    pub(crate) reader: BufReader<ReadHalf<DuplexStream>>,
    pub(crate) writer: WriteHalf<DuplexStream>,
    pub(crate) shutdown: CancellationToken,
    pub(crate) serving: JoinHandle<Result<(), TransportError>>,
}

pub(crate) fn pipe(server: &Server) -> Pipe {
    pipe_of(server, "ada")
}

/// The same for somebody else.
pub(crate) fn pipe_of(server: &Server, user: &'static str) -> Pipe {
    let (ours, theirs) = tokio::io::duplex(64 * 1024);
    let shutdown = CancellationToken::new();
    let (server, stop) = (server.clone(), shutdown.clone());
    let serving = tokio::spawn(async move {
        let (reader, writer) = tokio::io::split(theirs);
        server.serve_io(reader, writer, TransportKind::Stdio, Principal::local(user), stop).await
    });
    let (reader, writer) = tokio::io::split(ours);
    Pipe { reader: BufReader::new(reader), writer, shutdown, serving }
}

impl Pipe {
    pub(crate) async fn send(&mut self, line: &str) {
        self.writer.write_all(format!("{line}\n").as_bytes()).await.expect("write");
    }

    pub(crate) async fn line(&mut self) -> Option<Value> {
        let mut line = String::new();
        let read = self.reader.read_line(&mut line);
        tokio::time::timeout(PATIENCE, read).await.expect("a line in time").expect("read");
        (!line.is_empty()).then(|| serde_json::from_str(&line).expect("JSON"))
    }

    pub(crate) async fn ask(&mut self, message: &Value) -> Value {
        self.send(&message.to_string()).await;
        self.line().await.expect("an answer")
    }

    /// No more from us: what the server still says, until it ends.
    pub(crate) async fn finish(mut self) -> Vec<Value> {
        self.writer.shutdown().await.expect("shut down");
        let mut rest = Vec::new();
        while let Some(line) = self.line().await {
            rest.push(line);
        }
        self.serving.await.expect("no panic").expect("served");
        rest
    }
}

/// What the audit says of the calls that clients made.
pub(crate) fn records(file: &Path) -> Vec<Value> {
    let text = std::fs::read_to_string(file).expect("the audit");
    let records = text.lines().map(|line| serde_json::from_str::<Value>(line).expect("a record"));
    records.filter(|record| record["operation"].as_str().is_some_and(|operation| operation.contains('/'))).collect()
}

/// Waits until something holds.
pub(crate) async fn until<F: Future<Output = bool>>(what: &str, mut holds: impl FnMut() -> F) {
    let wait = async {
        while !holds().await {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(PATIENCE, wait).await.unwrap_or_else(|_| panic!("in vain for {what}"));
}
