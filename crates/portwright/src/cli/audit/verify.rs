//! `portwright audit verify`: was the trail changed since it was written?

use std::path::{Path, PathBuf};

use clap::Args;
use portwright_server::guard::audit;
use serde_json::json;

use super::records::{readable, unreadable};
use crate::cli::error::CliError;
use crate::cli::exit::Exit;
use crate::cli::print::{self, BAD, GOOD, styled};

#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  portwright audit verify audit.jsonl\n  portwright audit verify /var/log/portwright"
)]
pub(super) struct VerifyArgs {
    /// The files of records, each with those that were rotated away from it; or folders of such
    #[arg(required = true)]
    files: Vec<PathBuf>,
    /// The result as JSON, one object a trail
    #[arg(long)]
    json: bool,
}

pub(super) fn run(VerifyArgs { files, json }: &VerifyArgs) -> Result<Exit, CliError> {
    let mut trails = Vec::new();
    for file in files {
        if file.is_dir() {
            trails.extend(trails_in(file)?);
        } else {
            readable(file)?;
            trails.push(file.clone());
        }
    }
    let mut exit = Exit::Ok;
    for file in trails {
        if !verified(&file, *json)? {
            exit = Exit::Findings;
        }
    }
    Ok(exit)
}

/// The files in a folder beside which a head file stands.
fn trails_in(folder: &Path) -> Result<Vec<PathBuf>, CliError> {
    let mut trails = Vec::new();
    for entry in folder.read_dir().map_err(|error| unreadable(folder, &error))? {
        let path = entry.map_err(|error| unreadable(folder, &error))?.path();
        if path.extension().is_some_and(|extension| extension == "head") {
            trails.push(path.with_extension(""));
        }
    }
    trails.sort();
    if trails.is_empty() {
        return Err(CliError::usage(format!("{} holds no audit file with its head file", folder.display())));
    }
    Ok(trails)
}

fn verified(file: &Path, json: bool) -> Result<bool, CliError> {
    let path = file.display();
    let verdict = audit::verify_trail(file);
    let ok = verdict.is_ok();
    match verdict {
        Ok(found) if json => print::json(&json!({ "file": path.to_string(), "ok": true, "found": found }))?,
        Err(broken) if json => print::json(&json!({ "file": path.to_string(), "ok": false, "broken": broken }))?,
        Ok(found) => print::out(&format!("{} {path}: {found}", styled(GOOD, "ok")))?,
        Err(broken) => print::out(&format!("{} {}: {broken}", styled(BAD, "broken"), broken.file.display()))?,
    }
    Ok(ok)
}
