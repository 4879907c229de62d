//! Goose: <https://block.github.io/goose/docs/guides/config-files>

use std::path::PathBuf;

use serde_json::{Value, json};

use super::super::{Client, Format, Places, Scope, Server};
use super::headers;

pub(in super::super) const CLIENT: Client = Client {
    id: "goose",
    name: "Goose",
    docs: "https://block.github.io/goose/docs/guides/config-files",
    file,
    format: Format::Shown,
    keys: &["extensions"],
    entry,
    reference: None,
};

fn file(places: &Places, scope: Scope) -> Option<PathBuf> {
    match scope {
        Scope::User => Some(places.config().join("goose/config.yaml")),
        Scope::Project => None,
    }
}

fn entry(server: &Server) -> Option<Value> {
    match server {
        Server::Command { command, args } => {
            Some(json!({"type": "stdio", "enabled": true, "cmd": command, "args": args, "timeout": 300}))
        }
        Server::Remote { url, headers: given } => Some(headers(
            json!({"type": "streamable_http", "enabled": true, "uri": url, "timeout": 300}),
            "headers",
            given,
        )),
    }
}
