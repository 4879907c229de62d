//! `portwright audit`: is the record of calls whole?

use std::path::PathBuf;

use clap::{Args, Subcommand};
use portwright_server::guard::audit;
use serde_json::json;

use super::error::CliError;
use super::exit::Exit;
use super::print::{self, BAD, GOOD, styled};

#[derive(Debug, Args)]
pub(crate) struct AuditArgs {
    #[command(subcommand)]
    command: AuditCommand,
}

#[derive(Debug, Subcommand)]
enum AuditCommand {
    /// Check that no record was changed, dropped, inserted or swapped
    #[command(after_help = "Example:\n  portwright audit verify audit.jsonl")]
    Verify {
        /// The file of records
        file: PathBuf,
        /// The result as JSON
        #[arg(long)]
        json: bool,
    },
}

pub(crate) fn run(args: &AuditArgs) -> Result<Exit, CliError> {
    let AuditCommand::Verify { file, json } = &args.command;
    if let Err(error) = std::fs::metadata(file) {
        return Err(CliError::usage(format!("{} can't be read: {error}", file.display())));
    }
    let verdict = audit::verify(file);
    let exit = if verdict.is_ok() { Exit::Ok } else { Exit::Findings };
    let path = file.display();
    match verdict {
        Ok(found) if *json => print::json(&json!({ "file": path.to_string(), "ok": true, "found": found }))?,
        Err(broken) if *json => print::json(&json!({ "file": path.to_string(), "ok": false, "broken": broken }))?,
        Ok(found) => print::out(&format!("{} {path}: {} records, unbroken", styled(GOOD, "ok"), found.records))?,
        Err(broken) => print::out(&format!("{} {path}: {broken}", styled(BAD, "broken")))?,
    }
    Ok(exit)
}
