//! Kubernetes clusters as a source: straight to the API of the cluster, never by a shell or by `kubectl`.
//!
//! `open.rs` reads kubeconfigs, `cluster.rs` asks a cluster within bounds, `kinds.rs` knows which kinds it has, `fence.rs`
//! says what calls may touch, `mask.rs` takes secrets out of whatever leaves, `errors.rs` puts a cluster's no into words.
//! `tools/` is what a model calls, `watch.rs` what it subscribes to, `prompts.rs` what it is asked. It knows nothing of sessions or policies.

mod cluster;
mod complete;
mod errors;
mod fence;
mod inspect;
mod kinds;
mod mask;
mod open;
mod prompts;
mod source;
#[cfg(test)]
mod tests;
mod tools;
mod watch;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use portwright_core::{
    ByteSize, ConnectError, Diagnostic, HumanDuration, Pointer, Severity, Source, SourceConfig, SourceKind, SourceSpec,
    async_trait, limits,
};
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::Deserialize;

use self::fence::Fence;
use crate::shared::own::{self, OwnPlan};

/// The kind `kubernetes`.
#[derive(Debug, Clone, Copy)]
pub struct KubernetesKind;

/// What the kind adds to `[sources.NAME]`.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
struct KubernetesTable {
    /// The kubeconfig's path; `~` is the home folder. Default: `~/.kube/config`.
    kubeconfig: Option<String>,
    /// Portwright runs in the cluster itself: its pod's service account is the credential.
    in_cluster: bool,
    /// The context of the kubeconfig. Default: its current one.
    context: Option<String>,
    /// Other contexts that a call may name.
    contexts: Vec<String>,
    /// The namespaces that calls may touch. Default: all that the credential may.
    namespaces: Vec<String>,
    /// Kinds that calls never touch: `Secret`, or with their group, `Certificate.cert-manager.io`.
    denied: Vec<String>,
    /// Programs that the kubeconfig names to get a credential may be run.
    exec: bool,
    /// How long one call may take. Default: `20s`.
    timeout: Option<HumanDuration>,
    /// Bytes of one result at most. Default: `64KiB`.
    max_bytes: Option<ByteSize>,
    /// Objects of one page of a list at most. Default: 100.
    max_items: Option<usize>,
}

/// A source as it is meant.
#[derive(Debug, Clone)]
struct KubernetesPlan {
    place: Pointer,
    login: Login,
    contexts: Vec<String>,
    fence: Fence,
    timeout: Duration,
    bytes_max: usize,
    items_max: usize,
    own: OwnPlan,
}

/// Where the credential comes from.
#[derive(Debug, Clone)]
enum Login {
    Kubeconfig { path: PathBuf, context: Option<String>, exec: bool },
    InCluster,
}

impl SourceKind for KubernetesKind {
    fn name(&self) -> &'static str {
        "kubernetes"
    }

    fn summary(&self) -> &'static str {
        "Kubernetes clusters: pods, logs, events, and every other kind"
    }

    fn schema(&self, generator: &mut SchemaGenerator) -> Schema {
        own::schema::<KubernetesTable>(generator)
    }

    fn decode(&self, spec: SourceSpec) -> Result<Box<dyn SourceConfig>, Vec<Diagnostic>> {
        let (table, mut own, mut problems) = own::decode::<KubernetesTable, _>(&spec, &tools::toolbox());
        let place = spec.place();
        for declared in spec.tools.iter().chain(&spec.resources) {
            let message = "a source of the kind `kubernetes` takes no declared tools or resources";
            let hint = "choose among its own by `tools` and `toolsets`";
            problems.push(Diagnostic::error(declared.place.clone(), "wrong-source", message).hint(hint));
        }
        let login = login(&table, &spec, &mut problems);
        let fence = Fence::read(&table.namespaces, &table.denied, &place, &mut problems);
        if fence.namespaces().is_some() {
            own.tools.retain(|tool| !is_of_nodes(tool));
            let named = spec.table.get("tools").and_then(|tools| tools.as_array());
            for (index, tool) in named.into_iter().flatten().enumerate() {
                if tool.as_str().is_some_and(is_of_nodes) {
                    let message = "nodes belong to the whole cluster, and `namespaces` fences calls in";
                    let place = place.join("tools").join(index);
                    problems.push(Diagnostic::error(place, "wrong-value", message).hint("leave one of the two out"));
                }
            }
        }
        let bytes =
            table.max_bytes.map_or(limits::RESULT_BYTES_MAX, |size| usize::try_from(size.0).unwrap_or(usize::MAX));
        let items = table.max_items.unwrap_or(limits::CLUSTER_ITEMS_MAX);
        let mut between = |key: &str, value: usize, least: usize, most: usize| {
            if !(least..=most).contains(&value) {
                let message = format!("`{key}` has to lie between {least} and {most}");
                problems.push(Diagnostic::error(place.join(key), "wrong-value", message));
            }
        };
        between("max_bytes", bytes, 1024, limits::RESULT_BYTES_CEILING);
        between("max_items", items, 1, limits::CLUSTER_ITEMS_CEILING);
        let timeout = table.timeout.map_or(limits::CLUSTER_WAIT, |wait| wait.0);
        if timeout.is_zero() {
            problems.push(Diagnostic::error(
                place.join("timeout"),
                "wrong-value",
                "`timeout` has to be more than none",
            ));
        }
        if problems.iter().any(|problem| problem.severity == Severity::Error) {
            return Err(problems);
        }
        let plan = KubernetesPlan {
            place,
            login,
            contexts: table.contexts,
            fence,
            timeout,
            bytes_max: bytes,
            items_max: items,
            own,
        };
        Ok(Box::new(KubernetesConfig { plan }))
    }
}

/// Whether a tool tells of nodes, and with them of every namespace.
fn is_of_nodes(tool: &str) -> bool {
    tool.starts_with("nodes_")
}

fn login(table: &KubernetesTable, spec: &SourceSpec, problems: &mut Vec<Diagnostic>) -> Login {
    let place = spec.place();
    if table.in_cluster {
        let beside = [
            ("kubeconfig", table.kubeconfig.is_some()),
            ("context", table.context.is_some()),
            ("contexts", !table.contexts.is_empty()),
            ("exec", table.exec),
        ];
        for (key, _) in beside.iter().filter(|(_, written)| *written) {
            let message = format!("`{key}` is of a kubeconfig, and `in_cluster` uses none");
            problems.push(Diagnostic::error(place.join(key), "wrong-value", message).hint("leave one of the two out"));
        }
        return Login::InCluster;
    }
    let written = table.kubeconfig.as_deref().unwrap_or("~/.kube/config");
    let path = match written.strip_prefix("~/").map(|rest| (rest, std::env::home_dir())) {
        Some((rest, Some(home))) => home.join(rest),
        _ => spec.base.join(written),
    };
    Login::Kubeconfig { path, context: table.context.clone(), exec: table.exec }
}

/// A cluster that is configured but not yet asked.
#[derive(Debug)]
struct KubernetesConfig {
    plan: KubernetesPlan,
}

#[async_trait]
impl SourceConfig for KubernetesConfig {
    async fn connect(&self) -> Result<Arc<dyn Source>, ConnectError> {
        let clusters = open::open(&self.plan).await?;
        Ok(source::KubernetesSource::new(self.plan.clone(), clusters))
    }
}
