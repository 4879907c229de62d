//! The way back to the client while a call runs: notifications into a bounded queue.

use std::sync::{Mutex, PoisonError};

use bytes::Bytes;
use portwright_core::protocol::{ElicitRequestParams, ElicitResult};
use portwright_core::{Downstream, LogLevel, Refusal, Silent, async_trait};
use serde_json::{Value, json};
use tokio::sync::mpsc;

use super::reply;

/// Notifications of one call.
#[derive(Debug)]
pub(crate) struct Notifier {
    outbox: mpsc::Sender<Bytes>,
    /// As the client wrote it.
    progress_token: Option<Box<str>>,
    log_level: Option<LogLevel>,
    last_progress: Mutex<Option<f64>>,
}

impl Notifier {
    pub(crate) fn new(
        outbox: mpsc::Sender<Bytes>,
        progress_token: Option<Box<str>>,
        log_level: Option<LogLevel>,
    ) -> Self {
        Self { outbox, progress_token, log_level, last_progress: Mutex::new(None) }
    }

    /// A client that reads too slowly misses notifications; the call goes on.
    fn send(&self, bytes: Vec<u8>) {
        let _ = self.outbox.try_send(bytes.into());
    }
}

#[async_trait]
impl Downstream for Notifier {
    fn progress(&self, progress: f64, total: Option<f64>, message: Option<&str>) {
        let Some(token) = &self.progress_token else { return };
        {
            let mut last = self.last_progress.lock().unwrap_or_else(PoisonError::into_inner);
            if !progress.is_finite() || last.is_some_and(|last| progress <= last) {
                return;
            }
            *last = Some(progress);
        }
        let mut params = json!({"progress": progress});
        if let Ok(token) = serde_json::from_str::<Value>(token) {
            params["progressToken"] = token;
        }
        if let Some(total) = total {
            params["total"] = total.into();
        }
        if let Some(message) = message {
            params["message"] = message.into();
        }
        self.send(reply::notification("notifications/progress", &params));
    }

    fn log(&self, level: LogLevel, logger: &str, data: Value) {
        if self.log_level.is_some_and(|asked| level >= asked) {
            let params = json!({"level": level, "logger": logger, "data": data});
            self.send(reply::notification("notifications/message", &params));
        }
    }

    async fn elicit(&self, question: ElicitRequestParams) -> Result<ElicitResult, Refusal> {
        Silent.elicit(question).await
    }
}
