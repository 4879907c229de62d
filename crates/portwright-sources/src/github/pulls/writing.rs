//! Pull requests that are made, changed and merged.

use std::sync::Arc;

use portwright_core::protocol::JsonObject;
use portwright_core::{Context, Method, Refusal};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Value, json};

use super::super::client::{Ask, Hub};
use super::super::issues::{OpenOrClosed, given};
use super::super::pick::{Fields, pick};
use super::{pull, threads};
use crate::shared::own::Answer;

const MADE: Fields = &["number", "title", "state", "draft", "html_url"];

#[derive(Debug, Deserialize, JsonSchema)]
pub(in super::super) struct CreatePull {
    /// Owner
    owner: String,
    /// Name
    repo: String,
    /// Its title
    title: String,
    /// Branch with the changes; `owner:branch` from a fork
    head: String,
    /// Branch that they go into
    base: String,
    /// What it says
    #[serde(default)]
    body: Option<String>,
    /// Not ready yet
    #[serde(default)]
    draft: Option<bool>,
    /// Those who maintain it may push to its branch
    #[serde(default)]
    maintainer_can_modify: Option<bool>,
    /// Logins
    #[serde(default)]
    reviewers: Vec<String>,
}

pub(in super::super) async fn create(
    hub: Arc<Hub>,
    wanted: CreatePull,
    cx: Context,
) -> Result<Answer<JsonObject>, Refusal> {
    let body = given([
        ("title", Some(wanted.title.into())),
        ("head", Some(wanted.head.into())),
        ("base", Some(wanted.base.into())),
        ("body", wanted.body.map(Value::from)),
        ("draft", wanted.draft.map(Value::from)),
        ("maintainer_can_modify", wanted.maintainer_can_modify.map(Value::from)),
    ]);
    let place = hub.repo(&wanted.owner, &wanted.repo)?.word("pulls");
    let told = hub.ask(Ask::send(Method::Post, place, body).owner(&wanted.owner), &cx).await?;
    let number = told.value["number"].as_u64().unwrap_or_default();
    ask_for_reviews(&hub, &wanted.owner, &wanted.repo, number, &wanted.reviewers, &cx).await?;
    Ok(pick(&told.value, MADE).into())
}

async fn ask_for_reviews(
    hub: &Hub,
    owner: &str,
    repo: &str,
    number: u64,
    who: &[String],
    cx: &Context,
) -> Result<(), Refusal> {
    if who.is_empty() {
        return Ok(());
    }
    let place = pull(hub, owner, repo, number)?.word("requested_reviewers");
    let asked = hub.ask(Ask::send(Method::Post, place, json!({"reviewers": who})).owner(owner), cx).await;
    asked.map(|_| ()).map_err(|refusal| {
        let words = format!("pull request {number} stands, but its reviewers could not be asked: {}", refusal.public());
        refusal.reworded(words)
    })
}

#[derive(Debug, Deserialize, JsonSchema)]
pub(in super::super) struct UpdatePull {
    /// Owner
    owner: String,
    /// Name
    repo: String,
    /// Of the pull request
    #[serde(rename = "pullNumber")]
    pull_number: u64,
    /// Its title
    #[serde(default)]
    title: Option<String>,
    /// What it says
    #[serde(default)]
    body: Option<String>,
    /// Open or closed
    #[serde(default)]
    state: Option<OpenOrClosed>,
    /// Branch that it goes into
    #[serde(default)]
    base: Option<String>,
    /// Those who maintain it may push to its branch
    #[serde(default)]
    maintainer_can_modify: Option<bool>,
    /// Not ready yet, or ready again
    #[serde(default)]
    draft: Option<bool>,
    /// Logins to ask for a review
    #[serde(default)]
    reviewers: Vec<String>,
}

pub(in super::super) async fn update(
    hub: Arc<Hub>,
    wanted: UpdatePull,
    cx: Context,
) -> Result<Answer<JsonObject>, Refusal> {
    let body = given([
        ("title", wanted.title.map(Value::from)),
        ("body", wanted.body.map(Value::from)),
        ("state", wanted.state.map(|state| state.as_str().into())),
        ("base", wanted.base.map(Value::from)),
        ("maintainer_can_modify", wanted.maintainer_can_modify.map(Value::from)),
    ]);
    let place = pull(&hub, &wanted.owner, &wanted.repo, wanted.pull_number)?;
    let told = hub.ask(Ask::send(Method::Patch, place, body).owner(&wanted.owner), &cx).await?;
    let mut answer = pick(&told.value, MADE);
    if let Some(draft) = wanted.draft {
        threads::draft(&hub, (&wanted.owner, &wanted.repo, wanted.pull_number), draft, &cx).await?;
        answer.insert("draft".to_owned(), draft.into());
    }
    ask_for_reviews(&hub, &wanted.owner, &wanted.repo, wanted.pull_number, &wanted.reviewers, &cx).await?;
    Ok(answer.into())
}

#[derive(Debug, Deserialize, JsonSchema)]
pub(in super::super) struct MergePull {
    /// Owner
    owner: String,
    /// Name
    repo: String,
    /// Of the pull request
    #[serde(rename = "pullNumber")]
    pull_number: u64,
    /// Of the commit
    #[serde(default)]
    commit_title: Option<String>,
    /// Of the commit
    #[serde(default)]
    commit_message: Option<String>,
    /// merge, squash or rebase
    #[serde(default)]
    merge_method: Option<How>,
}

#[derive(Debug, Clone, Copy, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
enum How {
    Merge,
    Squash,
    Rebase,
}

pub(in super::super) async fn merge(
    hub: Arc<Hub>,
    wanted: MergePull,
    cx: Context,
) -> Result<Answer<JsonObject>, Refusal> {
    let how = wanted.merge_method.map(|how| match how {
        How::Merge => "merge",
        How::Squash => "squash",
        How::Rebase => "rebase",
    });
    let body = given([
        ("commit_title", wanted.commit_title.map(Value::from)),
        ("commit_message", wanted.commit_message.map(Value::from)),
        ("merge_method", how.map(Value::from)),
    ]);
    let place = pull(&hub, &wanted.owner, &wanted.repo, wanted.pull_number)?.word("merge");
    let told = hub.ask(Ask::send(Method::Put, place, body).owner(&wanted.owner), &cx).await?;
    Ok(pick(&told.value, &["merged", "sha", "message"]).into())
}

#[derive(Debug, Deserialize, JsonSchema)]
pub(in super::super) struct UpdateBranch {
    /// Owner
    owner: String,
    /// Name
    repo: String,
    /// Of the pull request
    #[serde(rename = "pullNumber")]
    pull_number: u64,
    /// Only if its head is still this commit
    #[serde(default, rename = "expectedHeadSha")]
    expected_head_sha: Option<String>,
}

pub(in super::super) async fn update_branch(
    hub: Arc<Hub>,
    wanted: UpdateBranch,
    cx: Context,
) -> Result<Answer<JsonObject>, Refusal> {
    let body = given([("expected_head_sha", wanted.expected_head_sha.map(Value::from))]);
    let place = pull(&hub, &wanted.owner, &wanted.repo, wanted.pull_number)?.word("update-branch");
    let told = hub.ask(Ask::send(Method::Put, place, body).owner(&wanted.owner), &cx).await?;
    Ok(pick(&told.value, &["message", "url"]).into())
}
