//! An API key: `pw_ID_SECRET`. The id finds its entry; the secret, 256 random bits, proves it. Only a hash is kept: since
//! the secret can't be guessed, a plain SHA-256 of it can't be turned back.

use std::fmt;

use portwright_core::Secret;
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use crate::ops::random;

/// What every key begins with.
pub(super) const PREFIX: &str = "pw_";
const ID_DIGITS: usize = 16;
const SECRET_DIGITS: usize = 64;

/// A key as its holder has it.
#[derive(Debug)]
pub struct Key {
    id: String,
    secret: Secret,
}

/// What is kept of a key's secret.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct KeyHash([u8; 32]);

impl Key {
    /// A new one.
    pub fn generate() -> Result<Self, getrandom::Error> {
        Ok(Self {
            id: random::hex::<{ ID_DIGITS / 2 }>()?,
            secret: Secret::new(random::hex::<{ SECRET_DIGITS / 2 }>()?),
        })
    }

    /// Reads a key; none if the text has not its form.
    pub fn parse(text: &str) -> Option<Self> {
        let (id, secret) = text.strip_prefix(PREFIX)?.split_once('_')?;
        let hex = |text: &str, digits: usize| {
            text.len() == digits && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
        };
        (hex(id, ID_DIGITS) && hex(secret, SECRET_DIGITS))
            .then(|| Self { id: id.to_owned(), secret: Secret::new(secret) })
    }

    /// Its public part.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// The whole of it, to show to its holder once.
    pub fn reveal(&self) -> Secret {
        Secret::new(format!("{PREFIX}{}_{}", self.id, self.secret.expose()))
    }

    pub fn hash(&self) -> KeyHash {
        KeyHash(Sha256::digest(self.secret.expose().as_bytes()).into())
    }
}

impl KeyHash {
    /// One that no key has, to compare with where there is none.
    pub(super) const NONE: Self = Self([0; 32]);

    /// In a time that does not depend on where they differ.
    pub fn is(&self, other: &Self) -> bool {
        self.0.ct_eq(&other.0).into()
    }

    /// Reads what [`Display`](fmt::Display) wrote.
    pub fn parse(text: &str) -> Option<Self> {
        let digits = text.strip_prefix("sha256:")?;
        let mut bytes = [0; 32];
        if digits.len() != 64 || !digits.is_ascii() {
            return None;
        }
        for (index, byte) in bytes.iter_mut().enumerate() {
            *byte = u8::from_str_radix(digits.get(2 * index..2 * index + 2)?, 16).ok()?;
        }
        Some(Self(bytes))
    }
}

impl fmt::Display for KeyHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("sha256:")?;
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for KeyHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("KeyHash(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::{Key, KeyHash};

    #[test]
    fn a_key_is_read_as_it_was_shown() {
        let key = Key::generate().expect("random bytes");
        let shown = key.reveal();
        let read = Key::parse(shown.expose()).expect("a key");
        assert!(read.id() == key.id() && read.hash().is(&key.hash()));
        assert!(!Key::generate().expect("random bytes").hash().is(&key.hash()));
        assert!(!format!("{key:?} {:?}", key.hash()).contains(key.secret.expose()));
        let hash = key.hash().to_string();
        assert!(KeyHash::parse(&hash).expect("a hash").is(&key.hash()));
        for odd in [&hash[..70], &format!("{hash}0"), &hash.replace("sha256", "md5"), "sha256:é"] {
            assert!(KeyHash::parse(odd).is_none(), "{odd}");
        }
        let text = shown.expose();
        for odd in [&text[3..], &text[..text.len() - 1], &format!("{text}0"), &text.to_uppercase(), "pw_", "pw__", ""] {
            assert!(Key::parse(odd).is_none(), "{odd}");
        }
    }
}
