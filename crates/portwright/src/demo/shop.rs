//! [`Shop`]: a folder with a database, a handbook, their configuration and the audit file. It is gone when the demo ends.

use std::path::PathBuf;

use portwright_sources::sqlite;
use tempfile::TempDir;

use crate::cli::error::CliError;
use crate::config::{self, ConfigError, Environment, Plan};

/// What is in the database, for people.
pub(super) const CONTENTS: &str = "396 customers, 48 products, 2400 orders with 6037 items";

/// The script that makes the database.
pub(super) const SCRIPT: &str = include_str!("shop.sql");

/// The configuration: what it says is also how one is written.
pub(super) const CONFIGURATION: &str = include_str!("shop.toml");

/// The handbook.
const DOCUMENTS: [(&str, &str); 3] = [
    ("returns.md", include_str!("docs/returns.md")),
    ("shipping.md", include_str!("docs/shipping.md")),
    ("support.md", include_str!("docs/support.md")),
];

/// What the configuration says of it.
const OF_DOCUMENTS: &str = include_str!("docs.toml");

/// A shop with its folder.
#[derive(Debug)]
pub(super) struct Shop {
    folder: TempDir,
}

impl Shop {
    /// Makes the folder and fills the database.
    pub(super) async fn make() -> Result<Self, CliError> {
        let make = || -> Result<Self, CliError> {
            let folder = tempfile::Builder::new().prefix("portwright-demo-").tempdir().map_err(CliError::start)?;
            sqlite::create(&folder.path().join("shop.db"), SCRIPT).map_err(CliError::start)?;
            let docs = folder.path().join("docs");
            std::fs::create_dir(&docs).map_err(CliError::start)?;
            for (name, text) in DOCUMENTS {
                std::fs::write(docs.join(name), text).map_err(CliError::start)?;
            }
            std::fs::write(folder.path().join("portwright.toml"), configuration()).map_err(CliError::start)?;
            Ok(Self { folder })
        };
        tokio::task::spawn_blocking(make).await.map_err(|error| CliError::Bug(error.to_string()))?
    }

    /// The configuration, read like any other.
    pub(super) fn plan(&self) -> Result<Plan, CliError> {
        let path = self.folder.path().join("portwright.toml");
        let loaded = config::parse(&path, &configuration(), Environment::default()).map_err(ConfigError::Problems)?;
        Ok(loaded.plan)
    }

    pub(super) fn audit_file(&self) -> PathBuf {
        self.folder.path().join("audit.jsonl")
    }
}

/// All of the configuration.
fn configuration() -> String {
    format!("{CONFIGURATION}{OF_DOCUMENTS}")
}
