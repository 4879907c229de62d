//! `portwright schema`: the JSON Schema of the configuration.

use super::error::CliError;
use super::exit::Exit;
use super::print;
use crate::config::{Kinds, schema};

pub(crate) fn run(kinds: Kinds) -> Result<Exit, CliError> {
    print::json(&schema::published(kinds))?;
    Ok(Exit::Ok)
}
