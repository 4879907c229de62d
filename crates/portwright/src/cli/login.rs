//! `portwright login`: the client commands as a person, at a server that asks for OAuth.

use std::io::IsTerminal;

use clap::Args;

use super::error::CliError;
use super::exit::Exit;
use super::{print, target};
use crate::login::{self, Options, Store};

#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  portwright login --url https://mcp.example.com/mcp\n  \
                        portwright login --url https://mcp.example.com/mcp --forget")]
pub(crate) struct LoginArgs {
    /// The server's address, as the other commands take it
    #[arg(long, value_name = "URL")]
    url: String,
    /// A client that is registered at the authorization server (default: register one)
    #[arg(long, value_name = "ID")]
    client_id: Option<String>,
    /// What to ask for; may be given several times (default: what the server says that it needs)
    #[arg(long = "scope", value_name = "SCOPE")]
    scopes: Vec<String>,
    /// Show the login page's address and start no browser
    #[arg(long)]
    no_browser: bool,
    /// Forget the tokens of an earlier login
    #[arg(long, conflicts_with_all = ["client_id", "scopes", "no_browser"])]
    forget: bool,
}

pub(crate) async fn run(args: &LoginArgs) -> Result<Exit, CliError> {
    let url = target::login_address(&args.url)?;
    if args.forget {
        let there = Store::of(&url).and_then(|store| store.forget()).map_err(CliError::start)?;
        print::note(if there { "the tokens are forgotten" } else { "there was no login" });
        return Ok(Exit::Ok);
    }
    let quiet = args.no_browser || !std::io::stderr().is_terminal();
    let options = Options { client_id: args.client_id.as_deref(), scopes: &args.scopes, quiet };
    let tell = |page: &reqwest::Url| print::note(&format!("Open this page and agree:\n{}", print::safe(page.as_str())));
    login::run(&url, &options, tell).await?;
    print::note("logged in; list, call, read, prompt, inspect and lint use it for this address");
    Ok(Exit::Ok)
}
