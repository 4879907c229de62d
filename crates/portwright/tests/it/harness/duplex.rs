//! Clients of the two transports that keep one connection open: HTTP+SSE and WebSocket, byte by byte.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};

use serde_json::{Value, json};

use super::wire::{Client, Era, exchange, open};

/// HTTP+SSE of 2024-11-05, which knows only sessions.
#[derive(Debug)]
pub(crate) struct Sse {
    address: SocketAddr,
    endpoint: String,
    stream: BufReader<TcpStream>,
    next: u64,
}

impl Sse {
    pub(crate) fn connect(address: SocketAddr) -> Self {
        let mut stream = open(address);
        let opening = format!("GET /sse HTTP/1.1\r\nHost: {address}\r\nAccept: text/event-stream\r\n\r\n");
        stream.write_all(opening.as_bytes()).expect("sent");
        let mut client = Self { address, endpoint: String::new(), stream: BufReader::new(stream), next: 0 };
        client.endpoint = client.data();
        client.request("initialize", &Era::hello());
        client.post(&json!({ "jsonrpc": "2.0", "method": "notifications/initialized" }));
        client
    }

    fn post(&self, message: &Value) {
        let body = message.to_string();
        let answer = exchange(
            self.address,
            &format!(
                "POST {} HTTP/1.1\r\nHost: {}\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
                self.endpoint,
                self.address,
                body.len()
            ),
        );
        assert_eq!(answer.status, 202, "{answer:?}");
    }

    /// The data of the next event.
    fn data(&mut self) -> String {
        loop {
            let mut line = String::new();
            assert!(self.stream.read_line(&mut line).expect("an event") > 0, "the stream ended");
            if let Some(data) = line.strip_prefix("data: ") {
                return data.trim_end().to_owned();
            }
        }
    }
}

impl Client for Sse {
    fn request(&mut self, method: &str, params: &Value) -> Value {
        self.next += 1;
        self.post(&Era::Legacy.request(self.next, method, params));
        loop {
            let message: Value = serde_json::from_str(&self.data()).expect("JSON");
            if message["id"] == self.next {
                return message;
            }
        }
    }
}

/// WebSocket.
#[derive(Debug)]
pub(crate) struct WebSocket {
    stream: BufReader<TcpStream>,
    era: Era,
    next: u64,
}

impl WebSocket {
    pub(crate) fn connect(address: SocketAddr, era: Era) -> Self {
        let mut stream = open(address);
        let opening = format!(
            "GET /ws HTTP/1.1\r\nHost: {address}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
             Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\
             Sec-WebSocket-Protocol: mcp\r\n\r\n"
        );
        stream.write_all(opening.as_bytes()).expect("sent");
        let mut client = Self { stream: BufReader::new(stream), era, next: 0 };
        let mut head = String::new();
        while !head.ends_with("\r\n\r\n") {
            assert!(client.stream.read_line(&mut head).expect("a head") > 0, "the connection ended: {head}");
        }
        assert!(head.starts_with("HTTP/1.1 101"), "{head}");
        if era == Era::Legacy {
            client.request("initialize", &Era::hello());
            client.send(&json!({ "jsonrpc": "2.0", "method": "notifications/initialized" }));
        }
        client
    }

    fn send(&mut self, message: &Value) {
        let text = message.to_string();
        // A mask of zeros leaves the text as it is.
        let mut frame = vec![0x81, 0xff];
        frame.extend_from_slice(&(text.len() as u64).to_be_bytes());
        match u16::try_from(text.len()) {
            Ok(short) if short < 126 => frame = vec![0x81, 0x80 | text.len().to_le_bytes()[0]],
            Ok(medium) => frame = [vec![0x81, 0xfe], medium.to_be_bytes().to_vec()].concat(),
            Err(_) => {}
        }
        frame.extend_from_slice(&[0; 4]);
        frame.extend_from_slice(text.as_bytes());
        self.stream.get_mut().write_all(&frame).expect("sent");
    }

    fn bytes<const N: usize>(&mut self) -> [u8; N] {
        let mut bytes = [0; N];
        self.stream.read_exact(&mut bytes).expect("a frame");
        bytes
    }

    /// The next text message.
    fn message(&mut self) -> Value {
        loop {
            let [kind, length] = self.bytes();
            let length = match length {
                126 => u64::from(u16::from_be_bytes(self.bytes())),
                127 => u64::from_be_bytes(self.bytes()),
                short => u64::from(short),
            };
            let mut payload = vec![0; usize::try_from(length).expect("a length")];
            self.stream.read_exact(&mut payload).expect("a frame");
            if kind == 0x81 {
                return serde_json::from_slice(&payload).expect("JSON");
            }
        }
    }
}

impl Client for WebSocket {
    fn request(&mut self, method: &str, params: &Value) -> Value {
        self.next += 1;
        self.send(&self.era.request(self.next, method, params));
        loop {
            let message = self.message();
            if message["id"] == self.next {
                return message;
            }
        }
    }
}
