//! The live schema: what list_schemas, list_tables, describe_table, the schema resources and their completion say.
//!
//! Everything is read from the database's catalogs at the time of the call.

use portwright_core::protocol::{CallToolResult, CompletionInfo, ContentBlock};
use portwright_core::{Context, Refusal};
use serde_json::{Value, json};

use super::database::{Database, Schema, Scope, Table};
use super::refuse::refuse;
use super::text;
use super::traced::{SCHEMA, traced};
use crate::shared::decode::did_you_mean;

/// Bytes that the schema resource may have before it is told without the details of each column.
const DETAIL_BYTES_MAX: usize = 256 * 1024;

fn result(content: Value, text: String) -> CallToolResult {
    let mut result = CallToolResult::success(vec![ContentBlock::text(text)]);
    result.structured_content = Some(content);
    result
}

/// `list_schemas`
pub async fn list_schemas<D: Database>(database: &D, cx: &Context) -> Result<CallToolResult, Refusal> {
    let found = traced(database.dialect(), SCHEMA, database.schema(Scope { schema: None, table: Some("") }, cx))
        .await
        .map_err(refuse)?;
    let is_default = |name: &String| *name == found.default_schema;
    let schemas: Vec<Value> =
        found.schemas.iter().map(|name| json!({"name": name, "default": is_default(name)})).collect();
    let rows: Vec<Vec<Value>> = found.schemas.iter().map(|name| vec![json!(name), json!(is_default(name))]).collect();
    Ok(result(json!({"schemas": schemas}), text::table(["schema", "default"], &rows)))
}

/// `list_tables`
pub async fn list_tables<D: Database>(
    database: &D,
    schema: Option<&str>,
    cx: &Context,
) -> Result<CallToolResult, Refusal> {
    let found =
        traced(database.dialect(), SCHEMA, database.schema(Scope { schema, table: None }, cx)).await.map_err(refuse)?;
    if let Some(name) = schema
        && !found.schemas.iter().any(|known| known == name)
    {
        let hint = did_you_mean(name, found.schemas.iter().map(String::as_str));
        return Err(Refusal::failed(match hint {
            Some(near) => format!("there is no schema `{name}`; did you mean `{near}`?"),
            None => format!("there is no schema `{name}`; there are: {}", found.schemas.join(", ")),
        }));
    }
    let mut content = json!({
        "tables": found.tables.iter().map(summary).collect::<Vec<_>>(),
        "truncated": found.truncated,
    });
    let row = |table: &Table| {
        vec![
            json!(qualified(table, &found)),
            json!(table.kind),
            json!(table.rows_estimate),
            json!(table.comment.as_deref().unwrap_or("")),
        ]
    };
    let rows: Vec<Vec<Value>> = found.tables.iter().map(row).collect();
    let mut words = match rows.len() {
        0 => "0 tables. Nothing is there that this server may see.".to_owned(),
        _ => text::table(["table", "kind", "rows (estimate)", "comment"], &rows),
    };
    if found.truncated {
        let notice = format!("Only the first {} tables are shown. Give `schema` to see others.", found.tables.len());
        words.push_str("\n\n");
        words.push_str(&notice);
        content["notice"] = notice.into();
        cx.note(|trail| trail.truncated = true);
    }
    Ok(result(content, words))
}

/// `describe_table`
pub async fn describe_table<D: Database>(
    database: &D,
    name: &str,
    schema: Option<&str>,
    cx: &Context,
) -> Result<CallToolResult, Refusal> {
    match find(database, name, schema, cx).await? {
        Some((table, found)) => Ok(result(json!(table), described(&table, &found))),
        None => Err(unknown_table(database, name, cx).await?),
    }
}

/// Finds a table by `name` or `schema.name`. Where several schemas have one, the default schema's is meant.
pub async fn find<D: Database>(
    database: &D,
    name: &str,
    schema: Option<&str>,
    cx: &Context,
) -> Result<Option<(Table, Schema)>, Refusal> {
    let whole = (schema, name);
    let split = name.split_once('.').filter(|_| schema.is_none()).map(|(schema, table)| (Some(schema), table));
    for (schema, table) in std::iter::once(whole).chain(split) {
        let unquoted = table.trim_matches('"');
        let scope = Scope { schema: schema.map(|schema| schema.trim_matches('"')), table: Some(unquoted) };
        let found = traced(database.dialect(), SCHEMA, database.schema(scope, cx)).await.map_err(refuse)?;
        let home = found.tables.iter().find(|table| table.schema == found.default_schema);
        if let Some(table) = home.or(found.tables.first()).cloned() {
            return Ok(Some((table, found)));
        }
    }
    Ok(None)
}

