//! The way of what is exported: bounded queues that nobody waits for, one task that empties them in batches, and a receiver
//! that may be slow, away or wrong without any call noticing.

use std::borrow::Cow;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, OnceLock, PoisonError, Weak};
use std::time::{Duration, SystemTime};

use portwright_core::limits;
use tokio::sync::{Notify, mpsc, oneshot};
use tokio::time::{Instant, MissedTickBehavior, interval_at};

use super::Carrier;
use super::encode::{Json, Proto};
use super::message::{self, Attribute, Log, Span, Value};
use super::numbers;
use super::plan::{ExportPlan, Protocol, Receiver, Signal};
use super::send::{Trouble, send};
use crate::engine::Engine;
use crate::ops::metrics::Metrics;

/// Where ended spans and log records are handed in.
#[derive(Debug)]
pub(super) struct Intake {
    spans: mpsc::Sender<Span>,
    logs: mpsc::Sender<Log>,
    /// Fires when a batch is full.
    full: Notify,
    traces: bool,
    records: bool,
    /// Where drops are counted; before the server has started, nowhere.
    metrics: OnceLock<Arc<Metrics>>,
}

impl Intake {
    pub(super) fn span(&self, span: Span) {
        if self.traces {
            self.give(&self.spans, span);
        }
    }

    pub(super) fn log(&self, log: Log) {
        if self.records {
            self.give(&self.logs, log);
        }
    }

    fn give<T>(&self, queue: &mpsc::Sender<T>, item: T) {
        if queue.try_send(item).is_err() {
            self.dropped(1);
        } else if queue.max_capacity() - queue.capacity() == limits::EXPORT_BATCH_MAX {
            self.full.notify_one();
        }
    }

    fn dropped(&self, count: u64) {
        if let Some(metrics) = self.metrics.get() {
            metrics.export.dropped.fetch_add(count, Ordering::Relaxed);
        }
    }

    fn sent(&self, count: u64) {
        if let Some(metrics) = self.metrics.get() {
            metrics.export.sent.fetch_add(count, Ordering::Relaxed);
        }
    }
}

/// The exporter: made before logging starts, begun when the server runs, flushed when it has stopped.
#[derive(Debug)]
pub struct Exporter {
    plan: Arc<ExportPlan>,
    carrier: Arc<dyn Carrier>,
    pub(super) intake: Arc<Intake>,
    queues: Mutex<Option<Queues>>,
    ending: Mutex<Option<oneshot::Sender<()>>>,
    ended: Mutex<Option<oneshot::Receiver<()>>>,
}

#[derive(Debug)]
struct Queues {
    spans: mpsc::Receiver<Span>,
    logs: mpsc::Receiver<Log>,
}

impl Exporter {
    pub fn new(plan: Arc<ExportPlan>, carrier: Arc<dyn Carrier>) -> Self {
        let (spans, spans_out) = mpsc::channel(limits::EXPORT_QUEUE_MAX);
        let (logs, logs_out) = mpsc::channel(limits::EXPORT_QUEUE_MAX);
        let intake = Intake {
            spans,
            logs,
            full: Notify::new(),
            traces: plan.traces.is_some(),
            records: plan.logs.is_some(),
            metrics: OnceLock::new(),
        };
        Self {
            plan,
            carrier,
            intake: Arc::new(intake),
            queues: Mutex::new(Some(Queues { spans: spans_out, logs: logs_out })),
            ending: Mutex::default(),
            ended: Mutex::default(),
        }
    }

    /// What turns this program's spans and events into what is exported.
    pub fn layer(&self) -> super::Layer {
        super::Layer { intake: self.intake.clone() }
    }

    /// Begins to export, in the background. Needs a tokio runtime.
    pub fn begin(&self, server: &crate::Server) {
        let Some(queues) = self.queues.lock().unwrap_or_else(PoisonError::into_inner).take() else { return };
        let _ = self.intake.metrics.set(server.engine.metrics.clone());
        let (ending, end) = oneshot::channel();
        let (tell, ended) = oneshot::channel();
        *self.ending.lock().unwrap_or_else(PoisonError::into_inner) = Some(ending);
        *self.ended.lock().unwrap_or_else(PoisonError::into_inner) = Some(ended);
        let resource = self.plan.resource.iter();
        let resource = resource.map(|(key, value)| (Cow::Owned(key.clone()), Value::Text(value.clone()))).collect();
        let work = Work {
            plan: self.plan.clone(),
            carrier: self.carrier.clone(),
            intake: self.intake.clone(),
            engine: Arc::downgrade(&server.engine),
            resource,
            start: SystemTime::now(),
            spans: Waiting::new(queues.spans),
            logs: Waiting::new(queues.logs),
            well: true,
        };
        tokio::spawn(work.run(end, tell));
    }

