//! Releases.

use std::sync::Arc;

use portwright_core::protocol::JsonObject;
use portwright_core::{Context, Method, Refusal};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::json;

use super::super::client::{Ask, Hub, Listed};
use super::super::pick::{RELEASE, pick};
use super::OfRepository;
use crate::shared::own::Answer;

pub(in super::super) async fn list(
    hub: Arc<Hub>,
    wanted: OfRepository,
    cx: Context,
) -> Result<Answer<Listed>, Refusal> {
    let place = hub.repo(&wanted.owner, &wanted.repo)?.word("releases");
    hub.list(Ask::get(place).owner(&wanted.owner).page(wanted.page, wanted.per_page), RELEASE, None, &cx).await
}

#[derive(Debug, Deserialize, JsonSchema)]
pub(in super::super) struct Latest {
    /// Owner
    owner: String,
    /// Name
    repo: String,
}

pub(in super::super) async fn latest(
    hub: Arc<Hub>,
    wanted: Latest,
    cx: Context,
) -> Result<Answer<JsonObject>, Refusal> {
    let place = hub.repo(&wanted.owner, &wanted.repo)?.word("releases").word("latest");
    let told = hub.ask(Ask::get(place).owner(&wanted.owner), &cx).await?;
    Ok(pick(&told.value, RELEASE).into())
}

#[derive(Debug, Deserialize, JsonSchema)]
pub(in super::super) struct ByTag {
    /// Owner
    owner: String,
    /// Name
    repo: String,
    /// Its tag
    tag: String,
}

pub(in super::super) async fn by_tag(hub: Arc<Hub>, wanted: ByTag, cx: Context) -> Result<Answer<JsonObject>, Refusal> {
    let place = hub.repo(&wanted.owner, &wanted.repo)?.word("releases").word("tags").segment(&wanted.tag);
    let told = hub.ask(Ask::get(place).owner(&wanted.owner), &cx).await?;
    Ok(pick(&told.value, RELEASE).into())
}

#[derive(Debug, Deserialize, JsonSchema)]
pub(in super::super) struct CreateRelease {
    /// Owner
    owner: String,
    /// Name
    repo: String,
    /// Made if it is not there
    tag_name: String,
    /// Branch or commit that a new tag is made at
    #[serde(default)]
    target_commitish: Option<String>,
    /// Its title
    #[serde(default)]
    name: Option<String>,
    /// What it says
    #[serde(default)]
    body: Option<String>,
    /// Not to be seen yet
    #[serde(default)]
    draft: bool,
    /// Not for everybody yet
    #[serde(default)]
    prerelease: bool,
}

pub(in super::super) async fn create(
    hub: Arc<Hub>,
    wanted: CreateRelease,
    cx: Context,
) -> Result<Answer<JsonObject>, Refusal> {
    let mut body = json!({"tag_name": wanted.tag_name, "draft": wanted.draft, "prerelease": wanted.prerelease});
    for (key, value) in [("target_commitish", wanted.target_commitish), ("name", wanted.name), ("body", wanted.body)] {
        if let Some(value) = value {
            body[key] = json!(value);
        }
    }
    let place = hub.repo(&wanted.owner, &wanted.repo)?.word("releases");
    let told = hub.ask(Ask::send(Method::Post, place, body).owner(&wanted.owner), &cx).await?;
    Ok(pick(&told.value, RELEASE).into())
}
