//! Values for the variables of the template and the arguments of the prompts: contexts, namespaces, kinds, names.

use portwright_core::protocol::{ArgumentInfo, CompleteResult, CompletionContext, CompletionInfo, Reference};
use portwright_core::{Context, Refusal};

use super::cluster::Cluster;
use super::kinds::Kind;
use super::source::Kubernetes;
use super::tools::rows::{self, Wanted};
use super::watch::TEMPLATE;

pub(super) async fn complete(
    source: &Kubernetes,
    reference: &Reference,
    argument: &ArgumentInfo,
    chosen: Option<&CompletionContext>,
    cx: &Context,
) -> Result<CompleteResult, Refusal> {
    let chosen = |key: &str| {
        let arguments = chosen.and_then(|context| context.arguments.as_ref());
        arguments.and_then(|arguments| arguments.get(key)).map(String::as_str).filter(|text| !text.is_empty())
    };
    let is_template = match reference {
        Reference::Resource(resource) if resource.uri == TEMPLATE => true,
        Reference::Prompt(_) => false,
        _ => return Ok(CompleteResult::new(CompletionInfo::default())),
    };
    let values = match (argument.name.as_str(), source.cluster(chosen("context"))) {
        ("context", _) => source.clusters().iter().map(|cluster| cluster.context().to_owned()).collect(),
        ("namespace", Ok(cluster)) => namespaces(source, cluster, cx).await,
        ("kind", Ok(cluster)) => kinds(source, cluster, cx).await,
        ("name", Ok(cluster)) => {
            let kind = match chosen("kind") {
                Some(kind) if is_template => cluster.kind(kind, None, cx).await.ok(),
                _ => (!is_template).then(Kind::pod),
            };
            match kind {
                Some(kind) => names(source, cluster, &kind, chosen("namespace"), cx).await,
                None => Vec::new(),
            }
        }
        _ => Vec::new(),
    };
    let mut fitting: Vec<String> = values.into_iter().filter(|value| value.starts_with(&argument.value)).collect();
    fitting.sort_unstable();
    fitting.dedup();
    let all = fitting.len();
    fitting.truncate(CompletionInfo::MAX_VALUES);
    let mut info = CompletionInfo::new(fitting).unwrap_or_default();
    info.has_more = Some(all > CompletionInfo::MAX_VALUES);
    Ok(CompleteResult::new(info))
}

async fn namespaces(source: &Kubernetes, cluster: &Cluster, cx: &Context) -> Vec<String> {
    match source.plan.fence.namespaces() {
        Some(names) => names.to_vec(),
        None => names(source, cluster, &Kind::namespace(), None, cx).await,
    }
}

async fn kinds(source: &Kubernetes, cluster: &Cluster, cx: &Context) -> Vec<String> {
    let Ok((kinds, _)) = cluster.all_kinds(None, cx).await else { return Vec::new() };
    let readable = |kind: &Kind| kind.verbs.iter().any(|verb| verb == "get") && !source.plan.fence.denies(kind);
    kinds.into_iter().filter(readable).map(|kind| kind.plural).collect()
}

/// Names of one page. What may not be listed completes to nothing.
async fn names(
    source: &Kubernetes,
    cluster: &Cluster,
    kind: &Kind,
    namespace: Option<&str>,
    cx: &Context,
) -> Vec<String> {
    let namespace = namespace.filter(|namespace| *namespace != "-");
    let Ok(namespace) = source.namespace(cluster, namespace) else { return Vec::new() };
    let wanted = Wanted { namespace: kind.namespaced.then_some(&*namespace), ..Wanted::default() };
    let Ok((page, _)) = rows::page(source, cluster, kind, wanted, cx).await else { return Vec::new() };
    let Some(column) = page.columns.iter().position(|column| column.eq_ignore_ascii_case("name")) else {
        return Vec::new();
    };
    page.rows.into_iter().filter_map(|mut row| (column < row.len()).then(|| row.swap_remove(column))).collect()
}
