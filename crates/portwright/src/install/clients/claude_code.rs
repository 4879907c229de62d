//! Claude Code: <https://code.claude.com/docs/en/mcp>

use std::path::PathBuf;

use serde_json::{Value, json};

use super::super::{Client, Format, Places, Scope, Server};
use super::headers;

pub(in super::super) const CLIENT: Client = Client {
    id: "claude-code",
    name: "Claude Code",
    docs: "https://code.claude.com/docs/en/mcp",
    file,
    format: Format::Json,
    keys: &["mcpServers"],
    entry,
    reference: Some(|before, name| Some(format!("{before}${{{name}}}"))),
};

fn file(places: &Places, scope: Scope) -> Option<PathBuf> {
    match scope {
        Scope::User => Some(places.home.join(".claude.json")),
        Scope::Project => Some(places.cwd.join(".mcp.json")),
    }
}

fn entry(server: &Server) -> Option<Value> {
    match server {
        Server::Command { command, args } => Some(json!({"type": "stdio", "command": command, "args": args})),
        Server::Remote { url, headers: given } => Some(headers(json!({"type": "http", "url": url}), "headers", given)),
    }
}
