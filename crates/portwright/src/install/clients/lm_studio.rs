//! LM Studio: <https://lmstudio.ai/docs/app/mcp>

use std::path::PathBuf;

use serde_json::{Value, json};

use super::super::{Client, Format, Places, Scope, Server};
use super::headers;

pub(in super::super) const CLIENT: Client = Client {
    id: "lm-studio",
    name: "LM Studio",
    docs: "https://lmstudio.ai/docs/app/mcp",
    file,
    format: Format::Json,
    keys: &["mcpServers"],
    entry,
    reference: None,
};

fn file(places: &Places, scope: Scope) -> Option<PathBuf> {
    match scope {
        Scope::User => Some(places.home.join(".lmstudio/mcp.json")),
        Scope::Project => None,
    }
}

fn entry(server: &Server) -> Option<Value> {
    match server {
        Server::Command { command, args } => Some(json!({"command": command, "args": args})),
        Server::Remote { url, headers: given } => Some(headers(json!({"url": url}), "headers", given)),
    }
}
