//! The queue between calls and the writer: bounded by slots, so that room for a call's outcome is there before the call
//! begins.

use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use portwright_core::limits;
use tokio::sync::oneshot;

use super::record::Record;

/// Records on their way to the writer.
#[derive(Debug, Default)]
pub(super) struct Queue {
    state: Mutex<State>,
    wake: Condvar,
    done: Condvar,
    slots_taken: AtomicUsize,
    /// Records that are queued or with the writer.
    waiting: AtomicUsize,
    /// Calls refused without a record since the last record was written.
    unrecorded: AtomicU64,
    faulty: AtomicBool,
    fault: Mutex<Option<Arc<str>>>,
    /// What hinders no record, but should be known.
    concern: Mutex<Option<&'static str>>,
}

#[derive(Debug, Default)]
struct State {
    entries: Vec<Entry>,
    /// When the call of the oldest record that the writer has taken had ended.
    oldest_taken: Option<SystemTime>,
    /// Those who wait until everything before them is written.
    flushes: Vec<oneshot::Sender<()>>,
    /// The writer waits until there are so many.
    wanted: usize,
    closed: bool,
    done: bool,
}

/// Room for one record. Given back when it is dropped.
#[derive(Debug)]
pub(super) struct Slot {
    queue: Arc<Queue>,
    /// A record took it.
    filled: bool,
}

impl Drop for Slot {
    fn drop(&mut self) {
        self.queue.slots_taken.fetch_sub(1, Ordering::Relaxed);
        if self.filled {
            self.queue.waiting.fetch_sub(1, Ordering::Relaxed);
        }
    }
}

/// A record that waits.
#[derive(Debug)]
pub(super) struct Entry {
    pub(super) record: Record,
    pub(super) waiter: Waiter,
    slot: Slot,
}

/// What the writer has taken and not yet written.
#[derive(Debug, Default)]
pub(super) struct Held {
    pub(super) entries: Vec<Entry>,
    pub(super) flushes: Vec<oneshot::Sender<()>>,
}

impl Held {
    /// Everything is written.
    pub(super) fn flushed(&mut self) {
        for flush in self.flushes.drain(..) {
            let _ = flush.send(());
        }
    }
}

/// Who waits for a record to be written.
#[derive(Debug)]
pub(super) enum Waiter {
    Nobody,
    Caller(oneshot::Sender<()>),
    /// A caller who was told that it could not be.
    Gone,
}

impl Entry {
    /// The caller, who is to be told that the record is written. One who went away has already answered without it.
    pub(super) fn into_caller(self) -> Option<oneshot::Sender<()>> {
        match self.waiter {
            Waiter::Caller(caller) => Some(caller),
            Waiter::Nobody | Waiter::Gone => None,
        }
    }

    /// Tells the caller that it is not. The record is kept: it says what happened, only later than it should.
    pub(super) fn failed(&mut self) {
        if matches!(self.waiter, Waiter::Caller(_)) {
            self.waiter = Waiter::Gone;
        }
    }

    /// Whether the caller got a refusal instead of what the record says.
    pub(super) fn withheld(&self) -> bool {
        match &self.waiter {
            Waiter::Nobody => false,
            Waiter::Caller(caller) => caller.is_closed(),
            Waiter::Gone => true,
        }
    }
}

/// Resolves when the record is written; an error means that it is not.
pub(super) type Receipt = oneshot::Receiver<()>;

impl Queue {
    /// Room for one record, if there is any.
    pub(super) fn reserve(self: &Arc<Self>) -> Option<Slot> {
        let taken = self.slots_taken.fetch_add(1, Ordering::Relaxed);
        let slot = Slot { queue: self.clone(), filled: false };
        (taken < limits::AUDIT_QUEUE_MAX).then_some(slot)
    }

    /// Queues a record that nobody waits for.
    pub(super) fn push(&self, record: Record, slot: Slot) {
        self.enqueue(Entry { record, waiter: Waiter::Nobody, slot });
    }

    /// Queues a record that the caller waits for.
    pub(super) fn submit(&self, record: Record, slot: Slot) -> Receipt {
        let (sender, receipt) = oneshot::channel();
        self.enqueue(Entry { record, waiter: Waiter::Caller(sender), slot });
        receipt
    }

    fn enqueue(&self, mut entry: Entry) {
        self.waiting.fetch_add(1, Ordering::Relaxed);
        entry.slot.filled = true;
        let mut state = self.lock();
        state.entries.push(entry);
        let count = state.entries.len();
        let awaited = count == 1 || count == state.wanted;
        drop(state);
        if awaited {
            self.wake.notify_one();
        }
    }

