//! The sessions that are open: bounded in number, each bound to its principal, ended when idle.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

use arc_swap::ArcSwap;
use portwright_core::{Auth, Principal, TransportKind};

use super::legacy::Session;
use super::replicas::Replicas;
use crate::plan::SessionPlan;

/// Open sessions.
pub(crate) struct Store {
    plan: ArcSwap<SessionPlan>,
    rooms: Arc<Mutex<Rooms>>,
    /// Who is told of sessions that had to make room.
    evicted: OnceLock<Evicted>,
}

type Evicted = Box<dyn Fn(&Session) + Send + Sync>;

impl fmt::Debug for Store {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Store").field("plan", &self.plan).field("rooms", &self.rooms).finish_non_exhaustive()
    }
}

#[derive(Debug, Default)]
struct Rooms {
    sessions: HashMap<Arc<str>, Arc<Session>>,
    /// Conversations that live as long as their connection, whatever they hold: by principal.
    seats: HashMap<Who, usize>,
    seated: usize,
    seated_by: HashMap<TransportKind, usize>,
}

type Who = (Arc<str>, Auth);

fn who(principal: &Principal) -> Who {
    (principal.id.clone(), principal.auth)
}

impl Rooms {
    /// Makes room for one more of this principal. When the house is full, or the principal's part of it, the session
    /// that was idle longest makes room and is returned; if all are busy, there is none.
    fn make_room(&mut self, plan: &SessionPlan, principal: &Principal) -> Result<Option<Arc<Session>>, Full> {
        let all = self.sessions.len() + self.seated;
        // Counting is worth it only where the part could be full.
        let part_full = all >= plan.max_of_one && self.of_one(principal) >= plan.max_of_one;
        if part_full || all >= plan.max {
            let candidates = self.sessions.values().filter(|other| !part_full || other.is_of(principal));
            let idlest = candidates.filter_map(|other| Some((other.idle()?, other.id.clone())));
            let (_, id) = idlest.max_by_key(|(idle, _)| *idle).ok_or(Full)?;
            return Ok(self.sessions.remove(&id));
        }
        Ok(None)
    }

    fn of_one(&self, principal: &Principal) -> usize {
        let seats = self.seats.get(&who(principal)).copied().unwrap_or(0);
        seats + self.sessions.values().filter(|session| session.is_of(principal)).count()
    }
}

/// The place of a conversation that lives as long as its connection; dropping it gives it back.
#[derive(Debug)]
pub(crate) struct Seat {
    rooms: Arc<Mutex<Rooms>>,
    who: Who,
    transport: TransportKind,
}

impl Drop for Seat {
    fn drop(&mut self) {
        let mut rooms = self.rooms.lock().unwrap_or_else(PoisonError::into_inner);
        rooms.seated -= 1;
        if let Some(count) = rooms.seated_by.get_mut(&self.transport) {
            *count -= 1;
        }
        if let Some(seats) = rooms.seats.get_mut(&self.who) {
            *seats -= 1;
            if *seats == 0 {
                rooms.seats.remove(&self.who);
            }
        }
    }
}

impl Store {
    pub(crate) fn new(plan: SessionPlan) -> Self {
        Self { plan: ArcSwap::from_pointee(plan), rooms: Arc::default(), evicted: OnceLock::new() }
    }

    /// The bounds from now on.
    pub(crate) fn set_plan(&self, plan: SessionPlan) {
        self.plan.store(Arc::new(plan));
    }

    fn rooms(&self) -> std::sync::MutexGuard<'_, Rooms> {
        self.rooms.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Has somebody told of each session that had to make room.
    pub(super) fn on_eviction(&self, tell: impl Fn(&Session) + Send + Sync + 'static) {
        let _ = self.evicted.set(Box::new(tell));
    }

    fn make_room(&self, rooms: &mut Rooms, principal: &Principal) -> Result<(), Full> {
        let evicted = rooms.make_room(&self.plan.load(), principal)?;
        if let (Some(evicted), Some(tell)) = (evicted, self.evicted.get()) {
            tell(&evicted);
        }
        Ok(())
    }

    /// Keeps a session, if there is room.
    pub(crate) fn insert(&self, session: Arc<Session>) -> Result<(), Full> {
        let mut rooms = self.rooms();
        self.make_room(&mut rooms, &session.principal)?;
        rooms.sessions.insert(session.id.clone(), session);
        Ok(())
    }

    /// Keeps a session that another replica opened, if there is room; or the one that somebody else was faster to keep.
    pub(super) fn adopt(&self, session: Arc<Session>) -> Result<Arc<Session>, Full> {
        let mut rooms = self.rooms();
        if let Some(there) = rooms.sessions.get(&session.id).filter(|there| there.is_of(&session.principal)) {
            return Ok(there.clone());
        }
        self.make_room(&mut rooms, &session.principal)?;
        rooms.sessions.insert(session.id.clone(), session.clone());
        Ok(session)
    }

