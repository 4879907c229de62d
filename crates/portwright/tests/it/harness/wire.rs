//! Clients that speak the protocol byte by byte, so that tests see and send what no SDK would.

use std::fmt::Write as _;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::process::{self, Child, ChildStdin, Command, ExitStatus};
use std::sync::mpsc::{Receiver, channel};

use serde_json::{Value, json};

use super::server::Output;
use super::{PATIENCE, wait_for};

/// The two lifecycles of the protocol.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Era {
    /// `initialize`, then a session: 2025-11-25.
    Legacy,
    /// Nothing before a request: 2026-07-28.
    Modern,
}

impl Era {
    pub(crate) const BOTH: [Self; 2] = [Self::Legacy, Self::Modern];

    pub(crate) const fn version(self) -> &'static str {
        match self {
            Self::Legacy => "2025-11-25",
            Self::Modern => "2026-07-28",
        }
    }

    /// A request as this era writes it.
    pub(crate) fn request(self, id: u64, method: &str, params: &Value) -> Value {
        let mut params = params.clone();
        if self == Self::Modern {
            let meta = json!({
                "io.modelcontextprotocol/protocolVersion": self.version(),
                "io.modelcontextprotocol/clientInfo": { "name": "test", "version": "1" },
                "io.modelcontextprotocol/clientCapabilities": {},
            });
            let given = params.get("_meta").cloned();
            params["_meta"] = meta;
            for (key, value) in given.iter().filter_map(Value::as_object).flatten() {
                params["_meta"][key] = value.clone();
            }
        }
        json!({ "jsonrpc": "2.0", "id": id, "method": method, "params": params })
    }

    /// The parameters of `initialize`.
    pub(crate) fn hello() -> Value {
        json!({
            "protocolVersion": Self::Legacy.version(),
            "capabilities": {},
            "clientInfo": { "name": "test", "version": "1" },
        })
    }
}

/// A client with one call at a time.
pub(crate) trait Client {
    /// Sends a request and waits for its answer: the message with `result` or `error`.
    fn request(&mut self, method: &str, params: &Value) -> Value;

    /// Calls a tool.
    fn call(&mut self, tool: &str, arguments: Value) -> Value {
        self.request("tools/call", &json!({ "name": tool, "arguments": arguments }))
    }

    /// The names of all tools.
    fn tools(&mut self) -> Vec<String> {
        let mut names = Vec::new();
        let mut params = json!({});
        loop {
            let answer = self.request("tools/list", &params);
            let tools = answer["result"]["tools"].as_array().unwrap_or_else(|| panic!("no tools: {answer}"));
            names.extend(tools.iter().map(|tool| tool["name"].as_str().unwrap_or_default().to_owned()));
            match answer["result"].get("nextCursor") {
                Some(cursor) => params = json!({ "cursor": cursor }),
                None => return names,
            }
        }
    }
}

/// One whole HTTP answer.
#[derive(Debug)]
pub(crate) struct HttpAnswer {
    pub(crate) status: u16,
    pub(crate) head: String,
    pub(crate) body: String,
}

impl HttpAnswer {
    /// A header's value.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let mut headers = self.head.lines().filter_map(|line| line.split_once(':'));
        headers.find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value.trim())
    }

    /// The JSON-RPC messages in the body: one of JSON, or some of an event stream.
    pub(crate) fn messages(&self) -> Vec<Value> {
        if self.header("content-type").is_some_and(|kind| kind.starts_with("text/event-stream")) {
            let data = self.body.lines().filter_map(|line| line.strip_prefix("data:")).map(str::trim);
            return data.filter_map(|data| serde_json::from_str(data).ok()).collect();
        }
        serde_json::from_str(&self.body).into_iter().collect()
    }

    /// The answer to a request, whatever notifications came before it.
    pub(crate) fn response(&self) -> Value {
        let mut messages = self.messages().into_iter();
        messages
            .find(|message| message.get("result").is_some() || message.get("error").is_some())
            .unwrap_or_else(|| panic!("no JSON-RPC response in {self:?}"))
    }
}

/// Sends bytes on a connection of their own and reads one answer.
pub(crate) fn exchange(address: SocketAddr, request: &str) -> HttpAnswer {
    let mut stream = open(address);
    stream.write_all(request.as_bytes()).expect("sent");
    read_answer(stream)
}

