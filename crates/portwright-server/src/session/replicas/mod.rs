//! Sessions that replicas share: whichever of them a message reaches serves it, and a session outlives the replica that
//! opened it.
//!
//! What a session is stands in a store, so that a replica that does not know it can take it up. What happens at one and
//! matters at another is [told](words): an answer to a question, a call that is called off, the end. What a lost stream
//! would have said is [passed on](relay) by whoever keeps it. Calls run where they came, and their state stays there.
//!
//! A session gives no right: each message proves again whose it is. So a store that is away is no danger; it costs the
//! sessions that a replica does not know.

mod asking;
mod cipher;
mod hearing;
mod plan;
mod record;
mod relay;
mod words;

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use portwright_core::{Principal, limits};
use redis::aio::ConnectionManager;
use serde_json::Value;
use serde_json::value::RawValue;
use sha2::{Digest, Sha256};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

pub(crate) use asking::Decided;
pub(super) use cipher::key;
pub use plan::ReplicaPlan;
pub(crate) use relay::Relayed;

use super::asking::Seal;
use super::envelope::{Id, Response};
use super::legacy::Session;
use super::store::Full;
use crate::engine::Engine;
use crate::ops::random;
use crate::ops::redis::{Away, Link, StoreError};
use cipher::Cipher;
use record::Record;
use words::{Spoken, Word};

/// This replica's way to the others.
#[derive(Debug)]
pub(crate) struct Replicas {
    link: Link,
    cipher: Cipher,
    prefix: String,
    /// What the others call this one.
    name: String,
    base: u64,
    relays: relay::Relays,
    questions: asking::Questions,
    outbox: mpsc::Sender<Errand>,
    errands: Mutex<Option<mpsc::Receiver<Errand>>>,
}

/// What waits to be done at the store.
#[derive(Debug)]
enum Errand {
    /// Tells all.
    Tell(Word),
    /// Writes down what has changed.
    Keep(Arc<Session>, Duration),
    /// The session is over.
    Forget(Arc<str>),
    /// Answers what another asked.
    Answer(String, u64, Value),
}

/// Why a session can't be taken up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Lost {
    /// Nobody knows it, or it is another's.
    Unknown,
    /// There is no room.
    Full,
    /// The store does not answer, so that nobody can say.
    Away,
}

impl Replicas {
    /// None, where the plan has no store.
    pub(crate) fn open(plan: &ReplicaPlan) -> Result<Option<Arc<Self>>, StoreError> {
        let Some(url) = &plan.store else { return Ok(None) };
        let unable = |what: &str| StoreError::Away(what.to_owned());
        let cipher = Cipher::new(&plan.secret).ok_or_else(|| unable("there is no cipher"))?;
        let mut number = [0; 4];
        getrandom::fill(&mut number).map_err(|_| unable("no random numbers"))?;
        let name = random::hex::<8>().map_err(|_| unable("no random numbers"))?;
        let (outbox, errands) = mpsc::channel(limits::REPLICA_WORDS_MAX);
        Ok(Some(Arc::new(Self {
            link: Link::open(url, "the sessions")?,
            cipher,
            prefix: plan.prefix.clone(),
            name,
            // 20 bits of chance, and room to count 32: together a number that every client reads exactly.
            base: u64::from((u32::from_be_bytes(number) >> 12) | 1) << 32,
            relays: relay::Relays::default(),
            questions: asking::Questions::default(),
            outbox,
            errands: Mutex::new(Some(errands)),
        })))
    }

    /// The key that seals what clients carry from one replica to another.
    pub(crate) fn seal(plan: &ReplicaPlan) -> Option<Seal> {
        key(&plan.secret, "portwright seals what clients carry").map(Seal::of)
    }

    /// What this replica's numbers begin after, so that no other gives the same ones.
    pub(crate) fn base(&self) -> u64 {
        self.base
    }

    /// Whether a number was given by this replica.
    fn is_own(&self, number: u64) -> bool {
        number >> 32 == self.base >> 32
    }

