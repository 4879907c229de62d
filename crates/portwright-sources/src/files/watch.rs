//! Tells when files change that somebody subscribed to.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use notify::{EventKind, RecommendedWatcher, RecursiveMode, Watcher};
use portwright_core::{Context, Refusal, limits};
use tokio::sync::broadcast;

use super::roots::Folders;
use super::scope::{Scope, from_uri};

/// Changes that are told while nobody listens.
const NEWS: usize = 256;

/// Watches what is subscribed to: nothing, and without a thread, until somebody does.
#[derive(Debug)]
pub(super) struct Watch {
    news: broadcast::Sender<Arc<str>>,
    known: Arc<Mutex<Known>>,
}

#[derive(Debug, Default)]
struct Known {
    watcher: Option<RecommendedWatcher>,
    /// URIs by the path that is watched for them.
    uris: HashMap<PathBuf, Vec<Arc<str>>>,
    count: usize,
}

impl Watch {
    pub(super) fn new() -> Self {
        Self { news: broadcast::Sender::new(NEWS), known: Arc::default() }
    }

    pub(super) fn updates(&self) -> broadcast::Receiver<Arc<str>> {
        self.news.subscribe()
    }

    /// Begins to watch what a URI names.
    pub(super) async fn subscribe(&self, folders: &Arc<Folders>, uri: &str, cx: &Context) -> Result<(), Refusal> {
        let not_found = || Refusal::not_found("resource", uri);
        let path = from_uri(uri).ok_or_else(not_found)?;
        folders.spot(&path).map_err(|_| not_found())?;
        let scope = Scope::of(folders, cx).await?;
        let (news, known, uri) = (self.news.clone(), self.known.clone(), Arc::<str>::from(uri));
        let work = folders.work(cx, move |_| {
            let spot = scope.spot(&path)?;
            // What can't be read can't be watched.
            let real = if let Ok((_, real)) = scope.dir(&spot) {
                real
            } else {
                let opened = scope.open(&spot)?;
                let root = &scope.folders.roots[spot.root];
                let rel = root.real(&opened.file, spot.beneath());
                super::roots::Spot { root: spot.root, rel: rel.unwrap_or_else(|| spot.rel.clone()) }
            };
            let place = scope.folders.roots[real.root].real_path().join(&real.rel);
            watch(&known, news, &place, uri)
        });
        work.await
    }
}

fn watch(
    known: &Arc<Mutex<Known>>,
    news: broadcast::Sender<Arc<str>>,
    place: &Path,
    uri: Arc<str>,
) -> Result<(), Refusal> {
    let mut own = known.lock().unwrap_or_else(PoisonError::into_inner);
    if own.uris.get(place).is_some_and(|uris| uris.contains(&uri)) {
        return Ok(());
    }
    if own.count >= limits::WATCHES_MAX {
        return Err(Refusal::unavailable("too many files are watched already; read it again when you need it"));
    }
    if own.watcher.is_none() {
        let shared = known.clone();
        let told = move |event: notify::Result<notify::Event>| tell(&shared, &news, event);
        own.watcher = Some(notify::recommended_watcher(told).map_err(Refusal::internal)?);
    }
    // Whoever replaces a file moves another under its name, so it is the folder that is watched.
    let folder = if place.is_dir() { place } else { place.parent().unwrap_or(place) };
    if let Some(watcher) = &mut own.watcher {
        let watched = watcher.watch(folder, RecursiveMode::NonRecursive);
        watched.map_err(|error| {
            Refusal::unavailable("this can't be watched; read it again when you need it").because(error)
        })?;
    }
    own.count += 1;
    own.uris.entry(place.to_owned()).or_default().push(uri);
    Ok(())
}

fn tell(known: &Mutex<Known>, news: &broadcast::Sender<Arc<str>>, event: notify::Result<notify::Event>) {
    let Ok(event) = event else { return };
    if matches!(event.kind, EventKind::Access(_)) {
        return;
    }
    let known = known.lock().unwrap_or_else(PoisonError::into_inner);
    for path in &event.paths {
        // A folder changes when a name in it does.
        let of_folder =
            path.parent().filter(|_| !matches!(event.kind, EventKind::Modify(notify::event::ModifyKind::Data(_))));
        for place in [Some(path.as_path()), of_folder].into_iter().flatten() {
            for uri in known.uris.get(place).into_iter().flatten() {
                let _ = news.send(uri.clone());
            }
        }
    }
}
