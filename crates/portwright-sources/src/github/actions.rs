//! Workflows, their runs, jobs and logs.

use std::sync::Arc;

use portwright_core::protocol::JsonObject;
use portwright_core::{Context, Fetch, FetchRequest, Method, Refusal, limits};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Value, json};

use super::client::{Ask, Hub};
use super::issues::given;
use super::pick::{JOB, RUN, WORKFLOW, pick};
use crate::shared::http::Client;
use crate::shared::own::Answer;

#[derive(Debug, Deserialize, JsonSchema)]
pub(super) struct List {
    /// What to list
    method: ListWhat,
    /// Owner
    owner: String,
    /// Name
    repo: String,
    /// Of the workflow (its file or id) or of the run
    #[serde(default)]
    resource_id: Option<String>,
    /// Runs: of this branch
    #[serde(default)]
    branch: Option<String>,
    /// Runs: queued, in_progress, completed, success, failure…
    #[serde(default)]
    status: Option<String>,
    /// From 1
    #[serde(default)]
    page: Option<u64>,
    /// At most 100
    #[serde(default)]
    per_page: Option<u8>,
}

#[derive(Debug, Clone, Copy, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[expect(clippy::enum_variant_names, reason = "the words of the tool's argument")]
enum ListWhat {
    ListWorkflows,
    ListWorkflowRuns,
    ListWorkflowJobs,
    ListWorkflowRunArtifacts,
}

pub(super) async fn list(hub: Arc<Hub>, wanted: List, cx: Context) -> Result<Answer<JsonObject>, Refusal> {
    let place = hub.repo(&wanted.owner, &wanted.repo)?.word("actions");
    let run = || wanted.resource_id.as_deref().ok_or_else(|| Refusal::invalid("say which run: `resource_id`"));
    let (place, member, fields) = match (wanted.method, &wanted.resource_id) {
        (ListWhat::ListWorkflows, _) => (place.word("workflows"), "workflows", WORKFLOW),
        (ListWhat::ListWorkflowRuns, None) => (place.word("runs"), "workflow_runs", RUN),
        (ListWhat::ListWorkflowRuns, Some(workflow)) => {
            (place.word("workflows").segment(workflow).word("runs"), "workflow_runs", RUN)
        }
        (ListWhat::ListWorkflowJobs, _) => (place.word("runs").segment(run()?).word("jobs"), "jobs", JOB),
        (ListWhat::ListWorkflowRunArtifacts, _) => {
            let fields: super::pick::Fields = &["id", "name", "size_in_bytes", "expired", "created_at"];
            (place.word("runs").segment(run()?).word("artifacts"), "artifacts", fields)
        }
    };
    let ask = Ask::get(place).owner(&wanted.owner).with("branch", wanted.branch).with("status", wanted.status);
    let told = hub.ask(ask.page(wanted.page, wanted.per_page), &cx).await?;
    let total = told.value["total_count"].as_u64();
    Ok(hub.page(&told.value[member], fields, None, told.next, total, &cx).object())
}

#[derive(Debug, Deserialize, JsonSchema)]
pub(super) struct Get {
    /// What to get
    method: GetWhat,
    /// Owner
    owner: String,
    /// Name
    repo: String,
    /// Of the workflow, run or job
    resource_id: String,
}

#[derive(Debug, Clone, Copy, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[expect(clippy::enum_variant_names, reason = "the words of the tool's argument")]
enum GetWhat {
    GetWorkflow,
    GetWorkflowRun,
    GetWorkflowJob,
    GetWorkflowRunUsage,
}

pub(super) async fn get(hub: Arc<Hub>, wanted: Get, cx: Context) -> Result<Answer<JsonObject>, Refusal> {
    let place = hub.repo(&wanted.owner, &wanted.repo)?.word("actions");
    let id = &wanted.resource_id;
    let (place, fields): (_, super::pick::Fields) = match wanted.method {
        GetWhat::GetWorkflow => (place.word("workflows").segment(id), WORKFLOW),
        GetWhat::GetWorkflowRun => (place.word("runs").segment(id), RUN),
        GetWhat::GetWorkflowJob => (place.word("jobs").segment(id), JOB),
        GetWhat::GetWorkflowRunUsage => {
            (place.word("runs").segment(id).word("timing"), &["billable", "run_duration_ms"])
        }
    };
    let told = hub.ask(Ask::get(place).owner(&wanted.owner), &cx).await?;
    Ok(pick(&told.value, fields).into())
}

#[derive(Debug, Deserialize, JsonSchema)]
pub(super) struct Trigger {
    /// What to do
    method: TriggerWhat,
    /// Owner
    owner: String,
    /// Name
    repo: String,
    /// To run: its file or id
    #[serde(default)]
    workflow_id: Option<String>,
    /// To run: branch or tag
    #[serde(default, rename = "ref")]
    reference: Option<String>,
    /// To run
    #[serde(default)]
    inputs: Option<JsonObject>,
    /// Otherwise
    #[serde(default)]
    run_id: Option<u64>,
}

