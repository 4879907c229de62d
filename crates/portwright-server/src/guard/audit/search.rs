//! Looking for records: which are wanted, and the latest of them, read from the end of the trail backwards.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::Path;

use globset::GlobMatcher;
use jiff::Timestamp;
use portwright_core::limits;
use serde_json::{Map, Value};

use super::rotate::{files_of, first_line};

/// One record.
pub type Record = Map<String, Value>;

/// Which records are wanted. All of what is given must hold.
#[derive(Debug, Clone, Default)]
pub struct Wanted {
    /// Who called.
    pub principal: Option<String>,
    /// How they proved it.
    pub auth: Option<String>,
    /// The tool, prompt or URI.
    pub name: Option<GlobMatcher>,
    pub source: Option<String>,
    pub operation: Option<String>,
    pub outcome: Option<String>,
    pub flag: Option<String>,
    /// One call's.
    pub id: Option<String>,
    /// Not older than this.
    pub since: Option<Timestamp>,
    /// Older than this.
    pub until: Option<Timestamp>,
    /// Somewhere in the line, whatever the case of its letters; in lower case.
    pub text: Option<String>,
}

impl Wanted {
    /// Whether it is one of them.
    pub fn holds(&self, record: &Record) -> bool {
        let is = |key: &str, wanted: &Option<String>| {
            wanted.as_ref().is_none_or(|wanted| record.get(key).and_then(Value::as_str) == Some(wanted))
        };
        let named = |glob: &GlobMatcher| record.get("name").and_then(Value::as_str).is_some_and(|it| glob.is_match(it));
        let flagged = |flag: &String| {
            let flags = record.get("flags").and_then(Value::as_array);
            flags.is_some_and(|flags| flags.iter().any(|it| it.as_str() == Some(flag)))
        };
        is("principal", &self.principal)
            && is("auth", &self.auth)
            && is("source", &self.source)
            && is("operation", &self.operation)
            && is("outcome", &self.outcome)
            && is("id", &self.id)
            && self.name.as_ref().is_none_or(named)
            && self.flag.as_ref().is_none_or(flagged)
            && self.in_time(record)
    }

    fn in_time(&self, record: &Record) -> bool {
        if self.since.is_none() && self.until.is_none() {
            return true;
        }
        let at = record.get("ts").and_then(Value::as_str).and_then(|text| text.parse::<Timestamp>().ok());
        at.is_some_and(|at| self.since.is_none_or(|since| at >= since) && self.until.is_none_or(|until| at < until))
    }

    /// Whether older records can't be wanted any more.
    fn is_behind(&self, record: &Record) -> bool {
        let Some(since) = self.since else { return false };
        let at = record.get("ts").and_then(Value::as_str).and_then(|text| text.parse::<Timestamp>().ok());
        at.is_some_and(|at| at < since)
    }

    fn may_be(&self, line: &[u8]) -> bool {
        let Some(text) = &self.text else { return true };
        String::from_utf8_lossy(line).to_lowercase().contains(text)
    }
}

/// A place in the trail: a file, by the number of its first record, and what of it lies before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Before {
    file: u64,
    bytes: u64,
}

impl Before {
    /// Reads what [`Display`](std::fmt::Display) wrote.
    pub fn read(text: &str) -> Option<Self> {
        let (file, bytes) = text.split_once('.')?;
        Some(Self { file: file.parse().ok()?, bytes: bytes.parse().ok()? })
    }
}

impl std::fmt::Display for Before {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}.{}", self.file, self.bytes)
    }
}

/// What was found.
#[derive(Debug, Default)]
pub struct Found {
    /// The latest first.
    pub records: Vec<Record>,
    /// Where to go on; none at the start of the trail.
    pub more: Option<Before>,
}

/// The latest `most` records that are wanted, from `before` on backwards. Looks at no more than
/// [`limits::AUDIT_SEARCH_BYTES_MAX`].
pub fn latest(trail: &Path, wanted: &Wanted, before: Option<Before>, most: usize) -> io::Result<Found> {
    let mut found = Found::default();
    let mut budget = limits::AUDIT_SEARCH_BYTES_MAX;
    let mut before = before;
    for path in files_of(trail)?.iter().rev() {
        let first = first_line(path)?.map_or(u64::MAX, |first| first.link.seq);
        if before.is_some_and(|before| before.file != first) {
            continue;
        }
        let file = File::open(path)?;
        let length = file.metadata()?.len();
        let end = before.take().map_or(length, |before| before.bytes.min(length));
        let mut lines = Backwards { file, at: end, kept: Vec::new() };
        loop {
            if found.records.len() >= most || budget == 0 {
                found.more = Some(Before { file: first, bytes: lines.end() });
                return Ok(found);
            }
            let Some(line) = lines.next()? else { break };
            budget = budget.saturating_sub(line.len() as u64 + 1);
            let record = Some(&line).filter(|line| wanted.may_be(line));
            let Some(record) = record.and_then(|line| serde_json::from_slice::<Record>(line).ok()) else { continue };
            if wanted.is_behind(&record) {
                return Ok(found);
            }
            if wanted.holds(&record) {
                found.records.push(record);
            }
        }
    }
    Ok(found)
}

