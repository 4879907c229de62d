//! Where the lines go: a file that is only ever appended to, its head beside it.
//!
//! A write that fails leaves no trace. Whatever else happened to the file (torn by a crash, cut, deleted, moved away by
//! a log rotation) is found before the next write, and a record in the chain says so.

use std::fs::{self, File, Metadata, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::{Instant, SystemTime};

use portwright_core::limits;

use super::end::End;
use super::head::{HeadFile, Said};
use super::line::{RECOVERED, ROTATED};
use super::record::{Link, Record, hex};
use super::rotate::{self, Rotation};
use super::{Durability, beside};

/// Where the writer appends. A trait, so that its faults can be tested.
pub(super) trait Store: Send {
    /// Makes sure that lines can be appended. Says where the chain stands and, until lines were appended, what was
    /// found wrong.
    fn ready(&mut self) -> io::Result<(Link, Option<Found>)>;

    /// Appends lines, which end with `last`: all of them or none.
    fn append(&mut self, lines: &[u8], last: Link) -> io::Result<()>;

    /// What is wrong and hinders no record.
    fn concern(&self) -> Option<&'static str> {
        None
    }
}

/// Why the audit can't be opened.
#[derive(Debug, thiserror::Error)]
#[error("the audit file `{}` can't be opened", file.display())]
pub struct OpenError {
    file: PathBuf,
    #[source]
    cause: io::Error,
}

impl OpenError {
    pub(super) fn new(file: &Path, cause: io::Error) -> Self {
        Self { file: file.to_owned(), cause }
    }

    /// Whether another process writes to the file.
    pub(super) fn is_taken(&self) -> bool {
        self.cause.kind() == io::ErrorKind::WouldBlock
    }
}

/// What was found in a file that is not as it was left.
#[derive(Debug, Clone)]
pub(super) enum Found {
    Broken {
        /// Its last whole record.
        last: Link,
        /// Bytes of half a record after it, now in `FILE.torn`.
        torn_bytes: u64,
        /// Whether there was no readable head.
        head_missing: bool,
    },
    /// Nothing is wrong: the file is new, since the one before it was full or old.
    Rotated {
        /// The name that it has now.
        before: String,
        /// The last record that is retired with its file, 0 if none is.
        retired_seq: u64,
    },
}

impl Found {
    pub(super) fn record(&self) -> Record {
        match self {
            Self::Broken { last: Link { seq, hash }, torn_bytes, head_missing } => {
                let hash = hex(hash);
                let args = format!(
                    "{{\"found_hash\":\"{hash}\",\"found_seq\":{seq},\"head_missing\":{head_missing},\"torn_bytes\":{torn_bytes}}}"
                );
                Record::own(RECOVERED, "recovered", args)
            }
            Self::Rotated { before, retired_seq } => {
                let (before, hash) = (serde_json::Value::from(before.as_str()), hex(&Link::default().hash));
                let args = format!(
                    "{{\"before\":{before},\"found_hash\":\"{hash}\",\"found_seq\":0,\"retired_seq\":{retired_seq}}}"
                );
                Record::own(ROTATED, "rotated", args)
            }
        }
    }
}

/// The audit file.
#[derive(Debug)]
pub(super) struct FileStore {
    path: PathBuf,
    durability: Durability,
    rotation: Rotation,
    head: HeadFile,
    log: Option<Log>,
    link: Link,
    found: Option<Found>,
    /// Old files that leave when the record that says so is written.
    retiring: Vec<PathBuf>,
    /// When a rotation that failed is tried again.
    rotate_after: Option<Instant>,
    /// When old files that can't be removed are tried again.
    retire_after: Option<Instant>,
}

#[derive(Debug)]
struct Log {
    file: File,
    identity: Identity,
    /// When its first record was made.
    began: Option<SystemTime>,
}

impl FileStore {
    pub(super) fn open(path: &Path, durability: Durability, rotation: Rotation) -> Result<Self, OpenError> {
        Self::try_open(path, durability, rotation).map_err(|cause| OpenError::new(path, cause))
    }

