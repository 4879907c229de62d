//! Where log lines go: to standard error, as text or JSON.

use std::io::{self, IsTerminal};

use clap::{Args, ValueEnum};
use tracing_subscriber::EnvFilter;

use super::error::CliError;
use super::variables;

/// Options of every command.
#[derive(Debug, Args)]
pub(crate) struct LogArgs {
    /// Log lines as text or JSON
    #[arg(long, global = true, value_enum, default_value_t, env = variables::LOG_FORMAT, hide_env = true, value_name = "FORMAT")]
    log_format: LogFormat,
    /// What is logged: error, warn, info, debug, or by module
    #[arg(long, global = true, env = variables::LOG_LEVEL, hide_env = true, value_name = "LEVEL")]
    log_level: Option<String>,
}

#[derive(Debug, Clone, Copy, Default, ValueEnum)]
enum LogFormat {
    #[default]
    Text,
    Json,
}

impl LogArgs {
    /// Starts logging. `default` is what is logged where nothing is said.
    pub(crate) fn start(&self, default: &str) -> Result<(), CliError> {
        let level = self.log_level.as_deref().filter(|level| !level.is_empty()).unwrap_or(default);
        let filter = EnvFilter::try_new(level).map_err(|error| CliError::Usage {
            message: format!("`{level}` is no log level: {error}"),
            hint: Some("such as info, debug, or portwright_server=debug,warn".into()),
        })?;
        let lines = tracing_subscriber::fmt().with_env_filter(filter).with_writer(io::stderr);
        // A second start, in a process that embeds us, keeps the first one's choice.
        let _ = match self.log_format {
            LogFormat::Text => lines.with_ansi(colours()).try_init(),
            LogFormat::Json => lines.json().flatten_event(true).try_init(),
        };
        Ok(())
    }
}

fn colours() -> bool {
    io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty())
}
