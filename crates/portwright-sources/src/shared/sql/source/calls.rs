//! What a call does: which statement runs with which values, and what becomes of its rows.

use portwright_core::protocol::ResourceContents;
use std::time::Duration;

use portwright_core::protocol::{CallToolResult, ContentBlock, JsonObject, MetaObject, ReadResourceResult};
use portwright_core::template::percent_decoded;
use portwright_core::{Context, HumanDuration, Refusal};
use serde_json::{Value, json};

use super::Shared;
use crate::shared::sql::browse;
use crate::shared::sql::config::Bounds;
use crate::shared::sql::database::{Access, Database, Imagined, OutputColumn, Query, Rows};
use crate::shared::sql::declared::{DeclaredResource, DeclaredSql, MimeType};
use crate::shared::sql::offer::Standing;
use crate::shared::sql::own::OwnTool;
use crate::shared::sql::params::Params;
use crate::shared::sql::refuse::{refuse_declared, refuse_statement};
use crate::shared::sql::result::{Author, notice, structured, tool_result};
use crate::shared::sql::text;
use crate::shared::sql::traced::{operation, traced};

impl<D: Database> Shared<D> {
    pub(super) async fn call(
        &self,
        name: &str,
        arguments: &JsonObject,
        cx: &Context,
    ) -> Result<CallToolResult, Refusal> {
        if let Some(index) = self.plan.tools.iter().position(|tool| tool.name == name) {
            let tool = &self.plan.tools[index];
            let offer = self.offer();
            let Some(Standing::Ready { access, columns }) = offer.tool_standings.get(index) else {
                return Err(Refusal::not_found("tool", name));
            };
            let rows = self.run_declared(&tool.sql, *access, columns, arguments, cx).await?;
            let author = Author::Configuration { arguments: tool.sql.params.has_arguments() };
            return Ok(tool_result(&rows, tool.sql.bounds, author));
        }
        match OwnTool::by_name(name).and_then(|tool| self.own.iter().find(|(own, _)| *own == tool)) {
            Some((tool, params)) => self.call_own(*tool, params, arguments, cx).await,
            None => self.more.call(&self.database, name, arguments, cx).await,
        }
    }

    pub(super) async fn run_declared(
        &self,
        sql: &DeclaredSql,
        access: Access,
        columns: &[OutputColumn],
        arguments: &JsonObject,
        cx: &Context,
    ) -> Result<Rows, Refusal> {
        let names = &sql.statement.names;
        let mut values = sql.params.bind(names, arguments, cx.principal().map(|who| &**who))?;
        if self.database.dialect().types_by_value {
            sql.params.with_fractions(names, &mut values);
        }
        let bounds = within(sql.bounds, cx)?;
        let query = Query {
            sql: &sql.statement.sql,
            values: &values,
            access,
            declared: true,
            rows_max: bounds.rows_max,
            bytes_max: bounds.bytes_max,
            timeout: bounds.timeout,
        };
        let asked = traced(self.database.dialect(), operation(query.sql), self.database.run(query, cx));
        let rows = asked.await.map_err(|error| refuse_declared(error, names))?;
        let same = |(now, then): (&OutputColumn, &OutputColumn)| now.name == then.name && now.schema == then.schema;
        if rows.columns.len() != columns.len() || !rows.columns.iter().zip(columns).all(same) {
            self.stale.notify_one();
        }
        note(&rows, cx);
        Ok(rows)
    }

