//! The fence: no panic crosses a call. Whatever stands further in may be wrong; the server goes on.

use std::any::Any;
use std::panic::AssertUnwindSafe;

use futures::FutureExt;
use portwright_core::{Call, Context, Guard, Next, Refusal, Reply, async_trait};

use super::telemetry::Clean;

/// Turns a panic into a refusal that tells the caller nothing but the request id.
#[derive(Debug)]
pub(super) struct Fence;

/// The payload is for the log. It may hold text of a client, so it is cleaned and cut there.
#[derive(Debug, thiserror::Error)]
#[error("panic: {}", Clean(.0))]
pub(super) struct Panicked(String);

impl Panicked {
    pub(super) fn new(payload: &(dyn Any + Send)) -> Self {
        Self(words(payload))
    }
}

#[async_trait]
impl Guard for Fence {
    fn name(&self) -> &'static str {
        "fence"
    }

    async fn check(&self, call: &Call, cx: &Context, next: Next<'_>) -> Result<Reply, Refusal> {
        // Nothing that the panic may have left half-done is used again: the call and its context are done with, and
        // sources guard their own shared state against poisoning.
        match AssertUnwindSafe(next.run(call, cx)).catch_unwind().await {
            Ok(result) => result,
            Err(payload) => {
                cx.note(|trail| trail.flags.push("panicked".to_owned()));
                Err(Refusal::internal(Panicked::new(&*payload)))
            }
        }
    }
}

fn words(payload: &(dyn Any + Send)) -> String {
    payload
        .downcast_ref::<&'static str>()
        .map(|text| (*text).to_owned())
        .or_else(|| payload.downcast_ref::<String>().cloned())
        .unwrap_or_else(|| "without words".to_owned())
}
