//! What both kinds of SQL source read from `[sources.NAME]`, and the plan that comes out of it.

use std::sync::Arc;
use std::time::Duration;

use globset::{Glob, GlobSet, GlobSetBuilder};
use portwright_core::protocol::JsonObject;
use portwright_core::{ByteSize, Diagnostic, HumanDuration, Pointer, SourceSpec, limits};
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::database::{Access, Dialect};
use crate::shared::decode;

/// The part of `[sources.NAME]` that SQL sources share.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct SqlTable {
    /// Whether calls may write. Default: `read-only`.
    pub access: Access,
    /// Connections, shared by all calls.
    pub pool: PoolTable,
    /// How long a statement may run. Default: `10s`.
    pub timeout: Option<HumanDuration>,
    /// Rows that a result may have. Default: 200.
    #[schemars(range(min = 1, max = 100_000))]
    pub max_rows: Option<usize>,
    /// Bytes that a result's rows may have as JSON. Default: `64KiB`.
    pub max_bytes: Option<ByteSize>,
    /// The source's own tools to offer, by name or glob. Default: those that only read.
    pub tools: Option<Vec<String>>,
    /// Whether the live schema is offered as resources. Default: true.
    pub schema: Option<bool>,
}

/// Connections, shared by all calls.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct PoolTable {
    /// Most connections at a time. Default: 8.
    #[schemars(range(min = 1, max = 1000))]
    pub max: Option<usize>,
    /// How long a call waits for one. Default: `5s`.
    pub wait: Option<HumanDuration>,
}

/// The pool as meant.
#[derive(Debug, Clone, Copy)]
pub struct PoolPlan {
    pub max: usize,
    pub wait: Duration,
}

/// What the shared source needs to know, resolved.
#[derive(Debug, Clone)]
pub struct SqlPlan {
    /// The source's name.
    pub name: Arc<str>,
    /// Where its table stands.
    pub place: Pointer,
    pub access: Access,
    pub pool: PoolPlan,
    pub timeout: Duration,
    pub rows_max: usize,
    pub bytes_max: usize,
    /// Which of the source's own tools to offer; none for those that only read.
    pub own_tools: Option<GlobSet>,
    /// Whether the live schema is offered as resources.
    pub schema: bool,
    /// What a careful operator should know of the declarations; told by `inspect`.
    pub advice: Vec<Diagnostic>,
}

/// Reads `[sources.NAME]` and what is declared on it. `T` has the keys that the kind adds to [`SqlTable`]'s. Problems
/// are complete: the caller adds its own, and must not go on if one of them is an error.
pub fn decode<T: DeserializeOwned + JsonSchema + Default>(
    spec: &SourceSpec,
    dialect: &'static Dialect,
) -> (T, SqlPlan, Vec<Diagnostic>) {
    let mut problems = Vec::new();
    let place = spec.place();
    let own_keys = keys(&T::json_schema(&mut SchemaGenerator::default()));
    let (own, shared): (JsonObject, JsonObject) =
        spec.table.clone().into_iter().partition(|(key, _)| own_keys.contains(key));
    let own = decode::table(&own, &place, &mut problems);
    let shared: SqlTable = decode::known(&shared, &place, &own_keys, &mut problems);
    let plan = plan(spec, shared, dialect, &mut problems);
    (own, plan, problems)
}

/// The schema of `[sources.NAME]` for a kind that adds `T`'s keys.
pub fn schema<T: JsonSchema>(generator: &mut SchemaGenerator) -> Schema {
    let mut own = T::json_schema(generator);
    let shared = SqlTable::json_schema(generator);
    if let (Some(own), Some(shared)) =
        (own.get_mut("properties").and_then(|value| value.as_object_mut()), shared.get("properties"))
    {
        own.extend(shared.as_object().cloned().unwrap_or_default());
    }
    own
}

fn keys(schema: &Schema) -> Vec<String> {
    let properties = schema.get("properties").and_then(|value| value.as_object());
    properties.map(|map| map.keys().cloned().collect()).unwrap_or_default()
}

fn plan(spec: &SourceSpec, table: SqlTable, _: &'static Dialect, problems: &mut Vec<Diagnostic>) -> SqlPlan {
    let place = spec.place();
    let pool = place.join("pool");
    let rows_max = bounded(table.max_rows, limits::ROWS_MAX, limits::ROWS_CEILING, place.join("max_rows"), problems);
    let bytes = table.max_bytes.map(|size| usize::try_from(size.0).unwrap_or(usize::MAX));
    let ceiling = limits::RESULT_BYTES_CEILING;
    let bytes_max = bounded(bytes, limits::RESULT_BYTES_MAX, ceiling, place.join("max_bytes"), problems);
    let pool = PoolPlan {
        max: bounded(table.pool.max, limits::POOL_MAX, limits::POOL_CEILING, pool.join("max"), problems),
        wait: positive(table.pool.wait, limits::POOL_WAIT, pool.join("wait"), problems),
    };
    let timeout = positive(table.timeout, limits::STATEMENT_WAIT, place.join("timeout"), problems);
    let own_tools = table.tools.map(|patterns| globs(&patterns, &place.join("tools"), problems));
    SqlPlan {
        name: spec.name.clone(),
        access: table.access,
        pool,
        timeout,
        rows_max,
        bytes_max,
        own_tools,
        schema: table.schema.unwrap_or(true),
        advice: Vec::new(),
        place,
    }
}

fn bounded(
    value: Option<usize>,
    default: usize,
    ceiling: usize,
    place: Pointer,
    problems: &mut Vec<Diagnostic>,
) -> usize {
    let value = value.unwrap_or(default);
    if !(1..=ceiling).contains(&value) {
        problems.push(Diagnostic::error(place, "out-of-range", format!("{value} is not between 1 and {ceiling}")));
    }
    value
}

fn positive(
    value: Option<HumanDuration>,
    default: Duration,
    place: Pointer,
    problems: &mut Vec<Diagnostic>,
) -> Duration {
    let value = value.map_or(default, |value| value.0);
    if value.is_zero() {
        problems.push(Diagnostic::error(place, "out-of-range", "it must be longer than 0s"));
    }
    value
}

fn globs(patterns: &[String], place: &Pointer, problems: &mut Vec<Diagnostic>) -> GlobSet {
    let mut set = GlobSetBuilder::new();
    for (index, pattern) in patterns.iter().enumerate() {
        match Glob::new(pattern) {
            Ok(glob) => {
                set.add(glob);
            }
            Err(error) => problems.push(Diagnostic::error(place.join(index), "wrong-value", error.to_string())),
        }
    }
    set.build().unwrap_or_default()
}
