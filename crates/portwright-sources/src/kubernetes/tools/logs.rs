//! Logs of containers: of one, of all of a pod, or of every pod of a workload.

use std::sync::Arc;

use jiff::Timestamp;
use portwright_core::{Context, HumanDuration, Refusal, RefusalKind, limits};
use regex::{Regex, RegexBuilder};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::workload;
use crate::kubernetes::cluster::{Ask, Cluster};
use crate::kubernetes::kinds::Kind;
use crate::kubernetes::mask;
use crate::kubernetes::source::Kubernetes;
use crate::shared::own::{Answer, OwnTool, tool};

/// Lines from the end of a log that a pattern is looked for in.
const SEARCHED_LINES: u32 = 20_000;

pub(super) fn tools() -> Vec<OwnTool<Kubernetes>> {
    vec![
        tool(
            "pods_log",
            "Read logs",
            "The last lines of containers' logs: of a pod, of each pod of a workload (`kind`), or of those that a \
             `labelSelector` picks. Use `previous` after a crash, `grep` to find something.",
            log,
        )
        .in_set("core")
        .alias_with("kubectl_logs", &[("resourceType", "kind"), ("sinceTime", "since")], &[]),
    ]
}

#[derive(Deserialize, JsonSchema)]
struct Log {
    /// Its name
    #[serde(default)]
    name: Option<String>,
    /// Default: the context's
    #[serde(default)]
    namespace: Option<String>,
    /// `Deployment`, `Job` …; default Pod
    #[serde(default)]
    kind: Option<String>,
    /// `app=web`
    #[serde(default, rename = "labelSelector")]
    label_selector: Option<String>,
    /// `*` for all; default the main one
    #[serde(default)]
    container: Option<String>,
    /// Of the run before the last restart
    #[serde(default)]
    previous: bool,
    /// Lines of each; default 100
    #[serde(default)]
    tail: Option<u32>,
    /// `10m`, or a time
    #[serde(default)]
    since: Option<String>,
    /// Regular expression
    #[serde(default)]
    grep: Option<String>,
    /// Lines around each match
    #[serde(default)]
    around: Option<u32>,
    /// With each line's time
    #[serde(default)]
    timestamps: bool,
    /// Which cluster
    #[serde(default)]
    context: Option<String>,
}

#[derive(Debug, Serialize, JsonSchema)]
struct Logs {
    logs: Vec<OneLog>,
    note: Option<String>,
}

#[derive(Debug, Serialize, JsonSchema)]
pub(in crate::kubernetes) struct OneLog {
    pub(in crate::kubernetes) pod: String,
    pub(in crate::kubernetes) container: String,
    pub(in crate::kubernetes) text: String,
}

async fn log(source: Arc<Kubernetes>, asked: Log, cx: Context) -> Result<Answer<Logs>, Refusal> {
    let cluster = source.cluster(asked.context.as_deref())?;
    let look = Look::of(&asked)?;
    let namespace = source.namespace(cluster, asked.namespace.as_deref())?;
    source.plan.fence.check_kind(&Kind::pod())?;
    let (pods, more) = pods(&source, cluster, &asked, &namespace, &cx).await?;
    if pods.is_empty() {
        return Err(Refusal::failed(format!("no pods fit in the namespace `{namespace}`")));
    }
    let mut logs = Vec::new();
    let one = pods.len() == 1;
    for pod in &pods {
        for container in containers(pod, asked.container.as_deref())? {
            match read(cluster, &namespace, pod, &container, &look, &cx).await {
                Ok(log) => logs.push(log),
                // One of many that has not started yet does not hide the others.
                Err(refusal)
                    if refusal.kind() == RefusalKind::Failed && !(one && asked.container.as_deref() != Some("*")) =>
                {
                    let text = format!("({})", refusal.public());
                    logs.push(OneLog { pod: name_of(pod).to_owned(), container, text });
                }
                Err(refusal) => return Err(refusal),
            }
        }
    }
    let cut = fit(&mut logs, source.plan.bytes_max);
    let mut notes = Vec::new();
    if more {
        notes.push(format!("only the first {} pods", pods.len()));
    }
    if cut {
        notes.push("cut to the last bytes of each: narrow it by `since`, `grep` or `tail`".to_owned());
    }
    if more || cut {
        cx.note(|trail| trail.truncated = true);
    }
    let note = (!notes.is_empty()).then(|| notes.join("; "));
    let text = told(&logs, note.as_deref());
    Ok(Answer::told(Logs { logs, note }, text))
}

