//! Answers with their tags, so that what did not change need not come again.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

use portwright_core::{Fetched, limits};

/// The answers of late, the oldest first.
#[derive(Debug, Default)]
pub(super) struct Kept(Mutex<Answers>);

#[derive(Debug, Default)]
struct Answers {
    all: VecDeque<(String, Arc<Fetched>)>,
    bytes: usize,
}

impl Kept {
    pub(super) fn recall(&self, key: &str) -> Option<Arc<Fetched>> {
        let kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        kept.all.iter().find(|(known, _)| known == key).map(|(_, answer)| answer.clone())
    }

    pub(super) fn keep(&self, key: String, answer: &Fetched) {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(at) = kept.all.iter().position(|(known, _)| *known == key) {
            let gone = kept.all.remove(at).map_or(0, |(key, answer)| key.len() + answer.body.len());
            kept.bytes -= gone;
        }
        kept.bytes += key.len() + answer.body.len();
        kept.all.push_back((key, Arc::new(answer.clone())));
        while kept.all.len() > limits::API_CACHE_ENTRIES_MAX || kept.bytes > limits::API_CACHE_BYTES_MAX {
            let Some((key, answer)) = kept.all.pop_front() else { break };
            kept.bytes -= key.len() + answer.body.len();
        }
    }
}
