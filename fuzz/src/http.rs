//! Bytes at the listener, over real sockets. The first byte says what the others are; see [`Form`].

use std::cell::RefCell;
use std::net::SocketAddr;
use std::time::Duration;

use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::{Builder, Runtime};
use tokio::signal::unix::{SignalKind, signal};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

/// How long the server may say nothing before we hang up: streams stay open.
const SILENCE: Duration = Duration::from_millis(20);
/// The most that is read of one answer.
const ANSWER_BYTES_MAX: usize = 4 << 20;
const INITIALIZE: &str = r#"{"jsonrpc":"2.0","id":0,"method":"initialize","params":{"protocolVersion":"2025-11-25","capabilities":{},"clientInfo":{"name":"fuzz","version":"1"}}}"#;

thread_local! {
    static PLACE: RefCell<Option<Place>> = const { RefCell::new(None) };
}

struct Place {
    runtime: Runtime,
    address: SocketAddr,
    session: String,
    inputs: u32,
}

/// What the bytes behind the first one are.
#[derive(Debug, Clone, Copy)]
enum Form {
    /// All that is sent; `{session}` in it stands for a session that is open.
    Raw,
    /// The body of a request within a session.
    Legacy,
    /// The body of a request of 2026-07-28, whose headers say what the body says.
    Modern,
    /// Lines, each a text frame of a WebSocket.
    Frames,
    /// What follows the handshake of a WebSocket.
    Socket,
}

impl Place {
    fn new() -> Self {
        let runtime = Builder::new_current_thread().enable_all().build().expect("a runtime");
        let address = runtime.block_on(async {
            // A program whose `main` is not Rust's ends when it writes to a connection that is closed, unless it listens
            // for that; the listener stays for good.
            let _handled = signal(SignalKind::pipe()).expect("a signal to listen for");
            let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
            let address = listener.local_addr().expect("its address");
            let server = crate::server().await;
            tokio::spawn(async move { server.serve_http(listener, CancellationToken::new()).await });
            address
        });
        let mut place = Self { runtime, address, session: String::new(), inputs: 0 };
        let hello = place.post("", INITIALIZE.as_bytes());
        let answer = place.runtime.block_on(exchange(address, &hello));
        let answer = String::from_utf8_lossy(&answer).to_ascii_lowercase();
        let id = answer.split("mcp-session-id: ").nth(1).and_then(|rest| rest.split("\r\n").next());
        place.session = id.expect("a session").to_owned();
        place
    }

    fn post(&self, headers: &str, body: &[u8]) -> Vec<u8> {
        let mut request = format!(
            "POST /mcp HTTP/1.1\r\nHost: {}\r\nContent-Type: application/json\r\nAccept: application/json, \
             text/event-stream\r\nConnection: close\r\n{headers}Content-Length: {}\r\n\r\n",
            self.address,
            body.len()
        )
        .into_bytes();
        request.extend_from_slice(body);
        request
    }

    fn request(&self, form: Form, bytes: &[u8]) -> Vec<u8> {
        match form {
            Form::Raw => replaced(bytes, b"{session}", self.session.as_bytes()),
            Form::Legacy => {
                let headers = format!("Mcp-Session-Id: {}\r\nMCP-Protocol-Version: 2025-11-25\r\n", self.session);
                self.post(&headers, bytes)
            }
            Form::Modern => self.post(&modern_headers(bytes), bytes),
            Form::Frames => {
                let mut request = self.handshake();
                bytes.split(|byte| *byte == b'\n').for_each(|line| frame(&mut request, 0x81, line));
                frame(&mut request, 0x88, &[]);
                request
            }
            Form::Socket => {
                let mut request = self.handshake();
                request.extend_from_slice(bytes);
                request
            }
        }
    }

    fn handshake(&self) -> Vec<u8> {
        format!(
            "GET /ws HTTP/1.1\r\nHost: {}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\
             Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Protocol: mcp\r\n\r\n",
            self.address
        )
        .into_bytes()
    }
}

