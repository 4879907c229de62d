//! `portwright approvals`: the calls that wait for a person, at a running server.

use std::collections::HashSet;
use std::fmt::Write as _;
use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Subcommand};
use portwright_core::{Secret, limits};
use portwright_server::guard::sanitize::characters::{Found, clean};
use reqwest::{Method, StatusCode, Url};
use serde_json::{Value, json};

use super::error::CliError;
use super::exit::Exit;
use super::print::{self, STRONG, safe, styled};
use super::{table, target, variables};
use crate::config::plan::LISTEN_DEFAULT;

#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  portwright approvals list --key-file ada.key\n  \
                        portwright approvals show 3f2a…\n  portwright approvals approve 3f2a…\n  \
                        portwright approvals deny 3f2a… --reason 'not on a Friday'\n\n\
                        The key is that of a principal with one of the roles in [approvals] approvers. It is read from\n\
                        --key-file or from PORTWRIGHT_TOKEN, since other users see what stands on a command line.")]
pub(crate) struct ApprovalsArgs {
    #[command(subcommand)]
    command: ApprovalsCommand,
    /// The running server (default: http://127.0.0.1:8722)
    #[arg(long, value_name = "URL", global = true)]
    url: Option<String>,
    /// A file that holds the approver's key or token (default: the variable PORTWRIGHT_TOKEN)
    #[arg(long, value_name = "FILE", global = true)]
    key_file: Option<PathBuf>,
    /// The result as JSON
    #[arg(long, global = true)]
    json: bool,
}

#[derive(Debug, Subcommand)]
enum ApprovalsCommand {
    /// List the calls that wait, the oldest first
    List,
    /// Show one call with its arguments
    Show { id: String },
    /// Have a call made
    Approve {
        id: String,
        /// Why, for the record of the call
        #[arg(long, value_name = "TEXT")]
        reason: Option<String>,
    },
    /// Have a call refused
    Deny {
        id: String,
        /// Why; whoever called is told
        #[arg(long, value_name = "TEXT")]
        reason: Option<String>,
    },
    /// Show each call as it comes to wait, until interrupted
    Watch,
}

pub(crate) async fn run(args: &ApprovalsArgs) -> Result<Exit, CliError> {
    let desk = Desk::of(args)?;
    match &args.command {
        ApprovalsCommand::List => {
            let list = desk.ask(Method::GET, None, None).await?;
            if args.json { print::json(&list)? } else { print::out(&rows(&list))? }
        }
        ApprovalsCommand::Show { id } => told(args, &desk.ask(Method::GET, Some(id), None).await?)?,
        ApprovalsCommand::Approve { id, reason } => decide(args, &desk, id, "approve", reason.as_deref()).await?,
        ApprovalsCommand::Deny { id, reason } => decide(args, &desk, id, "deny", reason.as_deref()).await?,
        ApprovalsCommand::Watch => watch(args, &desk).await?,
    }
    Ok(Exit::Ok)
}

async fn decide(
    args: &ApprovalsArgs,
    desk: &Desk,
    id: &str,
    decision: &str,
    reason: Option<&str>,
) -> Result<(), CliError> {
    let mut posted = json!({ "decision": decision });
    if let Some(reason) = reason {
        posted["reason"] = reason.into();
    }
    told(args, &desk.ask(Method::POST, Some(id), Some(&posted)).await?)
}

/// Looks again and again; what was shown once is not shown again while it waits.
async fn watch(args: &ApprovalsArgs, desk: &Desk) -> Result<(), CliError> {
    const PAUSE: Duration = Duration::from_secs(1);
    let mut known: HashSet<String> = HashSet::new();
    loop {
        let list = desk.ask(Method::GET, None, None).await?;
        let waiting: Vec<String> =
            calls(&list).iter().filter_map(|call| Some(call["id"].as_str()?.to_owned())).collect();
        for id in waiting.iter().filter(|id| !known.contains(*id)) {
            match desk.ask(Method::GET, Some(id), None).await {
                Ok(call) => told(args, &call)?,
                // It was decided in between.
                Err(CliError::Refused(_)) => {}
                Err(error) => return Err(error),
            }
        }
        known = waiting.into_iter().collect();
        tokio::time::sleep(PAUSE).await;
    }
}

fn calls(list: &Value) -> &[Value] {
    list["approvals"].as_array().map(Vec::as_slice).unwrap_or_default()
}

fn rows(list: &Value) -> String {
    let row = |call: &Value| {
        json!({
            "id": call["id"], "caller": call["principal"], "what": call["name"], "source": call["source"],
            "rule": call["rule"], "expires": call["expires"],
        })
    };
    let rows: Vec<Value> = calls(list).iter().map(row).collect();
    table::of_rows(&rows).unwrap_or_else(|| "no call waits for approval".to_owned())
}

