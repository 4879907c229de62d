//! What pods and nodes use, and what a node's kubelet tells of itself.

use std::sync::Arc;

use portwright_core::{Context, Refusal};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::rows::{self, Page};
use crate::kubernetes::cluster::{Ask, Cluster};
use crate::kubernetes::errors;
use crate::kubernetes::kinds::Kind;
use crate::kubernetes::mask;
use crate::kubernetes::source::Kubernetes;
use crate::shared::own::{Answer, OwnTool, tool};

pub(super) fn tools() -> Vec<OwnTool<Kubernetes>> {
    vec![
        tool("pods_top", "Pods' use", "CPU and memory that pods use now; needs the Metrics API.", pods).in_set("core"),
        tool("nodes_top", "Nodes' use", "The same of nodes, with how much they have.", nodes).in_set("core"),
        tool(
            "nodes_log",
            "Read a node's log",
            "Log lines of a node's service, such as `kubelet`, or of a file under its /var/log.",
            log,
        )
        .in_set("core"),
        tool(
            "nodes_stats_summary",
            "A node's statistics",
            "CPU, memory, file systems and pressure of a node, and of its pods, as its kubelet measures them.",
            stats,
        )
        .in_set("core"),
    ]
}

#[derive(Deserialize, JsonSchema)]
struct PodsTop {
    /// Its name
    #[serde(default)]
    name: Option<String>,
    /// Default: the context's
    #[serde(default)]
    namespace: Option<String>,
    /// Of all namespaces
    #[serde(default)]
    all_namespaces: bool,
    /// `app=web`
    #[serde(default)]
    label_selector: Option<String>,
    /// Which cluster
    #[serde(default)]
    context: Option<String>,
}

fn metrics(kind: &str, plural: &str, namespaced: bool) -> Kind {
    Kind::built_in("metrics.k8s.io", "v1beta1", kind, plural, namespaced)
}

async fn measured(cluster: &Cluster, ask: &Ask, cx: &Context) -> Result<Vec<Value>, Refusal> {
    let mut answer = cluster.json(ask, cx).await.map_err(|refusal| {
        let words = "the cluster has no Metrics API: its operator has to install metrics-server";
        if errors::is_unknown(&refusal) { Refusal::failed(words).because(refusal) } else { refusal }
    })?;
    Ok(match answer["items"].take() {
        Value::Array(items) => items,
        _ => vec![answer],
    })
}

async fn pods(source: Arc<Kubernetes>, asked: PodsTop, cx: Context) -> Result<Answer<Page>, Refusal> {
    let cluster = source.cluster(asked.context.as_deref())?;
    source.plan.fence.check_kind(&Kind::pod())?;
    let kind = metrics("PodMetrics", "pods", true);
    let places = if asked.all_namespaces && asked.name.is_none() {
        rows::places(&source, &kind, None)?
    } else {
        vec![Some(source.namespace(cluster, asked.namespace.as_deref())?)]
    };
    let mut used = Vec::new();
    for place in &places {
        let ask = Ask::of(if asked.name.is_some() { "get" } else { "list" }, &kind)
            .within(place.as_deref())
            .with_some("labelSelector", asked.label_selector.as_deref());
        let ask = match &asked.name {
            Some(name) => ask.named(name),
            None => ask,
        };
        used.extend(measured(cluster, &ask, &cx).await?);
    }
    let mut lines: Vec<(i64, Vec<String>)> = Vec::new();
    for pod in &used {
        for container in pod["containers"].as_array().into_iter().flatten() {
            let (cpu, memory) = (cpu(&container["usage"]["cpu"]), memory(&container["usage"]["memory"]));
            let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
            let of = &pod["metadata"];
            let cells =
                vec![text(&of["namespace"]), text(&of["name"]), text(&container["name"]), millis(cpu), mebi(memory)];
            lines.push((cpu, cells));
        }
    }
    lines.sort_by_key(|(cpu, _)| std::cmp::Reverse(*cpu));
    let columns = ["Namespace", "Pod", "Container", "CPU", "Memory"].map(str::to_owned).to_vec();
    Ok(page(columns, lines, &source, &cx))
}

fn page(columns: Vec<String>, lines: Vec<(i64, Vec<String>)>, source: &Kubernetes, cx: &Context) -> Answer<Page> {
    let found = lines.len();
    let rows: Vec<_> = lines.into_iter().map(|(_, cells)| cells).take(source.plan.items_max).collect();
    let cut = found > rows.len();
    let note = cut.then(|| format!("the {} that use most CPU, of {found}", rows.len()));
    if cut {
        cx.note(|trail| trail.truncated = true);
    }
    rows::told(Page { columns, rows, note, next: None }, "nothing is measured yet", source.plan.bytes_max, cx)
}

#[derive(Deserialize, JsonSchema)]
struct NodesTop {
    /// Its name
    #[serde(default)]
    name: Option<String>,
    /// `app=web`
    #[serde(default)]
    label_selector: Option<String>,
    /// Which cluster
    #[serde(default)]
    context: Option<String>,
}

