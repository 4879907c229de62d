//! What is kept for a while, bounded for each owner and in all.

use std::collections::HashMap;
use std::fmt;
use std::hash::Hash;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::time::Instant;

/// Things by their key, each with its owner and its end.
pub(super) struct Kept<K, V> {
    max: usize,
    max_of_one: usize,
    entries: Mutex<HashMap<K, Entry<V>>>,
}

struct Entry<V> {
    owner: Arc<str>,
    until: Instant,
    value: V,
}

impl<K, V> fmt::Debug for Kept<K, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Kept").field("max", &self.max).finish_non_exhaustive()
    }
}

impl<K: Hash + Eq + Clone, V> Kept<K, V> {
    pub(super) fn new(max: usize, max_of_one: usize) -> Self {
        Self { max, max_of_one, entries: Mutex::default() }
    }

    fn entries(&self) -> MutexGuard<'_, HashMap<K, Entry<V>>> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Keeps it until then. An owner who has too many loses the one that ends first; false if there are too many in all.
    pub(super) fn put(&self, key: K, owner: Arc<str>, until: Instant, value: V) -> bool {
        let now = Instant::now();
        let mut entries = self.entries();
        entries.retain(|_, entry| entry.until > now);
        let own = || entries.iter().filter(|(_, entry)| entry.owner == owner);
        if own().count() >= self.max_of_one {
            let first = own().min_by_key(|(_, entry)| entry.until).map(|(key, _)| key.clone());
            first.and_then(|key| entries.remove(&key));
        }
        if entries.len() >= self.max {
            return false;
        }
        entries.insert(key, Entry { owner, until, value });
        true
    }

    /// Takes it out, if it is still worth something: the first who comes has it.
    pub(super) fn take(&self, key: &K, now: Instant) -> Option<(V, Instant)> {
        let entry = self.entries().remove(key)?;
        (entry.until > now).then_some((entry.value, entry.until))
    }

    pub(super) fn has(&self, key: &K, now: Instant) -> bool {
        self.entries().get(key).is_some_and(|entry| entry.until > now)
    }
}
