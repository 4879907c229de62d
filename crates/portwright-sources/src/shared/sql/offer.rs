//! [`Offer`]: what an SQL source offers now, as the database's descriptions of the declared statements allow.

use std::borrow::Cow;
use std::sync::Arc;

use portwright_core::protocol::{Resource, ResourceTemplate, Tool, ToolAnnotations};
use portwright_core::{Diagnostic, IconTable};

use super::config::SqlPlan;
use super::database::{Access, Database, Description, OutputColumn, SqlError};
use super::declared::{Completion, DeclaredResource, DeclaredSql, DeclaredTool};
use super::placeholders::line_and_column;
use super::result::output_schema;

/// What the database said about a declared statement.
#[derive(Debug, Clone, PartialEq)]
pub enum Standing {
    /// It can run, with this access and these columns.
    Ready { access: Access, columns: Vec<OutputColumn> },
    /// It can't run now; the words say why.
    LeftOut(String),
}

/// What is offered. Replaced whole when a description changes.
#[derive(Debug, Clone, Default)]
pub struct Offer {
    pub tools: Vec<Tool>,
    pub resources: Vec<Resource>,
    pub templates: Vec<ResourceTemplate>,
    /// For each declared tool of the plan, in its order.
    pub tool_standings: Vec<Standing>,
    /// For each declared resource of the plan, in its order.
    pub resource_standings: Vec<Standing>,
    /// For each [`completions`] of the plan, in its order.
    pub completion_standings: Vec<Standing>,
}

/// The statements that give values for a resource's variables.
pub fn completions(plan: &SqlPlan) -> impl Iterator<Item = (&DeclaredResource, &Completion)> {
    plan.resources.iter().flat_map(|resource| {
        let completions = resource.template.iter().flat_map(|template| &template.completions);
        completions.map(move |completion| (resource, completion))
    })
}

/// Asks the database about the declared statements. Those that `before` knows to be ready are asked again only if
/// `all` says so.
pub async fn ask<D: Database>(database: &D, plan: &SqlPlan, before: Option<&Offer>, all: bool) -> Offer {
    let mut offer = Offer::default();
    for (index, tool) in plan.tools.iter().enumerate() {
        let known = before.and_then(|before| before.tool_standings.get(index));
        offer.tool_standings.push(standing(database, &tool.sql, plan.access, known, all).await);
    }
    for (index, resource) in plan.resources.iter().enumerate() {
        let known = before.and_then(|before| before.resource_standings.get(index));
        // A resource is read, whatever the source may do.
        offer.resource_standings.push(standing(database, &resource.sql, Access::ReadOnly, known, all).await);
    }
    for (index, (_, completion)) in completions(plan).enumerate() {
        let known = before.and_then(|before| before.completion_standings.get(index));
        offer.completion_standings.push(standing(database, &completion.sql, Access::ReadOnly, known, all).await);
    }
    offer.list(database, plan);
    offer
}

async fn standing<D: Database>(
    database: &D,
    sql: &DeclaredSql,
    access: Access,
    known: Option<&Standing>,
    all: bool,
) -> Standing {
    if let Some(ready @ Standing::Ready { .. }) = known
        && !all
    {
        return ready.clone();
    }
    match database.describe(&sql.statement.sql, access).await {
        Ok(Description { columns, read_only, .. }) => {
            let access = if read_only { Access::ReadOnly } else { access };
            Standing::Ready { access, columns }
        }
        Err(error) => {
            // A database that is away for a moment says nothing against a statement that was sound.
            let away = matches!(error, SqlError::Unreachable(_) | SqlError::PoolBusy(_) | SqlError::TimedOut(_));
            match known {
                Some(ready @ Standing::Ready { .. }) if away => ready.clone(),
                _ => Standing::LeftOut(words(&error, sql)),
            }
        }
    }
}

fn words(error: &SqlError, sql: &DeclaredSql) -> String {
    match error {
        SqlError::Database { message, position: Some(position), .. } => {
            let position = sql.statement.original_position(*position);
            format!("{message} ({})", line_and_column(&sql.text, position))
        }
        other => other.to_string(),
    }
}