    /// How many records wait to be written, and how long the oldest has waited.
    pub(super) fn backlog(&self) -> (usize, Duration) {
        let waiting = self.waiting.load(Ordering::Relaxed);
        if waiting == 0 {
            return (0, Duration::ZERO);
        }
        let state = self.lock();
        let oldest = state.oldest_taken.or_else(|| state.entries.first().map(|entry| entry.record.ts));
        (waiting, oldest.and_then(|since| since.elapsed().ok()).unwrap_or_default())
    }

    /// Counts a call that was refused because there was no room for its record.
    pub(super) fn unrecorded(&self) {
        self.unrecorded.fetch_add(1, Ordering::Relaxed);
    }

    /// The calls so counted; the count starts again.
    pub(super) fn take_unrecorded(&self) -> u64 {
        self.unrecorded.swap(0, Ordering::Relaxed)
    }

    pub(super) fn give_back_unrecorded(&self, calls: u64) {
        self.unrecorded.fetch_add(calls, Ordering::Relaxed);
    }

    /// Resolves when everything queued before is written.
    pub(super) fn flush(&self) -> Receipt {
        let (sender, receipt) = oneshot::channel();
        self.lock().flushes.push(sender);
        self.wake.notify_one();
        receipt
    }

    /// Adds what waits to `held`; waits for it, or, while older records are held, for the time to try them again.
    /// False when the queue is closed and empty. Where `together` records came last time, the next so many are waited for
    /// a moment: to write them one by one would cost several times as much.
    pub(super) fn take(&self, held: &mut Held, together: usize) -> bool {
        let mut state = self.lock();
        if held.entries.is_empty() {
            state.oldest_taken = None;
            while state.entries.is_empty() && state.flushes.is_empty() && !state.closed {
                state = self.wake.wait(state).unwrap_or_else(PoisonError::into_inner);
            }
            state = self.gather(state, together);
        } else if !state.closed {
            state = self.pause(state);
        }
        held.entries.append(&mut state.entries);
        state.oldest_taken = held.entries.first().map(|entry| entry.record.ts);
        held.flushes.append(&mut state.flushes);
        !state.closed
    }

    fn gather<'a>(&'a self, mut state: MutexGuard<'a, State>, together: usize) -> MutexGuard<'a, State> {
        let more = |state: &mut State| state.entries.len() < together && state.flushes.is_empty() && !state.closed;
        if together < 2 || !more(&mut state) {
            return state;
        }
        state.wanted = together;
        let waited = self.wake.wait_timeout_while(state, limits::AUDIT_GATHER, more);
        let mut state = waited.map_or_else(|poisoned| poisoned.into_inner().0, |(state, _)| state);
        state.wanted = 0;
        state
    }

    /// New records do not end the pause: a disk that is full is not asked for each of them.
    fn pause<'a>(&'a self, state: MutexGuard<'a, State>) -> MutexGuard<'a, State> {
        self.wake
            .wait_timeout_while(state, limits::AUDIT_RETRY, |state| !state.closed)
            .map_or_else(|poisoned| poisoned.into_inner().0, |(state, _)| state)
    }

    /// Lets the writer end, and waits until it has, within a bound.
    pub(super) fn close(&self) {
        let mut state = self.lock();
        state.closed = true;
        self.wake.notify_one();
        let _ = self.done.wait_timeout_while(state, limits::AUDIT_WAIT, |state| !state.done);
    }

    /// The writer has ended.
    pub(super) fn end(&self) {
        self.lock().done = true;
        self.done.notify_all();
    }

    /// Why records can't be written, if they can't.
    pub(super) fn fault(&self) -> Option<Arc<str>> {
        if !self.faulty.load(Ordering::Acquire) {
            return None;
        }
        self.fault.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Says why records can't be written. Gives back whether that is news.
    pub(super) fn set_fault(&self, words: &str) -> bool {
        *self.fault.lock().unwrap_or_else(PoisonError::into_inner) = Some(words.into());
        !self.faulty.swap(true, Ordering::AcqRel)
    }

    /// Says that a record was written. Gives back whether that is news.
    pub(super) fn clear_fault(&self) -> bool {
        self.faulty.load(Ordering::Acquire) && self.faulty.swap(false, Ordering::AcqRel)
    }

    pub(super) fn concern(&self) -> Option<&'static str> {
        *self.concern.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn set_concern(&self, concern: Option<&'static str>) {
        *self.concern.lock().unwrap_or_else(PoisonError::into_inner) = concern;
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