#[derive(Debug, Clone, Copy, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum TriggerWhat {
    RunWorkflow,
    RerunWorkflowRun,
    RerunFailedJobs,
    CancelWorkflowRun,
}

pub(super) async fn trigger(hub: Arc<Hub>, wanted: Trigger, cx: Context) -> Result<Answer<JsonObject>, Refusal> {
    let place = hub.repo(&wanted.owner, &wanted.repo)?.word("actions");
    let run = || wanted.run_id.ok_or_else(|| Refusal::invalid("say which run: `run_id`"));
    let (place, body) = match wanted.method {
        TriggerWhat::RunWorkflow => {
            let (Some(workflow), Some(reference)) = (&wanted.workflow_id, wanted.reference) else {
                return Err(Refusal::invalid("say what to run: `workflow_id` and `ref`"));
            };
            let body = given([("ref", Some(reference.into())), ("inputs", wanted.inputs.map(Value::from))]);
            (place.word("workflows").segment(workflow).word("dispatches"), body)
        }
        TriggerWhat::RerunWorkflowRun => (place.word("runs").number(run()?).word("rerun"), json!({})),
        TriggerWhat::RerunFailedJobs => (place.word("runs").number(run()?).word("rerun-failed-jobs"), json!({})),
        TriggerWhat::CancelWorkflowRun => (place.word("runs").number(run()?).word("cancel"), json!({})),
    };
    hub.ask(Ask::send(Method::Post, place, body).owner(&wanted.owner), &cx).await?;
    Ok(JsonObject::from_iter([("accepted".to_owned(), json!(true))]).into())
}

#[derive(Debug, Deserialize, JsonSchema)]
pub(super) struct JobLogs {
    /// Owner
    owner: String,
    /// Name
    repo: String,
    /// One job
    #[serde(default)]
    job_id: Option<u64>,
    /// The failed jobs of a run
    #[serde(default)]
    run_id: Option<u64>,
    /// Last lines of each; default 500
    #[serde(default)]
    tail_lines: Option<usize>,
}

pub(super) async fn logs(hub: Arc<Hub>, wanted: JobLogs, cx: Context) -> Result<Answer<JsonObject>, Refusal> {
    let place = || Ok::<_, Refusal>(hub.repo(&wanted.owner, &wanted.repo)?.word("actions"));
    let jobs: Vec<(u64, String)> = match (wanted.job_id, wanted.run_id) {
        (Some(job), _) => vec![(job, String::new())],
        (None, Some(run)) => {
            let ask =
                Ask::get(place()?.word("runs").number(run).word("jobs")).owner(&wanted.owner).page(None, Some(100));
            let told = hub.ask(ask, &cx).await?.value;
            let failed = told["jobs"].as_array().into_iter().flatten().filter(|job| job["conclusion"] == "failure");
            failed.filter_map(|job| Some((job["id"].as_u64()?, job["name"].as_str()?.to_owned()))).collect()
        }
        (None, None) => return Err(Refusal::invalid("say which: `job_id`, or `run_id` for the failed jobs of a run")),
    };
    let lines = wanted.tail_lines.unwrap_or(500);
    let bytes_max = hub.plan.bytes_max / jobs.len().max(1);
    let (mut logs, mut text) = (Vec::new(), String::new());
    for (job, name) in jobs {
        let log = log(&hub, Ask::get(place()?.word("jobs").number(job).word("logs")).owner(&wanted.owner), &cx).await?;
        let tail = tail(&log, lines, bytes_max);
        text.extend([&name, "\n", &tail, "\n"]);
        logs.push(json!({"job_id": job, "name": name, "log": tail}));
    }
    let answer = JsonObject::from_iter([("logs".to_owned(), Value::from(logs))]);
    let text = if text.is_empty() { "no job failed".to_owned() } else { text };
    Ok(Answer::told(answer, text))
}

/// Where a log lies another host says, which gets no token, and is judged like any address that a stranger wrote.
async fn log(hub: &Hub, ask: Ask, cx: &Context) -> Result<String, Refusal> {
    let told = hub.ask(ask, cx).await?;
    let Some(location) = told.location() else { return Ok(String::from_utf8_lossy(&told.raw).into_owned()) };
    let client = Client::new().map_err(Refusal::internal)?;
    let mut request = FetchRequest::get(location);
    // An Enterprise server keeps them at home.
    request.trusted = location.split('/').nth(2) == hub.plan.api_url.split('/').nth(2);
    request.bytes_max = limits::API_BYTES_MAX;
    let log = client.fetch(request).await;
    let log = log.map_err(|error| Refusal::unavailable("the log can't be fetched").because(error))?;
    Ok(String::from_utf8_lossy(&log.body).into_owned())
}

fn tail(log: &str, lines: usize, bytes_max: usize) -> String {
    let start = log.trim_end().rmatch_indices('\n').nth(lines.saturating_sub(1)).map_or(0, |(at, _)| at + 1);
    let tail = &log[start..];
    tail[tail.ceil_char_boundary(tail.len().saturating_sub(bytes_max))..].to_owned()
}
