//! One mount's place in the supervisor, and how it is.

use std::fmt;
use std::sync::Arc;
use std::time::Instant;

use portwright_core::{Source, SourceConfig};
use serde::Serialize;
use sha2::{Digest, Sha256};
use tokio_util::sync::CancellationToken;

use crate::catalog::{Listing, Pins};

/// A source to serve.
#[derive(Debug)]
pub struct Mount {
    /// Its name in the configuration.
    pub name: Arc<str>,
    /// Its kind, for people.
    pub kind: String,
    /// Where it comes from.
    pub origin: Origin,
    /// What its configuration comes to. On a reload, a source whose print is the same keeps its connections; one
    /// without a print is opened anew.
    pub print: Option<Fingerprint>,
}

/// Where a source comes from.
#[derive(Debug)]
pub enum Origin {
    /// Configured: opened, and opened again while it is down.
    Config(Box<dyn SourceConfig>),
    /// Already open.
    Open(Arc<dyn Source>),
}

/// A digest of a configuration. It may be made of secrets, so it is shown to nobody.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Fingerprint([u8; 32]);

impl Fingerprint {
    /// The print of these parts in this order.
    pub fn of<'a>(parts: impl IntoIterator<Item = &'a [u8]>) -> Self {
        let mut digest = Sha256::new();
        for part in parts {
            digest.update((part.len() as u64).to_le_bytes());
            digest.update(part);
        }
        Self(digest.finalize().into())
    }
}

impl fmt::Debug for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Fingerprint")
    }
}

/// How far a source is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// Not open yet.
    Connecting,
    Ready,
    /// Open, but not all of it works.
    Degraded,
    /// It can't be opened; it is tried again.
    Down,
}

/// What a health page says of a source.
#[derive(Debug, Clone, Serialize)]
pub struct SourceHealth {
    pub name: Arc<str>,
    pub kind: String,
    pub state: State,
    /// Seconds in this state.
    pub since_seconds: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// What a mount is recognised by when the configuration was read again.
#[derive(Clone)]
enum Identity {
    Print(Fingerprint),
    Open(Arc<dyn Source>),
    Unknown,
}

/// One mount's present.
pub(super) struct Slot {
    /// What tells it from a slot of the same name, before and after a reload.
    pub(super) id: u64,
    pub(super) name: Arc<str>,
    kind: String,
    identity: Identity,
    state: State,
    since: Instant,
    reason: Option<String>,
    pub(super) listing: Option<Arc<Listing>>,
    /// What it listed first.
    pub(super) pins: Arc<Pins>,
    /// Whether it was tried once.
    pub(super) tried: bool,
    /// Ends the care for it.
    pub(super) life: CancellationToken,
}

impl Slot {
    pub(super) fn new(id: u64, mount: &Mount, life: CancellationToken) -> Self {
        Self {
            id,
            name: mount.name.clone(),
            kind: mount.kind.clone(),
            identity: match (&mount.origin, mount.print) {
                (Origin::Open(source), _) => Identity::Open(source.clone()),
                (Origin::Config(_), Some(print)) => Identity::Print(print),
                (Origin::Config(_), None) => Identity::Unknown,
            },
            state: State::Connecting,
            since: Instant::now(),
            reason: None,
            listing: None,
            pins: Arc::default(),
            tried: false,
            life,
        }
    }

    /// Whether it is this mount, as it is configured now.
    pub(super) fn is(&self, mount: &Mount) -> bool {
        let same = match (&self.identity, &mount.origin) {
            (Identity::Print(print), Origin::Config(_)) => mount.print == Some(*print),
            (Identity::Open(own), Origin::Open(other)) => Arc::ptr_eq(own, other),
            _ => false,
        };
        same && self.name == mount.name && self.kind == mount.kind
    }

    /// Whether this mount's definitions are held against what this slot listed first: it is the same server, as far as
    /// the operator says.
    pub(super) fn pins_for(&self, mount: &Mount) -> bool {
        let unknown = matches!(self.identity, Identity::Unknown) && mount.print.is_none();
        self.is(mount) || unknown && self.name == mount.name && self.kind == mount.kind
    }

    pub(super) fn become_state(&mut self, state: State, reason: Option<String>) {
        if self.state != state {
            self.state = state;
            self.since = Instant::now();
        }
        self.reason = reason;
    }

    /// Whether others than the operator write its lists.
    pub(super) fn is_foreign(&self) -> bool {
        self.listing.as_ref().is_some_and(|listing| listing.source.is_foreign())
    }

    /// It is open and offers this.
    pub(super) fn list(&mut self, listing: Arc<Listing>) {
        let (state, reason) = match listing.left_out.first() {
            None => (State::Ready, listing.tidied.first().cloned()),
            Some(first) => (State::Degraded, Some(first.clone())),
        };
        self.become_state(state, reason);
        self.listing = Some(listing);
    }

    pub(super) fn health(&self) -> SourceHealth {
        SourceHealth {
            name: self.name.clone(),
            kind: self.kind.clone(),
            state: self.state,
            since_seconds: self.since.elapsed().as_secs(),
            reason: self.reason.clone(),
        }
    }
}
