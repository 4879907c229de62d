//! `portwright man`: the manual pages.

use clap::Args;

use super::error::CliError;
use super::exit::Exit;
use super::print;

#[derive(Debug, Args)]
pub(crate) struct ManArgs {
    /// The page of this command; without, the page of portwright itself
    command: Option<String>,
}

pub(crate) fn run(args: &ManArgs) -> Result<Exit, CliError> {
    let mut root = super::command();
    root.build();
    let page = match &args.command {
        None => root,
        Some(name) => {
            let found = root.find_subcommand(name).cloned();
            found.ok_or_else(|| CliError::usage(format!("there is no command `{name}`")))?
        }
    };
    let mut text = Vec::new();
    clap_mangen::Man::new(page).render(&mut text).map_err(CliError::Output)?;
    print::out(&String::from_utf8_lossy(&text))?;
    Ok(Exit::Ok)
}
