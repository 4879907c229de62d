//! A transport of the official SDK made of lines: what the SDK writes goes to a task that sends it on, and what a server
//! says is written back as a line. So every way that carries whole messages is a few lines of code.

use std::io;

use portwright_core::limits;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader, DuplexStream, ReadHalf, WriteHalf};
use tokio::task::JoinHandle;

/// Bytes in flight between the two sides.
const PIPE_BYTES: usize = 64 * 1024;

/// The SDK's side, and ours.
pub(super) fn pipe() -> (DuplexStream, Sending, Received) {
    let (theirs, ours) = tokio::io::duplex(PIPE_BYTES);
    let (reader, writer) = tokio::io::split(ours);
    (theirs, Sending(BufReader::new(reader)), Received(writer))
}

/// The messages that the SDK sends.
pub(super) struct Sending(BufReader<ReadHalf<DuplexStream>>);

impl Sending {
    /// The next one; none when the SDK has closed.
    pub(super) async fn next(&mut self) -> Option<String> {
        let mut line = String::new();
        let bound = limits::MESSAGE_BYTES_MAX as u64;
        match (&mut self.0).take(bound).read_line(&mut line).await {
            Ok(0) | Err(_) => None,
            Ok(_) => Some(line),
        }
    }
}

/// What the SDK is told.
pub(super) struct Received(WriteHalf<DuplexStream>);

impl Received {
    pub(super) async fn tell(&mut self, message: &str) -> io::Result<()> {
        // A message may be spread over lines for people to read; the pipe's are one each.
        let line = message.replace(['\n', '\r'], " ");
        self.0.write_all(line.as_bytes()).await?;
        self.0.write_all(b"\n").await?;
        self.0.flush().await
    }
}

/// The tasks that carry messages; they end with the conversation.
#[derive(Debug)]
pub(super) struct Carriers(pub(super) Vec<JoinHandle<()>>);

impl Drop for Carriers {
    fn drop(&mut self) {
        for carrier in &self.0 {
            carrier.abort();
        }
    }
}
