//! Sockets to the server, and TLS over them.

use std::io;
use std::path::PathBuf;
use std::pin::Pin;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio_postgres::tls::{MakeTlsConnect, TlsConnect};

use super::line::{Bounded, SharedLine};

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

pub(super) trait Both: AsyncRead + AsyncWrite + Unpin {}
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

/// TLS whose messages are bounded.
#[derive(Debug, Clone)]
pub(super) struct BoundedTls<T> {
    pub(super) inner: T,
    pub(super) exceeded: Arc<AtomicBool>,
    /// Where the line is left that comes to be.
    pub(super) line: Arc<OnceLock<SharedLine>>,
}

impl<S, T: MakeTlsConnect<S>> MakeTlsConnect<S> for BoundedTls<T>
where
    T::Stream: Unpin + Send + 'static,
    <T::TlsConnect as TlsConnect<S>>::Future: Send + 'static,
    <T::TlsConnect as TlsConnect<S>>::Stream: Unpin + Send + 'static,
{
    type Stream = Bounded<<T::TlsConnect as TlsConnect<S>>::Stream>;
    type TlsConnect = BoundedTls<T::TlsConnect>;
    type Error = T::Error;

    fn make_tls_connect(&mut self, host: &str) -> Result<Self::TlsConnect, T::Error> {
        let inner = self.inner.make_tls_connect(host)?;
        Ok(BoundedTls { inner, exceeded: self.exceeded.clone(), line: self.line.clone() })
    }
}

type Connecting<S, E> = Pin<Box<dyn Future<Output = Result<S, E>> + Send>>;

impl<S, T: TlsConnect<S>> TlsConnect<S> for BoundedTls<T>
where
    T::Future: Send + 'static,
    T::Stream: Unpin + Send + 'static,
{
    type Stream = Bounded<T::Stream>;
    type Error = T::Error;
    type Future = Connecting<Self::Stream, T::Error>;

    fn connect(self, stream: S) -> Self::Future {
        let connect = self.inner.connect(stream);
        Box::pin(async move {
            let bounded = Bounded::new(connect.await?, false, self.exceeded);
            // Nobody else has set it: a connection has TLS once.
            let _ = self.line.set(bounded.line());
            Ok(bounded)
        })
    }
}
