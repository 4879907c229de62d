//! Connections byte by byte, one for each way to reach a server, so that the client costs little and the same everywhere.

use std::net::SocketAddr;

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

const MODERN: &str = "2026-07-28";
const LEGACY: &str = "2025-11-25";
/// Read at a time.
const READ_BYTES: usize = 256 * 1024;

/// How calls travel over a socket.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Wire {
    /// Streamable HTTP of 2026-07-28: each request on its own.
    Modern,
    /// Streamable HTTP within a session.
    Legacy,
    /// HTTP+SSE of 2024-11-05: requests are posted, answers come on a stream.
    Sse,
    WebSocket,
}

/// One call.
#[derive(Debug)]
pub(crate) struct Question {
    pub(crate) id: u64,
    pub(crate) method: &'static str,
    pub(crate) tool: Option<&'static str>,
    pub(crate) arguments: Value,
}

/// One client.
pub(crate) struct Connection {
    address: SocketAddr,
    wire: Wire,
    /// Where answers come.
    stream: Stream,
    /// Where requests go, if that is another one.
    posts: Option<Stream>,
    /// The headers or the path that name the session.
    session: String,
}

struct Stream {
    socket: TcpStream,
    buffer: Vec<u8>,
    /// Bytes at the start of the buffer that were given out.
    used: usize,
}

impl Question {
    /// As JSON. The modern era says with each request who asks.
    pub(crate) fn body(&self, modern: bool) -> Vec<u8> {
        let mut params = match self.tool {
            Some(tool) => json!({ "name": tool, "arguments": self.arguments }),
            None => json!({}),
        };
        if modern {
            params["_meta"] = json!({
                "io.modelcontextprotocol/protocolVersion": MODERN,
                "io.modelcontextprotocol/clientInfo": { "name": "bench", "version": "1" },
                "io.modelcontextprotocol/clientCapabilities": {},
            });
        }
        json!({ "jsonrpc": "2.0", "id": self.id, "method": self.method, "params": params }).to_string().into_bytes()
    }
}

impl Connection {
    /// Connects, and opens a session where there are sessions.
    pub(crate) async fn open(address: SocketAddr, wire: Wire) -> Result<Self> {
        let mut opened =
            Self { address, wire, stream: Stream::connect(address).await?, posts: None, session: String::new() };
        match wire {
            Wire::Modern => return Ok(opened),
            Wire::Legacy => {}
            Wire::Sse => {
                let hello = format!("GET /sse HTTP/1.1\r\nHost: {address}\r\nAccept: text/event-stream\r\n\r\n");
                opened.stream.socket.write_all(hello.as_bytes()).await?;
                opened.session = String::from_utf8(opened.stream.event().await?.to_vec())?;
                opened.posts = Some(Stream::connect(address).await?);
            }
            Wire::WebSocket => {
                let hello = format!(
                    "GET /ws HTTP/1.1\r\nHost: {address}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
                     Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\
                     Sec-WebSocket-Protocol: mcp\r\n\r\n"
                );
                opened.stream.socket.write_all(hello.as_bytes()).await?;
                opened.stream.head("101").await?;
            }
        }
        opened.begin_session().await?;
        Ok(opened)
    }

    /// Another session on the same connection; for Streamable HTTP the former lives on without one.
    pub(crate) async fn begin_session(&mut self) -> Result<()> {
        if self.wire == Wire::Legacy {
            self.session.clear();
        }
        let hello = self.wrap(&hello(), None);
        if self.wire == Wire::Legacy {
            self.stream.socket.write_all(&hello).await?;
            let head = self.stream.head("200").await?;
            let id = header(&head, "mcp-session-id").context("no session")?.to_owned();
            self.stream.body(&head).await?;
            self.session = format!("Mcp-Session-Id: {id}\r\nMCP-Protocol-Version: {LEGACY}\r\n");
        } else {
            self.ask(&hello).await?;
        }
        let note = self.wrap(&initialized(), None);
        match self.wire {
            Wire::Legacy => {
                self.stream.socket.write_all(&note).await?;
                let head = self.stream.head("202").await?;
                self.stream.body(&head).await.map(drop)
            }
            Wire::Sse => self.post(&note).await,
            Wire::WebSocket | Wire::Modern => Ok(self.stream.socket.write_all(&note).await?),
        }
    }

    /// A call as bytes of this wire.
    pub(crate) fn written(&self, question: &Question) -> Vec<u8> {
        self.wrap(&question.body(self.wire == Wire::Modern), Some(question))
    }

    /// Sends what [`written`](Self::written) gave, and gives the answer's JSON.
    pub(crate) async fn ask(&mut self, message: &[u8]) -> Result<&[u8]> {
        if self.posts.is_some() {
            self.post(message).await?;
            return self.stream.event().await;
        }
        self.stream.socket.write_all(message).await?;
        if self.wire == Wire::WebSocket {
            return self.stream.frame().await;
        }
        let head = self.stream.head("200").await?;
        self.stream.body(&head).await
    }

    async fn post(&mut self, message: &[u8]) -> Result<()> {
        let posts = self.posts.as_mut().context("no connection for requests")?;
        posts.socket.write_all(message).await?;
        let head = posts.head("202").await?;
        posts.body(&head).await.map(drop)
    }

