//! `portwright schema`: the JSON Schema of the configuration.

use super::error::CliError;
use super::exit::Exit;
use super::print;
use crate::config::schema;

pub(crate) fn run() -> Result<Exit, CliError> {
    print::json(&schema::published())?;
    Ok(Exit::Ok)
}
