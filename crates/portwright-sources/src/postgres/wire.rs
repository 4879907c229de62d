//! Sockets to the server, with a bound on each message that comes from it.
//!
//! The driver reads a whole message before it hands it on, and a message may hold a gigabyte. Here the stream ends
//! before such a message is read.

use std::io;
use std::path::PathBuf;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio_postgres::tls::{ChannelBinding, MakeTlsConnect, TlsConnect, TlsStream};

/// Bytes of one message from the server: a row with all its columns.
pub(super) const SERVER_MESSAGE_BYTES_MAX: u32 = 16 * 1024 * 1024;

/// Where a server listens.
#[derive(Debug, Clone)]
pub(super) enum Endpoint {
    Tcp(std::net::SocketAddr),
    #[cfg(unix)]
    Unix(PathBuf),
}

impl Endpoint {
    pub(super) async fn open(&self) -> io::Result<Socket> {
        Ok(Socket(Arc::new(Mutex::new(match self {
            Self::Tcp(address) => {
                let socket =
                    if address.is_ipv4() { tokio::net::TcpSocket::new_v4()? } else { tokio::net::TcpSocket::new_v6()? };
                socket.set_keepalive(true)?;
                let stream = socket.connect(*address).await?;
                stream.set_nodelay(true)?;
                Either::Tcp(stream)
            }
            #[cfg(unix)]
            Self::Unix(path) => Either::Unix(tokio::net::UnixStream::connect(path).await?),
        }))))
    }
}

#[derive(Debug)]
enum Either {
    Tcp(TcpStream),
    #[cfg(unix)]
    Unix(tokio::net::UnixStream),
}

/// A connected socket. A clone is the same socket: one may be lent to TLS while the other still hears its end.
#[derive(Debug, Clone)]
pub(super) struct Socket(Arc<Mutex<Either>>);

impl Socket {
    fn with<T>(&self, act: impl FnOnce(Pin<&mut dyn Both>) -> T) -> T {
        match &mut *self.0.lock().unwrap_or_else(PoisonError::into_inner) {
            Either::Tcp(stream) => act(Pin::new(stream)),
            #[cfg(unix)]
            Either::Unix(stream) => act(Pin::new(stream)),
        }
    }
}

trait Both: AsyncRead + AsyncWrite + Unpin {}
impl<S: AsyncRead + AsyncWrite + Unpin> Both for S {}

impl AsyncRead for Socket {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        self.with(|stream| stream.poll_read(cx, buf))
    }
}

impl AsyncWrite for Socket {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.with(|stream| stream.poll_write(cx, bytes))
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.with(|stream| stream.poll_flush(cx))
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.with(|stream| stream.poll_shutdown(cx))
    }
}

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

/// A stream whose messages are bounded.
#[derive(Debug)]
pub(super) struct Bounded<S> {
    stream: S,
    place: Place,
    /// Told when a message was too long.
    exceeded: Arc<AtomicBool>,
}

impl<S> Bounded<S> {
    /// A stream on which `negotiates` says whether TLS is asked for first.
    pub(super) fn new(stream: S, negotiates: bool, exceeded: Arc<AtomicBool>) -> Self {
        Self { stream, place: if negotiates { Place::Answer } else { START }, exceeded }
    }

    /// A stream that is TLS from its first byte.
    pub(super) fn opaque(stream: S, exceeded: Arc<AtomicBool>) -> Self {
        Self { stream, place: Place::Opaque, exceeded }
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

impl<S: AsyncRead + Unpin> AsyncRead for Bounded<S> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let before = buf.filled().len();
        ready!(Pin::new(&mut self.stream).poll_read(cx, buf))?;
        if self.place.advance(&buf.filled()[before..]) {
            return Poll::Ready(Ok(()));
        }
        self.exceeded.store(true, Ordering::Relaxed);
        Poll::Ready(Err(io::Error::new(io::ErrorKind::InvalidData, "a message from the server is too long")))
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Bounded<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

impl<S: TlsStream + Unpin> TlsStream for Bounded<S> {
    fn channel_binding(&self) -> ChannelBinding {
        self.stream.channel_binding()
    }
}

/// TLS whose messages are bounded.
#[derive(Debug, Clone)]
pub(super) struct BoundedTls<T> {
    pub(super) inner: T,
    pub(super) exceeded: Arc<AtomicBool>,
}

impl<S, T: MakeTlsConnect<S>> MakeTlsConnect<S> for BoundedTls<T>
where
    T::Stream: Unpin,
    <T::TlsConnect as TlsConnect<S>>::Future: Send + 'static,
    <T::TlsConnect as TlsConnect<S>>::Stream: Unpin,
{
    type Stream = Bounded<<T::TlsConnect as TlsConnect<S>>::Stream>;
    type TlsConnect = BoundedTls<T::TlsConnect>;
    type Error = T::Error;

    fn make_tls_connect(&mut self, host: &str) -> Result<Self::TlsConnect, T::Error> {
        Ok(BoundedTls { inner: self.inner.make_tls_connect(host)?, exceeded: self.exceeded.clone() })
    }
}

type Connecting<S, E> = Pin<Box<dyn Future<Output = Result<S, E>> + Send>>;

impl<S, T: TlsConnect<S>> TlsConnect<S> for BoundedTls<T>
where
    T::Future: Send + 'static,
    T::Stream: Unpin,
{
    type Stream = Bounded<T::Stream>;
    type Error = T::Error;
    type Future = Connecting<Self::Stream, T::Error>;

    fn connect(self, stream: S) -> Self::Future {
        let connect = self.inner.connect(stream);
        Box::pin(async move { Ok(Bounded::new(connect.await?, false, self.exceeded)) })
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