    fn wrap(&self, body: &[u8], question: Option<&Question>) -> Vec<u8> {
        let (path, headers) = match self.wire {
            Wire::WebSocket => return frame(body),
            Wire::Sse => (self.session.as_str(), String::new()),
            Wire::Legacy => ("/mcp", self.session.clone()),
            Wire::Modern => {
                let method = question.map_or("", |question| question.method);
                let name = question.and_then(|question| question.tool);
                let name = name.map_or_else(String::new, |name| format!("Mcp-Name: {name}\r\n"));
                ("/mcp", format!("MCP-Protocol-Version: {MODERN}\r\nMcp-Method: {method}\r\n{name}"))
            }
        };
        let mut request = format!(
            "POST {path} HTTP/1.1\r\nHost: {}\r\nContent-Type: application/json\r\nAccept: application/json, \
             text/event-stream\r\n{headers}Content-Length: {}\r\n\r\n",
            self.address,
            body.len()
        )
        .into_bytes();
        request.extend_from_slice(body);
        request
    }
}

/// What opens a session.
pub(crate) fn hello() -> Vec<u8> {
    json!({ "jsonrpc": "2.0", "id": 0, "method": "initialize", "params": {
        "protocolVersion": LEGACY, "capabilities": {}, "clientInfo": { "name": "bench", "version": "1" },
    } })
    .to_string()
    .into_bytes()
}

/// What follows the answer to it.
pub(crate) fn initialized() -> Vec<u8> {
    json!({ "jsonrpc": "2.0", "method": "notifications/initialized" }).to_string().into_bytes()
}

/// A whole text frame, masked with zeros as clients may.
fn frame(body: &[u8]) -> Vec<u8> {
    let mut frame = vec![0x81];
    match u16::try_from(body.len()) {
        Ok(length) if length < 126 => frame.extend([0x80 | length.to_be_bytes()[1]]),
        Ok(length) => {
            frame.push(0x80 | 0x7e);
            frame.extend(length.to_be_bytes());
        }
        Err(_) => {
            frame.push(0x80 | 0x7f);
            frame.extend((body.len() as u64).to_be_bytes());
        }
    }
    frame.extend([0; 4]);
    frame.extend_from_slice(body);
    frame
}

impl Stream {
    async fn connect(address: SocketAddr) -> Result<Self> {
        let socket = TcpStream::connect(address).await.context("the server can't be reached")?;
        socket.set_nodelay(true)?;
        Ok(Self { socket, buffer: Vec::with_capacity(16 * 1024), used: 0 })
    }

    /// Forgets what was given out and reads until `enough` says where the next piece ends.
    async fn read(&mut self, mut enough: impl FnMut(&[u8]) -> Option<usize>) -> Result<&[u8]> {
        self.buffer.drain(..self.used);
        self.used = 0;
        loop {
            if let Some(end) = enough(&self.buffer).filter(|end| *end <= self.buffer.len()) {
                self.used = end;
                return Ok(&self.buffer[..end]);
            }
            self.buffer.reserve(if self.buffer.len() > 16 * 1024 { READ_BYTES } else { 16 * 1024 });
            let read = self.socket.read_buf(&mut self.buffer).await?;
            ensure!(read > 0, "the server closed the connection: {}", String::from_utf8_lossy(&self.buffer));
        }
    }

    /// The head of an answer with this status.
    async fn head(&mut self, status: &str) -> Result<String> {
        let head = self.read(|bytes| find(bytes, b"\r\n\r\n").map(|end| end + 4)).await?;
        let head = String::from_utf8(head.to_vec())?;
        ensure!(head.split_whitespace().nth(1) == Some(status), "not answered with {status}: {head}");
        Ok(head)
    }

    /// The body that follows a head.
    async fn body(&mut self, head: &str) -> Result<&[u8]> {
        let length: usize = header(head, "content-length").unwrap_or("0").parse()?;
        self.read(|_| Some(length)).await
    }

    /// The data of the next event. The chunks of the transfer are passed over: an event is within one.
    async fn event(&mut self) -> Result<&[u8]> {
        let event = self.read(|bytes| {
            let data = find(bytes, b"data: ")?;
            find(&bytes[data..], b"\n\n").map(|end| data + end + 2)
        });
        let event = event.await?;
        let data = find(event, b"data: ").context("an event without data")? + 6;
        Ok(&event[data..event.len() - 2])
    }

    /// The payload of the next frame.
    async fn frame(&mut self) -> Result<&[u8]> {
        let mut start = 0;
        let frame = self.read(|bytes| {
            let (head, length) = match *bytes.get(1)? {
                126 => (4, u64::from(u16::from_be_bytes(bytes.get(2..4)?.try_into().ok()?))),
                127 => (10, u64::from_be_bytes(bytes.get(2..10)?.try_into().ok()?)),
                short => (2, u64::from(short)),
            };
            start = head;
            usize::try_from(length).ok().map(|length| head + length)
        });
        let frame = frame.await?;
        ensure!(frame[0] == 0x81, "no whole text frame: {:#x}", frame[0]);
        Ok(&frame[start..])
    }
}

fn header<'a>(head: &'a str, name: &str) -> Option<&'a str> {
    let mut fields = head.lines().filter_map(|line| line.split_once(':'));
    fields.find(|(field, _)| field.eq_ignore_ascii_case(name)).map(|(_, value)| value.trim())
}

/// Where `part` begins in `text`.
pub(crate) fn find(text: &[u8], part: &[u8]) -> Option<usize> {
    text.windows(part.len()).position(|window| window == part)
}
