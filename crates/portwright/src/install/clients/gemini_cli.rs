//! Gemini CLI: <https://google-gemini.github.io/gemini-cli/docs/tools/mcp-server.html>

use std::path::PathBuf;

use serde_json::{Value, json};

use super::super::{Client, Format, Places, Scope, Server};
use super::headers;

pub(in super::super) const CLIENT: Client = Client {
    id: "gemini-cli",
    name: "Gemini CLI",
    docs: "https://google-gemini.github.io/gemini-cli/docs/tools/mcp-server.html",
    file,
    format: Format::Json,
    keys: &["mcpServers"],
    entry,
    reference: Some(|before, name| Some(format!("{before}${{{name}}}"))),
};

fn file(places: &Places, scope: Scope) -> Option<PathBuf> {
    match scope {
        Scope::User => Some(places.home.join(".gemini/settings.json")),
        Scope::Project => Some(places.cwd.join(".gemini/settings.json")),
    }
}

fn entry(server: &Server) -> Option<Value> {
    match server {
        Server::Command { command, args } => Some(json!({"command": command, "args": args})),
        Server::Remote { url, headers: given } => Some(headers(json!({"httpUrl": url}), "headers", given)),
    }
}