fn told(logs: &[OneLog], note: Option<&str>) -> String {
    let mut lines = Vec::new();
    for log in logs {
        if logs.len() > 1 {
            lines.push(format!("== {}/{}", log.pod, log.container));
        }
        lines.push(if log.text.is_empty() { "(nothing)".to_owned() } else { log.text.clone() });
    }
    lines.extend(note.map(|note| format!("({note})")));
    lines.join("\n")
}

/// The pods that are meant, and whether there are more.
async fn pods(
    source: &Kubernetes,
    cluster: &Cluster,
    asked: &Log,
    namespace: &str,
    cx: &Context,
) -> Result<(Vec<Value>, bool), Refusal> {
    let is_pod = asked.kind.as_ref().is_none_or(|kind| matches!(&*kind.to_lowercase(), "pod" | "pods" | "po" | ""));
    let selector = match (&asked.name, &asked.label_selector) {
        (Some(name), None) if is_pod => {
            let ask = Ask::of("get", &Kind::pod()).within(Some(namespace)).named(name);
            return Ok((vec![cluster.json(&ask, cx).await?], false));
        }
        (Some(name), None) => {
            let kind = cluster.kind(asked.kind.as_deref().unwrap_or_default(), None, cx).await?;
            source.place(cluster, &kind, Some(namespace), name)?;
            let ask = Ask::of("get", &kind).within(Some(namespace)).named(name);
            workload::selector(&cluster.json(&ask, cx).await?)?
        }
        (None, Some(selector)) => selector.clone(),
        (Some(_), Some(_)) => return Err(Refusal::invalid("name one, or pick some by `labelSelector`: not both")),
        (None, None) => return Err(Refusal::invalid("`name` is missing, or a `labelSelector`")),
    };
    let ask = Ask::of("list", &Kind::pod())
        .within(Some(namespace))
        .with("labelSelector", selector)
        .with("limit", limits::CLUSTER_LOG_PODS_MAX);
    let mut answer = cluster.json(&ask, cx).await?;
    let more = answer["metadata"]["continue"].as_str().is_some_and(|token| !token.is_empty());
    let Value::Array(pods) = answer["items"].take() else { return Ok((Vec::new(), false)) };
    Ok((pods, more))
}

fn name_of(pod: &Value) -> &str {
    pod["metadata"]["name"].as_str().unwrap_or_default()
}

/// The containers that are meant: the one named, all, or the one that counts as the pod's own.
fn containers(pod: &Value, named: Option<&str>) -> Result<Vec<String>, Refusal> {
    let names = |list: &str| -> Vec<String> {
        let list = pod["spec"][list].as_array().map(|list| &**list).unwrap_or_default();
        list.iter().filter_map(|one| one["name"].as_str().map(str::to_owned)).collect()
    };
    let all = || {
        ["initContainers", "containers", "ephemeralContainers"].iter().flat_map(|list| names(list)).collect::<Vec<_>>()
    };
    match named.filter(|name| !name.is_empty()) {
        Some("*") => Ok(all()),
        Some(name) if all().iter().any(|known| known == name) => Ok(vec![name.to_owned()]),
        Some(name) => Err(Refusal::invalid(format!("the pod has no container `{name}`: it has {}", all().join(", ")))),
        None => {
            let noted = pod["metadata"]["annotations"]["kubectl.kubernetes.io/default-container"].as_str();
            let first = noted.map(str::to_owned).or_else(|| names("containers").into_iter().next());
            first.map(|name| vec![name]).ok_or_else(|| Refusal::failed("the pod has no containers"))
        }
    }
}

/// What is looked for in a log.
#[derive(Debug, Default)]
pub(in crate::kubernetes) struct Look {
    lines: u32,
    previous: bool,
    since: Option<(&'static str, String)>,
    grep: Option<Regex>,
    around: usize,
    timestamps: bool,
}

impl Look {
    /// The last lines, of the run before the last restart or of this one.
    pub(in crate::kubernetes) fn last(lines: u32, previous: bool) -> Self {
        Self { lines, previous, ..Self::default() }
    }

