//! Search by content, with the crates of ripgrep: on all cores, and told in the order of the files.

use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Sender, channel, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use globset::GlobSet;
use grep_regex::{RegexMatcher, RegexMatcherBuilder};
use portwright_core::{Context, Refusal, limits};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::super::roots::{Folders, Spot, Stop};
use super::super::scope::Scope;
use super::super::walk::{Kind, Walk, Way, globs};
use super::gather::{Batch, Candidate, Gathered, Order, Results};
use super::matching::searcher;
use super::read_cursor;
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
    pub(super) matches: Vec<Matched>,
    pub(super) next: Option<String>,
    /// Files that could not be searched.
    pub(super) skipped: Option<usize>,
}

#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Matched {
    pub(super) path: String,
    pub(super) line: u64,
    pub(super) text: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) before: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) after: Vec<String>,
}

/// What is looked for, read.
pub(super) struct Task {
    pub(super) matcher: RegexMatcher,
    pub(super) files: Option<GlobSet>,
    pub(super) way: Way,
    pub(super) context: usize,
    pub(super) most: usize,
    pub(super) bytes_max: usize,
    /// The path and the line after which matches count.
    pub(super) after: Option<(PathBuf, u64)>,
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
    let top = &scope.folders.roots[spot.root].dir;
    if top.metadata(spot.beneath()).is_ok_and(|meta| !meta.is_dir()) {
        // It says why it can't be searched, where one of many is passed by.
        drop(scope.open(&spot)?);
        let batch = Batch { files: vec![Candidate { spot, below: PathBuf::new() }] };
        let results = batch.searched(scope, task, &mut searcher(task), stop, &AtomicBool::new(false));
        stop.check()?;
        let mut found = Gathered::default();
        found.take(scope, task, &batch, results);
        return Ok(found.end(0));
    }
    let mut way = task.way.clone();
    way.after = task.after.as_ref().map(|(path, _)| path.clone());
    let mut first = Vec::new();
    // The file where the page before ended may hold more.
    if let Some(below) = way.after.clone().filter(|below| !below.as_os_str().is_empty()) {
        let (_, real) = scope.dir(&spot)?;
        first.push(Candidate { spot: Spot { root: spot.root, rel: real.rel.join(&below) }, below });
    }
    let mut walk = Walk::begin(scope, &spot, &way, stop)?;
    let found = below(scope, task, &mut walk, first, stop)?;
    Ok(found.end(walk.unread))
}

/// Walks on this thread and searches on all cores. What is found is put together in the order of the files.
fn below(
    scope: &Scope,
    task: &Task,
    walk: &mut Walk<'_>,
    first: Vec<Candidate>,
    stop: &Stop,
) -> Result<Gathered, Refusal> {
    let cores = thread::available_parallelism().map_or(1, usize::from);
    let (give, work) = sync_channel::<(usize, Batch)>(cores * 2);
    let (answer, answers) = channel();
    let (work, full) = (Mutex::new(work), AtomicBool::new(false));
    let searching = |answer: Sender<(usize, Batch, Results)>| {
        let mut searcher = searcher(task);
        loop {
            let next = work.lock().unwrap_or_else(PoisonError::into_inner).recv();
            let Ok((at, batch)) = next else { break };
            let results = batch.searched(scope, task, &mut searcher, stop, &full);
            if answer.send((at, batch, results)).is_err() {
                break;
            }
        }
    };
    let mut order = Order::default();
    let walked = thread::scope(|threads| {
        for _ in 0..cores {
            let answer = answer.clone();
            threads.spawn(|| searching(answer));
        }
        drop(answer);
        let (mut batch, mut count) = (first, 0);
        let walked = loop {
            let met = match walk.next() {
                Ok(Some(met)) => met,
                Ok(None) => break Ok(()),
                Err(refusal) => break Err(refusal),
            };
            let wanted = met.kind == Kind::File && task.files.as_ref().is_none_or(|files| files.is_match(&met.below));
            if wanted {
                batch.push(Candidate { spot: Spot { root: walk.root(), rel: met.rel }, below: met.below });
            }
            if batch.len() == limits::SEARCH_BATCH {
                let files = std::mem::take(&mut batch);
                if give.send((count, Batch { files })).is_err() {
                    break Ok(());
                }
                count += 1;
                for answer in answers.try_iter() {
                    order.take(scope, task, answer, &full);
                }
                if full.load(Ordering::Relaxed) {
                    break Ok(());
                }
            }
        };
        if walked.is_ok() && !batch.is_empty() {
            let _ = give.send((count, Batch { files: batch }));
        }
        drop(give);
        for answer in &answers {
            order.take(scope, task, answer, &full);
        }
        walked
    });
    walked?;
    stop.check()?;
    Ok(order.found)
}
