//! What there is in the database, from its catalogs: only what the role may see.

use std::collections::HashMap;

use futures::future::try_join3;
use portwright_core::limits::SCHEMA_TABLES_MAX;
use tokio_postgres::types::ToSql;
use tokio_postgres::{Client, Error, Row};

use crate::shared::sql::{ColumnInfo, ForeignKey, Index, Schema, Scope, Table, TableKind};

/// Schemas that hold the operator's objects.
const SCHEMAS: &str = "\
SELECT nspname::text FROM pg_namespace
WHERE nspname NOT LIKE 'pg\\_%' AND nspname <> 'information_schema' AND has_schema_privilege(oid, 'USAGE')
ORDER BY 1";

/// Relations that the role may read some of. `$1` schema, `$2` table, each or null; `$3` how many.
const TABLES: &str = "\
SELECT c.oid, n.nspname::text, c.relname::text, c.relkind::text, obj_description(c.oid, 'pg_class'),
       CASE WHEN c.reltuples >= 0 AND c.relkind IN ('r', 'm', 'p') THEN c.reltuples::int8 END
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'v', 'm', 'f', 'p') AND NOT c.relispartition
  AND n.nspname NOT LIKE 'pg\\_%' AND n.nspname <> 'information_schema'
  AND has_schema_privilege(n.oid, 'USAGE')
  AND (has_table_privilege(c.oid, 'SELECT') OR has_any_column_privilege(c.oid, 'SELECT'))
  AND ($1::text IS NULL OR n.nspname = $1) AND ($2::text IS NULL OR c.relname = $2)
ORDER BY 2, 3 LIMIT $3";

const COLUMNS: &str = "\
SELECT a.attrelid, a.attname::text, format_type(a.atttypid, a.atttypmod), NOT a.attnotnull,
       CASE WHEN a.attidentity <> '' THEN 'identity' ELSE pg_get_expr(d.adbin, d.adrelid) END,
       col_description(a.attrelid, a.attnum),
       ARRAY(SELECT e.enumlabel::text FROM pg_enum e
             WHERE e.enumtypid = CASE WHEN t.typtype = 'd' THEN t.typbasetype WHEN t.typelem <> 0 THEN t.typelem ELSE t.oid END
             ORDER BY e.enumsortorder)
FROM pg_attribute a JOIN pg_type t ON t.oid = a.atttypid
LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
WHERE a.attrelid = ANY ($1::oid[]) AND a.attnum > 0 AND NOT a.attisdropped
  AND has_column_privilege(a.attrelid, a.attnum, 'SELECT')
ORDER BY a.attrelid, a.attnum";

/// Primary and foreign keys; the names of columns in the keys' order.
const KEYS: &str = "\
SELECT k.conrelid, k.contype::text,
       ARRAY(SELECT a.attname::text FROM unnest(k.conkey) WITH ORDINALITY u(num, place)
             JOIN pg_attribute a ON a.attrelid = k.conrelid AND a.attnum = u.num ORDER BY u.place),
       f.relname::text, fn.nspname::text, n.nspname::text,
       ARRAY(SELECT a.attname::text FROM unnest(k.confkey) WITH ORDINALITY u(num, place)
             JOIN pg_attribute a ON a.attrelid = k.confrelid AND a.attnum = u.num ORDER BY u.place)
FROM pg_constraint k JOIN pg_namespace n ON n.oid = k.connamespace
LEFT JOIN pg_class f ON f.oid = k.confrelid LEFT JOIN pg_namespace fn ON fn.oid = f.relnamespace
WHERE k.conrelid = ANY ($1::oid[]) AND k.contype IN ('p', 'f')
ORDER BY k.conrelid, k.conname";

const INDEXES: &str = "\
SELECT i.indrelid, c.relname::text, i.indisunique,
       ARRAY(SELECT pg_get_indexdef(i.indexrelid, place, true) FROM generate_series(1, i.indnkeyatts) place ORDER BY place)
FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid
WHERE i.indrelid = ANY ($1::oid[]) AND i.indisvalid AND NOT i.indisprimary
ORDER BY i.indrelid, c.relname";

