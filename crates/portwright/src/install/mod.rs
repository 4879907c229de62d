//! `portwright install`: our entry in the file of an MCP client, and nothing else of that file changed.
//!
//! A client is a file in `clients/` and a line there: where its file is, how an entry looks, and where that is documented.

mod clients;
mod edit;
mod places;
mod store;
#[cfg(test)]
mod tests;

use std::path::PathBuf;

use serde::Serialize;
use serde_json::Value;

use crate::cli::error::CliError;
pub(crate) use clients::CLIENTS;
pub(crate) use places::{Os, Places};

/// Whose servers: a person's everywhere, or those of the folder at hand.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Scope {
    #[default]
    User,
    Project,
}

/// How the file is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Format {
    /// JSON, also with comments.
    Json,
    Toml,
    /// Of a form that is only shown, for the person to paste.
    Shown,
}

/// What an entry starts or reaches.
#[derive(Debug, Clone)]
pub(crate) enum Server {
    Command { command: String, args: Vec<String> },
    Remote { url: String, headers: Vec<(String, String)> },
}

/// A client of MCP.
#[derive(Debug)]
pub(crate) struct Client {
    /// As the command line has it.
    pub(crate) id: &'static str,
    pub(crate) name: &'static str,
    /// Where its file is documented.
    pub(crate) docs: &'static str,
    file: fn(&Places, Scope) -> Option<PathBuf>,
    format: Format,
    /// The keys that lead to the servers.
    keys: &'static [&'static str],
    entry: fn(&Server) -> Option<Value>,
    /// How a value refers to an environment variable, if it can: what stands before it, and its name.
    reference: Option<fn(&str, &str) -> Option<String>>,
}

