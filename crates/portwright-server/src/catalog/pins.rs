//! What another server's definitions were like when they were listed first. It outlives reloads of the configuration, and
//! is forgotten with the source: when its own table changes, or is taken out.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use portwright_core::limits;
use serde::Serialize;
use sha2::{Digest, Sha256};

/// The pins of one source: hashes of definitions as they came first, by kind and name.
#[derive(Debug, Default)]
pub(crate) struct Pins(Mutex<HashMap<(&'static str, String), [u8; 32]>>);

impl Pins {
    /// Whether a definition, as it came, is another than the one that was listed first under its name. One that can't be
    /// remembered can't be told from one that changed.
    pub(super) fn differs(&self, kind: &'static str, name: &str, definition: &impl Serialize) -> bool {
        let Ok(canonical) = serde_json_canonicalizer::to_vec(definition) else { return true };
        let hash: [u8; 32] = Sha256::digest(&canonical).into();
        let mut pins = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let key = (kind, name.to_owned());
        match pins.get(&key) {
            Some(first) => *first != hash,
            None if pins.len() >= limits::DEFINITIONS_PINNED_MAX => true,
            None => {
                pins.insert(key, hash);
                false
            }
        }
    }
}
