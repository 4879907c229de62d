//! Flights: the messages of a whole call, which leave together and are answered together.
//!
//! The driver sends each statement with a `Sync` of its own, and runs in a task of its own, so a transaction of four
//! statements costs four answers and as many wake-ups. A flight has one `Sync`, and is read by the call that waits for it.
//! It speaks the extended protocol alone. What it does not expect breaks the session: it is closed then.

use std::future::poll_fn;
use std::io;
use std::sync::PoisonError;
use std::task::{Context, Poll, ready};

use bytes::{Buf as _, BufMut as _, BytesMut};

use super::line::SharedLine;

/// Bytes of room that are kept from one flight to the next.
const KEPT_BYTES: usize = 64 * 1024;

/// What a session needs to fly.
pub(super) struct Flight {
    line: SharedLine,
    /// Not yet sent.
    out: BytesMut,
    /// Came, and not yet read.
    input: BytesMut,
    /// Bytes of `input` that the last message is.
    frame: usize,
    /// The server has not yet answered all of it.
    under_way: bool,
    broken: bool,
}

impl std::fmt::Debug for Flight {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (under_way, broken) = (self.under_way, self.broken);
        f.debug_struct("Flight").field("under_way", &under_way).field("broken", &broken).finish_non_exhaustive()
    }
}

/// The answer that ends a flight.
pub(super) const READY: u8 = b'Z';
/// The server's answers, by the byte that they begin with.
pub(super) const PARSED: u8 = b'1';
pub(super) const BOUND: u8 = b'2';
pub(super) const CLOSED: u8 = b'3';
pub(super) const ROW: u8 = b'D';
pub(super) const COMPLETE: u8 = b'C';
pub(super) const EMPTY: u8 = b'I';
pub(super) const ERROR: u8 = b'E';

impl Flight {
    pub(super) fn new(line: SharedLine) -> Self {
        Self { line, out: BytesMut::new(), input: BytesMut::new(), frame: 0, under_way: false, broken: false }
    }

    pub(super) fn is_broken(&self) -> bool {
        self.broken
    }

    /// Takes the line; none if the driver has something to do with it first.
    pub(super) fn start(&mut self) -> Option<Messages<'_>> {
        if self.under_way || self.broken || !self.line.lock().unwrap_or_else(PoisonError::into_inner).take() {
            return None;
        }
        self.under_way = true;
        self.out.clear();
        self.input.clear();
        self.frame = 0;
        Some(Messages(&mut self.out))
    }

    /// The server's next answer, told by its first byte; `body` has the rest.
    pub(super) async fn next(&mut self) -> io::Result<u8> {
        let next = poll_fn(|cx| self.poll_next(cx)).await;
        match next {
            Ok(READY) => self.end(),
            Ok(_) => {}
            Err(_) => self.broken = true,
        }
        next
    }

    /// What the last answer says.
    pub(super) fn body(&self) -> &[u8] {
        self.input.get(5..self.frame).unwrap_or_default()
    }

    /// Gives the session up after an answer that makes no sense.
    pub(super) fn lost(&mut self, answer: u8) -> io::Error {
        self.broken = true;
        io::Error::new(io::ErrorKind::InvalidData, format!("the server answered `{}`", answer.escape_ascii()))
    }

    /// Waits until the server has answered all that it was sent.
    pub(super) async fn land(&mut self) -> io::Result<()> {
        while self.under_way {
            if self.broken {
                return Err(io::ErrorKind::ConnectionAborted.into());
            }
            self.next().await?;
        }
        Ok(())
    }

    fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<u8>> {
        self.input.advance(std::mem::take(&mut self.frame));
        loop {
            if let Some((kind, length)) = frame(&self.input)? {
                // Notices, changed settings and notifications come unasked.
                if matches!(kind, b'N' | b'S' | b'A') {
                    self.input.advance(length);
                    continue;
                }
                self.frame = length;
                return Poll::Ready(Ok(kind));
            }
            let mut line = self.line.lock().unwrap_or_else(PoisonError::into_inner);
            // It is read also while something is unsent, so that neither side waits for the other.
            if let Poll::Ready(Err(error)) = line.poll_send(cx, &mut self.out) {
                return Poll::Ready(Err(error));
            }
            if !ready!(line.poll_more(cx, &mut self.input))? {
                return Poll::Ready(Err(io::ErrorKind::UnexpectedEof.into()));
            }
        }
    }

    fn end(&mut self) {
        self.under_way = false;
        let rest = self.input.get(self.frame..).unwrap_or_default();
        self.line.lock().unwrap_or_else(PoisonError::into_inner).give(rest);
        self.input.truncate(self.frame);
        for room in [&mut self.out, &mut self.input] {
            if room.capacity() > KEPT_BYTES {
                *room = BytesMut::from(&room[..]);
            }
        }
    }
}

