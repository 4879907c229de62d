//! Streams of the server's own messages: `subscriptions/listen` (2026-07-28) and the standing stream of a session.

use std::sync::Arc;

use portwright_core::protocol::SubscriptionFilter;
use portwright_core::{Operation, limits};
use serde_json::{Value, json};
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::RecvError;
use tokio_util::sync::CancellationToken;

use super::envelope::Id;
use super::errors::WireError;
use super::legacy::Session;
use super::params::{self, Params};
use super::reply::{self, ServerInfo};
use super::tasks::{self, Followed};
use super::watched::Watched;
use super::{Speaker, dispatch};
use crate::catalog::{Catalog, Changed, News};
use crate::engine::Engine;

/// Where a stream hears of what it tells.
#[derive(Debug)]
pub(crate) struct Ears {
    news: Receiver<News>,
    tasks: Receiver<Arc<str>>,
    /// Whether the tasks that are followed were looked at once: they may have changed before anybody listened.
    caught_up: bool,
}

impl Ears {
    pub(crate) fn of(engine: &Engine) -> Self {
        Self { news: engine.supervisor.changes(), tasks: engine.tasks.changes(), caught_up: false }
    }

    /// Whether there is no news of lists and resources that was not told yet.
    pub(crate) fn have_heard_all(&self) -> bool {
        self.news.is_empty()
    }
}

/// What a stream tells of.
#[derive(Debug, Clone)]
pub(crate) struct Listening {
    wants: Changed,
    watched: Arc<Watched>,
    tasks: Vec<Followed>,
    /// The id of the `subscriptions/listen`; none for a session's stream.
    subscription: Option<Id>,
}

impl Listening {
    /// A session's stream: all lists, and the resources that the session subscribes to.
    pub(crate) fn session(session: &Session) -> Self {
        let wants = Changed { tools: true, resources: true, prompts: true };
        Self { wants, watched: session.watched.clone(), tasks: Vec::new(), subscription: None }
    }

    /// Reads the parameters of `subscriptions/listen`. The resources that it names are still to be
    /// [admitted](Wish::admit).
    pub(crate) fn read(engine: &Engine, speaker: &Speaker, id: &Id, params: &Params<'_>) -> Result<Wish, WireError> {
        let notifications: SubscriptionFilter = params::read("notifications", params.notifications)?;
        let tasks = tasks::followed(engine, speaker, params.notifications)?;
        let wants = Changed {
            tools: notifications.tools_list_changed == Some(true),
            resources: notifications.resources_list_changed == Some(true),
            prompts: notifications.prompts_list_changed == Some(true),
        };
        let uris = notifications.resource_subscriptions.unwrap_or_default();
        if uris.len() > limits::WATCHED_MAX {
            let words = format!("`resourceSubscriptions` may name {} resources", limits::WATCHED_MAX);
            return Err(WireError::invalid_params(words));
        }
        let listening = Self { wants, watched: Arc::default(), tasks, subscription: Some(id.clone()) };
        Ok(Wish { listening, uris })
    }

    /// The first message of a subscription: what of it is honoured.
    pub(crate) fn acknowledged(&self) -> Vec<u8> {
        let mut honoured = serde_json::Map::new();
        for (key, wanted) in [
            ("toolsListChanged", self.wants.tools),
            ("resourcesListChanged", self.wants.resources),
            ("promptsListChanged", self.wants.prompts),
        ] {
            if wanted {
                honoured.insert(key.to_owned(), true.into());
            }
        }
        let watched = self.watched.all();
        if !watched.is_empty() {
            honoured.insert("resourceSubscriptions".to_owned(), json!(watched));
        }
        if !self.tasks.is_empty() {
            honoured.insert("taskIds".to_owned(), self.tasks.iter().map(|task| Value::from(&*task.id)).collect());
        }
        let mut params = json!({"notifications": honoured});
        self.tag(&mut params);
        reply::notification("notifications/subscriptions/acknowledged", &params)
    }

