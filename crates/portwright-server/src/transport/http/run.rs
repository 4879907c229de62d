//! Runs a call for HTTP. The answer is JSON, or a stream of events where the call speaks before it answers.
//!
//! The call runs within its request, without a task of its own. If the client goes away, it moves to one, so that it
//! always comes to its end and leaves its record, whoever stops listening.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use futures::Stream;
use http::{HeaderMap, Response, StatusCode};
use portwright_core::{Operation, TraceContext, limits};
use tokio::sync::{Notify, mpsc};
use tokio::task::JoinHandle;
use tokio_util::sync::{CancellationToken, DropGuard};

use super::body::{Accept, Body};
use super::events;
use super::respond::{self, json};
use super::resume::{self, Speech};
use super::step_up;
use crate::catalog::Catalog;
use crate::engine::Engine;
use crate::session::asking::rounds::Round;
use crate::session::downstream::Notifier;
use crate::session::envelope::Id;
use crate::session::inflight::Flight;
use crate::session::legacy::Session;
use crate::session::params::Meta;
use crate::session::reply::{self, Answer};
use crate::session::{Speaker, dispatch};

/// A call to run.
pub(super) struct Call<'a> {
    pub(super) engine: &'a Arc<Engine>,
    pub(super) catalog: Arc<Catalog>,
    pub(super) operation: Operation,
    pub(super) speaker: &'a Speaker,
    pub(super) id: &'a Id,
    pub(super) meta: &'a Meta<'a>,
    pub(super) headers: &'a HeaderMap,
    /// What a request of the stateless era brings along of earlier rounds.
    pub(super) round: Option<Round>,
    pub(super) accept: Accept,
    pub(super) how: Tie,
}

/// Who calls it off, by which token.
pub(super) enum Tie {
    /// A client that goes away.
    Client(CancellationToken),
    /// Its session, by this entry.
    Session(Arc<Session>, Flight, CancellationToken),
}

/// Where the request's headers say that it stands in a trace (W3C Trace Context). Two of a kind say nothing.
fn traced(headers: &HeaderMap) -> Option<TraceContext> {
    let one = |name: &str| {
        let mut values = headers.get_all(name).iter();
        values.next().filter(|_| values.next().is_none()).and_then(|value| value.to_str().ok())
    };
    TraceContext::read(one("traceparent")?, one("tracestate"))
}

/// Runs it.
pub(super) async fn run(call: Call<'_>) -> Response<Body> {
    let Call { engine, catalog, operation, speaker, id, meta, headers, round, accept, how } = call;
    let (session, flight, cancel) = match how {
        Tie::Client(cancel) => (None, None, cancel),
        Tie::Session(session, flight, cancel) => (Some(session), Some(flight), cancel),
    };
    let tied = session.is_none();
    let polls = session.as_ref().is_some_and(|session| session.polls());
    let token = meta.progress_token();
    let hang_up = Arc::new(Notify::new());
    let challenge = step_up::challenge(engine, &catalog, &operation, &speaker.principal);
    let speaks = polls || token.is_some() || speaker.log_level.is_some() || speaker.is_asked();
    let (notifier, notifications) = if accept.stream && speaks && challenge.is_none() {
        let (sender, receiver) = mpsc::channel(limits::OUTBOX_MESSAGES_MAX);
        let notifier = Notifier::new(sender, token, speaker.log_level);
        let notifier = if polls { notifier.on_a_connection(hang_up.clone()) } else { notifier };
        (Some(notifier), Some(receiver))
    } else {
        (None, None)
    };
    let last_word = notifier.as_ref().map(Notifier::until_dropped);
    let mut cx = engine.context(speaker, &catalog, cancel.clone(), notifier, round);
    cx.trace = meta.trace().or_else(|| traced(headers));
    let (own, id, modern) = (engine.clone(), id.clone(), speaker.modern());
    let (watched, in_flight) = (speaker.watched.clone(), engine.calls.token());
    let work = Box::pin(async move {
        let outcome = dispatch::answer(&own, &catalog, operation, &cx, watched.as_deref()).await;
        // A call that its client called off gets no answer (specification, "Cancellation").
        let unwanted = !tied && cx.cancel.is_cancelled() && !own.stop.is_cancelled();
        drop((flight, last_word, in_flight));
        (!unwanted).then(|| reply::answer(Some(&id), outcome, modern.then_some(&own.info)))
    });
    let mut work = Work { running: Some(work), cancel: tied.then_some(cancel) };
    let Some(mut notifications) = notifications else {
        let response = respond(work.await, accept);
        return match challenge {
            Some(challenge) => step_up::answer(response, challenge),
            None => response,
        };
    };
    let (first, hung_up) = if session.is_some() && !accept.json {
        (None, false)
    } else {
        tokio::select! {
            biased;
            first = notifications.recv() => (first, false),
            () = hang_up.notified() => (None, true),
            answer = &mut work => match notifications.try_recv() {
                // It spoke, and answered in the same breath.
                Ok(first) => {
                    work.running = Some(Box::pin(std::future::ready(answer)));
                    (Some(first), false)
                }
                Err(_) => return respond(answer, accept),
            },
        }
    };
    match (session, work.running.take()) {
        (Some(session), Some(running)) => {
            let speech = Speech { session, running, notifications, hang_up };
            resume::speak(speech, first, hung_up, engine.plan.listen.waits.keep_alive)
        }
        (_, running) => events(work, running, first, notifications),
    }
}

