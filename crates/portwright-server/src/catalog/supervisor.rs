//! The supervisor: opens each source in the background, opens it again while it is down, and publishes a new catalog
//! whenever what is offered changes. One source's hang or panic never touches another.

use std::fmt;
use std::future;
use std::panic::AssertUnwindSafe;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use arc_swap::ArcSwap;
use futures::FutureExt;
use portwright_core::{ConnectError, Health, Source, SourceConfig, limits};
use serde::Serialize;
use tokio::sync::broadcast::error::RecvError;
use tokio::sync::{broadcast, watch};
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

use super::{Catalog, Listing, News};

/// A source to serve.
#[derive(Debug)]
pub struct Mount {
    /// Its name in the configuration.
    pub name: Arc<str>,
    /// Its kind, for people.
    pub kind: String,
    pub origin: Origin,
}

/// Where a source comes from.
#[derive(Debug)]
pub enum Origin {
    /// Configured: opened, and opened again while it is down.
    Config(Box<dyn SourceConfig>),
    /// Already open.
    Open(Arc<dyn Source>),
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

/// One mount's present.
struct Slot {
    name: Arc<str>,
    kind: String,
    state: State,
    since: Instant,
    reason: Option<String>,
    listing: Option<Arc<Listing>>,
    /// Whether it was tried once.
    tried: bool,
}

struct Shared {
    mounts: usize,
    /// How many of them are open.
    open: AtomicUsize,
    version: AtomicU64,
    slots: Mutex<Vec<Slot>>,
    catalog: ArcSwap<Catalog>,
    changes: broadcast::Sender<News>,
    /// How many mounts were tried once.
    tried: watch::Sender<usize>,
    /// Whether that is all of them.
    settled: AtomicBool,
    stop: CancellationToken,
}

/// Keeps the sources open and the catalog true.
#[derive(Clone)]
pub(crate) struct Supervisor {
    shared: Arc<Shared>,
}

impl fmt::Debug for Supervisor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Supervisor").finish_non_exhaustive()
    }
}

impl Supervisor {
    /// Starts opening every mount.
    pub(crate) fn start(mounts: Vec<Mount>, stop: CancellationToken) -> Self {
        let slots: Vec<_> = mounts.iter().map(Slot::new).collect();
        let (changes, _) = broadcast::channel(limits::CHANGES_MAX);
        let shared = Arc::new(Shared {
            mounts: slots.len(),
            open: AtomicUsize::new(0),
            version: AtomicU64::new(0),
            settled: AtomicBool::new(slots.is_empty()),
            slots: Mutex::new(slots),
            catalog: ArcSwap::default(),
            changes,
            tried: watch::Sender::new(0),
            stop,
        });
        for (index, mount) in mounts.into_iter().enumerate() {
            tokio::spawn(shared.clone().keep(index, mount));
        }
        Self { shared }
    }

    pub(crate) fn catalog(&self) -> Arc<Catalog> {
        self.shared.catalog.load_full()
    }

    /// Tells of changes: lists, and resources of sources that can tell.
    pub(crate) fn changes(&self) -> broadcast::Receiver<News> {
        self.shared.changes.subscribe()
    }

    /// Waits until each mount was tried once, at most `wait`.
    pub(crate) async fn settled(&self, wait: Duration) {
        let all = self.shared.mounts;
        let mut tried = self.shared.tried.subscribe();
        let _ = tokio::time::timeout(wait, tried.wait_for(|count| *count >= all)).await;
    }

    /// Whether each mount was tried once.
    pub(crate) fn is_settled(&self) -> bool {
        self.shared.settled.load(Ordering::Relaxed)
    }

    /// Whether each source is open, so that the catalog is all there is.
    pub(crate) fn all_open(&self) -> bool {
        self.shared.open.load(Ordering::Relaxed) >= self.shared.mounts
    }

    /// Grows whenever a source opens, fails, or changes its lists.
    pub(crate) fn version(&self) -> u64 {
        self.shared.version.load(Ordering::Relaxed)
    }

    /// How each source is, as far as is known.
    pub(crate) fn health(&self) -> Vec<SourceHealth> {
        self.shared.slots().iter().map(Slot::health).collect()
    }

