//! From a schema to tools: narrow ones, for the tables that matter most, in words that a model understands.
//!
//! For each table: find rows by what people call them, one row by its key, and the rows that belong to one of another
//! table. What looks like a secret is left out of every statement, and a comment says so.

mod columns;
mod dialect;
mod words;

#[cfg(test)]
mod tests;

use super::draft::{Keys, ToolDraft, plain};
use super::schema::{Column, ForeignKey, Schema, Table};
use columns::Class;
use dialect::Dialect;
use words::{article, capital, listing, singular, spaced};

/// Tables that get tools unless the person names others.
pub(super) const TABLES_MAX: usize = 6;

/// Tools in all: more cost a model's attention.
const TOOLS_MAX: usize = 16;

/// The tables that matter, the most important first.
pub(super) fn ranked(schema: &Schema) -> Vec<&Table> {
    let mut tables: Vec<&Table> = schema.tables.iter().filter(|table| is_business(table)).collect();
    tables.sort_by_key(|table| (usize::MAX - weight(table, schema), &table.schema, &table.name));
    tables
}

/// Whether it holds what people ask about, and not what a framework keeps for itself.
fn is_business(table: &Table) -> bool {
    const OTHERS: [&str; 16] = [
        "migration",
        "alembic",
        "flyway",
        "databasechangelog",
        "schema_version",
        "schema_info",
        "ar_internal",
        "django_",
        "auth_",
        "spatial_ref",
        "sqlite_",
        "session",
        "job",
        "queue",
        "cache",
        "pg_stat",
    ];
    let name = table.name.to_lowercase();
    !table.columns.is_empty() && !table.is_join() && !OTHERS.iter().any(|part| name.contains(part))
}

fn weight(table: &Table, schema: &Schema) -> usize {
    let referred = schema.tables.iter().flat_map(|other| &other.foreign_keys);
    let referred = referred.filter(|key| key.references.rsplit('.').next() == Some(&table.name)).count();
    let rows = table.rows_estimate.map_or(0, |rows| rows.checked_ilog10().unwrap_or(0) as usize);
    let home = usize::from(table.schema == schema.home);
    let is_log = usize::from(table.name.to_lowercase().contains("log") || table.name.to_lowercase().contains("audit"));
    let known = usize::from(table.key().is_some()) + usize::from(!table.searched().is_empty());
    (3 * referred + 2 * known + table.foreign_keys.len() + rows.min(4) + 8 * home + usize::from(table.kind == "table"))
        .saturating_sub(8 * is_log)
}

/// The tools for these tables.
pub(super) fn tools(schema: &Schema, tables: &[&Table], source: &str) -> Vec<ToolDraft> {
    let about = tables.iter().map(|table| About { schema, table, tables, source, dialect: Dialect::of(schema) });
    let mut tools: Vec<ToolDraft> = about.flat_map(About::tools).collect();
    let mut seen = std::collections::HashSet::new();
    tools.retain(|tool| seen.insert(tool.name.clone()));
    tools.truncate(TOOLS_MAX);
    tools
}

/// A table among those that get tools.
#[derive(Clone, Copy)]
struct About<'a> {
    schema: &'a Schema,
    table: &'a Table,
    tables: &'a [&'a Table],
    source: &'a str,
    dialect: Dialect,
}