async fn nodes(source: Arc<Kubernetes>, asked: NodesTop, cx: Context) -> Result<Answer<Page>, Refusal> {
    let cluster = source.cluster(asked.context.as_deref())?;
    source.plan.fence.check_cluster_wide("nodes")?;
    source.plan.fence.check_kind(&Kind::node())?;
    let ask = |kind: &Kind| {
        let ask = Ask::of(if asked.name.is_some() { "get" } else { "list" }, kind)
            .with_some("labelSelector", asked.label_selector.as_deref());
        match &asked.name {
            Some(name) => ask.named(name),
            None => ask,
        }
    };
    let used = measured(cluster, &ask(&metrics("NodeMetrics", "nodes", false)), &cx).await?;
    let known = measured(cluster, &ask(&Kind::node()), &cx).await?;
    let lines = used.iter().map(|node| {
        let name = &node["metadata"]["name"];
        let all =
            known.iter().find(|known| known["metadata"]["name"] == *name).map(|known| &known["status"]["allocatable"]);
        let (used_cpu, used_memory) = (cpu(&node["usage"]["cpu"]), memory(&node["usage"]["memory"]));
        let share = |used: i64, all: Option<i64>| match all {
            Some(all) if all > 0 => format!("{}%", used.saturating_mul(100) / all),
            _ => String::new(),
        };
        let cells = vec![
            name.as_str().unwrap_or_default().to_owned(),
            millis(used_cpu),
            share(used_cpu, all.map(|all| cpu(&all["cpu"]))),
            mebi(used_memory),
            share(used_memory, all.map(|all| memory(&all["memory"]))),
        ];
        (used_cpu, cells)
    });
    let mut lines: Vec<_> = lines.collect();
    lines.sort_by_key(|(cpu, _)| std::cmp::Reverse(*cpu));
    let columns = ["Node", "CPU", "CPU share", "Memory", "Memory share"].map(str::to_owned).to_vec();
    Ok(page(columns, lines, &source, &cx))
}

/// Thousandths of a core.
fn cpu(value: &Value) -> i64 {
    let Some(text) = value.as_str() else { return value.as_i64().unwrap_or(0) * 1000 };
    let number = |digits: &str, times: f64| digits.parse::<f64>().unwrap_or(0.0) * times;
    let millis = match text.strip_suffix(['n', 'u', 'm']) {
        Some(digits) if text.ends_with('n') => number(digits, 1e-6),
        Some(digits) if text.ends_with('u') => number(digits, 1e-3),
        Some(digits) => number(digits, 1.0),
        None => number(text, 1000.0),
    };
    whole(millis)
}

/// Bytes.
fn memory(value: &Value) -> i64 {
    let Some(text) = value.as_str() else { return value.as_i64().unwrap_or(0) };
    let units: [(&str, f64); 9] = [
        ("Ki", 1024.0),
        ("Mi", 1_048_576.0),
        ("Gi", 1_073_741_824.0),
        ("Ti", 1_099_511_627_776.0),
        ("k", 1e3),
        ("M", 1e6),
        ("G", 1e9),
        ("T", 1e12),
        ("m", 1e-3),
    ];
    let found = units.iter().find_map(|(unit, times)| Some((text.strip_suffix(unit)?, *times)));
    let (digits, times) = found.unwrap_or((text, 1.0));
    whole(digits.parse::<f64>().unwrap_or(0.0) * times)
}

#[expect(clippy::cast_possible_truncation, reason = "a float too large becomes the largest number")]
fn whole(number: f64) -> i64 {
    number.round() as i64
}

fn millis(cpu: i64) -> String {
    format!("{cpu}m")
}

fn mebi(bytes: i64) -> String {
    format!("{}Mi", bytes / 1_048_576)
}

#[derive(Deserialize, JsonSchema)]
struct NodeLog {
    /// Its name
    name: String,
    /// A service or a file
    query: String,
    /// Lines; default 100
    #[serde(default, rename = "tailLines")]
    tail_lines: Option<u32>,
    /// Which cluster
    #[serde(default)]
    context: Option<String>,
}

#[derive(Serialize, JsonSchema)]
struct Text {
    text: String,
    note: Option<String>,
}

fn proxied(source: &Kubernetes, name: &str, path: &[&str]) -> Result<Ask, Refusal> {
    source.plan.fence.check_cluster_wide("nodes")?;
    source.plan.fence.check_kind(&Kind::node())?;
    let mut all = vec!["proxy"];
    all.extend(path);
    Ok(Ask::of("get", &Kind::node()).named(name).sub(&all).for_text())
}

async fn log(source: Arc<Kubernetes>, asked: NodeLog, cx: Context) -> Result<Answer<Text>, Refusal> {
    let cluster = source.cluster(asked.context.as_deref())?;
    let lines = asked.tail_lines.unwrap_or(portwright_core::limits::CLUSTER_LOG_LINES);
    let ask = proxied(&source, &asked.name, &["logs"])?.with("query", &asked.query).with("tailLines", lines);
    let (bytes, whole) = cluster.bytes(&ask, source.plan.bytes_max, &cx).await?;
    let text = mask::text(&String::from_utf8_lossy(&bytes)).into_owned();
    if !whole {
        cx.note(|trail| trail.truncated = true);
    }
    let note = (!whole).then(|| "cut: ask for fewer lines by `tailLines`".to_owned());
    Ok(Answer::told(Text { text: text.clone(), note }, text))
}

#[derive(Deserialize, JsonSchema)]
struct Stats {
    /// Its name
    name: String,
    /// Which cluster
    #[serde(default)]
    context: Option<String>,
}

async fn stats(source: Arc<Kubernetes>, asked: Stats, cx: Context) -> Result<Answer<super::resources::Shown>, Refusal> {
    let cluster = source.cluster(asked.context.as_deref())?;
    let ask = proxied(&source, &asked.name, &["stats", "summary"])?;
    let mut told = cluster.json(&ask, &cx).await?;
    mask::object(&mut told);
    Ok(super::resources::shown(told, None, None, source.plan.bytes_max, &cx))
}
