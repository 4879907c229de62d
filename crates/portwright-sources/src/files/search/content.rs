//! Search by content, with the crates of ripgrep: files in the order of their names, on all cores, a round at a time.

use std::io::{self, Read};
use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use globset::GlobSet;
use grep_regex::{RegexMatcher, RegexMatcherBuilder};
use grep_searcher::{
    BinaryDetection, Searcher, SearcherBuilder, Sink, SinkContext, SinkContextKind, SinkError, SinkFinish, SinkMatch,
};
use portwright_core::{Context, Refusal, limits};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::super::roots::{Folders, Spot, Stop};
use super::super::scope::Scope;
use super::super::text::cut;
use super::super::walk::{Kind, Walk, Way, globs};
use super::{cursor, read_cursor};
use crate::shared::own::Answer;

#[derive(Debug, Deserialize, JsonSchema)]
pub(in super::super) struct SearchContent {
    /// Folder or file
    path: String,
    /// Text to find
    query: String,
    /// `query` is a regular expression
    #[serde(default)]
    is_regex: bool,
    /// Case makes no difference
    #[serde(default)]
    ignore_case: bool,
    /// Globs of files to search
    #[serde(default)]
    pattern: Option<String>,
    /// Globs to leave out
    #[serde(default, rename = "excludePatterns")]
    exclude_patterns: Vec<String>,
    /// Lines around each match
    #[serde(default)]
    #[schemars(range(max = 20))]
    context: usize,
    /// Also what .gitignore leaves out
    #[serde(default)]
    ignored: bool,
    /// Most matches
    #[serde(default)]
    #[schemars(range(min = 1, max = 2000))]
    limit: Option<usize>,
    /// `next` of the page before
    #[serde(default)]
    cursor: Option<String>,
}

#[derive(Debug, Serialize, JsonSchema)]
pub(in super::super) struct ContentFound {
    matches: Vec<Matched>,
    next: Option<String>,
    /// Files that could not be searched.
    skipped: Option<usize>,
}

#[derive(Debug, Serialize, JsonSchema)]
struct Matched {
    path: String,
    line: u64,
    text: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    before: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    after: Vec<String>,
}

/// What is looked for, read.
struct Task {
    matcher: RegexMatcher,
    files: Option<GlobSet>,
    way: Way,
    context: usize,
    most: usize,
    bytes_max: usize,
    /// The path and the line after which matches count.
    after: Option<(PathBuf, u64)>,
}

pub(in super::super) async fn content(
    folders: Arc<Folders>,
    wanted: SearchContent,
    cx: Context,
) -> Result<Answer<ContentFound>, Refusal> {
    let scope = Scope::of(&folders, &cx).await?;
    let mut task = task(&wanted)?;
    task.bytes_max = folders.plan.bytes_max;
    let found = folders.work(&cx, move |stop| search(&scope, &wanted.path, &task, stop)).await?;
    let mut lines: Vec<_> = found.matches.iter().map(told).collect();
    if lines.is_empty() {
        lines.push("(nothing found)".to_owned());
    }
    if let Some(next) = &found.next {
        cx.note(|trail| trail.truncated = true);
        lines.push(format!("[more follows: go on with cursor {next}]"));
    }
    Ok(Answer::told(found, lines.join("\n")))
}

fn told(one: &Matched) -> String {
    let Matched { path, line, text, before, after } = one;
    let around = |lines: &[String]| lines.iter().flat_map(|text| ["  ", text, "\n"]).collect::<String>();
    format!("{}{path}:{line}:{text}\n{}", around(before), around(after)).trim_end_matches('\n').to_owned()
}

fn task(wanted: &SearchContent) -> Result<Task, Refusal> {
    if wanted.query.is_empty() {
        return Err(Refusal::invalid("`query` is empty; write what to look for"));
    }
    let matcher = RegexMatcherBuilder::new()
        .fixed_strings(!wanted.is_regex)
        .case_insensitive(wanted.ignore_case)
        .multi_line(true)
        .size_limit(limits::GREP_PATTERN_BYTES_MAX)
        .line_terminator(Some(b'\n'))
        .build(&wanted.query)
        .map_err(|error| {
            Refusal::invalid(format!("`query` can't be searched for: {error}; without is_regex it is taken as it is"))
        })?;
    let after = wanted.cursor.as_deref().map(|text| read_cursor(text, true)).transpose()?;
    let way = Way {
        ignored: wanted.ignored,
        exclude: globs(&wanted.exclude_patterns, "excludePatterns")?,
        after: None,
        depth: None,
    };
    Ok(Task {
        matcher,
        files: wanted.pattern.as_ref().map(|one| globs(std::slice::from_ref(one), "pattern")).transpose()?,
        way,
        context: wanted.context.min(limits::MATCH_CONTEXT_MAX),
        most: wanted.limit.unwrap_or(limits::MATCHES_MAX).min(limits::MATCHES_CEILING),
        bytes_max: 0,
        after,
    })
}

