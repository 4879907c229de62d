//! The source: clusters, fence and bounds, behind the tools that are offered.

use std::fmt;
use std::sync::Arc;

use portwright_core::protocol::{
    ArgumentInfo, CallToolResult, CompleteResult, CompletionContext, GetPromptResult, JsonObject, Prompt,
    ReadResourceResult, Reference, ResourceContents, ResourceTemplate, Tool,
};
use portwright_core::{Alias, Context, Diagnostic, Health, Refusal, Source, async_trait, limits};
use serde_json::Value;
use tokio::sync::broadcast;

use super::cluster::{Cluster, check_name};
use super::kinds::Kind;
use super::watch::{self, Target, Watches};
use super::{KubernetesPlan, complete, inspect, prompts, tools};
use crate::shared::own::Offer;

/// What the tools are functions of.
pub(super) struct Kubernetes {
    pub(super) plan: KubernetesPlan,
    /// The default one first.
    clusters: Vec<Cluster>,
}

impl fmt::Debug for Kubernetes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Kubernetes").field("clusters", &self.clusters).finish_non_exhaustive()
    }
}

impl Kubernetes {
    pub(super) fn new(plan: KubernetesPlan, clusters: Vec<Cluster>) -> Self {
        Self { plan, clusters }
    }

    /// The clusters that calls may name, the default one first.
    pub(super) fn clusters(&self) -> &[Cluster] {
        &self.clusters
    }

    /// The cluster of a context, or the default one.
    pub(super) fn cluster(&self, context: Option<&str>) -> Result<&Cluster, Refusal> {
        let named =
            |cluster: &&Cluster| context.is_none_or(|context| context.is_empty() || cluster.context() == context);
        self.clusters.iter().find(named).ok_or_else(|| {
            let names: Vec<&str> = self.clusters.iter().map(Cluster::context).collect();
            let context: String = context.unwrap_or_default().chars().take(100).collect();
            Refusal::invalid(format!("there is no context `{context}` here: there is {}", names.join(", ")))
        })
    }

    /// The namespace that a call works in: the one that it names, or the context's own. It has passed the fence.
    pub(super) fn namespace(&self, cluster: &Cluster, named: Option<&str>) -> Result<String, Refusal> {
        let fence = &self.plan.fence;
        if let Some(named) = named.filter(|named| !named.is_empty()) {
            check_name(named)?;
            fence.check_namespace(named)?;
            return Ok(named.to_owned());
        }
        if fence.has(cluster.namespace()) {
            return Ok(cluster.namespace().to_owned());
        }
        match fence.namespaces() {
            Some([only]) => Ok(only.clone()),
            names => {
                let names = names.unwrap_or_default().join(", ");
                Err(Refusal::invalid(format!("`namespace` is missing: it can be {names}")))
            }
        }
    }

    /// The same for objects of a kind; none where the kind belongs to no namespace. Kind and name pass the fence too.
    pub(super) fn place(
        &self,
        cluster: &Cluster,
        kind: &Kind,
        namespace: Option<&str>,
        name: &str,
    ) -> Result<Option<String>, Refusal> {
        self.plan.fence.check_kind(kind)?;
        check_name(name)?;
        if kind.namespaced {
            return self.namespace(cluster, namespace).map(Some);
        }
        if kind.is_namespace() {
            self.plan.fence.check_namespace(name)?;
        } else {
            self.plan.fence.check_cluster_wide(&format!("objects of the kind {}", kind.kind))?;
        }
        Ok(None)
    }

    /// The items of one page.
    pub(super) fn items(&self, asked: Option<usize>) -> usize {
        asked.unwrap_or(self.plan.items_max).clamp(1, self.plan.items_max)
    }
}

/// The source that the catalog knows.
pub(super) struct KubernetesSource {
    inner: Arc<Kubernetes>,
    offer: Offer<Kubernetes>,
    watches: Watches,
}

impl fmt::Debug for KubernetesSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.inner.fmt(f)
    }
}