/// Opens a connection that does not wait for ever.
pub(crate) fn open(address: SocketAddr) -> TcpStream {
    let stream = TcpStream::connect(address).expect("the server listens");
    stream.set_read_timeout(Some(PATIENCE)).expect("a time-out");
    stream
}

/// Reads one answer: by its length, by its chunks, or to the end.
pub(crate) fn read_answer(stream: TcpStream) -> HttpAnswer {
    let mut reader = BufReader::new(stream);
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        let read = reader.read_line(&mut head).expect("a head");
        assert!(read > 0, "the connection ended in the head: {head:?}");
    }
    let status = head.split(' ').nth(1).and_then(|code| code.parse().ok()).expect("a status");
    let mut answer = HttpAnswer { status, head, body: String::new() };
    let mut body = Vec::new();
    if let Some(length) = answer.header("content-length") {
        body = vec![0; length.parse().expect("a length")];
        reader.read_exact(&mut body).expect("the body");
    } else if answer.header("transfer-encoding") == Some("chunked") {
        while let Some(mut chunk) = read_chunk(&mut reader) {
            body.append(&mut chunk);
        }
    } else if status != 202 && status != 204 {
        reader.read_to_end(&mut body).expect("the body");
    }
    answer.body = String::from_utf8(body).expect("text");
    answer
}

fn read_chunk(reader: &mut impl BufRead) -> Option<Vec<u8>> {
    let mut line = String::new();
    reader.read_line(&mut line).expect("a chunk's length");
    let length = usize::from_str_radix(line.trim(), 16).expect("a chunk's length");
    let mut chunk = vec![0; length + 2];
    reader.read_exact(&mut chunk).expect("a chunk");
    chunk.truncate(length);
    (length > 0).then_some(chunk)
}

/// A client of `/mcp`.
#[derive(Debug)]
pub(crate) struct Http {
    pub(crate) address: SocketAddr,
    pub(crate) era: Era,
    pub(crate) session: Option<String>,
    pub(crate) next: u64,
}

/// What a server sends on its own over a session's event stream.
#[derive(Debug)]
pub(crate) struct Events(Output);

impl Events {
    /// Waits for a notification.
    pub(crate) fn wait(&self, method: &str) {
        let mark = format!("\"{method}\"");
        wait_for(method, || self.0.text().contains(&mark).then_some(()));
    }
}

impl Http {
    /// Connects as the era asks for.
    pub(crate) fn connect(address: SocketAddr, era: Era) -> Self {
        let mut client = Self { address, era, session: None, next: 0 };
        if era == Era::Legacy {
            let answer = client.post("initialize", &era.request(0, "initialize", &Era::hello()));
            assert_eq!(answer.status, 200, "{answer:?}");
            client.session = answer.header("mcp-session-id").map(str::to_owned);
            client.notify("notifications/initialized", &json!({}));
        }
        client
    }

    pub(crate) fn notify(&mut self, method: &str, params: &Value) {
        let answer = self.post(method, &json!({ "jsonrpc": "2.0", "method": method, "params": params }));
        assert_eq!(answer.status, 202, "{answer:?}");
    }

    /// Opens the session's event stream and waits until the server has answered.
    pub(crate) fn events(&self) -> Events {
        let mut stream = open(self.address);
        stream.set_read_timeout(None).expect("no time-out");
        let session = self.session.as_deref().expect("a session");
        let request = format!(
            "GET /mcp HTTP/1.1\r\nHost: {}\r\nAccept: text/event-stream\r\nMCP-Protocol-Version: {}\r\nMcp-Session-Id: {session}\r\n\r\n",
            self.address,
            self.era.version()
        );
        stream.write_all(request.as_bytes()).expect("sent");
        let output = Output::of(stream);
        wait_for("the event stream", || output.text().starts_with("HTTP/1.1 200").then_some(()));
        Events(output)
    }

    /// Posts one message and reads what comes back.
    pub(crate) fn post(&self, method: &str, message: &Value) -> HttpAnswer {
        exchange(self.address, &self.bytes(method, message))
    }

    /// Sends a request and leaves the answer on the connection.
    pub(crate) fn send(&mut self, method: &str, params: &Value) -> (u64, TcpStream) {
        self.next += 1;
        let message = self.era.request(self.next, method, params);
        let mut stream = open(self.address);
        stream.write_all(self.bytes(method, &message).as_bytes()).expect("sent");
        (self.next, stream)
    }

