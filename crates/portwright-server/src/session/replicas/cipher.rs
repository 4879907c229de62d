//! What replicas tell each other, so that the store that carries it neither reads nor changes it: AES-256-GCM under a key
//! made of the secret that they share. What is said about one thing does not open for another.

use std::fmt;

use aws_lc_rs::aead::{AES_256_GCM, Aad, RandomizedNonceKey};
use hmac::{Hmac, KeyInit, Mac};
use portwright_core::Secret;
use sha2::Sha256;

/// A key for one purpose, made of a secret: HMAC-SHA256 over the purpose's name.
pub(in crate::session) fn key(secret: &Secret, purpose: &str) -> Option<[u8; 32]> {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.expose().as_bytes()).ok()?;
    mac.update(purpose.as_bytes());
    Some(mac.finalize().into_bytes().into())
}

const NONCE_BYTES: usize = 12;

pub(super) struct Cipher(RandomizedNonceKey);

impl fmt::Debug for Cipher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Cipher").finish_non_exhaustive()
    }
}

impl Cipher {
    /// None, if the system can't do it.
    pub(super) fn new(secret: &Secret) -> Option<Self> {
        let key = key(secret, "portwright between replicas")?;
        RandomizedNonceKey::new(&AES_256_GCM, &key).ok().map(Self)
    }

    /// What says `plain` about `about`.
    pub(super) fn close(&self, about: &str, mut plain: Vec<u8>) -> Option<Vec<u8>> {
        let nonce = self.0.seal_in_place_append_tag(Aad::from(about), &mut plain).ok()?;
        let mut closed = nonce.as_ref().to_vec();
        closed.append(&mut plain);
        Some(closed)
    }

    /// What was said about `about`, if somebody who shares the secret said it.
    pub(super) fn open(&self, about: &str, closed: &[u8]) -> Option<Vec<u8>> {
        let (nonce, said) = closed.split_first_chunk::<NONCE_BYTES>()?;
        let mut said = said.to_vec();
        let length = self.0.open_in_place(nonce.into(), Aad::from(about), &mut said).ok()?.len();
        said.truncate(length);
        Some(said)
    }
}

#[cfg(test)]
mod tests {
    use portwright_core::Secret;

    use super::Cipher;

    #[test]
    fn who_does_not_know_the_secret_neither_reads_nor_says() {
        let ours = Cipher::new(&Secret::new("a".repeat(32))).expect("a key");
        let theirs = Cipher::new(&Secret::new("b".repeat(32))).expect("a key");
        let closed = ours.close("this", b"who am I".to_vec()).expect("closed");
        assert_eq!(ours.open("this", &closed).as_deref(), Some(&b"who am I"[..]));
        assert_eq!(theirs.open("this", &closed), None);
        assert_eq!(ours.open("that", &closed), None);
        assert!(!closed.windows(3).any(|three| three == b"who"));
        for at in 0..closed.len() {
            let mut changed = closed.clone();
            changed[at] ^= 1;
            assert_eq!(ours.open("this", &changed), None, "{at}");
        }
        assert_eq!(ours.open("this", &closed[..5]), None);
        assert_ne!(ours.close("this", b"who am I".to_vec()), Some(closed), "each time another nonce");
    }
}
