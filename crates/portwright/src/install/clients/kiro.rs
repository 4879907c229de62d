//! Kiro: <https://kiro.dev/docs/mcp/configuration>

use std::path::PathBuf;

use serde_json::{Value, json};

use super::super::{Client, Format, Places, Scope, Server};
use super::headers;

pub(in super::super) const CLIENT: Client = Client {
    id: "kiro",
    name: "Kiro",
    docs: "https://kiro.dev/docs/mcp/configuration",
    file,
    format: Format::Json,
    keys: &["mcpServers"],
    entry,
    reference: Some(|before, name| Some(format!("{before}${{{name}}}"))),
};

fn file(places: &Places, scope: Scope) -> Option<PathBuf> {
    match scope {
        Scope::User => Some(places.home.join(".kiro/settings/mcp.json")),
        Scope::Project => Some(places.cwd.join(".kiro/settings/mcp.json")),
    }
}

fn entry(server: &Server) -> Option<Value> {
    match server {
        Server::Command { command, args } => Some(json!({"command": command, "args": args})),
        Server::Remote { url, headers: given } => Some(headers(json!({"url": url}), "headers", given)),
    }
}
