//! `list_objects`: what there is in a schema.

use std::sync::Arc;

use portwright_core::{Context, Refusal, limits};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{Found, PostgresDatabase, found, page};
use crate::shared::decode::did_you_mean;
use crate::shared::own::Answer;

/// What kind of object it is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum ObjectType {
    #[default]
    Table,
    View,
    Sequence,
    Function,
    Type,
    Extension,
}

impl ObjectType {
    /// Whether `tables` of the plan says anything of it.
    pub(super) fn is_relation(self) -> bool {
        matches!(self, Self::Table | Self::View)
    }
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ListObjects {
    /// Default: all schemas.
    schema_name: Option<String>,
    /// Default: table.
    object_type: Option<ObjectType>,
    /// Most to return.
    #[schemars(range(min = 1, max = 500))]
    limit: Option<usize>,
    /// How many to skip: `next` of the answer before.
    offset: Option<usize>,
}

#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub(super) struct Object {
    schema: String,
    name: String,
    #[serde(rename = "type")]
    kind: String,
    /// A function's arguments, an extension's version.
    #[serde(skip_serializing_if = "Option::is_none")]
    detail: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    comment: Option<String>,
}

#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Listed {
    objects: Vec<Object>,
    total: usize,
    next: Option<usize>,
    notice: Option<String>,
}

/// `$1` is a schema or null.
const RELATIONS: &str = "\
SELECT n.nspname::text AS schema, c.relname::text AS name,
       CASE c.relkind WHEN 'v' THEN 'view' WHEN 'm' THEN 'materialized_view' WHEN 'f' THEN 'foreign_table'
            WHEN 'S' THEN 'sequence' ELSE 'table' END AS type,
       NULL::text AS detail, obj_description(c.oid, 'pg_class') AS comment
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind::text = ANY (string_to_array($2::text, ' ')) AND NOT c.relispartition
  AND n.nspname NOT LIKE 'pg\\_%' AND n.nspname <> 'information_schema' AND has_schema_privilege(n.oid, 'USAGE')
  AND CASE WHEN c.relkind = 'S' THEN has_sequence_privilege(c.oid, 'SELECT, USAGE')
           ELSE has_table_privilege(c.oid, 'SELECT') OR has_any_column_privilege(c.oid, 'SELECT') END
  AND ($1::text IS NULL OR n.nspname = $1) ORDER BY 1, 2";

const FUNCTIONS: &str = "\
SELECT n.nspname::text AS schema, p.proname::text AS name,
       CASE p.prokind WHEN 'p' THEN 'procedure' WHEN 'a' THEN 'aggregate' WHEN 'w' THEN 'window' ELSE 'function' END AS type,
       '(' || pg_get_function_arguments(p.oid) || ')' || coalesce(' -> ' || pg_get_function_result(p.oid), '') AS detail,
       obj_description(p.oid, 'pg_proc') AS comment
FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
WHERE n.nspname NOT LIKE 'pg\\_%' AND n.nspname <> 'information_schema' AND has_schema_privilege(n.oid, 'USAGE')
  AND has_function_privilege(p.oid, 'EXECUTE') AND ($1::text IS NULL OR n.nspname = $1) ORDER BY 1, 2, 4";

const TYPES: &str = "\
SELECT n.nspname::text AS schema, t.typname::text AS name,
       CASE t.typtype WHEN 'e' THEN 'enum' WHEN 'd' THEN 'domain' WHEN 'r' THEN 'range' WHEN 'c' THEN 'composite'
            ELSE 'base' END AS type,
       CASE t.typtype WHEN 'd' THEN format_type(t.typbasetype, t.typtypmod)
            WHEN 'e' THEN (SELECT string_agg(e.enumlabel, ', ' ORDER BY e.enumsortorder) FROM pg_enum e WHERE e.enumtypid = t.oid)
            END AS detail,
       obj_description(t.oid, 'pg_type') AS comment
FROM pg_type t JOIN pg_namespace n ON n.oid = t.typnamespace
LEFT JOIN pg_class c ON c.oid = t.typrelid
WHERE t.typtype <> 'p' AND (t.typelem = 0 OR t.typsubscript::text <> 'array_subscript_handler')
  AND t.typtype <> 'm' AND (c.relkind IS NULL OR c.relkind = 'c')
  AND n.nspname NOT LIKE 'pg\\_%' AND n.nspname <> 'information_schema' AND has_schema_privilege(n.oid, 'USAGE')
  AND has_type_privilege(t.oid, 'USAGE') AND ($1::text IS NULL OR n.nspname = $1) ORDER BY 1, 2";

const EXTENSIONS: &str = "\
SELECT n.nspname::text AS schema, e.extname::text AS name, 'extension' AS type, e.extversion AS detail,
       obj_description(e.oid, 'pg_extension') AS comment
FROM pg_extension e JOIN pg_namespace n ON n.oid = e.extnamespace
WHERE ($1::text IS NULL OR n.nspname = $1) ORDER BY 1, 2";

pub(super) async fn list(
    database: Arc<PostgresDatabase>,
    asked: ListObjects,
    cx: Context,
) -> Result<Answer<Listed>, Refusal> {
    let kind = asked.object_type.unwrap_or_default();
    let schema = json!(asked.schema_name);
    let (sql, values): (&str, Vec<Value>) = match kind {
        ObjectType::Table => (RELATIONS, vec![schema, json!("r p f")]),
        ObjectType::View => (RELATIONS, vec![schema, json!("v m")]),
        ObjectType::Sequence => (RELATIONS, vec![schema, json!("S")]),
        ObjectType::Function => (FUNCTIONS, vec![schema]),
        ObjectType::Type => (TYPES, vec![schema]),
        ObjectType::Extension => (EXTENSIONS, vec![schema]),
    };
    let Found { mut items, more }: Found<Object> =
        found(&database, sql, &values, limits::OBJECTS_READ_MAX, &cx).await?;
    let reach = &database.reach;
    items.retain(|object| match kind {
        ObjectType::Table | ObjectType::View | ObjectType::Sequence => reach.opens(&object.schema, &object.name),
        ObjectType::Function | ObjectType::Type | ObjectType::Extension => reach.opens_schema(&object.schema),
    });
    if items.is_empty()
        && let Some(name) = &asked.schema_name
    {
        known_schema(&database, name, &cx).await?;
    }
    let page = page(items, asked.offset, asked.limit, &cx);
    let notice = more.then(|| {
        cx.note(|trail| trail.truncated = true);
        "There are more than are counted here: give `schema_name`.".to_owned()
    });
    Ok(Listed { objects: page.items, total: page.total, next: page.next, notice }.into())
}

/// Refuses a schema that nobody can see.
pub(super) async fn known_schema(database: &PostgresDatabase, name: &str, cx: &Context) -> Result<(), Refusal> {
    use crate::shared::sql::{Database as _, Scope, refuse::refuse};
    let found = database.schema(Scope { schema: None, table: Some("") }, cx).await.map_err(refuse)?;
    if found.schemas.iter().any(|known| known == name) {
        return Ok(());
    }
    Err(Refusal::failed(match did_you_mean(name, found.schemas.iter().map(String::as_str)) {
        Some(near) => format!("there is no schema `{name}`; did you mean `{near}`?"),
        None => format!("there is no schema `{name}`; there are: {}", found.schemas.join(", ")),
    }))
}
