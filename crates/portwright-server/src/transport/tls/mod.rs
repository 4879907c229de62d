//! TLS on the listener: certificates that are followed while the server runs, and clients that prove by one who they are.
//!
//! What is not TLS is told so and hung up on. A handshake has a time of its own; how many there are at once is bounded by
//! the number of connections.

mod client;
mod files;

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Instant, SystemTime};

use arc_swap::ArcSwap;
use jiff::Timestamp;
use portwright_core::{Principal, limits};
use rustls::ServerConfig;
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

pub use client::ClientRoles;
pub use files::{Pair, TlsError};

use crate::plan::TlsPlan;

/// The first byte of a handshake (RFC 8446, section 5.1).
const HANDSHAKE: u8 = 22;

/// What somebody is told who speaks plain HTTP here.
const PLAIN: &str = "HTTP/1.1 400 Bad Request\r\ncontent-type: text/plain\r\nconnection: close\r\ncontent-length: 41\r\n\r\n\
                     this port speaks TLS; call it by https://";

/// Who showed a certificate, and until when it holds.
#[derive(Debug, Clone)]
pub(super) struct Certified {
    pub(super) principal: Arc<Principal>,
    pub(super) until: Timestamp,
}

impl Certified {
    /// Whether it has not come to its end.
    pub(super) fn holds(&self) -> bool {
        Timestamp::now() < self.until
    }
}

/// The listener's own certificate, and whose it takes.
#[derive(Debug)]
pub(super) struct Tls {
    plan: TlsPlan,
    config: ArcSwap<ServerConfig>,
    watch: Mutex<Watch>,
}

/// What the files were like when they were read last.
#[derive(Debug)]
struct Watch {
    looked: Instant,
    seen: Vec<Option<(SystemTime, u64)>>,
}

impl Tls {
    pub(super) fn open(plan: &TlsPlan) -> Result<Self, TlsError> {
        let seen = stamps(plan);
        let config = ArcSwap::from_pointee(files::config(plan)?);
        Ok(Self { plan: plan.clone(), config, watch: Mutex::new(Watch { looked: Instant::now(), seen }) })
    }

    /// Looks at the files, at most once in a while. New ones that don't fit leave those that were read.
    fn follow(&self) {
        let mut watch = self.watch.lock().unwrap_or_else(PoisonError::into_inner);
        if watch.looked.elapsed() < limits::CERTIFICATE_LOOK_EVERY {
            return;
        }
        watch.looked = Instant::now();
        let seen = stamps(&self.plan);
        if seen == watch.seen {
            return;
        }
        watch.seen = seen;
        match files::config(&self.plan) {
            Ok(config) => {
                self.config.store(Arc::new(config));
                tracing::info!(file = %self.plan.cert.display(), "certificate read again");
            }
            Err(error) => {
                let error: &dyn std::error::Error = &error;
                tracing::error!(error, "the new certificate can't be used; the old one stays");
            }
        }
    }

    /// Whether what comes first is a handshake; hangs up on what is not, with a word. Its caller bounds the wait.
    pub(super) async fn greets(&self, stream: &mut TcpStream) -> bool {
        let mut first = [0];
        match (stream.peek(&mut first).await, first) {
            (Ok(1), [HANDSHAKE]) => true,
            (Ok(1), [byte]) if byte.is_ascii_alphabetic() => {
                let _ = stream.write_all(PLAIN.as_bytes()).await;
                let _ = stream.shutdown().await;
                false
            }
            _ => false,
        }
    }

    /// Shakes hands; its caller bounds the wait. None where it comes to nothing: what the peer did wrong is its own business.
    pub(super) async fn accept<S>(&self, stream: S) -> Option<(TlsStream<S>, Option<Certified>)>
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        self.follow();
        let acceptor = TlsAcceptor::from(self.config.load_full());
        let stream = match acceptor.accept(stream).await {
            Ok(stream) => stream,
            Err(error) => {
                tracing::debug!(%error, "no handshake");
                return None;
            }
        };
        let shown = stream.get_ref().1.peer_certificates().and_then(<[_]>::first);
        match shown.map(|certificate| client::certified(certificate, &self.plan.clients)) {
            None => Some((stream, None)),
            Some(Some(certified)) => Some((stream, Some(certified))),
            // It passed the verifier and says nothing that could be a name.
            Some(None) => None,
        }
    }
}

fn stamps(plan: &TlsPlan) -> Vec<Option<(SystemTime, u64)>> {
    let stamp = |path: &Path| {
        let about = std::fs::metadata(path).ok()?;
        Some((about.modified().ok()?, about.len()))
    };
    let all: [Option<&PathBuf>; 4] = [Some(&plan.cert), Some(&plan.key), plan.client_ca.as_ref(), plan.crl.as_ref()];
    all.into_iter().flatten().map(|path| stamp(path)).collect()
}
