//! Runs a call for HTTP. The answer is JSON, or a stream of events where the call speaks before it answers.
//!
//! The call has a task of its own, so that it always comes to its end and leaves its record, whoever stops listening.

use std::sync::Arc;

use axum::body::Body;
use bytes::Bytes;
use http::{Response, StatusCode};
use portwright_core::{Operation, limits};
use tokio::sync::{mpsc, oneshot};
use tokio_util::sync::{CancellationToken, DropGuard};

use super::respond::json;
use super::sse;
use crate::catalog::Catalog;
use crate::server::Engine;
use crate::session::downstream::Notifier;
use crate::session::envelope::Id;
use crate::session::inflight::Flight;
use crate::session::reply::{self, Answer};
use crate::session::{Speaker, dispatch};

/// A call to run.
pub(super) struct Call<'a> {
    pub(super) engine: &'a Arc<Engine>,
    pub(super) catalog: Arc<Catalog>,
    pub(super) operation: Operation,
    pub(super) speaker: &'a Speaker,
    pub(super) id: &'a Id,
    /// Its entry in the session, with the token that calls it off.
    pub(super) flight: Option<(Flight, CancellationToken)>,
}

/// Runs it. `speaks`: the client reads notifications, with this progress token. `tied`: a client that goes away calls
/// it off.
pub(super) async fn run(call: Call<'_>, speaks: Option<Option<Box<str>>>, tied: bool) -> Response<Body> {
    let Call { engine, catalog, operation, speaker, id, flight } = call;
    let (flight, cancel) = match flight {
        Some((flight, cancel)) => (Some(flight), cancel),
        None => (None, engine.stop.child_token()),
    };
    let (notifier, notifications) = match speaks {
        Some(token) => {
            let (sender, receiver) = mpsc::channel(limits::OUTBOX_MESSAGES_MAX);
            (Some(Notifier::new(sender, token, speaker.log_level)), Some(receiver))
        }
        None => (None, None),
    };
    let guard = tied.then(|| cancel.clone().drop_guard());
    let cx = engine.context(speaker, &catalog, cancel, notifier);
    let (done, answer) = oneshot::channel();
    let (own, id, modern) = (engine.clone(), id.clone(), speaker.modern());
    engine.calls.spawn(async move {
        let outcome = dispatch::answer(&own, &catalog, operation, &cx).await;
        drop(flight);
        let _ = done.send(reply::answer(Some(&id), outcome, modern.then_some(&own.info)));
    });
    match notifications {
        None => {
            let answer = answer.await;
            disarm(guard);
            respond(answer)
        }
        Some(notifications) => first_word(notifications, answer, guard).await,
    }
}

/// The answer as JSON if it comes first; else a stream that begins with the notification.
async fn first_word(
    mut notifications: mpsc::Receiver<Bytes>,
    mut answer: oneshot::Receiver<Answer>,
    guard: Option<DropGuard>,
) -> Response<Body> {
    let first = tokio::select! {
        biased;
        first = notifications.recv() => first,
        answer = &mut answer => {
            disarm(guard);
            return respond(answer);
        }
    };
    let (events, queue) = mpsc::channel(2);
    tokio::spawn(async move {
        let mut next = first;
        while let Some(notification) = next {
            if !hand_over(&events, sse::event(&notification)).await {
                return;
            }
            next = notifications.recv().await;
        }
        if let Ok(answer) = answer.await {
            hand_over(&events, sse::event(&answer.bytes)).await;
        }
    });
    sse::response(queue, guard)
}

/// Whether the reader took it. One that takes nothing for so long is shed.
async fn hand_over(events: &mpsc::Sender<Bytes>, event: Bytes) -> bool {
    matches!(tokio::time::timeout(limits::WRITE_WAIT, events.send(event)).await, Ok(Ok(())))
}

fn respond(answer: Result<Answer, oneshot::error::RecvError>) -> Response<Body> {
    match answer {
        Ok(answer) => json(StatusCode::from_u16(answer.status).unwrap_or(StatusCode::OK), answer.bytes),
        Err(_) => super::plain(StatusCode::INTERNAL_SERVER_ERROR, "the call ended without an answer"),
    }
}

/// The answer is there: whoever goes away now calls nothing off.
fn disarm(guard: Option<DropGuard>) {
    drop(guard.map(DropGuard::disarm));
}
