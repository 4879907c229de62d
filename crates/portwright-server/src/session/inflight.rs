//! The calls that one conversation has in flight, by request id.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use portwright_core::limits;
use tokio_util::sync::CancellationToken;

use super::envelope::Id;
use super::errors::WireError;

/// Calls in flight.
#[derive(Debug, Default)]
pub(crate) struct InFlight {
    calls: Mutex<HashMap<Id, CancellationToken>>,
    last_end: Mutex<Option<Instant>>,
}

/// A call in flight; dropping it ends the entry.
#[derive(Debug)]
pub(crate) struct Flight {
    calls: Arc<InFlight>,
    id: Id,
}

impl InFlight {
    fn calls(&self) -> std::sync::MutexGuard<'_, HashMap<Id, CancellationToken>> {
        self.calls.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Enters a call. An id that is in flight, or one call too many, is refused.
    pub(crate) fn begin(self: &Arc<Self>, id: &Id, cancel: CancellationToken) -> Result<Flight, WireError> {
        let mut calls = self.calls();
        if calls.len() >= limits::SESSION_CALLS_MAX {
            let text = format!("{} calls are in flight; wait for an answer", limits::SESSION_CALLS_MAX);
            return Err(WireError::invalid_request(text));
        }
        if calls.contains_key(id) {
            return Err(WireError::invalid_request("a request with this id is in flight"));
        }
        calls.insert(id.clone(), cancel);
        Ok(Flight { calls: self.clone(), id: id.clone() })
    }

    /// Cancels a call, if it is still in flight; says whether it was.
    pub(crate) fn cancel(&self, id: &Id) -> bool {
        self.calls().get(id).inspect(|token| token.cancel()).is_some()
    }

    pub(crate) fn cancel_all(&self) {
        self.calls().values().for_each(CancellationToken::cancel);
    }

    /// How long ago the last call ended, if one did.
    pub(crate) fn quiet(&self) -> Option<Duration> {
        self.last_end.lock().unwrap_or_else(PoisonError::into_inner).map(|end| end.elapsed())
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.calls().is_empty()
    }
}

impl Drop for Flight {
    fn drop(&mut self) {
        *self.calls.last_end.lock().unwrap_or_else(PoisonError::into_inner) = Some(Instant::now());
        self.calls.calls().remove(&self.id);
    }
}