    /// Waits for something to tell; none, if there will be no more.
    pub(crate) async fn hear(&self, ears: &mut Ears) -> Option<Vec<Vec<u8>>> {
        if !std::mem::replace(&mut ears.caught_up, true) {
            return Some(self.told(self.tasks.iter().filter_map(|task| task.notice(false))));
        }
        tokio::select! {
            news = ears.news.recv() => Some(self.messages(&match news {
                Ok(news) => news,
                Err(RecvError::Lagged(_)) => News::Missed,
                Err(RecvError::Closed) => return None,
            })),
            task = ears.tasks.recv(), if !self.tasks.is_empty() => Some(match task {
                Ok(id) => self.told(self.tasks.iter().filter(|task| task.id == id).filter_map(|task| task.notice(true))),
                Err(RecvError::Lagged(_)) => self.told(self.tasks.iter().filter_map(|task| task.notice(true))),
                Err(RecvError::Closed) => return None,
            }),
        }
    }

    fn told(&self, notices: impl Iterator<Item = Value>) -> Vec<Vec<u8>> {
        let tell = |mut params: Value| {
            self.tag(&mut params);
            reply::notification("notifications/tasks", &params)
        };
        notices.map(tell).collect()
    }

    /// The messages that tell the news.
    pub(crate) fn messages(&self, news: &News) -> Vec<Vec<u8>> {
        match news {
            News::Lists(changed) => self.lists(*changed),
            News::Updated(uri) if self.watched.contains(uri) => vec![self.updated(uri)],
            News::Updated(_) => Vec::new(),
            News::Missed => {
                let mut messages = self.lists(Changed { tools: true, resources: true, prompts: true });
                messages.extend(self.watched());
                messages
            }
        }
    }

    /// The messages that tell that all that is watched changed.
    pub(crate) fn watched(&self) -> Vec<Vec<u8>> {
        self.watched.all().iter().map(|uri| self.updated(uri)).collect()
    }

    fn updated(&self, uri: &str) -> Vec<u8> {
        let mut params = json!({"uri": uri});
        self.tag(&mut params);
        reply::notification("notifications/resources/updated", &params)
    }

    fn lists(&self, changed: Changed) -> Vec<Vec<u8>> {
        let told = [
            ("notifications/tools/list_changed", self.wants.tools && changed.tools),
            ("notifications/resources/list_changed", self.wants.resources && changed.resources),
            ("notifications/prompts/list_changed", self.wants.prompts && changed.prompts),
        ];
        let tell = |(method, _): (&str, bool)| {
            let mut params = json!({});
            self.tag(&mut params);
            reply::notification(method, &params)
        };
        told.into_iter().filter(|told| told.1).map(tell).collect()
    }

    /// Tells a client whose messages share one way that the server ends its subscription (specification,
    /// "Cancellation"). Where a subscription has a stream of its own, that stream ends.
    pub(crate) fn torn_down(&self) -> Option<Vec<u8>> {
        let id: Value = serde_json::from_str(self.subscription.as_ref()?.as_json()).ok()?;
        let params = json!({"requestId": id, "reason": "the server is stopping"});
        Some(reply::notification("notifications/cancelled", &params))
    }

    /// The result that ends a subscription in good order.
    pub(crate) fn ended(&self, info: &ServerInfo) -> Option<Vec<u8>> {
        let id = self.subscription.as_ref()?;
        let mut result = json!({"resultType": "complete", "_meta": {}});
        if let Ok(Value::Object(meta)) = serde_json::from_str(info.meta()) {
            result["_meta"] = meta.into();
        }
        self.tag(&mut result);
        let outcome = reply::Outcome::Result(reply::json(&result));
        Some(reply::answer(Some(id), outcome, None).bytes)
    }

    fn tag(&self, params: &mut Value) {
        if let Some(id) = &self.subscription
            && let Ok(id) = serde_json::from_str::<Value>(id.as_json())
        {
            params["_meta"]["io.modelcontextprotocol/subscriptionId"] = id;
        }
    }
}

/// A subscription that was asked for.
#[derive(Debug)]
pub(crate) struct Wish {
    listening: Listening,
    uris: Vec<String>,
}

impl Wish {
    /// Asks for each resource, as the caller and through the chain; what is refused is left out.
    pub(crate) async fn admit(self, engine: &Arc<Engine>, catalog: &Arc<Catalog>, speaker: &Speaker) -> Listening {
        let asked = self.uris.into_iter().map(|uri| async move {
            let cx = engine.context(speaker, catalog, CancellationToken::new(), None, None);
            let (operation, result) = dispatch::call(catalog, Operation::Subscribe { uri }, &cx).await;
            result.is_ok().then_some(operation)
        });
        for operation in futures::future::join_all(asked).await.into_iter().flatten() {
            // What is too much is not honoured either.
            let _ = self.listening.watched.add(operation.name());
        }
        self.listening
    }
}
