//! Claude Desktop: <https://modelcontextprotocol.io/docs/develop/connect-local-servers>

use std::path::PathBuf;

use serde_json::{Value, json};

use super::super::{Client, Format, Places, Scope, Server};

pub(in super::super) const CLIENT: Client = Client {
    id: "claude-desktop",
    name: "Claude Desktop",
    docs: "https://modelcontextprotocol.io/docs/develop/connect-local-servers",
    file,
    format: Format::Json,
    keys: &["mcpServers"],
    entry,
    reference: None,
};

fn file(places: &Places, scope: Scope) -> Option<PathBuf> {
    match scope {
        Scope::User => Some(places.programs().join("Claude/claude_desktop_config.json")),
        Scope::Project => None,
    }
}

fn entry(server: &Server) -> Option<Value> {
    match server {
        Server::Command { command, args } => Some(json!({"command": command, "args": args})),
        Server::Remote { .. } => None,
    }
}
