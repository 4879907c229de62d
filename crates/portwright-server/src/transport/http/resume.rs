//! Event streams that a client can take up again: a session's call says what it says into the session's memory, and
//! whoever listens hears it from there.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures::stream;
use http::Response;
use tokio::sync::{Notify, mpsc};

use super::body::Body;
use super::events;
use super::run::Running;
use crate::engine::Engine;
use crate::session::legacy::Session;
use crate::session::replay::{EventId, Listener};
use crate::session::replicas::Relayed;

/// A call of a session's, when it is to be answered by events.
pub(super) struct Speech {
    pub(super) session: Arc<Session>,
    pub(super) running: Running,
    pub(super) notifications: mpsc::Receiver<Bytes>,
    /// Told when the source lets go of the connection.
    pub(super) hang_up: Arc<Notify>,
}

/// Answers the call by events. `hung_up`: its source has let go of the connection already.
pub(super) fn speak(speech: Speech, first: Option<Bytes>, hung_up: bool, keep_alive: Duration) -> Response<Body> {
    let session = speech.session.clone();
    let stream = session.replay.begin();
    if let Some(first) = first {
        session.replay.say(stream, first);
    }
    let start = EventId { stream, event: 0 };
    let priming = session.polls().then(|| events::priming(start));
    let listener = if hung_up { None } else { session.replay.listen(start) };
    tokio::spawn(record(speech, stream));
    match listener {
        Some(listener) => hear(Hearing { session, ear: Ear::Here(listener), priming, keep_alive }),
        None => events::whole(priming.as_slice()),
    }
}

/// Keeps what the call says, to its end.
async fn record(speech: Speech, stream: u64) {
    let Speech { session, mut running, mut notifications, hang_up } = speech;
    let answer = loop {
        tokio::select! {
            biased;
            Some(message) = notifications.recv() => session.replay.say(stream, message),
            () = hang_up.notified() => session.replay.hang_up(stream),
            answer = &mut running => break answer,
        }
    };
    while let Ok(message) = notifications.try_recv() {
        session.replay.say(stream, message);
    }
    if let Some(answer) = answer {
        session.replay.say(stream, answer.bytes.into());
    }
    session.replay.end(stream);
}

/// The rest of a stream, from right after an event, wherever it is kept; none if it is not kept any more.
pub(super) async fn rest(
    engine: &Engine,
    session: Arc<Session>,
    after: EventId,
    keep_alive: Duration,
) -> Option<Response<Body>> {
    let ear = match (session.replay.listen(after), &engine.replicas) {
        (Some(listener), _) => Ear::Here(listener),
        (None, Some(replicas)) => Ear::Elsewhere(replicas.resume(&session, after).await?),
        (None, None) => return None,
    };
    let priming = session.polls().then(|| events::priming(after));
    Some(hear(Hearing { session, ear, priming, keep_alive }))
}

/// How a stream is heard.
enum Ear {
    Here(Listener),
    /// By way of the replica that keeps it.
    Elsewhere(Relayed),
}

/// A client that hears a stream.
struct Hearing {
    session: Arc<Session>,
    ear: Ear,
    priming: Option<Bytes>,
    keep_alive: Duration,
}

impl Hearing {
    async fn next(&mut self) -> Option<Bytes> {
        if let Some(priming) = self.priming.take() {
            return Some(priming);
        }
        let session = &self.session;
        let next = async {
            match &mut self.ear {
                Ear::Here(listener) => session.replay.next(listener).await,
                Ear::Elsewhere(relayed) => relayed.next().await,
            }
        };
        match tokio::time::timeout(self.keep_alive, next).await {
            Ok(said) => said.map(|(id, message)| events::numbered(id, &message)),
            Err(_) => Some(Bytes::from_static(events::KEEP_ALIVE)),
        }
    }
}

impl Drop for Hearing {
    fn drop(&mut self) {
        if let Ear::Here(listener) = &self.ear {
            self.session.replay.leave(listener);
        }
        self.session.touch();
    }
}

fn hear(hearing: Hearing) -> Response<Body> {
    let events = stream::unfold(hearing, |mut hearing| async move { Some((hearing.next().await?, hearing)) });
    events::response(Body::events(events))
}
