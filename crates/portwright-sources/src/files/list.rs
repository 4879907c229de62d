//! What is in a folder.

use std::path::Path;
use std::sync::Arc;
use std::time::SystemTime;

use cap_std::fs::Dir;
use jiff::Timestamp;
use portwright_core::{ByteSize, Context, Refusal, limits};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::roots::{Folders, Stop};
use super::scope::Scope;
use super::walk::Kind;
use super::words;
use crate::shared::own::Answer;

#[derive(Debug, Deserialize, JsonSchema)]
pub(super) struct ListDirectory {
    /// Folder
    path: String,
    /// Order
    #[serde(default, rename = "sortBy")]
    sort_by: Sort,
    /// Most entries
    #[serde(default)]
    #[schemars(range(min = 1, max = 5000))]
    limit: Option<usize>,
    /// `next` of the page before
    #[serde(default)]
    cursor: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
enum Sort {
    #[default]
    Name,
    Size,
    Modified,
}

#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Listed {
    path: String,
    entries: Vec<Entry>,
    next: Option<String>,
}

#[derive(Debug, Serialize, JsonSchema)]
struct Entry {
    name: String,
    #[serde(rename = "type")]
    kind: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    size: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    modified: Option<String>,
}

pub(super) async fn list(folders: Arc<Folders>, wanted: ListDirectory, cx: Context) -> Result<Answer<Listed>, Refusal> {
    let scope = Scope::of(&folders, &cx).await?;
    let bytes_max = folders.plan.bytes_max;
    let listed = folders.work(&cx, move |stop| page(&scope, &wanted, bytes_max, stop)).await?;
    if listed.next.is_some() {
        cx.note(|trail| trail.truncated = true);
    }
    let text = told(&listed);
    Ok(Answer::told(listed, text))
}

fn told(listed: &Listed) -> String {
    let line = |entry: &Entry| {
        let mark = match entry.kind {
            "directory" => "/",
            "symlink" => " (symlink)",
            "other" => " (not a file)",
            _ => "",
        };
        let size = entry.size.map(|size| format!("  {}", ByteSize(size))).unwrap_or_default();
        format!("{}{mark}{size}", entry.name)
    };
    let mut lines: Vec<_> = listed.entries.iter().map(line).collect();
    if lines.is_empty() {
        lines.push("(empty)".to_owned());
    }
    if let Some(next) = &listed.next {
        lines.push(format!("[more follows: go on with cursor {next}]"));
    }
    lines.join("\n")
}

fn page(scope: &Scope, wanted: &ListDirectory, bytes_max: usize, stop: &Stop) -> Result<Listed, Refusal> {
    let spot = scope.spot(&wanted.path)?;
    let path = scope.shown(&spot);
    let (dir, real) = scope.dir(&spot)?;
    let entries = dir.entries().map_err(|error| words::refuse(error, &path))?;
    let exclude = &scope.folders.plan.exclude;
    let mut names: Vec<(String, Kind)> = Vec::new();
    for entry in entries.take(limits::FOLDER_NAMES_MAX) {
        let Ok(entry) = entry else { continue };
        let name = entry.file_name();
        if !exclude.fits_here(&real.rel.join(&name)) {
            let kind = entry.file_type().map_or(Kind::Other, Kind::of);
            names.push((name.to_string_lossy().into_owned(), kind));
        }
    }
    stop.check()?;
    let limit = wanted.limit.unwrap_or(limits::ENTRIES_MAX).clamp(1, limits::ENTRIES_CEILING);
    let wrong = || Refusal::invalid("`cursor` is not one that this tool gave; leave it out to begin anew");
    names.sort_unstable();
    let (mut entries, rest) = if wanted.sort_by == Sort::Name {
        if let Some(cursor) = &wanted.cursor {
            let after = cursor.strip_prefix("after:").ok_or_else(wrong)?;
            names.drain(..names.partition_point(|(name, _)| name.as_str() <= after));
        }
        let rest = names.split_off(limit.min(names.len()));
        (names.iter().map(|(name, kind)| entry(&dir, name, *kind)).collect::<Vec<_>>(), rest.len())
    } else {
        let skip = match &wanted.cursor {
            None => 0,
            Some(cursor) => cursor.strip_prefix("at:").and_then(|at| at.parse::<usize>().ok()).ok_or_else(wrong)?,
        };
        let mut all: Vec<_> = names.iter().map(|(name, kind)| entry(&dir, name, *kind)).collect();
        match wanted.sort_by {
            Sort::Size => all.sort_by_key(|entry| std::cmp::Reverse(entry.size)),
            _ => all.sort_by(|left, right| right.modified.cmp(&left.modified)),
        }
        let page: Vec<_> = all.into_iter().skip(skip).collect();
        let rest = page.len().saturating_sub(limit);
        (page.into_iter().take(limit).collect(), rest)
    };
    // An entry's other members take some fifty bytes.
    let mut bytes = 0;
    let fits = entries.iter().take_while(|entry| {
        bytes += entry.name.len() + 64;
        bytes <= bytes_max
    });
    let fits = fits.count().max(1);
    let cut = entries.len() > fits;
    entries.truncate(fits);
    let next = (rest > 0 || cut).then(|| {
        if wanted.sort_by == Sort::Name {
            return format!("after:{}", entries.last().map(|entry| entry.name.as_str()).unwrap_or_default());
        }
        let before = wanted.cursor.as_deref().and_then(|at| at.strip_prefix("at:")?.parse().ok()).unwrap_or(0);
        format!("at:{}", before + entries.len())
    });
    Ok(Listed { path, entries, next })
}

fn entry(dir: &Dir, name: &str, kind: Kind) -> Entry {
    let meta = dir.symlink_metadata(Path::new(name)).ok();
    let size = meta.as_ref().filter(|_| kind == Kind::File).map(cap_std::fs::Metadata::len);
    let modified = meta.and_then(|meta| meta.modified().ok()).map(cap_std::time::SystemTime::into_std);
    Entry { name: name.to_owned(), kind: kind.as_str(), size, modified: modified.and_then(rfc3339) }
}

/// As RFC 3339 writes it, to the second.
pub(super) fn rfc3339(time: SystemTime) -> Option<String> {
    let time = Timestamp::try_from(time).ok()?;
    Timestamp::from_second(time.as_second()).ok().map(|time| time.to_string())
}
