//! The pulse of a connection: how long it has been waiting for its client, and whether that is too long.
//!
//! One timer a connection looks at all waits now and then; requests set no timers of their own.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio_rustls::server::TlsStream;

use crate::plan::Waits;

/// What is known of one connection. Times are milliseconds after its birth, plus one; zero is never.
#[derive(Debug)]
pub(super) struct Pulse {
    born: Instant,
    busy: AtomicBool,
    /// Since when nobody is being served.
    idle_since: AtomicU64,
    /// Since when bytes of a request head are coming in.
    head_since: AtomicU64,
    /// Since when the client takes no bytes.
    blocked_since: AtomicU64,
}

/// What to do about a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    Fine,
    /// It is idle: it may end in good order.
    Idle,
    /// Its client keeps us waiting.
    Stuck,
}

impl Pulse {
    pub(super) fn new() -> Arc<Self> {
        Arc::new(Self {
            born: Instant::now(),
            busy: AtomicBool::new(false),
            idle_since: AtomicU64::new(1),
            head_since: AtomicU64::new(0),
            blocked_since: AtomicU64::new(0),
        })
    }

    fn now(&self) -> u64 {
        u64::try_from(self.born.elapsed().as_millis()).unwrap_or(u64::MAX - 1) + 1
    }

    /// A request is being served as long as this is held.
    pub(super) fn serving(self: &Arc<Self>) -> Serving {
        self.busy.store(true, Ordering::Relaxed);
        self.head_since.store(0, Ordering::Relaxed);
        Serving(self.clone())
    }

    /// What came so far was a handshake, no request.
    pub(super) fn begin(&self) {
        self.head_since.store(0, Ordering::Relaxed);
        self.idle_since.store(self.now(), Ordering::Relaxed);
    }

    fn longer_than(&self, since: &AtomicU64, wait: Duration) -> bool {
        let since = since.load(Ordering::Relaxed);
        since > 0 && Duration::from_millis(self.now().saturating_sub(since)) >= wait
    }

    pub(super) fn judge(&self, waits: &Waits) -> Verdict {
        let busy = self.busy.load(Ordering::Relaxed);
        if self.longer_than(&self.blocked_since, waits.write)
            || (!busy && self.longer_than(&self.head_since, waits.head))
        {
            Verdict::Stuck
        } else if !busy && self.longer_than(&self.idle_since, waits.idle) {
            Verdict::Idle
        } else {
            Verdict::Fine
        }
    }
}

/// A request that is being served, until its response has been handed over.
#[derive(Debug)]
pub(super) struct Serving(Arc<Pulse>);

impl Drop for Serving {
    fn drop(&mut self) {
        self.0.idle_since.store(self.0.now(), Ordering::Relaxed);
        self.0.busy.store(false, Ordering::Relaxed);
    }
}

/// A stream that feels the pulse.
#[derive(Debug)]
pub(super) struct Felt {
    stream: TcpStream,
    pulse: Arc<Pulse>,
}

impl Felt {
    pub(super) fn new(stream: TcpStream, pulse: Arc<Pulse>) -> Self {
        Self { stream, pulse }
    }

    fn wrote<T>(&self, polled: Poll<T>) -> Poll<T> {
        let since = &self.pulse.blocked_since;
        if polled.is_ready() {
            since.store(0, Ordering::Relaxed);
        } else if since.load(Ordering::Relaxed) == 0 {
            since.store(self.pulse.now(), Ordering::Relaxed);
        }
        polled
    }
}

impl AsyncRead for Felt {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let before = buf.filled().len();
        let polled = Pin::new(&mut self.stream).poll_read(cx, buf);
        let pulse = &self.pulse;
        if buf.filled().len() > before
            && !pulse.busy.load(Ordering::Relaxed)
            && pulse.head_since.load(Ordering::Relaxed) == 0
        {
            pulse.head_since.store(pulse.now(), Ordering::Relaxed);
        }
        polled
    }
}

impl AsyncWrite for Felt {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        let polled = Pin::new(&mut self.stream).poll_write(cx, buf);
        self.wrote(polled)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let polled = Pin::new(&mut self.stream).poll_write_vectored(cx, bufs);
        self.wrote(polled)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

/// What a connection is read from and written to: the stream itself, or TLS over it.
#[derive(Debug)]
pub(super) enum Wire {
    Plain(Felt),
    Tls(Box<TlsStream<Felt>>),
}

impl AsyncRead for Wire {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_read(cx, buf),
            Self::Tls(stream) => Pin::new(stream).poll_read(cx, buf),
        }
    }
}

impl AsyncWrite for Wire {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_write(cx, buf),
            Self::Tls(stream) => Pin::new(stream).poll_write(cx, buf),
        }
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_write_vectored(cx, bufs),
            Self::Tls(stream) => Pin::new(stream).poll_write_vectored(cx, bufs),
        }
    }

    fn is_write_vectored(&self) -> bool {
        match self {
            Self::Plain(stream) => stream.is_write_vectored(),
            Self::Tls(stream) => stream.is_write_vectored(),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_flush(cx),
            Self::Tls(stream) => Pin::new(stream).poll_flush(cx),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_shutdown(cx),
            Self::Tls(stream) => Pin::new(stream).poll_shutdown(cx),
        }
    }
}
