//! `portwright init`: a configuration from what is there.

use std::path::PathBuf;

use clap::Args;

use super::error::CliError;
use super::exit::Exit;
use super::print::{self, FAINT, GOOD, STRONG, styled};
use crate::config::locate::FILE_NAME;
use crate::init::{self, Made, Options};
use crate::program::Own;

#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  portwright init --from '${env:DATABASE_URL}'     the password stays out of file and history\n  \
                        portwright init --from shop.db --tables customers,orders\n  portwright init --from ~/documents\n  \
                        portwright init --from claude_desktop_config.json   the servers that you run already"
)]
pub(crate) struct InitArgs {
    /// A database URL, a SQLite file, a folder, or the configuration of an MCP client (default: asks)
    #[arg(long, value_name = "SOURCE")]
    from: Option<String>,
    /// Where to write it
    #[arg(short, long, value_name = "FILE", default_value = FILE_NAME)]
    output: PathBuf,
    /// Make tools for these tables (default: those that seem to matter most)
    #[arg(long, value_name = "TABLES", value_delimiter = ',')]
    tables: Vec<String>,
    /// Replace a file that is there; it is kept under another name
    #[arg(long)]
    force: bool,
    /// Show the configuration and write nothing
    #[arg(long)]
    print: bool,
    /// What was made as JSON
    #[arg(long, conflicts_with = "print")]
    json: bool,
}

pub(crate) async fn run(args: &InitArgs, own: &Own) -> Result<Exit, CliError> {
    let InitArgs { from, output, tables, force, print, json } = args;
    let made =
        init::run(&Options { from: from.as_deref(), file: output, tables, force: *force, print: *print }, own).await?;
    if *json {
        print::json(&made)?;
    } else if *print {
        print::out(&made.text)?;
    }
    if !*json {
        tell(&made);
    }
    Ok(Exit::Ok)
}

/// Says what was made, and what to do next.
fn tell(made: &Made) {
    for note in &made.notes {
        print::note(&format!("{} {}", styled(FAINT, "note"), print::safe(note)));
    }
    let Some(file) = &made.file else { return };
    if let Some(kept) = &made.kept {
        print::note(&format!("{} the earlier file is {}", styled(FAINT, "note"), kept.display()));
    }
    let sources: Vec<_> = made.sources.iter().map(|source| format!("{} ({})", source.name, source.kind)).collect();
    print::note(&format!(
        "{} {}: {}",
        styled(GOOD, "wrote"),
        styled(STRONG, &file.display().to_string()),
        sources.join(", ")
    ));
    if !made.tools.is_empty() {
        print::note(&format!("      tools: {}", made.tools.join(", ")));
    }
    for secret in &made.secrets {
        print::note(&format!("      {} holds a secret, for you alone to read", secret.display()));
    }
    let with = if file.as_os_str() == FILE_NAME { String::new() } else { format!(" -c {}", file.display()) };
    print::note(&format!("next: portwright check{with}, then portwright serve{with}"));
}
