//! The lifecycle of 2024-11-05 to 2025-11-25: `initialize` opens a session, which lasts.

use std::sync::atomic::{AtomicU8, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use portwright_core::protocol::{Implementation, ProtocolVersion};
use portwright_core::{LogLevel, Principal, TransportKind};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use serde_json::value::RawValue;
use tokio_util::sync::CancellationToken;

use super::asking::Abilities;
use super::asking::wire::OpenAsks;
use super::envelope::Id;
use super::errors::WireError;
use super::inflight::InFlight;
use super::params::{self, Params};
use super::replay::Replay;
use super::watched::Watched;
use super::{Speaker, modern, reply};
use crate::engine::Engine;
use crate::ops::random;

/// The revisions with `initialize`, oldest first.
pub(crate) const VERSIONS: [&str; 4] = ["2024-11-05", "2025-03-26", "2025-06-18", "2025-11-25"];

/// The revision that a client without a version header speaks (specification 2025-06-18, "Protocol Version Header").
pub(crate) const VERSION_UNSAID: &str = "2025-03-26";

const LEVELS: [LogLevel; 8] = [
    LogLevel::Debug,
    LogLevel::Info,
    LogLevel::Notice,
    LogLevel::Warning,
    LogLevel::Error,
    LogLevel::Critical,
    LogLevel::Alert,
    LogLevel::Emergency,
];

/// What client and server agreed on when the session began.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Agreed {
    pub(crate) protocol: ProtocolVersion,
    pub(super) client: Option<Arc<Implementation>>,
    /// Which questions the client answers.
    pub(super) abilities: Abilities,
}

/// One session.
#[derive(Debug)]
pub(crate) struct Session {
    pub(crate) id: Arc<str>,
    /// Whoever opened it, and no one else, may use it.
    pub(crate) principal: Arc<Principal>,
    transport: TransportKind,
    pub(crate) agreed: Agreed,
    /// The questions that it has not answered yet.
    pub(crate) asks: Arc<OpenAsks>,
    /// The resources that it wants to be told about.
    pub(crate) watched: Arc<Watched>,
    /// Index into [`LEVELS`] plus one; zero while the client has not asked.
    log_level: AtomicU8,
    pub(crate) calls: Arc<InFlight>,
    /// What its event streams said last.
    pub(crate) replay: Replay,
    /// Another replica opened it.
    adopted: bool,
    /// The stream of the server's own messages, if one was opened; fires when it ends.
    stream: Mutex<Option<CancellationToken>>,
    born: Instant,
    /// Milliseconds after `born` of the last message.
    used: AtomicU64,
}

impl Session {
    /// How long its id is: 24 bytes in hexadecimal digits.
    pub(super) const ID_LENGTH: usize = 48;

    /// A new one, under an id that can't be guessed: 192 random bits. What it numbers begins after `base`.
    pub(crate) fn open(
        principal: Arc<Principal>,
        transport: TransportKind,
        agreed: Agreed,
        base: u64,
    ) -> Result<Arc<Self>, getrandom::Error> {
        let id = random::hex::<24>()?.into();
        Ok(Arc::new(Self::new(id, principal, transport, agreed, base)))
    }

    /// One that another replica opened.
    pub(super) fn adopted(
        id: Arc<str>,
        principal: Arc<Principal>,
        transport: TransportKind,
        agreed: Agreed,
        base: u64,
    ) -> Self {
        Self { adopted: true, ..Self::new(id, principal, transport, agreed, base) }
    }

    pub(super) fn is_adopted(&self) -> bool {
        self.adopted
    }

    fn new(id: Arc<str>, principal: Arc<Principal>, transport: TransportKind, agreed: Agreed, base: u64) -> Self {
        Self {
            id,
            principal,
            transport,
            agreed,
            asks: Arc::new(OpenAsks::after(base)),
            watched: Arc::default(),
            log_level: AtomicU8::new(0),
            calls: Arc::default(),
            replay: Replay::after(base),
            adopted: false,
            stream: Mutex::default(),
            born: Instant::now(),
            used: AtomicU64::new(0),
        }
    }

    pub(crate) fn speaker(&self) -> Speaker {
        Speaker {
            agreed: true,
            principal: self.principal.clone(),
            transport: self.transport,
            protocol: self.agreed.protocol.clone(),
            client: self.agreed.client.clone(),
            session: Some(self.id.clone()),
            log_level: self.level(),
            tasks: false,
            abilities: self.agreed.abilities,
            asks: Some(self.asks.clone()),
            watched: Some(self.watched.clone()),
        }
    }

    /// The same, by what the principal proved with this message: roles and claims of a credential may change within a
    /// session.
    pub(crate) fn speaker_as(&self, principal: &Arc<Principal>) -> Speaker {
        Speaker { principal: principal.clone(), ..self.speaker() }
    }

