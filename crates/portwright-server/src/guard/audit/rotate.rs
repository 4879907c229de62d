//! Rotation: `audit.jsonl` is moved to a name with its time when it is large or old enough, and a new one goes on with the
//! chain. Old files are retired whole, oldest first, and only after a record of the chain says so.

use std::fs::{self, File};
use std::io::{self, BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use portwright_core::limits;

use super::end::End;
use super::line::{self, Parsed};

/// When a new file is begun, and how long old ones are kept. By default never, and for ever.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Rotation {
    /// A file of so many bytes is rotated before the next records.
    pub size_bytes: Option<u64>,
    /// A file whose first record is so old is rotated before the next records.
    pub every: Option<Duration>,
    /// Old files are retired when their last record is so old.
    pub keep: Option<Duration>,
    /// Most old files; the oldest are retired.
    pub keep_files: Option<usize>,
}

impl Rotation {
    /// Whether a file of that length, begun at that time, is due.
    pub(super) fn is_due(&self, len: u64, began: Option<SystemTime>, now: SystemTime) -> bool {
        let age = began.and_then(|began| now.duration_since(began).ok());
        len > 0
            && (self.size_bytes.is_some_and(|most| len >= most)
                || self.every.is_some_and(|every| age.is_some_and(|age| age >= every)))
    }

    /// Those of the old files that have had their time, oldest first: never one while an older one stays.
    /// The one that is about to be rotated counts as one of them, and is not among them.
    pub(super) fn retired<'a>(&self, old: &'a [Old], now: SystemTime) -> &'a [Old] {
        if old.iter().any(|old| old.first_seq == u64::MAX) {
            return &[];
        }
        let too_many = self.keep_files.map_or(0, |keep| (old.len() + 1).saturating_sub(keep).min(old.len()));
        let too_old = self.keep.map_or(0, |keep| {
            let is_old = |old: &Old| now.duration_since(old.modified).is_ok_and(|age| age >= keep);
            old.iter().take_while(|old| is_old(old)).count()
        });
        &old[..too_many.max(too_old)]
    }
}

/// A file of the trail that is no longer written to.
#[derive(Debug, Clone)]
pub(super) struct Old {
    pub(super) path: PathBuf,
    pub(super) first_seq: u64,
    modified: SystemTime,
}

/// The old files of `file`'s trail, in the order of the chain. One whose first line is no record comes last: nothing is
/// known of its place.
pub(super) fn old_files(file: &Path) -> io::Result<Vec<Old>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder(file))? {
        let entry = entry?;
        let path = entry.path();
        let metadata = entry.metadata()?;
        if metadata.is_file() && is_old_of(&path, file) {
            let first_seq = first_line(&path)?.map_or(u64::MAX, |first| first.link.seq);
            found.push(Old { path, first_seq, modified: metadata.modified()? });
        }
    }
    found.sort_by(|one, other| (one.first_seq, &one.path).cmp(&(other.first_seq, &other.path)));
    Ok(found)
}

/// The files of a trail in the order of the chain: the old ones, then `file` itself.
pub fn files_of(file: &Path) -> io::Result<Vec<PathBuf>> {
    let mut files: Vec<_> = old_files(file)?.into_iter().map(|old| old.path).collect();
    files.push(file.to_owned());
    Ok(files)
}

/// The name that a file gets when it is rotated: `audit.jsonl` → `audit-2026-11-23T105502.123456Z.jsonl`.
pub(super) fn old_name(file: &Path, now: SystemTime) -> PathBuf {
    let time = format!("{:.6}", super::record::timestamp(now)).replace(':', "");
    let mut name = file.file_stem().unwrap_or_default().to_owned();
    name.push(format!("-{time}"));
    if let Some(extension) = file.extension() {
        name.push(".");
        name.push(extension);
    }
    file.with_file_name(name)
}

/// Whether that is the name of a file that was rotated away from `file`.
fn is_old_of(path: &Path, file: &Path) -> bool {
    let stem = |path: &Path| path.file_stem().and_then(|stem| stem.to_str()).map(str::to_owned);
    let (Some(own), Some(stem)) = (stem(path), stem(file)) else { return false };
    path.extension() == file.extension()
        && own.strip_prefix(&stem).and_then(|rest| rest.strip_prefix('-')).is_some_and(is_time)
}

/// Whether a file has the name of one that was rotated away.
pub(super) fn is_old(path: &Path) -> bool {
    const TIME_BYTES: usize = "2026-11-23T105502.123456Z".len();
    let stem = path.file_stem().and_then(|stem| stem.to_str()).unwrap_or_default();
    let at = stem.len().checked_sub(TIME_BYTES);
    at.and_then(|at| stem.get(at..)).is_some_and(is_time)
        && at.and_then(|at| stem.get(..at)).is_some_and(|head| head.ends_with('-'))
}

fn is_time(text: &str) -> bool {
    const SHAPE: &str = "0000-00-00T000000.000000Z";
    let fits = |(letter, shape): (u8, u8)| if shape == b'0' { letter.is_ascii_digit() } else { letter == shape };
    text.len() == SHAPE.len() && text.bytes().zip(SHAPE.bytes()).all(fits)
}

/// The number of a file's last record; none where it can't be read.
pub(super) fn last_seq(path: &Path) -> Option<u64> {
    let end = End::read(&mut File::open(path).ok()?).ok()?;
    end.last().ok().map(|last| last.seq)
}

/// The first record of a file; none where there is none that can be read.
pub(super) fn first_line(path: &Path) -> io::Result<Option<Parsed>> {
    let mut bytes = Vec::new();
    BufReader::new(File::open(path)?.take(limits::AUDIT_LINE_BYTES_MAX as u64)).read_until(b'\n', &mut bytes)?;
    Ok(bytes.strip_suffix(b"\n").and_then(|line| line::parse(line).ok()))
}

pub(super) fn folder(file: &Path) -> &Path {
    file.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}
