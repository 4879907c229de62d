//! What a session costs that does nothing, on each transport: resident memory of a server in a process of its own.
//!
//!     cargo run --release -p portwright-server --example idle -- 1000 10000
//!
//! `connection` is what any client costs that has called once over HTTP and keeps its connection: the part of a session
//! over HTTP+SSE that is not ours to save. Buffers of the system are not resident memory, and are not counted.

#![expect(clippy::print_stdout, reason = "an example that prints a table")]

use std::io::{BufRead, BufReader, Write};
use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use portwright_server::plan::ServerPlan;
use portwright_server::{Server, SessionPlan};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_util::sync::CancellationToken;

type Failure = Box<dyn std::error::Error>;

const INITIALIZE: &str = r#"{"jsonrpc":"2.0","id":0,"method":"initialize","params":{"protocolVersion":"2025-11-25","capabilities":{},"clientInfo":{"name":"idle","version":"1"}}}"#;
const INITIALIZED: &str = r#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#;
const JSON: &str = "Content-Type: application/json\r\nAccept: application/json, text/event-stream\r\n";

#[tokio::main]
async fn main() -> Result<(), Failure> {
    let mut arguments: Vec<String> = std::env::args().skip(1).collect();
    if arguments.first().is_some_and(|first| first == "serve") {
        return serve().await;
    }
    if arguments.is_empty() {
        arguments = vec!["1000".to_owned(), "10000".to_owned()];
    }
    println!("{:<12}{:>10}{:>16}{:>22}", "transport", "sessions", "kB in all", "bytes a session");
    for count in arguments {
        let count: usize = count.parse()?;
        for kind in ["connection", "http", "sse", "websocket"] {
            let (child, address) = start()?;
            let before = resident(&child.0)?;
            let held = open(kind, address, count).await?;
            let after = resident(&child.0)?;
            let bytes = (after - before) * 1024 / count;
            println!("{kind:<12}{count:>10}{:>16}{bytes:>22}", after - before);
            drop(held);
        }
    }
    Ok(())
}

async fn serve() -> Result<(), Failure> {
    let mut plan = ServerPlan::new("idle");
    plan.sessions = SessionPlan { max: usize::MAX, max_of_one: usize::MAX, ..SessionPlan::default() };
    plan.listen.waits.idle = Duration::from_hours(1);
    let server = Server::start(plan, Vec::new())?;
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    println!("{}", listener.local_addr()?);
    std::io::stdout().flush()?;
    server.serve_http(listener, CancellationToken::new()).await?;
    Ok(())
}

/// A server, which ends with its measurement.
struct Serving(Child);

impl Drop for Serving {
    fn drop(&mut self) {
        let _ = self.0.kill().and_then(|()| self.0.wait());
    }
}

fn start() -> Result<(Serving, SocketAddr), Failure> {
    let mut child = Serving(Command::new(std::env::current_exe()?).arg("serve").stdout(Stdio::piped()).spawn()?);
    let mut line = String::new();
    BufReader::new(child.0.stdout.take().ok_or("no output")?).read_line(&mut line)?;
    Ok((child, line.trim().parse()?))
}

/// Resident memory in kB.
fn resident(child: &Child) -> Result<usize, Failure> {
    let status = std::fs::read_to_string(format!("/proc/{}/status", child.id()))?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).ok_or("no VmRSS")?;
    Ok(line.trim().trim_end_matches(" kB").trim().parse()?)
}

/// Opens sessions, and gives the connections that they live on.
async fn open(kind: &str, address: SocketAddr, count: usize) -> Result<Vec<TcpStream>, Failure> {
    let mut held = Vec::new();
    // Sessions that live by their id share a connection, as posts of HTTP+SSE do.
    let mut shared = TcpStream::connect(address).await?;
    for _ in 0..count {
        match kind {
            "connection" => {
                let mut stream = TcpStream::connect(address).await?;
                ask(&mut stream, "GET /live HTTP/1.1\r\nHost: localhost\r\n\r\n", "\r\n\r\nok").await?;
                held.push(stream);
            }
            "http" => {
                let answer = ask(&mut shared, &post("/mcp", "", INITIALIZE), "\"serverInfo\"").await?;
                let id = answer.lines().find(|line| line.starts_with("mcp-session-id")).ok_or("no session")?;
                ask(&mut shared, &post("/mcp", &format!("{id}\r\n"), INITIALIZED), " 202 ").await?;
            }
            "sse" => {
                let mut stream = TcpStream::connect(address).await?;
                let opening = "GET /sse HTTP/1.1\r\nHost: localhost\r\nAccept: text/event-stream\r\n\r\n";
                let head = ask(&mut stream, opening, "\n\n\r\n").await?;
                let endpoint = head.lines().find_map(|line| line.strip_prefix("data: ")).ok_or("no endpoint")?;
                ask(&mut shared, &post(endpoint, "", INITIALIZE), " 202 ").await?;
                ask(&mut stream, "", "\"serverInfo\"").await?;
                ask(&mut shared, &post(endpoint, "", INITIALIZED), " 202 ").await?;
                held.push(stream);
            }
            _ => {
                let mut stream = TcpStream::connect(address).await?;
                let opening = "GET /ws HTTP/1.1\r\nHost: localhost\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\
                               Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n";
                ask(&mut stream, opening, "\r\n\r\n").await?;
                stream.write_all(&frame(INITIALIZE)?).await?;
                ask(&mut stream, "", "\"serverInfo\"").await?;
                stream.write_all(&frame(INITIALIZED)?).await?;
                held.push(stream);
            }
        }
    }
    Ok(held)
}

fn post(path: &str, headers: &str, body: &str) -> String {
    let length = body.len();
    format!("POST {path} HTTP/1.1\r\nHost: localhost\r\n{JSON}{headers}Content-Length: {length}\r\n\r\n{body}")
}

fn frame(text: &str) -> Result<Vec<u8>, Failure> {
    let length = u16::try_from(text.len())?;
    let mut frame = vec![0x81];
    match u8::try_from(length) {
        Ok(short) if short < 126 => frame.push(0x80 | short),
        _ => {
            frame.push(0xfe);
            frame.extend_from_slice(&length.to_be_bytes());
        }
    }
    frame.extend_from_slice(&[0; 4]);
    frame.extend_from_slice(text.as_bytes());
    Ok(frame)
}

/// Sends, and reads until what is awaited is there.
async fn ask(stream: &mut TcpStream, request: &str, awaited: &str) -> Result<String, Failure> {
    stream.write_all(request.as_bytes()).await?;
    let mut all = Vec::new();
    loop {
        let text = String::from_utf8_lossy(&all).into_owned();
        if text.contains(awaited) {
            return Ok(text);
        }
        let read = tokio::time::timeout(Duration::from_secs(10), stream.read_buf(&mut all)).await??;
        if read == 0 {
            return Err(format!("the server closed after {text:?}").into());
        }
    }
}
