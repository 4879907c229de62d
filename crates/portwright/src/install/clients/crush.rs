//! Crush: <https://github.com/charmbracelet/crush#mcps>

use std::path::PathBuf;

use serde_json::{Value, json};

use super::super::{Client, Format, Places, Scope, Server};
use super::headers;

pub(in super::super) const CLIENT: Client = Client {
    id: "crush",
    name: "Crush",
    docs: "https://github.com/charmbracelet/crush#mcps",
    file,
    format: Format::Json,
    keys: &["mcp"],
    entry,
    reference: Some(|before, name| Some(format!("{before}${{{name}}}"))),
};

fn file(places: &Places, scope: Scope) -> Option<PathBuf> {
    match scope {
        Scope::User => Some(places.config().join("crush/crush.json")),
        Scope::Project => Some(places.cwd.join(".crush.json")),
    }
}

fn entry(server: &Server) -> Option<Value> {
    match server {
        Server::Command { command, args } => Some(json!({"type": "stdio", "command": command, "args": args})),
        Server::Remote { url, headers: given } => Some(headers(json!({"type": "http", "url": url}), "headers", given)),
    }
}
