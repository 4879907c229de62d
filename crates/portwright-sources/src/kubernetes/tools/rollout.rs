//! Rollouts of workloads: how far one is, which revisions there were, and going on, back or anew.

use std::sync::Arc;

use portwright_core::{Context, Refusal, limits};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::change::MANAGER;
use super::workload;
use crate::kubernetes::cluster::{Ask, Cluster, JSON_PATCH, MERGE, STRATEGIC};
use crate::kubernetes::kinds::Kind;
use crate::kubernetes::source::Kubernetes;
use crate::shared::own::{Answer, Does, OwnTool, tool};

const REVISION: &str = "deployment.kubernetes.io/revision";

pub(super) fn tools() -> Vec<OwnTool<Kubernetes>> {
    vec![
        tool(
            "rollout_status",
            "Status of a rollout",
            "How far the rollout of a Deployment, StatefulSet or DaemonSet is, what it waits for, and its revisions.",
            status,
        )
        .in_set("core"),
        tool(
            "rollout",
            "Steer a rollout",
            "Restarts a workload's pods one after the other, goes back to a revision (`undo`), pauses or resumes it.",
            rollout,
        )
        .does(Does::Change)
        .in_set("core")
        .alias_with(
            "kubectl_rollout",
            &[("subCommand", "action"), ("resourceType", "kind"), ("toRevision", "revision")],
            &[],
        ),
    ]
}

#[derive(Deserialize, JsonSchema)]
struct Status {
    /// Its name
    name: String,
    /// Default Deployment
    #[serde(default)]
    kind: Option<String>,
    /// Default: the context's
    #[serde(default)]
    namespace: Option<String>,
    /// Which cluster
    #[serde(default)]
    context: Option<String>,
}

#[derive(Debug, Serialize, JsonSchema)]
struct Told {
    object: String,
    done: bool,
    status: String,
    revisions: Vec<Past>,
}

#[derive(Debug, Serialize, JsonSchema)]
struct Past {
    revision: i64,
    created: String,
    images: Vec<String>,
    cause: Option<String>,
}

/// A workload that has rollouts.
struct Work<'a> {
    cluster: &'a Cluster,
    kind: Kind,
    namespace: String,
    object: Value,
}

impl<'a> Work<'a> {
    async fn read(
        source: &'a Kubernetes,
        kind: Option<&str>,
        name: &str,
        namespace: Option<&str>,
        context: Option<&str>,
        cx: &Context,
    ) -> Result<Self, Refusal> {
        let cluster = source.cluster(context)?;
        let kind = cluster.kind(kind.unwrap_or("Deployment"), None, cx).await?;
        if kind.group != "apps" || !matches!(&*kind.kind, "Deployment" | "StatefulSet" | "DaemonSet") {
            let words = format!("a {} has no rollouts: a Deployment, StatefulSet or DaemonSet has", kind.kind);
            return Err(Refusal::invalid(words));
        }
        let namespace = source.place(cluster, &kind, namespace, name)?.unwrap_or_default();
        let object = cluster.json(&Ask::of("get", &kind).within(Some(&namespace)).named(name), cx).await?;
        Ok(Self { cluster, kind, namespace, object })
    }

    /// What keeps its revisions, the latest first.
    async fn kept(&self, cx: &Context) -> Result<Vec<(i64, Value)>, Refusal> {
        let keeper = match &*self.kind.kind {
            "Deployment" => Kind::built_in("apps", "v1", "ReplicaSet", "replicasets", true),
            _ => Kind::built_in("apps", "v1", "ControllerRevision", "controllerrevisions", true),
        };
        let ask = Ask::of("list", &keeper)
            .within(Some(&self.namespace))
            .with("labelSelector", workload::selector(&self.object)?)
            .with("limit", 500);
        let mut answer = self.cluster.json(&ask, cx).await?;
        let Value::Array(items) = answer["items"].take() else { return Ok(Vec::new()) };
        let uid = &self.object["metadata"]["uid"];
        let owned = |item: &Value| {
            let owners = item["metadata"]["ownerReferences"].as_array();
            owners.is_some_and(|owners| owners.iter().any(|owner| owner["uid"] == *uid))
        };
        let number = |item: &Value| {
            let noted = item["metadata"]["annotations"][REVISION].as_str().and_then(|text| text.parse().ok());
            item["revision"].as_i64().or(noted).unwrap_or(0)
        };
        let mut kept: Vec<_> = items.into_iter().filter(owned).map(|item| (number(&item), item)).collect();
        kept.sort_by_key(|(revision, _)| std::cmp::Reverse(*revision));
        Ok(kept)
    }

    async fn told(&self, cx: &Context) -> Result<Answer<Told>, Refusal> {
        let (done, status) = workload::progress(&self.object);
        let kept = self.kept(cx).await?;
        let revisions: Vec<Past> = kept.iter().take(limits::CLUSTER_REVISIONS_MAX).map(told).collect();
        let mut lines = vec![status.clone()];
        for one in &revisions {
            let cause = one.cause.as_ref().map(|cause| format!(" ({cause})")).unwrap_or_default();
            lines.push(format!("revision {} of {}: {}{cause}", one.revision, one.created, one.images.join(", ")));
        }
        let object = format!("{}/{}", self.kind.kind, self.object["metadata"]["name"].as_str().unwrap_or_default());
        Ok(Answer::told(Told { object, done, status, revisions }, lines.join("\n")))
    }

