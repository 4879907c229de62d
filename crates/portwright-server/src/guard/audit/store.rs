//! Where the lines go: a file that is only ever appended to, its head beside it.
//!
//! A write that fails leaves no trace. Whatever else happened to the file (torn by a crash, cut, deleted, moved away by
//! a log rotation) is found before the next write, and a record in the chain says so.

use std::fs::{self, File, Metadata, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use portwright_core::limits;

use super::head::{HeadFile, Said};
use super::line::{self, RECOVERED};
use super::record::{Link, Record, hex};
use super::{Durability, beside};

/// Where the writer appends. A trait, so that its faults can be tested.
pub(super) trait Store: Send {
    /// Makes sure that lines can be appended. Says where the chain stands and, until lines were appended, what was
    /// found wrong.
    fn ready(&mut self) -> io::Result<(Link, Option<Found>)>;

    /// Appends lines, which end with `last`: all of them or none.
    fn append(&mut self, lines: &[u8], last: Link) -> io::Result<()>;
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
#[derive(Debug, Clone, Copy)]
pub(super) struct Found {
    /// Its last whole record.
    last: Link,
    /// Bytes of half a record after it, now in `FILE.torn`.
    torn_bytes: u64,
    /// Whether there was no readable head.
    head_missing: bool,
}

impl Found {
    pub(super) fn record(&self) -> Record {
        let Self { last, torn_bytes, head_missing } = self;
        let args = format!(
            "{{\"found_hash\":\"{}\",\"found_seq\":{},\"head_missing\":{head_missing},\"torn_bytes\":{torn_bytes}}}",
            hex(&last.hash),
            last.seq
        );
        Record::own(RECOVERED, "recovered", args)
    }
}

/// The audit file.
#[derive(Debug)]
pub(super) struct FileStore {
    path: PathBuf,
    durability: Durability,
    head: HeadFile,
    log: Option<Log>,
    link: Link,
    found: Option<Found>,
}

#[derive(Debug)]
struct Log {
    file: File,
    identity: Identity,
}

impl FileStore {
    pub(super) fn open(path: &Path, durability: Durability) -> Result<Self, OpenError> {
        Self::try_open(path, durability).map_err(|cause| OpenError::new(path, cause))
    }

    fn try_open(path: &Path, durability: Durability) -> io::Result<Self> {
        let mut head = HeadFile::open(beside(path, ".head"))?;
        let said = head.read()?;
        let link = if let Said::Last(last) = said { last } else { Link::default() };
        let mut store = Self { path: path.to_owned(), durability, head, log: None, link, found: None };
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
            self.found = Some(Found { last, torn_bytes: end.torn_bytes, head_missing });
        }
        if last.seq > self.link.seq {
            self.link = last;
        }
        self.log = Some(Log { identity: Identity::of(&file.metadata()?), file });
        Ok(())
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
        Ok((self.link, self.found))
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
        self.link = last;
        self.found = None;
        Ok(())
    }
}

/// The end of an audit file.
struct End {
    len: u64,
    /// As much as two batches and a line.
    bytes: Vec<u8>,
    /// Whether `bytes` is the whole file.
    whole: bool,
    torn_bytes: u64,
}

impl End {
    fn read(file: &mut File) -> io::Result<Self> {
        const WINDOW_BYTES: u64 = 2 * (limits::AUDIT_BATCH_BYTES + limits::AUDIT_LINE_BYTES_MAX) as u64;
        let len = file.metadata()?.len();
        let from = len.saturating_sub(WINDOW_BYTES);
        file.seek(SeekFrom::Start(from))?;
        let mut bytes = Vec::new();
        file.take(WINDOW_BYTES).read_to_end(&mut bytes)?;
        let lines_end = bytes.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
        let torn_bytes = (bytes.len() - lines_end) as u64;
        if lines_end == 0 && from > 0 {
            return Err(broken("it does not end like an audit file"));
        }
        Ok(Self { len, bytes, whole: from == 0, torn_bytes })
    }

    fn torn_at(&self) -> usize {
        self.bytes.len() - usize::try_from(self.torn_bytes).unwrap_or(0)
    }

    /// Whole lines, last first.
    fn lines(&self) -> impl Iterator<Item = &[u8]> {
        let lines = self.bytes[..self.torn_at()].strip_suffix(b"\n");
        // Where the window cuts into the file, its first line is half a line.
        let skip = usize::from(!self.whole);
        let count = lines.map_or(0, |lines| lines.split(|byte| *byte == b'\n').count());
        lines.into_iter().flat_map(|lines| lines.rsplit(|byte| *byte == b'\n')).take(count.saturating_sub(skip))
    }

    /// The last whole record.
    fn last(&self) -> io::Result<Link> {
        match self.lines().next() {
            Some(line) => {
                Ok(line::parse(line).map_err(|what| broken(&format!("its last line does not verify: {what}")))?.link)
            }
            None => Ok(Link::default()),
        }
    }

    /// Makes sure that the file continues what the head knows. The head is behind by a batch at most, if a process was
    /// killed between the two; a file that has more was not written with this head.
    fn connect(&self, head: Link, last: Link) -> io::Result<()> {
        if last.seq < head.seq || last == head {
            return Ok(());
        }
        let mut next: Option<[u8; 32]> = None;
        for line in self.lines() {
            let parsed =
                line::parse(line).map_err(|what| broken(&format!("a line near its end does not verify: {what}")))?;
            if next.is_some_and(|prev| prev != parsed.link.hash) {
                break;
            }
            // The record of a break stands after the head's record in the chain, but not in the file.
            if parsed.link == head || parsed.link.seq == head.seq + 1 && parsed.prev == head.hash {
                return Ok(());
            }
            if parsed.link.seq <= head.seq {
                break;
            }
            next = Some(parsed.prev);
        }
        Err(broken("it is not the file that its head file tells of"))
    }

    /// Appends the half line to the file for such.
    fn keep_torn(&self, path: &Path) -> io::Result<()> {
        refuse_irregular(path)?;
        let mut file = private(OpenOptions::new().append(true).create(true)).open(path)?;
        file.write_all(&self.bytes[self.torn_at()..])?;
        file.write_all(b"\n")
    }
}

fn broken(what: &str) -> io::Error {
    let mend = "`portwright audit verify` tells more; to go on, move the file away: a new one continues the chain";
    io::Error::new(io::ErrorKind::InvalidData, format!("{what}; nothing was appended. {mend}"))
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
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    File::open(folder)?.sync_all()
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
