//! Amazon Q Developer: <https://docs.aws.amazon.com/amazonq/latest/qdeveloper-ug/mcp-ide.html>

use std::path::PathBuf;

use serde_json::{Value, json};

use super::super::{Client, Format, Places, Scope, Server};

pub(in super::super) const CLIENT: Client = Client {
    id: "amazon-q",
    name: "Amazon Q Developer",
    docs: "https://docs.aws.amazon.com/amazonq/latest/qdeveloper-ug/mcp-ide.html",
    file,
    format: Format::Json,
    keys: &["mcpServers"],
    entry,
    reference: None,
};

fn file(places: &Places, scope: Scope) -> Option<PathBuf> {
    match scope {
        Scope::User => Some(places.home.join(".aws/amazonq/mcp.json")),
        Scope::Project => Some(places.cwd.join(".amazonq/mcp.json")),
    }
}

fn entry(server: &Server) -> Option<Value> {
    match server {
        Server::Command { command, args } => Some(json!({"command": command, "args": args})),
        Server::Remote { .. } => None,
    }
}
