//! Streams of the server's own messages: `subscriptions/listen` (2026-07-28) and the standing stream of a session.

use std::sync::Arc;

use portwright_core::protocol::SubscriptionFilter;
use serde_json::{Value, json};
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::RecvError;

use super::Speaker;
use super::envelope::Id;
use super::errors::WireError;
use super::params::{self, Params};
use super::reply::{self, ServerInfo};
use super::tasks::{self, Task};
use crate::catalog::Changed;
use crate::server::Engine;

/// Where a stream hears of what it tells.
#[derive(Debug)]
pub(crate) struct Ears {
    lists: Receiver<Changed>,
    tasks: Receiver<Arc<Task>>,
    /// Whether the tasks that are followed were looked at once: they may have changed before anybody listened.
    caught_up: bool,
}

impl Ears {
    pub(crate) fn of(engine: &Engine) -> Self {
        Self { lists: engine.supervisor.changes(), tasks: engine.tasks.changes(), caught_up: false }
    }
}

/// What a stream tells of.
#[derive(Debug, Clone)]
pub(crate) struct Listening {
    wants: Changed,
    tasks: Vec<Arc<Task>>,
    /// The id of the `subscriptions/listen`; none for a session's stream.
    subscription: Option<Id>,
}

impl Listening {
    /// A session's stream: all lists.
    pub(crate) fn session() -> Self {
        let wants = Changed { tools: true, resources: true, prompts: true };
        Self { wants, tasks: Vec::new(), subscription: None }
    }

    /// Reads the parameters of `subscriptions/listen`.
    pub(crate) fn read(engine: &Engine, speaker: &Speaker, id: &Id, params: &Params<'_>) -> Result<Self, WireError> {
        let notifications: SubscriptionFilter = params::read("notifications", params.notifications)?;
        let tasks = tasks::followed(engine, speaker, params.notifications)?;
        let wants = Changed {
            tools: notifications.tools_list_changed == Some(true),
            resources: notifications.resources_list_changed == Some(true),
            prompts: notifications.prompts_list_changed == Some(true),
        };
        Ok(Self { wants, tasks, subscription: Some(id.clone()) })
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
        if !self.tasks.is_empty() {
            let ids = self.tasks.iter().map(|task| task.id());
            honoured.insert("taskIds".to_owned(), ids.collect());
        }
        let mut params = json!({"notifications": honoured});
        self.tag(&mut params);
        reply::notification("notifications/subscriptions/acknowledged", &params)
    }

    /// Waits for something to tell; none, if there will be no more.
    pub(crate) async fn hear(&self, ears: &mut Ears) -> Option<Vec<Vec<u8>>> {
        if !std::mem::replace(&mut ears.caught_up, true) {
            return Some(self.tasks.iter().filter(|task| !task.is_working()).map(|task| self.told(task)).collect());
        }
        tokio::select! {
            changed = ears.lists.recv() => Some(self.messages(match changed {
                Ok(changed) => changed,
                Err(RecvError::Lagged(_)) => Changed { tools: true, resources: true, prompts: true },
                Err(RecvError::Closed) => return None,
            })),
            task = ears.tasks.recv(), if !self.tasks.is_empty() => Some(match task {
                Ok(task) => self.tasks.iter().filter(|one| one.id() == task.id()).map(|one| self.told(one)).collect(),
                Err(RecvError::Lagged(_)) => self.tasks.iter().map(|task| self.told(task)).collect(),
                Err(RecvError::Closed) => return None,
            }),
        }
    }

    fn told(&self, task: &Task) -> Vec<u8> {
        let mut params = task.notice();
        self.tag(&mut params);
        reply::notification("notifications/tasks", &params)
    }

    /// The messages that tell of a change.
    fn messages(&self, changed: Changed) -> Vec<Vec<u8>> {
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
