//! `portwright prompt`: one prompt, filled in.

use clap::Args;
use portwright_core::protocol::GetPromptRequestParams;

use super::error::CliError;
use super::exit::Exit;
use super::print::{self, STRONG, styled};
use super::target::TargetArgs;
use super::{arguments, content};
use crate::program::Own;

#[derive(Debug, Args)]
#[command(after_help = "Example:\n  portwright prompt summarize_customer customer=ada")]
pub(crate) struct PromptArgs {
    /// The prompt
    name: String,
    /// Its arguments
    #[arg(value_name = "KEY=VALUE")]
    pairs: Vec<String>,
    /// The result as JSON, as the server sent it
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    target: TargetArgs,
}

pub(crate) async fn run(args: &PromptArgs, own: &Own) -> Result<Exit, CliError> {
    let arguments = arguments::texts(&args.pairs)?;
    let client = args.target.connect(own).await?;
    let params = GetPromptRequestParams::new(args.name.clone()).with_arguments(arguments);
    let result = client.ask(client.peer().get_prompt(params)).await;
    client.close().await;
    let result = result?;
    if args.json {
        print::json(&result)?;
        return Ok(Exit::Ok);
    }
    let spoken = result.messages.iter().map(|message| {
        let role = serde_json::to_value(&message.role).ok().and_then(|role| role.as_str().map(str::to_owned));
        format!(
            "{}\n{}\n",
            styled(STRONG, &format!("[{}]", role.unwrap_or_default())),
            content::block(&message.content)
        )
    });
    print::out(&spoken.collect::<Vec<_>>().join("\n"))?;
    Ok(Exit::Ok)
}