async fn unknown_table<D: Database>(database: &D, name: &str, cx: &Context) -> Result<Refusal, Refusal> {
    let all = traced(database.dialect(), SCHEMA, database.schema(Scope::default(), cx)).await.map_err(refuse)?;
    let names: Vec<String> = all.tables.iter().map(|table| qualified(table, &all)).collect();
    let last = name.rsplit('.').next().unwrap_or(name);
    let near = did_you_mean(name, names.iter().map(String::as_str));
    let near = near.or_else(|| did_you_mean(last, all.tables.iter().map(|table| table.name.as_str())));
    Ok(Refusal::failed(match near {
        Some(near) => format!("there is no table `{name}`; did you mean `{near}`?"),
        None => format!("there is no table `{name}`; list_tables shows all that there are"),
    }))
}

/// All of the schema, for its resource.
pub async fn whole<D: Database>(database: &D, source: &str, cx: &Context) -> Result<String, Refusal> {
    let found = traced(database.dialect(), SCHEMA, database.schema(Scope::default(), cx)).await.map_err(refuse)?;
    let mut content = json!({
        "source": source,
        "database": database.dialect().name,
        "default_schema": found.default_schema,
        "tables": found.tables,
        "truncated": found.truncated,
    });
    let full = content.to_string();
    if full.len() <= DETAIL_BYTES_MAX {
        return Ok(full);
    }
    content["tables"] = found.tables.iter().map(summary).collect::<Vec<_>>().into();
    content["notice"] = format!("Columns are left out; read db://{source}/schema/{{table}} for them.").into();
    cx.note(|trail| trail.truncated = true);
    Ok(content.to_string())
}

/// Names of tables that begin with what was typed.
pub async fn complete<D: Database>(database: &D, typed: &str, cx: &Context) -> Result<CompletionInfo, Refusal> {
    let found = traced(database.dialect(), SCHEMA, database.schema(Scope::default(), cx)).await.map_err(refuse)?;
    let typed = typed.to_lowercase();
    let names = found.tables.iter().map(|table| qualified(table, &found));
    let mut values: Vec<String> = names.filter(|name| name.to_lowercase().starts_with(&typed)).collect();
    let total = values.len();
    values.truncate(CompletionInfo::MAX_VALUES);
    let more = total > values.len() || found.truncated;
    let count = u32::try_from(total).ok().filter(|_| !found.truncated);
    CompletionInfo::with_pagination(values, count, more).map_err(Refusal::internal)
}

/// A table's name, with its schema unless that is the default one.
fn qualified(table: &Table, schema: &Schema) -> String {
    if table.schema == schema.default_schema { table.name.clone() } else { format!("{}.{}", table.schema, table.name) }
}

fn summary(table: &Table) -> Value {
    let mut summary = json!({"schema": table.schema, "name": table.name, "kind": table.kind});
    if let Some(rows) = table.rows_estimate {
        summary["rows_estimate"] = rows.into();
    }
    if let Some(comment) = &table.comment {
        summary["comment"] = comment.clone().into();
    }
    summary
}

/// A table in words: a line about it, its columns, its keys and indexes.
fn described(table: &Table, schema: &Schema) -> String {
    let mut lines = vec![format!("{} ({})", one_line(&qualified(table, schema)), kind_word(table))];
    if let Some(comment) = &table.comment {
        lines.push(one_line(comment));
    }
    let row = |column: &super::ColumnInfo| {
        let comment = column.comment.clone().unwrap_or_default();
        let comment = match column.values.as_slice() {
            [] => comment,
            values => format!("{comment} one of {}", json!(values)).trim_start().to_owned(),
        };
        let takes_null = if column.nullable { "null" } else { "not null" };
        let default = column.default.clone().unwrap_or_default();
        vec![json!(column.name), json!(column.type_name), json!(takes_null), json!(default), json!(comment)]
    };
    let rows: Vec<Vec<Value>> = table.columns.iter().map(row).collect();
    lines.push(text::table(["column", "type", "null", "default", "comment"], &rows));
    if !table.primary_key.is_empty() {
        lines.push(format!("primary key: {}", one_line(&table.primary_key.join(", "))));
    }
    for key in &table.foreign_keys {
        let (from, to) = (key.columns.join(", "), key.referenced_columns.join(", "));
        lines.push(one_line(&format!("foreign key: {from} -> {} ({to})", key.references)));
    }
    for index in &table.indexes {
        let unique = if index.unique { "unique " } else { "" };
        lines.push(one_line(&format!("{unique}index {}: {}", index.name, index.columns.join(", "))));
    }
    lines.join("\n")
}

fn kind_word(table: &Table) -> String {
    let kind = json!(table.kind).as_str().unwrap_or_default().replace('_', " ");
    match table.rows_estimate {
        Some(rows) => format!("{kind}, about {rows} rows"),
        None => kind,
    }
}

fn one_line(text: &str) -> String {
    let mut line = String::with_capacity(text.len());
    text::escaped(&mut line, text);
    line
}
