//! Which columns of a MariaDB server hold JSON. It keeps JSON as text with a check, and a result does not tell.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use mysql_async::consts::{ColumnFlags, ColumnType};
use mysql_async::prelude::Queryable as _;
use mysql_async::{Column, Conn, Error, Row};

use super::dsn::SYSTEM;
use super::session::{Flavor, Session};
use super::types::Form;

/// Tables that are remembered.
const TABLES_MAX: usize = 1000;

/// How long what is known of a table counts: it may be altered.
const KNOWN: Duration = Duration::from_mins(1);

type Names = Arc<HashSet<String>>;

/// What is known of tables, by database and name.
#[derive(Debug, Default)]
pub(super) struct Documents {
    tables: Mutex<HashMap<(String, String), (Instant, Names)>>,
}

impl Documents {
    /// What the values of these columns become.
    pub(super) async fn forms(&self, session: &mut Session, columns: &[Column]) -> Result<Vec<Form>, Error> {
        let mut forms = Vec::with_capacity(columns.len());
        for column in columns {
            let mut form = Form::of(column);
            if session.flavor == Flavor::MariaDb && may_hold_json(column) {
                let table = (column.schema_str().into_owned(), column.org_table_str().into_owned());
                let names = self.of(&mut session.conn, table).await?;
                if names.contains(&*column.org_name_str()) {
                    form = Form::Json;
                }
            }
            forms.push(form);
        }
        Ok(forms)
    }

    async fn of(&self, conn: &mut Conn, table: (String, String)) -> Result<Names, Error> {
        let tables = || self.tables.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((since, names)) = tables().get(&table)
            && since.elapsed() < KNOWN
        {
            return Ok(names.clone());
        }
        let quoted = |name: &str| format!("`{}`", name.replace('`', "``"));
        let shown: Result<Option<Row>, Error> =
            conn.query_first(format!("SHOW CREATE TABLE {}.{}", quoted(&table.0), quoted(&table.1))).await;
        let definition = match shown {
            Ok(row) => row.and_then(|row| row.get_opt::<String, _>(1)).and_then(Result::ok).unwrap_or_default(),
            // What may not be seen is taken as text.
            Err(Error::Server(_)) => String::new(),
            Err(other) => return Err(other),
        };
        let names: Names = Arc::new(checked(&definition));
        let mut tables = tables();
        if tables.len() >= TABLES_MAX {
            tables.clear();
        }
        tables.insert(table, (Instant::now(), names.clone()));
        Ok(names)
    }
}

/// JSON is long text that compares by its bytes.
fn may_hold_json(column: &Column) -> bool {
    column.column_type() == ColumnType::MYSQL_TYPE_BLOB
        && column.flags().contains(ColumnFlags::BINARY_FLAG)
        && Form::of(column) == Form::Text
        && !column.org_table_ref().is_empty()
        && !SYSTEM.iter().any(|name| name.as_bytes() == column.schema_ref())
}

/// Columns whose line says ``CHECK (json_valid(`name`))`` of themselves.
fn checked(definition: &str) -> HashSet<String> {
    let names = definition.lines().filter_map(|line| {
        let line = line.trim();
        let name = line.strip_prefix('`')?;
        let (_, check) = line.rsplit_once("CHECK (json_valid(`")?;
        let (checked, _) = check.split_once("`))")?;
        name.strip_prefix(checked)?.strip_prefix("` ")?;
        Some(checked.replace("``", "`"))
    });
    names.collect()
}

#[cfg(test)]
mod tests {
    use super::checked;

    #[test]
    fn what_is_checked_to_be_json_is_json() {
        let definition = "CREATE TABLE `t` (\n  `a``b` longtext DEFAULT NULL CHECK (json_valid(`a``b`)),\n  \
                          `c` longtext DEFAULT 'CHECK (json_valid(`c',\n  `d` longtext CHECK (json_valid(`other`)),\n  \
                          `e` longtext\n)";
        assert_eq!(checked(definition).into_iter().collect::<Vec<_>>(), ["a`b"]);
    }
}