/// The answer of a call; none if nobody wants it any more.
pub(super) type Running = Pin<Box<dyn Future<Output = Option<Answer>> + Send>>;

/// A call under way. Dropped before its end, it is called off if it was tied to its client, and ends by itself.
struct Work {
    running: Option<Running>,
    cancel: Option<CancellationToken>,
}

impl Future for Work {
    type Output = Option<Answer>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let Some(running) = &mut self.running else { return Poll::Ready(None) };
        let answer = ready!(running.as_mut().poll(cx));
        self.running = None;
        Poll::Ready(answer)
    }
}

impl Drop for Work {
    fn drop(&mut self) {
        let Some(running) = self.running.take() else { return };
        if let Some(cancel) = &self.cancel {
            cancel.cancel();
        }
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            runtime.spawn(running);
        }
    }
}

/// Notifications, then the answer.
struct Events {
    first: Option<Bytes>,
    notifications: mpsc::Receiver<Bytes>,
    ending: Ending,
    _tie: Option<DropGuard>,
}

enum Ending {
    /// In a task of its own, so that a slow reader does not hold the call up.
    Running(JoinHandle<Option<Answer>>),
    Answered(Option<Bytes>),
}

impl Stream for Events {
    type Item = Bytes;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Bytes>> {
        if let Some(first) = self.first.take() {
            return Poll::Ready(Some(events::event(&first)));
        }
        loop {
            // What was said before the answer goes out before it.
            if let Poll::Ready(Some(notification)) = self.notifications.poll_recv(cx) {
                return Poll::Ready(Some(events::event(&notification)));
            }
            match &mut self.ending {
                Ending::Answered(answer) => return Poll::Ready(answer.take()),
                Ending::Running(running) => {
                    let answer = ready!(Pin::new(running).poll(cx)).ok().flatten();
                    self.ending = Ending::Answered(answer.map(|answer| events::event(&answer.bytes)));
                }
            }
        }
    }
}

fn events(
    mut work: Work,
    running: Option<Running>,
    first: Option<Bytes>,
    notifications: mpsc::Receiver<Bytes>,
) -> Response<Body> {
    let tie = work.cancel.take().map(CancellationToken::drop_guard);
    let ending = match running {
        Some(running) => Ending::Running(tokio::spawn(running)),
        None => Ending::Answered(None),
    };
    events::response(Body::events(Events { first, notifications, ending, _tie: tie }))
}

fn respond(answer: Option<Answer>, accept: Accept) -> Response<Body> {
    match answer {
        Some(answer) if accept.json => {
            json(StatusCode::from_u16(answer.status).unwrap_or(StatusCode::OK), answer.bytes)
        }
        Some(answer) => events::whole(&[events::event(&answer.bytes)]),
        None if accept.stream => events::whole(&[]),
        None => respond::empty(StatusCode::ACCEPTED),
    }
}