/// Sends what `bytes` mean to a listening server and looks at what comes back.
pub fn converse(bytes: &[u8]) {
    let Some((first, bytes)) = bytes.split_first() else { return };
    let form = match first % 5 {
        0 => Form::Raw,
        1 => Form::Legacy,
        2 => Form::Modern,
        3 => Form::Frames,
        _ => Form::Socket,
    };
    PLACE.with_borrow_mut(|place| {
        if place.as_ref().is_some_and(|place| place.inputs >= crate::INPUTS_OF_ONE) {
            *place = None;
        }
        let place = place.get_or_insert_with(Place::new);
        place.inputs += 1;
        let request = place.request(form, bytes);
        let answer = place.runtime.block_on(exchange(place.address, &request));
        look(form, &answer);
    });
}

/// Every answer is HTTP; one that says it is JSON is.
fn look(form: Form, answer: &[u8]) {
    if answer.is_empty() {
        assert!(matches!(form, Form::Raw), "{form:?} got no answer");
        return;
    }
    assert!(answer.starts_with(b"HTTP/1."), "no HTTP: {:?}", String::from_utf8_lossy(&answer[..answer.len().min(80)]));
    if !matches!(form, Form::Legacy | Form::Modern) {
        return;
    }
    let end = answer.windows(4).position(|four| four == b"\r\n\r\n").expect("a head that ends") + 4;
    let head = String::from_utf8_lossy(&answer[..end]).to_ascii_lowercase();
    let says = |line: &str| head.contains(line);
    if says("content-type: application/json") && says("content-length: ") && answer.len() < ANSWER_BYTES_MAX {
        let message: Value = serde_json::from_slice(&answer[end..]).expect("an answer that is no JSON");
        crate::is_sound(&message);
    }
}

/// One connection: all at once, then silence, then its end.
async fn exchange(address: SocketAddr, request: &[u8]) -> Vec<u8> {
    let mut stream = TcpStream::connect(address).await.expect("the server listens");
    let (mut answers, mut questions) = stream.split();
    let mut heard = Vec::new();
    let speak = async {
        // The server may hang up before it has heard everything.
        let _ = questions.write_all(request).await;
        let _ = questions.shutdown().await;
    };
    let hear = async {
        while heard.len() < ANSWER_BYTES_MAX {
            match timeout(SILENCE, answers.read_buf(&mut heard)).await {
                Ok(Ok(read)) if read > 0 => {}
                _ => return,
            }
        }
    };
    tokio::join!(speak, hear);
    heard
}

/// The headers that repeat what a body says.
fn modern_headers(body: &[u8]) -> String {
    let mut headers = "MCP-Protocol-Version: 2026-07-28\r\n".to_owned();
    let Ok(message) = serde_json::from_slice::<Value>(body) else { return headers };
    let printable = |value: &Value| {
        let text = value.as_str().unwrap_or_default();
        text.bytes().all(|byte| (0x21..0x7f).contains(&byte)).then(|| text.to_owned())
    };
    let name = [&message["params"]["name"], &message["params"]["uri"]].into_iter().find(|name| name.is_string());
    for (header, value) in [("Mcp-Method", Some(&message["method"])), ("Mcp-Name", name)] {
        if let Some(value) = value.and_then(printable) {
            headers.push_str(&format!("{header}: {value}\r\n"));
        }
    }
    headers
}

/// A whole masked frame, with a mask of zeros.
fn frame(out: &mut Vec<u8>, first: u8, payload: &[u8]) {
    let mut head = vec![first];
    match u16::try_from(payload.len()) {
        Ok(length) if length < 126 => head.push(0x80 | u8::try_from(length).unwrap_or_default()),
        Ok(length) => {
            head.push(0x80 | 126);
            head.extend(length.to_be_bytes());
        }
        Err(_) => {
            head.push(0x80 | 127);
            head.extend((payload.len() as u64).to_be_bytes());
        }
    }
    head.extend([0; 4]);
    out.extend_from_slice(&head);
    out.extend_from_slice(payload);
}

fn replaced(bytes: &[u8], what: &[u8], with: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(bytes.len());
    let mut rest = bytes;
    while let Some(at) = rest.windows(what.len()).position(|window| window == what) {
        out.extend_from_slice(&rest[..at]);
        out.extend_from_slice(with);
        rest = &rest[at + what.len()..];
    }
    out.extend_from_slice(rest);
    out
}
