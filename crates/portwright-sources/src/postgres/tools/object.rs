//! `get_object_details`: one object with all its parts.

use std::sync::Arc;

use portwright_core::{Context, Refusal, limits};
use schemars::JsonSchema;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::objects::ObjectType;
use super::{PostgresDatabase, cut, found};
use crate::postgres::reach::marked;
use crate::shared::own::Answer;

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct GetObjectDetails {
    /// Its schema.
    schema_name: String,
    /// Its name.
    object_name: String,
    /// Default: table.
    object_type: Option<ObjectType>,
}

#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub(super) struct Column {
    pub(super) name: String,
    #[serde(rename = "type")]
    kind: String,
    nullable: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    default: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    comment: Option<String>,
}

#[derive(Debug, Serialize, Deserialize, JsonSchema)]
struct Part {
    name: String,
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    kind: Option<String>,
    definition: String,
}

/// What an object is, beside its parts.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
struct Basics {
    oid: i64,
    schema: String,
    name: String,
    #[serde(rename = "type")]
    kind: String,
    owner: Option<String>,
    comment: Option<String>,
    rows_estimate: Option<i64>,
    size_bytes: Option<i64>,
    definition: Option<String>,
}

#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Details {
    schema: String,
    name: String,
    #[serde(rename = "type")]
    kind: String,
    owner: Option<String>,
    comment: Option<String>,
    rows_estimate: Option<i64>,
    size_bytes: Option<i64>,
    /// A view's query, a sequence's or function's properties.
    definition: Option<String>,
    columns: Option<Vec<Column>>,
    constraints: Option<Vec<Part>>,
    indexes: Option<Vec<Part>>,
    triggers: Option<Vec<Part>>,
    policies: Option<Vec<Part>>,
    /// Functions of the same name.
    overloads: Option<Vec<Part>>,
}

const RELATION: &str = "\
SELECT c.oid::int8 AS oid, n.nspname::text AS schema, c.relname::text AS name,
       CASE c.relkind WHEN 'v' THEN 'view' WHEN 'm' THEN 'materialized_view' WHEN 'f' THEN 'foreign_table'
            WHEN 'p' THEN 'partitioned_table' WHEN 'S' THEN 'sequence' ELSE 'table' END AS type,
       pg_get_userbyid(c.relowner)::text AS owner, obj_description(c.oid, 'pg_class') AS comment,
       CASE WHEN c.reltuples >= 0 AND c.relkind IN ('r', 'm', 'p') THEN c.reltuples::int8 END AS rows_estimate,
       CASE WHEN c.relkind IN ('r', 'm') THEN pg_total_relation_size(c.oid) END AS size_bytes,
       CASE WHEN c.relkind IN ('v', 'm') THEN pg_get_viewdef(c.oid, true)
            WHEN c.relkind = 'p' THEN 'PARTITION BY ' || pg_get_partkeydef(c.oid)
            WHEN c.relkind = 'S' THEN (
              SELECT format('%s START %s MINVALUE %s MAXVALUE %s INCREMENT %s CACHE %s%s', format_type(s.seqtypid, NULL),
                            s.seqstart, s.seqmin, s.seqmax, s.seqincrement, s.seqcache,
                            CASE WHEN s.seqcycle THEN ' CYCLE' ELSE '' END)
              FROM pg_sequence s WHERE s.seqrelid = c.oid) END AS definition
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE n.nspname = $1::text AND c.relname = $2::text AND c.relkind::text = ANY (string_to_array($3::text, ' '))
  AND has_schema_privilege(n.oid, 'USAGE')
  AND CASE WHEN c.relkind = 'S' THEN has_sequence_privilege(c.oid, 'SELECT, USAGE')
           ELSE has_table_privilege(c.oid, 'SELECT') OR has_any_column_privilege(c.oid, 'SELECT') END
  AND n.nspname NOT LIKE 'pg\\_%' AND n.nspname <> 'information_schema'";

const COLUMNS: &str = "\
SELECT a.attname::text AS name, format_type(a.atttypid, a.atttypmod) AS type, NOT a.attnotnull AS nullable,
       CASE WHEN a.attidentity <> '' THEN 'identity' WHEN a.attgenerated <> '' THEN 'generated: ' || pg_get_expr(d.adbin, d.adrelid)
            ELSE pg_get_expr(d.adbin, d.adrelid) END AS default,
       col_description(a.attrelid, a.attnum) AS comment
FROM pg_attribute a LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
WHERE a.attrelid = $1::int8::oid AND a.attnum > 0 AND NOT a.attisdropped AND has_column_privilege(a.attrelid, a.attnum, 'SELECT')
ORDER BY a.attnum";

