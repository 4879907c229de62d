//! `portwright inspect`: any MCP server, on a screen.

use std::io::IsTerminal;

use clap::Args;

use super::error::CliError;
use super::exit::Exit;
use super::target::{Tap, TargetArgs};
use super::{list, print};
use crate::inspect;
use crate::program::Own;

#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  portwright inspect\n  portwright inspect --url https://mcp.example.com/mcp\n  \
                        portwright inspect --stdio -- npx -y some-mcp-server")]
pub(crate) struct InspectArgs {
    #[command(flatten)]
    target: TargetArgs,
}

pub(crate) async fn run(args: &InspectArgs, own: &Own) -> Result<Exit, CliError> {
    if !print::to_terminal() || !std::io::stdin().is_terminal() {
        return Err(CliError::Usage {
            message: "inspect needs a terminal".to_owned(),
            hint: Some("`portwright list`, `call`, `read` and `prompt` do the same for programs".to_owned()),
        });
    }
    let tap = Tap::listening();
    let client = args.target.connect_seen(own, tap.clone()).await?;
    let shown = match list::ask(&client).await {
        Ok(offer) => inspect::run(&client, offer, &tap).await,
        Err(error) => Err(error),
    };
    client.close().await;
    shown.map(|()| Exit::Ok)
}
