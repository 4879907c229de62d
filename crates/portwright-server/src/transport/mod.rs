//! Transports: bytes to messages and back, nothing else.

mod conversation;
pub(crate) mod http;
mod sse;
pub(crate) mod stdio;
mod tls;
mod websocket;

pub use tls::{ClientRoles, Pair, TlsError};

/// Why a transport ended.
#[derive(Debug, thiserror::Error)]
pub enum TransportError {
    #[error("the connection broke")]
    Io(#[from] std::io::Error),
    #[error("nobody may call here: the listener is beyond loopback, and calls without a credential are not allowed")]
    NobodyMayCall,
    #[error("standard output carries the protocol here, and an audit sink writes to it")]
    OutputTaken,
    #[error("the listener can't speak TLS")]
    Tls(#[from] TlsError),
}
