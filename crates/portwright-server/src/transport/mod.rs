//! Transports: bytes to messages and back, nothing else.

pub(crate) mod http;
pub(crate) mod stdio;

/// Why a transport ended.
#[derive(Debug, thiserror::Error)]
pub enum TransportError {
    #[error("the connection broke")]
    Io(#[from] std::io::Error),
    #[error("nobody may call here: the listener is beyond loopback, and calls without a credential are not allowed")]
    NobodyMayCall,
}
