//! What there is in the databases, from `information_schema`: only what the user may see.

use std::collections::HashMap;

use mysql_async::prelude::{FromRow, Queryable as _};
use mysql_async::{Conn, Error, Params};
use portwright_core::limits::SCHEMA_TABLES_MAX;

use super::session::Flavor;
use crate::shared::sql::{ColumnInfo, ForeignKey, Index, Schema, Scope, Table, TableKind};

/// Databases that hold the operator's tables. One parameter, twice: the only one that is wanted, or null.
const SCHEMAS: &str = "\
SELECT schema_name FROM information_schema.schemata
WHERE schema_name NOT IN ('information_schema', 'mysql', 'performance_schema', 'sys')
  AND (? IS NULL OR schema_name = ?)
ORDER BY 1";

/// Parameters: the URL's database, the scope's, the table; each twice, and each may be null.
const WHERE: &str = "\
table_schema NOT IN ('information_schema', 'mysql', 'performance_schema', 'sys')
  AND (? IS NULL OR table_schema = ?) AND (? IS NULL OR table_schema = ?) AND (? IS NULL OR table_name = ?)";

type TableRow = (String, String, String, Option<u64>, Option<String>);
type ColumnRow = (String, String, String, String, String, Option<String>, Option<String>, Option<String>);
type KeyRow = (String, String, String, String, Option<String>, Option<String>, Option<String>);
type IndexRow = (String, String, String, String, i64);

/// `database`: the only one that the URL names.
pub(super) async fn schema(
    conn: &mut Conn,
    scope: Scope<'_>,
    database: Option<&str>,
    flavor: Flavor,
) -> Result<Schema, Error> {
    let schemas: Vec<String> = conn.exec(SCHEMAS, (database, database)).await?;
    let places = Placed { database, scope };
    let most = SCHEMA_TABLES_MAX + 1;
    let tables = format!(
        "SELECT table_schema, table_name, table_type, CAST(table_rows AS UNSIGNED), table_comment \
         FROM information_schema.tables WHERE {WHERE} AND table_type <> 'SEQUENCE' ORDER BY 1, 2 LIMIT {most}"
    );
    let mut found: Vec<TableRow> = places.rows(conn, &tables).await?;
    let truncated = found.len() > SCHEMA_TABLES_MAX;
    found.truncate(SCHEMA_TABLES_MAX);
    // The server's order is that of its collation; ours is the same for all databases.
    found.sort_unstable_by(|one, other| (&one.0, &one.1).cmp(&(&other.0, &other.1)));
    let mut tables = Tables::default();
    for row in found {
        tables.add(row);
    }
    if !tables.list.is_empty() {
        tables.fill(conn, &places, flavor).await?;
    }
    let default_schema = database.unwrap_or_default().to_owned();
    Ok(Schema { schemas, tables: tables.list, truncated, default_schema })
}

/// Which tables are asked about.
struct Placed<'a> {
    database: Option<&'a str>,
    scope: Scope<'a>,
}

impl Placed<'_> {
    async fn rows<T: FromRow + Send + 'static>(&self, conn: &mut Conn, sql: &str) -> Result<Vec<T>, Error> {
        let (database, schema, table) = (self.database, self.scope.schema, self.scope.table);
        let params: Params = (database, database, schema, schema, table, table).into();
        conn.exec(sql, params).await
    }
}

#[derive(Default)]
struct Tables {
    list: Vec<Table>,
    places: HashMap<(String, String), usize>,
}

impl Tables {
    fn add(&mut self, (schema, name, kind, rows, comment): TableRow) {
        let is_view = kind.contains("VIEW");
        self.places.insert((schema.clone(), name.clone()), self.list.len());
        self.list.push(Table {
            schema,
            name,
            kind: if is_view { TableKind::View } else { TableKind::Table },
            // A view's comment is the word VIEW.
            comment: comment.filter(|text| !text.is_empty() && !is_view),
            rows_estimate: rows.filter(|_| !is_view),
            columns: Vec::new(),
            primary_key: Vec::new(),
            foreign_keys: Vec::new(),
            indexes: Vec::new(),
        });
    }

    fn at(&mut self, schema: String, name: String) -> Option<&mut Table> {
        self.list.get_mut(*self.places.get(&(schema, name))?)
    }

