//! What changes one object: patches, scaling, deleting. Every change can be tried first (`dryRun`), and tells
//! what it changed.

use std::sync::Arc;

use portwright_core::{Context, Refusal};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use similar::TextDiff;

use crate::kubernetes::cluster::{Ask, Cluster, JSON_PATCH, MERGE, STRATEGIC};
use crate::kubernetes::errors;
use crate::kubernetes::kinds::Kind;
use crate::kubernetes::mask;
use crate::kubernetes::source::Kubernetes;
use crate::shared::own::{Answer, Does, OwnTool, tool};

/// By which the cluster knows whose fields they are.
pub(super) const MANAGER: &str = "portwright";

pub(super) fn tools() -> Vec<OwnTool<Kubernetes>> {
    let kind = ("resourceType", "kind");
    vec![
        tool("resources_patch", "Patch an object", "Changes parts of an object, and tells the differences.", patch)
            .does(Does::Change)
            .in_set("core")
            .alias_with("kubectl_patch", &[kind, ("patchType", "type"), ("patchData", "patch")], &[]),
        tool(
            "resources_scale",
            "Scale a workload",
            "Sets how many replicas there are; without `scale` only tells.",
            scale,
        )
        .does(Does::Set)
        .in_set("core")
        .alias_with("kubectl_scale", &[kind, ("replicas", "scale")], &[]),
        tool("resources_delete", "Delete an object", "Deletes one object, and what belongs to it.", delete)
            .does(Does::Set)
            .in_set("core")
            .alias_with("kubectl_delete", &[kind], &[]),
    ]
}

#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Changes {
    changes: Vec<Changed>,
    dry_run: bool,
}

/// What became of one object.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Changed {
    pub(super) object: String,
    pub(super) outcome: &'static str,
    pub(super) diff: Option<String>,
}

/// The object as it is; none where there is none.
pub(super) async fn current(
    cluster: &Cluster,
    kind: &Kind,
    namespace: Option<&str>,
    name: &str,
    cx: &Context,
) -> Result<Option<Value>, Refusal> {
    let ask = Ask::of("get", kind).within(namespace).named(name);
    match cluster.json(&ask, cx).await {
        Ok(object) => Ok(Some(object)),
        Err(refusal) if errors::is_absent(&refusal) => Ok(None),
        Err(refusal) => Err(refusal),
    }
}

/// What differs between two states of an object, without secrets: of those it is told that they changed, not how.
pub(super) fn compared(
    kind: &Kind,
    namespace: Option<&str>,
    name: &str,
    before: Option<Value>,
    after: Value,
    bytes_max: usize,
) -> Changed {
    let object = match namespace {
        Some(namespace) => format!("{}/{name} in {namespace}", kind.kind),
        None => format!("{}/{name}", kind.kind),
    };
    let Some(before) = before else { return Changed { object, outcome: "created", diff: None } };
    let quiet = |mut value: Value| {
        if let Some(metadata) = value["metadata"].as_object_mut() {
            for noise in ["managedFields", "resourceVersion", "generation"] {
                metadata.shift_remove(noise);
            }
        }
        if let Some(map) = value.as_object_mut() {
            map.shift_remove("status");
        }
        value
    };
    let (mut before, mut after) = (quiet(before), quiet(after));
    if before == after {
        return Changed { object, outcome: "unchanged", diff: None };
    }
    mask::object(&mut before);
    mask::object(&mut after);
    let text = |value: &Value| serde_saphyr::to_string(value).unwrap_or_default();
    let (old, new) = (text(&before), text(&after));
    let mut diff = TextDiff::from_lines(&old, &new).unified_diff().context_radius(2).to_string();
    if diff.is_empty() {
        "(only masked values differ)".clone_into(&mut diff);
    }
    if diff.len() > bytes_max {
        diff.truncate(diff.floor_char_boundary(bytes_max));
        diff.push_str("\n(cut)");
    }
    Changed { object, outcome: "changed", diff: Some(diff) }
}

pub(super) fn told(mut changes: Vec<Changed>, dry_run: bool, source: &Kubernetes, cx: &Context) -> Answer<Changes> {
    let mut left = source.plan.bytes_max;
    for change in &mut changes {
        let bytes = change.diff.as_ref().map_or(0, String::len);
        if bytes > left {
            change.diff = Some("(left out: the answer is too large)".to_owned());
            cx.note(|trail| trail.truncated = true);
        }
        left = left.saturating_sub(bytes);
    }
    let would = if dry_run { " (dry run: nothing is written)" } else { "" };
    let line = |change: &Changed| {
        let diff = change.diff.as_ref().map(|diff| format!("\n{diff}")).unwrap_or_default();
        format!("{} {}{would}{diff}", change.object, change.outcome)
    };
    let text = changes.iter().map(line).collect::<Vec<_>>().join("\n");
    Answer::told(Changes { changes, dry_run }, text)
}

#[derive(Deserialize, JsonSchema)]
struct Patching {
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
    /// An object, or for `json` a list of operations
    patch: Value,
    /// Default `merge`
    #[serde(default, rename = "type")]
    media: Option<PatchType>,
    /// Only try
    #[serde(default, rename = "dryRun")]
    dry_run: bool,
    /// Which cluster
    #[serde(default)]
    context: Option<String>,
}

#[derive(Deserialize, JsonSchema, Clone, Copy)]
#[serde(rename_all = "lowercase")]
enum PatchType {
    Merge,
    Strategic,
    Json,
}