/// The lines of a file, the last first.
struct Backwards {
    file: File,
    /// What lies before has not been read.
    at: u64,
    /// What was read and not given yet: whole lines, and behind the first of them what may be the end of one.
    kept: Vec<u8>,
}

impl Backwards {
    /// What of the file has not been given.
    fn end(&self) -> u64 {
        self.at + self.kept.len() as u64
    }

    fn next(&mut self) -> io::Result<Option<Vec<u8>>> {
        loop {
            if self.kept.last() == Some(&b'\n') {
                self.kept.pop();
            }
            if let Some(end) = self.kept.iter().rposition(|byte| *byte == b'\n') {
                return Ok(Some(self.kept.split_off(end + 1)));
            }
            if self.at == 0 {
                let last = std::mem::take(&mut self.kept);
                return Ok((!last.is_empty()).then_some(last));
            }
            if self.kept.len() > limits::AUDIT_LINE_BYTES_MAX {
                return Err(io::Error::other("a line is longer than any audit record"));
            }
            self.read_on()?;
        }
    }

    fn read_on(&mut self) -> io::Result<()> {
        let size = self.at.min(limits::AUDIT_SEARCH_READ_BYTES);
        self.at -= size;
        self.file.seek(SeekFrom::Start(self.at))?;
        let mut more = Vec::with_capacity(usize::try_from(size).unwrap_or_default() + self.kept.len());
        (&mut self.file).take(size).read_to_end(&mut more)?;
        more.append(&mut self.kept);
        self.kept = more;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::fmt::Write as _;

    use super::{Before, Wanted, latest};

    fn trail(count: u64) -> (tempfile::TempDir, std::path::PathBuf) {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("audit.jsonl");
        let mut text = String::new();
        for seq in 1..=count {
            let who = if seq % 3 == 0 { "ada" } else { "bob" };
            let day = 1 + seq % 28;
            let _ = writeln!(
                text,
                "{{\"seq\":{seq},\"ts\":\"2026-01-{day:02}T00:00:00Z\",\"principal\":\"{who}\",\"name\":\"{}\",\"prev\":\"{}\",\"hash\":\"{}\"}}",
                "x".repeat(usize::try_from(seq % 900).expect("small")),
                "0".repeat(64),
                "0".repeat(64),
            );
        }
        std::fs::write(&file, text).expect("written");
        (folder, file)
    }

    #[test]
    fn pages_go_backwards_and_miss_nothing() {
        let (_folder, file) = trail(1_000);
        let wanted = Wanted { principal: Some("ada".to_owned()), ..Wanted::default() };
        let (mut seen, mut before) = (Vec::new(), None);
        loop {
            let found = latest(&file, &wanted, before, 7).expect("read");
            assert!(found.records.len() <= 7);
            seen.extend(found.records.iter().map(|record| record["seq"].as_u64().expect("a number")));
            let Some(more) = found.more else { break };
            assert_eq!(Before::read(&more.to_string()), Some(more));
            before = Some(more);
        }
        let all: Vec<u64> = (1..=1_000).rev().filter(|seq| seq % 3 == 0).collect();
        assert_eq!(seen, all);
    }

    #[test]
    fn a_line_that_is_still_written_is_left_out() {
        let (_folder, file) = trail(3);
        let text = std::fs::read_to_string(&file).expect("read") + "{\"seq\":4,\"ts\":";
        std::fs::write(&file, text).expect("written");
        let found = latest(&file, &Wanted::default(), None, 10).expect("read");
        assert_eq!(found.records.len(), 3);
        assert!(found.more.is_none());
        let text = Wanted { text: Some("\"seq\":2".to_owned()), ..Wanted::default() };
        assert_eq!(latest(&file, &text, None, 10).expect("read").records.len(), 1);
    }
}
