//! Lines in, lines out: the framing of stdio, bounded both ways.

use bytes::Bytes;
use portwright_core::limits;
use tokio::io::{AsyncBufRead, AsyncBufReadExt, AsyncWrite, AsyncWriteExt};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

/// Bytes that are written at once, and kept for the next line.
const CHUNK_BYTES: usize = 64 * 1024;

/// What was read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Line {
    Whole,
    /// It was longer than a message may be; nothing of it is kept.
    TooLong,
    End,
}

/// Reads up to the next line end, or to the end. A line that is too long is read to its end and dropped.
pub(super) async fn read(reader: &mut (impl AsyncBufRead + Unpin), line: &mut Vec<u8>) -> std::io::Result<Line> {
    line.clear();
    line.shrink_to(CHUNK_BYTES);
    let mut long = false;
    loop {
        let chunk = reader.fill_buf().await?;
        let at_end = chunk.is_empty();
        let end = chunk.iter().position(|byte| *byte == b'\n');
        let taken = end.unwrap_or(chunk.len());
        long = long || line.len() + taken > limits::MESSAGE_BYTES_MAX;
        if long {
            line.clear();
        } else {
            line.extend_from_slice(&chunk[..taken]);
        }
        let used = end.map_or(taken, |end| end + 1);
        reader.consume(used);
        if end.is_some() || at_end {
            return Ok(match (long, at_end && line.is_empty()) {
                (true, _) => Line::TooLong,
                (false, true) => Line::End,
                (false, false) => Line::Whole,
            });
        }
    }
}

/// Writes messages as lines, until the last sender is gone. A client that does not read is given up.
pub(super) async fn write<W: AsyncWrite + Unpin>(
    mut writer: W,
    mut messages: mpsc::Receiver<Bytes>,
    gone: CancellationToken,
) {
    let mut lines = Vec::new();
    while let Some(message) = messages.recv().await {
        lines.clear();
        lines.shrink_to(CHUNK_BYTES);
        push(&mut lines, &message);
        while lines.len() < CHUNK_BYTES
            && let Ok(next) = messages.try_recv()
        {
            push(&mut lines, &next);
        }
        let written = async {
            writer.write_all(&lines).await?;
            writer.flush().await
        };
        if !matches!(tokio::time::timeout(limits::WRITE_WAIT, written).await, Ok(Ok(()))) {
            gone.cancel();
            return;
        }
    }
}

fn push(lines: &mut Vec<u8>, message: &[u8]) {
    lines.extend_from_slice(message);
    lines.push(b'\n');
}

#[cfg(test)]
mod tests {
    use portwright_core::limits;
    use tokio::io::BufReader;

    use super::{Line, read};

    #[tokio::test]
    async fn lines_are_bounded_and_the_next_one_is_whole_again() {
        let mut bytes = b"one\n\ntwo".to_vec();
        bytes.push(b'\n');
        bytes.extend(std::iter::repeat_n(b'x', limits::MESSAGE_BYTES_MAX + 1));
        bytes.extend_from_slice(b"\nthree");
        let mut reader = BufReader::with_capacity(1000, &bytes[..]);
        let mut line = Vec::new();
        for expected in ["one", "", "two"] {
            assert_eq!(read(&mut reader, &mut line).await.expect("line"), Line::Whole);
            assert_eq!(line, expected.as_bytes());
        }
        assert_eq!(read(&mut reader, &mut line).await.expect("line"), Line::TooLong);
        assert_eq!(read(&mut reader, &mut line).await.expect("line"), Line::Whole);
        assert_eq!(line, b"three");
        assert_eq!(read(&mut reader, &mut line).await.expect("line"), Line::End);
    }
}