    async fn fill(&mut self, conn: &mut Conn, places: &Placed<'_>, flavor: Flavor) -> Result<(), Error> {
        let columns = format!(
            "SELECT table_schema, table_name, column_name, column_type, is_nullable, column_default, extra, \
             column_comment FROM information_schema.columns WHERE {WHERE} ORDER BY 1, 2, ordinal_position"
        );
        for row in places.rows::<ColumnRow>(conn, &columns).await? {
            let (schema, table) = (row.0.clone(), row.1.clone());
            if let Some(table) = self.at(schema, table) {
                table.columns.push(column(row, flavor));
            }
        }
        let keys = format!(
            "SELECT table_schema, table_name, constraint_name, column_name, referenced_table_schema, \
             referenced_table_name, referenced_column_name FROM information_schema.key_column_usage WHERE {WHERE} \
             ORDER BY 1, 2, 3, ordinal_position"
        );
        let mut last = None;
        for row in places.rows::<KeyRow>(conn, &keys).await? {
            self.key(row, &mut last);
        }
        let expression = match flavor {
            Flavor::MySql => "COALESCE(column_name, expression)",
            Flavor::MariaDb => "COALESCE(column_name, '(expression)')",
        };
        let indexes = format!(
            "SELECT table_schema, table_name, index_name, {expression}, CAST(non_unique AS SIGNED) \
             FROM information_schema.statistics WHERE {WHERE} AND index_name <> 'PRIMARY' \
             ORDER BY 1, 2, 3, seq_in_index"
        );
        for (schema, table, name, column, non_unique) in places.rows::<IndexRow>(conn, &indexes).await? {
            let Some(table) = self.at(schema, table) else { continue };
            match table.indexes.last_mut().filter(|index| index.name == name) {
                Some(index) => index.columns.push(column),
                None => table.indexes.push(Index { name, columns: vec![column], unique: non_unique == 0 }),
            }
        }
        Ok(())
    }

    /// A column of a primary or foreign key; those of unique ones come with the indexes. `last` is the foreign key that
    /// the column before belongs to.
    fn key(&mut self, row: KeyRow, last: &mut Option<(String, String, String)>) {
        let (schema, table, constraint, column, to_schema, to_table, to_column) = row;
        let here = (schema.clone(), table.clone(), constraint.clone());
        let Some(table) = self.at(schema.clone(), table) else { return };
        if constraint == "PRIMARY" {
            table.primary_key.push(column);
            return;
        }
        let (Some(to_schema), Some(to_table), Some(to_column)) = (to_schema, to_table, to_column) else { return };
        if last.as_ref() == Some(&here)
            && let Some(key) = table.foreign_keys.last_mut()
        {
            key.columns.push(column);
            key.referenced_columns.push(to_column);
            return;
        }
        let references = if to_schema == schema { to_table } else { format!("{to_schema}.{to_table}") };
        table.foreign_keys.push(ForeignKey { columns: vec![column], references, referenced_columns: vec![to_column] });
        *last = Some(here);
    }
}

fn column(row: ColumnRow, flavor: Flavor) -> ColumnInfo {
    let (_, _, name, type_name, nullable, default, extra, comment) = row;
    let extra = extra.unwrap_or_default();
    let default = match default {
        _ if extra.contains("auto_increment") => Some("auto_increment".to_owned()),
        // MariaDB writes expressions, so that no default and a default of null differ.
        Some(text) if flavor == Flavor::MariaDb && text == "NULL" => None,
        other => other,
    };
    let values = enum_values(&type_name);
    ColumnInfo {
        name,
        type_name,
        nullable: nullable == "YES",
        default,
        comment: comment.filter(|text| !text.is_empty()),
        values,
    }
}

/// The values of `enum('a','b''c')`.
fn enum_values(type_name: &str) -> Vec<String> {
    let lower = type_name.to_ascii_lowercase();
    let Some(list) = type_name.get("enum(".len()..type_name.len().saturating_sub(1)) else { return Vec::new() };
    if !lower.starts_with("enum(") {
        return Vec::new();
    }
    let mut values = Vec::new();
    let mut chars = list.chars().peekable();
    while chars.next_if(|c| *c == '\'').is_some() {
        let mut value = String::new();
        while let Some(c) = chars.next() {
            if c != '\'' {
                value.push(c);
            } else if chars.next_if(|next| *next == '\'').is_some() {
                value.push('\'');
            } else {
                break;
            }
        }
        values.push(value);
        chars.next_if(|c| *c == ',');
    }
    values
}

#[cfg(test)]
mod tests {
    use super::enum_values;

    #[test]
    fn the_values_of_an_enum_are_read() {
        assert_eq!(enum_values("enum('a','b''c','','d,e')"), ["a", "b'c", "", "d,e"]);
        assert!(enum_values("varchar(10)").is_empty() && enum_values("int").is_empty() && enum_values("é").is_empty());
    }
}
