//! `portwright list`: what a server offers.

use std::fmt::Write as _;

use clap::Args;
use portwright_core::protocol::{Prompt, Resource, ResourceTemplate, Tool};
use serde::Serialize;
use serde_json::Value;

use super::error::CliError;
use super::exit::Exit;
use super::print::{self, FAINT, STRONG, safe, styled};
use super::target::{Client, TargetArgs};
use crate::program::Own;

#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  portwright list\n  portwright list --url http://127.0.0.1:8722\n  \
                        portwright list --stdio -- npx -y some-mcp-server")]
pub(crate) struct ListArgs {
    /// The lists as JSON, as the server sent them
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    target: TargetArgs,
}

/// Everything that a server offers.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Offer {
    pub(crate) server: Option<Value>,
    pub(crate) protocol: Option<String>,
    pub(crate) tools: Vec<Tool>,
    pub(crate) resources: Vec<Resource>,
    pub(crate) resource_templates: Vec<ResourceTemplate>,
    pub(crate) prompts: Vec<Prompt>,
}

pub(crate) async fn run(args: &ListArgs, own: &Own) -> Result<Exit, CliError> {
    let client = args.target.connect(own).await?;
    let offer = ask(&client).await;
    client.close().await;
    let offer = offer?;
    if args.json {
        print::json(&offer)?;
    } else {
        print::out(&text(&offer))?;
    }
    Ok(Exit::Ok)
}

/// Asks for all of it.
pub(crate) async fn ask(client: &Client) -> Result<Offer, CliError> {
    let peer = client.peer();
    let info = peer.peer_info();
    let can = info.as_ref().map(|info| info.capabilities.clone()).unwrap_or_default();
    let mut offer = Offer {
        server: info.as_ref().and_then(|info| serde_json::to_value(&info.server_info).ok()),
        protocol: info.as_ref().map(|info| info.protocol_version.to_string()),
        tools: Vec::new(),
        resources: Vec::new(),
        resource_templates: Vec::new(),
        prompts: Vec::new(),
    };
    if can.tools.is_some() {
        offer.tools = there(client.ask(peer.list_all_tools()).await)?;
    }
    if can.resources.is_some() {
        offer.resources = there(client.ask(peer.list_all_resources()).await)?;
        offer.resource_templates = there(client.ask(peer.list_all_resource_templates()).await)?;
    }
    if can.prompts.is_some() {
        offer.prompts = there(client.ask(peer.list_all_prompts()).await)?;
    }
    Ok(offer)
}

/// What a list holds; nothing where a server says that it has such a list and then knows nothing of it.
fn there<T>(listed: Result<Vec<T>, CliError>) -> Result<Vec<T>, CliError> {
    match listed {
        Err(CliError::Refused(words)) if words.to_lowercase().contains("method not found") => Ok(Vec::new()),
        listed => listed,
    }
}

fn text(offer: &Offer) -> String {
    let mut out = String::new();
    let named = |key: &str| offer.server.as_ref().and_then(|server| server[key].as_str()).map(safe).unwrap_or_default();
    let protocol = offer.protocol.as_deref().unwrap_or("?");
    let _ = writeln!(
        out,
        "{} {} {}",
        styled(STRONG, &named("name")),
        named("version"),
        styled(FAINT, &format!("(MCP {})", safe(protocol)))
    );
    let tools = offer.tools.iter().map(|tool| (signature(tool), tool.description.as_deref()));
    section(&mut out, "Tools", tools.collect());
    let resources = offer.resources.iter().map(|one| (one.uri.clone(), one.description.as_deref().or(Some(&one.name))));
    section(&mut out, "Resources", resources.collect());
    let templates = offer.resource_templates.iter();
    let templates = templates.map(|one| (one.uri_template.clone(), one.description.as_deref().or(Some(&one.name))));
    section(&mut out, "Resource templates", templates.collect());
    let prompts = offer.prompts.iter().map(|prompt| {
        let arguments = prompt.arguments.iter().flatten();
        let names: Vec<_> = arguments.map(|one| optional(&one.name, one.required == Some(true))).collect();
        (format!("{}({})", prompt.name, names.join(", ")), prompt.description.as_deref())
    });
    section(&mut out, "Prompts", prompts.collect());
    out
}

fn section(out: &mut String, title: &str, entries: Vec<(String, Option<&str>)>) {
    if entries.is_empty() {
        return;
    }
    let _ = writeln!(out, "\n{}", styled(STRONG, title));
    for (name, description) in entries {
        let _ = writeln!(out, "  {}", safe(&name));
        let first = description.unwrap_or_default().trim().lines().next().unwrap_or_default();
        if !first.is_empty() {
            let _ = writeln!(out, "      {}", styled(FAINT, &safe(&brief(first))));
        }
    }
}

fn brief(text: &str) -> String {
    const CHARS_MAX: usize = 110;
    text.char_indices().nth(CHARS_MAX).map_or_else(|| text.to_owned(), |(at, _)| format!("{}…", &text[..at]))
}

fn signature(tool: &Tool) -> String {
    let properties = tool.input_schema.get("properties").and_then(Value::as_object);
    let required: Vec<&str> = tool
        .input_schema
        .get("required")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .collect();
    let names: Vec<_> = properties
        .into_iter()
        .flatten()
        .map(|(name, property)| match property.get("default") {
            Some(default) => format!("{name}={default}"),
            None => optional(name, required.contains(&name.as_str())),
        })
        .collect();
    format!("{}({})", tool.name, names.join(", "))
}

fn optional(name: &str, required: bool) -> String {
    if required { name.to_owned() } else { format!("{name}?") }
}
