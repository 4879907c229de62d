//! A stream that one replica keeps, heard by way of another: a client that lost it came back elsewhere.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use portwright_core::limits;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::words::{Heard, Word};
use super::{Errand, Replicas};
use crate::session::legacy::Session;
use crate::session::replay::{EventId, Listener};

/// What is heard, and passed on.
#[derive(Debug, Default)]
pub(super) struct Relays {
    last: AtomicU64,
    /// What clients here hear.
    heard: Mutex<HashMap<u64, mpsc::Sender<Heard>>>,
    /// What is passed on, by the replica that asked for it.
    passed: Mutex<HashMap<(String, u64), CancellationToken>>,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Relays {
    /// Something came for a client. Who does not keep up hears no more, and may come back.
    pub(super) fn heard(&self, relay: u64, heard: Heard) {
        let mut all = lock(&self.heard);
        if let Some(way) = all.get(&relay)
            && way.try_send(heard).is_err()
        {
            all.remove(&relay);
        }
    }

    /// Nobody hears it any more.
    pub(super) fn stop(&self, by: &str, relay: u64) {
        if let Some(passing) = lock(&self.passed).remove(&(by.to_owned(), relay)) {
            passing.cancel();
        }
    }
}

/// A stream that another replica keeps.
#[derive(Debug)]
pub(crate) struct Relayed {
    replicas: Arc<Replicas>,
    relay: u64,
    heard: mpsc::Receiver<Heard>,
}

impl Relayed {
    /// The next event; none at the end.
    pub(crate) async fn next(&mut self) -> Option<(EventId, Bytes)> {
        loop {
            match self.heard.recv().await? {
                Heard::Found => {}
                Heard::Said { id, message } => return Some((id, message.into())),
                Heard::Over => return None,
            }
        }
    }
}

impl Drop for Relayed {
    fn drop(&mut self) {
        lock(&self.replicas.relays.heard).remove(&self.relay);
        self.replicas.errand(Errand::Tell(Word::Left { relay: self.relay }));
    }
}

impl Replicas {
    /// The rest of a stream of the session's that another replica keeps; none, if nobody does.
    pub(crate) async fn resume(self: &Arc<Self>, session: &Session, after: EventId) -> Option<Relayed> {
        if self.is_own(after.stream) {
            return None;
        }
        let relay = self.relays.last.fetch_add(1, Ordering::Relaxed);
        let (way, heard) = mpsc::channel(limits::REPLICA_EVENTS_MAX);
        {
            let mut all = lock(&self.relays.heard);
            if all.len() >= limits::REPLICA_STREAMS_MAX {
                return None;
            }
            all.insert(relay, way);
        }
        let mut relayed = Relayed { replicas: self.clone(), relay, heard };
        let word = Word::Resume { session: session.id.to_string(), after, relay };
        self.tell(&self.everyone(), word).await.ok()?;
        let found = tokio::time::timeout(limits::REPLICA_ANSWER_WAIT, relayed.heard.recv()).await;
        matches!(found, Ok(Some(Heard::Found))).then_some(relayed)
    }

    /// Passes on what is said, as long as somebody hears it.
    async fn pass(&self, session: &Session, listener: &mut Listener, channel: &str, relay: u64) {
        let say = |heard| self.tell(channel, Word::Relay { relay, heard });
        let mut there = say(Heard::Found).await;
        while matches!(there, Ok(1..)) {
            let Some((id, event)) = session.replay.next(listener).await else {
                let _ = say(Heard::Over).await;
                return;
            };
            let Ok(message) = String::from_utf8(event.to_vec()) else { return };
            there = say(Heard::Said { id, message }).await;
        }
    }
}

/// Passes a stream on to the replica that asked for it, if it is kept here.
pub(super) fn pass_on(replicas: &Arc<Replicas>, session: Arc<Session>, after: EventId, to: (String, u64)) {
    let mut passed = lock(&replicas.relays.passed);
    if passed.len() >= limits::REPLICA_STREAMS_MAX || passed.contains_key(&to) {
        return;
    }
    let Some(mut listener) = session.replay.listen(after) else { return };
    let (own, channel, key) = (replicas.clone(), replicas.alone(&to.0), to.clone());
    let left = CancellationToken::new();
    passed.insert(to, left.clone());
    tokio::spawn(async move {
        let pass = own.pass(&session, &mut listener, &channel, key.1);
        let _ = left.run_until_cancelled(pass).await;
        session.replay.leave(&listener);
        lock(&own.relays.passed).remove(&key);
    });
}