    /// Exports what is left, within a bound.
    pub async fn flush(&self) {
        let ending = self.ending.lock().unwrap_or_else(PoisonError::into_inner).take();
        let ended = self.ended.lock().unwrap_or_else(PoisonError::into_inner).take();
        let (Some(ending), Some(ended)) = (ending, ended) else { return };
        let _ = ending.send(());
        if tokio::time::timeout(limits::EXPORT_LAST_WAIT, ended).await.is_err() {
            tracing::warn!("the OTLP receiver has not got everything in time");
        }
    }
}

/// What waits for one signal's receiver.
struct Waiting<T> {
    queue: mpsc::Receiver<T>,
    /// The batch that is under way, and how often it was tried.
    batch: Vec<T>,
    tries: u32,
}

impl<T> Waiting<T> {
    fn new(queue: mpsc::Receiver<T>) -> Self {
        Self { queue, batch: Vec::new(), tries: 0 }
    }

    /// Fills the batch with what is there.
    fn gather(&mut self) -> bool {
        while self.batch.len() < limits::EXPORT_BATCH_MAX
            && let Ok(item) = self.queue.try_recv()
        {
            self.batch.push(item);
        }
        !self.batch.is_empty()
    }
}

struct Work {
    plan: Arc<ExportPlan>,
    carrier: Arc<dyn Carrier>,
    intake: Arc<Intake>,
    engine: Weak<Engine>,
    resource: Vec<Attribute>,
    start: SystemTime,
    spans: Waiting<Span>,
    logs: Waiting<Log>,
    /// Whether the last request was taken; a change is told once.
    well: bool,
}

impl Work {
    async fn run(mut self, mut end: oneshot::Receiver<()>, tell: oneshot::Sender<()>) {
        let intake = self.intake.clone();
        let tick = |pause: Duration| {
            let mut tick = interval_at(Instant::now() + pause, pause);
            tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
            tick
        };
        let (mut pause, mut metrics) = (tick(self.plan.pause), tick(self.plan.metrics_pause));
        loop {
            tokio::select! {
                _ = &mut end => break,
                _ = pause.tick() => self.empty().await,
                () = intake.full.notified() => self.empty().await,
                _ = metrics.tick() => self.numbers().await,
            }
        }
        self.numbers().await;
        self.empty().await;
        let left = self.spans.batch.len() + self.spans.queue.len() + self.logs.batch.len() + self.logs.queue.len();
        self.intake.dropped(left as u64);
        let _ = tell.send(());
    }

    /// Sends what waits, until nothing does or the receiver is in trouble.
    async fn empty(&mut self) {
        if let Some(receiver) = self.plan.clone().traces.as_ref() {
            while self.spans.gather() {
                let body = encoded(
                    receiver,
                    || message::spans::<Proto>(&self.resource, &self.spans.batch),
                    || message::spans::<Json>(&self.resource, &self.spans.batch),
                );
                let sent = send(&*self.carrier, receiver, Signal::Traces, body).await;
                if !settle(&mut self.spans, sent, &self.intake, &mut self.well) {
                    break;
                }
            }
        }
        if let Some(receiver) = self.plan.clone().logs.as_ref() {
            while self.logs.gather() {
                let body = encoded(
                    receiver,
                    || message::logs::<Proto>(&self.resource, &self.logs.batch),
                    || message::logs::<Json>(&self.resource, &self.logs.batch),
                );
                let sent = send(&*self.carrier, receiver, Signal::Logs, body).await;
                if !settle(&mut self.logs, sent, &self.intake, &mut self.well) {
                    break;
                }
            }
        }
    }

