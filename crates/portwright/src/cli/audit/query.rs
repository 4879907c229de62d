//! `portwright audit query`: the records that fit.

use std::collections::VecDeque;
use std::fs::File;
use std::io::{self, BufReader};
use std::path::{Path, PathBuf};

use clap::Args;

use portwright_server::guard::audit;

use super::records::{Wanted, WantedArgs, next_line, readable, record, row, unreadable};
use crate::cli::error::CliError;
use crate::cli::exit::Exit;
use crate::cli::{print, table};

#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  portwright audit query audit.jsonl --outcome refused --since 24h\n  \
                        portwright audit query audit*.jsonl --name 'query_*' --principal ada --json")]
pub(super) struct QueryArgs {
    /// The files of records; those that were rotated away from them are read too
    #[arg(required = true)]
    files: Vec<PathBuf>,
    #[command(flatten)]
    wanted: WantedArgs,
    /// Most records to show, the latest of those that fit
    #[arg(long, default_value_t = 100, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    limit: u32,
    /// The records as they were written, one JSON object a line
    #[arg(long)]
    json: bool,
}

pub(super) fn run(args: &QueryArgs) -> Result<Exit, CliError> {
    let wanted = args.wanted.wanted();
    let limit = usize::try_from(args.limit).unwrap_or(usize::MAX);
    let mut found = VecDeque::new();
    let mut older = 0;
    for file in &files_of(&args.files)? {
        let (latest, more) = latest(&wanted, file, limit).map_err(|error| unreadable(file, &error))?;
        // Several files are several chains: their records stand side by side in time.
        found.extend(latest);
        found.make_contiguous().sort_by(|one: &Found, other| one.at.cmp(&other.at));
        let over = found.len().saturating_sub(limit);
        found.drain(..over);
        older += more + over;
    }
    if args.json {
        for found in &found {
            print::out(&found.line)?;
        }
        return Ok(Exit::Ok);
    }
    let rows: Vec<_> = found.iter().filter_map(|found| record(found.line.as_bytes())).map(|it| row(&it)).collect();
    match table::of_rows(&rows) {
        Some(table) => print::out(&table)?,
        None => print::out("no record fits")?,
    }
    if older > 0 {
        print::note(&format!("{older} older records fit as well; see them with --limit, --since and --until"));
    }
    Ok(Exit::Ok)
}

/// The files with those that were rotated away from them, each once.
fn files_of(named: &[PathBuf]) -> Result<Vec<PathBuf>, CliError> {
    let mut files = Vec::new();
    for file in named {
        readable(file)?;
        for file in audit::files_of(file).map_err(|error| unreadable(file, &error))? {
            if !files.contains(&file) {
                files.push(file);
            }
        }
    }
    Ok(files)
}

/// A record that fits.
struct Found {
    at: String,
    line: String,
}

/// The last records of a file that fit, and how many came before them.
fn latest(wanted: &Wanted, file: &Path, limit: usize) -> io::Result<(VecDeque<Found>, usize)> {
    let mut lines = BufReader::new(File::open(file)?);
    let (mut found, mut older) = (VecDeque::new(), 0);
    let mut line = Vec::new();
    while let Some(line) = next_line(&mut lines, &mut line)? {
        let Some(record) = record(line).filter(|record| wanted.holds(record)) else { continue };
        let at = record.get("ts").and_then(serde_json::Value::as_str).unwrap_or_default().to_owned();
        found.push_back(Found { at, line: String::from_utf8_lossy(line).into_owned() });
        if found.len() > limit {
            found.pop_front();
            older += 1;
        }
    }
    Ok((found, older))
}
