//! [`Window`]: the last hour in steps of ten seconds: how many calls, how many went wrong, how long they took.

use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use portwright_core::limits;

use super::histogram::micros;

/// Parts of each doubling of a duration: a quantile is off by a tenth at most.
const PARTS: usize = 4;

/// Up to 2^28 microseconds, four minutes and a half; what takes longer stands in the last place.
const PLACES: usize = 28 * PARTS;

/// Steps are kept a little longer than they are told, so that the next one is empty before its time comes.
const KEPT: usize = limits::METRICS_STEPS + 2;

/// The last hour.
#[derive(Debug)]
pub(super) struct Window {
    steps: Box<[Counts]>,
    /// All steps before this one are empty or filled, none is of an hour ago.
    ready: AtomicU64,
    turning: Mutex<()>,
}

#[derive(Debug)]
struct Counts {
    calls: AtomicU64,
    errors: AtomicU64,
    refusals: AtomicU64,
    took: [AtomicU32; PLACES],
}

impl Default for Counts {
    fn default() -> Self {
        Self {
            calls: AtomicU64::default(),
            errors: AtomicU64::default(),
            refusals: AtomicU64::default(),
            took: std::array::from_fn(|_| AtomicU32::default()),
        }
    }
}

/// How a call ended, as far as a graph tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Well,
    Failed,
    Refused,
}

/// One step, as it is told.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Told {
    pub(super) calls: u64,
    pub(super) errors: u64,
    pub(super) refusals: u64,
    /// The middle, 95 and 99 of a hundred.
    pub(super) quantiles: Option<[Duration; 3]>,
}

impl Default for Window {
    fn default() -> Self {
        Self {
            steps: (0..KEPT).map(|_| Counts::default()).collect(),
            ready: AtomicU64::new(2),
            turning: Mutex::default(),
        }
    }
}

/// Which step a moment belongs to, counted from the beginning.
pub(super) fn step_of(since_start: Duration) -> u64 {
    since_start.as_secs() / limits::METRICS_STEP.as_secs()
}

impl Window {
    pub(super) fn record(&self, step: u64, kind: Kind, took: Duration) {
        if step + 1 >= self.ready.load(Ordering::Acquire) {
            self.turn(step);
        }
        let counts = self.at(step);
        counts.calls.fetch_add(1, Ordering::Relaxed);
        match kind {
            Kind::Well => {}
            Kind::Failed => _ = counts.errors.fetch_add(1, Ordering::Relaxed),
            Kind::Refused => _ = counts.refusals.fetch_add(1, Ordering::Relaxed),
        }
        counts.took[place(micros(took))].fetch_add(1, Ordering::Relaxed);
    }

    fn at(&self, step: u64) -> &Counts {
        &self.steps[usize::try_from(step % KEPT as u64).unwrap_or(0)]
    }

    /// Empties the steps up to the one after `step`. Once in a step, and by one caller; the lock is not on the way of the others.
    fn turn(&self, step: u64) {
        let _turning = self.turning.lock().unwrap_or_else(PoisonError::into_inner);
        let ready = self.ready.load(Ordering::Acquire);
        let next = step + 2;
        for stale in ready.max(next.saturating_sub(KEPT as u64))..next {
            let counts = self.at(stale);
            for count in [&counts.calls, &counts.errors, &counts.refusals] {
                count.store(0, Ordering::Relaxed);
            }
            counts.took.iter().for_each(|count| count.store(0, Ordering::Relaxed));
        }
        self.ready.store(next.max(ready), Ordering::Release);
    }

    /// The steps of the last hour, oldest first, up to and with `now`; with their numbers.
    pub(super) fn read(&self, now: u64) -> Vec<(u64, Told)> {
        if now + 1 >= self.ready.load(Ordering::Acquire) {
            self.turn(now);
        }
        let first = (now + 1).saturating_sub(limits::METRICS_STEPS as u64);
        (first..=now).map(|step| (step, self.at(step).told())).collect()
    }
}

impl Counts {
    fn told(&self) -> Told {
        let took: Vec<u64> = self.took.iter().map(|count| count.load(Ordering::Relaxed).into()).collect();
        let all: u64 = took.iter().sum();
        let quantile = |percent: u64| {
            let rank = (all * percent).div_ceil(100).max(1);
            let mut seen = 0;
            let at = took.iter().position(|count| {
                seen += count;
                seen >= rank
            });
            Duration::from_micros(middle(at.unwrap_or(PLACES - 1)))
        };
        Told {
            calls: self.calls.load(Ordering::Relaxed),
            errors: self.errors.load(Ordering::Relaxed),
            refusals: self.refusals.load(Ordering::Relaxed),
            quantiles: (all > 0).then(|| [50, 95, 99].map(quantile)),
        }
    }
}

/// The place of a duration: its highest bit, and the two bits after it.
fn place(micros: u64) -> usize {
    let micros = micros.max(4);
    let high = micros.ilog2();
    let part = (micros >> (high - 2)) & 3;
    (high as usize * PARTS + usize::try_from(part).unwrap_or(0)).min(PLACES - 1)
}

/// The duration in the middle of a place, in microseconds.
fn middle(place: usize) -> u64 {
    let (high, part) = (place / PARTS, (place % PARTS) as u64);
    if high < 2 {
        return 4;
    }
    let width = 1_u64 << (high - 2);
    (4 + part) * width + width / 2
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use portwright_core::limits;
    use proptest::prelude::*;

    use super::{Kind, Window, middle, place};

    const MS: Duration = Duration::from_millis(1);

    proptest! {
        #[test]
        fn a_place_is_near_what_stands_in_it(micros in 4_u64..200_000_000) {
            let told = middle(place(micros));
            prop_assert!(told.abs_diff(micros) * 8 <= micros + 8, "{micros} is told as {told}");
        }
    }

    #[test]
    fn a_step_tells_its_calls() {
        let window = Window::default();
        for turn in 0..100 {
            let kind = if turn < 3 { Kind::Failed } else { Kind::Well };
            window.record(7, kind, if turn < 94 { MS } else { 100 * MS });
        }
        window.record(8, Kind::Refused, MS);
        let told = window.read(8);
        assert_eq!(told.len(), 9);
        let (step, seventh) = told[7];
        assert_eq!((step, seventh.calls, seventh.errors, seventh.refusals), (7, 100, 3, 0));
        let [p50, p95, p99] = seventh.quantiles.expect("calls");
        assert!(p50 < 2 * MS && p95 > 80 * MS && p99 > 80 * MS, "{p50:?} {p95:?} {p99:?}");
        assert_eq!((told[8].1.calls, told[8].1.refusals), (1, 1));
        assert!(told[0].1.quantiles.is_none());
    }

    #[test]
    fn an_hour_later_nothing_is_left() {
        let window = Window::default();
        window.record(0, Kind::Well, MS);
        window.record(5, Kind::Well, MS);
        let hour = limits::METRICS_STEPS as u64;
        let calls = |told: Vec<(u64, super::Told)>| told.iter().map(|(_, told)| told.calls).sum::<u64>();
        assert_eq!(calls(window.read(hour)), 1, "the first is an hour old");
        assert_eq!(calls(window.read(hour + 6)), 0);
        window.record(hour * 9, Kind::Well, MS);
        assert_eq!(calls(window.read(hour * 9)), 1);
        assert_eq!(window.read(hour * 9).len(), limits::METRICS_STEPS);
    }
}
