//! The stream of messages that a session is: bounded, and shared by the driver and by flights.
//!
//! The driver reads a whole message before it hands it on, and a message may hold a gigabyte. Here the stream ends
//! before such a message is read. Between two messages, a [flight](super::flight) may take the line: while it has it, the
//! driver neither reads nor writes.

use std::fmt;
use std::io;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker, ready};

use bytes::{Buf as _, BytesMut};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio_postgres::tls::{ChannelBinding, TlsStream};

use super::wire::Both;

/// Bytes of one message from the server: a row with all its columns.
pub(super) const SERVER_MESSAGE_BYTES_MAX: u32 = 16 * 1024 * 1024;

/// Bytes that are read at a time when a flight looks whether the server said something unasked.
const LOOK_BYTES: usize = 512;

/// Where a stream of messages stands.
#[derive(Debug, Clone, Copy)]
enum Place {
    /// The one byte that answers the wish for TLS.
    Answer,
    /// In a header, of which this much was seen: the kind, then the length (its own four bytes included).
    Header { seen: u8, length: u32 },
    /// This much of a message is left.
    Body(u32),
    /// What follows is TLS.
    Opaque,
}

const START: Place = Place::Header { seen: 0, length: 0 };

/// A stream, where it stands, and whose turn it is.
pub(super) struct Line<S: ?Sized> {
    place: Place,
    /// Told when a message was too long.
    exceeded: Arc<AtomicBool>,
    /// A flight has it.
    taken: bool,
    /// The driver, where it asked while a flight had the line.
    driver: Option<Waker>,
    /// Read by a flight, and meant for the driver.
    unasked: BytesMut,
    stream: S,
}

/// A line, whatever it runs over.
pub(super) type SharedLine = Arc<Mutex<Line<dyn Both + Send>>>;

/// The driver's side of a line.
#[derive(Debug)]
pub(super) struct Bounded<S>(Arc<Mutex<Line<S>>>);

impl<S: ?Sized> fmt::Debug for Line<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Line").field("place", &self.place).field("taken", &self.taken).finish_non_exhaustive()
    }
}

impl<S> Bounded<S> {
    /// A stream on which `negotiates` says whether TLS is asked for first.
    pub(super) fn new(stream: S, negotiates: bool, exceeded: Arc<AtomicBool>) -> Self {
        Self::at(stream, if negotiates { Place::Answer } else { START }, exceeded)
    }

    /// A stream that is TLS from its first byte.
    pub(super) fn opaque(stream: S, exceeded: Arc<AtomicBool>) -> Self {
        Self::at(stream, Place::Opaque, exceeded)
    }

    fn at(stream: S, place: Place, exceeded: Arc<AtomicBool>) -> Self {
        let unasked = BytesMut::new();
        Self(Arc::new(Mutex::new(Line { place, exceeded, taken: false, driver: None, unasked, stream })))
    }

    fn lock(&self) -> MutexGuard<'_, Line<S>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin + Send + 'static> Bounded<S> {
    /// The line, for flights.
    pub(super) fn line(&self) -> SharedLine {
        self.0.clone()
    }
}

impl Place {
    /// Goes on by the bytes that came; false if a message is too long.
    fn advance(&mut self, mut bytes: &[u8]) -> bool {
        while let Some((first, rest)) = bytes.split_first() {
            match *self {
                Self::Opaque => return true,
                Self::Answer => {
                    *self = if *first == b'S' { Self::Opaque } else { START };
                    bytes = rest;
                }
                Self::Header { seen, length } => {
                    let length = if seen == 0 { 0 } else { length << 8 | u32::from(*first) };
                    *self = if seen < 4 {
                        Self::Header { seen: seen + 1, length }
                    } else {
                        Self::Body(length.saturating_sub(4))
                    };
                    if let Self::Body(left) = *self {
                        if left > SERVER_MESSAGE_BYTES_MAX {
                            return false;
                        }
                        if left == 0 {
                            *self = START;
                        }
                    }
                    bytes = rest;
                }
                Self::Body(left) => {
                    let here = bytes.len().min(left as usize);
                    bytes = &bytes[here..];
                    let left = left - u32::try_from(here).unwrap_or(left);
                    *self = if left == 0 { START } else { Self::Body(left) };
                }
            }
        }
        true
    }
}

impl<S: AsyncRead + Unpin + ?Sized> Line<S> {
    /// Reads on, within the bound.
    fn read(&mut self, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let before = buf.filled().len();
        ready!(Pin::new(&mut self.stream).poll_read(cx, buf))?;
        if self.place.advance(&buf.filled()[before..]) {
            return Poll::Ready(Ok(()));
        }
        self.exceeded.store(true, Ordering::Relaxed);
        Poll::Ready(Err(io::Error::new(io::ErrorKind::InvalidData, "a message from the server is too long")))
    }

