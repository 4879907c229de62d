//! Gists. They are in no repository.

use std::sync::Arc;

use portwright_core::protocol::JsonObject;
use portwright_core::{Context, Method, Refusal};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Value, json};

use super::client::{Ask, Hub, Listed};
use super::issues::given;
use super::path::Path;
use super::pick::{GIST, pick};
use crate::shared::own::Answer;

#[derive(Debug, Deserialize, JsonSchema)]
pub(super) struct ListGists {
    /// Whose; default: the token's own
    #[serde(default)]
    username: Option<String>,
    /// Changed since, as 2026-01-31T00:00:00Z
    #[serde(default)]
    since: Option<String>,
    /// From 1
    #[serde(default)]
    page: Option<u64>,
    /// At most 100
    #[serde(default, rename = "perPage")]
    per_page: Option<u8>,
}

pub(super) async fn list(hub: Arc<Hub>, wanted: ListGists, cx: Context) -> Result<Answer<Listed>, Refusal> {
    let place = match &wanted.username {
        None => Path::of(&["gists"]),
        Some(username) => Path::of(&["users"]).segment(username).word("gists"),
    };
    let ask = Ask::get(place).with("since", wanted.since).page(wanted.page, wanted.per_page);
    hub.list(ask, &["id", "description", "public", "owner.login", "updated_at", "html_url"], None, &cx).await
}

#[derive(Debug, Deserialize, JsonSchema)]
pub(super) struct GetGist {
    /// Its id
    gist_id: String,
}

pub(super) async fn get(hub: Arc<Hub>, wanted: GetGist, cx: Context) -> Result<Answer<JsonObject>, Refusal> {
    let told = hub.ask(Ask::get(Path::of(&["gists"]).segment(&wanted.gist_id)), &cx).await?;
    Ok(pick(&told.value, GIST).into())
}

#[derive(Debug, Deserialize, JsonSchema)]
pub(super) struct CreateGist {
    /// Of its file
    filename: String,
    /// All of its text
    content: String,
    /// What it is
    #[serde(default)]
    description: Option<String>,
    /// For everybody to find
    #[serde(default)]
    public: bool,
}

pub(super) async fn create(hub: Arc<Hub>, wanted: CreateGist, cx: Context) -> Result<Answer<JsonObject>, Refusal> {
    let body = given([
        ("files", Some(json!({wanted.filename: {"content": wanted.content}}))),
        ("public", Some(wanted.public.into())),
        ("description", wanted.description.map(Value::from)),
    ]);
    let told = hub.ask(Ask::send(Method::Post, Path::of(&["gists"]), body), &cx).await?;
    Ok(pick(&told.value, &["id", "html_url"]).into())
}

#[derive(Debug, Deserialize, JsonSchema)]
pub(super) struct UpdateGist {
    /// Its id
    gist_id: String,
    /// Of its file
    filename: String,
    /// All of its text
    content: String,
    /// What it is
    #[serde(default)]
    description: Option<String>,
}

pub(super) async fn update(hub: Arc<Hub>, wanted: UpdateGist, cx: Context) -> Result<Answer<JsonObject>, Refusal> {
    let body = given([
        ("files", Some(json!({wanted.filename: {"content": wanted.content}}))),
        ("description", wanted.description.map(Value::from)),
    ]);
    let place = Path::of(&["gists"]).segment(&wanted.gist_id);
    let told = hub.ask(Ask::send(Method::Patch, place, body), &cx).await?;
    Ok(pick(&told.value, &["id", "html_url"]).into())
}