    /// Each mount's source, where it is open.
    fn sources(&self) -> Vec<Option<Arc<dyn Source>>> {
        let slots = self.shared.slots();
        slots.iter().map(|slot| slot.listing.as_ref().map(|listing| listing.source.clone())).collect()
    }

    /// Lets each open source end what it has left behind, all at once and within a bound.
    pub(crate) async fn close(&self) {
        let open: Vec<_> = self.sources().into_iter().flatten().collect();
        let closed = open.iter().map(|source| AssertUnwindSafe(source.close()).catch_unwind());
        if tokio::time::timeout(limits::STOP_WAIT, futures::future::join_all(closed)).await.is_err() {
            warn!("a source does not close in time and is left behind");
        }
    }

    /// Asks the sources that are open how they are, all at once and within a bound.
    pub(crate) async fn ask_all(&self) {
        let asked = self.sources().into_iter().map(|source| async move {
            match source {
                Some(source) => Some(ask(&*source).await),
                None => None,
            }
        });
        let answers = futures::future::join_all(asked).await;
        let mut slots = self.shared.slots();
        for (slot, answer) in slots.iter_mut().zip(answers) {
            let left_out = slot.listing.as_ref().and_then(|listing| listing.left_out.first().cloned());
            match (answer, left_out) {
                (Some(Health::Ready), None) => slot.become_state(State::Ready, None),
                (Some(Health::Ready), Some(reason)) | (Some(Health::Degraded(reason)), _) => {
                    slot.become_state(State::Degraded, Some(reason));
                }
                (None, _) => {}
            }
        }
    }
}

async fn ask(source: &dyn Source) -> Health {
    let answer = AssertUnwindSafe(source.health()).catch_unwind();
    match tokio::time::timeout(limits::HEALTH_WAIT, answer).await {
        Ok(Ok(health)) => health,
        Ok(Err(_)) => Health::Degraded("it failed when asked how it is".to_owned()),
        Err(_) => Health::Degraded("it does not answer".to_owned()),
    }
}

impl Slot {
    fn new(mount: &Mount) -> Self {
        Self {
            name: mount.name.clone(),
            kind: mount.kind.clone(),
            state: State::Connecting,
            since: Instant::now(),
            reason: None,
            listing: None,
            tried: false,
        }
    }

    fn become_state(&mut self, state: State, reason: Option<String>) {
        if self.state != state {
            self.state = state;
            self.since = Instant::now();
        }
        self.reason = reason;
    }

    fn health(&self) -> SourceHealth {
        SourceHealth {
            name: self.name.clone(),
            kind: self.kind.clone(),
            state: self.state,
            since_seconds: self.since.elapsed().as_secs(),
            reason: self.reason.clone(),
        }
    }
}

impl Shared {
    fn slots(&self) -> std::sync::MutexGuard<'_, Vec<Slot>> {
        self.slots.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The life of one mount.
    async fn keep(self: Arc<Self>, index: usize, mount: Mount) {
        let stop = self.stop.clone();
        let life = async {
            match mount.origin {
                Origin::Open(source) => self.follow(index, &mount.name, &source).await,
                Origin::Config(config) => {
                    let source = self.open(index, &mount.name, &*config).await;
                    self.follow(index, &mount.name, &source).await;
                }
            }
        };
        let _ = stop.run_until_cancelled(life).await;
    }

    /// Tries until it opens, with growing pauses.
    async fn open(&self, index: usize, name: &Arc<str>, config: &dyn SourceConfig) -> Arc<dyn Source> {
        let (mut pause, longest) = limits::RECONNECT_PAUSE;
        loop {
            let attempt = AssertUnwindSafe(config.connect()).catch_unwind();
            let error = match tokio::time::timeout(limits::CONNECT_WAIT, attempt).await {
                Ok(Ok(Ok(source))) => return source,
                Ok(Ok(Err(error))) => error,
                Ok(Err(_)) => ConnectError::new("it failed in a way that it should not; this is a bug"),
                Err(_) => ConnectError::new(format!("it did not open within {:?}", limits::CONNECT_WAIT)),
            };
            let cause = std::error::Error::source(&error).map(ToString::to_string);
            warn!(source = %name, reason = %error, cause, "source does not open, trying again");
            self.slots()[index].become_state(State::Down, Some(error.to_string()));
            self.mark_tried(index);
            tokio::time::sleep(jittered(pause)).await;
            pause = (pause * 2).min(longest);
        }
    }

