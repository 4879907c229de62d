//! A command that speaks MCP on its standard input and output.

use rmcp::transport::TokioChildProcess;
use tokio::process::Command;

use super::{Client, Tap};
use crate::cli::error::CliError;

pub(super) async fn connect(program: &str, arguments: &[String], tap: Tap) -> Result<Client, CliError> {
    let mut command = Command::new(program);
    command.args(arguments);
    let child = TokioChildProcess::new(command);
    let child = child.map_err(|error| CliError::Unreachable { what: format!("`{program}`"), source: error.into() })?;
    Client::greet(child, format!("`{program}`"), None, tap).await
}