/// Why nothing was changed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum InstallError {
    #[error("{0} has no file for one folder alone")]
    NoProject(&'static str),
    #[error("{0} takes no addresses in its file")]
    NoRemote(&'static str),
    #[error("{0} can't refer to environment variables in its file")]
    NoReference(&'static str),
    #[error("{}", .0.display())]
    File(PathBuf, #[source] store::StoreError),
    #[error("{} is broken at {line}:{column}: {words}", .file.display())]
    Broken { file: PathBuf, line: usize, column: usize, words: String },
    #[error("{} has another form than {client} documents: {words}", .file.display())]
    Odd { file: PathBuf, client: &'static str, words: String },
    #[error("{} has an entry `{name}` that is not ours", .file.display())]
    Taken { file: PathBuf, name: String },
}

impl InstallError {
    /// Whether the command line asks for what there is not.
    pub(crate) fn is_usage(&self) -> bool {
        matches!(self, Self::NoProject(_) | Self::NoRemote(_) | Self::NoReference(_))
    }

    /// What to do about it.
    pub(crate) fn hint(&self) -> &'static str {
        match self {
            Self::NoProject(_) => "leave out --scope project",
            Self::NoRemote(_) => "leave out --url, so that it starts the server itself",
            Self::NoReference(_) => "give the value itself; the client's file will hold it",
            Self::File(..) => "see who may write it; --print shows what to write by hand",
            Self::Broken { .. } => "mend it first; nothing was changed",
            Self::Odd { .. } => "nothing was changed; --print shows what to write by hand",
            Self::Taken { .. } => "choose another --name, or --force to replace it",
        }
    }
}

impl From<InstallError> for CliError {
    fn from(error: InstallError) -> Self {
        let (message, hint) = (error.to_string(), error.hint());
        match error {
            _ if error.is_usage() => Self::Usage { message, hint: Some(hint.to_owned()) },
            InstallError::File(_, cause) => Self::ClientFile { message, source: Some(cause.into()), hint },
            _ => Self::ClientFile { message, source: None, hint },
        }
    }
}

/// What was done to a file.
#[derive(Debug, Serialize)]
pub(crate) struct Done {
    pub(crate) client: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) file: Option<PathBuf>,
    pub(crate) changed: bool,
    /// Where the file as it was is kept.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) backup: Option<PathBuf>,
    /// What to paste, where the file is not written.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) snippet: Option<String>,
}

/// A client that is found here, or could be.
#[derive(Debug, Serialize)]
pub(crate) struct Listed {
    pub(crate) client: &'static str,
    pub(crate) name: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) file: Option<PathBuf>,
    /// Whether its file, or the folder for it, is there.
    pub(crate) found: bool,
    /// Our entries in it.
    pub(crate) entries: Vec<String>,
}

impl Client {
    /// What to paste into the file, with everything around it.
    pub(crate) fn snippet(&self, name: &str, server: &Server) -> Result<String, InstallError> {
        let entry = (self.entry)(server).ok_or(InstallError::NoRemote(self.name))?;
        let nested = self
            .keys
            .iter()
            .rev()
            .fold(serde_json::json!({ name: entry }), |inner, key| serde_json::json!({ *key: inner }));
        Ok(match self.format {
            Format::Toml => toml::to_string_pretty(&nested).unwrap_or_default(),
            Format::Json => serde_json::to_string_pretty(&nested).unwrap_or_default(),
            Format::Shown => edit::yaml(&nested),
        })
    }

    /// A header's value: `env:NAME` is written as the client refers to variables.
    pub(crate) fn header(&self, value: &str) -> Result<String, InstallError> {
        let (before, name) = match value.split_once("env:") {
            Some((before, name)) if before.is_empty() || before.ends_with(' ') => (before, name),
            _ => return Ok(value.to_owned()),
        };
        let reference = self.reference.ok_or(InstallError::NoReference(self.name))?;
        reference(before, name).ok_or(InstallError::NoReference(self.name))
    }

    /// Writes the entry.
    pub(crate) fn install(
        &self,
        places: &Places,
        scope: Scope,
        name: &str,
        server: &Server,
        force: bool,
    ) -> Result<Done, InstallError> {
        let entry = (self.entry)(server).ok_or(InstallError::NoRemote(self.name))?;
        if self.format == Format::Shown {
            let snippet = Some(self.snippet(name, server)?);
            let file = (self.file)(places, scope);
            return Ok(Done { client: self.id, file, changed: false, backup: None, snippet });
        }
        self.change(places, scope, name, |text| edit::put(self.format, text, self.keys, name, &entry, force))
    }

    /// Takes the entry out again.
    pub(crate) fn uninstall(
        &self,
        places: &Places,
        scope: Scope,
        name: &str,
        server: &Server,
        force: bool,
    ) -> Result<Done, InstallError> {
        if self.format == Format::Shown {
            let file = (self.file)(places, scope);
            let snippet = Some(self.snippet(name, server)?);
            return Ok(Done { client: self.id, file, changed: false, backup: None, snippet });
        }
        let entry = (self.entry)(server);
        self.change(places, scope, name, |text| edit::take(self.format, text, self.keys, name, entry.as_ref(), force))
    }

    fn change(
        &self,
        places: &Places,
        scope: Scope,
        name: &str,
        edit: impl FnOnce(&str) -> Result<Option<String>, edit::EditError>,
    ) -> Result<Done, InstallError> {
        let file = (self.file)(places, scope).ok_or(InstallError::NoProject(self.name))?;
        let failed = |error| InstallError::File(file.clone(), error);
        let before = store::read(&file).map_err(failed)?;
        let after = edit(before.as_ref().map_or("", |text| text.as_str())).map_err(|error| match error {
            edit::EditError::Broken { line, column, words } => {
                InstallError::Broken { file: file.clone(), line, column, words }
            }
            edit::EditError::Odd(words) => InstallError::Odd { file: file.clone(), client: self.name, words },
            edit::EditError::Taken => InstallError::Taken { file: file.clone(), name: name.to_owned() },
        })?;
        let Some(after) = after else {
            return Ok(Done { client: self.id, file: Some(file), changed: false, backup: None, snippet: None });
        };
        let backup = store::write(&file, before.as_deref(), &after).map_err(failed)?;
        Ok(Done { client: self.id, file: Some(file), changed: true, backup, snippet: None })
    }

    /// Whether the client is here, and what it has of ours.
    pub(crate) fn look(&self, places: &Places, scope: Scope) -> Listed {
        let file = (self.file)(places, scope);
        let text = file.as_ref().and_then(|file| store::read(file).ok().flatten());
        let parent = || file.as_ref().and_then(|file| file.parent()).is_some_and(std::path::Path::is_dir);
        let found = text.is_some() || (scope == Scope::User && parent());
        let entries = text.map(|text| edit::ours(self.format, &text, self.keys)).unwrap_or_default();
        Listed { client: self.id, name: self.name, file, found, entries }
    }
}