    /// Begins to hear and to tell, until `stop` fires.
    pub(crate) fn start(self: &Arc<Self>, engine: &Arc<Engine>, stop: &CancellationToken) {
        let Some(errands) = self.errands.lock().unwrap_or_else(PoisonError::into_inner).take() else { return };
        let replicas = self.clone();
        engine.sessions.on_eviction(move |session| {
            // Who opened it answers for the room it takes in the store.
            if !session.is_adopted() {
                replicas.forget(&session.id);
            }
        });
        asking::attach(self, engine);
        let (one, other) = (stop.clone(), stop.clone());
        let (replicas, weak) = (self.clone(), Arc::downgrade(engine));
        tokio::spawn(async move { one.run_until_cancelled(hearing::hear(&replicas, &weak)).await });
        let replicas = self.clone();
        tokio::spawn(async move { other.run_until_cancelled(replicas.run(errands)).await });
    }

    async fn run(&self, mut errands: mpsc::Receiver<Errand>) {
        while let Some(errand) = errands.recv().await {
            match errand {
                Errand::Tell(word) => {
                    let _ = self.tell(&self.everyone(), word).await;
                }
                Errand::Answer(to, ask, answer) => {
                    let _ = self.tell(&self.alone(&to), Word::Answer { ask, answer }).await;
                }
                Errand::Keep(session, longest) => self.keep(&session, longest).await,
                Errand::Forget(id) => {
                    let key = self.key(&id);
                    let _ = self
                        .link
                        .ask(|mut store| async move { redis::cmd("DEL").arg(key).query_async::<u64>(&mut store).await })
                        .await;
                    let _ = self.tell(&self.everyone(), Word::Ended { session: id.to_string() }).await;
                }
            }
        }
    }

    fn errand(&self, errand: Errand) {
        if self.outbox.try_send(errand).is_err() {
            tracing::warn!("replicas are not told of everything: too much waits to be said");
        }
    }

    /// The channel that all hear.
    fn everyone(&self) -> String {
        format!("{}:replicas", self.prefix)
    }

    /// The channel that one hears.
    fn alone(&self, name: &str) -> String {
        format!("{}:replica:{name}", self.prefix)
    }

    /// Where a session stands. Its id opens it to who has the credential as well, so the store does not get it.
    fn key(&self, session: &str) -> String {
        use std::fmt::Write as _;
        let mut key = format!("{}:session:", self.prefix);
        for byte in Sha256::digest(session) {
            let _ = write!(key, "{byte:02x}");
        }
        key
    }

    /// Says a word on a channel; how many heard it.
    async fn tell(&self, channel: &str, word: Word) -> Result<u64, Away> {
        let spoken = Spoken { by: self.name.clone(), word };
        let closed = serde_json::to_vec(&spoken).ok().and_then(|plain| self.cipher.close(channel, plain));
        let Some(closed) = closed.filter(|closed| closed.len() <= limits::REPLICA_WORD_BYTES_MAX) else {
            return Err(Away);
        };
        let say = |mut store: ConnectionManager| async move {
            redis::cmd("PUBLISH").arg(channel).arg(closed).query_async::<u64>(&mut store).await
        };
        self.link.ask(say).await
    }

    /// Writes a session down, for as long as it may be idle and somewhat longer.
    pub(crate) async fn keep(&self, session: &Session, longest: Duration) {
        let key = self.key(&session.id);
        let record = serde_json::to_vec(&Record::of(session)).ok();
        let Some(closed) = record.and_then(|plain| self.cipher.close(&key, plain)) else { return };
        let kept = u64::try_from((longest * 2).as_millis()).unwrap_or(u64::MAX).clamp(1, MILLIS_MAX);
        let set = |mut store: ConnectionManager| async move {
            redis::cmd("SET").arg(key).arg(closed).arg("PX").arg(kept).query_async::<String>(&mut store).await
        };
        let _ = self.link.ask(set).await;
    }

    /// The session is over for all.
    pub(crate) fn forget(&self, id: &Arc<str>) {
        self.errand(Errand::Forget(id.clone()));
    }

