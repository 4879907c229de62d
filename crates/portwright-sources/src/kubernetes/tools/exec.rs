//! Running something in the cluster: a pod of an image, a command in a pod. The command is a list of words that no shell
//! reads; both are offered only where the configuration names them.

use std::sync::Arc;

use futures::future::try_join;
use http::StatusCode;
use k8s_openapi::api::core::v1::Pod;
use kube::api::{Api, AttachParams, AttachedProcess};
use portwright_core::{Context, Refusal, limits};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tokio::io::{AsyncRead, AsyncReadExt};

use super::change::MANAGER;
use crate::kubernetes::cluster::{Ask, check_name};
use crate::kubernetes::errors;
use crate::kubernetes::kinds::Kind;
use crate::kubernetes::mask;
use crate::kubernetes::source::Kubernetes;
use crate::shared::own::{Answer, Does, OwnTool, tool};

pub(super) fn tools() -> Vec<OwnTool<Kubernetes>> {
    vec![
        tool("pods_run", "Run a pod", "Runs an image as a pod of its own.", run)
            .does(Does::Add)
            .in_set("core")
            .by_name_only(),
        tool(
            "pods_exec",
            "Run a command in a pod",
            "Runs a command, a list of words that no shell reads, and returns its output and exit code.",
            exec,
        )
        .does(Does::Change)
        .in_set("core")
        .by_name_only()
        .alias("exec_in_pod"),
    ]
}

#[derive(Deserialize, JsonSchema)]
struct Run {
    /// Its image
    image: String,
    /// Default: one that is free
    #[serde(default)]
    name: Option<String>,
    /// Default: the context's
    #[serde(default)]
    namespace: Option<String>,
    /// That it listens on
    #[serde(default)]
    port: Option<u16>,
    /// Which cluster
    #[serde(default)]
    context: Option<String>,
}

#[derive(Serialize, JsonSchema)]
struct Running {
    name: String,
    namespace: String,
}

async fn run(source: Arc<Kubernetes>, asked: Run, cx: Context) -> Result<Answer<Running>, Refusal> {
    let cluster = source.cluster(asked.context.as_deref())?;
    source.plan.fence.check_kind(&Kind::pod())?;
    let namespace = source.namespace(cluster, asked.namespace.as_deref())?;
    let mut metadata = json!({"namespace": namespace, "labels": {"app.kubernetes.io/managed-by": MANAGER}});
    match asked.name.filter(|name| !name.is_empty()) {
        Some(name) => metadata["name"] = name.into(),
        None => metadata["generateName"] = "run-".into(),
    }
    let mut container = json!({"name": "main", "image": asked.image});
    if let Some(port) = asked.port {
        container["ports"] = json!([{"containerPort": port}]);
    }
    let spec = json!({"containers": [container], "restartPolicy": "Never"});
    let pod = json!({"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec});
    let ask = Ask::of("create", &Kind::pod()).within(Some(&namespace)).with("fieldManager", MANAGER).sending_json(&pod);
    let made = cluster.json(&ask, &cx).await?;
    let name = made["metadata"]["name"].as_str().unwrap_or_default().to_owned();
    Ok(Running { name, namespace }.into())
}

#[derive(Deserialize, JsonSchema)]
struct Exec {
    /// Its name
    name: String,
    /// `["ls", "-l", "/tmp"]`
    command: Vec<String>,
    /// Default: the context's
    #[serde(default)]
    namespace: Option<String>,
    /// Default: the main one
    #[serde(default)]
    container: Option<String>,
    /// Which cluster
    #[serde(default)]
    context: Option<String>,
}

#[derive(Debug, Serialize, JsonSchema)]
struct Ran {
    exit_code: Option<i64>,
    stdout: String,
    stderr: String,
    note: Option<String>,
}

async fn exec(source: Arc<Kubernetes>, asked: Exec, cx: Context) -> Result<Answer<Ran>, Refusal> {
    let cluster = source.cluster(asked.context.as_deref())?;
    source.plan.fence.check_kind(&Kind::pod())?;
    let namespace = source.namespace(cluster, asked.namespace.as_deref())?;
    check_name(&asked.name)?;
    if asked.command.is_empty() {
        return Err(Refusal::invalid("`command` is empty: give the program and its arguments, a word each"));
    }
    let pods: Api<Pod> = Api::namespaced(cluster.client().clone(), &namespace);
    let mut how = AttachParams::default().stdin(false).stdout(true).stderr(true);
    if let Some(container) = &asked.container {
        how = how.container(container);
    }
    let ask = Ask::of("create", &Kind::pod()).within(Some(&namespace)).named(&asked.name).sub(&["exec"]);
    let work = async {
        let process = pods.exec(&asked.name, &asked.command, &how).await.map_err(|error| refused(error, &ask))?;
        Ok::<_, Refusal>(output(process, source.plan.bytes_max.min(limits::CLUSTER_EXEC_BYTES_MAX)).await)
    };
    let ran = tokio::time::timeout(cluster.wait(&cx), work).await;
    let words = "the command did not end in time; it may still run in the pod";
    let ran = ran.map_err(|_| Refusal::timed_out(words))??;
    if ran.note.is_some() {
        cx.note(|trail| trail.truncated = true);
    }
    Ok(ran.into())
}

fn refused(error: kube::Error, ask: &Ask) -> Refusal {
    let kube::Error::Api(status) = &error else { return errors::unreachable(error) };
    let code = StatusCode::from_u16(status.code).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let body = serde_json::to_vec(status).unwrap_or_default();
    errors::refused(code, &body, ask)
}

/// Both outputs, each within its bytes, and how the command ended.
async fn output(mut process: AttachedProcess, bytes_max: usize) -> Ran {
    let (stdout, stderr) = (process.stdout(), process.stderr());
    let status = process.take_status();
    let status = async {
        match status {
            Some(status) => status.await,
            None => None,
        }
    };
    let (mut printed, mut complained) = (Vec::new(), Vec::new());
    // A command that prints without end is left at its bound: its status never comes.
    let reading = try_join(read(stdout, &mut printed, bytes_max), read(stderr, &mut complained, bytes_max));
    let cut = reading.await.is_err();
    let status = if cut { None } else { status.await };
    drop(process);
    let exit_code = status.and_then(|status| {
        let status = serde_json::to_value(status).unwrap_or_default();
        if status["status"] == "Success" { Some(0) } else { exit_code(&status) }
    });
    let note = cut.then(|| format!("cut at {bytes_max} bytes, and the command was left alone"));
    let text = |bytes: &[u8]| mask::text(&String::from_utf8_lossy(bytes)).into_owned();
    Ran { exit_code, stdout: text(&printed), stderr: text(&complained), note }
}

fn exit_code(status: &Value) -> Option<i64> {
    let causes = status["details"]["causes"].as_array()?;
    let cause = causes.iter().find(|cause| cause["reason"] == "ExitCode")?;
    cause["message"].as_str()?.parse().ok()
}

/// There is more than may be read.
struct Cut;

async fn read(from: Option<impl AsyncRead + Unpin>, bytes: &mut Vec<u8>, bytes_max: usize) -> Result<(), Cut> {
    let Some(from) = from else { return Ok(()) };
    let most = u64::try_from(bytes_max).unwrap_or(u64::MAX);
    // What breaks off has said what it has said.
    let _ = from.take(most.saturating_add(1)).read_to_end(bytes).await;
    if bytes.len() <= bytes_max {
        return Ok(());
    }
    bytes.truncate(bytes_max);
    Err(Cut)
}
