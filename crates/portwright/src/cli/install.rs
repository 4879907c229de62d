//! `portwright install`: into the file of an MCP client, or out of it.

use std::path::{Path, PathBuf};

use clap::Args;
use serde_json::json;

use super::error::CliError;
use super::exit::Exit;
use super::print::{self, FAINT, GOOD, STRONG, safe, styled};
use super::{table, target};
use crate::config::nearest::nearest;
use crate::config::{self, locate};
use crate::install::{CLIENTS, Client, Done, Places, Scope, Server};
use crate::program::Own;

#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  portwright install list\n  portwright install claude-desktop\n  \
                        portwright install vscode --scope project -c portwright.toml\n  \
                        portwright install cursor --url https://mcp.example.com/mcp --header 'Authorization=Bearer env:MCP_KEY'\n  \
                        portwright install zed --print")]
#[expect(clippy::struct_excessive_bools, reason = "each is a word of the command line")]
pub(crate) struct InstallArgs {
    /// The client; `list` tells all of them, and which are here
    #[arg(value_name = "CLIENT", value_parser = client_id)]
    client: String,
    /// The configuration that the client shall have served (default: as `serve` finds it)
    #[arg(short, long, value_name = "FILE", conflicts_with = "url")]
    config: Option<PathBuf>,
    /// A server that is running, instead of one that the client starts
    #[arg(long, value_name = "URL")]
    url: Option<String>,
    /// A header for it; `env:NAME` refers to a variable, where the client can
    #[arg(long = "header", value_name = "NAME=VALUE", requires = "url", value_parser = header)]
    headers: Vec<(String, String)>,
    /// What the entry is called (default: the server's own name)
    #[arg(long, value_name = "NAME")]
    name: Option<String>,
    /// For you everywhere, or for the folder at hand
    #[arg(long, value_enum, default_value_t)]
    scope: Scope,
    /// Show what to write, and write nothing
    #[arg(long, conflicts_with = "uninstall")]
    print: bool,
    /// Take the entry out again
    #[arg(long)]
    uninstall: bool,
    /// Replace or take out an entry of that name that is not ours
    #[arg(long)]
    force: bool,
    /// What was done as JSON
    #[arg(long)]
    json: bool,
}

fn client_id(text: &str) -> Result<String, String> {
    if text == "list" || CLIENTS.iter().any(|client| client.id == text) {
        return Ok(text.to_owned());
    }
    let near = nearest(text, CLIENTS.iter().map(|client| client.id));
    Err(near.map_or_else(
        || "`portwright install list` tells those that there are".to_owned(),
        |near| format!("did you mean `{near}`?"),
    ))
}

fn header(text: &str) -> Result<(String, String), String> {
    let pair = text.split_once('=').filter(|(name, _)| !name.is_empty());
    pair.map(|(name, value)| (name.to_owned(), value.to_owned()))
        .ok_or_else(|| "a header is written NAME=VALUE".to_owned())
}

pub(crate) fn run(args: &InstallArgs, own: &Own) -> Result<Exit, CliError> {
    let places = Places::here().ok_or_else(|| CliError::usage("there is no home folder to look for clients in"))?;
    if args.client == "list" {
        list(&places, args)?;
        return Ok(Exit::Ok);
    }
    let Some(client) = CLIENTS.iter().find(|client| client.id == args.client) else {
        return Err(CliError::Bug("a client that is not listed".to_owned()));
    };
    let (name, server) = server(args, client, own)?;
    if args.print {
        let snippet = client.snippet(&name, &server).map_err(CliError::from)?;
        print::out(&snippet)?;
        return Ok(Exit::Ok);
    }
    let done = if args.uninstall {
        client.uninstall(&places, args.scope, &name, &server, args.force)
    } else {
        client.install(&places, args.scope, &name, &server, args.force)
    };
    let done = done.map_err(CliError::from)?;
    let literal = !args.uninstall && args.headers.iter().any(|(_, value)| !value.contains("env:"));
    let told = if args.json { print::json(&done) } else { tell(client, &name, (args.uninstall, literal), &done) };
    told.map(|()| Exit::Ok)
}

