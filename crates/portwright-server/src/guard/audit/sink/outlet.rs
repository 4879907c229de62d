//! The way to one sink: a bounded queue and a task that empties it.
//!
//! A sink that is not required never holds a call: what it has no room for is counted and stays in the file alone. A
//! required one has each record before the reply leaves; while it fails, calls are refused. Records wait for a sink
//! that fails until there is no more room. When it is back, a record in the chain says how many it did not get.

use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};

use portwright_core::limits;
use tokio::sync::{mpsc, oneshot};
use tokio::time::{sleep, timeout};

use super::super::queue::Queue;
use super::super::record::Record;
use super::{Sink, SinkError, SinkPlan, Written};

/// Tells a caller that every place has the record, when the last place lets go of it. If one says that it has it not, the
/// caller learns so at once.
#[derive(Debug)]
pub(in crate::guard::audit) struct Confirm(Mutex<Option<oneshot::Sender<()>>>);

impl Confirm {
    pub(in crate::guard::audit) fn new(caller: oneshot::Sender<()>) -> Arc<Self> {
        Arc::new(Self(Mutex::new(Some(caller))))
    }

    fn take(&self) -> Option<oneshot::Sender<()>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    fn fail(&self) {
        drop(self.take());
    }
}

impl Drop for Confirm {
    fn drop(&mut self) {
        if let Some(caller) = self.take() {
            let _ = caller.send(());
        }
    }
}

enum Item {
    Record(Pending),
    /// Answered when everything before is stored.
    Flush(oneshot::Sender<()>),
}

struct Pending {
    written: Arc<Written>,
    confirm: Option<Arc<Confirm>>,
}

impl Drop for Pending {
    /// A record that nobody stored is not confirmed, whatever ends the task.
    fn drop(&mut self) {
        if let Some(confirm) = &self.confirm {
            confirm.fail();
        }
    }
}

/// How a sink is, for those who ask.
#[derive(Debug)]
struct State {
    name: String,
    required: bool,
    faulty: AtomicBool,
    fault: Mutex<String>,
    records: AtomicUsize,
    bytes: AtomicUsize,
    /// Records that it did not get, since the chain last said so.
    unsent: AtomicU64,
}

impl State {
    fn set_fault(&self, words: String) {
        if !self.faulty.load(Ordering::Acquire) {
            tracing::error!(sink = %self.name, reason = %words, "an audit sink gets no records");
        }
        *self.fault.lock().unwrap_or_else(PoisonError::into_inner) = words;
        self.faulty.store(true, Ordering::Release);
    }

    fn clear_fault(&self) {
        if self.faulty.swap(false, Ordering::AcqRel) {
            tracing::info!(sink = %self.name, "the audit sink gets records again");
        }
    }

    fn left(&self, pending: &Pending) {
        self.records.fetch_sub(1, Ordering::Relaxed);
        self.bytes.fetch_sub(pending.written.line.len(), Ordering::Relaxed);
    }

    fn lost(&self) {
        if self.unsent.fetch_add(1, Ordering::Relaxed) == 0 {
            tracing::error!(sink = %self.name, "an audit sink misses records; they are in the file alone");
        }
    }
}

/// One sink, as guards and writer see it.
#[derive(Debug, Clone)]
pub(in crate::guard::audit) struct Outlet {
    state: Arc<State>,
    items: mpsc::UnboundedSender<Item>,
}

impl Outlet {
    /// Starts the task. Needs a tokio runtime.
    pub(in crate::guard::audit) fn open(plan: &SinkPlan, queue: &Arc<Queue>) -> Self {
        let state = Arc::new(State {
            name: plan.sink.name().to_owned(),
            required: plan.required,
            faulty: AtomicBool::new(false),
            fault: Mutex::default(),
            records: AtomicUsize::new(0),
            bytes: AtomicUsize::new(0),
            unsent: AtomicU64::new(0),
        });
        // Bounded by what `give` counts.
        let (items, waiting) = mpsc::unbounded_channel();
        let task = Task {
            sink: plan.sink.clone(),
            state: state.clone(),
            queue: Arc::downgrade(queue),
            waiting,
            held: Vec::new(),
            flushes: Vec::new(),
        };
        tokio::spawn(task.run());
        Self { state, items }
    }

    pub(in crate::guard::audit) fn is_required(&self) -> bool {
        self.state.required
    }

    /// Why it gets no records, if it does not.
    pub(in crate::guard::audit) fn fault(&self) -> Option<String> {
        let state = &self.state;
        let faulty = state.faulty.load(Ordering::Acquire);
        faulty.then(|| {
            let words = state.fault.lock().unwrap_or_else(PoisonError::into_inner);
            let unsent = state.unsent.load(Ordering::Relaxed);
            let missed = if unsent > 0 { format!(" ({unsent} records are in the file alone)") } else { String::new() };
            format!("{}: {words}{missed}", state.name)
        })
    }

    pub(in crate::guard::audit) fn is_faulty(&self) -> bool {
        self.state.faulty.load(Ordering::Acquire)
    }