/// `default_schema` is the first of the role's own path.
pub(super) async fn schema(client: &Client, scope: Scope<'_>, default_schema: &str) -> Result<Schema, Error> {
    let schemas = client.query(SCHEMAS, &[]).await?;
    let schemas = schemas.iter().map(|row| row.try_get(0)).collect::<Result<Vec<String>, _>>()?;
    let most = i64::try_from(SCHEMA_TABLES_MAX + 1).unwrap_or(i64::MAX);
    let mut found = client.query(TABLES, &[&scope.schema, &scope.table, &most]).await?;
    let truncated = found.len() > SCHEMA_TABLES_MAX;
    found.truncate(SCHEMA_TABLES_MAX);
    let mut places = HashMap::new();
    let mut tables = Vec::new();
    for (place, row) in found.iter().enumerate() {
        places.insert(row.try_get::<_, u32>(0)?, place);
        tables.push(table(row)?);
    }
    if !tables.is_empty() {
        let oids: Vec<u32> = places.keys().copied().collect();
        let params: &[&(dyn ToSql + Sync)] = &[&oids];
        let parts = try_join3(client.query(COLUMNS, params), client.query(KEYS, params), client.query(INDEXES, params));
        let (columns, keys, indexes) = parts.await?;
        fill(&mut tables, &places, &columns, column)?;
        fill(&mut tables, &places, &keys, key)?;
        fill(&mut tables, &places, &indexes, index)?;
    }
    Ok(Schema { schemas, tables, truncated, default_schema: default_schema.to_owned() })
}

/// Hands each row to the table whose oid it begins with.
fn fill(
    tables: &mut [Table],
    places: &HashMap<u32, usize>,
    rows: &[Row],
    add: impl Fn(&mut Table, &Row) -> Result<(), Error>,
) -> Result<(), Error> {
    for row in rows {
        if let Some(table) = places.get(&row.try_get::<_, u32>(0)?).and_then(|place| tables.get_mut(*place)) {
            add(table, row)?;
        }
    }
    Ok(())
}

fn table(row: &Row) -> Result<Table, Error> {
    let kind: String = row.try_get(3)?;
    let rows: Option<i64> = row.try_get(5)?;
    Ok(Table {
        schema: row.try_get(1)?,
        name: row.try_get(2)?,
        kind: match kind.as_str() {
            "v" => TableKind::View,
            "m" => TableKind::MaterializedView,
            "f" => TableKind::ForeignTable,
            _ => TableKind::Table,
        },
        comment: row.try_get(4)?,
        rows_estimate: rows.and_then(|rows| u64::try_from(rows).ok()),
        columns: Vec::new(),
        primary_key: Vec::new(),
        foreign_keys: Vec::new(),
        indexes: Vec::new(),
    })
}

fn column(table: &mut Table, row: &Row) -> Result<(), Error> {
    table.columns.push(ColumnInfo {
        name: row.try_get(1)?,
        type_name: row.try_get(2)?,
        nullable: row.try_get(3)?,
        default: row.try_get(4)?,
        comment: row.try_get(5)?,
        values: row.try_get(6)?,
    });
    Ok(())
}

fn key(table: &mut Table, row: &Row) -> Result<(), Error> {
    let (kind, columns): (String, Vec<String>) = (row.try_get(1)?, row.try_get(2)?);
    if kind == "p" {
        table.primary_key = columns;
        return Ok(());
    }
    let (name, schema, own): (Option<String>, Option<String>, String) =
        (row.try_get(3)?, row.try_get(4)?, row.try_get(5)?);
    let (Some(name), Some(schema)) = (name, schema) else { return Ok(()) };
    let references = if schema == own { name } else { format!("{schema}.{name}") };
    table.foreign_keys.push(ForeignKey { columns, references, referenced_columns: row.try_get(6)? });
    Ok(())
}

fn index(table: &mut Table, row: &Row) -> Result<(), Error> {
    table.indexes.push(Index { name: row.try_get(1)?, unique: row.try_get(2)?, columns: row.try_get(3)? });
    Ok(())
}
