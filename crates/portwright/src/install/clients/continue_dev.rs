//! Continue: <https://docs.continue.dev/customize/deep-dives/mcp>

use std::path::PathBuf;

use serde_json::{Value, json};

use super::super::{Client, Format, Places, Scope, Server};
use super::headers;

pub(in super::super) const CLIENT: Client = Client {
    id: "continue",
    name: "Continue",
    docs: "https://docs.continue.dev/customize/deep-dives/mcp",
    file,
    format: Format::Json,
    keys: &["mcpServers"],
    entry,
    reference: None,
};

fn file(places: &Places, scope: Scope) -> Option<PathBuf> {
    match scope {
        Scope::User => Some(places.home.join(".continue/mcpServers/portwright.json")),
        Scope::Project => Some(places.cwd.join(".continue/mcpServers/portwright.json")),
    }
}

fn entry(server: &Server) -> Option<Value> {
    match server {
        Server::Command { command, args } => Some(json!({"command": command, "args": args})),
        Server::Remote { url, headers: given } => {
            Some(headers(json!({"type": "streamable-http", "url": url}), "headers", given))
        }
    }
}