    async fn call_own(
        &self,
        tool: OwnTool,
        params: &Params,
        arguments: &JsonObject,
        cx: &Context,
    ) -> Result<CallToolResult, Refusal> {
        let names = tool.arguments_in(self.database.dialect());
        let names: Vec<String> = names.iter().map(ToString::to_string).collect();
        let values = params.bind(&names, arguments, None)?;
        let text = |index: usize| values.get(index).and_then(Value::as_str);
        let database = &*self.database;
        match tool {
            OwnTool::RunSqlQuery => {
                let rows_max = values.get(1).and_then(Value::as_u64).and_then(|rows| usize::try_from(rows).ok());
                self.run_sql(text(0).unwrap_or_default(), rows_max, cx).await
            }
            OwnTool::ListSchemas => browse::list_schemas(database, cx).await,
            OwnTool::ListTables => browse::list_tables(database, text(0), cx).await,
            OwnTool::DescribeTable => browse::describe_table(database, text(0).unwrap_or_default(), text(1), cx).await,
            OwnTool::ExplainQuery => {
                let analyze = values.get(1).and_then(Value::as_bool).unwrap_or(false);
                let imagined = imagined(values.get(2), analyze)?;
                self.explain(text(0).unwrap_or_default(), analyze, &imagined, cx).await
            }
        }
    }

    async fn run_sql(&self, sql: &str, rows_max: Option<usize>, cx: &Context) -> Result<CallToolResult, Refusal> {
        let mut bounds = within(self.plan.bounds, cx)?;
        bounds.rows_max = rows_max.unwrap_or(bounds.rows_max).clamp(1, bounds.rows_max);
        let query = written(sql, self.plan.access, bounds);
        let asked = traced(self.database.dialect(), operation(query.sql), self.database.run(query, cx));
        let rows = asked.await.map_err(|error| refuse_statement(error, Some(query.sql)))?;
        note(&rows, cx);
        Ok(tool_result(&rows, bounds, Author::Caller))
    }

    async fn explain(
        &self,
        sql: &str,
        analyze: bool,
        imagined: &[Imagined],
        cx: &Context,
    ) -> Result<CallToolResult, Refusal> {
        let query = written(sql, Access::ReadOnly, within(self.plan.bounds, cx)?);
        let asked = async {
            match imagined {
                [] => self.database.explain(query, analyze, cx).await,
                imagined => self.database.imagine(query, imagined, cx).await,
            }
        };
        let plan = traced(self.database.dialect(), "EXPLAIN", asked).await;
        let plan = plan.map_err(|error| refuse_statement(error, Some(query.sql)))?;
        let mut result = CallToolResult::success(vec![ContentBlock::text(plan.clone())]);
        result.structured_content = Some(json!({"plan": plan}));
        Ok(result)
    }

    pub(super) async fn read(&self, uri: &str, cx: &Context) -> Result<ReadResourceResult, Refusal> {
        if let Some((index, arguments)) = self.declared_at(uri) {
            let offer = self.offer();
            return match offer.resource_standings.get(index) {
                Some(Standing::Ready { columns, .. }) => {
                    self.read_declared(&self.plan.resources[index], uri, &arguments, columns, cx).await
                }
                _ => Err(Refusal::not_found("resource", uri)),
            };
        }
        let not_found = || Refusal::not_found("resource", uri);
        let path = uri.strip_prefix("db://").and_then(|rest| rest.strip_prefix(&*self.plan.name));
        let path = path.and_then(|rest| rest.strip_prefix("/schema")).filter(|_| self.plan.schema);
        let text = match path.ok_or_else(not_found)? {
            "" => browse::whole(&*self.database, &self.plan.name, cx).await?,
            path => {
                let name = path
                    .strip_prefix('/')
                    .and_then(percent_decoded)
                    .filter(|name| !name.is_empty() && !name.contains('\0'));
                let name = name.ok_or_else(not_found)?;
                let found = browse::find(&*self.database, &name, None, cx).await?;
                let (table, _) = found.ok_or_else(not_found)?;
                json!(table).to_string()
            }
        };
        let contents = ResourceContents::text(text, uri).with_mime_type("application/json");
        Ok(ReadResourceResult::new(vec![contents]))
    }

