//! Commits and tags.

use std::sync::Arc;

use portwright_core::protocol::JsonObject;
use portwright_core::{Context, Refusal};
use schemars::JsonSchema;
use serde::Deserialize;

use super::super::client::{Ask, Hub, Listed};
use super::super::pick::{COMMIT, FILE, pick, pick_all};
use super::OfRepository;
use crate::shared::own::Answer;

#[derive(Debug, Deserialize, JsonSchema)]
pub(in super::super) struct ListCommits {
    /// Owner
    owner: String,
    /// Name
    repo: String,
    /// Branch, tag or commit to begin at
    #[serde(default)]
    sha: Option<String>,
    /// Only those that touch it
    #[serde(default)]
    path: Option<String>,
    /// Login or email address
    #[serde(default)]
    author: Option<String>,
    /// As 2026-01-31T00:00:00Z
    #[serde(default)]
    since: Option<String>,
    /// As 2026-01-31T00:00:00Z
    #[serde(default)]
    until: Option<String>,
    /// From 1
    #[serde(default)]
    page: Option<u64>,
    /// At most 100
    #[serde(default, rename = "perPage")]
    per_page: Option<u8>,
    /// Fields to return instead of the usual ones
    #[serde(default)]
    fields: Option<Vec<String>>,
}

pub(in super::super) async fn list(hub: Arc<Hub>, wanted: ListCommits, cx: Context) -> Result<Answer<Listed>, Refusal> {
    let ask = Ask::get(hub.repo(&wanted.owner, &wanted.repo)?.word("commits"))
        .owner(&wanted.owner)
        .with("sha", wanted.sha)
        .with("path", wanted.path)
        .with("author", wanted.author)
        .with("since", wanted.since)
        .with("until", wanted.until)
        .page(wanted.page, wanted.per_page);
    hub.list(ask, COMMIT, wanted.fields.as_deref(), &cx).await
}

#[derive(Debug, Deserialize, JsonSchema)]
pub(in super::super) struct GetCommit {
    /// Owner
    owner: String,
    /// Name
    repo: String,
    /// Commit, branch or tag
    sha: String,
    /// What is told of its files
    #[serde(default)]
    detail: Detail,
    /// Of its files, from 1
    #[serde(default)]
    page: Option<u64>,
    /// At most 100
    #[serde(default, rename = "perPage")]
    per_page: Option<u8>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum Detail {
    None,
    #[default]
    Stats,
    FullPatch,
}

pub(in super::super) async fn get(
    hub: Arc<Hub>,
    wanted: GetCommit,
    cx: Context,
) -> Result<Answer<JsonObject>, Refusal> {
    let place = hub.repo(&wanted.owner, &wanted.repo)?.word("commits").segment(&wanted.sha);
    let told = hub.ask(Ask::get(place).owner(&wanted.owner).page(wanted.page, wanted.per_page), &cx).await?;
    let mut commit = pick(&told.value, COMMIT);
    if wanted.detail != Detail::None {
        let mut files = pick_all(&told.value["files"], FILE, None);
        if wanted.detail == Detail::Stats {
            for file in &mut files {
                file.shift_remove("patch");
            }
        }
        commit.insert("files".to_owned(), files.into_iter().map(serde_json::Value::from).collect());
        commit.extend(told.next.map(|page| ("next".to_owned(), page.into())));
    }
    Ok(commit.into())
}

pub(in super::super) async fn tags(
    hub: Arc<Hub>,
    wanted: OfRepository,
    cx: Context,
) -> Result<Answer<Listed>, Refusal> {
    let place = hub.repo(&wanted.owner, &wanted.repo)?.word("tags");
    hub.list(
        Ask::get(place).owner(&wanted.owner).page(wanted.page, wanted.per_page),
        &["name", "commit.sha"],
        None,
        &cx,
    )
    .await
}

#[derive(Debug, Deserialize, JsonSchema)]
pub(in super::super) struct GetTag {
    /// Owner
    owner: String,
    /// Name
    repo: String,
    /// Its name
    tag: String,
}

pub(in super::super) async fn tag(hub: Arc<Hub>, wanted: GetTag, cx: Context) -> Result<Answer<JsonObject>, Refusal> {
    let repo = hub.repo(&wanted.owner, &wanted.repo)?;
    let place = repo.clone().word("git").word("ref").word("tags").segments(&wanted.tag);
    let told = hub.ask(Ask::get(place).owner(&wanted.owner), &cx).await?.value;
    let mut tag = JsonObject::from_iter([
        ("tag".to_owned(), wanted.tag.clone().into()),
        ("object".to_owned(), told["object"].clone()),
    ]);
    // A tag with a message is an object of its own.
    if let (Some("tag"), Some(sha)) = (told["object"]["type"].as_str(), told["object"]["sha"].as_str()) {
        let about = hub.ask(Ask::get(repo.word("git").word("tags").segment(sha)).owner(&wanted.owner), &cx).await?;
        tag.extend(pick(&about.value, &["message", "tagger", "object", "verification"]));
    }
    Ok(tag.into())
}
