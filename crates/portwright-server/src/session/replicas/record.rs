//! A session, as the store keeps it for all replicas.

use std::sync::Arc;

use portwright_core::{LogLevel, Principal, TransportKind, limits};
use serde::{Deserialize, Serialize};

use crate::session::legacy::{Agreed, Session};

#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Record {
    principal: Arc<str>,
    auth: String,
    agreed: Agreed,
    level: Option<LogLevel>,
    watched: Vec<Arc<str>>,
}

impl Record {
    pub(super) fn of(session: &Session) -> Self {
        Self {
            principal: session.principal.id.clone(),
            auth: session.principal.auth.as_str().to_owned(),
            agreed: session.agreed.clone(),
            level: session.level(),
            watched: session.watched.all(),
        }
    }

    /// The session, if it is this principal's, and what it watches.
    pub(super) fn adopt(self, id: &str, principal: &Arc<Principal>, base: u64) -> Option<(Session, Vec<Arc<str>>)> {
        if self.principal != principal.id || self.auth != principal.auth.as_str() {
            return None;
        }
        let session = Session::adopted(id.into(), principal.clone(), TransportKind::Http, self.agreed, base);
        self.level.inspect(|level| session.hears_from(*level));
        let mut watched = self.watched;
        watched.truncate(limits::WATCHED_MAX);
        Some((session, watched))
    }
}