    async fn patch(&self, media_type: &'static str, body: &Value, cx: &Context) -> Result<Value, Refusal> {
        let name = self.object["metadata"]["name"].as_str().unwrap_or_default();
        let ask = Ask::of("patch", &self.kind).within(Some(&self.namespace)).named(name);
        self.cluster.json(&ask.with("fieldManager", MANAGER).sending(media_type, body), cx).await
    }
}

fn told((revision, item): &(i64, Value)) -> Past {
    let template = item["spec"].get("template").unwrap_or(&item["data"]["spec"]["template"]);
    let containers = template["spec"]["containers"].as_array().map(|all| &**all).unwrap_or_default();
    Past {
        revision: *revision,
        created: item["metadata"]["creationTimestamp"].as_str().unwrap_or_default().to_owned(),
        images: containers.iter().filter_map(|one| one["image"].as_str().map(str::to_owned)).collect(),
        cause: item["metadata"]["annotations"]["kubernetes.io/change-cause"].as_str().map(str::to_owned),
    }
}

async fn status(source: Arc<Kubernetes>, asked: Status, cx: Context) -> Result<Answer<Told>, Refusal> {
    let Status { name, kind, namespace, context } = asked;
    let work = Work::read(&source, kind.as_deref(), &name, namespace.as_deref(), context.as_deref(), &cx).await?;
    work.told(&cx).await
}

#[derive(Deserialize, JsonSchema)]
struct Rollout {
    /// What to do
    action: Action,
    /// Its name
    name: String,
    /// Default Deployment
    #[serde(default)]
    kind: Option<String>,
    /// Default: the context's
    #[serde(default)]
    namespace: Option<String>,
    /// For `undo`; default the one before
    #[serde(default)]
    revision: Option<i64>,
    /// Which cluster
    #[serde(default)]
    context: Option<String>,
}

#[derive(Deserialize, JsonSchema, Clone, Copy)]
#[serde(rename_all = "lowercase")]
enum Action {
    Status,
    History,
    Restart,
    Undo,
    Pause,
    Resume,
}

async fn rollout(source: Arc<Kubernetes>, asked: Rollout, cx: Context) -> Result<Answer<Told>, Refusal> {
    let Rollout { action, name, kind, namespace, revision, context } = asked;
    let mut work = Work::read(&source, kind.as_deref(), &name, namespace.as_deref(), context.as_deref(), &cx).await?;
    let pausable = work.kind.kind == "Deployment";
    work.object = match action {
        Action::Status | Action::History => return work.told(&cx).await,
        Action::Pause | Action::Resume if !pausable => {
            return Err(Refusal::invalid(format!("a {} can't be paused: a Deployment can", work.kind.kind)));
        }
        Action::Pause => work.patch(MERGE, &json!({"spec": {"paused": true}}), &cx).await?,
        Action::Resume => work.patch(MERGE, &json!({"spec": {"paused": false}}), &cx).await?,
        Action::Restart if work.object["spec"]["paused"] == true => {
            return Err(Refusal::failed("it is paused: `resume` it first"));
        }
        Action::Restart => {
            let now = jiff::Timestamp::now().strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
            let notes = json!({"kubectl.kubernetes.io/restartedAt": now});
            let body = json!({"spec": {"template": {"metadata": {"annotations": notes}}}});
            work.patch(MERGE, &body, &cx).await?
        }
        Action::Undo => undo(&work, revision, &cx).await?,
    };
    work.told(&cx).await
}

async fn undo(work: &Work<'_>, revision: Option<i64>, cx: &Context) -> Result<Value, Refusal> {
    if work.object["spec"]["paused"] == true {
        return Err(Refusal::failed("it is paused: `resume` it first"));
    }
    let kept = work.kept(cx).await?;
    let wanted = match revision.filter(|revision| *revision != 0) {
        Some(revision) => kept.iter().find(|(known, _)| *known == revision),
        None => kept.get(1),
    };
    let Some((revision, item)) = wanted else {
        let known: Vec<String> = kept.iter().map(|(revision, _)| revision.to_string()).collect();
        return Err(Refusal::failed(format!("there is no such revision to go back to: there is {}", known.join(", "))));
    };
    if kept.first().is_some_and(|(latest, _)| latest == revision) {
        return Err(Refusal::failed(format!("it is at revision {revision} already")));
    }
    if work.kind.kind != "Deployment" {
        return work.patch(STRATEGIC, &item["data"], cx).await;
    }
    let mut template = item["spec"]["template"].clone();
    if let Some(labels) = template["metadata"]["labels"].as_object_mut() {
        labels.shift_remove("pod-template-hash");
    }
    let body = json!([{"op": "replace", "path": "/spec/template", "value": template}]);
    work.patch(JSON_PATCH, &body, cx).await
}
