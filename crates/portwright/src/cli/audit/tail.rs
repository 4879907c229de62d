//! `portwright audit tail`: the last records, and those that come.

use std::fs::File;
use std::io::{self, BufReader, Read, Seek, SeekFrom};
use std::path::PathBuf;
use std::time::Duration;

use clap::Args;

use super::records::{WantedArgs, next_line, readable, record, told, unreadable};
use crate::cli::error::CliError;
use crate::cli::exit::Exit;
use crate::cli::print;

/// How often the file is looked at for more.
const LOOK_EVERY: Duration = Duration::from_millis(200);

#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  portwright audit tail audit.jsonl\n  \
                        portwright audit tail audit.jsonl --follow --outcome refused")]
pub(super) struct TailArgs {
    /// The file of records
    file: PathBuf,
    /// How many of the last records to begin with
    #[arg(short = 'n', long = "lines", default_value_t = 20, value_name = "N", value_parser = clap::value_parser!(u32).range(0..=100_000))]
    lines: u32,
    /// Go on with the records that come
    #[arg(short, long)]
    follow: bool,
    #[command(flatten)]
    wanted: WantedArgs,
    /// The records as they were written, one JSON object a line
    #[arg(long)]
    json: bool,
}

pub(super) fn run(args: &TailArgs) -> Result<Exit, CliError> {
    readable(&args.file)?;
    let broken = |error: io::Error| unreadable(&args.file, &error);
    let mut file = File::open(&args.file).map_err(broken)?;
    let mut at = start(&mut file, u64::from(args.lines)).map_err(broken)?;
    loop {
        at = show(args, &mut file, at)?;
        if !args.follow {
            return Ok(Exit::Ok);
        }
        std::thread::sleep(LOOK_EVERY);
        match File::open(&args.file) {
            Ok(now) if !is_same(&file, &now).map_err(broken)? => {
                // The old one was moved away. What came to it since belongs before what stands in the new one.
                show(args, &mut file, at)?;
                (file, at) = (now, 0);
            }
            // Cut, and begun anew.
            Ok(now) if now.metadata().map_err(broken)?.len() < at => at = 0,
            Ok(_) => {}
            // Between two files.
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(broken(error)),
        }
    }
}

#[cfg(unix)]
fn is_same(one: &File, other: &File) -> io::Result<bool> {
    use std::os::unix::fs::MetadataExt;
    let (one, other) = (one.metadata()?, other.metadata()?);
    Ok((one.dev(), one.ino()) == (other.dev(), other.ino()))
}

/// Without names for files, a shorter one is another one.
#[cfg(not(unix))]
fn is_same(one: &File, other: &File) -> io::Result<bool> {
    Ok(other.metadata()?.len() >= one.metadata()?.len())
}

/// Shows the whole records from here on; tells where it ended.
fn show(args: &TailArgs, file: &mut File, mut at: u64) -> Result<u64, CliError> {
    let broken = |error: io::Error| unreadable(&args.file, &error);
    file.seek(SeekFrom::Start(at)).map_err(broken)?;
    let (wanted, mut lines) = (args.wanted.wanted(), BufReader::new(file));
    let mut line = Vec::new();
    while let Some(line) = next_line(&mut lines, &mut line).map_err(broken)? {
        at += line.len() as u64 + 1;
        let Some(record) = record(line).filter(|record| wanted.holds(record)) else { continue };
        if args.json {
            print::out(&String::from_utf8_lossy(line))?;
        } else {
            print::out(&told(&record))?;
        }
    }
    Ok(at)
}

/// Where the last lines begin, found from the end.
fn start(file: &mut File, lines: u64) -> io::Result<u64> {
    const BLOCK_BYTES: u64 = 64 * 1024;
    let mut end = file.metadata()?.len();
    let mut ends_seen = 0;
    let mut block = Vec::new();
    while end > 0 {
        let from = end.saturating_sub(BLOCK_BYTES);
        file.seek(SeekFrom::Start(from))?;
        block.clear();
        Read::by_ref(file).take(end - from).read_to_end(&mut block)?;
        for (index, _) in block.iter().enumerate().rev().filter(|(_, byte)| **byte == b'\n') {
            if ends_seen == lines {
                return Ok(from + index as u64 + 1);
            }
            ends_seen += 1;
        }
        end = from;
    }
    Ok(0)
}
