//! The resources that a client wants to be told about when they change, bounded in number and size.

use std::collections::HashSet;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use portwright_core::limits;

use super::errors::WireError;

/// URIs that are watched.
#[derive(Default)]
pub(crate) struct Watched {
    uris: Mutex<HashSet<Arc<str>>>,
    /// Who else is told of what the client adds (true) or takes away.
    told: OnceLock<Tell>,
}

type Tell = Box<dyn Fn(&str, bool) + Send + Sync>;

impl fmt::Debug for Watched {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Watched").field("uris", &self.uris).finish_non_exhaustive()
    }
}

impl Watched {
    fn uris(&self) -> MutexGuard<'_, HashSet<Arc<str>>> {
        self.uris.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether there is room for one more.
    pub(crate) fn room_for(&self, uri: &str) -> Result<(), WireError> {
        let uris = self.uris();
        let bytes: usize = uris.iter().map(|uri| uri.len()).sum();
        let full = uris.len() >= limits::WATCHED_MAX || bytes + uri.len() > limits::WATCHED_BYTES_MAX;
        if full && !uris.contains(uri) {
            let words = format!("a client may watch {} resources; unsubscribe from some first", limits::WATCHED_MAX);
            return Err(WireError::invalid_request(words));
        }
        Ok(())
    }

    /// Has somebody told of each change that the client makes.
    pub(super) fn tell(&self, tell: impl Fn(&str, bool) + Send + Sync + 'static) {
        let _ = self.told.set(Box::new(tell));
    }

    /// The client watches it.
    pub(crate) fn add(&self, uri: &str) -> Result<(), WireError> {
        self.take(uri)?;
        self.told.get().inspect(|tell| tell(uri, true));
        Ok(())
    }

    /// The client watches it no more.
    pub(crate) fn remove(&self, uri: &str) {
        self.leave(uri);
        self.told.get().inspect(|tell| tell(uri, false));
    }

    /// Adds one, and tells nobody.
    pub(super) fn take(&self, uri: &str) -> Result<(), WireError> {
        self.room_for(uri)?;
        self.uris().insert(uri.into());
        Ok(())
    }

    /// Takes one away, and tells nobody.
    pub(super) fn leave(&self, uri: &str) {
        self.uris().remove(uri);
    }

    pub(crate) fn contains(&self, uri: &str) -> bool {
        self.uris().contains(uri)
    }

    /// All of them, in order.
    pub(crate) fn all(&self) -> Vec<Arc<str>> {
        let mut all: Vec<_> = self.uris().iter().cloned().collect();
        all.sort();
        all
    }
}

#[cfg(test)]
mod tests {
    use portwright_core::limits;

    use super::Watched;

    #[test]
    fn only_so_much_is_watched() {
        let watched = Watched::default();
        for number in 0..limits::WATCHED_MAX {
            watched.add(&format!("x://{number}")).expect("room");
        }
        assert!(watched.add("x://one-more").is_err());
        watched.add("x://0").expect("it is watched already");
        watched.remove("x://0");
        watched.add("x://one-more").expect("room again");
        assert!(watched.contains("x://one-more") && !watched.contains("x://0"));
        let long = Watched::default();
        assert!(long.add(&"x".repeat(limits::WATCHED_BYTES_MAX + 1)).is_err());
    }
}
