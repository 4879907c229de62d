//! The messages of a conversation, for somebody who wants to see them.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

use rmcp::service::{RoleClient, RxJsonRpcMessage, TxJsonRpcMessage};
use rmcp::transport::Transport;
use serde::Serialize;

/// Messages that are kept; older ones are forgotten.
const KEPT_MAX: usize = 500;

/// Bytes of a message that are kept.
const BYTES_MAX: usize = 16 * 1024;

/// Which way a message went.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Way {
    Sent,
    Received,
}

type Kept = Arc<Mutex<VecDeque<(Way, String)>>>;

/// What went by, if anybody listens.
#[derive(Debug, Clone, Default)]
pub(crate) struct Tap(Option<Kept>);

impl Tap {
    pub(crate) fn listening() -> Self {
        Self(Some(Arc::default()))
    }

    /// What is kept, the oldest first.
    pub(crate) fn seen(&self) -> Vec<(Way, String)> {
        let kept = self.0.as_ref().map(|kept| kept.lock().unwrap_or_else(PoisonError::into_inner));
        kept.map(|kept| kept.iter().cloned().collect()).unwrap_or_default()
    }

    fn note(&self, way: Way, message: &impl Serialize) {
        let Some(kept) = &self.0 else { return };
        let mut text = serde_json::to_string(message).unwrap_or_default();
        if text.len() > BYTES_MAX {
            text.truncate(text.floor_char_boundary(BYTES_MAX));
            text.push('…');
        }
        let mut kept = kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.push_back((way, text));
        if kept.len() > KEPT_MAX {
            kept.pop_front();
        }
    }
}

/// A transport whose messages are seen.
pub(super) struct Tapped<T> {
    pub(super) inner: T,
    pub(super) tap: Tap,
}

impl<T: Transport<RoleClient>> Transport<RoleClient> for Tapped<T> {
    type Error = T::Error;

    fn send(
        &mut self,
        item: TxJsonRpcMessage<RoleClient>,
    ) -> impl Future<Output = Result<(), Self::Error>> + Send + 'static {
        self.tap.note(Way::Sent, &item);
        self.inner.send(item)
    }

    async fn receive(&mut self) -> Option<RxJsonRpcMessage<RoleClient>> {
        let message = self.inner.receive().await;
        if let Some(message) = &message {
            self.tap.note(Way::Received, message);
        }
        message
    }

    async fn close(&mut self) -> Result<(), Self::Error> {
        self.inner.close().await
    }
}
