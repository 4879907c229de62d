//! `audit verify`: was this file changed since it was written?
//!
//! Reads the file once, line by line, in bounded memory. It needs no key and no server, and takes no lock, so it also
//! runs beside a server that writes; the head is read first, since the file only grows.

use std::fmt;
use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::path::Path;

use portwright_core::limits;
use serde::Serialize;

use super::beside;
use super::head::{self, Said};
use super::line::{self, Parsed};
use super::record::Link;

/// What an unbroken audit file holds. `Display` for people, `Serialize` for programs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Verified {
    /// Records in this file.
    pub records: u64,
    /// The first and the last record's number. The first is not 1 where an earlier file was moved away.
    pub first_seq: Option<u64>,
    pub last_seq: Option<u64>,
    /// The first and the last record's time, RFC 3339.
    pub first_ts: Option<String>,
    pub last_ts: Option<String>,
    /// Records that were lost within this file, by a crash or by someone; records in the chain tell of it.
    pub lost: u64,
    /// The lines of the records that tell so, the first few.
    pub lost_before: Vec<u64>,
    /// Bytes of half a record at the end: a crash, or a server at work.
    pub torn_bytes: u64,
    pub head: HeadState,
}

/// How file and head file go together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum HeadState {
    /// The file ends where the head says.
    Matches,
    /// The file goes on after it: a crash, or a server at work.
    Behind,
    /// There is none, so a cut tail can't be seen.
    Missing,
    /// It can't be read, so a cut tail can't be seen.
    Unreadable,
}

/// Breaks that are named one by one.
const BREAKS_MAX: usize = 32;

/// The first line that does not fit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, thiserror::Error)]
#[error("{}{what}", Place(*line))]
pub struct Broken {
    /// From 1; 0 where it is not about a line.
    pub line: u64,
    pub what: String,
}

struct Place(u64);

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0 == 0 { Ok(()) } else { write!(f, "line {}: ", self.0) }
    }
}

impl fmt::Display for Verified {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} records, unbroken", self.records)?;
        if let (Some(first), Some(last)) = (&self.first_ts, &self.last_ts) {
            write!(f, ", from {first} to {last}")?;
        }
        if let Some(first) = self.first_seq.filter(|first| *first > 1) {
            write!(f, "\nthe file begins with record {first}: the ones before it are in an earlier file")?;
        }
        if self.lost > 0 {
            write!(f, "\n{} records were lost before line", self.lost)?;
            for (at, line) in self.lost_before.iter().enumerate() {
                write!(f, "{}{line}", if at == 0 { " " } else { ", " })?;
            }
        }
        if self.torn_bytes > 0 {
            write!(f, "\n{} bytes of an unfinished record at the end", self.torn_bytes)?;
        }
        match self.head {
            HeadState::Matches => write!(f, "\nthe tail is whole: the head file tells of the last record"),
            HeadState::Behind => write!(f, "\nthe tail is whole: it goes on after the head file's record"),
            HeadState::Missing => write!(f, "\nthere is no head file, so a cut tail can't be seen"),
            HeadState::Unreadable => write!(f, "\nthe head file can't be read, so a cut tail can't be seen"),
        }
    }
}

/// Checks the whole chain of `file` against its head file.
pub fn verify(file: &Path) -> Result<Verified, Broken> {
    let head = head::read_at(&beside(file, ".head")).unwrap_or(Said::Nonsense);
    let mut chain = Chain::new(head);
    chain.read(file)?;
    chain.end()
}

impl Chain {
    /// Follows the chain through one file.
    pub(super) fn read(&mut self, file: &Path) -> Result<(), Broken> {
        let unreadable = |error: std::io::Error| Broken { line: 0, what: format!("the file can't be read: {error}") };
        super::store::refuse_irregular(file).map_err(unreadable)?;
        let mut lines = BufReader::new(File::open(file).map_err(unreadable)?);
        self.line = 0;
        let mut line = Vec::new();
        loop {
            line.clear();
            let most = limits::AUDIT_LINE_BYTES_MAX as u64;
            (&mut lines).take(most).read_until(b'\n', &mut line).map_err(unreadable)?;
            match line.strip_suffix(b"\n") {
                Some(whole) => self.follow(whole)?,
                None if line.is_empty() => return Ok(()),
                None if line.len() as u64 == most => return Err(self.broken("it is not an audit record")),
                None => self.torn_bytes = line.len() as u64,
            }
        }
    }
}

