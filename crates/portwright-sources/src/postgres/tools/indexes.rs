//! `list_indexes`: indexes with what they cost and how often they serve.

use std::sync::Arc;

use portwright_core::{Context, Refusal, limits};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::{Found, PostgresDatabase, found, page};
use crate::shared::own::Answer;

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ListIndexes {
    /// Only of this schema.
    schema_name: Option<String>,
    /// Only of this table.
    table_name: Option<String>,
    /// Only those whose name has this in it.
    index_name: Option<String>,
    /// Only those that no scan has used since the statistics began, and that hold no constraint.
    only_unused: Option<bool>,
    /// Most to return.
    #[schemars(range(min = 1, max = 500))]
    limit: Option<usize>,
    /// How many to skip: `next` of the answer before.
    offset: Option<usize>,
}

#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub(super) struct IndexFacts {
    pub(super) schema: String,
    pub(super) table: String,
    name: String,
    definition: String,
    unique: bool,
    primary: bool,
    valid: bool,
    size_bytes: u64,
    scans: u64,
}

#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Listed {
    indexes: Vec<IndexFacts>,
    total: usize,
    next: Option<usize>,
    notice: Option<String>,
}

const INDEXES: &str = "\
SELECT n.nspname::text AS schema, t.relname::text AS table, c.relname::text AS name,
       pg_get_indexdef(i.indexrelid) AS definition, i.indisunique AS unique, i.indisprimary AS primary,
       i.indisvalid AS valid, coalesce(pg_relation_size(i.indexrelid), 0) AS size_bytes,
       coalesce(pg_stat_get_numscans(i.indexrelid), 0) AS scans
FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid JOIN pg_class t ON t.oid = i.indrelid
JOIN pg_namespace n ON n.oid = t.relnamespace
WHERE n.nspname NOT LIKE 'pg\\_%' AND n.nspname <> 'information_schema' AND has_schema_privilege(n.oid, 'USAGE')
  AND (has_table_privilege(t.oid, 'SELECT') OR has_any_column_privilege(t.oid, 'SELECT'))
  AND ($1::text IS NULL OR n.nspname = $1) AND ($2::text IS NULL OR t.relname = $2)
  AND ($3::text IS NULL OR strpos(lower(c.relname), lower($3)) > 0)
  AND (NOT $4::bool OR (coalesce(pg_stat_get_numscans(i.indexrelid), 0) = 0 AND NOT i.indisunique AND NOT i.indisexclusion))
ORDER BY 1, 2, 3";

pub(super) async fn list(
    database: Arc<PostgresDatabase>,
    asked: ListIndexes,
    cx: Context,
) -> Result<Answer<Listed>, Refusal> {
    let unused = asked.only_unused.unwrap_or(false);
    let values = [json!(asked.schema_name), json!(asked.table_name), json!(asked.index_name), json!(unused)];
    let Found { mut items, more }: Found<IndexFacts> =
        found(&database, INDEXES, &values, limits::OBJECTS_READ_MAX, &cx).await?;
    items.retain(|index| database.reach.opens(&index.schema, &index.table));
    let page = page(items, asked.offset, asked.limit, &cx);
    let notice = more.then(|| {
        cx.note(|trail| trail.truncated = true);
        "There are more than are counted here: give `schema_name` or `table_name`.".to_owned()
    });
    Ok(Listed { indexes: page.items, total: page.total, next: page.next, notice }.into())
}