    /// The declared resource that a URI names, and what the URI gives to its statement.
    fn declared_at(&self, uri: &str) -> Option<(usize, JsonObject)> {
        let resources = || self.plan.resources.iter().enumerate();
        if let Some((index, _)) = resources().find(|(_, it)| it.template.is_none() && it.uri == uri) {
            return Some((index, JsonObject::new()));
        }
        resources().find_map(|(index, resource)| {
            let arguments = resource.template.as_ref()?.arguments(uri, &resource.sql.params)?;
            Some((index, arguments))
        })
    }

    async fn read_declared(
        &self,
        resource: &DeclaredResource,
        uri: &str,
        arguments: &JsonObject,
        columns: &[OutputColumn],
        cx: &Context,
    ) -> Result<ReadResourceResult, Refusal> {
        let sql = &resource.sql;
        let rows = self.run_declared(sql, Access::ReadOnly, columns, arguments, cx).await?;
        let notice = notice(&rows, sql.bounds, Author::Configuration { arguments: false });
        let header = rows.columns.iter().map(|column| column.name.as_str());
        let written = match resource.mime_type {
            MimeType::Json => structured(&rows, notice.clone()).to_string(),
            MimeType::Csv => text::csv(header, &rows.rows),
            MimeType::Text => match &notice {
                Some(notice) => format!("{}\n\n{notice}", text::table(header, &rows.rows)),
                None => text::table(header, &rows.rows),
            },
        };
        let mut contents = ResourceContents::text(written, uri).with_mime_type(resource.mime_type.as_str());
        if let Some(notice) = notice {
            // CSV has no place for words.
            let meta = JsonObject::from_iter([("notice".to_owned(), Value::from(notice))]);
            contents = contents.with_meta(MetaObject(meta));
        }
        Ok(ReadResourceResult::new(vec![contents]))
    }
}

/// A statement that the caller wrote.
fn written(sql: &str, access: Access, bounds: Bounds) -> Query<'_> {
    // A trailing semicolon is a habit, not a second statement.
    let sql = sql.trim_end_matches(|c: char| c.is_whitespace() || c == ';');
    Query {
        sql,
        values: &[],
        access,
        declared: false,
        rows_max: bounds.rows_max,
        bytes_max: bounds.bytes_max,
        timeout: bounds.timeout,
    }
}

fn note(rows: &Rows, cx: &Context) {
    if rows.truncated.is_some() {
        cx.note(|trail| trail.truncated = true);
    }
}

/// The bounds with the time that the call has left.
fn within(bounds: Bounds, cx: &Context) -> Result<Bounds, Refusal> {
    if cx.cancel.is_cancelled() {
        return Err(Refusal::cancelled());
    }
    // Whole milliseconds, since it may be told.
    let left = cx.time_left().map(|left| Duration::from_millis(u64::try_from(left.as_millis()).unwrap_or(u64::MAX)));
    let timeout = left.map_or(bounds.timeout, |left| left.min(bounds.timeout));
    if timeout.is_zero() {
        return Err(Refusal::timed_out(format!(
            "the call's time was over before the statement began; a statement may take {}",
            HumanDuration(bounds.timeout)
        )));
    }
    Ok(Bounds { timeout, ..bounds })
}

/// The indexes that a plan is asked for with.
fn imagined(given: Option<&Value>, analyze: bool) -> Result<Vec<Imagined>, Refusal> {
    let Some(given) = given.filter(|given| !given.is_null()) else { return Ok(Vec::new()) };
    // Bound as JSON text, as all arrays are.
    let read = match given {
        Value::String(text) => serde_json::from_str::<Vec<Imagined>>(text),
        other => serde_json::from_value(other.clone()),
    };
    let imagined = read.map_err(|error| Refusal::invalid(format!("`hypothetical_indexes`: {error}")))?;
    if analyze && !imagined.is_empty() {
        let words = "with hypothetical_indexes the statement can't be run; leave analyze out";
        return Err(Refusal::invalid(words));
    }
    Ok(imagined)
}
