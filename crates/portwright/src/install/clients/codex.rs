//! Codex CLI: <https://developers.openai.com/codex/mcp>

use std::path::PathBuf;

use serde_json::{Value, json};

use super::super::{Client, Format, Places, Scope, Server};
use super::headers;

pub(in super::super) const CLIENT: Client = Client {
    id: "codex",
    name: "Codex CLI",
    docs: "https://developers.openai.com/codex/mcp",
    file,
    format: Format::Toml,
    keys: &["mcp_servers"],
    entry,
    reference: None,
};

fn file(places: &Places, scope: Scope) -> Option<PathBuf> {
    match scope {
        Scope::User => Some(places.home.join(".codex/config.toml")),
        Scope::Project => Some(places.cwd.join(".codex/config.toml")),
    }
}

fn entry(server: &Server) -> Option<Value> {
    match server {
        Server::Command { command, args } => Some(json!({"command": command, "args": args})),
        Server::Remote { url, headers: given } => Some(headers(json!({"url": url}), "http_headers", given)),
    }
}
