//! JetBrains Junie: <https://www.jetbrains.com/help/junie/model-context-protocol-mcp.html>

use std::path::PathBuf;

use serde_json::{Value, json};

use super::super::{Client, Format, Places, Scope, Server};
use super::headers;

pub(in super::super) const CLIENT: Client = Client {
    id: "junie",
    name: "JetBrains Junie",
    docs: "https://www.jetbrains.com/help/junie/model-context-protocol-mcp.html",
    file,
    format: Format::Json,
    keys: &["mcpServers"],
    entry,
    reference: None,
};

fn file(places: &Places, scope: Scope) -> Option<PathBuf> {
    match scope {
        Scope::User => Some(places.home.join(".junie/mcp/mcp.json")),
        Scope::Project => Some(places.cwd.join(".junie/mcp/mcp.json")),
    }
}

fn entry(server: &Server) -> Option<Value> {
    match server {
        Server::Command { command, args } => Some(json!({"command": command, "args": args})),
        Server::Remote { url, headers: given } => Some(headers(json!({"url": url}), "headers", given)),
    }
}