    /// A session that another replica opened.
    pub(crate) async fn find(
        self: &Arc<Self>,
        engine: &Arc<Engine>,
        id: &str,
        principal: &Arc<Principal>,
    ) -> Result<Arc<Session>, Lost> {
        if id.len() != Session::ID_LENGTH || !id.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return Err(Lost::Unknown);
        }
        let key = self.key(id);
        let asked = key.clone();
        let get = |mut store: ConnectionManager| async move {
            redis::cmd("GET").arg(asked).query_async::<Option<Vec<u8>>>(&mut store).await
        };
        let closed = self.link.ask(get).await.map_err(|Away| Lost::Away)?.ok_or(Lost::Unknown)?;
        let plain = self.cipher.open(&key, &closed).filter(|plain| plain.len() <= limits::REPLICA_RECORD_BYTES_MAX);
        let record: Option<Record> = plain.and_then(|plain| serde_json::from_slice(&plain).ok());
        let adopted = record.and_then(|record| record.adopt(id, principal, self.base));
        let (session, watched) = adopted.ok_or(Lost::Unknown)?;
        let session = engine.sessions.adopt(Arc::new(session)).map_err(|Full| Lost::Full)?;
        self.follow(&session, engine.sessions.idle_max());
        for uri in watched {
            tokio::spawn(hearing::watch(engine.clone(), session.clone(), uri.to_string()));
        }
        Ok(session)
    }

    /// Has the others told of what the session's client watches.
    pub(crate) fn follow(self: &Arc<Self>, session: &Arc<Session>, longest: Duration) {
        let (replicas, weak) = (Arc::downgrade(self), Arc::downgrade(session));
        session.watched.tell(move |uri, on| {
            if let (Some(replicas), Some(session)) = (replicas.upgrade(), weak.upgrade()) {
                let word = Word::Watch { session: session.id.to_string(), uri: uri.to_owned(), on };
                replicas.errand(Errand::Tell(word));
                replicas.errand(Errand::Keep(session, longest));
            }
        });
    }

    /// Its client called off a request that is not in flight here.
    pub(crate) fn cancelled(&self, session: &Session, request: &Id) {
        let (session, request) = (session.id.to_string(), request.as_json().to_owned());
        self.errand(Errand::Tell(Word::Cancelled { session, request }));
    }

    /// Its client answered what was not asked here.
    pub(crate) fn answered(&self, session: &Session, response: &Response<'_>) {
        let Some(id) = response.id.as_ref().and_then(|id| id.as_json().parse().ok()).filter(|id| !self.is_own(*id))
        else {
            return;
        };
        let raw = |raw: Option<&RawValue>| raw.map(ToOwned::to_owned);
        let (result, error) = (raw(response.result), raw(response.error));
        self.errand(Errand::Tell(Word::Answered { session: session.id.to_string(), id, result, error }));
    }

    /// Its client said which logs it wants to hear.
    pub(crate) fn levelled(&self, session: &Arc<Session>, longest: Duration) {
        if let Some(level) = session.level() {
            self.errand(Errand::Tell(Word::Level { session: session.id.to_string(), level }));
            self.errand(Errand::Keep(session.clone(), longest));
        }
    }

    /// Its client hears the server's own messages here from now on.
    pub(crate) fn listens(&self, session: &Session) {
        self.errand(Errand::Tell(Word::Listens { session: session.id.to_string() }));
    }

    /// Renews what is in use here, and tells which of the others are over everywhere.
    pub(crate) async fn look_after(
        &self,
        used: Vec<Arc<Session>>,
        idle: &[Arc<Session>],
        longest: Duration,
    ) -> Vec<Arc<str>> {
        for session in used {
            self.keep(&session, longest).await;
        }
        let mut over = Vec::new();
        for some in idle.chunks(limits::REPLICA_SESSIONS_AT_ONCE) {
            let mut asked = redis::pipe();
            for session in some {
                asked.cmd("EXISTS").arg(self.key(&session.id));
            }
            let ask = |mut store: ConnectionManager| async move { asked.query_async::<Vec<bool>>(&mut store).await };
            let Ok(there) = self.link.ask(ask).await else { continue };
            over.extend(some.iter().zip(there).filter(|(_, there)| !there).map(|(session, _)| session.id.clone()));
        }
        over
    }
}

/// The longest that the store counts: a hundred years.
const MILLIS_MAX: u64 = 100 * 365 * 24 * 60 * 60 * 1000;