fn search(scope: &Scope, path: &str, task: &Task, stop: &Stop) -> Result<ContentFound, Refusal> {
    let spot = scope.spot(path)?;
    let mut found =
        Gathered { found: ContentFound { matches: Vec::new(), next: None, skipped: None }, bytes: 0, skipped: 0 };
    let top = &scope.folders.roots[spot.root].dir;
    if top.metadata(spot.beneath()).is_ok_and(|meta| !meta.is_dir()) {
        let opened = scope.open(&spot)?;
        let one = Candidate { spot, below: PathBuf::new() };
        drop(opened);
        found.take(scope, task, &[one], stop)?;
        return Ok(found.end());
    }
    let mut way = task.way.clone();
    // The file where the page before ended may hold more.
    way.after = task.after.as_ref().map(|(path, _)| path.clone());
    let reopened = way.after.take().filter(|below| !below.as_os_str().is_empty());
    let mut first = Vec::new();
    if let Some(below) = &reopened {
        let (_, real) = scope.dir(&spot)?;
        first.push(Candidate { spot: Spot { root: spot.root, rel: real.rel.join(below) }, below: below.clone() });
        way.after = Some(below.clone());
    }
    let mut walk = Walk::begin(scope, &spot, &way, stop)?;
    let mut round = first;
    loop {
        let met = walk.next()?;
        let over = met.is_none();
        if let Some(met) = met.filter(|met| met.kind == Kind::File)
            && task.files.as_ref().is_none_or(|files| files.is_match(&met.below))
        {
            round.push(Candidate { spot: Spot { root: spot.root, rel: met.rel }, below: met.below });
        }
        if over || round.len() >= limits::SEARCH_ROUND {
            let full = found.take(scope, task, &round, stop)?;
            round.clear();
            if over || full {
                break;
            }
        }
    }
    found.skipped += walk.unread;
    Ok(found.end())
}

/// A file to be searched.
struct Candidate {
    spot: Spot,
    below: PathBuf,
}

/// What was found so far, in order.
struct Gathered {
    found: ContentFound,
    bytes: usize,
    skipped: usize,
}

impl Gathered {
    fn end(mut self) -> ContentFound {
        self.found.skipped = Some(self.skipped).filter(|count| *count > 0);
        self.found
    }

    /// Searches a round of files on all cores and keeps what it found, in the order of the files. True: the page is full.
    fn take(&mut self, scope: &Scope, task: &Task, round: &[Candidate], stop: &Stop) -> Result<bool, Refusal> {
        let results = all(scope, task, round, stop);
        stop.check()?;
        for (candidate, result) in round.iter().zip(results) {
            let Some(matches) = result else {
                self.skipped += 1;
                continue;
            };
            for matched in matches {
                let bytes = matched.text.len()
                    + matched.path.len()
                    + matched.before.iter().chain(&matched.after).map(String::len).sum::<usize>();
                let full =
                    self.found.matches.len() == task.most || (self.bytes + bytes > task.bytes_max && self.bytes > 0);
                if full {
                    // The last that was kept may be of a file before.
                    let last = self.last(scope, round, candidate);
                    self.found.next = Some(last);
                    return Ok(true);
                }
                self.bytes += bytes;
                self.found.matches.push(matched);
            }
        }
        Ok(false)
    }

    /// Where the page ends: at its last match, or at the beginning of the file that did not fit any more.
    fn last(&self, scope: &Scope, round: &[Candidate], candidate: &Candidate) -> String {
        let shown = scope.shown(&candidate.spot);
        match self.found.matches.last() {
            Some(last) if last.path == shown => cursor(&candidate.below, Some(last.line)),
            Some(last) => {
                let before = round.iter().find(|one| scope.shown(&one.spot) == last.path);
                before.map_or_else(|| cursor(&candidate.below, Some(0)), |one| cursor(&one.below, Some(last.line)))
            }
            None => cursor(&candidate.below, Some(0)),
        }
    }
}

/// The matches of each file; none for one that could not be searched.
fn all(scope: &Scope, task: &Task, round: &[Candidate], stop: &Stop) -> Vec<Option<Vec<Matched>>> {
    let cores = thread::available_parallelism().map_or(1, usize::from).min(round.len().div_ceil(16)).max(1);
    let (next, enough) = (AtomicUsize::new(0), AtomicUsize::new(0));
    let results = Mutex::new(Vec::with_capacity(round.len()));
    let work = || {
        let mut searcher = searcher(task);
        let mut own = Vec::new();
        loop {
            let at = next.fetch_add(1, Ordering::Relaxed);
            // More than a page of matches in the files before: what follows is the next page's.
            if at >= round.len() || enough.load(Ordering::Relaxed) > task.most || stop.check().is_err() {
                break;
            }
            let found = one(scope, task, &round[at], &mut searcher, stop);
            enough.fetch_add(found.as_ref().map_or(0, Vec::len), Ordering::Relaxed);
            own.push((at, found));
        }
        results.lock().unwrap_or_else(PoisonError::into_inner).append(&mut own);
    };
    if cores == 1 {
        work();
    } else {
        thread::scope(|scope| (0..cores).for_each(|_| _ = scope.spawn(work)));
    }
    let mut results = results.into_inner().unwrap_or_else(PoisonError::into_inner);
    results.sort_unstable_by_key(|(at, _)| *at);
    // Without the files that nobody came to.
    results.into_iter().map(|(_, found)| found).collect()
}

fn searcher(task: &Task) -> Searcher {
    SearcherBuilder::new()
        .binary_detection(BinaryDetection::quit(0))
        .line_number(true)
        .before_context(task.context)
        .after_context(task.context)
        .heap_limit(Some(limits::SEARCH_LINE_BYTES_MAX))
        .build()
}

fn one(scope: &Scope, task: &Task, file: &Candidate, searcher: &mut Searcher, stop: &Stop) -> Option<Vec<Matched>> {
    let opened = scope.open(&file.spot).ok()?;
    let skip = task.after.as_ref().filter(|(path, _)| *path == file.below).map_or(0, |(_, line)| *line);
    let sink = Page { task, path: opened.path, skip, matches: Vec::new(), before: Vec::new(), binary: false };
    let mut sink = sink;
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
        self.matches.push(Matched { path: self.path.clone(), line, text, before, after: Vec::new() });
        // One more than a page tells that there is a next one.
        Ok(self.matches.len() <= self.task.most)
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
    use grep_matcher::Matcher;
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
