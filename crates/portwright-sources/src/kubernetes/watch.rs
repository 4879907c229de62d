//! Objects as resources, and the watches behind those that clients subscribe to: a bounded number of them, each of one
//! object.

use std::collections::VecDeque;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use futures::{TryStreamExt, pin_mut};
use kube::core::WatchEvent;
use portwright_core::{Context, Refusal, UriTemplate, limits};
use serde_json::Value;
use tokio::sync::broadcast;
use tokio::task::AbortHandle;

use super::cluster::{Ask, Cluster};
use super::errors;
use super::kinds::Kind;
use super::source::Kubernetes;
use super::tools::resources;

/// The template of every object's URI. What belongs to no namespace has `-` in its place.
pub(super) const TEMPLATE: &str = "k8s://{context}/{namespace}/{kind}/{name}";

/// An object that a URI names, past the fence.
pub(super) struct Target {
    cluster: Cluster,
    kind: Kind,
    namespace: Option<String>,
    name: String,
}

impl Target {
    pub(super) async fn of(source: &Kubernetes, uri: &str, cx: &Context) -> Result<Self, Refusal> {
        let unknown = || Refusal::not_found("resource", uri);
        let template = UriTemplate::parse(TEMPLATE).ok_or_else(unknown)?;
        let values = template.values(uri).ok_or_else(unknown)?;
        let value = |name: &str| values.iter().find(|(key, _)| *key == name).map(|(_, value)| value.as_str());
        let (Some(context), Some(namespace), Some(kind), Some(name)) =
            (value("context"), value("namespace"), value("kind"), value("name"))
        else {
            return Err(unknown());
        };
        let cluster = source.cluster(Some(context).filter(|context| !context.is_empty())).map_err(|_| unknown())?;
        let kind = cluster.kind(kind, None, cx).await.map_err(|_| unknown())?;
        if kind.namespaced == (namespace == "-") {
            return Err(unknown());
        }
        // What lies outside is as if it were not there.
        let namespace = source.place(cluster, &kind, Some(namespace), name).map_err(|_| unknown())?;
        Ok(Self { cluster: cluster.clone(), kind, namespace, name: name.to_owned() })
    }

    /// The object without its secrets.
    pub(super) async fn read(&self, source: &Kubernetes, uri: &str, cx: &Context) -> Result<Value, Refusal> {
        let read = resources::read(source, &self.cluster, &self.kind, self.namespace.as_deref(), &self.name, cx).await;
        read.map_err(|refusal| if errors::is_absent(&refusal) { Refusal::not_found("resource", uri) } else { refusal })
    }

    fn ask(&self, verb: &'static str) -> Ask {
        Ask::of(verb, &self.kind)
            .within(self.namespace.as_deref())
            .with("fieldSelector", format!("metadata.name={}", self.name))
    }
}

/// The watches that run.
pub(super) struct Watches {
    news: broadcast::Sender<Arc<str>>,
    running: Mutex<VecDeque<(Arc<str>, AbortHandle)>>,
}

impl fmt::Debug for Watches {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Watches").finish_non_exhaustive()
    }
}

impl Drop for Watches {
    fn drop(&mut self) {
        self.stop();
    }
}

impl Watches {
    pub(super) fn new() -> Self {
        let (news, _) = broadcast::channel(limits::CLUSTER_WATCHES_MAX * 2);
        Self { news, running: Mutex::default() }
    }

    pub(super) fn updates(&self) -> broadcast::Receiver<Arc<str>> {
        self.news.subscribe()
    }

    /// Ends all of them.
    pub(super) fn stop(&self) {
        let mut running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
        running.drain(..).for_each(|(_, watch)| watch.abort());
    }

    /// Begins to watch, if nobody does yet. The oldest watch makes room where there are too many.
    pub(super) fn begin(&self, uri: &str, target: Target) {
        let uri: Arc<str> = uri.into();
        let mut running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
        running.retain(|(_, watch)| !watch.is_finished());
        if let Some(place) = running.iter().position(|(known, _)| *known == uri) {
            if let Some(known) = running.remove(place) {
                running.push_back(known);
            }
            return;
        }
        while running.len() >= limits::CLUSTER_WATCHES_MAX {
            if let Some((_, oldest)) = running.pop_front() {
                oldest.abort();
            }
        }
        let news = self.news.clone();
        let watch = tokio::spawn(follow(uri.clone(), target, news));
        running.push_back((uri, watch.abort_handle()));
    }
}

/// Watches one object for as long as the source lives. What happened between two watches is told when the second begins.
async fn follow(uri: Arc<str>, target: Target, news: broadcast::Sender<Arc<str>>) {
    let cx = Context::new("watch", portwright_core::TransportKind::InProcess);
    let (first, longest) = limits::CLUSTER_WATCH_PAUSE;
    let mut pause = first;
    let mut last: Option<String> = None;
    loop {
        if let Ok(list) = target.cluster.json(&target.ask("list").with("limit", 1), &cx).await {
            let version = list["items"][0]["metadata"]["resourceVersion"].as_str().unwrap_or_default().to_owned();
            if last.as_ref().is_some_and(|last| *last != version) {
                let _ = news.send(uri.clone());
            }
            last = Some(version);
            let from = list["metadata"]["resourceVersion"].as_str().unwrap_or_default();
            if watch(&uri, &target, from, &mut last, &news).await.is_ok() {
                pause = first;
                continue;
            }
        }
        tokio::time::sleep(pause).await;
        pause = (pause * 2).min(longest);
    }
}

/// One watch, until the cluster ends it.
async fn watch(
    uri: &Arc<str>,
    target: &Target,
    from: &str,
    last: &mut Option<String>,
    news: &broadcast::Sender<Arc<str>>,
) -> Result<(), Refusal> {
    let ask = target
        .ask("watch")
        .with("watch", true)
        .with("resourceVersion", from)
        .with("timeoutSeconds", limits::CLUSTER_WATCH_WAIT.as_secs());
    let events = target.cluster.client().request_events::<Value>(ask.request()?).await.map_err(errors::unreachable)?;
    pin_mut!(events);
    while let Some(event) = events.try_next().await.map_err(errors::unreachable)? {
        match event {
            WatchEvent::Added(object) | WatchEvent::Modified(object) => {
                *last = object["metadata"]["resourceVersion"].as_str().map(str::to_owned);
                let _ = news.send(uri.clone());
            }
            WatchEvent::Deleted(_) => {
                *last = Some(String::new());
                let _ = news.send(uri.clone());
            }
            WatchEvent::Bookmark(_) => {}
            WatchEvent::Error(_) => return Err(Refusal::unavailable("the watch ended")),
        }
    }
    Ok(())
}