    /// Keeps the driver away while a flight has the line.
    fn is_free(&mut self, cx: &Context<'_>) -> bool {
        if self.taken {
            self.driver = Some(cx.waker().clone());
        }
        !self.taken
    }
}

impl Line<dyn Both + Send> {
    /// Gives the line to a flight, if it stands between two messages and the server has said nothing unasked.
    pub(super) fn take(&mut self) -> bool {
        if self.taken || !self.unasked.is_empty() || !matches!(self.place, Place::Header { seen: 0, .. }) {
            return false;
        }
        let mut bytes = [0; LOOK_BYTES];
        let mut buf = ReadBuf::new(&mut bytes);
        // Nobody is to be woken: who takes the line reads it again, and who does not lets the driver do so.
        if self.read(&mut Context::from_waker(Waker::noop()), &mut buf).is_ready() {
            self.unasked.extend_from_slice(buf.filled());
            return false;
        }
        self.taken = true;
        true
    }

    /// Gives the line back to the driver, with what was read too much.
    pub(super) fn give(&mut self, rest: &[u8]) {
        self.taken = false;
        self.unasked.extend_from_slice(rest);
        if let Some(driver) = self.driver.take() {
            driver.wake();
        }
    }

    /// Reads for a flight; false at the end of the stream.
    pub(super) fn poll_more(&mut self, cx: &mut Context<'_>, into: &mut BytesMut) -> Poll<io::Result<bool>> {
        let mut bytes = [0; 8 * 1024];
        let mut buf = ReadBuf::new(&mut bytes);
        ready!(self.read(cx, &mut buf))?;
        into.extend_from_slice(buf.filled());
        Poll::Ready(Ok(!buf.filled().is_empty()))
    }

    /// Writes for a flight, until all of `out` is on its way.
    pub(super) fn poll_send(&mut self, cx: &mut Context<'_>, out: &mut BytesMut) -> Poll<io::Result<()>> {
        while !out.is_empty() {
            let mut stream = Pin::new(&mut self.stream);
            match ready!(stream.as_mut().poll_write(cx, out))? {
                0 => return Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
                count => out.advance(count),
            }
        }
        Pin::new(&mut self.stream).poll_flush(cx)
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Bounded<S> {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let mut line = self.lock();
        if !line.is_free(cx) {
            return Poll::Pending;
        }
        if line.unasked.is_empty() {
            return line.read(cx, buf);
        }
        let count = line.unasked.len().min(buf.remaining());
        buf.put_slice(&line.unasked.split_to(count));
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncWrite for Bounded<S> {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let mut line = self.lock();
        if line.is_free(cx) { Pin::new(&mut line.stream).poll_write(cx, bytes) } else { Poll::Pending }
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let mut line = self.lock();
        if line.is_free(cx) { Pin::new(&mut line.stream).poll_flush(cx) } else { Poll::Pending }
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let mut line = self.lock();
        if line.is_free(cx) { Pin::new(&mut line.stream).poll_shutdown(cx) } else { Poll::Pending }
    }
}

impl<S: TlsStream + Unpin> TlsStream for Bounded<S> {
    fn channel_binding(&self) -> ChannelBinding {
        self.lock().stream.channel_binding()
    }
}

#[cfg(test)]
mod tests {
    use super::{Place, SERVER_MESSAGE_BYTES_MAX, START};

    fn message(length: u32) -> Vec<u8> {
        let mut bytes = vec![b'D'];
        bytes.extend(length.to_be_bytes());
        bytes
    }

    #[test]
    fn messages_are_followed_in_any_pieces() {
        let mut stream = message(9);
        stream.extend(b"hello");
        stream.extend(message(4));
        stream.extend(message(SERVER_MESSAGE_BYTES_MAX + 5));
        for size in 1..stream.len() {
            let mut place = START;
            let mut fits = stream.chunks(size).map(|chunk| place.advance(chunk));
            assert!(!fits.all(|fits| fits), "{size}");
        }
        let mut place = START;
        assert!(place.advance(&stream[..stream.len() - 1]));
    }

    #[test]
    fn tls_is_not_looked_into() {
        let mut place = Place::Answer;
        assert!(place.advance(b"S\xff\xff\xff\xff\xff\xff\xff\xff"));
        let mut place = Place::Answer;
        assert!(!place.advance(b"ND\xff\xff\xff\xff"));
    }
}
