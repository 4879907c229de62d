//! What the credential really may, for `portwright check`: rights that the offered tools lack, and rights that nobody
//! here needs.

use portwright_core::{Context, Diagnostic, Pointer, Refusal, TransportKind, limits};
use serde_json::{Value, json};

use super::cluster::{Ask, Cluster};
use super::kinds::Kind;
use super::source::Kubernetes;
use crate::shared::access::Access;

/// A right: verb, group, resource, part of it, and whether it is of the whole cluster.
type Right = (&'static str, &'static str, &'static str, &'static str, bool);

/// What each tool needs at least. Tools for any kind need what they are asked for.
const NEEDS: &[(&str, &[Right])] = &[
    ("namespaces_list", &[("list", "", "namespaces", "", true)]),
    ("pods_list", &[("list", "", "pods", "", false)]),
    ("pods_list_in_namespace", &[("list", "", "pods", "", false)]),
    ("pods_get", &[("get", "", "pods", "", false)]),
    ("pods_log", &[("get", "", "pods", "", false), ("get", "", "pods", "log", false)]),
    ("pods_top", &[("list", "metrics.k8s.io", "pods", "", false)]),
    ("pods_delete", &[("delete", "", "pods", "", false)]),
    ("pods_run", &[("create", "", "pods", "", false)]),
    ("pods_exec", &[("create", "", "pods", "exec", false)]),
    ("events_list", &[("list", "", "events", "", false)]),
    ("nodes_top", &[("list", "metrics.k8s.io", "nodes", "", true), ("list", "", "nodes", "", true)]),
    ("nodes_log", &[("get", "", "nodes", "proxy", true)]),
    ("nodes_stats_summary", &[("get", "", "nodes", "proxy", true)]),
    ("rollout_status", &[("get", "apps", "deployments", "", false), ("list", "apps", "replicasets", "", false)]),
    ("rollout", &[("patch", "apps", "deployments", "", false)]),
    ("resources_scale", &[("patch", "apps", "deployments", "scale", false)]),
];

pub(super) async fn inspect(source: &Kubernetes) -> Vec<Diagnostic> {
    let cx = Context::new("inspect", TransportKind::InProcess);
    let place = &source.plan.place;
    let mut told = Vec::new();
    for cluster in source.clusters() {
        if cluster.is_unproven() {
            let message =
                format!("in the context `{}` nothing proves which cluster gets the credential", cluster.context());
            let hint =
                "give the kubeconfig the cluster's `certificate-authority`, and leave `insecure-skip-tls-verify` out";
            told.push(Diagnostic::advice(place.clone(), "unproven-host", message).hint(hint));
        }
        let names =
            source.plan.fence.namespaces().map_or_else(|| vec![cluster.namespace().to_owned()], <[String]>::to_vec);
        let namespace = names.first().cloned().unwrap_or_default();
        match rules(cluster, &namespace, &cx).await {
            Ok(rules) => told.extend(too_much(&rules, cluster, &namespace, source, place)),
            Err(refusal) => {
                let message =
                    format!("the rights in the context `{}` can't be read: {}", cluster.context(), refusal.public());
                told.push(Diagnostic::advice(place.clone(), "privileges", message));
                continue;
            }
        }
        told.extend(too_little(source, cluster, &namespace, &cx).await);
    }
    told
}

async fn rules(cluster: &Cluster, namespace: &str, cx: &Context) -> Result<Vec<Value>, Refusal> {
    let kind = Kind::built_in("authorization.k8s.io", "v1", "SelfSubjectRulesReview", "selfsubjectrulesreviews", false);
    let asked = json!({"apiVersion": "authorization.k8s.io/v1", "kind": kind.kind, "spec": {"namespace": namespace}});
    let mut answer = cluster.json(&Ask::of("create", &kind).sending_json(&asked), cx).await?;
    let Value::Array(rules) = answer["status"]["resourceRules"].take() else { return Ok(Vec::new()) };
    Ok(rules)
}

