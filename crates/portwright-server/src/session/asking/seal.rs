//! Seals what a client carries for us: it may read it, but what it changes is noticed.
//!
//! HMAC-SHA256 (RFC 2104) under a key of this process, or of all replicas that share a secret. What was sealed under another
//! key, or for another caller or call, does not open.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

/// The key.
pub(crate) struct Seal {
    mac: Hmac<Sha256>,
}

impl fmt::Debug for Seal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Seal").finish_non_exhaustive()
    }
}

impl Seal {
    /// A new key.
    pub(crate) fn new() -> Result<Self, getrandom::Error> {
        // As long as a block of the hash.
        let mut key = [0u8; 64];
        getrandom::fill(&mut key)?;
        Ok(Self { mac: Hmac::<Sha256>::new(&key.into()) })
    }

    /// The key of those who share a secret.
    pub(crate) fn of(key: [u8; 32]) -> Self {
        let mut block = [0u8; 64];
        block[..key.len()].copy_from_slice(&key);
        Self { mac: Hmac::<Sha256>::new(&block.into()) }
    }

    fn mac(&self, about: &[u8; 32], content: &str) -> Hmac<Sha256> {
        // The first part has a fixed length, so the two can't be taken for others.
        let mut mac = self.mac.clone();
        mac.update(about);
        mac.update(content.as_bytes());
        mac
    }

    /// Seals bytes that belong to `about`.
    pub(super) fn close(&self, about: &[u8; 32], bytes: &[u8]) -> String {
        let mut text = URL_SAFE_NO_PAD.encode(bytes);
        let mac = self.mac(about, &text).finalize().into_bytes();
        text.push('.');
        URL_SAFE_NO_PAD.encode_string(mac, &mut text);
        text
    }

    /// What was sealed, if it was sealed by this key for `about` and is whole.
    pub(super) fn open(&self, about: &[u8; 32], text: &str) -> Option<Vec<u8>> {
        let (content, mac) = text.split_once('.')?;
        let mac = URL_SAFE_NO_PAD.decode(mac).ok()?;
        self.mac(about, content).verify_slice(&mac).ok()?;
        URL_SAFE_NO_PAD.decode(content).ok()
    }
}
