//! Where log lines go: to standard error, as text or JSON.

use std::io::{self, IsTerminal};

use clap::{Args, ValueEnum};
use portwright_server::{Exporter, Ours};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{EnvFilter, Layer};

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
    /// Starts logging. `default` is what is logged where nothing is said; the exporter gets what it looks for, whatever is
    /// logged.
    pub(crate) fn start(&self, default: &str, exporter: Option<&Exporter>) -> Result<(), CliError> {
        let level = self.log_level.as_deref().filter(|level| !level.is_empty()).unwrap_or(default);
        let filter = EnvFilter::try_new(level).map_err(|error| CliError::Usage {
            message: format!("`{level}` is no log level: {error}"),
            hint: Some("such as info, debug, or portwright_server=debug,warn".into()),
        })?;
        if let Some(exporter) = exporter {
            self.start_both(filter, exporter);
            return Ok(());
        }
        let lines = tracing_subscriber::fmt().with_env_filter(filter).with_writer(io::stderr);
        // A second start, in a process that embeds us, keeps the first one's choice.
        let _ = match self.log_format {
            LogFormat::Text => lines.with_ansi(colours()).try_init(),
            LogFormat::Json => lines.json().flatten_event(true).try_init(),
        };
        Ok(())
    }

    /// Log lines, and beside them what is exported, each with its own filter.
    fn start_both(&self, filter: EnvFilter, exporter: &Exporter) {
        let lines = tracing_subscriber::fmt::layer().with_writer(io::stderr);
        let lines = match self.log_format {
            LogFormat::Text => lines.with_ansi(colours()).with_filter(filter).boxed(),
            LogFormat::Json => lines.with_ansi(false).json().flatten_event(true).with_filter(filter).boxed(),
        };
        let _ = tracing_subscriber::registry().with(lines).with(exporter.layer().with_filter(Ours)).try_init();
    }
}

fn colours() -> bool {
    io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty())
}
