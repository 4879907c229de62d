//! Cursor: <https://cursor.com/docs/context/mcp>

use std::path::PathBuf;

use serde_json::{Value, json};

use super::super::{Client, Format, Places, Scope, Server};
use super::headers;

pub(in super::super) const CLIENT: Client = Client {
    id: "cursor",
    name: "Cursor",
    docs: "https://cursor.com/docs/context/mcp",
    file,
    format: Format::Json,
    keys: &["mcpServers"],
    entry,
    reference: Some(|before, name| Some(format!("{before}${{env:{name}}}"))),
};

fn file(places: &Places, scope: Scope) -> Option<PathBuf> {
    match scope {
        Scope::User => Some(places.home.join(".cursor/mcp.json")),
        Scope::Project => Some(places.cwd.join(".cursor/mcp.json")),
    }
}

fn entry(server: &Server) -> Option<Value> {
    match server {
        Server::Command { command, args } => Some(json!({"command": command, "args": args})),
        Server::Remote { url, headers: given } => Some(headers(json!({"url": url}), "headers", given)),
    }
}