    /// The session of that id, whosever it is.
    pub(super) fn known(&self, id: &str) -> Option<Arc<Session>> {
        self.rooms().sessions.get(id).cloned()
    }

    /// A place for a conversation that lives as long as its connection, if there is room. It counts as a session.
    pub(crate) fn seat(&self, principal: &Principal, transport: TransportKind) -> Result<Seat, Full> {
        let mut rooms = self.rooms();
        self.make_room(&mut rooms, principal)?;
        rooms.seated += 1;
        *rooms.seated_by.entry(transport).or_default() += 1;
        let who = who(principal);
        *rooms.seats.entry(who.clone()).or_default() += 1;
        Ok(Seat { rooms: self.rooms.clone(), who, transport })
    }

    /// The session of that id, if it is this principal's; another's looks like none.
    pub(crate) fn get(&self, id: &str, principal: &Principal) -> Option<Arc<Session>> {
        let sessions = &mut self.rooms().sessions;
        let session = sessions.get(id).filter(|session| session.is_of(principal))?.clone();
        if session.idle().is_some_and(|idle| idle >= self.plan.load().idle) {
            sessions.remove(id);
            return None;
        }
        Some(session)
    }

    /// Ends a session and the calls that it has in flight.
    pub(crate) fn remove(&self, session: &Session) {
        session.end();
        self.rooms().sessions.remove(&session.id);
    }

    pub(crate) fn len(&self) -> usize {
        let rooms = self.rooms();
        rooms.sessions.len() + rooms.seated
    }

    /// How many came by this transport.
    pub(crate) fn of_transport(&self, transport: TransportKind) -> usize {
        let rooms = self.rooms();
        let seated = rooms.seated_by.get(&transport).copied().unwrap_or(0);
        seated + if transport == TransportKind::Http { rooms.sessions.len() } else { 0 }
    }

    /// Ends the sessions that were idle too long, and has the others forget what they need not keep.
    pub(crate) fn sweep(&self) {
        let longest = self.plan.load().idle;
        self.rooms().sessions.retain(|_, session| {
            session.replay.sweep();
            session.idle().is_none_or(|idle| idle < longest)
        });
    }

    /// The same where other replicas serve these sessions too: the store knows which are over.
    pub(crate) async fn sweep_with(&self, replicas: &Replicas) {
        let (longest, pause) = (self.plan.load().idle, self.sweep_pause());
        let all: Vec<_> = self.rooms().sessions.values().cloned().collect();
        for session in &all {
            session.replay.sweep();
        }
        let (idle, live): (Vec<_>, Vec<_>) =
            all.into_iter().partition(|session| session.idle().is_some_and(|idle| idle >= longest));
        let used = live.into_iter().filter(|session| session.idle().is_none_or(|idle| idle <= pause * 2)).collect();
        for over in replicas.look_after(used, &idle, longest).await {
            self.rooms().sessions.remove(&over);
        }
    }

    /// How long a session may be idle.
    pub(crate) fn idle_max(&self) -> Duration {
        self.plan.load().idle
    }

    /// How often to sweep.
    pub(crate) fn sweep_pause(&self) -> Duration {
        (self.plan.load().idle / 4).clamp(Duration::from_millis(50), Duration::from_mins(1))
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
    use crate::session::legacy::Agreed;

    const SSE: TransportKind = TransportKind::Sse;

    fn store(max: usize, max_of_one: usize, idle: Duration) -> Store {
        Store::new(SessionPlan { max, max_of_one, idle })
    }

    fn open(store: &Store, who: &str) -> Option<Arc<Session>> {
        let principal = Arc::new(Principal::new(who, Auth::Key));
        let (protocol, abilities) = (ProtocolVersion::V_2025_11_25, Abilities::default());
        let agreed = Agreed { protocol, client: None, abilities };
        let session = Session::open(principal, TransportKind::Http, agreed, 0).expect("random numbers");
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
    fn seats_and_sessions_share_the_room() {
        let store = store(3, 2, Duration::MAX);
        let (alice, bob) = (Principal::new("alice", Auth::Key), Principal::new("bob", Auth::Key));
        let first = store.seat(&alice, SSE).expect("room");
        let idle = open(&store, "alice").expect("room");
        let second = store.seat(&alice, SSE).expect("the idle session makes room");
        assert!(!has(&store, &idle));
        assert!(store.seat(&alice, SSE).is_err(), "her part is full");
        let third = store.seat(&bob, SSE).expect("room");
        assert!(store.seat(&bob, SSE).is_err() && open(&store, "bob").is_none(), "the house is full");
        assert_eq!(store.len(), 3);
        drop((first, third));
        assert_eq!(store.len(), 1);
        assert!(open(&store, "bob").is_some());
        drop(second);
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
