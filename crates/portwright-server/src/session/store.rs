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

    /// Keeps a session. When the house is full, the one that was idle longest makes room; if all are busy, there is
    /// none.
    pub(crate) fn insert(&self, session: Arc<Session>) -> Result<(), Full> {
        let mut sessions = self.sessions();
        if sessions.len() >= self.plan.max {
            let oldest = sessions.values().max_by_key(|session| session.idle_millis());
            let oldest = oldest.filter(|session| session.idle_millis() > 0).map(|session| session.id.clone());
            sessions.remove(&oldest.ok_or(Full)?);
        }
        sessions.insert(session.id.clone(), session);
        Ok(())
    }

    /// The session of that id, if it is this principal's; another's looks like none.
    pub(crate) fn get(&self, id: &str, principal: &Principal) -> Option<Arc<Session>> {
        let session = self.sessions().get(id).cloned()?;
        (session.principal.id == principal.id && session.principal.auth == principal.auth).then_some(session)
    }

    /// Ends a session and the calls that it has in flight.
    pub(crate) fn remove(&self, session: &Session) {
        session.calls.cancel_all();
        self.sessions().remove(&session.id);
    }

    pub(crate) fn len(&self) -> usize {
        self.sessions().len()
    }

    /// Ends the sessions that were idle too long.
    pub(crate) fn sweep(&self) {
        let idle = u64::try_from(self.plan.idle.as_millis()).unwrap_or(u64::MAX);
        self.sessions().retain(|_, session| session.idle_millis() < idle);
    }

    /// How often to sweep.
    pub(crate) fn sweep_pause(&self) -> Duration {
        (self.plan.idle / 4).clamp(Duration::from_millis(50), Duration::from_mins(1))
    }
}

/// Every session is busy, and there is no room for another.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Full;