    fn try_open(path: &Path, durability: Durability, rotation: Rotation) -> io::Result<Self> {
        let mut head = HeadFile::open(beside(path, ".head"))?;
        let said = head.read()?;
        let link = if let Said::Last(last) = said { last } else { Link::default() };
        let path = path.to_owned();
        let (log, found, retiring, rotate_after, retire_after) = (None, None, Vec::new(), None, None);
        let mut store =
            Self { path, durability, rotation, head, log, link, found, retiring, rotate_after, retire_after };
        store.reopen(matches!(said, Said::Last(_)))?;
        Ok(store)
    }

    /// Opens the file, mends its end, and finds out where the chain stands: where the file does, or the head if that
    /// is further.
    fn reopen(&mut self, head_known: bool) -> io::Result<()> {
        refuse_irregular(&self.path)?;
        let mut file = private(OpenOptions::new().read(true).append(true).create(true)).open(&self.path)?;
        if !file.metadata()?.is_file() {
            return Err(irregular());
        }
        if self.durability == Durability::Disk {
            sync_folder(&self.path)?;
        }
        let end = End::read(&mut file)?;
        let last = end.last()?;
        let head_missing = !head_known && last.seq > 0;
        if head_known {
            end.connect(self.link, last)?;
        }
        if end.torn_bytes > 0 {
            end.keep_torn(&beside(&self.path, ".torn"))?;
            file.set_len(end.len - end.torn_bytes)?;
        }
        if end.torn_bytes > 0 || head_missing || last.seq < self.link.seq {
            self.found = Some(Found::Broken { last, torn_bytes: end.torn_bytes, head_missing });
        }
        if last.seq > self.link.seq {
            self.link = last;
        }
        let began = rotate::first_line(&self.path)?.and_then(|first| first.ts.parse::<jiff::Timestamp>().ok());
        let began = began.map(SystemTime::from);
        self.log = Some(Log { identity: Identity::of(&file.metadata()?), file, began });
        Ok(())
    }

    /// Begins a new file if this one has had its time. What hinders that before the file is moved hinders no record: the
    /// chain goes on where it is.
    fn rotate_if_due(&mut self) -> io::Result<()> {
        let now = SystemTime::now();
        let due = |log: &Log| self.rotation.is_due(log.identity.len, log.began, now);
        // What was found wrong is recorded where it was found.
        let waits = self.rotate_after.is_some_and(|until| Instant::now() < until);
        if waits || self.found.is_some() || !self.log.as_ref().is_some_and(due) {
            return Ok(());
        }
        match self.move_away(now) {
            Ok(found) => {
                self.rotate_after = None;
                self.log = None;
                self.reopen(true)?;
                self.found = Some(found);
                sync_folder(&self.path)
            }
            Err(error) => {
                tracing::error!(
                    error = &error as &dyn std::error::Error,
                    "the audit file can't be rotated; it grows on"
                );
                self.rotate_after = Some(Instant::now() + limits::AUDIT_ROTATE_RETRY);
                Ok(())
            }
        }
    }

    fn move_away(&mut self, now: SystemTime) -> io::Result<Found> {
        let Some(log) = &self.log else { return Err(io::ErrorKind::NotFound.into()) };
        let old = rotate::old_files(&self.path)?;
        // What the chain says is gone is what was there: a file that somebody took away stays missing.
        let retired = self.rotation.retired(&old, now);
        let retired_seq = retired.last().and_then(|last| rotate::last_seq(&last.path)).unwrap_or(0);
        self.retiring =
            if retired_seq == 0 { Vec::new() } else { retired.iter().map(|old| old.path.clone()).collect() };
        let to = rotate::old_name(&self.path, now);
        if to.try_exists()? {
            return Err(io::ErrorKind::AlreadyExists.into());
        }
        log.file.sync_all()?;
        // After a crash the head may be behind the file. It must not be once the file is gone.
        self.head.write(self.link)?;
        fs::rename(&self.path, &to)?;
        let before = to.file_name().unwrap_or_default().to_string_lossy().into_owned();
        Ok(Found::Rotated { before, retired_seq })
    }

