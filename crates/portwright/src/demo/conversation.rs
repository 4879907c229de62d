//! What a client says and hears, printed as it goes.

use std::path::Path;

use portwright_core::protocol::{CallToolRequestParams, CallToolResult, Tool};
use serde_json::{Value, json};

use crate::cli::error::CliError;
use crate::cli::print::{self, BAD, CAREFUL, FAINT, STRONG, styled};
use crate::cli::target::Client;
use crate::cli::{content, table};

/// Characters of a tool's description that are shown.
const SENTENCE_CHARS: usize = 92;

/// Rows of one result that are shown.
const ROWS_SHOWN: usize = 8;

/// Characters of one cell that are shown: a row shall fit on a terminal.
const CELL_CHARS: usize = 44;

/// Holds it: the tools, three calls that build on each other, two that are refused, and what the audit says of it.
pub(super) async fn hold(client: &Client, audit: &Path) -> Result<(), CliError> {
    let tools = client.ask(client.peer().list_all_tools()).await?;
    said("tools/list")?;
    print::out(&offered(&tools))?;

    let found = call(client, "query_customers", json!({"search_term": "andr", "limit": 8})).await?;
    let customer = rows(&found).first().and_then(|row| row.get("id")).cloned().unwrap_or(json!(1));
    call(client, "get_order_history", json!({"customer_id": customer, "days": 365})).await?;

    call(client, "search_files_content", json!({"path": "docs", "query": "refund", "ignore_case": true})).await?;

    call(client, "get_order_history", json!({"customer_id": "Andrés", "day": 7})).await?;
    call(client, "run_sql_query", json!({"sql": "DELETE FROM customers"})).await?;

    let record = last_line(audit).await?;
    print::out(&format!("{}\n{}", styled(STRONG, "The audit's record of that call"), indented(&wrapped(&record))))
}

/// One call, shown with its answer.
async fn call(client: &Client, tool: &str, arguments: Value) -> Result<CallToolResult, CliError> {
    said(&format!("tools/call {tool} {arguments}"))?;
    let arguments = arguments.as_object().cloned().unwrap_or_default();
    let params = CallToolRequestParams::new(tool.to_owned()).with_arguments(arguments);
    let result = client.ask(client.peer().call_tool(params)).await?;
    print::out(&answer(&result))?;
    Ok(result)
}

fn said(what: &str) -> Result<(), CliError> {
    print::out(&format!("{} {}", styled(CAREFUL, "→"), styled(STRONG, what)))
}

/// The tools with the first sentence of what they say to a model.
fn offered(tools: &[Tool]) -> String {
    let width = tools.iter().map(|tool| tool.name.chars().count()).max().unwrap_or_default();
    let line = |tool: &Tool| {
        let sentence = cut(first_sentence(tool.description.as_deref().unwrap_or_default()), SENTENCE_CHARS);
        format!("  {:width$}  {}\n", print::safe(&tool.name), styled(FAINT, &print::safe(&sentence)))
    };
    tools.iter().map(line).chain(["\n".to_owned()]).collect()
}

pub(super) fn first_sentence(text: &str) -> &str {
    let text = text.trim();
    let end = text.find(". ").map_or(text.len(), |at| at + 1);
    text[..end].lines().next().unwrap_or_default()
}

/// A result as its reader sees it: rows as a table, an error in its own words.
pub(super) fn answer(result: &CallToolResult) -> String {
    if result.is_error == Some(true) {
        let words = content::blocks(&result.content);
        return format!("{}\n{}", styled(BAD, "  refused"), indented(&words));
    }
    let all = rows(result);
    let shown: Vec<Value> = all.iter().take(ROWS_SHOWN).map(shortened).collect();
    let Some(drawn) = table::of_rows(&shown) else {
        return indented(&content::blocks(&result.content));
    };
    let more = match all.len().saturating_sub(ROWS_SHOWN) {
        0 => String::new(),
        more => format!("  {}\n", styled(FAINT, &format!("… and {more} more rows"))),
    };
    indented(&drawn) + &more
}

fn rows(result: &CallToolResult) -> &[Value] {
    let rows = result.structured_content.as_ref().and_then(|content| content.get("rows"));
    rows.and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default()
}

/// A row whose texts fit into their cells.
fn shortened(row: &Value) -> Value {
    let Value::Object(row) = row else { return row.clone() };
    let shorten = |value: &Value| match value {
        Value::String(text) => cut(text, CELL_CHARS).into(),
        other => other.clone(),
    };
    row.iter().map(|(name, value)| (name.clone(), shorten(value))).collect()
}

fn cut(text: &str, chars: usize) -> String {
    match text.char_indices().nth(chars) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

/// A record on several lines, broken between its fields.
pub(super) fn wrapped(record: &str) -> String {
    const COLUMNS: usize = 100;
    let mut lines = vec![String::new()];
    for field in record.split_inclusive(",\"").map(|field| field.strip_suffix('"').unwrap_or(field)) {
        let quote = if lines.len() > 1 || !lines[0].is_empty() { "\"" } else { "" };
        match lines.last_mut() {
            Some(line) if line.is_empty() || line.chars().count() + field.chars().count() < COLUMNS => {
                line.push_str(quote);
                line.push_str(field);
            }
            _ => lines.push(format!("{quote}{field}")),
        }
    }
    lines.join("\n")
}

/// Lines moved in, with an empty one after them.
fn indented(text: &str) -> String {
    text.lines().map(|line| format!("  {line}\n")).chain(["\n".to_owned()]).collect()
}

/// The last record. It was written before the reply left.
async fn last_line(path: &Path) -> Result<String, CliError> {
    let text = tokio::fs::read_to_string(path).await.map_err(|error| CliError::Bug(error.to_string()))?;
    Ok(print::safe(text.lines().last().unwrap_or_default()))
}
