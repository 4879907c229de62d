//! opencode: <https://opencode.ai/docs/mcp-servers>

use std::path::PathBuf;

use serde_json::{Value, json};

use super::super::{Client, Format, Places, Scope, Server};
use super::headers;

pub(in super::super) const CLIENT: Client = Client {
    id: "opencode",
    name: "opencode",
    docs: "https://opencode.ai/docs/mcp-servers",
    file,
    format: Format::Json,
    keys: &["mcp"],
    entry,
    reference: Some(|before, name| Some(format!("{before}{{env:{name}}}"))),
};

fn file(places: &Places, scope: Scope) -> Option<PathBuf> {
    match scope {
        Scope::User => Some(places.config().join("opencode/opencode.json")),
        Scope::Project => Some(places.cwd.join("opencode.json")),
    }
}

fn entry(server: &Server) -> Option<Value> {
    match server {
        Server::Command { command, args } => {
            let words: Vec<&String> = std::iter::once(command).chain(args).collect();
            Some(json!({"type": "local", "command": words, "enabled": true}))
        }
        Server::Remote { url, headers: given } => {
            Some(headers(json!({"type": "remote", "url": url, "enabled": true}), "headers", given))
        }
    }
}
