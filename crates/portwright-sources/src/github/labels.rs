//! Labels.

use std::sync::Arc;

use portwright_core::protocol::JsonObject;
use portwright_core::{Context, Method, Refusal};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value;

use super::client::{Ask, Hub, Listed};
use super::issues::given;
use super::pick::{LABEL, pick};
use super::repos::OfRepository;
use crate::shared::own::Answer;

pub(super) async fn list(hub: Arc<Hub>, wanted: OfRepository, cx: Context) -> Result<Answer<Listed>, Refusal> {
    let place = hub.repo(&wanted.owner, &wanted.repo)?.word("labels");
    hub.list(Ask::get(place).owner(&wanted.owner).page(wanted.page, wanted.per_page), LABEL, None, &cx).await
}

#[derive(Debug, Deserialize, JsonSchema)]
pub(super) struct GetLabel {
    /// Owner
    owner: String,
    /// Name
    repo: String,
    /// Of the label
    name: String,
}

pub(super) async fn get(hub: Arc<Hub>, wanted: GetLabel, cx: Context) -> Result<Answer<JsonObject>, Refusal> {
    let place = hub.repo(&wanted.owner, &wanted.repo)?.word("labels").segment(&wanted.name);
    Ok(pick(&hub.ask(Ask::get(place).owner(&wanted.owner), &cx).await?.value, LABEL).into())
}

#[derive(Debug, Deserialize, JsonSchema)]
pub(super) struct LabelWrite {
    /// What to do
    method: Write,
    /// Owner
    owner: String,
    /// Name
    repo: String,
    /// Of the label
    name: String,
    /// To update
    #[serde(default)]
    new_name: Option<String>,
    /// Six hexadecimal digits
    #[serde(default)]
    color: Option<String>,
    /// What it is for
    #[serde(default)]
    description: Option<String>,
}

#[derive(Debug, Clone, Copy, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
enum Write {
    Create,
    Update,
    Delete,
}

pub(super) async fn write(hub: Arc<Hub>, wanted: LabelWrite, cx: Context) -> Result<Answer<JsonObject>, Refusal> {
    let place = hub.repo(&wanted.owner, &wanted.repo)?.word("labels");
    let (color, description) = (wanted.color.map(Value::from), wanted.description.map(Value::from));
    let ask = match wanted.method {
        Write::Create => {
            let body = given([("name", Some(wanted.name.into())), ("color", color), ("description", description)]);
            Ask::send(Method::Post, place, body)
        }
        Write::Update => {
            let new_name = wanted.new_name.map(Value::from);
            let body = given([("new_name", new_name), ("color", color), ("description", description)]);
            Ask::send(Method::Patch, place.segment(&wanted.name), body)
        }
        Write::Delete => Ask { method: Method::Delete, ..Ask::get(place.segment(&wanted.name)) },
    };
    Ok(pick(&hub.ask(ask.owner(&wanted.owner), &cx).await?.value, LABEL).into())
}
