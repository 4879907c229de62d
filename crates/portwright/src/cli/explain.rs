//! `portwright explain`: which rule decides, and why.

use std::fmt::Write as _;
use std::path::PathBuf;

use clap::{Args, ValueEnum};
use portwright_core::protocol::JsonObject;
use portwright_core::{Auth, Diagnostic, Operation, Pointer, Principal, limits};
use portwright_server::guard::policy::Decision;
use serde_json::{Value, json};

use super::error::CliError;
use super::exit::Exit;
use super::print;
use crate::App;
use crate::config::{self, Loaded, Problems};
use crate::program::Own;

#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  portwright explain --principal ci --role analyst tool query_customers\n  \
                        portwright explain --principal ci --role analyst tool query_customers --args '{\"limit\": 500}'\n  \
                        portwright explain --auth anonymous resource db://shop/schema\n\n\
                        Ends with 0 if it is allowed and with 7 if it is not.")]
pub(crate) struct ExplainArgs {
    /// What is called
    operation: Kind,
    /// The tool's or prompt's name, or the resource's URI
    name: String,
    /// Who calls
    #[arg(long, value_name = "NAME", default_value = "somebody")]
    principal: String,
    /// A role of theirs; give it once for each
    #[arg(long = "role", value_name = "ROLE")]
    roles: Vec<String>,
    /// How they proved who they are
    #[arg(long, value_enum, default_value = "key")]
    auth: Proof,
    /// What their credential says of them, as a JSON object
    #[arg(long, value_name = "JSON")]
    claims: Option<String>,
    /// The arguments of the call, as a JSON object
    #[arg(long, value_name = "JSON")]
    args: Option<String>,
    /// The configuration (default: ./portwright.toml)
    #[arg(short, long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// The answer as JSON
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Kind {
    #[value(alias = "tools/call")]
    Tool,
    #[value(alias = "resources/read")]
    Resource,
    #[value(alias = "prompts/get")]
    Prompt,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Proof {
    Key,
    Token,
    Certificate,
    Anonymous,
    Local,
}

pub(crate) async fn run(args: &ExplainArgs, own: &Own) -> Result<Exit, CliError> {
    let (principal, operation) = (principal(args)?, operation(args)?);
    let Loaded { mut plan, origin } = config::load(args.config.as_deref(), own.environment())?;
    // Nothing is called, so nothing is recorded, and a server that runs keeps its file.
    plan.server.audit = None;
    let rules = plan.server.clone();
    let server = App::from_plan(plan).start().map_err(CliError::start)?;
    server.settled(limits::CONNECT_WAIT).await;
    let closed: Vec<_> = server.health().await.sources.into_iter().filter_map(|source| source.reason).collect();
    let asked = server.explain_approval(&rules, &principal, operation.clone()).map_err(CliError::start);
    let decision = server.explain(&rules, &principal, operation).map_err(CliError::start);
    server.stop().await;
    let decision = decision?;
    let asked = asked?.filter(|_| decision.allowed);
    let at = |rule: &str| {
        let told = Diagnostic::error(place_of(rule)?, "rule", "");
        Some(Problems::new(origin.clone(), vec![told]).to_json()[0].take())
    };
    let place = decision.rule.as_deref().and_then(at);
    let asks = asked.as_deref().map(|rule| (rule, at(rule)));
    for reason in closed {
        print::note(&format!("{} {reason}", print::styled(print::CAREFUL, "a source is not open:")));
    }
    if args.json {
        print::json(&as_json(&decision, place.as_ref(), asks.as_ref()))?;
    } else {
        print::out(&text(&decision, place.as_ref(), asks.as_ref()))?;
    }
    Ok(if decision.allowed { Exit::Ok } else { Exit::Refused })
}

fn principal(args: &ExplainArgs) -> Result<Principal, CliError> {
    let auth = match args.auth {
        Proof::Key => Auth::Key,
        Proof::Token => Auth::Token,
        Proof::Certificate => Auth::Certificate,
        Proof::Anonymous => Auth::Anonymous,
        Proof::Local => Auth::Local,
    };
    let mut principal = Principal::new(args.principal.as_str(), auth);
    principal.roles = args.roles.iter().map(|role| role.as_str().into()).collect();
    principal.claims = object("--claims", args.claims.as_deref())?;
    Ok(principal)
}

fn operation(args: &ExplainArgs) -> Result<Operation, CliError> {
    let (name, arguments) = (args.name.clone(), object("--args", args.args.as_deref())?);
    Ok(match args.operation {
        Kind::Tool => Operation::CallTool { name, arguments },
        Kind::Resource => Operation::ReadResource { uri: name },
        Kind::Prompt => Operation::GetPrompt { name, arguments },
    })
}

fn object(option: &str, text: Option<&str>) -> Result<JsonObject, CliError> {
    let Some(text) = text else { return Ok(JsonObject::new()) };
    serde_json::from_str(text).map_err(|error| CliError::usage(format!("{option} is no JSON object: {error}")))
}

/// `roles.analyst.deny[0]` → the place of that rule in the file.
fn place_of(rule: &str) -> Option<Pointer> {
    let (section, key) = rule.rsplit_once('.')?;
    let place = match section.strip_prefix("roles.") {
        Some(role) => Pointer::root().join("roles").join(role),
        None => Pointer::root().join(section),
    };
    Some(match key.strip_suffix(']').and_then(|key| key.split_once('[')) {
        Some((key, index)) => place.join(key).join(index.parse::<usize>().ok()?),
        None => place.join(key),
    })
}

/// The rule that has a person approve the call, and its place.
type Asks<'a> = (&'a str, Option<Value>);

fn as_json(decision: &Decision, place: Option<&Value>, asks: Option<&Asks<'_>>) -> Value {
    let mut told = json!({"allowed": decision.allowed, "rule": decision.rule, "why": decision.why.to_string()});
    if let Some(place) = place {
        told["file"] = place["file"].clone();
        told["line"] = place["line"].clone();
    }
    if let Some((rule, place)) = asks {
        let line = place.as_ref().map(|place| &place["line"]);
        told["approval"] = json!({"rule": rule, "line": line});
    }
    told
}

fn text(decision: &Decision, place: Option<&Value>, asks: Option<&Asks<'_>>) -> String {
    let (style, word) = if decision.allowed { (print::STRONG, "allowed") } else { (print::CAREFUL, "not allowed") };
    let mut out = format!("{}: {}\n", print::styled(style, word), print::safe(&decision.why.to_string()));
    let mut rule = |rule: &str, place: Option<&Value>| {
        let at = place.map(|place| format!(", {}:{}", place["file"].as_str().unwrap_or_default(), place["line"]));
        let _ = writeln!(out, "  {}{}", print::safe(rule), at.unwrap_or_default());
    };
    if let Some(written) = &decision.rule {
        rule(written, place);
    }
    if let Some((written, place)) = asks {
        rule(&format!("it waits until a person approves it: {written}"), place.as_ref());
    }
    out
}
