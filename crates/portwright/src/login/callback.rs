//! The page on this machine that the browser comes back to, once.

use std::io;
use std::net::Ipv4Addr;

use portwright_core::limits;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// Where the browser comes back to.
const PATH: &str = "/callback";

#[derive(Debug)]
pub(super) struct Callback {
    listener: TcpListener,
    port: u16,
}

impl Callback {
    /// On a free port of loopback (RFC 8252, section 7.3).
    pub(super) async fn listen() -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let port = listener.local_addr()?.port();
        Ok(Self { listener, port })
    }

    pub(super) fn address(&self) -> String {
        format!("http://127.0.0.1:{}{PATH}", self.port)
    }

    /// The whole address that the browser came back to.
    pub(super) async fn wait(self) -> io::Result<String> {
        let came = async {
            loop {
                let (stream, _) = self.listener.accept().await?;
                // Browsers ask for icons as well, and others may knock.
                if let Ok(Ok(Some(target))) = tokio::time::timeout(limits::LOGIN_PAGE_WAIT, answer(stream)).await {
                    return Ok(format!("http://127.0.0.1:{}{target}", self.port));
                }
            }
        };
        let late = || io::Error::new(io::ErrorKind::TimedOut, "nobody agreed in time");
        tokio::time::timeout(limits::LOGIN_WAIT, came).await.unwrap_or_else(|_| Err(late()))
    }
}

/// Reads one request and answers it; what was asked for, if it is the page.
async fn answer(mut stream: TcpStream) -> io::Result<Option<String>> {
    let mut head = Vec::new();
    while !head.windows(4).any(|window| window == b"\r\n\r\n") {
        let mut part = [0; 2048];
        let read = stream.read(&mut part).await?;
        if read == 0 || head.len() + read > limits::LOGIN_PAGE_BYTES_MAX {
            return Ok(None);
        }
        head.extend_from_slice(&part[..read]);
    }
    let head = String::from_utf8_lossy(&head);
    let mut words = head.split_whitespace();
    let target = words.next().filter(|method| *method == "GET").and_then(|_| words.next());
    let target = target.filter(|target| target.split('?').next() == Some(PATH)).map(str::to_owned);
    let (status, text) = match &target {
        Some(target) if target.contains("error=") => ("200 OK", "The login was refused. You may close this page."),
        Some(_) => ("200 OK", "You may close this page and go back to the terminal."),
        None => ("404 Not Found", "Nothing is here."),
    };
    let page = format!("<!doctype html><meta charset=utf-8><title>Portwright</title><p>{text}");
    let answer = format!(
        "HTTP/1.1 {status}\r\ncontent-type: text/html\r\ncontent-length: {}\r\ncontent-security-policy: default-src 'none'\r\n\
         referrer-policy: no-referrer\r\ncache-control: no-store\r\nconnection: close\r\n\r\n{page}",
        page.len()
    );
    stream.write_all(answer.as_bytes()).await?;
    Ok(target)
}
