//! Search by name, and by content.

mod content;
mod gather;
mod matching;
mod names;

use std::path::PathBuf;

use portwright_core::Refusal;

pub(super) use content::content;
pub(super) use names::names;

/// Where a page ended: a path below the start, and for contents the line.
fn cursor(below: &std::path::Path, line: Option<u64>) -> String {
    let path = below.display();
    line.map_or_else(|| path.to_string(), |line| format!("{path}:{line}"))
}

fn read_cursor(text: &str, with_line: bool) -> Result<(PathBuf, u64), Refusal> {
    if !with_line {
        return Ok((PathBuf::from(text), 0));
    }
    let read = text.rsplit_once(':').and_then(|(path, line)| Some((PathBuf::from(path), line.parse().ok()?)));
    read.ok_or_else(|| Refusal::invalid("`cursor` is not one that this tool gave; leave it out to begin anew"))
}
