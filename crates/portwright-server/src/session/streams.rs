//! Streams of the server's own messages: `subscriptions/listen` (2026-07-28) and the standing stream of a session.

use portwright_core::protocol::SubscriptionFilter;
use serde_json::{Value, json};
use tokio::sync::broadcast::error::RecvError;

use super::envelope::Id;
use super::errors::WireError;
use super::params::{self, Params};
use super::reply::{self, ServerInfo};
use crate::catalog::Changed;

/// What was heard of a change; all of it, if some was missed; none, if there will be no more.
pub(crate) fn heard(changed: Result<Changed, &RecvError>) -> Option<Changed> {
    match changed {
        Ok(changed) => Some(changed),
        Err(RecvError::Lagged(_)) => Some(Changed { tools: true, resources: true, prompts: true }),
        Err(RecvError::Closed) => None,
    }
}

/// What a stream tells of.
#[derive(Debug, Clone)]
pub(crate) struct Listening {
    wants: Changed,
    /// The id of the `subscriptions/listen`; none for a session's stream.
    subscription: Option<Id>,
}

impl Listening {
    /// A session's stream: all lists.
    pub(crate) fn session() -> Self {
        Self { wants: Changed { tools: true, resources: true, prompts: true }, subscription: None }
    }

    /// Reads the parameters of `subscriptions/listen`.
    pub(crate) fn read(id: &Id, params: &Params<'_>) -> Result<Self, WireError> {
        let notifications: SubscriptionFilter = params::read("notifications", params.notifications)?;
        let wants = Changed {
            tools: notifications.tools_list_changed == Some(true),
            resources: notifications.resources_list_changed == Some(true),
            prompts: notifications.prompts_list_changed == Some(true),
        };
        Ok(Self { wants, subscription: Some(id.clone()) })
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
        let mut params = json!({"notifications": honoured});
        self.tag(&mut params);
        reply::notification("notifications/subscriptions/acknowledged", &params)
    }

    /// The messages that tell of a change.
    pub(crate) fn messages(&self, changed: Changed) -> Vec<Vec<u8>> {
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
