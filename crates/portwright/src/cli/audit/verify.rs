//! `portwright audit verify`: was the file changed since it was written?

use std::path::PathBuf;

use clap::Args;
use portwright_server::guard::audit;
use serde_json::json;

use super::records::readable;
use crate::cli::error::CliError;
use crate::cli::exit::Exit;
use crate::cli::print::{self, BAD, GOOD, styled};

#[derive(Debug, Args)]
#[command(after_help = "Example:\n  portwright audit verify audit.jsonl")]
pub(super) struct VerifyArgs {
    /// The file of records
    file: PathBuf,
    /// The result as JSON
    #[arg(long)]
    json: bool,
}

pub(super) fn run(VerifyArgs { file, json }: &VerifyArgs) -> Result<Exit, CliError> {
    readable(file)?;
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