impl KubernetesSource {
    pub(super) fn new(plan: KubernetesPlan, clusters: Vec<Cluster>) -> Arc<Self> {
        let offer = tools::toolbox().offer(&plan.own);
        Arc::new(Self { inner: Arc::new(Kubernetes::new(plan, clusters)), offer, watches: Watches::new() })
    }

    /// Whether objects can be read as resources: where any object can be read by a tool.
    fn reads(&self) -> bool {
        self.offer.has("resources_get")
    }
}

#[async_trait]
impl Source for KubernetesSource {
    fn tools(&self) -> Vec<Tool> {
        let mut tools = self.offer.tools();
        if self.inner.clusters().len() < 2 {
            tools.iter_mut().for_each(without_context);
        }
        tools
    }

    fn aliases(&self) -> Vec<Alias> {
        self.offer.aliases()
    }

    async fn call(&self, tool: &str, arguments: &JsonObject, cx: &Context) -> Result<CallToolResult, Refusal> {
        self.offer.call(&self.inner, tool, arguments, cx).await
    }

    fn templates(&self) -> Vec<ResourceTemplate> {
        if !self.reads() {
            return Vec::new();
        }
        let words = "An object of a cluster as YAML, Secret values masked; `-` as the namespace of what has none.";
        let template = ResourceTemplate::new(watch::TEMPLATE, "kubernetes object");
        vec![template.with_description(words).with_mime_type("application/yaml")]
    }

    async fn read(&self, uri: &str, cx: &Context) -> Result<ReadResourceResult, Refusal> {
        if !self.reads() {
            return Err(Refusal::not_found("resource", uri));
        }
        let target = Target::of(&self.inner, uri, cx).await?;
        let object = target.read(&self.inner, uri, cx).await?;
        let text = serde_saphyr::to_string(&object).map_err(Refusal::internal)?;
        if text.len() > self.inner.plan.bytes_max {
            return Err(Refusal::failed("the object is too large: read parts of it by resources_get"));
        }
        Ok(ReadResourceResult::new(vec![ResourceContents::text(text, uri).with_mime_type("application/yaml")]))
    }

    fn updates(&self) -> Option<broadcast::Receiver<Arc<str>>> {
        self.reads().then(|| self.watches.updates())
    }

    async fn subscribe(&self, uri: &str, cx: &Context) -> Result<(), Refusal> {
        if !self.reads() {
            return Err(Refusal::not_found("resource", uri));
        }
        let target = Target::of(&self.inner, uri, cx).await?;
        // Who may not read it learns nothing of its changes.
        target.read(&self.inner, uri, cx).await?;
        self.watches.begin(uri, target);
        Ok(())
    }

    fn prompts(&self) -> Vec<Prompt> {
        prompts::prompts(&self.offer)
    }

    async fn get_prompt(&self, name: &str, arguments: &JsonObject, cx: &Context) -> Result<GetPromptResult, Refusal> {
        prompts::get(&self.inner, &self.offer, name, arguments, cx).await
    }

    async fn complete(
        &self,
        reference: &Reference,
        argument: &ArgumentInfo,
        chosen: Option<&CompletionContext>,
        cx: &Context,
    ) -> Result<CompleteResult, Refusal> {
        complete::complete(&self.inner, reference, argument, chosen, cx).await
    }

    async fn inspect(&self) -> Vec<Diagnostic> {
        inspect::inspect(&self.inner).await
    }

    async fn close(&self) {
        self.watches.stop();
    }

    async fn health(&self) -> Health {
        let Some(cluster) = self.inner.clusters().first() else { return Health::Ready };
        match tokio::time::timeout(limits::HEALTH_WAIT, cluster.greet()).await {
            Ok(Ok(())) => Health::Ready,
            Ok(Err(refusal)) => Health::Degraded(refusal.public().to_owned()),
            Err(_) => Health::Degraded("the cluster does not answer".to_owned()),
        }
    }
}

/// Where there is one context, nobody has to choose.
fn without_context(tool: &mut Tool) {
    let mut schema = (*tool.input_schema).clone();
    if let Some(properties) = schema.get_mut("properties").and_then(Value::as_object_mut) {
        properties.shift_remove("context");
    }
    tool.input_schema = Arc::new(schema);
}
