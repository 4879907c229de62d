//! [`Flights`]: which calls run now. A bounded number of places; a call that finds none is only counted.

use std::sync::atomic::{AtomicI64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use portwright_core::{Principal, limits};

/// A call under way.
#[derive(Debug, Clone)]
pub(super) struct Flying {
    pub(super) request: Arc<str>,
    pub(super) method: &'static str,
    pub(super) name: Arc<str>,
    pub(super) principal: Option<Arc<Principal>>,
    pub(super) since: Instant,
}

/// Calls under way.
#[derive(Debug)]
pub(super) struct Flights {
    places: Box<[Mutex<Option<Flying>>]>,
    next: AtomicUsize,
    count: AtomicI64,
}

/// A call's place; none where all near ones are taken.
#[derive(Debug, Clone, Copy)]
pub(super) struct Place(Option<usize>);

impl Default for Flights {
    fn default() -> Self {
        Self {
            places: (0..limits::METRICS_FLIGHTS_MAX).map(|_| Mutex::default()).collect(),
            next: AtomicUsize::default(),
            count: AtomicI64::default(),
        }
    }
}

impl Flights {
    /// Each place has a lock of its own that nobody waits for: one that is held, or taken, is passed by.
    pub(super) fn enter(&self, flying: Flying) -> Place {
        const TRIES: usize = 8;
        self.count.fetch_add(1, Ordering::Relaxed);
        for _ in 0..TRIES {
            let at = self.next.fetch_add(1, Ordering::Relaxed) % self.places.len();
            if let Ok(mut place) = self.places[at].try_lock()
                && place.is_none()
            {
                *place = Some(flying);
                return Place(Some(at));
            }
        }
        Place(None)
    }

    pub(super) fn leave(&self, place: Place) {
        self.count.fetch_sub(1, Ordering::Relaxed);
        if let Place(Some(at)) = place {
            // Held by nobody but who copies one entry for a page.
            *self.places[at].lock().unwrap_or_else(PoisonError::into_inner) = None;
        }
    }

    pub(super) fn count(&self) -> u64 {
        u64::try_from(self.count.load(Ordering::Relaxed)).unwrap_or(0)
    }

    /// Those that are told by name, the oldest first.
    pub(super) fn all(&self) -> Vec<Flying> {
        let copy = |place: &Mutex<Option<Flying>>| place.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let mut all: Vec<_> = self.places.iter().filter_map(copy).collect();
        all.sort_by_key(|flying| flying.since);
        all
    }
}
