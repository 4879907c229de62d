//! Pods: lists, one of them, deleting one.

use std::sync::Arc;

use portwright_core::{Context, Refusal};
use schemars::JsonSchema;
use serde::Deserialize;

use super::change::{self, Changed};
use super::resources::{self, Shown};
use super::rows::{self, Page, Wanted};
use crate::kubernetes::kinds::Kind;
use crate::kubernetes::source::Kubernetes;
use crate::shared::own::{Answer, Does, OwnTool, tool};

pub(super) fn tools() -> Vec<OwnTool<Kubernetes>> {
    vec![
        tool("pods_list", "List pods", "Pods of all namespaces with status, restarts, age and node.", list)
            .in_set("core"),
        tool("pods_list_in_namespace", "List pods in a namespace", "The same of one namespace.", list_in_namespace)
            .in_set("core"),
        tool("pods_get", "Get a pod", "A pod in full: its spec, conditions and container states.", get).in_set("core"),
        tool("pods_delete", "Delete a pod", "Deletes a pod; what owns it makes another.", delete)
            .does(Does::Set)
            .in_set("core"),
    ]
}

#[derive(Deserialize, JsonSchema)]
struct List {
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
    of(&source, &asked, None, &cx).await
}

async fn of(source: &Kubernetes, asked: &List, namespace: Option<&str>, cx: &Context) -> Result<Answer<Page>, Refusal> {
    let cluster = source.cluster(asked.context.as_deref())?;
    let wanted = Wanted {
        namespace,
        labels: asked.label_selector.as_deref(),
        fields: asked.field_selector.as_deref(),
        limit: asked.limit,
        from: asked.from.as_deref(),
    };
    rows::list(source, cluster, &Kind::pod(), wanted, cx).await
}

#[derive(Deserialize, JsonSchema)]
struct ListInNamespace {
    /// Its name
    namespace: String,
    /// `app=web`
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

async fn list_in_namespace(
    source: Arc<Kubernetes>,
    asked: ListInNamespace,
    cx: Context,
) -> Result<Answer<Page>, Refusal> {
    let ListInNamespace { namespace, label_selector, field_selector, limit, from, context } = asked;
    let asked = List { label_selector, field_selector, limit, from, context };
    of(&source, &asked, Some(&namespace), &cx).await
}

#[derive(Deserialize, JsonSchema)]
struct Get {
    /// Its name
    name: String,
    /// Default: the context's
    #[serde(default)]
    namespace: Option<String>,
    /// Which cluster
    #[serde(default)]
    context: Option<String>,
}

async fn get(source: Arc<Kubernetes>, asked: Get, cx: Context) -> Result<Answer<Shown>, Refusal> {
    let cluster = source.cluster(asked.context.as_deref())?;
    let pod = resources::read(&source, cluster, &Kind::pod(), asked.namespace.as_deref(), &asked.name, &cx).await?;
    Ok(resources::shown(pod, None, None, source.plan.bytes_max, &cx))
}

async fn delete(source: Arc<Kubernetes>, asked: Get, cx: Context) -> Result<Answer<Changed>, Refusal> {
    let Get { name, namespace, context } = asked;
    change::delete_pod(&source, context.as_deref(), namespace, name, &cx).await.map(Into::into)
}
