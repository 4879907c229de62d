//! Zed: <https://zed.dev/docs/ai/mcp>

use std::path::PathBuf;

use serde_json::{Value, json};

use super::super::{Client, Format, Os, Places, Scope, Server};
use super::headers;

pub(in super::super) const CLIENT: Client = Client {
    id: "zed",
    name: "Zed",
    docs: "https://zed.dev/docs/ai/mcp",
    file,
    format: Format::Json,
    keys: &["context_servers"],
    entry,
    reference: None,
};

fn file(places: &Places, scope: Scope) -> Option<PathBuf> {
    match scope {
        Scope::User if places.os == Os::Windows => Some(places.programs().join("Zed/settings.json")),
        Scope::User => Some(places.config().join("zed/settings.json")),
        Scope::Project => Some(places.cwd.join(".zed/settings.json")),
    }
}

fn entry(server: &Server) -> Option<Value> {
    match server {
        Server::Command { command, args } => Some(json!({"command": command, "args": args})),
        Server::Remote { url, headers: given } => Some(headers(json!({"url": url}), "headers", given)),
    }
}
