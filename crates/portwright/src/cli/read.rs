//! `portwright read`: one resource.

use clap::Args;
use portwright_core::protocol::ReadResourceRequestParams;

use super::error::CliError;
use super::exit::Exit;
use super::target::TargetArgs;
use super::{content, print};
use crate::program::Own;

#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  portwright read db://shop/schema\n  \
                        portwright read --url http://127.0.0.1:8722 db://shop/schema/customers")]
pub(crate) struct ReadArgs {
    /// The resource
    uri: String,
    /// The result as JSON, as the server sent it
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    target: TargetArgs,
}

pub(crate) async fn run(args: &ReadArgs, own: &Own) -> Result<Exit, CliError> {
    let client = args.target.connect(own).await?;
    let question = client.peer().read_resource(ReadResourceRequestParams::new(args.uri.clone()));
    let result = client.ask(question).await;
    client.close().await;
    let result = result?;
    if args.json {
        print::json(&result)?;
    } else {
        let text: Vec<_> = result.contents.iter().map(content::resource).collect();
        print::out(&text.join("\n"))?;
    }
    Ok(Exit::Ok)
}
