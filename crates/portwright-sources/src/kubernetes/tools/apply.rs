//! Manifests: each object is made to be as it is written there, by server-side apply.

use std::sync::Arc;

use portwright_core::{Context, Refusal, limits};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value;

use super::change::{Changed, Changes, MANAGER, compared, current, told};
use crate::kubernetes::cluster::{APPLY, Ask, Cluster};
use crate::kubernetes::kinds::Kind;
use crate::kubernetes::mask;
use crate::kubernetes::source::Kubernetes;
use crate::shared::own::{Answer, Does, OwnTool, tool};

pub(super) fn tools() -> Vec<OwnTool<Kubernetes>> {
    vec![
        tool(
            "resources_create_or_update",
            "Apply a manifest",
            "Makes objects be as the manifest says (server-side apply): creates what is missing, changes what differs, and \
             tells the differences. Try it with `dryRun` first.",
            apply,
        )
        .does(Does::Set)
        .in_set("core")
        .alias_with("kubectl_apply", &[("manifest", "resource")], &[]),
    ]
}

#[derive(Deserialize, JsonSchema)]
struct Apply {
    /// YAML (several documents) or JSON
    resource: String,
    /// Where the manifest names none
    #[serde(default)]
    namespace: Option<String>,
    /// Only try
    #[serde(default, rename = "dryRun")]
    dry_run: bool,
    /// Take fields over from others
    #[serde(default)]
    force: bool,
    /// Which cluster
    #[serde(default)]
    context: Option<String>,
}

/// An object of a manifest that may be written.
struct Wish {
    kind: Kind,
    namespace: Option<String>,
    name: String,
    body: Value,
}

async fn apply(source: Arc<Kubernetes>, asked: Apply, cx: Context) -> Result<Answer<Changes>, Refusal> {
    let cluster = source.cluster(asked.context.as_deref())?;
    // All of it is judged before any of it is written.
    let mut wishes = Vec::new();
    for document in documents(&asked.resource)? {
        wishes.push(wish(&source, cluster, document, asked.namespace.as_deref(), &cx).await?);
    }
    let mut changes: Vec<Changed> = Vec::new();
    for wish in &wishes {
        let change = apply_one(&source, cluster, wish, &asked, &cx).await.map_err(|refusal| {
            if changes.is_empty() || asked.dry_run {
                return refusal;
            }
            let done: Vec<&str> = changes.iter().map(|change| &*change.object).collect();
            let words = format!(
                "{} {}: {}. Written before it: {}",
                wish.kind.kind,
                wish.name,
                refusal.public(),
                done.join(", ")
            );
            refusal.reworded(words)
        })?;
        changes.push(change);
    }
    Ok(told(changes, asked.dry_run, &source, &cx))
}

/// The objects of a manifest.
pub(super) fn documents(text: &str) -> Result<Vec<Value>, Refusal> {
    if text.len() > limits::CLUSTER_MANIFEST_BYTES_MAX {
        let most = limits::CLUSTER_MANIFEST_BYTES_MAX / 1024;
        return Err(Refusal::invalid(format!("a manifest has at most {most} KiB")));
    }
    let read: Vec<Value> = serde_saphyr::from_multiple(text).map_err(|error| {
        let place = error.location().map(|place| format!(", line {}", place.line())).unwrap_or_default();
        Refusal::invalid(format!("the manifest is neither YAML nor JSON{place}")).because(error)
    })?;
    let mut documents = Vec::new();
    for document in read {
        match document {
            Value::Null => {}
            Value::Object(mut list) if list.contains_key("items") && list.get("kind").is_some_and(is_list) => {
                if let Some(Value::Array(items)) = list.get_mut("items").map(Value::take) {
                    documents.extend(items);
                }
            }
            Value::Object(_) => documents.push(document),
            _ => return Err(Refusal::invalid("the manifest holds something that is not an object")),
        }
    }
    match documents.len() {
        0 => Err(Refusal::invalid("the manifest is empty")),
        count if count > limits::CLUSTER_MANIFEST_OBJECTS_MAX => Err(Refusal::invalid(format!(
            "{count} objects in one manifest: at most {}",
            limits::CLUSTER_MANIFEST_OBJECTS_MAX
        ))),
        _ => Ok(documents),
    }
}

fn is_list(kind: &Value) -> bool {
    kind.as_str().is_some_and(|kind| kind.ends_with("List"))
}

/// An object of a manifest, with its kind and namespace settled and past the fence.
async fn wish(
    source: &Kubernetes,
    cluster: &Cluster,
    mut body: Value,
    namespace: Option<&str>,
    cx: &Context,
) -> Result<Wish, Refusal> {
    mask::check_unmasked(&body)?;
    let text = |value: &Value| value.as_str().filter(|text| !text.is_empty()).map(str::to_owned);
    let (version, kind) = (text(&body["apiVersion"]), text(&body["kind"]));
    let (Some(version), Some(kind)) = (version, kind) else {
        return Err(Refusal::invalid("each object needs `apiVersion` and `kind`"));
    };
    let Some(name) = text(&body["metadata"]["name"]) else {
        return Err(Refusal::invalid(format!("the {kind} needs a `metadata.name`; `generateName` can't be applied")));
    };
    let kind = cluster.kind(&kind, Some(&version), cx).await?;
    let written = text(&body["metadata"]["namespace"]);
    if let (true, Some(written), Some(asked)) = (kind.namespaced, &written, namespace.filter(|name| !name.is_empty()))
        && written != asked
    {
        let words = format!("{name} says namespace `{written}`, the call says `{asked}`: leave one of them out");
        return Err(Refusal::invalid(words));
    }
    let namespace = source.place(cluster, &kind, written.as_deref().or(namespace), &name)?;
    if let Some(metadata) = body["metadata"].as_object_mut() {
        metadata.shift_remove("managedFields");
        match &namespace {
            Some(namespace) => metadata.insert("namespace".to_owned(), namespace.clone().into()),
            None => metadata.shift_remove("namespace"),
        };
    }
    Ok(Wish { kind, namespace, name, body })
}

async fn apply_one(
    source: &Kubernetes,
    cluster: &Cluster,
    wish: &Wish,
    asked: &Apply,
    cx: &Context,
) -> Result<Changed, Refusal> {
    let Wish { kind, namespace, name, body } = wish;
    let before = current(cluster, kind, namespace.as_deref(), name, cx).await?;
    let mut ask = Ask::of("patch", kind)
        .within(namespace.as_deref())
        .named(name)
        .with("fieldManager", MANAGER)
        .with("force", asked.force)
        .sending(APPLY, body);
    if asked.dry_run {
        ask = ask.with("dryRun", "All");
    }
    let after = cluster.json(&ask, cx).await?;
    Ok(compared(kind, namespace.as_deref(), name, before, after, source.plan.bytes_max))
}