impl Offer {
    fn list<D: Database>(&mut self, database: &D, plan: &SqlPlan) {
        let dialect = database.dialect();
        let declared = plan.tools.iter().zip(&self.tool_standings);
        self.tools = declared.filter_map(|(tool, standing)| listed_tool(tool, standing)).collect();
        self.tools.extend(plan.own_tools.iter().map(|own| own.tool(plan, dialect)));
        let declared = plan.resources.iter().zip(&self.resource_standings);
        let ready = declared.filter(|(_, standing)| matches!(standing, Standing::Ready { .. }));
        for (resource, _) in ready {
            match &resource.template {
                Some(_) => self.templates.push(listed_template(resource)),
                None => self.resources.push(listed_resource(resource)),
            }
        }
        if plan.schema {
            let name = &plan.name;
            self.resources.push(
                Resource::new(format!("db://{name}/schema"), format!("{name} schema"))
                    .with_description(format!(
                        "Tables and views of the {} database `{name}` with columns, keys and indexes, as they are now.",
                        dialect.name
                    ))
                    .with_mime_type("application/json"),
            );
            self.templates.push(
                ResourceTemplate::new(table_template(plan), format!("{name} table"))
                    .with_description(format!(
                        "One table or view of the {} database `{name}`; `schema.table` works too.",
                        dialect.name
                    ))
                    .with_mime_type("application/json"),
            );
        }
    }

    /// Whether the lists of the two look the same to a client.
    pub fn lists_as(&self, other: &Self) -> bool {
        self.tools == other.tools && self.resources == other.resources && self.templates == other.templates
    }

    /// Names of the tools and resources that are left out.
    pub fn left_out<'a>(&'a self, plan: &'a SqlPlan) -> impl Iterator<Item = (&'a str, &'a DeclaredSql, &'a str)> {
        let tools = plan.tools.iter().map(|tool| (tool.name.as_str(), &tool.sql)).zip(&self.tool_standings);
        let resources = plan.resources.iter().map(|it| (it.uri.as_str(), &it.sql)).zip(&self.resource_standings);
        let named = completions(plan).map(|(it, completion)| (it.uri.as_str(), &completion.sql));
        tools.chain(resources).chain(named.zip(&self.completion_standings)).filter_map(|((name, sql), standing)| {
            match standing {
                Standing::LeftOut(words) => Some((name, sql, words.as_str())),
                Standing::Ready { .. } => None,
            }
        })
    }

    /// What is left out, at the place of its SQL.
    pub fn diagnostics(&self, plan: &SqlPlan) -> Vec<Diagnostic> {
        let told = |(name, sql, words): (&str, &DeclaredSql, &str)| {
            Diagnostic::error(sql.place.clone(), "refused-sql", format!("`{name}` is left out: {words}"))
                .hint("mend the statement, or the database; it is offered as soon as the database accepts it")
        };
        self.left_out(plan).map(told).collect()
    }
}

/// The template of the resource of one table.
pub fn table_template(plan: &SqlPlan) -> String {
    format!("db://{}/schema/{{table}}", plan.name)
}

fn listed_tool(declared: &DeclaredTool, standing: &Standing) -> Option<Tool> {
    let Standing::Ready { access, columns } = standing else { return None };
    let annotations = match access {
        Access::ReadOnly => ToolAnnotations::new().read_only(true).idempotent(true).open_world(false),
        Access::ReadWrite => ToolAnnotations::new()
            .read_only(false)
            .destructive(declared.destructive)
            .idempotent(declared.idempotent)
            .open_world(false),
    };
    let schema = Arc::new(declared.sql.params.input_schema());
    let description = declared.description.as_deref().map(|text| Cow::Owned(text.trim().to_owned()));
    let mut tool = Tool::new_with_raw(declared.name.clone(), description, schema)
        .with_annotations(annotations)
        .with_raw_output_schema(output_schema(Some(columns), *access));
    tool.title.clone_from(&declared.title);
    tool.icons = IconTable::to_icons(&declared.icons);
    Some(tool)
}

fn listed_resource(declared: &DeclaredResource) -> Resource {
    let mut resource =
        Resource::new(declared.uri.clone(), declared.name.clone()).with_mime_type(declared.mime_type.as_str());
    resource.title.clone_from(&declared.title);
    resource.icons = IconTable::to_icons(&declared.icons);
    resource.description.clone_from(&declared.description);
    resource
}

fn listed_template(declared: &DeclaredResource) -> ResourceTemplate {
    let mut template =
        ResourceTemplate::new(declared.uri.clone(), declared.name.clone()).with_mime_type(declared.mime_type.as_str());
    template.title.clone_from(&declared.title);
    template.icons = IconTable::to_icons(&declared.icons);
    template.description.clone_from(&declared.description);
    template
}
