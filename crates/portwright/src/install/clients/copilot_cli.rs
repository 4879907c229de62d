//! Copilot CLI: <https://docs.github.com/en/copilot/how-tos/copilot-cli/customize-copilot/add-mcp-servers>

use std::path::PathBuf;

use serde_json::{Value, json};

use super::super::{Client, Format, Places, Scope, Server};
use super::headers;

pub(in super::super) const CLIENT: Client = Client {
    id: "copilot-cli",
    name: "Copilot CLI",
    docs: "https://docs.github.com/en/copilot/how-tos/copilot-cli/customize-copilot/add-mcp-servers",
    file,
    format: Format::Json,
    keys: &["mcpServers"],
    entry,
    reference: None,
};

fn file(places: &Places, scope: Scope) -> Option<PathBuf> {
    match scope {
        Scope::User => Some(places.home.join(".copilot/mcp-config.json")),
        Scope::Project => None,
    }
}

fn entry(server: &Server) -> Option<Value> {
    match server {
        Server::Command { command, args } => {
            Some(json!({"type": "local", "command": command, "args": args, "tools": ["*"]}))
        }
        Server::Remote { url, headers: given } => {
            Some(headers(json!({"type": "http", "url": url, "tools": ["*"]}), "headers", given))
        }
    }
}
