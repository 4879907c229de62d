//! Files that are written, and repositories that are made.

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use portwright_core::protocol::JsonObject;
use portwright_core::{Context, Method, Refusal, RefusalKind, limits};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Value, json};

use super::super::client::{Ask, Hub};
use super::super::path::Path;
use super::super::pick::{REPOSITORY, pick};
use super::branches::head;
use super::contents;
use crate::shared::own::Answer;

#[derive(Debug, Deserialize, JsonSchema)]
pub(in super::super) struct PutFile {
    /// Owner
    owner: String,
    /// Name
    repo: String,
    /// Of the file
    path: String,
    /// All of its text
    content: String,
    /// Of the commit
    message: String,
    /// To commit to
    branch: String,
    /// Of the file as it is; needed to replace it
    #[serde(default)]
    sha: Option<String>,
}

pub(in super::super) async fn put(hub: Arc<Hub>, wanted: PutFile, cx: Context) -> Result<Answer<JsonObject>, Refusal> {
    let mut body = json!({
        "message": wanted.message, "branch": wanted.branch, "content": STANDARD.encode(&wanted.content),
    });
    if let Some(sha) = &wanted.sha {
        body["sha"] = json!(sha);
    }
    let place = hub.repo(&wanted.owner, &wanted.repo)?.word("contents").segments(&wanted.path);
    let told = hub.ask(Ask::send(Method::Put, place, body).owner(&wanted.owner), &cx).await;
    match told {
        Ok(told) => Ok(committed(&told.value)),
        // GitHub's own words do not say what to do.
        Err(refusal) if wanted.sha.is_none() && refusal.public().contains("sha") => Err(Refusal::failed(format!(
            "`{}` is there already; read it with get_file_contents and give its sha to replace it",
            wanted.path
        ))),
        Err(refusal) => Err(refusal),
    }
}

fn committed(value: &Value) -> Answer<JsonObject> {
    let mut told = pick(&value["commit"], &["sha", "message", "html_url"]);
    told.extend(value["content"].as_object().and_then(|file| Some(("file_sha".to_owned(), file.get("sha")?.clone()))));
    told.into()
}

#[derive(Debug, Deserialize, JsonSchema)]
pub(in super::super) struct DeleteFile {
    /// Owner
    owner: String,
    /// Name
    repo: String,
    /// Of the file
    path: String,
    /// Of the commit
    message: String,
    /// To commit to
    branch: String,
}

pub(in super::super) async fn delete(
    hub: Arc<Hub>,
    wanted: DeleteFile,
    cx: Context,
) -> Result<Answer<JsonObject>, Refusal> {
    let now = contents::at(&hub, &wanted.owner, &wanted.repo, &wanted.path, Some(&wanted.branch), &cx).await?;
    let sha = now["sha"].as_str().filter(|_| now["type"] == "file");
    let sha = sha.ok_or_else(|| Refusal::failed(format!("`{}` is no file", wanted.path)))?;
    let body = json!({"message": wanted.message, "branch": wanted.branch, "sha": sha});
    let place = hub.repo(&wanted.owner, &wanted.repo)?.word("contents").segments(&wanted.path);
    let told = hub.ask(Ask::send(Method::Delete, place, body).owner(&wanted.owner), &cx).await?;
    Ok(committed(&told.value))
}

#[derive(Debug, Deserialize, JsonSchema)]
pub(in super::super) struct PushFiles {
    /// Owner
    owner: String,
    /// Name
    repo: String,
    /// To commit to
    branch: String,
    /// Made or replaced, in one commit
    #[schemars(length(min = 1, max = 100))]
    files: Vec<NewFile>,
    /// Of the commit
    message: String,
}

#[derive(Debug, Deserialize, JsonSchema)]
struct NewFile {
    /// Of the file
    path: String,
    /// All of its text
    content: String,
}

