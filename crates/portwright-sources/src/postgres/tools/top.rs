//! `get_top_queries`: what pg_stat_statements has counted.

use std::sync::Arc;

use portwright_core::{Context, Refusal, limits};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::activity::most;
use super::{Found, PostgresDatabase, cut, found};
use crate::postgres::session::identifier;
use crate::shared::own::Answer;

/// By what the statements are put into order.
#[derive(Debug, Clone, Copy, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum SortBy {
    /// Each that takes more than a twentieth of time, blocks read or blocks written, by time.
    #[default]
    Resources,
    MeanTime,
    TotalTime,
    Calls,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct GetTopQueries {
    /// Default: resources, which are those with a large part of time, reads or writes.
    sort_by: Option<SortBy>,
    /// Most to return.
    #[schemars(range(min = 1, max = 200))]
    limit: Option<usize>,
}

#[derive(Debug, Serialize, Deserialize, JsonSchema)]
struct TopQuery {
    query: Option<String>,
    user: Option<String>,
    calls: i64,
    total_ms: f64,
    mean_ms: f64,
    rows: i64,
    time_share: f64,
    blocks_hit: i64,
    blocks_read: i64,
    blocks_dirtied: i64,
    wal_bytes: f64,
}

#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct TopQueries {
    queries: Vec<TopQuery>,
    truncated: bool,
}

#[derive(Debug, Deserialize)]
struct Extension {
    schema: String,
    recent: bool,
}

const EXTENSION: &str = "\
SELECT n.nspname::text AS schema, string_to_array(e.extversion, '.')::int[] >= '{1,8}' AS recent
FROM pg_extension e JOIN pg_namespace n ON n.oid = e.extnamespace WHERE e.extname = 'pg_stat_statements'";

fn statement(schema: &str, sort: SortBy) -> String {
    let (only, order) = match sort {
        SortBy::Resources => {
            ("WHERE greatest(time_share, read_share, write_share) > 0.05", "time_share DESC, blocks_read DESC")
        }
        SortBy::MeanTime => ("", "mean_ms DESC"),
        SortBy::TotalTime => ("", "total_ms DESC"),
        SortBy::Calls => ("", "calls DESC"),
    };
    format!(
        "SELECT * FROM (
           SELECT left(s.query, $1::int) AS query, r.rolname::text AS user, s.calls, s.total_exec_time AS total_ms,
                  s.mean_exec_time AS mean_ms, s.rows,
                  coalesce(s.total_exec_time / nullif(sum(s.total_exec_time) OVER (), 0), 0) AS time_share,
                  coalesce((s.shared_blks_read / nullif(sum(s.shared_blks_read) OVER (), 0))::float8, 0) AS read_share,
                  coalesce((s.shared_blks_dirtied / nullif(sum(s.shared_blks_dirtied) OVER (), 0))::float8, 0) AS write_share,
                  s.shared_blks_hit AS blocks_hit, s.shared_blks_read AS blocks_read,
                  s.shared_blks_dirtied AS blocks_dirtied, s.wal_bytes::float8 AS wal_bytes
           FROM {}.pg_stat_statements s LEFT JOIN pg_roles r ON r.oid = s.userid
           WHERE s.dbid = (SELECT oid FROM pg_database WHERE datname = current_database())) shares
         {only} ORDER BY {order} LIMIT $2::int8",
        identifier(schema)
    )
}

pub(super) async fn queries(
    database: Arc<PostgresDatabase>,
    asked: GetTopQueries,
    cx: Context,
) -> Result<Answer<TopQueries>, Refusal> {
    let extension: Found<Extension> = found(&database, EXTENSION, &[], 1, &cx).await?;
    let Some(extension) = extension.items.into_iter().next() else {
        return Err(Refusal::failed(
            "pg_stat_statements is not there, so nothing has counted statements. Whoever runs the server adds it to \
             shared_preload_libraries, starts the server again, and runs CREATE EXTENSION pg_stat_statements in this \
             database",
        ));
    };
    if !extension.recent {
        return Err(Refusal::failed(
            "pg_stat_statements is older than 1.8; whoever runs the server runs ALTER EXTENSION pg_stat_statements UPDATE",
        ));
    }
    let most = most(asked.limit);
    let values = [json!(limits::STATEMENT_TOLD_CHARS), json!(most + 1)];
    let sql = statement(&extension.schema, asked.sort_by.unwrap_or_default());
    let Found { items, more } = found(&database, &sql, &values, most, &cx).await?;
    cut(more, &cx);
    Ok(TopQueries { queries: items, truncated: more }.into())
}