/// How far a chain was followed.
pub(super) struct Chain {
    head: Said,
    last: Link,
    /// Lines of this file.
    line: u64,
    records: u64,
    pub(super) retired_seq: Option<u64>,
    torn_bytes: u64,
    pub(super) first: Option<Parsed>,
    last_ts: Option<String>,
    lost: u64,
    lost_before: Vec<u64>,
}

impl Chain {
    pub(super) fn new(head: Said) -> Self {
        Self {
            head,
            last: Link::default(),
            line: 0,
            records: 0,
            retired_seq: None,
            torn_bytes: 0,
            first: None,
            last_ts: None,
            lost: 0,
            lost_before: Vec::new(),
        }
    }

    fn broken(&self, what: impl Into<String>) -> Broken {
        Broken { line: self.line + 1, what: what.into() }
    }

    fn follow(&mut self, line: &[u8]) -> Result<(), Broken> {
        let parsed = line::parse(line).map_err(|what| self.broken(what))?;
        let expected = self.last.seq + 1;
        let seq = parsed.link.seq;
        if seq != expected || parsed.prev != self.last.hash {
            let told = parsed.found == Some(self.last) && seq > self.last.seq;
            if !told {
                if self.line == 0 && self.records > 0 && seq > expected {
                    let last = seq - 1;
                    return Err(
                        self.broken(format!("before it, the file with records {expected} to {last} was taken away"))
                    );
                }
                return Err(self.broken(match seq {
                    _ if seq == expected => {
                        "the record does not follow the one before it: that one was changed".to_owned()
                    }
                    _ if seq > expected => format!(
                        "record {expected} should stand here, not {seq}: a record was dropped, or two were swapped"
                    ),
                    _ => format!("record {expected} should stand here, not {seq}: a record was inserted or moved"),
                }));
            }
            if self.records > 0 {
                self.lost += seq - expected;
                if self.lost_before.len() < BREAKS_MAX {
                    self.lost_before.push(self.line + 1);
                }
            }
        }
        if let Said::Last(head) = self.head
            && head.seq == seq
            && head.hash != parsed.link.hash
        {
            return Err(self.broken("the head file knows another record of this number: the file was rewritten"));
        }
        self.last = parsed.link;
        self.line += 1;
        self.records += 1;
        self.retired_seq = self.retired_seq.max(parsed.retired_seq);
        self.last_ts = Some(parsed.ts.clone());
        self.first.get_or_insert(parsed);
        Ok(())
    }

    pub(super) fn end(self) -> Result<Verified, Broken> {
        let head = match self.head {
            Said::Last(head) if head.seq > self.last.seq => {
                return Err(self.broken(format!(
                    "the tail was cut: the head file tells of record {}, the file ends with {}",
                    head.seq, self.last.seq
                )));
            }
            Said::Last(head) if head == self.last => HeadState::Matches,
            Said::Last(_) => HeadState::Behind,
            Said::Nothing if self.torn_bytes > 0 => {
                return Err(self.broken("the last line is unfinished, and there is no head file"));
            }
            Said::Nothing => HeadState::Missing,
            Said::Nonsense => HeadState::Unreadable,
        };
        Ok(Verified {
            records: self.records,
            first_seq: self.first.as_ref().map(|first| first.link.seq),
            last_seq: (self.records > 0).then_some(self.last.seq),
            first_ts: self.first.map(|first| first.ts),
            last_ts: self.last_ts,
            lost: self.lost,
            lost_before: self.lost_before,
            torn_bytes: self.torn_bytes,
            head,
        })
    }
}
