//! The command line: one file a command.

mod approvals;
pub(crate) mod arguments;
mod audit;
mod call;
mod carrier;
mod check;
mod completions;
pub(crate) mod content;
#[cfg(all(feature = "sqlite", feature = "files"))]
mod demo;
pub mod error;
pub mod exit;
mod explain;
mod health;
mod init;
mod inspect;
mod install;
mod keys;
mod lint;
pub(crate) mod list;
mod login;
mod logs;
mod man;
pub(crate) mod print;
mod prompt;
mod read;
mod reload;
mod schema;
pub(crate) mod serve;
pub(crate) mod table;
pub(crate) mod target;
mod variables;

use std::process::ExitCode;
use std::time::Duration;

use clap::{CommandFactory, FromArgMatches, Parser, Subcommand};

use error::CliError;
use exit::Exit;

use crate::program::{Own, Program};

/// Turn databases into production MCP servers, by configuration
#[derive(Debug, Parser)]
#[command(
    name = "portwright",
    version,
    about,
    max_term_width = 100,
    subcommand_required = true,
    arg_required_else_help = true
)]
pub(crate) struct Cli {
    #[command(subcommand)]
    command: Command,
    #[command(flatten)]
    logs: logs::LogArgs,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Make a shop on the spot, show a client's conversation with it, and serve it
    #[cfg(all(feature = "sqlite", feature = "files"))]
    Demo(demo::DemoArgs),
    /// Serve the configuration, over HTTP or on standard input and output
    Serve(serve::ServeArgs),
    /// Make a configuration from a database, a folder, or the servers that a client starts
    Init(init::InitArgs),
    /// Write into the file of an MCP client: Claude, VS Code, Cursor, Zed and others
    Install(install::InstallArgs),
    /// Check configuration, connections and privileges: everything wrong, at once
    Check(check::CheckArgs),
    /// Are the tools written for a model? Works on any MCP server
    Lint(lint::LintArgs),
    /// List what a server offers: tools, resources, prompts
    List(list::ListArgs),
    /// Call a tool of any MCP server
    Call(call::CallArgs),
    /// Read a resource of any MCP server
    Read(read::ReadArgs),
    /// Fill in a prompt of any MCP server
    Prompt(prompt::PromptArgs),
    /// Ask a running server how it is
    Health(health::HealthArgs),
    /// Look at any MCP server on a screen: what it offers, a form to try it, the messages
    Inspect(inspect::InspectArgs),
    /// Log in at a server that asks for OAuth, for the client commands
    Login(login::LoginArgs),
    /// Make, list and revoke API keys
    Keys(keys::KeysArgs),
    /// List, approve and deny calls that wait for a person
    Approvals(approvals::ApprovalsArgs),
    /// Tell which rule of the configuration allows or denies a call, and why
    Explain(explain::ExplainArgs),
    /// Verify and read the record of calls
    Audit(audit::AuditArgs),
    /// Print the JSON Schema of the configuration, for editors
    Schema,
    /// Print a completion script for a shell
    Completions(completions::CompletionsArgs),
    /// Print a manual page
    Man(man::ManArgs),
}

/// What the program does; the exit code is one of [`Exit`].
pub fn main() -> ExitCode {
    run(Program::new())
}

/// The same, with what the author of another program adds.
pub(crate) fn run(program: Program) -> ExitCode {
    let parsed = command().try_get_matches().and_then(|matches| Cli::from_arg_matches(&matches));
    let cli = match parsed {
        Ok(cli) => cli,
        Err(error) => {
            let help = !error.use_stderr();
            let _ = error.print();
            return if help { Exit::Ok } else { Exit::Usage }.into();
        }
    };
    // TLS of every client goes through one provider; a second call finds it installed already.
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let ended = program.own().map_err(CliError::start).and_then(|own| cli.run(&own));
    match ended {
        Ok(exit) => exit.into(),
        Err(error) => {
            error.report();
            error.exit().into()
        }
    }
}

impl Cli {
    fn run(&self, own: &Own) -> Result<Exit, CliError> {
        // The server's log is started when its configuration says where else it goes.
        if !matches!(self.command, Command::Serve(_)) {
            self.logs.start("error,portwright_sources=off,portwright_server=off,rmcp=off", None)?;
        }
        match &self.command {
            Command::Install(args) => install::run(args, own),
            Command::Keys(args) => keys::run(args),
            Command::Audit(args) => audit::run(args),
            Command::Schema => schema::run(own.kinds),
            Command::Completions(args) => completions::run(args),
            Command::Man(args) => man::run(args),
            #[cfg(all(feature = "sqlite", feature = "files"))]
            Command::Demo(args) => wait_for(demo::run(args)),
            Command::Serve(args) => wait_for(serve::run(args, own, &self.logs)),
            Command::Init(args) => wait_for(init::run(args, own)),
            Command::Check(args) => wait_for(check::run(args, own)),
            Command::Explain(args) => wait_for(explain::run(args, own)),
            Command::Health(args) => wait_for(health::run(args)),
            Command::Approvals(args) => wait_for(approvals::run(args)),
            Command::Lint(args) => wait_for(lint::run(args, own)),
            Command::List(args) => wait_for(list::run(args, own)),
            Command::Call(args) => wait_for(call::run(args, own)),
            Command::Inspect(args) => wait_for(inspect::run(args, own)),
            Command::Login(args) => wait_for(login::run(args)),
            Command::Read(args) => wait_for(read::run(args, own)),
            Command::Prompt(args) => wait_for(prompt::run(args, own)),
        }
    }
}

/// Runs a command that talks to somebody.
fn wait_for(work: impl Future<Output = Result<Exit, CliError>>) -> Result<Exit, CliError> {
    /// What is left by then (a read of standard input that never returns) is left behind.
    const LEFTOVERS: Duration = Duration::from_millis(200);
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    let runtime = runtime.map_err(CliError::start)?;
    let ended = runtime.block_on(work);
    runtime.shutdown_timeout(LEFTOVERS);
    ended
}

/// The parser, with the tables that its help is generated from.
pub(crate) fn command() -> clap::Command {
    let codes = Exit::MEANINGS.map(|(code, meaning)| format!("  {}  {meaning}", code as u8)).join("\n");
    let variables = variables::ALL.map(|(name, meaning)| format!("  {name:<21} {meaning}")).join("\n");
    Cli::command()
        .after_help("Start with:  portwright demo")
        .after_long_help(format!("Exit codes:\n{codes}\n\nEnvironment:\n{variables}"))
}