    /// Hands it a record that the file has.
    pub(in crate::guard::audit) fn give(&self, written: &Arc<Written>, confirm: Option<&Arc<Confirm>>) {
        let state = &self.state;
        let confirm = confirm.filter(|_| state.required).cloned();
        let pending = Pending { written: written.clone(), confirm };
        let records = state.records.fetch_add(1, Ordering::Relaxed);
        let bytes = state.bytes.fetch_add(written.line.len(), Ordering::Relaxed);
        if records >= limits::AUDIT_SINK_RECORDS_MAX || bytes >= limits::AUDIT_SINK_BYTES_MAX {
            state.left(&pending);
            state.lost();
            return;
        }
        if state.faulty.load(Ordering::Acquire)
            && let Some(confirm) = &pending.confirm
        {
            confirm.fail();
        }
        if self.items.send(Item::Record(pending)).is_err() {
            state.set_fault("its task has ended".to_owned());
        }
    }

    /// Resolves when everything given before is stored.
    pub(in crate::guard::audit) fn flush(&self) -> oneshot::Receiver<()> {
        let (done, flushed) = oneshot::channel();
        let _ = self.items.send(Item::Flush(done));
        flushed
    }
}

struct Task {
    sink: Arc<dyn Sink>,
    state: Arc<State>,
    queue: Weak<Queue>,
    waiting: mpsc::UnboundedReceiver<Item>,
    held: Vec<Pending>,
    flushes: Vec<oneshot::Sender<()>>,
}

impl Task {
    async fn run(mut self) {
        loop {
            if self.held.is_empty() {
                for flush in self.flushes.drain(..) {
                    let _ = flush.send(());
                }
                match self.waiting.recv().await {
                    Some(item) => self.take(item),
                    None => return,
                }
            }
            self.take_waiting();
            if self.held.is_empty() {
                continue;
            }
            let count = self.batch();
            match self.store(0..count).await {
                Ok(()) => self.stored(count),
                Err(SinkError::Refused(_)) if count > 1 => {
                    if !self.one_by_one(count).await {
                        return;
                    }
                }
                Err(SinkError::Refused(words)) => self.refused(&words),
                Err(SinkError::Failed(words)) => {
                    if !self.failed(words).await {
                        return;
                    }
                }
            }
        }
    }

    fn take(&mut self, item: Item) {
        match item {
            Item::Record(pending) => self.held.push(pending),
            Item::Flush(done) => self.flushes.push(done),
        }
    }

    fn take_waiting(&mut self) {
        while let Ok(item) = self.waiting.try_recv() {
            self.take(item);
        }
    }

    /// How many of those held go at once.
    fn batch(&self) -> usize {
        let mut bytes = 0;
        let fitting = self.held.iter().take(limits::AUDIT_SINK_BATCH_MAX).take_while(|pending| {
            bytes += pending.written.line.len();
            bytes <= limits::AUDIT_SINK_BATCH_BYTES
        });
        fitting.count().max(1)
    }

    async fn store(&self, which: std::ops::Range<usize>) -> Result<(), SinkError> {
        let records: Vec<Arc<Written>> = self.held[which].iter().map(|pending| pending.written.clone()).collect();
        let stored = timeout(limits::AUDIT_SINK_WAIT, self.sink.store(&records)).await;
        stored.unwrap_or_else(|_| Err(SinkError::Failed("it does not answer".to_owned())))
    }

    fn stored(&mut self, count: usize) {
        self.state.clear_fault();
        for mut pending in self.held.drain(..count) {
            self.state.left(&pending);
            // The last place to let go tells the caller.
            drop(pending.confirm.take());
        }
        self.tell_unsent();
    }

    /// One of the records is not taken: the others are. False if the task is to end.
    async fn one_by_one(&mut self, count: usize) -> bool {
        for _ in 0..count {
            match self.store(0..1).await {
                Ok(()) => self.stored(1),
                Err(SinkError::Refused(words)) => self.refused(&words),
                Err(SinkError::Failed(words)) => return self.failed(words).await,
            }
        }
        true
    }

    fn refused(&mut self, words: &str) {
        let pending = self.held.remove(0);
        self.state.left(&pending);
        self.state.lost();
        self.state.set_fault(format!("it refuses records: {words}"));
    }

    /// Nobody waits for a sink that fails. False if the task is to end, since nothing comes any more.
    async fn failed(&mut self, words: String) -> bool {
        self.state.set_fault(words);
        self.take_waiting();
        for confirm in self.held.iter().filter_map(|pending| pending.confirm.as_ref()) {
            confirm.fail();
        }
        if self.waiting.is_closed() {
            let records = self.held.len();
            tracing::error!(sink = %self.state.name, records, "an audit sink did not get its last records");
            return false;
        }
        sleep(limits::AUDIT_SINK_RETRY).await;
        true
    }

    /// The chain says how many records this sink does not have.
    fn tell_unsent(&self) {
        let records = self.state.unsent.swap(0, Ordering::Relaxed);
        if records == 0 {
            return;
        }
        let room = self.queue.upgrade().and_then(|queue| queue.reserve().map(|slot| (queue, slot)));
        let Some((queue, slot)) = room else {
            self.state.unsent.fetch_add(records, Ordering::Relaxed);
            return;
        };
        let sink = serde_json::Value::from(self.state.name.as_str());
        let args = format!("{{\"records\":{records},\"sink\":{sink}}}");
        queue.push(Record::own("audit/unsent", "unsent", args), slot);
    }
}