    /// The record that retires them is written: they may leave. One that can't is tried again after a while.
    fn retire(&mut self) {
        if self.retiring.is_empty() || self.retire_after.is_some_and(|until| Instant::now() < until) {
            return;
        }
        self.retiring.retain(|file| match fs::remove_file(file) {
            Ok(()) => {
                tracing::info!(file = %file.display(), "an old audit file was retired");
                false
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => false,
            Err(error) => {
                tracing::warn!(file = %file.display(), %error, "an old audit file can't be removed");
                true
            }
        });
        self.retire_after = (!self.retiring.is_empty()).then(|| Instant::now() + limits::AUDIT_ROTATE_RETRY);
    }

    /// Whether the path leads to the file as it was left.
    fn is_there(&self, log: &Log) -> bool {
        fs::metadata(&self.path).is_ok_and(|found| Identity::of(&found) == log.identity)
    }
}

impl Store for FileStore {
    fn ready(&mut self) -> io::Result<(Link, Option<Found>)> {
        if !self.head.is_there() {
            self.head = HeadFile::open(beside(&self.path, ".head"))?;
        }
        if !self.log.as_ref().is_some_and(|log| self.is_there(log)) {
            self.log = None;
            self.reopen(true)?;
        }
        self.rotate_if_due()?;
        Ok((self.link, self.found.clone()))
    }

    fn append(&mut self, lines: &[u8], last: Link) -> io::Result<()> {
        let Some(log) = &mut self.log else { return Err(io::ErrorKind::NotFound.into()) };
        let written = log
            .file
            .write_all(lines)
            .and_then(|()| if self.durability == Durability::Disk { log.file.sync_data() } else { Ok(()) })
            .and_then(|()| self.head.write(last));
        if let Err(error) = written {
            // Nobody was told that these lines are written, so they leave. If they can't, the file is looked at anew.
            if log.file.set_len(log.identity.len).is_err() {
                self.log = None;
            }
            return Err(error);
        }
        log.identity.len += lines.len() as u64;
        log.began.get_or_insert_with(SystemTime::now);
        self.link = last;
        self.found = None;
        self.retire();
        Ok(())
    }

    fn concern(&self) -> Option<&'static str> {
        if self.rotate_after.is_some() {
            return Some("the file can't be rotated");
        }
        self.retire_after.map(|_| "old files can't be removed")
    }
}

fn irregular() -> io::Error {
    io::Error::new(io::ErrorKind::InvalidInput, "it is not a regular file")
}

/// Opening a FIFO may block for ever, so what stands at the path is looked at first.
pub(super) fn refuse_irregular(path: &Path) -> io::Result<()> {
    match fs::metadata(path) {
        Ok(found) if !found.is_file() => Err(irregular()),
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

/// Nobody but the owner may read a new file.
#[cfg(unix)]
pub(super) fn private(options: &mut OpenOptions) -> &mut OpenOptions {
    use std::os::unix::fs::OpenOptionsExt;
    options.mode(0o600)
}

#[cfg(not(unix))]
pub(super) fn private(options: &mut OpenOptions) -> &mut OpenOptions {
    options
}

#[cfg(unix)]
fn sync_folder(path: &Path) -> io::Result<()> {
    File::open(rotate::folder(path))?.sync_all()
}

#[cfg(not(unix))]
fn sync_folder(_: &Path) -> io::Result<()> {
    Ok(())
}

/// Which file it is, and how long.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Identity {
    file: (u64, u64),
    len: u64,
}

impl Identity {
    #[cfg(unix)]
    pub(super) fn of(metadata: &Metadata) -> Self {
        use std::os::unix::fs::MetadataExt;
        Self { file: (metadata.dev(), metadata.ino()), len: metadata.len() }
    }

    #[cfg(not(unix))]
    pub(super) fn of(metadata: &Metadata) -> Self {
        Self { file: (0, 0), len: metadata.len() }
    }

    pub(super) fn same_file(&self, other: &Self) -> bool {
        self.file == other.file
    }
}
