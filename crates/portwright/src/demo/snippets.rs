//! What to write where, so that a client finds the demo.

use std::fmt::Write;
use std::net::SocketAddr;

use serde_json::json;

use crate::cli::print::{FAINT, GOOD, STRONG, styled};

/// The name under which clients know it.
const NAME: &str = "shop";

/// A client, where its configuration is, and what goes there.
struct Snippet {
    client: &'static str,
    place: &'static str,
    text: String,
}

/// Everything that is said once the server waits.
pub(super) fn all(address: SocketAddr) -> String {
    let mut out = format!("\n{} http://{address}/mcp\n", styled(GOOD, "Serving"));
    for Snippet { client, place, text } in list(address, &program()) {
        let _ = write!(out, "\n{}  {}\n", styled(STRONG, client), styled(FAINT, place));
        for line in text.lines() {
            let _ = writeln!(out, "  {line}");
        }
    }
    let _ = write!(out, "\n{}", styled(FAINT, "Ctrl-C ends it and removes the shop."));
    out
}

fn list(address: SocketAddr, program: &str) -> [Snippet; 5] {
    let url = format!("http://{address}/mcp");
    [
        Snippet { client: "Claude Code", place: "", text: format!("claude mcp add --transport http {NAME} {url}") },
        Snippet {
            client: "VS Code",
            place: ".vscode/mcp.json",
            text: json!({"servers": {NAME: {"type": "http", "url": url}}}).to_string(),
        },
        Snippet {
            client: "Claude Desktop",
            place: "claude_desktop_config.json; it starts a demo of its own",
            text: json!({"mcpServers": {NAME: {"command": program, "args": ["demo", "--stdio"]}}}).to_string(),
        },
        Snippet { client: "A browser", place: "the dashboard", text: format!("http://{address}/") },
        Snippet {
            client: "This program",
            place: "in another terminal",
            text: format!("{program} call --url {url} query_customers search_term=andr"),
        },
    ]
}

/// How this program is started, as a client would have to.
fn program() -> String {
    let path = std::env::current_exe().ok().and_then(|path| path.into_os_string().into_string().ok());
    path.unwrap_or_else(|| "portwright".to_owned())
}
