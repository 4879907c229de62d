//! What a pull request is, what it changes, what was said of it.

use std::sync::Arc;

use portwright_core::protocol::JsonObject;
use portwright_core::{Context, Refusal};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Value, json};

use super::super::client::{Ask, Hub};
use super::super::issues::State;
use super::super::page::{Items, Listed};
use super::super::pick::{COMMENT, COMMIT, FILE, PULL, REVIEW, REVIEW_COMMENT, cut, pick};
use super::super::search::Order;
use super::{pull, threads};
use crate::shared::own::Answer;

#[derive(Debug, Deserialize, JsonSchema)]
pub(in super::super) struct PullRead {
    /// What of it
    method: Read,
    /// Owner
    owner: String,
    /// Name
    repo: String,
    /// Of the pull request
    #[serde(rename = "pullNumber")]
    pull_number: u64,
    /// From 1
    #[serde(default)]
    page: Option<u64>,
    /// At most 100
    #[serde(default, rename = "perPage")]
    per_page: Option<u8>,
    /// Threads go on after it: `next_after`
    #[serde(default)]
    after: Option<String>,
}

#[derive(Debug, Clone, Copy, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum Read {
    Get,
    GetDiff,
    GetStatus,
    GetFiles,
    GetCommits,
    GetReviewComments,
    GetReviewThreads,
    GetReviews,
    GetComments,
}

pub(in super::super) async fn read(
    hub: Arc<Hub>,
    wanted: PullRead,
    cx: Context,
) -> Result<Answer<JsonObject>, Refusal> {
    let (owner, repo, number) = (&wanted.owner, &wanted.repo, wanted.pull_number);
    let place = pull(&hub, owner, repo, number)?;
    let (place, fields) = match wanted.method {
        Read::Get => {
            let told = hub.ask(Ask::get(place).owner(owner), &cx).await?;
            return Ok(hub.one(&told.value, PULL, &cx).into());
        }
        Read::GetDiff => return diff(&hub, Ask::get(place).owner(owner), &cx).await,
        Read::GetStatus => return status(&hub, owner, repo, number, &cx).await,
        Read::GetFiles => (place.word("files"), FILE),
        Read::GetCommits => (place.word("commits"), COMMIT),
        Read::GetReviewComments => (place.word("comments"), REVIEW_COMMENT),
        Read::GetReviewThreads => {
            let from = (wanted.after.as_deref(), wanted.per_page);
            return Ok(threads::list(&hub, (owner, repo, number), from, &cx).await?.into());
        }
        Read::GetReviews => (place.word("reviews"), REVIEW),
        Read::GetComments => (hub.repo(owner, repo)?.word("issues").number(number).word("comments"), COMMENT),
    };
    let told = hub.ask(Ask::get(place).owner(owner).page(wanted.page, wanted.per_page), &cx).await?;
    Ok(hub.page(&told, Items::of(&told.value, fields), &cx).object())
}

async fn diff(hub: &Hub, ask: Ask, cx: &Context) -> Result<Answer<JsonObject>, Refusal> {
    let told = hub.ask(ask.accept("application/vnd.github.diff"), cx).await?;
    let mut diff = String::from_utf8_lossy(&told.raw).into_owned();
    let whole = diff.len();
    cut(&mut diff, hub.plan.bytes_max);
    let mut answer = JsonObject::from_iter([("diff".to_owned(), json!(diff))]);
    if diff.len() != whole {
        cx.note(|trail| trail.truncated = true);
        answer.insert("hint".to_owned(), json!("read the rest by get_files, in pages"));
    }
    Ok(Answer::told(answer, diff))
}

/// Checks and statuses of its last commit.
async fn status(hub: &Hub, owner: &str, repo: &str, number: u64, cx: &Context) -> Result<Answer<JsonObject>, Refusal> {
    let about = hub.ask(Ask::get(pull(hub, owner, repo, number)?).owner(owner), cx).await?.value;
    let sha = about["head"]["sha"].as_str().ok_or_else(|| Refusal::failed("the pull request has no head"))?;
    let commit = || Ok::<_, Refusal>(hub.repo(owner, repo)?.word("commits").segment(sha));
    let status =
        hub.ask(Ask::get(commit()?.word("status")).owner(owner).page(None, Some(100)), cx).await.map(|told| told.value);
    let checks = hub.ask(Ask::get(commit()?.word("check-runs")).owner(owner).page(None, Some(100)), cx).await;
    let total = |told: &Value| told["total_count"].as_u64().filter(|total| *total > 100);
    let total = checks.as_ref().ok().and_then(|told| total(&told.value));
    let checks = checks.map(|told| told.value["check_runs"].clone());
    // A token may see the one and not the other.
    let (status, checks) = match (status, checks) {
        (Err(refusal), Err(_)) => return Err(refusal),
        (status, checks) => (status.unwrap_or_default(), checks.unwrap_or_default()),
    };
    let kept = |values: &Value, fields: &'static [&'static str]| -> Value {
        values.as_array().into_iter().flatten().map(|one| Value::from(pick(one, fields))).collect()
    };
    let answer = json!({
        "sha": sha,
        "state": status["state"],
        "mergeable_state": about["mergeable_state"],
        "statuses": kept(&status["statuses"], &["context", "state", "description", "target_url"]),
        "checks": kept(&checks, &["name", "status", "conclusion", "html_url"]),
    });
    let mut answer = answer.as_object().cloned().unwrap_or_default();
    // These are the first hundred.
    answer.extend(total.map(|total| ("checks_total".to_owned(), total.into())));
    Ok(answer.into())
}

#[derive(Debug, Deserialize, JsonSchema)]
pub(in super::super) struct ListPulls {
    /// Owner
    owner: String,
    /// Name
    repo: String,
    /// Default: open
    #[serde(default)]
    state: Option<State>,
    /// From it, as `owner:branch`
    #[serde(default)]
    head: Option<String>,
    /// Into it
    #[serde(default)]
    base: Option<String>,
    /// created, updated, popularity, long-running
    #[serde(default)]
    sort: Option<String>,
    /// asc or desc
    #[serde(default)]
    direction: Option<Order>,
    /// From 1
    #[serde(default)]
    page: Option<u64>,
    /// At most 100
    #[serde(default, rename = "perPage")]
    per_page: Option<u8>,
    /// Only these
    #[serde(default)]
    fields: Option<Vec<String>>,
}

pub(in super::super) async fn list(hub: Arc<Hub>, wanted: ListPulls, cx: Context) -> Result<Answer<Listed>, Refusal> {
    let ask = Ask::get(hub.repo(&wanted.owner, &wanted.repo)?.word("pulls"))
        .owner(&wanted.owner)
        .with("state", wanted.state.map(State::as_str))
        .with("head", wanted.head)
        .with("base", wanted.base)
        .with("sort", wanted.sort)
        .with("direction", wanted.direction.map(Order::as_str))
        .page(wanted.page, wanted.per_page);
    hub.list(ask, PULL, wanted.fields.as_deref(), &cx).await
}