async fn patch(source: Arc<Kubernetes>, asked: Patching, cx: Context) -> Result<Answer<Changes>, Refusal> {
    let cluster = source.cluster(asked.context.as_deref())?;
    mask::check_unmasked(&asked.patch)?;
    let media_type = match (asked.media.unwrap_or(PatchType::Merge), &asked.patch) {
        (PatchType::Merge, Value::Object(_)) => MERGE,
        (PatchType::Strategic, Value::Object(_)) => STRATEGIC,
        (PatchType::Json, Value::Array(_)) => JSON_PATCH,
        (PatchType::Json, _) => return Err(Refusal::invalid("a `json` patch is a list of operations")),
        _ => return Err(Refusal::invalid("`patch` is an object; a list of operations is of the type `json`")),
    };
    let kind = cluster.kind(&asked.kind, asked.api_version.as_deref(), &cx).await?;
    let namespace = source.place(cluster, &kind, asked.namespace.as_deref(), &asked.name)?;
    let before = cluster.json(&Ask::of("get", &kind).within(namespace.as_deref()).named(&asked.name), &cx).await?;
    let mut ask = Ask::of("patch", &kind)
        .within(namespace.as_deref())
        .named(&asked.name)
        .with("fieldManager", MANAGER)
        .sending(media_type, &asked.patch);
    if asked.dry_run {
        ask = ask.with("dryRun", "All");
    }
    let after = cluster.json(&ask, &cx).await?;
    let change = compared(&kind, namespace.as_deref(), &asked.name, Some(before), after, source.plan.bytes_max);
    Ok(told(vec![change], asked.dry_run, &source, &cx))
}

#[derive(Deserialize, JsonSchema)]
struct Scaling {
    /// Default Deployment
    #[serde(default)]
    kind: Option<String>,
    /// Its name
    name: String,
    /// Where a kind is in several
    #[serde(default, rename = "apiVersion")]
    api_version: Option<String>,
    /// Default: the context's
    #[serde(default)]
    namespace: Option<String>,
    /// Replicas
    #[serde(default)]
    scale: Option<u32>,
    /// Which cluster
    #[serde(default)]
    context: Option<String>,
}

#[derive(Serialize, JsonSchema)]
struct Scaled {
    object: String,
    replicas: Option<i64>,
    before: Option<i64>,
}

async fn scale(source: Arc<Kubernetes>, asked: Scaling, cx: Context) -> Result<Answer<Scaled>, Refusal> {
    let cluster = source.cluster(asked.context.as_deref())?;
    let kind = cluster.kind(asked.kind.as_deref().unwrap_or("Deployment"), asked.api_version.as_deref(), &cx).await?;
    let namespace = source.place(cluster, &kind, asked.namespace.as_deref(), &asked.name)?;
    let ask = |verb| Ask::of(verb, &kind).within(namespace.as_deref()).named(&asked.name).sub(&["scale"]);
    let before = cluster.json(&ask("get"), &cx).await?["spec"]["replicas"].as_i64();
    let object = format!("{}/{}", kind.kind, asked.name);
    let Some(wanted) = asked.scale else { return Ok(Scaled { object, replicas: before, before: None }.into()) };
    let body = json!({"spec": {"replicas": wanted}});
    let after = cluster.json(&ask("patch").with("fieldManager", MANAGER).sending(MERGE, &body), &cx).await?;
    Ok(Scaled { object, replicas: after["spec"]["replicas"].as_i64(), before }.into())
}

#[derive(Deserialize, JsonSchema)]
struct Delete {
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
    /// Time to end
    #[serde(default, rename = "gracePeriodSeconds")]
    grace_period_seconds: Option<u32>,
    /// Only try
    #[serde(default, rename = "dryRun")]
    dry_run: bool,
    /// Which cluster
    #[serde(default)]
    context: Option<String>,
}

async fn delete(source: Arc<Kubernetes>, asked: Delete, cx: Context) -> Result<Answer<Changes>, Refusal> {
    let cluster = source.cluster(asked.context.as_deref())?;
    let kind = cluster.kind(&asked.kind, asked.api_version.as_deref(), &cx).await?;
    let change = delete_one(&source, cluster, &kind, &asked, &cx).await?;
    Ok(told(vec![change], asked.dry_run, &source, &cx))
}

async fn delete_one(
    source: &Kubernetes,
    cluster: &Cluster,
    kind: &Kind,
    asked: &Delete,
    cx: &Context,
) -> Result<Changed, Refusal> {
    let namespace = source.place(cluster, kind, asked.namespace.as_deref(), &asked.name)?;
    let mut options = json!({"apiVersion": "v1", "kind": "DeleteOptions", "propagationPolicy": "Background"});
    if let Some(seconds) = asked.grace_period_seconds {
        options["gracePeriodSeconds"] = seconds.into();
    }
    let mut ask = Ask::of("delete", kind).within(namespace.as_deref()).named(&asked.name).sending_json(&options);
    if asked.dry_run {
        ask = ask.with("dryRun", "All");
    }
    let answer = cluster.json(&ask, cx).await?;
    // What waits for its end, or for finalizers, comes back as itself.
    let waits = answer["metadata"]["deletionTimestamp"].is_string();
    let outcome = if waits { "is being deleted" } else { "deleted" };
    let place = namespace.map(|namespace| format!(" in {namespace}")).unwrap_or_default();
    Ok(Changed { object: format!("{}/{}{place}", kind.kind, asked.name), outcome, diff: None })
}

/// Deletes a pod.
pub(super) async fn delete_pod(
    source: &Kubernetes,
    context: Option<&str>,
    namespace: Option<String>,
    name: String,
    cx: &Context,
) -> Result<Changed, Refusal> {
    let cluster = source.cluster(context)?;
    let asked = Delete {
        kind: String::new(),
        name,
        api_version: None,
        namespace,
        grace_period_seconds: None,
        dry_run: false,
        context: None,
    };
    delete_one(source, cluster, &Kind::pod(), &asked, cx).await
}
