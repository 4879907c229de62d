//! `portwright demo`: see it work before writing a line of configuration.

use std::net::SocketAddr;

use clap::Args;

use super::error::CliError;
use super::exit::Exit;
use crate::config::plan;
use crate::demo::{self, Options};

#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  portwright demo\n  portwright demo --once       for a first look\n  \
                        portwright demo --stdio      for a client that starts the server itself")]
pub(crate) struct DemoArgs {
    /// Serve one client on standard input and output instead of HTTP, without the conversation
    #[arg(long, conflicts_with_all = ["listen", "once"])]
    stdio: bool,
    /// Listen here (default: 127.0.0.1:8722)
    #[arg(long, value_name = "ADDR", value_parser = plan::address)]
    listen: Option<SocketAddr>,
    /// End after the conversation
    #[arg(long)]
    once: bool,
}

pub(crate) async fn run(args: &DemoArgs) -> Result<Exit, CliError> {
    demo::run(Options { stdio: args.stdio, listen: args.listen, once: args.once }).await
}