/// A whole message at the front: its first byte, and how long it is with all.
fn frame(input: &[u8]) -> io::Result<Option<(u8, usize)>> {
    let [kind, a, b, c, d, ..] = *input else { return Ok(None) };
    // The line has bounded it.
    let length = u32::from_be_bytes([a, b, c, d]) as usize;
    if length < 4 {
        return Err(io::ErrorKind::InvalidData.into());
    }
    Ok((input.len() > length).then_some((kind, length + 1)))
}

/// What a flight sends.
#[derive(Debug)]
pub(super) struct Messages<'a>(&'a mut BytesMut);

impl Messages<'_> {
    /// Prepares a statement under a name; no name is good until the next of none. A flight that was given up may have
    /// prepared it already, and nobody read that: so the name is freed first, which is no error where nothing has it.
    pub(super) fn parse(&mut self, name: &str, sql: &str, types: &[u32]) {
        if !name.is_empty() {
            self.message(b'C', |out| {
                out.put_u8(b'S');
                text(out, name);
            });
        }
        self.message(b'P', |out| {
            text(out, name);
            text(out, sql);
            out.put_u16(count(types.len()));
            for ty in types {
                out.put_u32(*ty);
            }
        });
    }

    /// Runs what was prepared, with values as text; the rows come in the binary format.
    pub(super) fn run(&mut self, name: &str, values: &[Option<String>]) {
        self.message(b'B', |out| {
            text(out, "");
            text(out, name);
            out.put_u16(0);
            out.put_u16(count(values.len()));
            for value in values {
                match value {
                    None => out.put_i32(-1),
                    Some(value) => {
                        out.put_u32(u32::try_from(value.len()).unwrap_or(u32::MAX));
                        out.put_slice(value.as_bytes());
                    }
                }
            }
            out.put_u16(1);
            out.put_u16(1);
        });
        self.message(b'E', |out| {
            text(out, "");
            out.put_u32(0);
        });
    }

    /// Ends what is sent.
    pub(super) fn sync(mut self) {
        self.message(b'S', |_| ());
    }

    fn message(&mut self, kind: u8, write: impl FnOnce(&mut BytesMut)) {
        self.0.put_u8(kind);
        let start = self.0.len();
        self.0.put_u32(0);
        write(self.0);
        let length = u32::try_from(self.0.len() - start).unwrap_or(u32::MAX);
        self.0[start..start + 4].copy_from_slice(&length.to_be_bytes());
    }
}

/// Counts are bounded where statements are prepared: by the protocol itself.
fn count(number: usize) -> u16 {
    u16::try_from(number).unwrap_or(u16::MAX)
}

/// Text that has no zero: neither SQL that was prepared nor our own names have one.
fn text(out: &mut BytesMut, text: &str) {
    out.put_slice(text.as_bytes());
    out.put_u8(0);
}

#[cfg(test)]
mod tests {
    use bytes::BytesMut;

    use super::{Messages, frame};

    #[test]
    fn messages_are_as_the_protocol_has_them() {
        let mut out = BytesMut::new();
        let mut messages = Messages(&mut out);
        messages.parse("a", "SELECT $1", &[23]);
        messages.run("a", &[Some("7".into()), None]);
        messages.sync();
        let mut expected = b"C\0\0\0\x07Sa\0P\0\0\0\x16a\0SELECT $1\0\0\x01\0\0\0\x17".to_vec();
        expected.extend(b"B\0\0\0\x18\0a\0\0\0\0\x02\0\0\0\x017\xff\xff\xff\xff\0\x01\0\x01");
        expected.extend(b"E\0\0\0\x09\0\0\0\0\0S\0\0\0\x04");
        assert_eq!(out, expected);
    }

    #[test]
    fn half_a_message_is_none() {
        assert_eq!(frame(b"Z\0\0\0").unwrap(), None);
        assert_eq!(frame(b"Z\0\0\0\x05").unwrap(), None);
        assert_eq!(frame(b"Z\0\0\0\x05IZ").unwrap(), Some((b'Z', 6)));
        assert!(frame(b"Z\0\0\0\x03I").is_err());
    }
}
