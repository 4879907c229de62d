//! Contexts, the configuration as far as a model may see it, and namespaces.

use std::sync::Arc;

use portwright_core::{Context, Refusal};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::rows::{self, Page, Wanted};
use crate::kubernetes::Login;
use crate::kubernetes::cluster::Cluster;
use crate::kubernetes::kinds::Kind;
use crate::kubernetes::source::Kubernetes;
use crate::shared::own::{Answer, OwnTool, tool};

pub(super) fn tools() -> Vec<OwnTool<Kubernetes>> {
    vec![
        tool(
            "configuration_contexts_list",
            "List contexts",
            "The clusters that calls may name as `context`, and the namespace that each uses where a call names none.",
            contexts,
        )
        .in_set("config")
        .alias("kubectl_context"),
        tool(
            "configuration_view",
            "View configuration",
            "How this server reaches the clusters and what it may touch there. Never holds a credential.",
            view,
        )
        .in_set("config"),
        tool("namespaces_list", "List namespaces", "Namespaces with their status and age.", namespaces).in_set("core"),
    ]
}

#[derive(Deserialize, JsonSchema)]
pub(super) struct Contexts {
    /// Either way all are told
    #[serde(default, rename = "operation")]
    _operation: Option<Operation>,
}

#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
enum Operation {
    List,
    Get,
}

#[derive(Serialize, JsonSchema)]
struct ContextsFound {
    current: String,
    contexts: Vec<ContextFound>,
}

#[derive(Serialize, JsonSchema)]
struct ContextFound {
    name: String,
    namespace: String,
}

fn found(source: &Kubernetes) -> ContextsFound {
    let one = |cluster: &Cluster| ContextFound {
        name: cluster.context().to_owned(),
        namespace: cluster.namespace().to_owned(),
    };
    let contexts: Vec<ContextFound> = source.clusters().iter().map(one).collect();
    ContextsFound { current: contexts.first().map(|first| first.name.clone()).unwrap_or_default(), contexts }
}

async fn contexts(source: Arc<Kubernetes>, _: Contexts, _: Context) -> Result<Answer<ContextsFound>, Refusal> {
    Ok(found(&source).into())
}

#[derive(Deserialize, JsonSchema)]
struct View {}

#[derive(Serialize, JsonSchema)]
struct Viewed {
    login: &'static str,
    current: String,
    contexts: Vec<ContextFound>,
    namespaces: Option<Vec<String>>,
    writes: bool,
    timeout_seconds: u64,
    max_bytes: usize,
    max_items: usize,
}

async fn view(source: Arc<Kubernetes>, _: View, _: Context) -> Result<Answer<Viewed>, Refusal> {
    let ContextsFound { current, contexts } = found(&source);
    let plan = &source.plan;
    Ok(Viewed {
        login: match plan.login {
            Login::Kubeconfig { .. } => "kubeconfig",
            Login::InCluster => "service account",
        },
        current,
        contexts,
        namespaces: plan.fence.namespaces().map(<[String]>::to_vec),
        writes: plan.own.access == crate::shared::access::Access::ReadWrite,
        timeout_seconds: plan.timeout.as_secs(),
        max_bytes: plan.bytes_max,
        max_items: plan.items_max,
    }
    .into())
}

#[derive(Deserialize, JsonSchema)]
struct Namespaces {
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

async fn namespaces(source: Arc<Kubernetes>, asked: Namespaces, cx: Context) -> Result<Answer<Page>, Refusal> {
    let cluster = source.cluster(asked.context.as_deref())?;
    // A fence of names needs no right to list all of them.
    if let Some(names) = source.plan.fence.namespaces() {
        source.plan.fence.check_kind(&Kind::namespace())?;
        let rows = names.iter().map(|name| vec![name.clone()]).collect();
        let page = Page { columns: vec!["Name".to_owned()], rows, ..Page::default() };
        return Ok(rows::told(page, "", source.plan.bytes_max, &cx));
    }
    let wanted = Wanted {
        fields: asked.field_selector.as_deref(),
        limit: asked.limit,
        from: asked.from.as_deref(),
        ..Wanted::default()
    };
    rows::list(&source, cluster, &Kind::namespace(), wanted, &cx).await
}