fn too_much(
    rules: &[Value],
    cluster: &Cluster,
    namespace: &str,
    source: &Kubernetes,
    place: &Pointer,
) -> Vec<Diagnostic> {
    let has = |rule: &Value, key: &str, wanted: &[&str]| {
        let listed = rule[key].as_array().map(|all| &**all).unwrap_or_default();
        listed.iter().filter_map(Value::as_str).any(|one| wanted.contains(&one))
    };
    let whole = |rule: &&Value| rule["resourceNames"].as_array().is_none_or(Vec::is_empty);
    let every =
        |rule: &&Value| has(rule, "verbs", &["*"]) && has(rule, "resources", &["*"]) && has(rule, "apiGroups", &["*"]);
    let reads_secrets = |rule: &&Value| {
        has(rule, "verbs", &["*", "get", "list", "watch"])
            && has(rule, "resources", &["*", "secrets"])
            && has(rule, "apiGroups", &["*", ""])
    };
    let writes = |rule: &&Value| {
        let review = has(rule, "apiGroups", &["authorization.k8s.io", "authentication.k8s.io"]);
        has(rule, "verbs", &["*", "create", "update", "patch", "delete", "deletecollection"]) && !review
    };
    let context = cluster.context();
    let told = |rule: &'static str, message: String, hint: &str| {
        Diagnostic::advice(place.clone(), rule, message).hint(hint.to_owned())
    };
    let rules = || rules.iter().filter(whole);
    if rules().any(|rule| every(&rule)) {
        let message =
            format!("the credential of the context `{context}` may do everything in the namespace `{namespace}`");
        return vec![told("privileges", message, "use a service account with the rights that its tools need, no more")];
    }
    let mut found = Vec::new();
    if rules().any(|rule| reads_secrets(&rule)) {
        let message =
            format!("the credential of the context `{context}` may read Secrets in the namespace `{namespace}`");
        found.push(told("privileges", message, "their values are masked here, but a role without `secrets` is safer"));
    }
    if source.plan.own.access == Access::ReadOnly && rules().any(|rule| writes(&rule)) {
        let message = format!("the source may only read, and its credential in the context `{context}` may write");
        found.push(told("privileges", message, "the cluster role `view` reads all but Secrets"));
    }
    found
}

/// Rights that the offered tools need and the credential lacks.
async fn too_little(source: &Kubernetes, cluster: &Cluster, namespace: &str, cx: &Context) -> Vec<Diagnostic> {
    let fenced = source.plan.fence.namespaces().is_some();
    let offered = |name: &str| source.plan.own.tools.contains(&name);
    let mut asked: Vec<(Right, Vec<&str>)> = Vec::new();
    for (tool, rights) in NEEDS.iter().filter(|(tool, _)| offered(tool)) {
        for right in rights.iter().filter(|right| !(fenced && right.4)) {
            match asked.iter_mut().find(|(known, _)| known == right) {
                Some((_, tools)) => tools.push(tool),
                None => asked.push((*right, vec![tool])),
            }
        }
    }
    let mut found = Vec::new();
    for (right, tools) in asked.into_iter().take(limits::CLUSTER_REVIEWS_MAX) {
        let (verb, group, resource, part, wide) = right;
        let kind =
            Kind::built_in("authorization.k8s.io", "v1", "SelfSubjectAccessReview", "selfsubjectaccessreviews", false);
        let place = if wide { "" } else { namespace };
        let wanted =
            json!({"verb": verb, "group": group, "resource": resource, "subresource": part, "namespace": place});
        let body =
            json!({"apiVersion": "authorization.k8s.io/v1", "kind": kind.kind, "spec": {"resourceAttributes": wanted}});
        let Ok(answer) = cluster.json(&Ask::of("create", &kind).sending_json(&body), cx).await else { break };
        if answer["status"]["allowed"] != true {
            let resource = if part.is_empty() { resource.to_owned() } else { format!("{resource}/{part}") };
            let place = if wide { "the cluster".to_owned() } else { format!("the namespace `{namespace}`") };
            let message = format!(
                "{} will be refused: the credential of the context `{}` may not `{verb}` `{resource}` in {place}",
                tools.join(", "),
                cluster.context()
            );
            let hint = "grant the verb by a role, or leave the tools out: `tools = [\"!NAME\"]`";
            found.push(Diagnostic::advice(source.plan.place.join("tools"), "missing-right", message).hint(hint));
        }
    }
    found
}
