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
    reference: Some(|before, name| matches!(before, "" | BEARER).then(|| format!("{before}{MARK}{name}"))),
};

/// Codex names variables beside the headers: `env_http_headers`, and `bearer_token_env_var` for Authorization.
const MARK: &str = "env:";
const BEARER: &str = "Bearer ";

fn file(places: &Places, scope: Scope) -> Option<PathBuf> {
    match scope {
        Scope::User => Some(places.codex.clone().unwrap_or_else(|| places.home.join(".codex")).join("config.toml")),
        Scope::Project => Some(places.cwd.join(".codex/config.toml")),
    }
}

fn entry(server: &Server) -> Option<Value> {
    match server {
        Server::Command { command, args } => Some(json!({"command": command, "args": args})),
        Server::Remote { url, headers: given } => {
            let mut entry = json!({"url": url});
            let mut plain = Vec::new();
            for (name, value) in given {
                let token = value.strip_prefix(BEARER).and_then(|rest| rest.strip_prefix(MARK));
                match (token, value.strip_prefix(MARK)) {
                    (Some(variable), _) if name.eq_ignore_ascii_case("authorization") => {
                        entry["bearer_token_env_var"] = json!(variable);
                    }
                    (None, Some(variable)) => entry["env_http_headers"][name] = json!(variable),
                    // Only Authorization has a place for a token behind a word.
                    (Some(_), _) => return None,
                    (None, None) => plain.push((name.clone(), value.clone())),
                }
            }
            Some(headers(entry, "http_headers", &plain))
        }
    }
}
