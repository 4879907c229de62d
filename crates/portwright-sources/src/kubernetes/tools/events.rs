//! Events: what the cluster itself has noticed, the latest first.

use std::sync::Arc;

use portwright_core::{Context, Refusal, limits};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value;

use super::rows::{self, Page};
use crate::kubernetes::cluster::{Ask, Cluster};
use crate::kubernetes::kinds::Kind;
use crate::kubernetes::mask;
use crate::kubernetes::source::Kubernetes;
use crate::shared::own::{Answer, OwnTool, tool};

/// Events that are read to find the latest.
const READ_MAX: usize = 2000;
/// Events of one answer of the cluster.
const PAGE: usize = 500;

pub(super) fn tools() -> Vec<OwnTool<Kubernetes>> {
    vec![
        tool(
            "events_list",
            "List events",
            "What happened lately, the latest first: scheduling, pulls, probes, restarts. Use it when something does not \
             start or run.",
            list,
        )
        .in_set("core"),
    ]
}

#[derive(Deserialize, JsonSchema)]
struct List {
    /// Default: all
    #[serde(default)]
    namespace: Option<String>,
    /// `type=Warning`, `involvedObject.name=web-1`
    #[serde(default, rename = "fieldSelector")]
    field_selector: Option<String>,
    /// Most rows
    #[serde(default)]
    limit: Option<usize>,
    /// Which cluster
    #[serde(default)]
    context: Option<String>,
}

async fn list(source: Arc<Kubernetes>, asked: List, cx: Context) -> Result<Answer<Page>, Refusal> {
    let cluster = source.cluster(asked.context.as_deref())?;
    let fields = asked.field_selector.as_deref();
    let (page, text) = latest(&source, cluster, asked.namespace.as_deref(), fields, asked.limit, &cx).await?;
    Ok(Answer::told(page, text))
}

/// The latest events, and the same for reading.
pub(in crate::kubernetes) async fn latest(
    source: &Kubernetes,
    cluster: &Cluster,
    namespace: Option<&str>,
    fields: Option<&str>,
    limit: Option<usize>,
    cx: &Context,
) -> Result<(Page, String), Refusal> {
    let kind = Kind::event();
    let places = rows::places(source, &kind, namespace)?;
    let mut events = Vec::new();
    let mut whole = true;
    for place in &places {
        whole &= gather(cluster, place.as_deref(), fields, &mut events, cx).await?;
    }
    events.sort_by_key(|event| std::cmp::Reverse(when(event).to_owned()));
    let limit = source.items(limit);
    let found = events.len();
    events.truncate(limit);
    let columns = ["Last", "Namespace", "Type", "Reason", "Object", "Count", "Message"];
    let mut page = Page {
        columns: columns.map(str::to_owned).to_vec(),
        rows: events.iter().map(row).collect(),
        ..Page::default()
    };
    if found > limit || !whole {
        cx.note(|trail| trail.truncated = true);
        let more = if whole { "" } else { "more than " };
        page.note = Some(format!("{limit} of {more}{found}: narrow them by `namespace` or `fieldSelector`"));
    }
    Ok(rows::finished(page, "no events: clusters keep them for about an hour", source.plan.bytes_max, cx))
}

/// Adds the events of a namespace; false if there are more than are read.
async fn gather(
    cluster: &Cluster,
    namespace: Option<&str>,
    fields: Option<&str>,
    events: &mut Vec<Value>,
    cx: &Context,
) -> Result<bool, Refusal> {
    let mut token: Option<String> = None;
    loop {
        let ask = Ask::of("list", &Kind::event())
            .within(namespace)
            .with_some("fieldSelector", fields)
            .with_some("continue", token.take())
            .with("limit", PAGE);
        let mut answer = cluster.json(&ask, cx).await?;
        token = answer["metadata"]["continue"].as_str().filter(|token| !token.is_empty()).map(str::to_owned);
        if let Value::Array(items) = answer["items"].take() {
            events.extend(items);
        }
        if token.is_none() {
            return Ok(true);
        }
        if events.len() >= READ_MAX {
            return Ok(false);
        }
    }
}

/// The events that tell of one object, a line each, the latest first.
pub(in crate::kubernetes) async fn of_object(
    source: &Kubernetes,
    cluster: &Cluster,
    object: &Value,
    cx: &Context,
) -> Result<Vec<String>, Refusal> {
    source.plan.fence.check_kind(&Kind::event())?;
    let metadata = &object["metadata"];
    let name = metadata["name"].as_str().unwrap_or_default();
    let kind = object["kind"].as_str().unwrap_or_default();
    let fields = format!("involvedObject.kind={kind},involvedObject.name={name}");
    let mut events = Vec::new();
    gather(cluster, metadata["namespace"].as_str(), Some(&fields), &mut events, cx).await?;
    events.sort_by_key(|event| std::cmp::Reverse(when(event).to_owned()));
    events.truncate(limits::CLUSTER_EVENTS_MAX);
    let line = |event: &Value| {
        let [last, _, kind, reason, _, count, message] = cells(event);
        let count = if count == "1" || count.is_empty() { String::new() } else { format!(" (x{count})") };
        format!("{last} {kind} {reason}{count}: {message}")
    };
    Ok(events.iter().map(line).collect())
}

fn row(event: &Value) -> Vec<String> {
    cells(event).to_vec()
}

fn cells(event: &Value) -> [String; 7] {
    let text = |value: &Value| mask::text(value.as_str().unwrap_or_default()).into_owned();
    let about = &event["involvedObject"];
    let count = event["count"].as_u64().or_else(|| event["series"]["count"].as_u64()).unwrap_or(1);
    let message = text(&event["message"]);
    let end = message.floor_char_boundary(limits::CLUSTER_WORDS_BYTES_MAX);
    [
        when(event).to_owned(),
        text(&event["metadata"]["namespace"]),
        text(&event["type"]),
        text(&event["reason"]),
        format!("{}/{}", text(&about["kind"]), text(&about["name"])),
        count.to_string(),
        message[..end].trim().replace('\n', " "),
    ]
}

/// When it was seen last.
fn when(event: &Value) -> &str {
    let times = [&event["series"]["lastObservedTime"], &event["lastTimestamp"], &event["eventTime"]];
    let created = event["metadata"]["creationTimestamp"].as_str();
    times.iter().find_map(|time| time.as_str()).or(created).unwrap_or_default()
}