    async fn numbers(&mut self) {
        let Some(receiver) = self.plan.metrics.clone() else { return };
        let body = {
            let Some(engine) = self.engine.upgrade() else { return };
            let engine = &engine;
            encoded(
                &receiver,
                || numbers::request::<Proto>(&self.resource, engine, self.start),
                || numbers::request::<Json>(&self.resource, engine, self.start),
            )
        };
        let sent = send(&*self.carrier, &receiver, Signal::Metrics, body).await.map(|_| ());
        told(&mut self.well, sent.err().as_ref());
    }
}

fn encoded(receiver: &Receiver, proto: impl FnOnce() -> Vec<u8>, json: impl FnOnce() -> Vec<u8>) -> Vec<u8> {
    match receiver.protocol {
        Protocol::HttpJson => json(),
        Protocol::Grpc | Protocol::HttpProtobuf => proto(),
    }
}

/// What becomes of a batch; false if the receiver is to be left alone for a while.
fn settle<T>(waiting: &mut Waiting<T>, sent: Result<u64, Trouble>, intake: &Intake, well: &mut bool) -> bool {
    /// Then a batch is given up: what comes later has the same right.
    const TRIES: u32 = 5;
    let count = waiting.batch.len() as u64;
    told(well, sent.as_ref().err());
    match sent {
        Ok(rejected) => {
            intake.sent(count.saturating_sub(rejected));
            intake.dropped(rejected.min(count));
        }
        Err(trouble) if trouble.passes && waiting.tries + 1 < TRIES => {
            waiting.tries += 1;
            return false;
        }
        Err(trouble) => {
            intake.dropped(count);
            waiting.batch.clear();
            waiting.tries = 0;
            return !trouble.passes;
        }
    }
    waiting.batch.clear();
    waiting.tries = 0;
    true
}

fn told(well: &mut bool, trouble: Option<&Trouble>) {
    match (trouble, std::mem::replace(well, trouble.is_none())) {
        (Some(trouble), true) => tracing::warn!(reason = %trouble.words, "the OTLP receiver takes nothing"),
        (None, false) => tracing::info!("the OTLP receiver takes what it gets again"),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::Ordering;
    use std::time::SystemTime;

    use portwright_core::{async_trait, limits};

    use super::{Exporter, Log};
    use crate::ops::telemetry::plan::{ExportPlan, Protocol, Receiver};
    use crate::ops::telemetry::{Carried, Carrier, Parcel};
    use crate::{Server, ServerPlan};

    /// Has an answer for everything.
    #[derive(Debug)]
    struct Says(Result<u16, &'static str>);

    #[async_trait]
    impl Carrier for Says {
        async fn post(&self, _: Parcel) -> Result<Carried, String> {
            self.0.map(|status| Carried { status, ..Carried::default() }).map_err(str::to_owned)
        }
    }

    fn exporter(answer: Result<u16, &'static str>) -> Exporter {
        let mut plan = ExportPlan::new("test");
        plan.logs = Some(Receiver {
            url: "http://127.0.0.1:1".to_owned(),
            protocol: Protocol::HttpProtobuf,
            headers: Vec::new(),
            timeout: limits::EXPORT_WAIT,
        });
        Exporter::new(Arc::new(plan), Arc::new(Says(answer)))
    }

    fn log() -> Log {
        let at = SystemTime::UNIX_EPOCH;
        Log { at, ids: None, severity: (9, "INFO"), body: "x".to_owned(), attributes: Vec::new() }
    }

    async fn after(answer: Result<u16, &'static str>, logs: usize) -> (u64, u64) {
        let server = Server::start(ServerPlan::new("test"), Vec::new()).unwrap();
        let exporter = exporter(answer);
        let export = &server.engine.metrics.export;
        exporter.intake.metrics.set(server.engine.metrics.clone()).unwrap();
        (0..logs).for_each(|_| exporter.intake.log(log()));
        exporter.begin(&server);
        exporter.flush().await;
        (export.sent.load(Ordering::Relaxed), export.dropped.load(Ordering::Relaxed))
    }

    #[tokio::test]
    async fn what_does_not_fit_or_is_not_taken_is_counted() {
        const MORE: u64 = 7;
        let all = limits::EXPORT_QUEUE_MAX as u64;
        let many = limits::EXPORT_QUEUE_MAX + 7;
        assert_eq!(after(Ok(200), many).await, (all, MORE), "the queue is bounded");
        assert_eq!(after(Ok(400), 600).await, (0, 600), "refused for good");
        assert_eq!(after(Err("away"), 600).await, (0, 600), "away until the end");
    }
}
