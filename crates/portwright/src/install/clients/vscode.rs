//! VS Code: <https://code.visualstudio.com/docs/copilot/reference/mcp-configuration>

use std::path::PathBuf;

use serde_json::{Value, json};

use super::super::{Client, Format, Places, Scope, Server};
use super::headers;

pub(in super::super) const CLIENT: Client = Client {
    id: "vscode",
    name: "VS Code",
    docs: "https://code.visualstudio.com/docs/copilot/reference/mcp-configuration",
    file,
    format: Format::Json,
    keys: &["servers"],
    entry,
    reference: Some(|before, name| Some(format!("{before}${{env:{name}}}"))),
};

fn file(places: &Places, scope: Scope) -> Option<PathBuf> {
    match scope {
        Scope::User => Some(places.programs().join("Code/User/mcp.json")),
        Scope::Project => Some(places.cwd.join(".vscode/mcp.json")),
    }
}

fn entry(server: &Server) -> Option<Value> {
    match server {
        Server::Command { command, args } => Some(json!({"type": "stdio", "command": command, "args": args})),
        Server::Remote { url, headers: given } => Some(headers(json!({"type": "http", "url": url}), "headers", given)),
    }
}
