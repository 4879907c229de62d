//! Roo Code: <https://docs.roocode.com/features/mcp/using-mcp-in-roo>

use std::path::PathBuf;

use serde_json::{Value, json};

use super::super::{Client, Format, Places, Scope, Server};
use super::headers;

pub(in super::super) const CLIENT: Client = Client {
    id: "roo-code",
    name: "Roo Code",
    docs: "https://docs.roocode.com/features/mcp/using-mcp-in-roo",
    file,
    format: Format::Json,
    keys: &["mcpServers"],
    entry,
    reference: Some(|before, name| Some(format!("{before}${{env:{name}}}"))),
};

fn file(places: &Places, scope: Scope) -> Option<PathBuf> {
    match scope {
        Scope::User => Some(
            places.programs().join("Code/User/globalStorage/rooveterinaryinc.roo-cline/settings/mcp_settings.json"),
        ),
        Scope::Project => Some(places.cwd.join(".roo/mcp.json")),
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
