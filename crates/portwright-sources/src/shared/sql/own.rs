//! The tools that every SQL source has of its own: their names, and what the model reads of them.
//!
//! It knows nothing of how they are run.

use std::sync::LazyLock;

use portwright_core::protocol::{JsonObject, Tool, ToolAnnotations};
use portwright_core::{ByteSize, HumanDuration, Pointer, limits};
use serde_json::{Value, json};

use super::config::SqlPlan;
use super::database::{Access, Dialect};
use super::params::Params;
use super::result::output_schema;

/// The argument that names indexes which are not there.
const IMAGINED: &str = "hypothetical_indexes";

/// A tool that every SQL source has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OwnTool {
    RunSqlQuery,
    ListSchemas,
    ListTables,
    DescribeTable,
    ExplainQuery,
}

impl OwnTool {
    /// In the order of the list.
    pub const ALL: [Self; 5] =
        [Self::RunSqlQuery, Self::ListSchemas, Self::ListTables, Self::DescribeTable, Self::ExplainQuery];

    pub fn name(self) -> &'static str {
        match self {
            Self::RunSqlQuery => "run_sql_query",
            Self::ListSchemas => "list_schemas",
            Self::ListTables => "list_tables",
            Self::DescribeTable => "describe_table",
            Self::ExplainQuery => "explain_query",
        }
    }

    /// Names under which other servers offer the same; they are understood, not listed.
    pub const ALIASES: [(&str, Self); 3] =
        [("query", Self::RunSqlQuery), ("execute_sql", Self::RunSqlQuery), ("get_query_plan", Self::ExplainQuery)];

    /// Other names of arguments that come with another name of the tool: the other, the tool's.
    pub fn renamed(alias: &str) -> &'static [(&'static str, &'static str)] {
        if alias == "get_query_plan" { &[("query", "sql")] } else { &[] }
    }

    pub fn by_alias(name: &str) -> Option<Self> {
        Self::ALIASES.into_iter().find(|(alias, _)| *alias == name).map(|(_, tool)| tool)
    }

    pub fn by_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|tool| tool.name() == name).or_else(|| Self::by_alias(name))
    }

    /// The parameters' names, in the order in which [`Params::bind`] is asked for them.
    pub fn arguments(self) -> &'static [&'static str] {
        match self {
            Self::RunSqlQuery => &["sql", "max_rows"],
            Self::ListSchemas => &[],
            Self::ListTables => &["schema"],
            Self::DescribeTable => &["table", "schema"],
            Self::ExplainQuery => &["sql", "analyze", "hypothetical_indexes"],
        }
    }

    /// The same, as far as this dialect has them.
    pub fn arguments_in(self, dialect: &Dialect) -> &'static [&'static str] {
        let all = self.arguments();
        if self == Self::ExplainQuery && !dialect.imagines { &all[..2] } else { all }
    }

    /// Its parameters on this source.
    pub fn params(self, plan: &SqlPlan, dialect: &Dialect) -> Params {
        let sql = |what: &str| json!({"type": "string", "min_length": 1, "max_length": limits::SQL_BYTES_MAX, "description": what});
        let table = match self {
            Self::RunSqlQuery => json!({
                "sql": sql("One SQL statement, without placeholders."),
                "max_rows": {
                    "type": "integer", "minimum": 1, "maximum": plan.bounds.rows_max, "default": plan.bounds.rows_max,
                    "description": "Most rows to return."
                },
            }),
            Self::ListSchemas => json!({}),
            Self::ListTables => json!({
                "schema": {"type": "string", "optional": true, "description": "Only tables of this schema."},
            }),
            Self::DescribeTable => json!({
                "table": {"type": "string", "min_length": 1, "description": "A table or view; `schema.table` works too."},
                "schema": {"type": "string", "optional": true, "description": "The schema, if the name alone is not clear."},
            }),
            Self::ExplainQuery => json!({
                "sql": sql("One SQL statement that reads."),
                "analyze": {
                    "type": "boolean", "default": false,
                    "description": "Also run it, and report real times and row counts where the database can."
                },
            }),
        };
        let Value::Object(mut table) = table else { return Params::default() };
        if self == Self::ExplainQuery && dialect.imagines {
            let imagined = json!({
                "type": "array", "optional": true, "max_items": limits::IMAGINED_MAX,
                "description": "Plan as if these indexes were there (needs the extension hypopg)."
            });
            table.insert(IMAGINED.to_owned(), imagined);
        }
        Params::decode(&table, &Pointer::root(), &mut Vec::new(), &mut Vec::new())
    }

    /// As listed.
    pub fn tool(self, plan: &SqlPlan, dialect: &Dialect) -> Tool {
        let writes = self == Self::RunSqlQuery && plan.access == Access::ReadWrite;
        let title = match self {
            Self::RunSqlQuery => "Run SQL",
            Self::ListSchemas => "List schemas",
            Self::ListTables => "List tables",
            Self::DescribeTable => "Describe a table",
            Self::ExplainQuery => "Explain a query",
        };
        let annotations = if writes {
            ToolAnnotations::new().read_only(false).destructive(true).idempotent(false).open_world(false)
        } else {
            ToolAnnotations::new().read_only(true).idempotent(true).open_world(false)
        };
        let output = match self {
            Self::RunSqlQuery => output_schema(None, plan.access),
            other => std::sync::Arc::new(other.output()),
        };
        let mut input = self.params(plan, dialect).input_schema();
        if let Some(imagined) = input.get_mut("properties").and_then(|all| all.get_mut(IMAGINED)) {
            imagined["items"] = json!({
                "type": "object", "additionalProperties": false, "required": ["table", "columns"],
                "properties": {
                    "table": {"type": "string"},
                    "columns": {"type": "array", "items": {"type": "string"}, "minItems": 1, "maxItems": limits::IMAGINED_COLUMNS_MAX},
                    "using": {"enum": ["btree", "hash", "brin"]},
                }
            });
        }
        Tool::new(self.name(), self.description(plan, dialect), std::sync::Arc::new(input))
            .with_title(title)
            .with_annotations(annotations)
            .with_raw_output_schema(output)
    }

    fn description(self, plan: &SqlPlan, dialect: &Dialect) -> String {
        let (source, name) = (&plan.name, dialect.name);
        let others = |tools: &[Self]| {
            let offered = tools.iter().filter(|tool| plan.own_tools.contains(tool));
            offered.map(|tool| tool.name()).collect::<Vec<_>>().join(" and ")
        };
        match self {
            Self::RunSqlQuery => {
                let what = match plan.access {
                    Access::ReadOnly => {
                        "Run one {name} statement that reads (SELECT, WITH, VALUES) on the database \
                                         `{source}`; anything that would change data is refused."
                    }
                    Access::ReadWrite => {
                        "Run one {name} statement, which may also write, on the database `{source}`; \
                                          it is one transaction."
                    }
                };
                let what = what.replace("{name}", name).replace("{source}", source);
                let first = match others(&[Self::ListTables, Self::DescribeTable]).as_str() {
                    "" => String::new(),
                    tools => format!(" Learn the names of tables and columns from {tools} first."),
                };
                format!(
                    "{what} Use it when no more specific tool answers the question.{first} Returns rows as objects; at most {} rows and {}, and a notice when \
                     there are more. Stops after {}. {}",
                    plan.bounds.rows_max,
                    ByteSize(plan.bounds.bytes_max as u64),
                    HumanDuration(plan.bounds.timeout),
                    dialect.notes,
                )
            }
            Self::ListSchemas => format!("List the schemas of the {name} database `{source}` that can be seen."),
            Self::ListTables => format!(
                "List the tables and views of the {name} database `{source}`, with their kind, estimated number of \
                 rows and comment. Use it first, to learn what there is."
            ),
            Self::DescribeTable => format!(
                "Describe one table or view of the {name} database `{source}`: columns with types, defaults and \
                 comments, primary key, foreign keys and indexes. Use it before writing a query on a table."
            ),
            Self::ExplainQuery => format!(
                "Show how the {name} database `{source}` would run a statement that reads: scans, joins, indexes. Use \
                 it when a query is slow or timed out."
            ),
        }
    }

    /// The schema of what it returns; empty for the one that has rows.
    fn output(self) -> JsonObject {
        static SCHEMAS: LazyLock<[Value; 4]> = LazyLock::new(|| {
            let text = json!({"type": "string"});
            let table = json!({
                "schema": text, "name": text, "comment": text,
                "kind": {"enum": ["table", "view", "materialized_view", "foreign_table", "virtual_table"]},
                "rows_estimate": {"type": "integer"},
            });
            let mut described = table.clone();
            for list in ["columns", "foreign_keys", "indexes"] {
                described[list] = json!({"type": "array", "items": {"type": "object"}});
            }
            described["primary_key"] = json!({"type": "array", "items": text});
            let object = |properties: Value, required: &[&str]| json!({"type": "object", "properties": properties, "required": required});
            let tables = json!({"type": "array", "items": object(table, &["schema", "name", "kind"])});
            let schema = object(json!({"name": text, "default": {"type": "boolean"}}), &["name", "default"]);
            [
                object(json!({"schemas": {"type": "array", "items": schema}}), &["schemas"]),
                object(
                    json!({"tables": tables, "truncated": {"type": "boolean"}, "notice": text}),
                    &["tables", "truncated"],
                ),
                object(described, &["schema", "name", "kind", "columns"]),
                object(json!({"plan": text}), &["plan"]),
            ]
        });
        let [schemas, tables, table, plan] = &*SCHEMAS;
        let schema = match self {
            Self::RunSqlQuery => return JsonObject::new(),
            Self::ListSchemas => schemas,
            Self::ListTables => tables,
            Self::DescribeTable => table,
            Self::ExplainQuery => plan,
        };
        schema.as_object().cloned().unwrap_or_default()
    }
}
