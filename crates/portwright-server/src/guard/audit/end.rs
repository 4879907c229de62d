//! The end of an audit file, as it is found when the file is opened: the last whole record, and half a one that a crash
//! left behind.

use std::fs::{File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::Path;

use portwright_core::limits;

use super::line;
use super::record::Link;
use super::store::{private, refuse_irregular};

/// The end of an audit file.
pub(super) struct End {
    pub(super) len: u64,
    /// As much as two batches and a line.
    bytes: Vec<u8>,
    /// Whether `bytes` is the whole file.
    whole: bool,
    pub(super) torn_bytes: u64,
}

impl End {
    pub(super) fn read(file: &mut File) -> io::Result<Self> {
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
    pub(super) fn last(&self) -> io::Result<Link> {
        match self.lines().next() {
            Some(line) => {
                Ok(line::parse(line).map_err(|what| broken(&format!("its last line does not verify: {what}")))?.link)
            }
            None => Ok(Link::default()),
        }
    }

    /// Makes sure that the file continues what the head knows. The head is behind by a batch at most, if a process was
    /// killed between the two; a file that has more was not written with this head.
    pub(super) fn connect(&self, head: Link, last: Link) -> io::Result<()> {
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
    pub(super) fn keep_torn(&self, path: &Path) -> io::Result<()> {
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
