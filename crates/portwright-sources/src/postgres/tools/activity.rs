//! What sessions do now: `list_active_queries` and `list_locks`.

use std::sync::Arc;

use portwright_core::{Context, Refusal, limits};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::{Found, PostgresDatabase, cut, found};
use crate::shared::own::Answer;

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ListActiveQueries {
    /// Only those that have run for as long: `30 seconds`, `5 minutes`.
    min_duration: Option<String>,
    /// Applications to leave out, by name, with commas between them.
    exclude_application_names: Option<String>,
    /// Most to return.
    #[schemars(range(min = 1, max = 200))]
    limit: Option<usize>,
}

#[derive(Debug, Serialize, Deserialize, JsonSchema)]
struct ActiveQuery {
    pid: i64,
    user: Option<String>,
    database: Option<String>,
    application: Option<String>,
    state: Option<String>,
    waits_for: Option<String>,
    seconds: f64,
    transaction_seconds: Option<f64>,
    query: Option<String>,
}

#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct ActiveQueries {
    queries: Vec<ActiveQuery>,
    truncated: bool,
}

const QUERIES: &str = "\
SELECT pid::int8 AS pid, usename::text AS user, datname::text AS database, application_name AS application,
       state, wait_event_type || ': ' || wait_event AS waits_for,
       round(extract(epoch FROM clock_timestamp() - query_start)::numeric, 3)::float8 AS seconds,
       round(extract(epoch FROM clock_timestamp() - xact_start)::numeric, 3)::float8 AS transaction_seconds,
       left(query, $3::int) AS query
FROM pg_stat_activity
WHERE state <> 'idle' AND pid <> pg_backend_pid() AND backend_type = 'client backend' AND query_start IS NOT NULL
  AND clock_timestamp() - query_start >= coalesce($1::text::interval, '0')
  AND ($2::text IS NULL OR application_name <> ALL (string_to_array($2, ',')))
ORDER BY query_start LIMIT $4::int8";

pub(super) async fn queries(
    database: Arc<PostgresDatabase>,
    asked: ListActiveQueries,
    cx: Context,
) -> Result<Answer<ActiveQueries>, Refusal> {
    let most = most(asked.limit);
    let without = asked.exclude_application_names.map(|names| {
        let names: Vec<&str> = names.split(',').map(str::trim).collect();
        names.join(",")
    });
    let told = limits::STATEMENT_TOLD_CHARS;
    let values = [json!(asked.min_duration), json!(without), json!(told), json!(most + 1)];
    let Found { items, more } = found(&database, QUERIES, &values, most, &cx).await?;
    cut(more, &cx);
    Ok(ActiveQueries { queries: items, truncated: more }.into())
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ListLocks {
    /// Only those that wait, and those that block them.
    only_blocked: Option<bool>,
    /// Most to return.
    #[schemars(range(min = 1, max = 200))]
    limit: Option<usize>,
}

#[derive(Debug, Serialize, Deserialize, JsonSchema)]
struct Held {
    pid: i64,
    user: Option<String>,
    lock: String,
    mode: String,
    granted: bool,
    relation: Option<String>,
    blocked_by: Vec<i64>,
    seconds: Option<f64>,
    query: Option<String>,
}

#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct LockList {
    locks: Vec<Held>,
    truncated: bool,
}

const LOCKS: &str = "\
WITH held AS (
  SELECT l.*, CASE WHEN l.granted THEN '{}' ELSE pg_blocking_pids(l.pid) END AS blockers
  FROM pg_locks l WHERE l.pid IS NOT NULL AND l.pid <> pg_backend_pid())
SELECT h.pid::int8 AS pid, a.usename::text AS user, h.locktype AS lock, h.mode, h.granted,
       CASE WHEN h.database = (SELECT oid FROM pg_database WHERE datname = current_database()) THEN h.relation::regclass::text END AS relation,
       h.blockers::int8[] AS blocked_by,
       round(extract(epoch FROM clock_timestamp() - coalesce(h.waitstart, a.xact_start))::numeric, 3)::float8 AS seconds,
       left(a.query, $2::int) AS query
FROM held h LEFT JOIN pg_stat_activity a ON a.pid = h.pid
WHERE NOT (h.locktype = 'virtualxid' AND h.granted)
  AND (NOT $1::bool OR NOT h.granted OR h.pid IN (SELECT unnest(o.blockers) FROM held o))
ORDER BY h.granted, h.waitstart, h.pid, h.locktype, h.relation LIMIT $3::int8";

pub(super) async fn locks(
    database: Arc<PostgresDatabase>,
    asked: ListLocks,
    cx: Context,
) -> Result<Answer<LockList>, Refusal> {
    let most = most(asked.limit);
    let values = [json!(asked.only_blocked.unwrap_or(false)), json!(limits::STATEMENT_TOLD_CHARS), json!(most + 1)];
    let Found { items, more } = found(&database, LOCKS, &values, most, &cx).await?;
    cut(more, &cx);
    Ok(LockList { locks: items, truncated: more }.into())
}

pub(super) fn most(limit: Option<usize>) -> usize {
    limit.unwrap_or(limits::SESSIONS_PAGE).clamp(1, limits::SESSIONS_CEILING)
}
