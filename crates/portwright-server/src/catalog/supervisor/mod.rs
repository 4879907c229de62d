//! The supervisor: opens each source in the background, opens it again while it is down, and publishes a new catalog
//! whenever what is offered changes. One source's hang or panic never touches another.

mod reload;
mod slot;

use std::fmt;
use std::future;
use std::panic::AssertUnwindSafe;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use arc_swap::ArcSwap;
use futures::FutureExt;
use portwright_core::{ConnectError, Health, Source, SourceConfig, limits};
use tokio::sync::broadcast::error::RecvError;
use tokio::sync::{broadcast, watch};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::{info, warn};

use super::{Catalog, Censor, Listing, News, Pins, Rules};

pub use reload::Reloaded;
use slot::Slot;
pub use slot::{Fingerprint, Mount, Origin, SourceHealth, State};

struct Shared {
    /// The next slot's id.
    ids: AtomicU64,
    version: AtomicU64,
    slots: Mutex<Vec<Slot>>,
    catalog: ArcSwap<Catalog>,
    changes: broadcast::Sender<News>,
    /// Whether every mount was tried once.
    settled: watch::Sender<bool>,
    /// Whether every mount is open.
    all_open: AtomicBool,
    /// One reload at a time.
    reloading: tokio::sync::Mutex<()>,
    /// Sources that are to be closed once their last call has ended.
    retiring: TaskTracker,
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
    pub(crate) fn start(mounts: Vec<Mount>, rules: Arc<Rules>, stop: CancellationToken) -> Self {
        let (changes, _) = broadcast::channel(limits::CHANGES_MAX);
        let shared = Arc::new(Shared {
            ids: AtomicU64::new(0),
            version: AtomicU64::new(0),
            slots: Mutex::default(),
            catalog: ArcSwap::from_pointee(Catalog::merge(&[], rules)),
            changes,
            settled: watch::Sender::new(mounts.is_empty()),
            all_open: AtomicBool::new(mounts.is_empty()),
            reloading: tokio::sync::Mutex::default(),
            retiring: TaskTracker::new(),
            stop,
        });
        let slots: Vec<_> = mounts.iter().map(|mount| shared.slot(mount)).collect();
        let cares: Vec<_> = slots.iter().map(|slot| (slot.id, slot.life.clone())).collect();
        *shared.slots() = slots;
        for ((id, life), mount) in cares.into_iter().zip(mounts) {
            tokio::spawn(shared.clone().keep(id, mount, life, Start::Closed));
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
        let mut settled = self.shared.settled.subscribe();
        let _ = tokio::time::timeout(wait, settled.wait_for(|settled| *settled)).await;
    }

    /// Whether each mount was tried once.
    pub(crate) fn is_settled(&self) -> bool {
        *self.shared.settled.borrow()
    }

    /// Whether each source is open, so that the catalog is all there is.
    pub(crate) fn all_open(&self) -> bool {
        self.shared.all_open.load(Ordering::Relaxed)
    }

    /// Grows whenever a source opens, fails, or changes its lists.
    pub(crate) fn version(&self) -> u64 {
        self.shared.version.load(Ordering::Relaxed)
    }

    /// How each source is, as far as is known.
    pub(crate) fn health(&self) -> Vec<SourceHealth> {
        self.shared.slots().iter().map(Slot::health).collect()
    }

    /// The sources that are open, each with its slot.
    fn sources(&self) -> Vec<(u64, Arc<dyn Source>)> {
        let slots = self.shared.slots();
        slots.iter().filter_map(|slot| Some((slot.id, slot.listing.as_ref()?.source.clone()))).collect()
    }

    /// Lets each open source end what it has left behind, all at once and within a bound.
    pub(crate) async fn close(&self) {
        let open = self.sources();
        let closed = open.iter().map(|(_, source)| AssertUnwindSafe(source.close()).catch_unwind());
        self.shared.retiring.close();
        let all = async { tokio::join!(futures::future::join_all(closed), self.shared.retiring.wait()) };
        if tokio::time::timeout(limits::STOP_WAIT, all).await.is_err() {
            warn!("a source does not close in time and is left behind");
        }
    }

    /// Asks the sources that are open how they are, all at once and within a bound.
    pub(crate) async fn ask_all(&self) {
        let asked = self.sources().into_iter().map(|(id, source)| async move { (id, ask(&*source).await) });
        let answers = futures::future::join_all(asked).await;
        for (id, health) in answers {
            self.shared.with(id, |slot| {
                let left_out = slot.listing.as_ref().and_then(|listing| listing.left_out.first().cloned());
                match (health, left_out) {
                    (Health::Ready, None) => {
                        let tidied = slot.listing.as_ref().and_then(|listing| listing.tidied.first().cloned());
                        slot.become_state(State::Ready, tidied);
                    }
                    (Health::Ready, Some(reason)) | (Health::Degraded(reason), _) => {
                        slot.become_state(State::Degraded, Some(reason));
                    }
                }
            });
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

impl Shared {
    fn slots(&self) -> std::sync::MutexGuard<'_, Vec<Slot>> {
        self.slots.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn slot(&self, mount: &Mount) -> Slot {
        Slot::new(self.ids.fetch_add(1, Ordering::Relaxed), mount, self.stop.child_token())
    }

    /// Changes a slot, if a reload has not taken it away.
    fn with(&self, id: u64, change: impl FnOnce(&mut Slot)) {
        if let Some(slot) = self.slots().iter_mut().find(|slot| slot.id == id) {
            change(slot);
        }
    }

    /// The life of one mount.
    async fn keep(self: Arc<Self>, id: u64, mount: Mount, life: CancellationToken, start: Start) {
        let work = async {
            let source = match (start, mount.origin) {
                (Start::Open(source), _) | (_, Origin::Open(source)) => source,
                (start, Origin::Config(config)) => {
                    self.open(id, &mount.name, &*config, matches!(start, Start::Failed)).await
                }
            };
            self.follow(id, &mount.name, &source).await;
        };
        let _ = life.run_until_cancelled(work).await;
    }

    /// Tries until it opens, with growing pauses; one that has just failed waits first.
    async fn open(&self, id: u64, name: &Arc<str>, config: &dyn SourceConfig, failed: bool) -> Arc<dyn Source> {
        let (mut pause, longest) = limits::RECONNECT_PAUSE;
        if failed {
            tokio::time::sleep(jittered(pause)).await;
        }
        loop {
            match attempt(name, config).await {
                Ok(source) => return source,
                Err(reason) => {
                    self.with(id, |slot| slot.become_state(State::Down, Some(reason)));
                    self.mark_tried(id);
                }
            }
            tokio::time::sleep(jittered(pause)).await;
            pause = (pause * 2).min(longest);
        }
    }

    /// Lists an open source now and whenever it says that something changed, and passes on which resources change.
    async fn follow(&self, id: u64, name: &Arc<str>, source: &Arc<dyn Source>) {
        let (mut changes, mut updates) = (source.changes(), source.updates());
        if let Some(changes) = &mut changes {
            changes.mark_unchanged();
        }
        self.publish(id, name, source).await;
        while changes.is_some() || updates.is_some() {
            tokio::select! {
                changed = changed(&mut changes) => match changed {
                    Ok(()) => self.publish(id, name, source).await,
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

    /// Makes the lists and swaps the catalog.
    async fn publish(&self, id: u64, name: &Arc<str>, source: &Arc<dyn Source>) {
        let Some(pins) = self.slots().iter().find(|slot| slot.id == id).map(|slot| slot.pins.clone()) else { return };
        match listed(name, source, self.catalog.load().rules.definitions.clone(), pins).await {
            Ok(listing) => {
                let mut slots = self.slots();
                let Some(slot) = slots.iter_mut().find(|slot| slot.id == id) else { return };
                slot.list(listing);
                self.swap(&slots, None);
                info!(source = %name, "source is open");
            }
            Err(reason) => self.with(id, |slot| slot.become_state(State::Down, Some(reason.to_owned()))),
        }
        self.mark_tried(id);
    }

    /// Puts the catalog of these slots in the place of the one that was there, and tells what changed.
    fn swap(&self, slots: &[Slot], rules: Option<Arc<Rules>>) {
        let listings: Vec<_> = slots.iter().filter_map(|slot| slot.listing.clone()).collect();
        self.all_open.store(listings.len() == slots.len(), Ordering::Relaxed);
        let rules = rules.unwrap_or_else(|| self.catalog.load().rules.clone());
        let new = Arc::new(Catalog::merge(&listings, rules));
        let old = self.catalog.swap(new.clone());
        for posing in new.posing().iter().filter(|one| !old.posing().contains(one)) {
            warn!(posing, "left out of the catalog: it looks like something else of another source");
        }
        let changed = new.changed_since(&old);
        if changed.any() {
            let _ = self.changes.send(News::Lists(changed));
        }
    }

    /// The mount's state is settled, until it changes again.
    fn mark_tried(&self, id: u64) {
        self.version.fetch_add(1, Ordering::Relaxed);
        self.with(id, |slot| slot.tried = true);
        self.settle();
    }

    fn settle(&self) {
        if self.slots().iter().all(|slot| slot.tried) {
            self.settled.send_if_modified(|settled| !std::mem::replace(settled, true));
        }
    }
}

/// How the care for a mount begins.
enum Start {
    Closed,
    /// Its first attempt, made elsewhere, failed.
    Failed,
    Open(Arc<dyn Source>),
}

/// Opens a source once, or says why it does not open.
async fn attempt(name: &Arc<str>, config: &dyn SourceConfig) -> Result<Arc<dyn Source>, String> {
    let attempt = AssertUnwindSafe(config.connect()).catch_unwind();
    let error = match tokio::time::timeout(limits::CONNECT_WAIT, attempt).await {
        Ok(Ok(Ok(source))) => return Ok(source),
        Ok(Ok(Err(error))) => error,
        Ok(Err(_)) => ConnectError::new("it failed in a way that it should not; this is a bug"),
        Err(_) => ConnectError::new(format!("it did not open within {:?}", limits::CONNECT_WAIT)),
    };
    let cause = std::error::Error::source(&error).map(ToString::to_string);
    warn!(source = %name, reason = %error, cause, "source does not open, trying again");
    Err(error.to_string())
}

/// A source's lists, made away from the threads that serve: ten thousand schemas take a while.
async fn listed(
    name: &Arc<str>,
    source: &Arc<dyn Source>,
    definitions: Arc<dyn Censor>,
    pins: Arc<Pins>,
) -> Result<Arc<Listing>, &'static str> {
    let (owned_name, owned_source) = (name.clone(), source.clone());
    let made = tokio::task::spawn_blocking(move || Listing::of(&owned_name, &owned_source, &*definitions, &pins));
    let reason = match tokio::time::timeout(limits::CONNECT_WAIT, made).await {
        Ok(Ok(listing)) => {
            for reason in &listing.left_out {
                warn!(source = %name, reason, "left out of the catalog");
            }
            for reason in &listing.tidied {
                warn!(source = %name, reason, "a definition was not listed as it came");
            }
            return Ok(Arc::new(listing));
        }
        Ok(Err(_)) => "its lists can't be read",
        Err(_) => "its lists take too long",
    };
    warn!(source = %name, reason, "source can't be listed");
    Err(reason)
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