    /// The bytes of a POST of one message.
    pub(crate) fn bytes(&self, method: &str, message: &Value) -> String {
        let mut head = format!(
            "POST /mcp HTTP/1.1\r\nHost: {}\r\nContent-Type: application/json\r\nAccept: application/json, text/event-stream\r\n",
            self.address
        );
        if method != "initialize" {
            let _ = write!(head, "MCP-Protocol-Version: {}\r\n", self.era.version());
        }
        if let Some(session) = &self.session {
            let _ = write!(head, "Mcp-Session-Id: {session}\r\n");
        }
        if self.era == Era::Modern {
            let _ = write!(head, "Mcp-Method: {method}\r\n");
            let params = &message["params"];
            if let Some(name) = params.get("name").or_else(|| params.get("uri")).and_then(Value::as_str) {
                let _ = write!(head, "Mcp-Name: {name}\r\n");
            }
        }
        let body = message.to_string();
        format!("{head}Content-Length: {}\r\n\r\n{body}", body.len())
    }
}

impl Client for Http {
    fn request(&mut self, method: &str, params: &Value) -> Value {
        let (id, stream) = self.send(method, params);
        let response = read_answer(stream).response();
        assert_eq!(response["id"], id, "{response}");
        response
    }
}

/// A client of a process over its standard input and output.
#[derive(Debug)]
pub(crate) struct Stdio {
    child: Child,
    input: Option<ChildStdin>,
    lines: Receiver<String>,
    pub(crate) errors: Output,
    pub(crate) era: Era,
    next: u64,
}

impl Stdio {
    /// Starts a command that serves on standard input and output, and connects as the era asks for.
    pub(crate) fn start(mut command: Command, era: Era) -> Self {
        let mut child = command
            .arg("--stdio")
            .stdin(process::Stdio::piped())
            .stdout(process::Stdio::piped())
            .stderr(process::Stdio::piped())
            .spawn()
            .expect("the binary starts");
        let input = child.stdin.take();
        let errors = Output::of(child.stderr.take().expect("errors"));
        let output = child.stdout.take().expect("output");
        let (sender, lines) = channel();
        std::thread::spawn(move || {
            for line in BufReader::new(output).lines().map_while(Result::ok) {
                if sender.send(line).is_err() {
                    return;
                }
            }
        });
        let mut client = Self { child, input, lines, errors, era, next: 0 };
        if era == Era::Legacy {
            client.request("initialize", &Era::hello());
            client.write(&json!({ "jsonrpc": "2.0", "method": "notifications/initialized" }).to_string());
        }
        client
    }

    /// Writes one line as it is.
    pub(crate) fn write(&mut self, line: &str) {
        let input = self.input.as_mut().expect("open input");
        input.write_all(line.as_bytes()).and_then(|()| input.write_all(b"\n")).expect("written");
    }

    /// Sends a request and does not wait.
    pub(crate) fn send(&mut self, method: &str, params: &Value) -> u64 {
        self.next += 1;
        let message = self.era.request(self.next, method, params);
        self.write(&message.to_string());
        self.next
    }

    /// The next line that the server wrote: whatever stands on standard output must be a message.
    pub(crate) fn read(&mut self) -> Value {
        let line = self
            .lines
            .recv_timeout(PATIENCE)
            .unwrap_or_else(|error| panic!("no line from the server ({error}); it wrote: {}", self.errors.text()));
        serde_json::from_str(&line).unwrap_or_else(|error| panic!("no message on standard output ({error}): {line}"))
    }

    /// The answer with this id, whatever comes before it.
    pub(crate) fn answer(&mut self, id: u64) -> Value {
        loop {
            let message = self.read();
            if message["id"] == id && message.get("method").is_none() {
                return message;
            }
        }
    }

    pub(crate) fn process(&self) -> u32 {
        self.child.id()
    }

    /// Closes the input, as a client does that is done, and waits for the end.
    pub(crate) fn close(mut self) -> ExitStatus {
        self.input = None;
        wait_for("the server's end", || self.child.try_wait().expect("its state"))
    }
}

impl Client for Stdio {
    fn request(&mut self, method: &str, params: &Value) -> Value {
        let id = self.send(method, params);
        self.answer(id)
    }
}

impl Drop for Stdio {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
