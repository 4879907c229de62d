//! Answers that are kept for a while, so that equal searches cost one request.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use portwright_core::limits;
use serde_json::Value;

/// Bounded in entries, bytes and time. The oldest goes first.
#[derive(Debug)]
pub(super) struct Cache {
    ttl: Duration,
    kept: Mutex<Kept>,
}

#[derive(Default)]
struct Kept {
    entries: HashMap<String, Entry>,
    /// Keys from the oldest to the newest, each once.
    order: VecDeque<String>,
    bytes: usize,
}

/// What people searched for is nobody's business.
impl std::fmt::Debug for Kept {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Kept").field("entries", &self.entries.len()).field("bytes", &self.bytes).finish_non_exhaustive()
    }
}

struct Entry {
    answer: Arc<Value>,
    bytes: usize,
    until: Instant,
}

impl Cache {
    /// A time of zero keeps nothing.
    pub(super) fn new(ttl: Duration) -> Self {
        Self { ttl, kept: Mutex::default() }
    }

    /// The answer that is kept under this key.
    pub(super) fn get(&self, key: &str, now: Instant) -> Option<Arc<Value>> {
        let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.entries.get(key).filter(|entry| now < entry.until).map(|entry| entry.answer.clone())
    }

    /// Keeps an answer that was so many bytes.
    pub(super) fn put(&self, key: &str, answer: &Arc<Value>, bytes: usize, now: Instant) {
        let bytes = bytes + key.len();
        if self.ttl.is_zero() || bytes > limits::SEARCH_CACHE_BYTES_MAX / 4 {
            return;
        }
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.remove(key);
        while kept.entries.len() >= limits::SEARCH_CACHE_ENTRIES_MAX
            || kept.bytes + bytes > limits::SEARCH_CACHE_BYTES_MAX
            || kept.oldest_is_over(now)
        {
            let Some(oldest) = kept.order.front().cloned() else { break };
            kept.remove(&oldest);
        }
        let entry = Entry { answer: answer.clone(), bytes, until: now + self.ttl };
        kept.bytes += bytes;
        kept.order.push_back(key.to_owned());
        kept.entries.insert(key.to_owned(), entry);
    }
}

impl Kept {
    fn remove(&mut self, key: &str) {
        if let Some(entry) = self.entries.remove(key) {
            self.bytes -= entry.bytes;
            self.order.retain(|one| one != key);
        }
    }

    fn oldest_is_over(&self, now: Instant) -> bool {
        let oldest = self.order.front().and_then(|key| self.entries.get(key));
        oldest.is_some_and(|entry| entry.until <= now)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_kept_is_bounded_in_time_number_and_bytes() {
        let now = Instant::now();
        let answer = Arc::new(Value::from(1));
        let cache = Cache::new(Duration::from_mins(1));
        cache.put("a", &answer, 10, now);
        assert_eq!(cache.get("a", now + Duration::from_secs(59)), Some(answer.clone()));
        assert_eq!(cache.get("a", now + Duration::from_mins(1)), None);
        assert_eq!(cache.get("b", now), None);
        for number in 0..limits::SEARCH_CACHE_ENTRIES_MAX * 2 {
            cache.put(&number.to_string(), &answer, 10, now);
            cache.put(&number.to_string(), &answer, 20, now);
        }
        assert_eq!(cache.get("0", now), None);
        assert!(cache.get(&(limits::SEARCH_CACHE_ENTRIES_MAX * 2 - 1).to_string(), now).is_some());
        let kept = cache.kept.lock().expect("a lock");
        assert_eq!((kept.entries.len(), kept.order.len()), (limits::SEARCH_CACHE_ENTRIES_MAX, kept.entries.len()));
        drop(kept);
        for number in 0..20 {
            cache.put(&format!("big{number}"), &answer, limits::SEARCH_CACHE_BYTES_MAX / 5, now);
        }
        cache.put("too big", &answer, limits::SEARCH_CACHE_BYTES_MAX, now);
        assert_eq!(cache.get("too big", now), None);
        let kept = cache.kept.lock().expect("a lock");
        assert!(kept.bytes <= limits::SEARCH_CACHE_BYTES_MAX && kept.entries.len() == 4, "{kept:?}");
        assert_eq!(kept.bytes, kept.entries.values().map(|entry| entry.bytes).sum::<usize>());
    }

    #[test]
    fn a_time_of_zero_keeps_nothing() {
        let cache = Cache::new(Duration::ZERO);
        cache.put("a", &Arc::new(Value::Null), 1, Instant::now());
        assert_eq!(cache.get("a", Instant::now()), None);
    }
}
