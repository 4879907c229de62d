//! `portwright call`: one call of a tool.

use clap::Args;
use portwright_core::protocol::{CallToolRequestParams, CallToolResult, JsonObject, Tool};
use serde_json::Value;

use super::error::CliError;
use super::exit::Exit;
use super::target::{Client, TargetArgs};
use super::{arguments, content, print, table};
use crate::config::nearest::{listed, nearest};
use crate::program::Own;

#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  portwright call query_customers search_term=ada limit=5\n  \
                        portwright call --url http://127.0.0.1:8722 list_tables --json\n  \
                        portwright call --stdio search query=mcp -- npx -y some-mcp-server\n\n\
                        Values get the type that the tool's input schema says; a list is a key given more than once, or JSON.")]
pub(crate) struct CallArgs {
    /// The tool
    tool: String,
    /// Its arguments
    #[arg(value_name = "KEY=VALUE")]
    pairs: Vec<String>,
    /// Its arguments as a JSON object
    #[arg(long, value_name = "JSON")]
    args: Option<String>,
    /// The result as JSON, as the server sent it
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    target: TargetArgs,
}

pub(crate) async fn run(args: &CallArgs, own: &Own) -> Result<Exit, CliError> {
    let client = args.target.connect(own).await?;
    let result = call(&client, args).await;
    client.close().await;
    let result = result?;
    let failed = result.is_error == Some(true);
    if args.json {
        print::json(&result)?;
    } else if failed {
        print::note(&content::blocks(&result.content));
    } else {
        print::out(&text(&result))?;
    }
    Ok(if failed { Exit::Refused } else { Exit::Ok })
}

async fn call(client: &Client, args: &CallArgs) -> Result<CallToolResult, CliError> {
    let tools = client.ask(client.peer().list_all_tools()).await?;
    let listed = tools.iter().find(|tool| tool.name == args.tool);
    if listed.is_none() && nearest(&args.tool, tools.iter().map(|tool| tool.name.as_ref())).is_some() {
        return Err(unknown(&args.tool, &tools));
    }
    let anything = JsonObject::new();
    let schema = listed.map_or(&anything, |tool| &*tool.input_schema);
    let arguments = arguments::read(args.args.as_deref(), &args.pairs, schema)?;
    let params = CallToolRequestParams::new(args.tool.clone()).with_arguments(arguments);
    match client.ask(client.peer().call_tool(params)).await {
        // A server may know names that it does not list.
        Err(CliError::Refused(_)) if listed.is_none() => Err(unknown(&args.tool, &tools)),
        answered => answered,
    }
}

fn unknown(name: &str, tools: &[Tool]) -> CliError {
    let names = || tools.iter().map(|tool| tool.name.as_ref());
    let hint = match nearest(name, names()) {
        Some(meant) => format!("did you mean `{meant}`?"),
        None if tools.is_empty() => "it offers no tools at all".into(),
        None => format!("it offers {}", listed(names())),
    };
    CliError::Usage { message: format!("the server offers no tool `{name}`"), hint: Some(hint) }
}

/// A person at a terminal gets rows as a table; programs get the text that a model would.
fn text(result: &CallToolResult) -> String {
    let rows = result.structured_content.as_ref().and_then(|value| value.get("rows")).and_then(Value::as_array);
    let drawn = rows.filter(|_| print::to_terminal()).and_then(|rows| table::of_rows(rows));
    match drawn {
        Some(drawn) => {
            let notice =
                result.structured_content.as_ref().and_then(|value| value.get("notice")).and_then(Value::as_str);
            format!("{drawn}{}", notice.map(|notice| format!("\n{}", print::safe(notice))).unwrap_or_default())
        }
        None => content::blocks(&result.content),
    }
}
