//! The sessions that are open: bounded in number, each bound to its principal, ended when idle.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use portwright_core::Principal;

use super::legacy::Session;
use crate::plan::SessionPlan;

/// Open sessions.
#[derive(Debug)]
pub(crate) struct Store {
    plan: SessionPlan,
    sessions: Mutex<HashMap<Arc<str>, Arc<Session>>>,
}

impl Store {
    pub(crate) fn new(plan: SessionPlan) -> Self {
        Self { plan, sessions: Mutex::default() }
    }

    fn sessions(&self) -> std::sync::MutexGuard<'_, HashMap<Arc<str>, Arc<Session>>> {
        self.sessions.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Keeps a session. When the house is full, or its principal's part of it, the one that was idle longest makes
    /// room; if all are busy, there is none.
    pub(crate) fn insert(&self, session: Arc<Session>) -> Result<(), Full> {
        let mut sessions = self.sessions();
        let of_one = |other: &&Arc<Session>| other.is_of(&session.principal);
        // Counting is worth it only where the part could be full.
        let part_full =
            sessions.len() >= self.plan.max_of_one && sessions.values().filter(of_one).count() >= self.plan.max_of_one;
        if part_full || sessions.len() >= self.plan.max {
            let candidates = sessions.values().filter(|other| !part_full || of_one(other));
            let idlest = candidates.filter_map(|other| Some((other.idle()?, other.id.clone())));
            let (_, id) = idlest.max_by_key(|(idle, _)| *idle).ok_or(Full)?;
            sessions.remove(&id);
        }
        sessions.insert(session.id.clone(), session);
        Ok(())
    }

    /// The session of that id, if it is this principal's; another's looks like none.
    pub(crate) fn get(&self, id: &str, principal: &Principal) -> Option<Arc<Session>> {
        let mut sessions = self.sessions();
        let session = sessions.get(id).filter(|session| session.is_of(principal))?.clone();
        if session.idle().is_some_and(|idle| idle >= self.plan.idle) {
            sessions.remove(id);
            return None;
        }
        Some(session)
    }

    /// Ends a session and the calls that it has in flight.
    pub(crate) fn remove(&self, session: &Session) {
        session.end();
        self.sessions().remove(&session.id);
    }

    pub(crate) fn len(&self) -> usize {
        self.sessions().len()
    }

    /// Ends the sessions that were idle too long.
    pub(crate) fn sweep(&self) {
        self.sessions().retain(|_, session| session.idle().is_none_or(|idle| idle < self.plan.idle));
    }

    /// How often to sweep.
    pub(crate) fn sweep_pause(&self) -> Duration {
        (self.plan.idle / 4).clamp(Duration::from_millis(50), Duration::from_mins(1))
    }
}

/// Every session is busy, and there is no room for another.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Full;

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::time::Duration;

    use portwright_core::protocol::ProtocolVersion;
    use portwright_core::{Auth, Principal, TransportKind};
    use tokio_util::sync::CancellationToken;

    use super::{Session, Store};
    use crate::plan::SessionPlan;
    use crate::session::asking::Abilities;
    use crate::session::envelope::Id;

    fn store(max: usize, max_of_one: usize, idle: Duration) -> Store {
        Store::new(SessionPlan { max, max_of_one, idle })
    }

    fn open(store: &Store, who: &str) -> Option<Arc<Session>> {
        let principal = Arc::new(Principal::new(who, Auth::Key));
        let session =
            Session::open(principal, TransportKind::Http, ProtocolVersion::V_2025_11_25, None, Abilities::default());
        let session = session.expect("random numbers");
        store.insert(session.clone()).is_ok().then_some(session)
    }

    fn has(store: &Store, session: &Session) -> bool {
        store.get(&session.id, &session.principal).is_some()
    }

    #[test]
    fn a_session_is_its_principals_alone() {
        let store = store(10, 10, Duration::MAX);
        let session = open(&store, "alice").expect("room");
        assert!(has(&store, &session));
        assert!(store.get(&session.id, &Principal::new("eve", Auth::Key)).is_none());
        assert!(store.get(&session.id, &Principal::new("alice", Auth::Token)).is_none(), "another alice");
    }

    #[test]
    fn nobody_takes_the_room_of_others() {
        let store = store(10, 2, Duration::MAX);
        let alices = open(&store, "alice").expect("room");
        let eves: Vec<_> = (0..5).map(|_| open(&store, "eve").expect("room")).collect();
        assert!(has(&store, &alices));
        assert_eq!(eves.iter().filter(|session| has(&store, session)).count(), 2);
    }

    #[test]
    fn what_is_busy_stays() {
        let store = store(1, 1, Duration::ZERO);
        let busy = open(&store, "alice").expect("room");
        let id = Id::read(&serde_json::from_str::<Box<serde_json::value::RawValue>>("1").expect("raw")).expect("id");
        let flight = busy.calls.begin(&id, CancellationToken::new()).expect("a call");
        store.sweep();
        assert!(open(&store, "alice").is_none() && has(&store, &busy));
        drop(flight);
        let stream = busy.open_stream();
        store.sweep();
        assert!(open(&store, "bob").is_none() && has(&store, &busy));
        drop(stream);
        assert!(!has(&store, &busy), "it has been idle for too long at once");
        assert!(open(&store, "bob").is_some());
    }
}
