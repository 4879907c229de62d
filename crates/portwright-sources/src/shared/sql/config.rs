//! What both kinds of SQL source read from `[sources.NAME]`, and the plan that comes out of it.

use std::sync::Arc;
use std::time::Duration;

use portwright_core::protocol::JsonObject;
use portwright_core::{ByteSize, Diagnostic, HumanDuration, Pointer, SourceSpec, limits};
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::choice::Choice;
use super::database::{Access, Dialect};
use super::declared::{DeclaredResource, DeclaredTool, Reading, ResourceTable, ToolTable};
use super::own::OwnTool;
use crate::shared::decode;
use crate::shared::own::Told;

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

/// How much a statement may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bounds {
    pub timeout: Duration,
    pub rows_max: usize,
    pub bytes_max: usize,
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
    /// For a statement that says nothing else.
    pub bounds: Bounds,
    /// The source's own tools that are offered.
    pub own_tools: Vec<OwnTool>,
    /// Those that are offered of the tools that only this kind has.
    pub more_tools: Vec<&'static str>,
    pub tools: Vec<DeclaredTool>,
    pub resources: Vec<DeclaredResource>,
    /// Whether the live schema is offered as resources.
    pub schema: bool,
    /// What a careful operator should know of the declarations; told by `inspect`.
    pub advice: Vec<Diagnostic>,
}

/// Reads `[sources.NAME]` and what is declared on it. `T` has the keys that the kind adds to [`SqlTable`]'s. Problems
/// are complete: the caller adds its own, and must not go on if one of them is an error. `more` are the tools that
/// only this kind has.
pub fn decode<T: DeserializeOwned + JsonSchema + Default>(
    spec: &SourceSpec,
    dialect: &'static Dialect,
    more: &[Told],
) -> (T, SqlPlan, Vec<Diagnostic>) {
    let mut problems = Vec::new();
    let place = spec.place();
    let own_keys = keys(&T::json_schema(&mut SchemaGenerator::default()));
    let (own, shared): (JsonObject, JsonObject) =
        spec.table.clone().into_iter().partition(|(key, _)| own_keys.contains(key));
    let own = decode::table(&own, &place, &mut problems);
    let shared: SqlTable = decode::known(&shared, &place, &own_keys, &mut problems);
    let plan = plan(spec, shared, dialect, more, &mut problems);
    (own, plan, problems)
}

/// The schema of `[tools.NAME]` on an SQL source.
pub fn tool_schema(generator: &mut SchemaGenerator) -> Schema {
    ToolTable::json_schema(generator)
}

/// The schema of `[resources."URI"]` on an SQL source.
pub fn resource_schema(generator: &mut SchemaGenerator) -> Schema {
    ResourceTable::json_schema(generator)
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

fn plan(
    spec: &SourceSpec,
    table: SqlTable,
    dialect: &'static Dialect,
    more: &[Told],
    problems: &mut Vec<Diagnostic>,
) -> SqlPlan {
    let place = spec.place();
    let pool = place.join("pool");
    let pool = PoolPlan {
        max: bounded(table.pool.max, limits::POOL_MAX, limits::POOL_CEILING, pool.join("max"), problems),
        wait: positive(table.pool.wait, limits::POOL_WAIT, pool.join("wait"), problems),
    };
    let defaults =
        Bounds { timeout: limits::STATEMENT_WAIT, rows_max: limits::ROWS_MAX, bytes_max: limits::RESULT_BYTES_MAX };
    let bounds = bounds(table.timeout, table.max_rows, table.max_bytes, defaults, &place, problems);
    let choice = Choice { access: table.access, more };
    let (own_tools, more_tools) = match table.tools {
        Some(patterns) => choice.made(&patterns, &place.join("tools"), problems),
        None => choice.usual(),
    };
    let mut advice = Vec::new();
    let mut reading = Reading { dialect, defaults: bounds, problems, advice: &mut advice };
    let tools: Vec<DeclaredTool> = spec.tools.iter().filter_map(|declared| reading.tool(declared)).collect();
    let resources = spec.resources.iter().filter_map(|declared| reading.resource(declared)).collect();
    for declared in &spec.tools {
        let taken = own_tools.iter().map(|own| own.name()).chain(more_tools.iter().copied());
        if taken.into_iter().any(|name| name == declared.name) {
            let message = format!("the source has a tool `{}` of its own", declared.name);
            let hint = format!("take another name, or leave it out of `tools` under [sources.{}]", spec.name);
            problems.push(Diagnostic::error(declared.place.clone(), "taken-name", message).hint(hint));
        }
    }
    SqlPlan {
        name: spec.name.clone(),
        place,
        access: table.access,
        pool,
        bounds,
        own_tools,
        more_tools,
        tools,
        resources,
        schema: table.schema.unwrap_or(true),
        advice,
    }
}

/// Reads the bounds of a source, tool or resource that stand at `place`.
pub(super) fn bounds(
    timeout: Option<HumanDuration>,
    max_rows: Option<usize>,
    max_bytes: Option<ByteSize>,
    defaults: Bounds,
    place: &Pointer,
    problems: &mut Vec<Diagnostic>,
) -> Bounds {
    let bytes = max_bytes.map(|size| usize::try_from(size.0).unwrap_or(usize::MAX));
    let (rows_place, bytes_place) = (place.join("max_rows"), place.join("max_bytes"));
    Bounds {
        timeout: positive(timeout, defaults.timeout, place.join("timeout"), problems),
        rows_max: bounded(max_rows, defaults.rows_max, limits::ROWS_CEILING, rows_place, problems),
        bytes_max: bounded(bytes, defaults.bytes_max, limits::RESULT_BYTES_CEILING, bytes_place, problems),
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
        return default;
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
        return default;
    }
    value
}
