//! Sessions: from messages to calls and back. Two lifecycles, [`legacy`] (`initialize`, 2024-11-05 to 2025-11-25) and
//! [`modern`] (2026-07-28: each request on its own), meet in [`dispatch`], the main path. Nothing here knows how bytes
//! travel.

pub(crate) mod asking;
pub(crate) mod dispatch;
pub(crate) mod downstream;
pub(crate) mod envelope;
pub(crate) mod errors;
pub(crate) mod headers;
pub(crate) mod inflight;
pub(crate) mod legacy;
mod lists;
pub(crate) mod modern;
pub(crate) mod params;
pub(crate) mod replay;
pub(crate) mod replicas;
pub(crate) mod reply;
pub(crate) mod store;
pub(crate) mod streams;
pub(crate) mod tasks;
pub(crate) mod watched;

use std::sync::Arc;

use portwright_core::protocol::{Implementation, ProtocolVersion};
use portwright_core::{LogLevel, Principal, TransportKind, limits};
use serde_json::value::RawValue;

use asking::Abilities;
use asking::wire::OpenAsks;
use watched::Watched;

/// Who speaks, and in which revision: what all requests of one conversation share.
#[derive(Debug, Clone)]
pub(crate) struct Speaker {
    pub(crate) principal: Arc<Principal>,
    pub(crate) transport: TransportKind,
    pub(crate) protocol: ProtocolVersion,
    /// Whether that is what client and server agreed on.
    pub(crate) agreed: bool,
    pub(crate) client: Option<Arc<Implementation>>,
    pub(crate) session: Option<Arc<str>>,
    /// The mildest log messages that the client asked for.
    pub(crate) log_level: Option<LogLevel>,
    /// Whether it can follow tasks.
    pub(crate) tasks: bool,
    /// Which questions the client answers.
    pub(crate) abilities: Abilities,
    /// The open questions of its session, where there is one.
    pub(crate) asks: Option<Arc<OpenAsks>>,
    /// The resources that its session watches, where there is one.
    pub(crate) watched: Option<Arc<Watched>>,
}

impl Speaker {
    /// One whose conversation is not known: no session, or no revision that is spoken here.
    pub(crate) fn stranger(principal: &Arc<Principal>, transport: TransportKind) -> Self {
        Self {
            principal: principal.clone(),
            transport,
            protocol: ProtocolVersion::LATEST,
            agreed: false,
            client: None,
            session: None,
            log_level: None,
            tasks: false,
            abilities: Abilities::default(),
            asks: None,
            watched: None,
        }
    }

    /// Whether the revision is a stateless one.
    pub(crate) fn modern(&self) -> bool {
        !self.protocol.has_initialize()
    }

    /// Whether the client may be sent requests of ours.
    pub(crate) fn is_asked(&self) -> bool {
        self.asks.is_some() && self.abilities.any()
    }
}

/// What a client says it is, unless it says too much or nothing that can be read: nothing depends on it.
fn client(info: Option<&RawValue>) -> Option<Arc<Implementation>> {
    let info = info.filter(|info| info.get().len() <= limits::CLIENT_INFO_BYTES_MAX)?;
    serde_json::from_str(info.get()).ok().map(Arc::new)
}
