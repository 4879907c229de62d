//! Cline: <https://docs.cline.bot/mcp/configuring-mcp-servers>

use std::path::PathBuf;

use serde_json::{Value, json};

use super::super::{Client, Format, Places, Scope, Server};
use super::headers;

pub(in super::super) const CLIENT: Client = Client {
    id: "cline",
    name: "Cline",
    docs: "https://docs.cline.bot/mcp/configuring-mcp-servers",
    file,
    format: Format::Json,
    keys: &["mcpServers"],
    entry,
    reference: None,
};

fn file(places: &Places, scope: Scope) -> Option<PathBuf> {
    match scope {
        Scope::User => Some(
            places.programs().join("Code/User/globalStorage/saoudrizwan.claude-dev/settings/cline_mcp_settings.json"),
        ),
        Scope::Project => None,
    }
}

fn entry(server: &Server) -> Option<Value> {
    match server {
        Server::Command { command, args } => Some(json!({"command": command, "args": args})),
        Server::Remote { url, headers: given } => {
            Some(headers(json!({"type": "streamableHttp", "url": url}), "headers", given))
        }
    }
}
