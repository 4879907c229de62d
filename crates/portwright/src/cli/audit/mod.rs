//! `portwright audit`: is the record of calls whole, and what does it say?

mod query;
mod records;
mod tail;
mod verify;

use clap::{Args, Subcommand};

use super::error::CliError;
use super::exit::Exit;

#[derive(Debug, Args)]
pub(crate) struct AuditArgs {
    #[command(subcommand)]
    command: AuditCommand,
}

#[derive(Debug, Subcommand)]
enum AuditCommand {
    /// Check that no record was changed, dropped, inserted or swapped
    Verify(verify::VerifyArgs),
    /// Show the last records, and those that come
    Tail(tail::TailArgs),
    /// Find records by principal, tool, time, outcome
    Query(query::QueryArgs),
}

pub(crate) fn run(args: &AuditArgs) -> Result<Exit, CliError> {
    match &args.command {
        AuditCommand::Verify(args) => verify::run(args),
        AuditCommand::Tail(args) => tail::run(args),
        AuditCommand::Query(args) => query::run(args),
    }
}
