//! What is said of a wrong configuration, word for word; and that nothing said shows a secret.

mod good;
mod hostile;
mod secrets;
mod wrong;

use std::ffi::OsString;
use std::path::Path;

use portwright::config::{self, Environment, Kinds, Loaded, Problems};

/// What the environment variable `DATABASE_URL` holds.
pub(crate) const CANARY: &str = "postgres://canary:s3cr3t-canary@db.example/shop";

/// An environment with one secret in it.
pub(crate) const ENVIRONMENT: Environment = Environment {
    variable: |name| match name {
        "DATABASE_URL" => Some(OsString::from(CANARY)),
        "TIMEOUT" => Some(OsString::from("s3cr3t-canary")),
        "EMPTY" => Some(OsString::new()),
        _ => None,
    },
    names: || vec!["DATABASE_URL".into(), "TIMEOUT".into(), "EMPTY".into()],
    kinds: Kinds::BUILT_IN,
};

pub(crate) fn parse(text: &str) -> Result<Loaded, Problems> {
    config::parse(Path::new("portwright.toml"), text, ENVIRONMENT)
}

/// Everything that is said of `text`, as people see it.
pub(crate) fn said(text: &str) -> String {
    parse(text).map_or_else(|problems| problems.to_string(), |_| "nothing is wrong".into())
}
