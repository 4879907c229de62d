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
