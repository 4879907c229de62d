//! A new configuration in the place of the old one: what changed is opened first, then everything is swapped at once,
//! then what is left over is closed.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt;
use portwright_core::{Source, limits};

use super::slot::Slot;
use super::{Listing, Mount, Origin, Shared, Start, State, Supervisor, attempt, listed};
use crate::catalog::{Censor, Pins, Rules};

/// What a reload did.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Reloaded {
    /// Sources that were not touched.
    pub kept: Vec<Arc<str>>,
    /// Sources that are new, or configured in another way than before.
    pub opened: Vec<Arc<str>>,
    /// Sources that are no more.
    pub removed: Vec<Arc<str>>,
    /// What the new configuration says and what only a restart brings about: sections or keys.
    pub after_restart: Vec<String>,
}

/// A mount after its first attempt.
struct Tried {
    mount: Mount,
    pins: Arc<Pins>,
    open: Result<(Arc<dyn Source>, Arc<Listing>), String>,
}

impl Supervisor {
    /// Serves these mounts under these rules from now on. Calls in flight end on what they began with, and have
    /// `patience` for it before their sources are closed.
    pub(crate) async fn replace(&self, mounts: Vec<Mount>, rules: Arc<Rules>, patience: Duration) -> Reloaded {
        let shared = &self.shared;
        let _one = shared.reloading.lock().await;
        let alike = self.catalog().rules.definitions.written() == rules.definitions.written();
        let mut plan = Vec::with_capacity(mounts.len());
        for mount in mounts {
            // What another server says of itself is read again where it is judged in another way.
            let stays = |slot: &Slot| alike || matches!(mount.origin, Origin::Open(_)) || !slot.is_foreign();
            let kept = shared.slots().iter().find(|slot| slot.is(&mount) && stays(slot)).map(|slot| slot.id);
            // What was listed first still counts, unless the operator configured the source in another way.
            let pins = shared.slots().iter().find(|slot| slot.pins_for(&mount)).map(|slot| slot.pins.clone());
            plan.push((kept, mount, pins.unwrap_or_default()));
        }
        let news = plan.into_iter().map(|(kept, mount, pins)| {
            let definitions = rules.definitions.clone();
            async move {
                match kept {
                    Some(id) => Ok(id),
                    None => Err(try_once(mount, definitions, pins).await),
                }
            }
        });
        let news = futures::future::join_all(news).await;
        let (report, left, cares) = shared.replace(news, rules);
        for (id, mount, life, start) in cares {
            tokio::spawn(shared.clone().keep(id, mount, life, start));
        }
        for slot in left {
            shared.retire(slot, patience);
        }
        report
    }
}

type Care = (u64, Mount, tokio_util::sync::CancellationToken, Start);

impl Shared {
    /// The swap itself.
    fn replace(&self, news: Vec<Result<u64, Tried>>, rules: Arc<Rules>) -> (Reloaded, Vec<Slot>, Vec<Care>) {
        let (mut report, mut cares) = (Reloaded::default(), Vec::new());
        let left = {
            let mut slots = self.slots();
            let mut left = std::mem::take(&mut *slots);
            for new in news {
                match new {
                    Ok(id) => {
                        let Some(at) = left.iter().position(|slot| slot.id == id) else { continue };
                        let slot = left.remove(at);
                        report.kept.push(slot.name.clone());
                        slots.push(slot);
                    }
                    Err(Tried { mount, pins, open }) => {
                        let mut slot = self.slot(&mount);
                        slot.pins = pins;
                        slot.tried = true;
                        report.opened.push(mount.name.clone());
                        let start = match open {
                            Ok((source, listing)) => {
                                slot.list(listing);
                                Start::Open(source)
                            }
                            Err(reason) => {
                                slot.become_state(State::Down, Some(reason));
                                Start::Failed
                            }
                        };
                        cares.push((slot.id, mount, slot.life.clone(), start));
                        slots.push(slot);
                    }
                }
            }
            self.swap(&slots, Some(rules));
            let gone = left.iter().filter(|old| !slots.iter().any(|slot| slot.name == old.name));
            report.removed.extend(gone.map(|slot| slot.name.clone()));
            left
        };
        self.version.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        self.settle();
        (report, left, cares)
    }

    /// Closes a source that is served no more, once the calls that it still has are over.
    fn retire(&self, slot: Slot, patience: Duration) {
        slot.life.cancel();
        let Some(listing) = slot.listing else { return };
        let source = listing.source.clone();
        drop(listing);
        let stop = self.stop.clone();
        self.retiring.spawn(async move {
            // Whoever still calls it holds a catalog that holds it.
            let unused = async {
                while Arc::strong_count(&source) > 1 {
                    tokio::time::sleep(limits::RETIRE_LOOK).await;
                }
            };
            let _ = stop.run_until_cancelled(tokio::time::timeout(patience, unused)).await;
            let closed = AssertUnwindSafe(source.close()).catch_unwind();
            if tokio::time::timeout(limits::STOP_WAIT, closed).await.is_err() {
                tracing::warn!(source = %slot.name, "a source does not close in time and is left behind");
            }
        });
    }
}

async fn try_once(mount: Mount, definitions: Arc<dyn Censor>, pins: Arc<Pins>) -> Tried {
    let source = match &mount.origin {
        Origin::Open(source) => Ok(source.clone()),
        Origin::Config(config) => attempt(&mount.name, &**config).await,
    };
    let open = match source {
        Ok(source) => match listed(&mount.name, &source, definitions, pins.clone()).await {
            Ok(listing) => Ok((source, listing)),
            Err(reason) => Err(reason.to_owned()),
        },
        Err(reason) => Err(reason),
    };
    Tried { mount, pins, open }
}
