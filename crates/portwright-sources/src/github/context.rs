//! Who the token is, and who else there is.

use std::sync::Arc;

use portwright_core::protocol::JsonObject;
use portwright_core::{Context, Refusal};
use schemars::JsonSchema;
use serde::Deserialize;

use super::client::{Ask, Hub};
use super::path::Path;
use super::pick::{USER, pick};
use crate::shared::own::Answer;

#[derive(Debug, Deserialize, JsonSchema)]
pub(super) struct GetMe {}

pub(super) async fn me(hub: Arc<Hub>, _: GetMe, cx: Context) -> Result<Answer<JsonObject>, Refusal> {
    let told = hub.ask(Ask::get(Path::of(&["user"])), &cx).await?;
    Ok(pick(&told.value, USER).into())
}