const CONSTRAINTS: &str = "\
SELECT conname::text AS name,
       CASE contype WHEN 'p' THEN 'primary key' WHEN 'u' THEN 'unique' WHEN 'f' THEN 'foreign key' WHEN 'c' THEN 'check'
            WHEN 'x' THEN 'exclusion' ELSE 'other' END AS type,
       pg_get_constraintdef(oid, true) AS definition
FROM pg_constraint WHERE conrelid = $1::int8::oid ORDER BY contype = 'p' DESC, 2, 1";

const INDEXES: &str = "\
SELECT c.relname::text AS name, CASE WHEN i.indisvalid THEN NULL ELSE 'invalid' END AS type,
       pg_get_indexdef(i.indexrelid) AS definition
FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid WHERE i.indrelid = $1::int8::oid ORDER BY 1";

const TRIGGERS: &str = "\
SELECT tgname::text AS name, CASE tgenabled WHEN 'D' THEN 'disabled' END AS type, pg_get_triggerdef(oid, true) AS definition
FROM pg_trigger WHERE tgrelid = $1::int8::oid AND NOT tgisinternal ORDER BY 1";

const POLICIES: &str = "\
SELECT polname::text AS name, CASE WHEN polpermissive THEN 'permissive' ELSE 'restrictive' END AS type,
       format('FOR %s USING (%s)%s', CASE polcmd WHEN 'r' THEN 'SELECT' WHEN 'a' THEN 'INSERT' WHEN 'w' THEN 'UPDATE'
              WHEN 'd' THEN 'DELETE' ELSE 'ALL' END, coalesce(pg_get_expr(polqual, polrelid), 'true'),
              ' WITH CHECK (' || pg_get_expr(polwithcheck, polrelid) || ')') AS definition
FROM pg_policy WHERE polrelid = $1::int8::oid ORDER BY 1";

const FUNCTIONS: &str = "\
SELECT p.proname::text AS name,
       CASE p.prokind WHEN 'p' THEN 'procedure' WHEN 'a' THEN 'aggregate' WHEN 'w' THEN 'window' ELSE 'function' END AS type,
       format('(%s)%s LANGUAGE %s %s%s', pg_get_function_arguments(p.oid), ' RETURNS ' || pg_get_function_result(p.oid),
              l.lanname, CASE p.provolatile WHEN 'i' THEN 'IMMUTABLE' WHEN 's' THEN 'STABLE' ELSE 'VOLATILE' END,
              CASE WHEN p.prosecdef THEN ' SECURITY DEFINER' ELSE '' END) AS definition
FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace JOIN pg_language l ON l.oid = p.prolang
WHERE n.nspname = $1::text AND p.proname = $2::text AND has_schema_privilege(n.oid, 'USAGE')
  AND has_function_privilege(p.oid, 'EXECUTE') AND n.nspname NOT LIKE 'pg\\_%' AND n.nspname <> 'information_schema'
ORDER BY 3";

const TYPE: &str = "\
SELECT t.oid::int8 AS oid, n.nspname::text AS schema, t.typname::text AS name,
       CASE t.typtype WHEN 'e' THEN 'enum' WHEN 'd' THEN 'domain' WHEN 'r' THEN 'range' WHEN 'c' THEN 'composite'
            ELSE 'base' END AS type,
       pg_get_userbyid(t.typowner)::text AS owner, obj_description(t.oid, 'pg_type') AS comment,
       CASE t.typtype
         WHEN 'e' THEN (SELECT 'ENUM (' || string_agg(quote_literal(e.enumlabel), ', ' ORDER BY e.enumsortorder) || ')'
                        FROM pg_enum e WHERE e.enumtypid = t.oid)
         WHEN 'd' THEN format_type(t.typbasetype, t.typtypmod) || CASE WHEN t.typnotnull THEN ' NOT NULL' ELSE '' END
           || coalesce((SELECT ' ' || string_agg(pg_get_constraintdef(k.oid), ' ') FROM pg_constraint k WHERE k.contypid = t.oid), '')
         WHEN 'c' THEN (SELECT '(' || string_agg(format('%I %s', a.attname, format_type(a.atttypid, a.atttypmod)), ', ' ORDER BY a.attnum) || ')'
                        FROM pg_attribute a WHERE a.attrelid = t.typrelid AND a.attnum > 0 AND NOT a.attisdropped)
       END AS definition
FROM pg_type t JOIN pg_namespace n ON n.oid = t.typnamespace LEFT JOIN pg_class c ON c.oid = t.typrelid
WHERE n.nspname = $1::text AND t.typname = $2::text AND (c.relkind IS NULL OR c.relkind = 'c')
  AND has_schema_privilege(n.oid, 'USAGE') AND n.nspname NOT LIKE 'pg\\_%' AND n.nspname <> 'information_schema'";

const EXTENSION: &str = "\
SELECT e.oid::int8 AS oid, n.nspname::text AS schema, e.extname::text AS name, 'extension' AS type,
       pg_get_userbyid(e.extowner)::text AS owner, obj_description(e.oid, 'pg_extension') AS comment,
       'VERSION ' || e.extversion AS definition
