//! What a call tells its client while it runs: notifications into a bounded queue.

use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use portwright_core::LogLevel;
use serde::Serialize;
use serde_json::Value;
use serde_json::value::RawValue;
use tokio::sync::{Notify, mpsc};
use tokio_util::sync::CancellationToken;

use super::envelope::Id;
use super::reply;

/// Notifications of one call.
#[derive(Debug)]
pub(crate) struct Notifier {
    outbox: mpsc::Sender<Bytes>,
    progress_token: Option<Id>,
    log_level: Option<LogLevel>,
    last_progress: Mutex<Option<f64>>,
    /// Told that the source lets go of the connection.
    hang_up: Option<Arc<Notify>>,
    /// The call has ended: nothing more is said, whoever still holds this.
    ended: CancellationToken,
}

/// Ends a call's notifications when it is dropped, which is before the answer goes out.
#[derive(Debug)]
pub(crate) struct LastWord(CancellationToken);

impl Drop for LastWord {
    fn drop(&mut self) {
        self.0.cancel();
    }
}

impl Notifier {
    pub(crate) fn new(outbox: mpsc::Sender<Bytes>, progress_token: Option<Id>, log_level: Option<LogLevel>) -> Self {
        let (last_progress, ended) = (Mutex::new(None), CancellationToken::new());
        Self { outbox, progress_token, log_level, last_progress, hang_up: None, ended }
    }

    /// One whose connection the source may let go of.
    pub(crate) fn on_a_connection(mut self, hang_up: Arc<Notify>) -> Self {
        self.hang_up = Some(hang_up);
        self
    }

    /// Keep it as long as the call runs.
    pub(crate) fn until_dropped(&self) -> LastWord {
        LastWord(self.ended.clone())
    }

    /// Where its messages go.
    pub(crate) fn outbox(&self) -> &mpsc::Sender<Bytes> {
        &self.outbox
    }

    /// Fires when the call has ended.
    pub(crate) fn ended(&self) -> &CancellationToken {
        &self.ended
    }

    /// A client that reads too slowly misses notifications; the call goes on.
    fn send(&self, bytes: Vec<u8>) {
        if !self.ended.is_cancelled() {
            let _ = self.outbox.try_send(bytes.into());
        }
    }
}

#[derive(Serialize)]
struct Told<'a> {
    #[serde(rename = "progressToken")]
    token: &'a RawValue,
    progress: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    total: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    message: Option<&'a str>,
}

#[derive(Serialize)]
struct Log<'a> {
    level: LogLevel,
    logger: &'a str,
    data: Value,
}

impl Notifier {
    pub(super) fn progress(&self, progress: f64, total: Option<f64>, message: Option<&str>) {
        let token = self.progress_token.as_ref().and_then(|token| serde_json::from_str(token.as_json()).ok());
        let Some(token) = token else { return };
        {
            let mut last = self.last_progress.lock().unwrap_or_else(PoisonError::into_inner);
            if !progress.is_finite() || last.is_some_and(|last| progress <= last) {
                return;
            }
            *last = Some(progress);
        }
        let total = total.filter(|total| total.is_finite());
        self.send(reply::notification("notifications/progress", &Told { token, progress, total, message }));
    }

    pub(super) fn log(&self, level: LogLevel, logger: &str, data: Value) {
        if self.log_level.is_some_and(|asked| level >= asked) {
            self.send(reply::notification("notifications/message", &Log { level, logger, data }));
        }
    }

    pub(super) fn hang_up(&self) {
        if let Some(hang_up) = self.hang_up.as_ref().filter(|_| !self.ended.is_cancelled()) {
            hang_up.notify_one();
        }
    }
}
