//! How SQL is written for the three databases, as far as the proposed tools need it.

use super::super::schema::{Column, Schema, Table};
use super::columns::Class;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Dialect {
    Postgres,
    Sqlite,
    Mysql,
}

impl Dialect {
    pub(super) fn of(schema: &Schema) -> Self {
        match schema.database.as_str() {
            "PostgreSQL" => Self::Postgres,
            "SQLite" => Self::Sqlite,
            _ => Self::Mysql,
        }
    }

    /// A name as it stands in a statement.
    pub(super) fn name(self, name: &str) -> String {
        let plain = name.starts_with(|letter: char| letter.is_ascii_lowercase() || letter == '_')
            && name.chars().all(|letter| letter.is_ascii_lowercase() || letter.is_ascii_digit() || letter == '_');
        if plain && !RESERVED.contains(&name) {
            return name.to_owned();
        }
        match self {
            Self::Mysql => format!("`{}`", name.replace('`', "``")),
            _ => format!("\"{}\"", name.replace('"', "\"\"")),
        }
    }

    pub(super) fn table(self, table: &Table, default_schema: &str) -> String {
        let name = self.name(&table.name);
        if table.schema == default_schema { name } else { format!("{}.{name}", self.name(&table.schema)) }
    }

    pub(super) fn columns(self, columns: &[&Column]) -> String {
        columns.iter().map(|column| self.name(&column.name)).collect::<Vec<_>>().join(", ")
    }

    /// Whether a column contains what was given.
    pub(super) fn contains(self, column: &Column, param: &str) -> String {
        let name = self.name(&column.name);
        match self {
            Self::Postgres => format!("{name} ILIKE '%' || :{param} || '%'"),
            Self::Sqlite => format!("{name} LIKE '%' || :{param} || '%'"),
            Self::Mysql => format!("{name} LIKE CONCAT('%', :{param}, '%')"),
        }
    }

    /// A column compared with a parameter that has its type. Text is compared as text, also where it is an enum.
    pub(super) fn is(self, column: &Column, param: &str) -> String {
        let name = self.name(&column.name);
        match self {
            Self::Postgres if column.class() == Class::Text => format!("{name}::text = :{param}"),
            _ => format!("{name} = :{param}"),
        }
    }
}

/// Words that one of the databases does not take for a name, among those that are used as one.
const RESERVED: [&str; 62] = [
    "all",
    "analyse",
    "analyze",
    "and",
    "any",
    "array",
    "as",
    "asc",
    "between",
    "both",
    "by",
    "case",
    "check",
    "column",
    "condition",
    "constraint",
    "create",
    "current_user",
    "default",
    "desc",
    "distinct",
    "do",
    "else",
    "end",
    "except",
    "false",
    "fetch",
    "for",
    "foreign",
    "from",
    "grant",
    "group",
    "groups",
    "having",
    "in",
    "index",
    "interval",
    "into",
    "key",
    "keys",
    "leading",
    "like",
    "limit",
    "natural",
    "not",
    "null",
    "offset",
    "on",
    "or",
    "order",
    "primary",
    "range",
    "rank",
    "references",
    "row",
    "rows",
    "select",
    "session_user",
    "table",
    "to",
    "user",
    "when",
];
