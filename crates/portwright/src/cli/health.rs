//! `portwright health`: how a running server is. It is also what a container's health check asks.

use std::fmt::Write as _;
use std::time::Duration;

use clap::Args;
use portwright_core::limits;
use serde_json::Value;

use super::error::CliError;
use super::exit::Exit;
use super::print::{self, BAD, CAREFUL, FAINT, GOOD, STRONG, safe, styled};
use super::{target, variables};

#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  portwright health\n  portwright health --url https://mcp.example.com --json")]
pub(crate) struct HealthArgs {
    /// The server's address
    #[arg(long, value_name = "URL", default_value = "http://127.0.0.1:8722")]
    url: String,
    /// What the server says, as it says it
    #[arg(long)]
    json: bool,
}

/// Ends with 0 if the server serves, and with 4 if it does not.
pub(crate) async fn run(args: &HealthArgs) -> Result<Exit, CliError> {
    let mut url = target::url(&args.url)?;
    url.set_path("/health");
    let unreachable = |source: reqwest::Error| CliError::Unreachable {
        what: safe(url.as_str()),
        source: source.without_url().into(),
    };
    let mut request = target::plain_client(&url).map_err(CliError::start)?.get(url.clone());
    if let Ok(token) = std::env::var(variables::TOKEN) {
        request = request.bearer_auth(token);
    }
    let answer = request.timeout(limits::CLIENT_CONNECT_WAIT).send().await.map_err(unreachable)?;
    let serves = answer.status().is_success();
    let text = answer.text().await.map_err(unreachable)?;
    let Ok(health) = serde_json::from_str::<Value>(&text) else {
        return Err(CliError::Refused(format!(
            "{url} does not tell the health of a portwright: {}",
            safe(text.trim())
        )));
    };
    let told = if args.json { print::json(&health) } else { print::out(&words(&health)) };
    told?;
    Ok(if serves { Exit::Ok } else { Exit::Unreachable })
}

fn words(health: &Value) -> String {
    let text = |value: &Value| value.as_str().map(safe).unwrap_or_default();
    let coloured = |state: &str| match state {
        "ok" | "ready" => styled(GOOD, state),
        "degraded" | "draining" | "connecting" => styled(CAREFUL, state),
        other => styled(BAD, other),
    };
    let mut out = format!(
        "{}  {} {}",
        coloured(&text(&health["status"])),
        styled(STRONG, &text(&health["name"])),
        text(&health["version"])
    );
    if let Some(seconds) = health["uptime_seconds"].as_u64() {
        let _ = write!(out, "  {}", styled(FAINT, &format!("up {:?}", Duration::from_secs(seconds))));
    }
    if let Some(reason) = health["reason"].as_str() {
        let _ = write!(out, "\n  {}", safe(reason));
    }
    for source in health["sources"].as_array().into_iter().flatten() {
        let _ = write!(out, "\n  {}  {}", coloured(&text(&source["state"])), text(&source["name"]));
        if let Some(reason) = source["reason"].as_str() {
            let _ = write!(out, ": {}", safe(reason));
        }
    }
    let tools = health["tools"].as_array().map_or(0, Vec::len);
    let _ = write!(out, "\n  {tools} tools for you");
    out
}