FROM pg_extension e JOIN pg_namespace n ON n.oid = e.extnamespace WHERE n.nspname = $1::text AND e.extname = $2::text";

impl From<Basics> for Details {
    fn from(basics: Basics) -> Self {
        let Basics { schema, name, kind, owner, comment, rows_estimate, size_bytes, definition, .. } = basics;
        let parts = (None, None, None);
        let (constraints, indexes, triggers) = parts;
        let (columns, policies, overloads) = (None, None, None);
        Self {
            schema,
            name,
            kind,
            owner,
            comment,
            rows_estimate,
            size_bytes,
            definition,
            columns,
            constraints,
            indexes,
            triggers,
            policies,
            overloads,
        }
    }
}

impl Details {
    /// Takes out the definitions that may name what is beyond the fence.
    fn within(&mut self) {
        self.definition =
            self.definition.take().filter(|_| !matches!(self.kind.as_str(), "view" | "materialized_view"));
        (self.triggers, self.policies) = (None, None);
        if let Some(constraints) = &mut self.constraints {
            constraints.retain(|part| part.kind.as_deref() != Some("foreign key"));
        }
    }
}

pub(super) async fn details(
    database: Arc<PostgresDatabase>,
    asked: GetObjectDetails,
    cx: Context,
) -> Result<Answer<Details>, Refusal> {
    let kind = asked.object_type.unwrap_or_default();
    let unknown = || {
        let word =
            serde_json::to_value(kind).ok().and_then(|word| word.as_str().map(str::to_owned)).unwrap_or_default();
        Refusal::failed(format!(
            "there is no {word} `{}` in the schema `{}`; list_objects shows what there is",
            asked.object_name, asked.schema_name
        ))
    };
    let reach = &database.reach;
    let open = match kind {
        ObjectType::Table | ObjectType::View | ObjectType::Sequence => {
            reach.opens(&asked.schema_name, &asked.object_name)
        }
        ObjectType::Function | ObjectType::Type | ObjectType::Extension => reach.opens_schema(&asked.schema_name),
    };
    if !open {
        return Err(unknown());
    }
    let mut values = vec![json!(asked.schema_name), json!(asked.object_name)];
    let parts = Parts { database: &database, cx: &cx };
    if kind == ObjectType::Function {
        let overloads: Vec<Part> = parts.of(FUNCTIONS, &values).await?;
        let Some(first) = overloads.first() else { return Err(unknown()) };
        let basics = Basics {
            oid: 0,
            schema: asked.schema_name,
            name: asked.object_name,
            kind: first.kind.clone().unwrap_or_default(),
            owner: None,
            comment: None,
            rows_estimate: None,
            size_bytes: None,
            definition: None,
        };
        return Ok(Details { overloads: Some(overloads), ..basics.into() }.into());
    }
    let sql = match kind {
        ObjectType::Table | ObjectType::View | ObjectType::Sequence | ObjectType::Function => {
            values.push(json!(match kind {
                ObjectType::View => "v m",
                ObjectType::Sequence => "S",
                _ => "r p f",
            }));
            RELATION
        }
        ObjectType::Type => TYPE,
        ObjectType::Extension => EXTENSION,
    };
    let found: Vec<Basics> = parts.of(sql, &values).await?;
    let basics = found.into_iter().next().ok_or_else(unknown)?;
    let oid = [json!(basics.oid)];
    let mut details = Details::from(basics);
    if kind.is_relation() {
        let mut columns: Vec<Column> = parts.of(COLUMNS, &oid).await?;
        for column in columns.iter_mut().filter(|it| reach.hides(&details.schema, &details.name, &it.name)) {
            column.comment = Some(marked(column.comment.as_deref()));
        }
        details.columns = Some(columns);
        details.indexes = some(parts.of(INDEXES, &oid).await?);
        details.constraints = some(parts.of(CONSTRAINTS, &oid).await?);
        details.triggers = some(parts.of(TRIGGERS, &oid).await?);
        details.policies = some(parts.of(POLICIES, &oid).await?);
    }
    if reach.is_fenced() {
        details.within();
    }
    Ok(details.into())
}

fn some<T>(parts: Vec<T>) -> Option<Vec<T>> {
    (!parts.is_empty()).then_some(parts)
}

/// Asks for the parts of an object.
struct Parts<'a> {
    database: &'a PostgresDatabase,
    cx: &'a Context,
}

impl Parts<'_> {
    async fn of<T: DeserializeOwned>(&self, sql: &str, values: &[Value]) -> Result<Vec<T>, Refusal> {
        let parts = found(self.database, sql, values, limits::OBJECT_PARTS_MAX, self.cx).await?;
        cut(parts.more, self.cx);
        Ok(parts.items)
    }
}
