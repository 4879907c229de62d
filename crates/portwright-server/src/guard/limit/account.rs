//! An account: the buckets and the places of one principal, or of all together.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Semaphore;

use super::bucket::Bucket;
use super::plan::{Lane, Rate};

/// What a bucket counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Unit {
    Calls,
    ResultBytes,
}

impl Unit {
    /// The key in the configuration.
    pub(super) const fn word(self) -> &'static str {
        match self {
            Self::Calls => "calls",
            Self::ResultBytes => "result_bytes",
        }
    }
}

/// What a bucket is. Buckets of another shape are others, so that a changed limit begins full and an unchanged one goes
/// on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Meter {
    pub(super) lane: Lane,
    pub(super) unit: Unit,
    pub(super) rate: Rate,
}

/// So many calls at the same time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Gate {
    pub(super) lane: Lane,
    pub(super) places: u32,
}

/// A limit that has no room, and when it will have.
#[derive(Debug, Clone, Copy)]
pub(super) struct Short<'a> {
    pub(super) meter: &'a Meter,
    pub(super) wait: Duration,
}

/// The state of one principal.
#[derive(Debug, Default)]
pub(super) struct Account {
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    buckets: Vec<(Arc<Meter>, Bucket)>,
    gates: Vec<(Arc<Gate>, Arc<Semaphore>)>,
    /// Calls that wait.
    waiting: usize,
    /// The latest moment that was seen: time does not run back.
    now: u64,
}

impl State {
    fn bucket(&mut self, meter: &Arc<Meter>) -> &mut Bucket {
        let known = self.buckets.iter().position(|(own, _)| Arc::ptr_eq(own, meter) || own == meter);
        let at = known.unwrap_or_else(|| {
            // Here is where what an earlier plan left behind is let go.
            let now = self.now;
            self.buckets.retain(|(_, bucket)| !bucket.is_full(now));
            self.buckets.push((meter.clone(), Bucket::default()));
            self.buckets.len() - 1
        });
        &mut self.buckets[at].1
    }

    fn at(&mut self, now: u64) -> u64 {
        self.now = self.now.max(now);
        self.now
    }
}

/// What was taken of one bucket, in which of its rounds.
pub(super) type Taken = (Arc<Meter>, u64);

impl Account {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes one call of each of these buckets, if the longest wait for one of them is no longer than `patience`: all
    /// or nothing. Tells that wait, and what was taken.
    pub(super) fn take<'a>(
        &self,
        meters: &'a [Arc<Meter>],
        patience: Duration,
        now: u64,
    ) -> Result<(Duration, Vec<Taken>), Short<'a>> {
        let mut state = self.lock();
        let now = state.at(now);
        let mut longest: Option<Short<'a>> = None;
        for meter in meters {
            let bucket = state.bucket(meter);
            let wait = match meter.unit {
                Unit::Calls => bucket.wait_for_one(meter.rate, now),
                Unit::ResultBytes => bucket.wait_for_any(meter.rate, now),
            };
            if longest.is_none_or(|short| wait > short.wait) {
                longest = Some(Short { meter, wait });
            }
        }
        let wait = match longest {
            Some(short) if short.wait > patience => return Err(short),
            Some(short) => short.wait,
            None => return Ok((Duration::ZERO, Vec::new())),
        };
        let mut taken = Vec::with_capacity(meters.len());
        for meter in meters.iter().filter(|meter| meter.unit == Unit::Calls) {
            taken.push((meter.clone(), state.bucket(meter).take(meter.rate, 1, now)));
        }
        Ok((wait, taken))
    }

    pub(super) fn give_back(&self, taken: &[Taken]) {
        let mut state = self.lock();
        for (meter, round) in taken {
            state.bucket(meter).give_back(meter.rate, 1, *round);
        }
    }

    /// Charges a result, also beyond what is there.
    pub(super) fn charge(&self, meters: &[Arc<Meter>], bytes: u64, now: u64) {
        let mut state = self.lock();
        let now = state.at(now);
        for meter in meters.iter().filter(|meter| meter.unit == Unit::ResultBytes) {
            state.bucket(meter).take(meter.rate, bytes, now);
        }
    }

    /// The places behind a gate. Waiters get them in the order they came.
    pub(super) fn places(&self, gate: &Arc<Gate>) -> Arc<Semaphore> {
        let mut state = self.lock();
        if let Some((_, places)) = state.gates.iter().find(|(own, _)| Arc::ptr_eq(own, gate) || own == gate) {
            return places.clone();
        }
        state.gates.retain(|(own, places)| places.available_permits() < own.places as usize);
        let places = Arc::new(Semaphore::new(gate.places as usize));
        state.gates.push((gate.clone(), places.clone()));
        places
    }

    /// Stands in the queue, if there is room in it.
    pub(super) fn line_up(self: &Arc<Self>, max: usize) -> Option<InLine> {
        let mut state = self.lock();
        if state.waiting >= max {
            return None;
        }
        state.waiting += 1;
        Some(InLine(self.clone()))
    }

    /// Whether nothing would be lost with it.
    pub(super) fn is_idle(&self, now: u64) -> bool {
        let mut state = self.lock();
        let now = state.at(now);
        state.waiting == 0
            && state.buckets.iter().all(|(_, bucket)| bucket.is_full(now))
            && state.gates.iter().all(|(gate, places)| places.available_permits() >= gate.places as usize)
    }

    #[cfg(test)]
    pub(super) fn waiting(&self) -> usize {
        self.lock().waiting
    }
}

/// A call that waits. It leaves the queue when this is dropped.
#[derive(Debug)]
pub(super) struct InLine(Arc<Account>);

impl Drop for InLine {
    fn drop(&mut self) {
        let mut state = self.0.lock();
        state.waiting = state.waiting.saturating_sub(1);
    }
}