    /// Lists an open source now and whenever it says that something changed, and passes on which resources change.
    async fn follow(&self, index: usize, name: &Arc<str>, source: &Arc<dyn Source>) {
        let (mut changes, mut updates) = (source.changes(), source.updates());
        if let Some(changes) = &mut changes {
            changes.mark_unchanged();
        }
        self.publish(index, name, source).await;
        while changes.is_some() || updates.is_some() {
            tokio::select! {
                changed = changed(&mut changes) => match changed {
                    Ok(()) => self.publish(index, name, source).await,
                    Err(_) => changes = None,
                },
                updated = updated(&mut updates) => {
                    let news = match updated {
                        Ok(uri) => News::Updated(uri),
                        Err(RecvError::Lagged(_)) => News::Missed,
                        Err(RecvError::Closed) => {
                            updates = None;
                            continue;
                        }
                    };
                    let _ = self.changes.send(news);
                }
            }
        }
    }

    /// Makes the lists, away from the threads that serve (ten thousand schemas take a while), and swaps the catalog.
    async fn publish(&self, index: usize, name: &Arc<str>, source: &Arc<dyn Source>) {
        let (owned_name, owned_source) = (name.clone(), source.clone());
        let made = tokio::task::spawn_blocking(move || Listing::of(&owned_name, &owned_source));
        let listing = match tokio::time::timeout(limits::CONNECT_WAIT, made).await {
            Ok(Ok(listing)) => listing,
            failed => {
                let reason = if failed.is_err() { "its lists take too long" } else { "its lists can't be read" };
                warn!(source = %name, reason, "source can't be listed");
                self.slots()[index].become_state(State::Down, Some(reason.to_owned()));
                return self.mark_tried(index);
            }
        };
        for reason in &listing.left_out {
            warn!(source = %name, reason, "left out of the catalog");
        }
        let changed = {
            let mut slots = self.slots();
            let (state, reason) = match listing.left_out.first() {
                None => (State::Ready, None),
                Some(first) => (State::Degraded, Some(first.clone())),
            };
            slots[index].become_state(state, reason);
            if slots[index].listing.replace(Arc::new(listing)).is_none() {
                self.open.fetch_add(1, Ordering::Relaxed);
            }
            let listings: Vec<_> = slots.iter().filter_map(|slot| slot.listing.clone()).collect();
            let new = Arc::new(Catalog::merge(&listings));
            let old = self.catalog.swap(new.clone());
            new.changed_since(&old)
        };
        info!(source = %name, "source is open");
        if changed.any() {
            let _ = self.changes.send(News::Lists(changed));
        }
        self.mark_tried(index);
    }

    /// The mount's state is settled, until it changes again.
    fn mark_tried(&self, index: usize) {
        self.version.fetch_add(1, Ordering::Relaxed);
        let first = !std::mem::replace(&mut self.slots()[index].tried, true);
        if first {
            self.tried.send_modify(|count| *count += 1);
            if *self.tried.borrow() >= self.mounts {
                self.settled.store(true, Ordering::Relaxed);
            }
        }
    }
}

/// The next change of a source's lists; never, if it has none.
async fn changed(changes: &mut Option<watch::Receiver<u64>>) -> Result<(), watch::error::RecvError> {
    match changes {
        Some(changes) => {
            changes.changed().await?;
            changes.mark_unchanged();
            Ok(())
        }
        None => future::pending().await,
    }
}

/// The next resource of a source that changed; never, if it can't tell.
async fn updated(updates: &mut Option<broadcast::Receiver<Arc<str>>>) -> Result<Arc<str>, RecvError> {
    match updates {
        Some(updates) => updates.recv().await,
        None => future::pending().await,
    }
}

/// Up to a quarter more, so that a restarted host is not met by everyone at once.
fn jittered(pause: Duration) -> Duration {
    let mut byte = [0u8];
    let _ = getrandom::fill(&mut byte);
    pause + pause.mul_f64(f64::from(byte[0]) / 1024.0)
}
