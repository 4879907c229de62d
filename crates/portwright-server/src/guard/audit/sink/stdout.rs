//! The process's standard output as a sink: one line a record, for whoever collects the output of processes.
//!
//! Where the stdio transport is served, standard output is the client's, and the server does not start it with this.

use std::fmt;
use std::sync::Arc;

use portwright_core::async_trait;
use tokio::io::{AsyncWrite, AsyncWriteExt};
use tokio::sync::Mutex;

use super::{Sink, SinkError, Written};

/// Writes lines to a stream.
pub struct StandardOutput<W = tokio::io::Stdout>(Mutex<Stream<W>>);

struct Stream<W> {
    to: W,
    /// What is on its way; a batch that comes again after it took too long goes on where it stopped.
    bytes: Vec<u8>,
    at: usize,
    last_seq: u64,
}

impl<W> fmt::Debug for StandardOutput<W> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("StandardOutput")
    }
}

impl Default for StandardOutput {
    fn default() -> Self {
        Self::to(tokio::io::stdout())
    }
}

impl<W> StandardOutput<W> {
    pub(in crate::guard::audit) fn to(to: W) -> Self {
        Self(Mutex::new(Stream { to, bytes: Vec::new(), at: 0, last_seq: 0 }))
    }
}

#[async_trait]
impl<W: AsyncWrite + Unpin + Send> Sink for StandardOutput<W> {
    fn name(&self) -> &'static str {
        "stdout"
    }

    async fn store(&self, records: &[Arc<Written>]) -> Result<(), SinkError> {
        let mut stream = self.0.lock().await;
        let Stream { to, bytes, at, last_seq } = &mut *stream;
        for record in records.iter().filter(|record| record.seq > *last_seq) {
            bytes.extend_from_slice(record.line.as_bytes());
            bytes.push(b'\n');
        }
        *last_seq = records.last().map_or(*last_seq, |record| record.seq.max(*last_seq));
        let broken = |error: std::io::Error| SinkError::Failed(error.to_string());
        while *at < bytes.len() {
            // A write that is not finished has written nothing, so the count is always right.
            match to.write(&bytes[*at..]).await.map_err(broken)? {
                0 => return Err(SinkError::Failed("the stream takes no more".to_owned())),
                written => *at += written,
            }
        }
        to.flush().await.map_err(broken)?;
        bytes.clear();
        *at = 0;
        Ok(())
    }

    fn takes_standard_output(&self) -> bool {
        true
    }
}
