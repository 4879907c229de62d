//! The load generator: a fixed number of connections, each with one call in flight.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use anyhow::{Result, bail};
use serde_json::json;
use tokio::task::JoinSet;

use super::wire::{Connection, Question, Wire, find};

/// The calls to send, and what each answer must hold.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Load {
    pub(crate) address: SocketAddr,
    pub(crate) wire: Wire,
    pub(crate) calls: Calls,
}

#[derive(Debug, Clone, Copy)]
pub(crate) enum Calls {
    /// The same text each time.
    Echo,
    /// A result of so many bytes.
    Blob { bytes: u64 },
    /// Another row each time, of so many.
    ById { rows: u64 },
    /// The first page of the list of tools.
    List,
}

/// What came of it.
#[derive(Debug, Default)]
pub(crate) struct Outcome {
    /// How long each call took, in nanoseconds, in no order.
    pub(crate) latencies: Vec<u64>,
    pub(crate) elapsed: Duration,
}

impl Load {
    /// Calls over `connections` connections for `duration`.
    pub(crate) fn run(&self, connections: usize, duration: Duration) -> Result<Outcome> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        runtime.block_on(async {
            let mut clients = Vec::new();
            for _ in 0..connections {
                clients.push(Connection::open(self.address, self.wire).await?);
            }
            let start = Instant::now();
            let end = start + duration;
            let mut running = JoinSet::new();
            for (number, client) in clients.into_iter().enumerate() {
                running.spawn(until(client, self.calls, number as u64 * 1_000_003 + 1, end));
            }
            let mut latencies = Vec::new();
            while let Some(part) = running.join_next().await {
                latencies.extend(part??);
            }
            Ok(Outcome { latencies, elapsed: start.elapsed() })
        })
    }
}

impl Calls {
    /// One call, and what its answer must hold.
    pub(crate) fn question(self, id: u64) -> (Question, String) {
        let call = |tool, arguments| Question { id, method: "tools/call", tool: Some(tool), arguments };
        match self {
            Self::Echo => {
                let text = "a text of no great length";
                (call("echo", json!({ "text": text })), text.to_owned())
            }
            Self::Blob { bytes } => (call("blob", json!({ "bytes": bytes })), "xxxxxxxx".to_owned()),
            Self::ById { rows } => {
                let row = id * 7919 % rows + 1;
                (call("customer_by_id", json!({ "id": row })), format!("customer {row}@"))
            }
            Self::List => {
                (Question { id, method: "tools/list", tool: None, arguments: json!({}) }, "\"inputSchema\"".to_owned())
            }
        }
    }
}

async fn until(mut client: Connection, calls: Calls, first: u64, end: Instant) -> Result<Vec<u64>> {
    let mut latencies = Vec::new();
    let mut id = first;
    while Instant::now() < end {
        let (question, expected) = calls.question(id);
        let message = client.written(&question);
        id += 1;
        let start = Instant::now();
        let answer = client.ask(&message).await?;
        latencies.push(u64::try_from(start.elapsed().as_nanos())?);
        if find(answer, expected.as_bytes()).is_none() {
            let seen: String = String::from_utf8_lossy(answer).chars().take(500).collect();
            bail!("an answer lacks {expected:?}: {seen}");
        }
    }
    Ok(latencies)
}
