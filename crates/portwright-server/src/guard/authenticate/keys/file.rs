//! The file of keys: who may call with which role, and hashes to prove it by. It holds no secret; it is written whole, in
//! one step, so that a reader sees the old one or the new one.

use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use portwright_core::limits;
use serde::{Deserialize, Serialize};

use super::super::key::{Key, KeyHash};

const HEADER: &str =
    "# Written by `portwright keys`. It holds hashes only: a key that was lost can't be read from here.\n\n";

/// What is known of one key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Entry {
    /// The public part of the key.
    pub id: String,
    pub hash: String,
    /// What its holder may do, as the plan's roles say.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub roles: Vec<String>,
    pub created: Timestamp,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires: Option<Timestamp>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revoked: Option<Timestamp>,
}

impl Entry {
    /// For a new key.
    pub fn of(key: &Key, roles: Vec<String>, created: Timestamp, expires: Option<Timestamp>) -> Self {
        Self { id: key.id().to_owned(), hash: key.hash().to_string(), roles, created, expires, revoked: None }
    }

    /// Whether its key can be used at that moment.
    pub fn is_valid(&self, at: Timestamp) -> bool {
        self.revoked.is_none() && self.expires.is_none_or(|end| at < end)
    }
}

/// All entries, by the name of the key's holder.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KeyFile {
    #[serde(default)]
    pub keys: BTreeMap<String, Entry>,
}

/// Why the file can't be used.
#[derive(Debug, thiserror::Error)]
pub enum KeyFileError {
    #[error("{0} can't be read")]
    Unreadable(PathBuf, #[source] io::Error),
    #[error("{0} can't be written")]
    Unwritable(PathBuf, #[source] io::Error),
    #[error("{0} is no file of keys: {1}")]
    Malformed(PathBuf, String),
    #[error("{0} is being changed by another process; try again")]
    Busy(PathBuf),
}

impl KeyFile {
    /// Reads it; an error if it is not there.
    pub fn read(path: &Path) -> Result<Self, KeyFileError> {
        let unreadable = |error| KeyFileError::Unreadable(path.to_owned(), error);
        let malformed = |words: String| KeyFileError::Malformed(path.to_owned(), words);
        let mut text = String::new();
        let most = limits::KEY_FILE_BYTES_MAX as u64;
        File::open(path).map_err(unreadable)?.take(most + 1).read_to_string(&mut text).map_err(unreadable)?;
        if text.len() as u64 > most {
            return Err(malformed(format!("it is larger than {most} bytes")));
        }
        let read: Self = toml::from_str(&text).map_err(|error| malformed(error.message().to_owned()))?;
        let mut ids: Vec<&str> = read.keys.values().map(|entry| entry.id.as_str()).collect();
        ids.sort_unstable();
        if let Some((id, _)) = ids.iter().zip(ids.iter().skip(1)).find(|(one, next)| one == next) {
            return Err(malformed(format!("two keys have the id `{id}`")));
        }
        if let Some((name, _)) = read.keys.iter().find(|(_, entry)| KeyHash::parse(&entry.hash).is_none()) {
            return Err(malformed(format!("the hash of `{name}` can't be read")));
        }
        Ok(read)
    }

    /// Reads it; one that is not there yet has no keys.
    pub fn read_or_new(path: &Path) -> Result<Self, KeyFileError> {
        match Self::read(path) {
            Err(KeyFileError::Unreadable(_, error)) if error.kind() == io::ErrorKind::NotFound => Ok(Self::default()),
            read => read,
        }
    }

    /// Changes the file, one process at a time. Nothing is written if the change is refused.
    pub fn change<T, E>(
        path: &Path,
        change: impl FnOnce(&mut Self) -> Result<T, E>,
    ) -> Result<Result<T, E>, KeyFileError> {
        let unwritable = |error| KeyFileError::Unwritable(path.to_owned(), error);
        let lock = beside(path, ".lock");
        let held = private().write(true).create(true).truncate(false).open(&lock).map_err(unwritable)?;
        held.try_lock().map_err(|_| KeyFileError::Busy(path.to_owned()))?;
        let mut file = Self::read_or_new(path)?;
        let changed = match change(&mut file) {
            Ok(changed) => changed,
            refused => return Ok(refused),
        };
        let text =
            toml::to_string(&file).map_err(|error| KeyFileError::Malformed(path.to_owned(), error.to_string()))?;
        replace(path, &format!("{HEADER}{text}"), true).map_err(unwritable)?;
        Ok(Ok(changed))
    }
}

/// A path with more at its end.
pub(super) fn beside(path: &Path, more: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(more);
    name.into()
}

/// Files that only their owner reads.
fn private() -> OpenOptions {
    let mut options = OpenOptions::new();
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options
}

/// Replaces a file in one step: whoever reads it sees the whole old one or the whole new one. `durable`: also after the
/// power went.
pub(super) fn replace(path: &Path, text: &str, durable: bool) -> io::Result<()> {
    let new = beside(path, ".new");
    let mut file = private().write(true).create(true).truncate(true).open(&new)?;
    file.write_all(text.as_bytes())?;
    if durable {
        file.sync_all()?;
    }
    drop(file);
    fs::rename(&new, path)?;
    #[cfg(unix)]
    if durable {
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        File::open(folder)?.sync_all()?;
    }
    Ok(())
}
