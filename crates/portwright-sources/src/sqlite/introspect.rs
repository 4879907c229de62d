//! SQLite's catalogs: tables, columns, keys, indexes.

use portwright_core::limits;
use rusqlite::{Connection, OptionalExtension, Params, Row, params};

use super::pool::Lease;
use crate::shared::sql::{ColumnInfo, ForeignKey, Index, Schema, SqlError, Table, TableKind};

/// Rows up to which a table without statistics is counted.
const COUNTED_MAX: i64 = 10_000;

/// The tables of `main` that a caller may see: all, or the one of that name.
pub(super) fn schema(lease: &Lease, schema: Option<&str>, table: Option<&str>) -> Result<Schema, SqlError> {
    let mut found = Schema { schemas: vec!["main".to_owned()], default_schema: "main".to_owned(), ..Schema::default() };
    if schema.is_some_and(|name| !name.eq_ignore_ascii_case("main")) {
        return Ok(found);
    }
    let told = |error| lease.told(error, 0);
    let db = &lease.conn.db;
    let mut names = listed(db, table).map_err(told)?;
    found.truncated = names.len() > limits::SCHEMA_TABLES_MAX;
    names.truncate(limits::SCHEMA_TABLES_MAX);
    for (name, kind) in names {
        found.tables.push(described(db, name, kind).map_err(told)?);
    }
    Ok(found)
}

fn all<T>(
    db: &Connection,
    sql: &str,
    params: impl Params,
    read: impl FnMut(&Row<'_>) -> rusqlite::Result<T>,
) -> rusqlite::Result<Vec<T>> {
    db.prepare_cached(sql)?.query_map(params, read)?.collect()
}

fn listed(db: &Connection, table: Option<&str>) -> rusqlite::Result<Vec<(String, TableKind)>> {
    let sql = "SELECT name, type FROM pragma_table_list \
               WHERE schema = 'main' AND type != 'shadow' AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\' \
               AND (?1 IS NULL OR name = ?1 COLLATE NOCASE) ORDER BY name LIMIT ?2";
    let most = i64::try_from(limits::SCHEMA_TABLES_MAX).unwrap_or(i64::MAX - 1) + 1;
    all(db, sql, params![table, most], |row| {
        let kind = match row.get_ref(1)?.as_str()? {
            "view" => TableKind::View,
            "virtual" => TableKind::VirtualTable,
            _ => TableKind::Table,
        };
        Ok((row.get(0)?, kind))
    })
}

fn described(db: &Connection, name: String, kind: TableKind) -> rusqlite::Result<Table> {
    // A view over something that is gone has no columns; that is no reason to hide the other tables.
    let columns =
        columns(db, &name).or_else(|error| if kind == TableKind::Table { Err(error) } else { Ok(Vec::new()) });
    let columns = columns?;
    let mut key: Vec<(i64, String)> =
        columns.iter().filter(|(_, key)| *key > 0).map(|(column, key)| (*key, column.name.clone())).collect();
    key.sort();
    Ok(Table {
        schema: "main".to_owned(),
        comment: None,
        rows_estimate: if kind == TableKind::Table { rows(db, &name) } else { None },
        columns: columns.into_iter().map(|(column, _)| column).collect(),
        primary_key: key.into_iter().map(|(_, column)| column).collect(),
        foreign_keys: foreign_keys(db, &name)?,
        indexes: indexes(db, &name)?,
        name,
        kind,
    })
}

/// Columns, each with its place in the primary key from 1, or 0.
fn columns(db: &Connection, table: &str) -> rusqlite::Result<Vec<(ColumnInfo, i64)>> {
    // Hidden: 1 is a virtual table's own, 2 and 3 are generated ones.
    let sql = "SELECT name, type, \"notnull\", dflt_value, pk FROM pragma_table_xinfo(?1) WHERE hidden != 1";
    all(db, sql, [table], |row| {
        let (type_name, key): (String, i64) = (row.get(1)?, row.get(4)?);
        let never_null = row.get::<_, bool>(2)? || (key > 0 && type_name.eq_ignore_ascii_case("INTEGER"));
        let column = ColumnInfo {
            name: row.get(0)?,
            type_name,
            nullable: !never_null,
            default: row.get(3)?,
            comment: None,
            values: Vec::new(),
        };
        Ok((column, key))
    })
}

fn foreign_keys(db: &Connection, table: &str) -> rusqlite::Result<Vec<ForeignKey>> {
    let sql = "SELECT id, \"table\", \"from\", \"to\" FROM pragma_foreign_key_list(?1) ORDER BY id, seq";
    let rows: Vec<(i64, String, String, Option<String>)> =
        all(db, sql, [table], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?)))?;
    let mut keys: Vec<(i64, ForeignKey)> = Vec::new();
    for (id, references, from, to) in rows {
        if let Some((_, key)) = keys.last_mut().filter(|(last, _)| *last == id) {
            key.columns.push(from);
            key.referenced_columns.extend(to);
        } else {
            let referenced_columns = to.into_iter().collect();
            keys.push((id, ForeignKey { columns: vec![from], references, referenced_columns }));
        }
    }
    for (_, key) in &mut keys {
        // Without columns of its own, a foreign key means the other table's primary key.
        if key.referenced_columns.is_empty() {
            let mut primary = columns(db, &key.references)?;
            primary.retain(|(_, place)| *place > 0);
            primary.sort_by_key(|(_, place)| *place);
            key.referenced_columns = primary.into_iter().map(|(column, _)| column.name).collect();
        }
    }
    Ok(keys.into_iter().map(|(_, key)| key).collect())
}

fn indexes(db: &Connection, table: &str) -> rusqlite::Result<Vec<Index>> {
    let sql = "SELECT name, \"unique\" FROM pragma_index_list(?1) WHERE origin != 'pk' ORDER BY seq DESC";
    let found: Vec<(String, bool)> = all(db, sql, [table], |row| Ok((row.get(0)?, row.get(1)?)))?;
    let sql = "SELECT coalesce(name, '(expression)') FROM pragma_index_xinfo(?1) WHERE key = 1 ORDER BY seqno";
    let with_columns = |(name, unique): (String, bool)| {
        let columns = all(db, sql, [&name], |row| row.get(0))?;
        Ok(Index { name, columns, unique })
    };
    found.into_iter().map(with_columns).collect()
}

/// Rows: what ANALYZE has counted, else counted now if they are few.
fn rows(db: &Connection, table: &str) -> Option<u64> {
    let sql = "SELECT max(CAST(substr(stat || ' ', 1, instr(stat || ' ', ' ') - 1) AS INTEGER)) \
               FROM main.sqlite_stat1 WHERE tbl = ?1";
    let analyzed = db.prepare_cached(sql).and_then(|mut it| it.query_row([table], |row| row.get(0)).optional());
    if let Ok(Some(Some(rows))) = analyzed {
        return u64::try_from(i64::max(rows, 0)).ok();
    }
    let quoted = table.replace('"', "\"\"");
    let sql = format!("SELECT count(*) FROM (SELECT 1 FROM main.\"{quoted}\" LIMIT {})", COUNTED_MAX + 1);
    let counted: i64 = db.prepare(&sql).and_then(|mut it| it.query_row([], |row| row.get(0))).ok()?;
    u64::try_from(counted).ok().filter(|_| counted <= COUNTED_MAX)
}
