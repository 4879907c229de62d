//! Branches.

use std::sync::Arc;

use portwright_core::protocol::JsonObject;
use portwright_core::{Context, Method, Refusal};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::json;

use super::super::client::{Ask, Hub, Listed};
use super::super::pick::pick;
use super::OfRepository;
use crate::shared::own::Answer;

pub(in super::super) async fn list(
    hub: Arc<Hub>,
    wanted: OfRepository,
    cx: Context,
) -> Result<Answer<Listed>, Refusal> {
    let place = hub.repo(&wanted.owner, &wanted.repo)?.word("branches");
    let ask = Ask::get(place).owner(&wanted.owner).page(wanted.page, wanted.per_page);
    hub.list(ask, &["name", "commit.sha", "protected"], None, &cx).await
}

#[derive(Debug, Deserialize, JsonSchema)]
pub(in super::super) struct CreateBranch {
    /// Owner
    owner: String,
    /// Name
    repo: String,
    /// Its name
    branch: String,
    /// Where it begins; default: the default branch
    #[serde(default)]
    from_branch: Option<String>,
}

pub(in super::super) async fn create(
    hub: Arc<Hub>,
    wanted: CreateBranch,
    cx: Context,
) -> Result<Answer<JsonObject>, Refusal> {
    let (owner, repo) = (&wanted.owner, &wanted.repo);
    let from = match wanted.from_branch {
        Some(from) => from,
        None => default_branch(&hub, owner, repo, &cx).await?,
    };
    let sha = head(&hub, owner, repo, &from, &cx).await?;
    let body = json!({"ref": format!("refs/heads/{}", wanted.branch), "sha": sha});
    let place = hub.repo(owner, repo)?.word("git").word("refs");
    let told = hub.ask(Ask::send(Method::Post, place, body).owner(owner), &cx).await?;
    Ok(pick(&told.value, &["ref", "object"]).into())
}

#[derive(Debug, Deserialize, JsonSchema)]
pub(in super::super) struct DeleteBranch {
    /// Owner
    owner: String,
    /// Name
    repo: String,
    /// Its name
    branch: String,
}

/// Neither the default branch nor one that is protected.
pub(in super::super) async fn delete(
    hub: Arc<Hub>,
    wanted: DeleteBranch,
    cx: Context,
) -> Result<Answer<JsonObject>, Refusal> {
    let (owner, repo, branch) = (&wanted.owner, &wanted.repo, &wanted.branch);
    if default_branch(&hub, owner, repo, &cx).await? == *branch {
        return Err(Refusal::failed(format!("`{branch}` is the default branch, and stays")));
    }
    let place = hub.repo(owner, repo)?.word("branches").segment(branch);
    let about = hub.ask(Ask::get(place).owner(owner), &cx).await?;
    if about.value["protected"] == true {
        return Err(Refusal::failed(format!("`{branch}` is protected, and stays")));
    }
    let place = hub.repo(owner, repo)?.word("git").word("refs").word("heads").segments(branch);
    hub.ask(Ask { method: Method::Delete, ..Ask::get(place).owner(owner) }, &cx).await?;
    Ok(JsonObject::from_iter([("deleted".to_owned(), json!(branch))]).into())
}

pub(in super::super) async fn default_branch(
    hub: &Hub,
    owner: &str,
    repo: &str,
    cx: &Context,
) -> Result<String, Refusal> {
    let told = hub.ask(Ask::get(hub.repo(owner, repo)?).owner(owner), cx).await?;
    Ok(told.value["default_branch"].as_str().unwrap_or("main").to_owned())
}

/// The commit that a branch is at.
pub(in super::super) async fn head(
    hub: &Hub,
    owner: &str,
    repo: &str,
    branch: &str,
    cx: &Context,
) -> Result<String, Refusal> {
    let place = hub.repo(owner, repo)?.word("git").word("ref").word("heads").segments(branch);
    let told = hub.ask(Ask::get(place).owner(owner), cx).await?;
    let sha = told.value["object"]["sha"].as_str().map(str::to_owned);
    sha.ok_or_else(|| Refusal::failed(format!("there is no branch `{branch}`")))
}
