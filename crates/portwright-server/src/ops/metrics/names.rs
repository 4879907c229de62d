//! [`Names`]: what is counted by name. The first so many names have numbers of their own; the rest share one.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

use arc_swap::ArcSwap;

/// What those beyond the bound, and those that nothing is known by, are called.
pub(crate) const OTHER: &str = "other";

/// Numbers by name. A name that was seen before is found without a lock.
pub(super) struct Names<T> {
    known: ArcSwap<HashMap<Arc<str>, Arc<T>>>,
    other: Arc<T>,
    max: usize,
}

impl<T> fmt::Debug for Names<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Names").field("known", &self.known.load().len()).finish_non_exhaustive()
    }
}

impl<T> Names<T> {
    pub(super) fn new(max: usize, other: T) -> Self {
        Self { known: ArcSwap::default(), other: Arc::new(other), max }
    }

    /// What is counted of those that share one name.
    pub(super) fn other(&self) -> Arc<T> {
        self.other.clone()
    }

    /// What is counted by this name.
    pub(super) fn get(&self, name: &str, make: impl Fn(&Arc<str>) -> T) -> Arc<T> {
        let known = self.known.load();
        if let Some(found) = known.get(name) {
            return found.clone();
        }
        if known.len() >= self.max {
            return self.other();
        }
        // Two who come at once must end up with the same numbers, so what was put there first stays.
        let (key, made) = {
            let key: Arc<str> = name.into();
            let made = Arc::new(make(&key));
            (key, made)
        };
        self.known.rcu(|known| {
            let mut known = HashMap::clone(known);
            if known.len() < self.max {
                known.entry(key.clone()).or_insert_with(|| made.clone());
            }
            known
        });
        self.known.load().get(name).cloned().unwrap_or_else(|| self.other())
    }

    /// Everything that is counted, sorted by name, the shared one last.
    pub(super) fn all(&self) -> Vec<Arc<T>> {
        let known = self.known.load();
        let mut all: Vec<_> = known.iter().collect();
        all.sort_by(|left, right| left.0.cmp(right.0));
        all.into_iter().map(|(_, counted)| counted.clone()).chain([self.other()]).collect()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicU64, Ordering};

    use super::Names;

    #[test]
    fn the_first_names_have_numbers_of_their_own_and_the_rest_shares_one() {
        let names = Names::new(2, AtomicU64::new(0));
        for name in ["a", "b", "c", "a", "d"] {
            names.get(name, |_| AtomicU64::new(0)).fetch_add(1, Ordering::Relaxed);
        }
        let counted: Vec<_> = names.all().iter().map(|count| count.load(Ordering::Relaxed)).collect();
        assert_eq!(counted, [2, 1, 2]);
    }

    #[test]
    fn nothing_is_lost_where_many_come_at_once() {
        let names = Arc::new(Names::new(8, AtomicU64::new(0)));
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    for turn in 0..1000 {
                        let name = ["a", "b", "c", "d", "e"][turn % 5];
                        names.get(name, |_| AtomicU64::new(0)).fetch_add(1, Ordering::Relaxed);
                    }
                });
            }
        });
        let sum: u64 = names.all().iter().map(|count| count.load(Ordering::Relaxed)).sum();
        assert_eq!(sum, 4000);
    }
}