pub(in super::super) async fn push(
    hub: Arc<Hub>,
    wanted: PushFiles,
    cx: Context,
) -> Result<Answer<JsonObject>, Refusal> {
    if wanted.files.is_empty() || wanted.files.len() > limits::HUB_FILES_MAX {
        return Err(Refusal::invalid(format!("push 1 to {} files at a time", limits::HUB_FILES_MAX)));
    }
    let (owner, repo) = (&wanted.owner, &wanted.repo);
    // A tree takes paths as they are written, so they are held to the same rule as those of a URL.
    for file in &wanted.files {
        Path::default().segments(&file.path).written()?;
        if file.path.starts_with('/') || file.path.ends_with('/') || file.path.is_empty() {
            return Err(Refusal::invalid(format!("`{}` is no path of a file in a repository", file.path)));
        }
    }
    let git = || Ok::<_, Refusal>(hub.repo(owner, repo)?.word("git"));
    let parent = head(&hub, owner, repo, &wanted.branch, &cx).await?;
    let base = hub.ask(Ask::get(git()?.word("commits").segment(&parent)).owner(owner), &cx).await?;
    let entry = |file: &NewFile| json!({"path": file.path, "mode": "100644", "type": "blob", "content": file.content});
    let body =
        json!({"base_tree": base.value["tree"]["sha"], "tree": wanted.files.iter().map(entry).collect::<Vec<_>>()});
    let tree = hub.ask(Ask::send(Method::Post, git()?.word("trees"), body).owner(owner), &cx).await?;
    let body = json!({"message": wanted.message, "tree": tree.value["sha"], "parents": [parent]});
    let commit = hub.ask(Ask::send(Method::Post, git()?.word("commits"), body).owner(owner), &cx).await?;
    let place = git()?.word("refs").word("heads").segments(&wanted.branch);
    // Not by force: what came meanwhile is not lost.
    let body = json!({"sha": commit.value["sha"], "force": false});
    hub.ask(Ask::send(Method::Patch, place, body).owner(owner), &cx).await.map_err(|refusal| match refusal.kind() {
        RefusalKind::Failed => refusal.reworded("the branch moved on meanwhile; read it again and push anew"),
        _ => refusal,
    })?;
    Ok(pick(&commit.value, &["sha", "message", "html_url"]).into())
}

#[derive(Debug, Deserialize, JsonSchema)]
pub(in super::super) struct CreateRepository {
    /// Its name
    name: String,
    /// Default: the token's own
    #[serde(default)]
    organization: Option<String>,
    /// What it is for
    #[serde(default)]
    description: Option<String>,
    /// Default: true
    #[serde(default)]
    private: Option<bool>,
    /// With a README
    #[serde(default, rename = "autoInit")]
    auto_init: bool,
}

pub(in super::super) async fn create(
    hub: Arc<Hub>,
    wanted: CreateRepository,
    cx: Context,
) -> Result<Answer<JsonObject>, Refusal> {
    let owner = owner_of(&hub, wanted.organization.as_deref(), &cx).await?;
    hub.plan.fence.check(&owner, &wanted.name)?;
    let place = match &wanted.organization {
        None => Path::of(&["user", "repos"]),
        Some(organization) => Path::of(&["orgs"]).segment(organization).word("repos"),
    };
    let body = json!({
        "name": wanted.name, "private": wanted.private.unwrap_or(true), "auto_init": wanted.auto_init,
        "description": wanted.description.unwrap_or_default(),
    });
    let told = hub.ask(Ask::send(Method::Post, place, body).owner(&owner), &cx).await?;
    Ok(pick(&told.value, REPOSITORY).into())
}

#[derive(Debug, Deserialize, JsonSchema)]
pub(in super::super) struct Fork {
    /// Owner
    owner: String,
    /// Name
    repo: String,
    /// Where to; default: the token's own
    #[serde(default)]
    organization: Option<String>,
}

pub(in super::super) async fn fork(hub: Arc<Hub>, wanted: Fork, cx: Context) -> Result<Answer<JsonObject>, Refusal> {
    let place = hub.repo(&wanted.owner, &wanted.repo)?.word("forks");
    let to = owner_of(&hub, wanted.organization.as_deref(), &cx).await?;
    hub.plan.fence.check(&to, &wanted.repo)?;
    let body = wanted.organization.map_or_else(|| json!({}), |organization| json!({ "organization": organization }));
    let told = hub.ask(Ask::send(Method::Post, place, body).owner(&to), &cx).await?;
    Ok(pick(&told.value, REPOSITORY).into())
}

/// Whose a new repository would be.
async fn owner_of(hub: &Hub, organization: Option<&str>, cx: &Context) -> Result<String, Refusal> {
    if let Some(organization) = organization {
        return Ok(organization.to_owned());
    }
    let me = hub.ask(Ask::get(Path::of(&["user"])), cx).await?;
    Ok(me.value["login"].as_str().unwrap_or_default().to_owned())
}