impl About<'_> {
    fn tools(self) -> Vec<ToolDraft> {
        /// Lists of what belongs to another, for one table.
        const LISTS_MAX: usize = 2;
        let mut tools: Vec<ToolDraft> = self.search().or_else(|| self.recent()).into_iter().collect();
        tools.extend(self.get());
        let of_others = self.table.foreign_keys.iter().filter_map(|key| self.of_another(key));
        tools.extend(of_others.take(LISTS_MAX));
        if let Some(first) = tools.first_mut() {
            first.comment = self.withheld();
        }
        tools
    }

    /// Says which columns no tool returns.
    fn withheld(self) -> Option<String> {
        let secret = self.table.columns.iter().filter(|column| column.looks_secret());
        let secret: Vec<&str> = secret.map(|column| column.name.as_str()).collect();
        (!secret.is_empty()).then(|| {
            let name = spaced(&self.table.name);
            format!(
                "{} of {name}: left out of all tools, since the name looks like a secret's",
                listing(&secret, "and")
            )
        })
    }

    fn one(self) -> String {
        singular(&self.table.name)
    }

    fn many(self) -> String {
        spaced(&self.table.name)
    }

    fn from(self) -> String {
        self.dialect.table(self.table, &self.schema.home)
    }

    fn search_name(self) -> String {
        format!("search_{}", plain(&self.many(), "rows"))
    }

    fn get_name(self) -> String {
        format!("get_{}", plain(&self.one(), "row"))
    }

    fn returns(self) -> String {
        listing(&self.table.listed().iter().map(|column| column.name.as_str()).collect::<Vec<_>>(), "and")
    }

    fn tool(self, name: String, title: String, description: Vec<String>, sql: String) -> ToolDraft {
        let source = self.source.to_owned();
        ToolDraft { name, source, title, description, sql, params: Vec::new(), comment: None }
    }

    /// Rows by what people call them.
    fn search(self) -> Option<ToolDraft> {
        let searched = self.table.searched();
        let first = searched.first()?;
        let by = listing(&searched.iter().map(|column| spaced(&column.name)).collect::<Vec<_>>(), "or");
        let (one, many) = (self.one(), self.many());
        let mut description = vec![
            format!("Find {many} by {by}."),
            format!("Use this when the user mentions {} and you need to know which one is meant.", article(&one)),
            format!(
                "A part is enough. Returns {}, sorted by {}, at most `limit` rows.",
                self.returns(),
                spaced(&first.name)
            ),
        ];
        if self.get().is_some() {
            description.push(format!("For all about one, call {}.", self.get_name()));
        }
        let tests: Vec<_> = searched.iter().map(|column| self.dialect.contains(column, "search_term")).collect();
        let sql = format!(
            "SELECT {}\nFROM {}\nWHERE {}\nORDER BY {}\nLIMIT :limit",
            self.dialect.columns(&self.table.listed()),
            self.from(),
            tests.join("\n   OR "),
            self.dialect.name(&first.name)
        );
        let mut tool = self.tool(self.search_name(), format!("Find {many}"), description, sql);
        tool.params.push((
            "search_term".to_owned(),
            vec![
                ("type", "string".into()),
                ("description", format!("Part of the {by}").into()),
                ("min_length", 1.into()),
                ("max_length", 200.into()),
            ],
        ));
        tool.params.push(limit(&many));
        Some(tool)
    }

    /// The latest rows, where there is nothing to search by.
    fn recent(self) -> Option<ToolDraft> {
        let time = self.table.time()?;
        let many = self.many();
        let description = vec![
            format!("List the latest {many}, newest first by {}.", spaced(&time.name)),
            format!("Use this when the user asks what happened lately with {many}."),
            format!("Returns {}, at most `limit` rows; it can't search.", self.returns()),
        ];
        let sql = format!(
            "SELECT {}\nFROM {}\nORDER BY {} DESC\nLIMIT :limit",
            self.dialect.columns(&self.table.listed()),
            self.from(),
            self.dialect.name(&time.name)
        );
        let name = format!("list_recent_{}", plain(&many, "rows"));
        let mut tool = self.tool(name, format!("Latest {many}"), description, sql);
        tool.params.push(limit(&many));
        Some(tool)
    }

    /// One row by its key.
    fn get(self) -> Option<ToolDraft> {
        let key = self.table.key()?;
        let one = self.one();
        let params: Vec<String> = key.iter().map(|column| self.key_param(column)).collect();
        let found_by = if self.table.searched().is_empty() {
            format!("Use this when you know the {}.", listing(&params, "and"))
        } else {
            format!("Use this when you know the {}; {} finds it.", listing(&params, "and"), self.search_name())
        };
        let shown = self.table.shown();
        let names: Vec<&str> = shown.iter().map(|column| column.name.as_str()).collect();
        let description = vec![
            format!("Get one {one} by its {}, with all that is known of it.", listing(&params, "and")),
            found_by,
            format!("Returns one row with {}; no row if there is no such {one}.", listing(&names, "and")),
        ];
        let tests: Vec<_> = key.iter().zip(&params).map(|(column, param)| self.dialect.is(column, param)).collect();
        let sql =
            format!("SELECT {}\nFROM {}\nWHERE {}", self.dialect.columns(&shown), self.from(), tests.join("\n  AND "));
        let mut tool = self.tool(self.get_name(), capital(&format!("one {one}")), description, sql);
        tool.params = key.iter().zip(&params).map(|(column, name)| (name.clone(), value_of(column, &one))).collect();
        Some(tool)
    }

    /// The rows that belong to one of another table.
    fn of_another(self, key: &ForeignKey) -> Option<ToolDraft> {
        let ([column], [referred]) = (key.columns.as_slice(), key.referenced_columns.as_slice()) else { return None };
        let owner = key.references.rsplit('.').next()?;
        let owner = self.tables.iter().find(|table| table.name == owner && table.column(referred).is_some())?;
        let column = self.table.column(column)?;
        matches!(column.class(), Class::Integer | Class::Text | Class::Uuid).then_some(())?;
        let owner = About { table: owner, ..self };
        let (many, one) = (self.many(), owner.one());
        let param = plain(&column.name, "key");
        let (order, sorted) = match self.table.time().or_else(|| self.table.key()?.first().copied()) {
            Some(by) => {
                let newest = if by.class() == Class::Time { "newest first" } else { "the highest first" };
                (
                    format!("\nORDER BY {} DESC", self.dialect.name(&by.name)),
                    format!(", {newest} by {}", spaced(&by.name)),
                )
            }
            None => (String::new(), String::new()),
        };
        let from_where = if owner.table.searched().is_empty() {
            format!("Needs the {one}'s {referred}.")
        } else {
            format!("Needs the {one}'s {referred}: {} finds it.", owner.search_name())
        };
        let description = vec![
            format!("List the {many} of one {one}{sorted}."),
            format!("Use this when the user asks about the {many} of {}.", article(&one)),
            format!("Returns {}, at most `limit` rows.", self.returns()),
            from_where,
        ];
        let sql = format!(
            "SELECT {}\nFROM {}\nWHERE {}{order}\nLIMIT :limit",
            self.dialect.columns(&self.table.listed()),
            self.from(),
            self.dialect.is(column, &param)
        );
        let name = format!("list_{}_of_{}", plain(&many, "rows"), plain(&one, "row"));
        let title = capital(&format!("{many} of {}", article(&one)));
        let mut tool = self.tool(name, title, description, sql);
        tool.params.push((param, value_of(column, &one)));
        tool.params.push(limit(&many));
        Some(tool)
    }

    /// `id` of `customers` is asked for as `customer_id`.
    fn key_param(self, column: &Column) -> String {
        let name = plain(&column.name, "key");
        if name == "id" { format!("{}_id", plain(&self.one(), "row")) } else { name }
    }
}

