//! Objects of any kind: lists, and one of them in full.

use std::sync::Arc;

use portwright_core::{Context, Refusal};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::events;
use super::rows::{self, Page, Wanted};
use crate::kubernetes::cluster::{Ask, Cluster};
use crate::kubernetes::kinds::Kind;
use crate::kubernetes::mask;
use crate::kubernetes::source::Kubernetes;
use crate::shared::own::{Answer, OwnTool, tool};

pub(super) fn tools() -> Vec<OwnTool<Kubernetes>> {
    let kind = [("resourceType", "kind")];
    vec![
        tool(
            "resources_list",
            "List objects",
            "Objects of any kind as a table: `Deployment`, `deploy`, `certificates.cert-manager.io`. Without `namespace` \
             of all. Go on with `continue` where `next` comes back.",
            list,
        )
        .in_set("core")
        .alias_with("kubectl_get", &kind, &[]),
        tool(
            "resources_get",
            "Get an object",
            "One object in full. Secret values are masked.",
            get,
        )
        .in_set("core")
        .alias_with("kubectl_describe", &kind, &[("also", "events")]),
    ]
}

#[derive(Deserialize, JsonSchema)]
struct List {
    /// Kind, plural or short name
    kind: String,
    /// Where a kind is in several
    #[serde(default, rename = "apiVersion")]
    api_version: Option<String>,
    /// Default: all
    #[serde(default)]
    namespace: Option<String>,
    /// Only this one
    #[serde(default)]
    name: Option<String>,
    /// `app=web,tier!=db`
    #[serde(default, rename = "labelSelector")]
    label_selector: Option<String>,
    /// `status.phase=Pending`
    #[serde(default, rename = "fieldSelector")]
    field_selector: Option<String>,
    /// Most rows
    #[serde(default)]
    limit: Option<usize>,
    /// `next` of the page before
    #[serde(default, rename = "continue")]
    from: Option<String>,
    /// Which cluster
    #[serde(default)]
    context: Option<String>,
}

async fn list(source: Arc<Kubernetes>, asked: List, cx: Context) -> Result<Answer<Page>, Refusal> {
    let cluster = source.cluster(asked.context.as_deref())?;
    let kind = cluster.kind(&asked.kind, asked.api_version.as_deref(), &cx).await?;
    let by_name = asked.name.as_ref().map(|name| format!("metadata.name={name}"));
    let fields: Vec<String> = by_name.into_iter().chain(asked.field_selector).collect();
    let fields = fields.join(",");
    let wanted = Wanted {
        namespace: asked.namespace.as_deref(),
        labels: asked.label_selector.as_deref(),
        fields: (!fields.is_empty()).then_some(&*fields),
        limit: asked.limit,
        from: asked.from.as_deref(),
    };
    rows::list(&source, cluster, &kind, wanted, &cx).await
}

#[derive(Deserialize, JsonSchema)]
struct Get {
    /// Kind, plural or short name
    kind: String,
    /// Its name
    name: String,
    /// Where a kind is in several
    #[serde(default, rename = "apiVersion")]
    api_version: Option<String>,
    /// Default: the context's
    #[serde(default)]
    namespace: Option<String>,
    /// Only this part: `spec.template`
    #[serde(default)]
    part: Option<String>,
    /// What else to tell
    #[serde(default)]
    also: Option<Also>,
    /// Which cluster
    #[serde(default)]
    context: Option<String>,
}

#[derive(Deserialize, JsonSchema, Clone, Copy)]
#[serde(rename_all = "lowercase")]
enum Also {
    Events,
}

/// An object as it is told.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Shown {
    object: Value,
    events: Option<Vec<String>>,
    note: Option<String>,
}

async fn get(source: Arc<Kubernetes>, asked: Get, cx: Context) -> Result<Answer<Shown>, Refusal> {
    let cluster = source.cluster(asked.context.as_deref())?;
    let kind = cluster.kind(&asked.kind, asked.api_version.as_deref(), &cx).await?;
    let object = read(&source, cluster, &kind, asked.namespace.as_deref(), &asked.name, &cx).await?;
    let events = match asked.also {
        Some(Also::Events) => Some(events::of_object(&source, cluster, &object, &cx).await?),
        None => None,
    };
    Ok(shown(object, asked.part.as_deref(), events, source.plan.bytes_max, &cx))
}

/// Reads an object, without its secrets.
pub(in crate::kubernetes) async fn read(
    source: &Kubernetes,
    cluster: &Cluster,
    kind: &Kind,
    namespace: Option<&str>,
    name: &str,
    cx: &Context,
) -> Result<Value, Refusal> {
    let place = source.place(cluster, kind, namespace, name)?;
    let ask = Ask::of("get", kind).within(place.as_deref()).named(name);
    let mut object = cluster.json(&ask, cx).await?;
    mask::object(&mut object);
    Ok(object)
}

/// An object, or a part of it, within its bytes: one that is too large is told by the sizes of its parts.
pub(super) fn shown(
    object: Value,
    part: Option<&str>,
    events: Option<Vec<String>>,
    bytes_max: usize,
    cx: &Context,
) -> Answer<Shown> {
    let mut object = match part.filter(|part| !part.is_empty()) {
        Some(path) => part_of(&object, path),
        None => object,
    };
    let mut note = None;
    if object.to_string().len() > bytes_max {
        cx.note(|trail| trail.truncated = true);
        note = Some("too large: these are the bytes of its parts; ask for one by `part`".to_owned());
        object = outline(&object);
    }
    let mut text = serde_saphyr::to_string(&object).unwrap_or_else(|_| object.to_string());
    if let Some(events) = &events {
        text.push_str("\nEvents:\n");
        text.push_str(if events.is_empty() { "none" } else { "" });
        text.push_str(&events.join("\n"));
    }
    if let Some(note) = &note {
        text = format!("({note})\n{text}");
    }
    Answer::told(Shown { object, events, note }, text)
}

fn part_of(object: &Value, path: &str) -> Value {
    let mut at = object;
    for key in path.split(['.', '[', ']']).filter(|key| !key.is_empty()) {
        at = match key.parse::<usize>() {
            Ok(index) if at.is_array() => &at[index],
            _ => &at[key],
        };
    }
    at.clone()
}

fn outline(object: &Value) -> Value {
    let size = |value: &Value| json!(value.to_string().len());
    match object {
        Value::Object(map) => {
            let sized = |(key, value): (&String, &Value)| match value {
                Value::Object(inner) if value.to_string().len() > 1024 => {
                    let inner = inner.iter().take(50).map(|(key, value)| (key.clone(), size(value)));
                    (key.clone(), Value::Object(inner.collect()))
                }
                other => (key.clone(), size(other)),
            };
            Value::Object(map.iter().take(50).map(sized).collect())
        }
        Value::Array(list) => Value::Array(list.iter().take(50).map(size).collect()),
        other => size(other),
    }
}
