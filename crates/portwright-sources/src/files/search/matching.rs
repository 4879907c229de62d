//! The search of one file.

use std::io::{self, Read};

use grep_matcher::Matcher;
use grep_regex::RegexMatcher;
use grep_searcher::{
    BinaryDetection, Searcher, SearcherBuilder, Sink, SinkContext, SinkContextKind, SinkError, SinkFinish, SinkMatch,
};
use portwright_core::limits;

use super::super::roots::Stop;
use super::super::scope::Scope;
use super::super::text::cut;
use super::content::{Matched, Task};
use super::gather::Candidate;

pub(super) fn searcher(task: &Task) -> Searcher {
    SearcherBuilder::new()
        .binary_detection(BinaryDetection::quit(0))
        .line_number(true)
        .before_context(task.context)
        .after_context(task.context)
        .heap_limit(Some(limits::SEARCH_LINE_BYTES_MAX))
        .build()
}

pub(super) fn one(
    scope: &Scope,
    task: &Task,
    file: &Candidate,
    searcher: &mut Searcher,
    stop: &Stop,
) -> Option<Vec<Matched>> {
    let opened = scope.open(&file.spot).ok()?;
    let skip = task.after.as_ref().filter(|(path, _)| *path == file.below).map_or(0, |(_, line)| *line);
    let mut sink =
        Page { task, path: opened.path, skip, matches: Vec::new(), before: Vec::new(), bytes: 0, binary: false };
    let source = Stopping { file: opened.file, stop };
    searcher.search_reader(&task.matcher, source, &mut sink).ok()?;
    (!sink.binary).then_some(sink.matches).or_else(|| Some(Vec::new()))
}

/// A file whose reading ends when the call does.
struct Stopping<'a> {
    file: std::fs::File,
    stop: &'a Stop,
}

impl Read for Stopping<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.stop.check().is_err() {
            return Err(io::ErrorKind::TimedOut.into());
        }
        self.file.read(buffer)
    }
}

/// The matches of one file.
struct Page<'a> {
    task: &'a Task,
    path: String,
    /// Matches up to and with this line were on the page before.
    skip: u64,
    matches: Vec<Matched>,
    before: Vec<String>,
    bytes: usize,
    binary: bool,
}

/// What makes the searcher stop.
#[derive(Debug)]
struct Broken;

impl SinkError for Broken {
    fn error_message<T: std::fmt::Display>(_: T) -> Self {
        Self
    }
}

impl Sink for Page<'_> {
    type Error = Broken;

    fn matched(&mut self, _: &Searcher, found: &SinkMatch<'_>) -> Result<bool, Broken> {
        let line = found.line_number().unwrap_or_default();
        let before = std::mem::take(&mut self.before);
        if line <= self.skip {
            return Ok(true);
        }
        let text = around(&self.task.matcher, found.bytes());
        let matched = Matched { path: self.path.clone(), line, text, before, after: Vec::new() };
        self.bytes += matched.bytes();
        self.matches.push(matched);
        // One more than a page tells that there is a next one.
        Ok(self.matches.len() <= self.task.most && self.bytes <= self.task.bytes_max * 2)
    }

    fn context(&mut self, _: &Searcher, found: &SinkContext<'_>) -> Result<bool, Broken> {
        let text = clipped(&String::from_utf8_lossy(found.bytes()), 0);
        match found.kind() {
            SinkContextKind::Before => self.before.push(text),
            SinkContextKind::After => {
                if let Some(last) = self.matches.last_mut() {
                    last.after.push(text);
                }
            }
            SinkContextKind::Other => {}
        }
        Ok(true)
    }

    fn finish(&mut self, _: &Searcher, finish: &SinkFinish) -> Result<(), Broken> {
        self.binary = finish.binary_byte_offset().is_some();
        Ok(())
    }
}

/// A line with its match in sight.
fn around(matcher: &RegexMatcher, line: &[u8]) -> String {
    let at = matcher.find(line).ok().flatten().map_or(0, |found| found.start());
    let before = String::from_utf8_lossy(&line[..at]).len();
    clipped(&String::from_utf8_lossy(line), before)
}

fn clipped(line: &str, at: usize) -> String {
    let line = line.trim_end_matches(['\n', '\r']);
    if line.len() <= limits::MATCH_LINE_BYTES_MAX {
        return line.to_owned();
    }
    let start = line.floor_char_boundary(at.saturating_sub(limits::MATCH_LINE_BYTES_MAX / 4));
    let kept = cut(&line[start..], limits::MATCH_LINE_BYTES_MAX);
    let (left, right) = (if start > 0 { "…" } else { "" }, if start + kept.len() < line.len() { "…" } else { "" });
    format!("{left}{kept}{right}")
}