fn told(args: &ApprovalsArgs, call: &Value) -> Result<(), CliError> {
    if args.json { print::json(call) } else { print::out(&text(call)) }
}

/// One call for people. Each value is JSON on one line, so that none can look like a line of ours.
fn text(call: &Value) -> String {
    let plain = |key: &str| safe(call[key].as_str().unwrap_or_default()).replace(['\n', '\t'], " ");
    let mut out = format!("{} {}: {}\n", styled(STRONG, &plain("id")), plain("state"), plain("name"));
    let effect = if call["read_only"] == true { "only reads" } else { "may change something" };
    let _ = writeln!(out, "  {} of the source `{}`, which {effect}", plain("operation"), plain("source"));
    let _ = writeln!(out, "  called by {} ({})", plain("principal"), plain("auth"));
    if call["client"].is_string() {
        let _ = writeln!(out, "  with a client that calls itself {}", plain("client"));
    }
    let _ = writeln!(out, "  asked for by {}; since {}, until {}", plain("rule"), plain("since"), plain("expires"));
    for (key, value) in call["arguments"].as_object().into_iter().flatten() {
        let _ = writeln!(out, "    {}: {}", visible(&Value::from(key.as_str())), visible(value));
    }
    if call["decided_by"].is_string() {
        let _ = writeln!(out, "  decided by {} at {} {}", plain("decided_by"), plain("decided_at"), plain("reason"));
    }
    out
}

/// JSON in which everything can be seen: where something hides, whatever is not ASCII is written with its number.
fn visible(value: &Value) -> String {
    let text = value.to_string();
    let hides = clean(&text, &mut Found::default()) != text;
    let escaped = |c: char| c.is_control() || !c.is_ascii() && (hides || c.is_whitespace());
    text.chars().map(|c| if escaped(c) { c.escape_unicode().to_string() } else { c.to_string() }).collect()
}

/// The server's queue.
struct Desk {
    client: reqwest::Client,
    base: Url,
    key: Secret,
}

impl Desk {
    fn of(args: &ApprovalsArgs) -> Result<Self, CliError> {
        let key = match &args.key_file {
            Some(file) => std::fs::read_to_string(file)
                .map_err(|error| CliError::usage(format!("{} can't be read: {error}", file.display())))?,
            None => std::env::var(variables::TOKEN).map_err(|_| CliError::Usage {
                message: "approvers must prove who they are, and there is no key".to_owned(),
                hint: Some(format!("give --key-file FILE, or set {}", variables::TOKEN)),
            })?,
        };
        let url = args.url.clone().unwrap_or_else(|| format!("http://{LISTEN_DEFAULT}"));
        let mut base = target::url(&url)?;
        // The address of the server is often given with the path of its protocol.
        let prefix = base.path().trim_end_matches('/').trim_end_matches("/mcp").to_owned();
        base.set_path(&format!("{prefix}/approvals"));
        Ok(Self { client: target::plain_client(&base).map_err(CliError::start)?, base, key: Secret::new(key.trim()) })
    }

    async fn ask(&self, method: Method, id: Option<&str>, body: Option<&Value>) -> Result<Value, CliError> {
        let mut url = self.base.clone();
        if let (Some(id), Ok(mut path)) = (id, url.path_segments_mut()) {
            path.push(id);
        }
        let lost = |error: reqwest::Error| CliError::Unreachable {
            what: self.base.origin().ascii_serialization(),
            source: error.without_url().into(),
        };
        let mut request = self.client.request(method, url).bearer_auth(self.key.expose());
        if let Some(body) = body {
            request = request.header("content-type", "application/json").body(body.to_string());
        }
        let answer = request.timeout(limits::CLIENT_CALL_WAIT).send().await.map_err(lost)?;
        let status = answer.status();
        let text = answer.text().await.map_err(lost)?;
        let told: Option<Value> = serde_json::from_str(&text).ok();
        match (status, told) {
            (status, Some(told)) if status.is_success() => Ok(told),
            (StatusCode::CONFLICT, Some(told)) => {
                let words = told["error"].as_str().unwrap_or("it is over already");
                Err(CliError::Refused(match told["approval"]["decided_by"].as_str() {
                    Some(by) => format!("{} (by {})", safe(words), safe(by)),
                    None => safe(words),
                }))
            }
            (StatusCode::NOT_FOUND, _) if text.contains("/mcp") => Err(CliError::Refused(
                "this server has no queue of approvals: [approvals] approvers is empty".to_owned(),
            )),
            (status, _) => Err(CliError::Refused(format!("{}: {}", status.as_u16(), safe(text.trim())))),
        }
    }
}
