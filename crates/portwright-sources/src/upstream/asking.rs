//! Who asked: the calls that a mounted server is working on, so that what it says on the way finds its client.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use portwright_core::Downstream;
use rmcp::model::{ProgressNotificationParam, ProgressToken, RequestId};

/// Rides on a request, beside what goes over a wire.
#[derive(Clone)]
pub(super) struct Asker(pub(super) Arc<dyn Downstream>);

/// By the request's id: what its progress is told under, and to whom.
type Calls = HashMap<RequestId, (Option<ProgressToken>, Asker)>;

/// The calls at work.
#[derive(Clone, Default)]
pub(super) struct AtWork(Arc<Mutex<Calls>>);

impl AtWork {
    fn calls(&self) -> std::sync::MutexGuard<'_, Calls> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Until the guard is dropped, what belongs to this request reaches its client.
    pub(super) fn begin(&self, id: RequestId, token: Option<ProgressToken>, asker: Asker) -> Begun {
        self.calls().insert(id.clone(), (token, asker));
        Begun { id, at_work: self.clone() }
    }

    /// The client behind a request.
    pub(super) fn client_of(&self, id: &RequestId) -> Option<Arc<dyn Downstream>> {
        self.calls().get(id).map(|(_, asker)| asker.0.clone())
    }

    /// Tells the client that waits for it how far its call is.
    pub(super) fn progress(&self, told: &ProgressNotificationParam) {
        let calls = self.calls();
        let waiting = calls.values().find(|(token, _)| token.as_ref() == Some(&told.progress_token));
        let client = waiting.map(|(_, asker)| asker.0.clone());
        drop(calls);
        if let Some(client) = client {
            client.progress(told.progress, told.total, told.message.as_deref());
        }
    }
}

/// A call at work.
pub(super) struct Begun {
    id: RequestId,
    at_work: AtWork,
}

impl Drop for Begun {
    fn drop(&mut self) {
        self.at_work.calls().remove(&self.id);
    }
}