    /// Whether its client takes up streams that the server closed (2025-11-25, SEP-1699).
    pub(crate) fn polls(&self) -> bool {
        self.agreed.protocol == ProtocolVersion::V_2025_11_25
    }

    pub(crate) fn touch(&self) {
        let now = u64::try_from(self.born.elapsed().as_millis()).unwrap_or(u64::MAX);
        self.used.store(now, Ordering::Relaxed);
    }

    /// Time since the last message or the end of the last call; none while a call or a stream is open.
    pub(crate) fn idle(&self) -> Option<Duration> {
        let streams = self.stream().as_ref().is_some_and(|stream| !stream.is_cancelled());
        if streams || !self.calls.is_empty() {
            return None;
        }
        let used = Duration::from_millis(self.used.load(Ordering::Relaxed));
        let silent = self.born.elapsed().saturating_sub(used);
        Some(self.calls.quiet().map_or(silent, |quiet| quiet.min(silent)))
    }

    fn stream(&self) -> MutexGuard<'_, Option<CancellationToken>> {
        self.stream.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Opens the stream of the server's own messages, and ends the one before.
    pub(crate) fn open_stream(self: &Arc<Self>) -> OpenStream {
        let ended = CancellationToken::new();
        if let Some(before) = self.stream().replace(ended.clone()) {
            before.cancel();
        }
        OpenStream { session: self.clone(), ended }
    }

    /// Ends the stream of the server's own messages.
    pub(super) fn close_stream(&self) {
        if let Some(stream) = &*self.stream() {
            stream.cancel();
        }
    }

    /// Ends what the session has in flight, and its streams.
    pub(crate) fn end(&self) {
        self.calls.cancel_all();
        self.replay.clear();
        self.close_stream();
    }

    /// Whether it is this principal's.
    pub(crate) fn is_of(&self, principal: &Principal) -> bool {
        self.principal.id == principal.id && self.principal.auth == principal.auth
    }

    /// `logging/setLevel`
    pub(crate) fn set_level(&self, params: &Params<'_>) -> Result<Vec<u8>, WireError> {
        self.hears_from(params::read("level", params.level)?);
        Ok(b"{}".to_vec())
    }

    /// The mildest log messages that its client wants to hear.
    pub(super) fn level(&self) -> Option<LogLevel> {
        LEVELS.get(usize::from(self.log_level.load(Ordering::Relaxed)).wrapping_sub(1)).copied()
    }

    pub(super) fn hears_from(&self, level: LogLevel) {
        let index = LEVELS.iter().position(|one| *one == level).unwrap_or(0);
        self.log_level.store(u8::try_from(index + 1).unwrap_or(u8::MAX), Ordering::Relaxed);
    }

    /// A notification of the client's. The id of the request that it calls off, if none such is in flight here.
    pub(crate) fn notified(&self, method: &str, params: &Params<'_>) -> Option<Id> {
        let id = (method == "notifications/cancelled").then(|| params.cancelled()).flatten()?;
        (!self.calls.cancel(&id)).then_some(id)
    }
}

/// A stream that a session holds open, so that the session is not taken for idle.
#[derive(Debug)]
pub(crate) struct OpenStream {
    session: Arc<Session>,
    ended: CancellationToken,
}

impl OpenStream {
    /// Fires when the stream has to end.
    pub(crate) fn token(&self) -> CancellationToken {
        self.ended.clone()
    }
}

impl Drop for OpenStream {
    fn drop(&mut self) {
        self.ended.cancel();
        self.session.touch();
    }
}

/// `initialize`: the session and its result. The client's revision if we speak it, else our latest.
pub(crate) fn initialize(
    engine: &Engine,
    principal: &Arc<Principal>,
    transport: TransportKind,
    from: &Params<'_>,
) -> Result<(Arc<Session>, Vec<u8>), WireError> {
    let asked: ProtocolVersion = params::read("protocolVersion", from.protocol_version)?;
    let known = VERSIONS.contains(&asked.as_str());
    let protocol = if known { asked } else { ProtocolVersion::LATEST_WITH_INITIALIZE };
    let abilities = Abilities::read(from.capabilities, &protocol);
    let client = super::client(from.client_info);
    let agreed = Agreed { protocol, client, abilities };
    let session = Session::open(principal.clone(), transport, agreed, engine.base())
        .map_err(|_| WireError::internal("no session can be opened now"))?;
    let catalog = engine.supervisor.catalog();
    let result = Initialized {
        protocol_version: session.agreed.protocol.as_str(),
        capabilities: modern::capabilities(engine, false),
        server_info: engine.info.own(),
        instructions: catalog.rules.instructions.as_deref(),
    };
    let result = reply::json(&result);
    Ok((session, result))
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Initialized<'a> {
    protocol_version: &'a str,
    capabilities: Value,
    server_info: &'a RawValue,
    #[serde(skip_serializing_if = "Option::is_none")]
    instructions: Option<&'a str>,
}
