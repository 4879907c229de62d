//! `execute_write`: one statement that changes rows.

use std::sync::Arc;

use portwright_core::protocol::JsonObject;
use portwright_core::{Context, Refusal};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{PostgresDatabase, cut, items};
use crate::shared::own::Answer;
use crate::shared::sql::refuse::refuse_statement;

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ExecuteWrite {
    /// One INSERT, UPDATE, DELETE or MERGE, without placeholders.
    sql: String,
    /// Whether an UPDATE or DELETE without WHERE is meant.
    confirm_all: Option<bool>,
}

#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Written {
    affected: u64,
    /// What RETURNING gives.
    rows: Vec<JsonObject>,
    /// There are more rows than are told; all of them were changed.
    truncated: bool,
}

pub(super) async fn execute(
    database: Arc<PostgresDatabase>,
    asked: ExecuteWrite,
    cx: Context,
) -> Result<Answer<Written>, Refusal> {
    let sql = asked.sql.trim_end_matches(|c: char| c.is_whitespace() || c == ';');
    let done = database.change(sql, asked.confirm_all.unwrap_or(false), &cx).await;
    let done = done.map_err(|error| refuse_statement(error, Some(sql)))?;
    let (affected, truncated) = (done.affected.unwrap_or(0), done.truncated.is_some());
    cut(truncated, &cx);
    Ok(Written { affected, rows: items(done)?, truncated }.into())
}