/// The parameter for a value of a column that says which row is meant.
fn value_of(column: &Column, one: &str) -> Keys {
    let name = spaced(&column.name);
    let description = match name.strip_suffix(" id") {
        Some(owner) if !owner.is_empty() => format!("The {owner}'s id, as other tools return it"),
        _ if name == "id" => format!("The {one}'s id, as other tools return it"),
        _ => format!("The {name} of the {one}"),
    };
    let mut entries: Keys = vec![("description", description.into())];
    match column.class() {
        Class::Integer => entries.insert(0, ("type", "integer".into())),
        Class::Uuid => {
            entries.insert(0, ("type", "string".into()));
            entries.push(("format", "uuid".into()));
        }
        _ => {
            entries.insert(0, ("type", "string".into()));
            entries.extend([("min_length", 1.into()), ("max_length", 200.into())]);
        }
    }
    if !column.values.is_empty() {
        entries.retain(|(key, _)| !key.ends_with("_length"));
        entries.push(("enum", column.values.clone().into()));
    }
    entries
}

fn limit(many: &str) -> (String, Keys) {
    let entries = vec![
        ("type", "integer".into()),
        ("description", format!("Most {many} to return").into()),
        ("default", 20.into()),
        ("minimum", 1.into()),
        ("maximum", 100.into()),
    ];
    ("limit".to_owned(), entries)
}
