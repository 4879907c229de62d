//! The lifecycle of 2024-11-05 to 2025-11-25: `initialize` opens a session, which lasts.

use std::sync::Arc;
use std::sync::atomic::{AtomicU8, AtomicU64, Ordering};
use std::time::Instant;

use portwright_core::protocol::{Implementation, InitializeRequestParams, ProtocolVersion};
use portwright_core::{LogLevel, Principal, TransportKind};
use serde::Deserialize;
use serde_json::json;
use serde_json::value::RawValue;

use super::envelope::Id;
use super::errors::WireError;
use super::inflight::InFlight;
use super::{Speaker, dispatch, modern, reply};
use crate::server::Engine;

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

/// One session.
#[derive(Debug)]
pub(crate) struct Session {
    pub(crate) id: Arc<str>,
    /// Whoever opened it, and no one else, may use it.
    pub(crate) principal: Arc<Principal>,
    transport: TransportKind,
    pub(crate) protocol: ProtocolVersion,
    client: Arc<Implementation>,
    /// Index into [`LEVELS`] plus one; zero while the client has not asked.
    log_level: AtomicU8,
    pub(crate) calls: Arc<InFlight>,
    /// Streams that are open.
    pub(crate) streams: AtomicU8,
    born: Instant,
    /// Milliseconds after `born` of the last message.
    used: AtomicU64,
}

impl Session {
    pub(crate) fn speaker(&self) -> Speaker {
        let asked = self.log_level.load(Ordering::Relaxed);
        Speaker {
            principal: self.principal.clone(),
            transport: self.transport,
            protocol: self.protocol.clone(),
            client: Some(self.client.clone()),
            session: Some(self.id.clone()),
            log_level: LEVELS.get(usize::from(asked).wrapping_sub(1)).copied(),
        }
    }

    pub(crate) fn touch(&self) {
        self.used.store(elapsed_millis(self.born), Ordering::Relaxed);
    }

    /// Milliseconds since the last message; zero while a call or a stream is open.
    pub(crate) fn idle_millis(&self) -> u64 {
        if self.calls.is_empty() && self.streams.load(Ordering::Relaxed) == 0 {
            elapsed_millis(self.born).saturating_sub(self.used.load(Ordering::Relaxed))
        } else {
            0
        }
    }

    /// `logging/setLevel`
    pub(crate) fn set_level(&self, raw: Option<&RawValue>) -> Result<Vec<u8>, WireError> {
        #[derive(Deserialize)]
        struct SetLevel {
            level: LogLevel,
        }
        let SetLevel { level } = dispatch::params(raw)?;
        let index = LEVELS.iter().position(|one| *one == level).unwrap_or(0);
        self.log_level.store(u8::try_from(index + 1).unwrap_or(u8::MAX), Ordering::Relaxed);
        Ok(b"{}".to_vec())
    }

    /// A notification of the client's.
    pub(crate) fn notified(&self, method: &str, params: Option<&RawValue>) {
        if method == "notifications/cancelled"
            && let Some(id) = cancelled(params)
        {
            self.calls.cancel(&id);
        }
    }
}

/// The id that a cancellation names.
pub(crate) fn cancelled(params: Option<&RawValue>) -> Option<Id> {
    #[derive(Deserialize)]
    struct Cancelled<'a> {
        #[serde(borrow, rename = "requestId")]
        request_id: &'a RawValue,
    }
    let Cancelled { request_id } = dispatch::params(params).ok()?;
    Id::parse(request_id)
}

fn elapsed_millis(since: Instant) -> u64 {
    u64::try_from(since.elapsed().as_millis()).unwrap_or(u64::MAX)
}

/// `initialize`: the session and its result. The client's revision if we speak it, else our latest.
pub(crate) fn initialize(
    engine: &Engine,
    principal: &Arc<Principal>,
    transport: TransportKind,
    raw: Option<&RawValue>,
) -> Result<(Arc<Session>, Vec<u8>), WireError> {
    let asked: InitializeRequestParams = dispatch::params(raw)?;
    let known = VERSIONS.contains(&asked.protocol_version.as_str());
    let protocol = if known { asked.protocol_version } else { ProtocolVersion::LATEST_WITH_INITIALIZE };
    let session = Arc::new(Session {
        id: engine.new_session_id().map_err(|_| WireError::internal("no session can be opened now"))?,
        principal: principal.clone(),
        transport,
        client: Arc::new(asked.client_info),
        log_level: AtomicU8::new(0),
        calls: Arc::default(),
        streams: AtomicU8::new(0),
        born: Instant::now(),
        used: AtomicU64::new(0),
        protocol,
    });
    let mut result = json!({
        "protocolVersion": session.protocol.as_str(),
        "capabilities": modern::capabilities(false),
        "serverInfo": engine.info.0,
    });
    if let Some(instructions) = &engine.plan.instructions {
        result["instructions"] = instructions.as_str().into();
    }
    Ok((session, reply::json(&result)))
}
