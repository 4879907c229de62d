//! The head file: the number and hash of the last record written, so that a file whose tail was cut does not pass for
//! a whole one. Held open and locked while the audit is open, so that no two processes append to one chain.
//!
//! Two slots are written in turn, each with a check of its own. A write that is torn spoils one of them and leaves the
//! other, which makes it as safe as a replaced file and a hundred times cheaper.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use super::record::{Link, hex, unhex};
use super::store::{Identity, private};

/// Each slot begins a sector of its own.
const SLOT_BYTES: usize = 512;
const FILE_BYTES: usize = 2 * SLOT_BYTES;

/// What a head file says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Said {
    Last(Link),
    /// There is none, or it is empty.
    Nothing,
    Nonsense,
}

/// An open, locked head file.
#[derive(Debug)]
pub(super) struct HeadFile {
    path: PathBuf,
    file: File,
    identity: Identity,
    second: bool,
}

impl HeadFile {
    pub(super) fn open(path: PathBuf) -> io::Result<Self> {
        super::store::refuse_irregular(&path)?;
        let file = private(OpenOptions::new().read(true).write(true).create(true)).open(&path)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                return Err(io::Error::new(io::ErrorKind::WouldBlock, "another process writes to this audit file"));
            }
            Err(TryLockError::Error(error)) => return Err(error),
        }
        let identity = Identity::of(&file.metadata()?);
        Ok(Self { path, file, identity, second: false })
    }

    pub(super) fn read(&mut self) -> io::Result<Said> {
        self.file.seek(SeekFrom::Start(0))?;
        let (said, second) = read(&mut self.file)?;
        self.second = !second;
        Ok(said)
    }

    pub(super) fn write(&mut self, last: Link) -> io::Result<()> {
        let slot = if self.second { SLOT_BYTES } else { 0 };
        self.file.seek(SeekFrom::Start(slot as u64))?;
        self.file.write_all(&render(last))?;
        self.second = !self.second;
        Ok(())
    }

    /// Whether the path still leads to the file that was opened.
    pub(super) fn is_there(&self) -> bool {
        std::fs::metadata(&self.path).is_ok_and(|found| Identity::of(&found).same_file(&self.identity))
    }
}

/// What the head file at `path` says.
pub(super) fn read_at(path: &Path) -> io::Result<Said> {
    match File::open(path) {
        Ok(mut file) => read(&mut file).map(|(said, _)| said),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Said::Nothing),
        Err(error) => Err(error),
    }
}

/// What it says, and whether the second slot says it.
fn read(file: &mut File) -> io::Result<(Said, bool)> {
    let mut bytes = Vec::with_capacity(FILE_BYTES);
    file.take(FILE_BYTES as u64).read_to_end(&mut bytes)?;
    if bytes.is_empty() {
        return Ok((Said::Nothing, true));
    }
    let (first, second) = bytes.split_at(bytes.len().min(SLOT_BYTES));
    Ok(match (parse(first), parse(second)) {
        (Some(first), Some(second)) if second.seq > first.seq => (Said::Last(second), true),
        (Some(first), _) => (Said::Last(first), false),
        (None, Some(second)) => (Said::Last(second), true),
        (None, None) => (Said::Nonsense, true),
    })
}

/// `{"seq":12,"hash":"…","check":"…"}`, spaces, a line feed.
fn render(last: Link) -> Vec<u8> {
    let text = format!("{{\"seq\":{},\"hash\":\"{}\",\"check\":\"{}\"}}", last.seq, hex(&last.hash), check(last));
    let mut slot = text.into_bytes();
    slot.resize(SLOT_BYTES - 1, b' ');
    slot.push(b'\n');
    slot
}

fn parse(slot: &[u8]) -> Option<Link> {
    let text = std::str::from_utf8(slot).ok()?;
    let (seq, rest) = text.strip_prefix("{\"seq\":")?.split_once(",\"hash\":\"")?;
    let last = Link { seq: seq.parse().ok()?, hash: unhex(rest.get(..64)?)? };
    (slot == render(last)).then_some(last)
}

fn check(last: Link) -> String {
    let digest: [u8; 32] = Sha256::new().chain_update(last.seq.to_be_bytes()).chain_update(last.hash).finalize().into();
    hex(&digest)[..16].to_owned()
}
