//! The load generator: a fixed number of keep-alive connections, each with one call in flight.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::JoinSet;

/// The calls to send: a tool and its arguments, and what each answer must hold.
#[derive(Debug, Clone)]
pub(crate) struct Load {
    pub(crate) address: SocketAddr,
    pub(crate) tool: &'static str,
    pub(crate) calls: Calls,
}

#[derive(Debug, Clone, Copy)]
pub(crate) enum Calls {
    /// The same text each time.
    Echo,
    /// Another row each time, of so many.
    ById { rows: u64 },
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
            for number in 0..connections {
                clients.push(Client::connect(self.clone(), number as u64).await?);
            }
            let start = Instant::now();
            let end = start + duration;
            let mut running = JoinSet::new();
            for client in clients {
                running.spawn(client.until(end));
            }
            let mut latencies = Vec::new();
            while let Some(part) = running.join_next().await {
                latencies.extend(part??);
            }
            Ok(Outcome { latencies, elapsed: start.elapsed() })
        })
    }

    /// One request as bytes, and what its answer must hold.
    fn request(&self, number: u64) -> (Vec<u8>, String) {
        let (arguments, expected) = match self.calls {
            Calls::Echo => (json!({ "text": "a text of no great length" }), "a text of no great length".to_owned()),
            Calls::ById { rows } => {
                let id = number * 7919 % rows + 1;
                (json!({ "id": id }), format!("customer {id}@"))
            }
        };
        (http_request(self.address, self.tool, number, &arguments), expected)
    }
}

/// A `tools/call` of revision 2026-07-28 with all that the revision asks for.
fn http_request(address: SocketAddr, tool: &str, id: u64, arguments: &Value) -> Vec<u8> {
    let body = json!({
        "jsonrpc": "2.0",
        "id": id,
        "method": "tools/call",
        "params": {
            "name": tool,
            "arguments": arguments,
            "_meta": {
                "io.modelcontextprotocol/protocolVersion": "2026-07-28",
                "io.modelcontextprotocol/clientInfo": { "name": "bench", "version": "1" },
                "io.modelcontextprotocol/clientCapabilities": {},
            },
        },
    })
    .to_string();
    let mut request = format!(
        "POST /mcp HTTP/1.1\r\nHost: {address}\r\nContent-Type: application/json\r\nAccept: application/json, \
         text/event-stream\r\nMCP-Protocol-Version: 2026-07-28\r\nMcp-Method: tools/call\r\nMcp-Name: {tool}\r\n\
         Content-Length: {}\r\n\r\n",
        body.len()
    )
    .into_bytes();
    request.extend_from_slice(body.as_bytes());
    request
}

struct Client {
    load: Load,
    stream: TcpStream,
    buffer: Vec<u8>,
    next: u64,
}

impl Client {
    async fn connect(load: Load, number: u64) -> Result<Self> {
        let stream = TcpStream::connect(load.address).await.context("the server can't be reached")?;
        stream.set_nodelay(true)?;
        Ok(Self { load, stream, buffer: Vec::with_capacity(16 * 1024), next: number * 1_000_003 })
    }

    async fn until(mut self, end: Instant) -> Result<Vec<u64>> {
        let mut latencies = Vec::new();
        while Instant::now() < end {
            let (request, expected) = self.load.request(self.next);
            self.next += 1;
            let start = Instant::now();
            self.stream.write_all(&request).await?;
            let body = self.answer().await?;
            latencies.push(u64::try_from(start.elapsed().as_nanos())?);
            if !contains(body, expected.as_bytes()) {
                bail!("an answer lacks {expected:?}: {}", String::from_utf8_lossy(body));
            }
        }
        Ok(latencies)
    }

    /// Reads one answer and gives its body.
    async fn answer(&mut self) -> Result<&[u8]> {
        self.buffer.clear();
        let (mut head, mut length) = (0, None);
        loop {
            if head == 0
                && let Some(end) = find(&self.buffer, b"\r\n\r\n")
            {
                head = end + 4;
                length = Some(content_length(&self.buffer[..head])?);
            }
            if let Some(length) = length
                && self.buffer.len() >= head + length
            {
                return Ok(&self.buffer[head..head + length]);
            }
            let read = self.stream.read_buf(&mut self.buffer).await?;
            ensure!(read > 0, "the server closed the connection: {}", String::from_utf8_lossy(&self.buffer));
        }
    }
}

fn content_length(head: &[u8]) -> Result<usize> {
    let head = std::str::from_utf8(head)?;
    ensure!(head.starts_with("HTTP/1.1 200"), "not answered with 200: {head}");
    head.lines()
        .filter_map(|line| line.split_once(':'))
        .find(|(name, _)| name.eq_ignore_ascii_case("content-length"))
        .context("an answer without content-length")?
        .1
        .trim()
        .parse()
        .context("content-length")
}

fn contains(text: &[u8], part: &[u8]) -> bool {
    find(text, part).is_some()
}

fn find(text: &[u8], part: &[u8]) -> Option<usize> {
    text.windows(part.len()).position(|window| window == part)
}
