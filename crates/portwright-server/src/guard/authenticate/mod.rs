//! Who calls: the credential becomes a principal.
//!
//! A credential is judged where it comes in, before a session or a call is looked for, so that a session belongs to the
//! one who proved to be somebody. Whoever shows a credential that does not hold is nobody, not anonymous.

pub mod key;
pub mod keys;

use std::path::Path;
use std::sync::Arc;

use portwright_core::Principal;

pub use keys::{KeyFileError, Keys};

/// Judges credentials.
#[derive(Debug)]
pub struct Authenticate {
    keys: Option<Keys>,
}

/// A credential that does not hold. Why is for the log: the caller learns no more than that.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BadCredential {
    #[error("it is no credential that is known here")]
    Unknown,
    #[error("the key has expired")]
    Expired,
    #[error("the key was revoked")]
    Revoked,
}

impl Authenticate {
    /// With the keys of this file, if there are any.
    pub fn open(keys: Option<&Path>) -> Result<Self, KeyFileError> {
        Ok(Self { keys: keys.map(Keys::open).transpose()? })
    }

    /// Whether any credential can hold.
    pub fn is_possible(&self) -> bool {
        self.keys.is_some()
    }

    /// Who the bearer of a token is.
    pub fn bearer(&self, token: &str) -> Result<Arc<Principal>, BadCredential> {
        match &self.keys {
            Some(keys) => keys.judge(token),
            None => Err(BadCredential::Unknown),
        }
    }
}