/// What the entry is called, and what it starts or reaches.
fn server(args: &InstallArgs, client: &Client, own: &Own) -> Result<(String, Server), CliError> {
    if let Some(url) = &args.url {
        let parsed = target::login_address(url)?;
        let name = args.name.clone().unwrap_or_else(|| name_of(parsed.domain()));
        let given = args.headers.iter().map(|(name, value)| Ok((name.clone(), client.header(value)?)));
        let headers = given.collect::<Result<Vec<_>, crate::install::InstallError>>().map_err(CliError::from)?;
        return Ok((name, Server::Remote { url: parsed.to_string(), headers }));
    }
    let command = std::env::current_exe().map_err(CliError::start)?.display().to_string();
    if let (true, Some(name)) = (args.uninstall, &args.name) {
        // What is taken out needs no configuration any more.
        return Ok((name.clone(), Server::Command { command, args: Vec::new() }));
    }
    let environment = own.environment();
    let file = locate::locate(args.config.as_deref(), &environment.variable).map_err(config::ConfigError::from)?;
    let file = std::path::absolute(&file).map_err(CliError::start)?;
    let name = match (&args.name, config::load(Some(&file), environment)) {
        (Some(name), _) => name.clone(),
        (None, Ok(loaded)) => loaded.plan.server.name.clone(),
        (None, Err(_)) if args.uninstall => "portwright".to_owned(),
        // A variable that only the server has is no reason to refuse; a file that is not there is.
        (None, Err(error @ config::ConfigError::Locate(_))) => return Err(error.into()),
        (None, Err(_)) => {
            print::note("note: the configuration has problems as it is here; `portwright check` tells them");
            "portwright".to_owned()
        }
    };
    let args = ["serve", "--stdio", "-c"].map(str::to_owned).into_iter().chain([written(&file)]).collect();
    Ok((name, Server::Command { command, args }))
}

/// `acme` of `mcp.acme.example`; an address has no name.
fn name_of(domain: Option<&str>) -> String {
    let domain = domain.filter(|domain| *domain != "localhost").unwrap_or("portwright");
    domain.trim_start_matches("mcp.").split('.').next().unwrap_or(domain).to_owned()
}

fn written(path: &Path) -> String {
    path.display().to_string()
}

fn tell(client: &Client, name: &str, (out_of, literal): (bool, bool), done: &Done) -> Result<(), CliError> {
    let file = done.file.as_ref().map(|file| file.display().to_string()).unwrap_or_default();
    if let Some(snippet) = &done.snippet {
        let what = if out_of { "take this out of it" } else { "add this to it" };
        print::note(&format!("{} keeps its servers in {file}; {what}:", client.name));
        return print::out(snippet);
    }
    let what = match (done.changed, out_of) {
        (true, false) => format!("{} {} to {file}", styled(GOOD, "added"), styled(STRONG, &safe(name))),
        (true, true) => format!("{} {} from {file}", styled(GOOD, "removed"), styled(STRONG, &safe(name))),
        (false, false) => format!("{} is in {file} already", safe(name)),
        (false, true) => format!("{} is not in {file}", safe(name)),
    };
    print::note(&what);
    if let Some(backup) = &done.backup {
        print::note(&format!("{} the file as it was: {}", styled(FAINT, "note"), backup.display()));
    }
    if done.changed && literal {
        let words = "the file holds the header's value; `env:NAME` refers to a variable, where the client can";
        print::note(&format!("{} {words}", styled(FAINT, "note")));
    }
    if done.changed {
        print::note(&format!("{} {} reads it when it starts anew", styled(FAINT, "note"), client.name));
    }
    Ok(())
}

fn list(places: &Places, args: &InstallArgs) -> Result<(), CliError> {
    let looked: Vec<_> = CLIENTS.iter().map(|client| (client, client.look(places, args.scope))).collect();
    if args.json {
        let told = looked.iter().map(|(client, listed)| {
            json!({"client": client.id, "name": client.name, "docs": client.docs, "file": listed.file, "found": listed.found, "entries": listed.entries})
        });
        return print::json(&told.collect::<Vec<_>>());
    }
    let rows: Vec<_> = looked
        .iter()
        .map(|(client, listed)| {
            json!({
                "client": client.id,
                "name": client.name,
                "here": if listed.found { "yes" } else { "" },
                "entries": listed.entries.join(" "),
                "file": listed.file.as_ref().map(|file| file.display().to_string()).unwrap_or_default(),
            })
        })
        .collect();
    print::out(&table::of_rows(&rows).unwrap_or_default())
}