    fn of(asked: &Log) -> Result<Self, Refusal> {
        let grep = asked.grep.as_deref().filter(|grep| !grep.is_empty()).map(|grep| {
            let built = RegexBuilder::new(grep).size_limit(limits::PATTERN_BYTES_MAX).build();
            built.map_err(|_| Refusal::invalid("`grep` is not a regular expression that this server takes"))
        });
        let since = asked.since.as_deref().filter(|since| !since.is_empty()).map(|since| {
            if let Ok(HumanDuration(wait)) = since.parse::<HumanDuration>() {
                return Ok(("sinceSeconds", wait.as_secs().max(1).to_string()));
            }
            let time = since.parse::<Timestamp>();
            time.map(|time| ("sinceTime", time.to_string()))
                .map_err(|_| Refusal::invalid("`since` is `10m`, `2h` or a time like 2026-01-31T10:00:00Z"))
        });
        Ok(Self {
            lines: asked.tail.unwrap_or(limits::CLUSTER_LOG_LINES).max(1),
            previous: asked.previous,
            since: since.transpose()?,
            grep: grep.transpose()?,
            around: usize::try_from(asked.around.unwrap_or(0)).unwrap_or(0).min(50),
            timestamps: asked.timestamps,
        })
    }
}

/// Reads one container's log. What looks like a secret in it is masked.
pub(in crate::kubernetes) async fn read(
    cluster: &Cluster,
    namespace: &str,
    pod: &Value,
    container: &str,
    look: &Look,
    cx: &Context,
) -> Result<OneLog, Refusal> {
    let lines = if look.grep.is_some() { SEARCHED_LINES.max(look.lines) } else { look.lines };
    let mut ask = Ask::of("get", &Kind::pod())
        .within(Some(namespace))
        .named(name_of(pod))
        .sub(&["log"])
        .with("container", container)
        .with("tailLines", lines)
        .for_text();
    if look.previous {
        ask = ask.with("previous", true);
    }
    if look.timestamps {
        ask = ask.with("timestamps", true);
    }
    if let Some((key, value)) = &look.since {
        ask = ask.with(key, value);
    }
    let (bytes, _) = cluster.bytes(&ask, limits::CLUSTER_LOG_BYTES_MAX, cx).await?;
    let text = mask::text(&String::from_utf8_lossy(&bytes)).into_owned();
    let text = match &look.grep {
        Some(grep) => found(&text, grep, look),
        None => text.trim_end().to_owned(),
    };
    Ok(OneLog { pod: name_of(pod).to_owned(), container: container.to_owned(), text })
}

/// The last lines that fit the pattern, with those around them; `--` stands where lines are left out.
fn found(text: &str, grep: &Regex, look: &Look) -> String {
    let lines: Vec<&str> = text.lines().collect();
    let hits: Vec<usize> = (0..lines.len()).filter(|index| grep.is_match(lines[*index])).collect();
    let skipped = hits.len().saturating_sub(usize::try_from(look.lines).unwrap_or(usize::MAX));
    let mut told = Vec::new();
    let mut next = 0;
    for hit in &hits[skipped..] {
        let (first, last) = (hit.saturating_sub(look.around).max(next), (hit + look.around).min(lines.len() - 1));
        if look.around > 0 && next > 0 && first > next {
            told.push("--");
        }
        if first <= last {
            told.extend(&lines[first..=last]);
        }
        next = last + 1;
    }
    told.join("\n")
}

/// Cuts each to its share of the bytes, keeping the end. Whether anything was cut.
fn fit(logs: &mut [OneLog], bytes_max: usize) -> bool {
    let share = bytes_max / logs.len().max(1);
    let mut cut = false;
    let whole = logs.iter().map(|log| log.text.len()).sum::<usize>() <= bytes_max;
    for log in logs.iter_mut().filter(|log| !whole && log.text.len() > share) {
        let start = log.text.ceil_char_boundary(log.text.len() - share);
        let start = log.text[start..].find('\n').map_or(start, |line| start + line + 1);
        log.text = log.text[start..].to_owned();
        cut = true;
    }
    cut
}
