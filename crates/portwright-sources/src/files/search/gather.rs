//! Files are searched in batches, and what is found in them is put together in their order.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};

use grep_searcher::Searcher;

use super::super::roots::{Spot, Stop};
use super::super::scope::Scope;
use super::content::{ContentFound, Matched, Task};
use super::cursor;
use super::matching::one;

/// A file to be searched.
pub(super) struct Candidate {
    pub(super) spot: Spot,
    pub(super) below: PathBuf,
}

/// Files that are searched one after the other.
pub(super) struct Batch {
    pub(super) files: Vec<Candidate>,
}

/// The matches of each file; none for one that could not be searched.
pub(super) type Results = Vec<Option<Vec<Matched>>>;

impl Batch {
    /// As many files as fill a page, or all.
    pub(super) fn searched(
        &self,
        scope: &Scope,
        task: &Task,
        searcher: &mut Searcher,
        stop: &Stop,
        full: &AtomicBool,
    ) -> Results {
        let (mut results, mut matches, mut bytes) = (Vec::with_capacity(self.files.len()), 0, 0);
        for file in &self.files {
            if matches > task.most || bytes > task.bytes_max || full.load(Ordering::Relaxed) || stop.check().is_err() {
                break;
            }
            let found = one(scope, task, file, searcher, stop);
            matches += found.as_ref().map_or(0, Vec::len);
            bytes += found.iter().flatten().map(Matched::bytes).sum::<usize>();
            results.push(found);
        }
        results
    }
}

impl Matched {
    pub(super) fn bytes(&self) -> usize {
        self.text.len() + self.path.len() + self.before.iter().chain(&self.after).map(String::len).sum::<usize>()
    }
}

/// Batches come as they are done, and count in their order.
#[derive(Default)]
pub(super) struct Order {
    next: usize,
    waiting: BTreeMap<usize, (Batch, Results)>,
    pub(super) found: Gathered,
}

impl Order {
    pub(super) fn take(
        &mut self,
        scope: &Scope,
        task: &Task,
        (at, batch, results): (usize, Batch, Results),
        full: &AtomicBool,
    ) {
        self.waiting.insert(at, (batch, results));
        while let Some((batch, results)) = self.waiting.remove(&self.next) {
            self.next += 1;
            if self.found.take(scope, task, &batch, results) {
                full.store(true, Ordering::Relaxed);
            }
        }
    }
}

/// What was found so far, in order.
#[derive(Default)]
pub(super) struct Gathered {
    matches: Vec<Matched>,
    next: Option<String>,
    bytes: usize,
    skipped: usize,
}

impl Gathered {
    pub(super) fn end(self, unread: usize) -> ContentFound {
        let skipped = Some(self.skipped + unread).filter(|count| *count > 0);
        ContentFound { matches: self.matches, next: self.next, skipped }
    }

    /// Keeps what fits on the page. True: it is full.
    pub(super) fn take(&mut self, scope: &Scope, task: &Task, batch: &Batch, results: Results) -> bool {
        if self.next.is_some() {
            return true;
        }
        for (candidate, result) in batch.files.iter().zip(results) {
            let Some(matches) = result else {
                self.skipped += 1;
                continue;
            };
            for matched in matches {
                let bytes = matched.bytes();
                if self.matches.len() == task.most || (self.bytes + bytes > task.bytes_max && self.bytes > 0) {
                    // The page ends at its last match, or before this file.
                    let shown = scope.shown(&candidate.spot);
                    let line = self.matches.last().filter(|last| last.path == shown).map_or(0, |last| last.line);
                    self.next = Some(cursor(&candidate.below, Some(line)));
                    return true;
                }
                self.bytes += bytes;
                self.matches.push(matched);
            }
        }
        false
    }
}
