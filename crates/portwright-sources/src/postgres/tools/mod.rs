//! The tools that PostgreSQL alone has: what is in the catalogs, and what an operator asks of a server.
//!
//! Each statement is our own, and what the caller gives is bound to it. They run as every other: in a READ ONLY
//! transaction, within the same bounds.

mod activity;
mod health;
mod indexes;
mod object;
mod objects;
mod top;
mod write;

use portwright_core::{Context, Refusal, limits};
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use super::PostgresDatabase;
use crate::shared::own::{Does, Toolbox, tool};
use crate::shared::sql::Rows;
use crate::shared::sql::refuse::refuse;

/// What everybody may ask, and what is for who looks after the server.
const USUAL: &str = "objects";
const OPERATION: &str = "operation";

/// All of them.
pub(super) fn toolbox() -> Toolbox<PostgresDatabase> {
    let tools = vec![
        tool(
            "list_objects",
            "List objects",
            "List tables, views, sequences, functions, types or extensions of a schema. For tables alone, list_tables is \
             shorter.",
            objects::list,
        )
        .in_set(USUAL),
        tool(
            "get_object_details",
            "Describe an object",
            "Describe a table, view, sequence, function, type or extension: columns, constraints, indexes, triggers, \
             definition, size. Use it when describe_table does not tell enough.",
            object::details,
        )
        .in_set(USUAL),
        tool(
            "list_indexes",
            "List indexes",
            "List indexes with their columns, size and number of scans. Use it to find missing, large or unused ones.",
            indexes::list,
        )
        .in_set(USUAL),
        tool(
            "list_locks",
            "List locks",
            "List the locks that sessions hold or wait for, those that wait first, with who blocks them.",
            activity::locks,
        )
        .in_set(OPERATION),
        tool(
            "list_active_queries",
            "List active queries",
            "List the statements that run now, the longest first.",
            activity::queries,
        )
        .in_set(OPERATION),
        tool(
            "get_top_queries",
            "Find expensive queries",
            "List the statements that have cost the server most, from pg_stat_statements.",
            top::queries,
        )
        .in_set(OPERATION),
        tool(
            "analyze_db_health",
            "Check the database",
            "Check indexes, connections, vacuum, sequences, replication, buffers and constraints; tells what is wrong and \
             what mends it.",
            health::analyze,
        )
        .in_set(OPERATION),
        tool(
            "execute_write",
            "Change rows",
            "Run one INSERT, UPDATE, DELETE or MERGE, as one transaction. Tells how many rows it changed, and what RETURNING \
             gives. Without WHERE it needs confirm_all.",
            write::execute,
        )
        .does(Does::Change)
        .by_name_only(),
    ];
    Toolbox::closed(tools).by_default(&[USUAL])
}

/// Whether a tool looks at the whole server.
pub(super) fn sees_all(name: &str) -> bool {
    ["list_locks", "list_active_queries", "get_top_queries", "analyze_db_health"].contains(&name)
}

/// What a statement of ours found.
struct Found<T> {
    items: Vec<T>,
    /// There are more than were read.
    more: bool,
}

/// Runs a statement of our own.
async fn found<T: DeserializeOwned>(
    database: &PostgresDatabase,
    sql: &str,
    values: &[Value],
    most: usize,
    cx: &Context,
) -> Result<Found<T>, Refusal> {
    let rows = database.ours(sql, values, most, limits::OBJECTS_READ_BYTES_MAX, cx).await.map_err(refuse)?;
    let more = rows.truncated.is_some();
    Ok(Found { items: items(rows)?, more })
}

fn items<T: DeserializeOwned>(rows: Rows) -> Result<Vec<T>, Refusal> {
    let names: Vec<String> = rows.columns.iter().map(|column| column.name.clone()).collect();
    let item = |values: Vec<Value>| {
        let members: Map<String, Value> = names.iter().cloned().zip(values).collect();
        serde_json::from_value(Value::Object(members)).map_err(Refusal::internal)
    };
    rows.rows.into_iter().map(item).collect()
}

/// A page of a list, and where the next one begins.
struct Page<T> {
    items: Vec<T>,
    next: Option<usize>,
    total: usize,
}

/// Parts what was found into pages that are no longer than a reply may be.
fn page<T: serde::Serialize>(found: Vec<T>, offset: Option<usize>, limit: Option<usize>, cx: &Context) -> Page<T> {
    let limit = limit.unwrap_or(limits::OBJECTS_PAGE).clamp(1, limits::OBJECTS_CEILING);
    let (total, offset) = (found.len(), offset.unwrap_or(0));
    let mut items = Vec::new();
    let mut bytes = 0;
    for item in found.into_iter().skip(offset).take(limit) {
        bytes += serde_json::to_string(&item).map_or(0, |text| text.len());
        if bytes > limits::RESULT_BYTES_MAX && !items.is_empty() {
            break;
        }
        items.push(item);
    }
    let end = offset.saturating_add(items.len());
    let next = (end < total && !items.is_empty()).then_some(end);
    if next.is_some() {
        cx.note(|trail| trail.truncated = true);
    }
    Page { items, next, total }
}

/// Says that a result was cut.
fn cut(more: bool, cx: &Context) {
    if more {
        cx.note(|trail| trail.truncated = true);
    }
}
