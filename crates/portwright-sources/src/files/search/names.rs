//! Search by name.

use std::fmt::Write;
use std::sync::Arc;

use globset::GlobSet;
use portwright_core::{Context, Refusal, limits};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::super::roots::Folders;
use super::super::scope::Scope;
use super::super::walk::{Kind, Walk, Way, globs};
use super::{cursor, read_cursor};
use crate::shared::own::Answer;

#[derive(Debug, Deserialize, JsonSchema)]
pub(in super::super) struct SearchFiles {
    /// Folder
    path: String,
    /// Glob (`*.md`, `src/**/test_*`), or a part of the name
    pattern: String,
    /// Globs to leave out
    #[serde(default, rename = "excludePatterns")]
    exclude_patterns: Vec<String>,
    /// Also what .gitignore leaves out
    #[serde(default)]
    ignored: bool,
    /// Most entries
    #[serde(default)]
    #[schemars(range(min = 1, max = 5000))]
    limit: Option<usize>,
    /// `next` of the page before
    #[serde(default)]
    cursor: Option<String>,
}

#[derive(Debug, Serialize, JsonSchema)]
pub(in super::super) struct Found {
    /// A folder's ends with `/`.
    paths: Vec<String>,
    next: Option<String>,
    unread: Option<usize>,
}

/// What a name must be like.
enum Wanted {
    Glob(GlobSet),
    /// In small letters.
    Part(String),
}

pub(in super::super) async fn names(
    folders: Arc<Folders>,
    wanted: SearchFiles,
    cx: Context,
) -> Result<Answer<Found>, Refusal> {
    let scope = Scope::of(&folders, &cx).await?;
    let bytes_max = folders.plan.bytes_max;
    if wanted.pattern.is_empty() {
        return Err(Refusal::invalid("`pattern` is empty; write a glob as `*.md`, or a part of the name"));
    }
    let like = if wanted.pattern.contains(['*', '?', '[', '{', '/']) {
        Wanted::Glob(globs(std::slice::from_ref(&wanted.pattern), "pattern")?)
    } else {
        Wanted::Part(wanted.pattern.to_lowercase())
    };
    let after = wanted.cursor.as_deref().map(|text| read_cursor(text, false)).transpose()?;
    let way = Way {
        ignored: wanted.ignored,
        exclude: globs(&wanted.exclude_patterns, "excludePatterns")?,
        after: after.map(|(path, _)| path),
        depth: None,
    };
    let most = wanted.limit.unwrap_or(limits::ENTRIES_MAX).min(limits::ENTRIES_CEILING);
    let work = folders.work(&cx, move |stop| {
        let spot = scope.spot(&wanted.path)?;
        let top = scope.shown(&spot);
        let mut walk = Walk::begin(&scope, &spot, &way, stop)?;
        let (mut found, mut last, mut bytes) = (Found { paths: Vec::new(), next: None, unread: None }, None, 0);
        while let Some(met) = walk.next()? {
            let fits = match &like {
                Wanted::Glob(globs) => globs.is_match(&met.below),
                Wanted::Part(part) => {
                    met.below.file_name().is_some_and(|name| name.to_string_lossy().to_lowercase().contains(part))
                }
            };
            if !fits {
                continue;
            }
            let mark = if met.kind == Kind::Directory { "/" } else { "" };
            let path = format!("{top}/{}{mark}", met.below.display());
            bytes += path.len();
            if found.paths.len() == most || (bytes > bytes_max && last.is_some()) {
                found.next = last;
                break;
            }
            found.paths.push(path);
            last = Some(cursor(&met.below, None));
        }
        found.unread = Some(walk.unread).filter(|count| *count > 0);
        Ok(found)
    });
    let found = work.await?;
    let mut text = if found.paths.is_empty() { "(nothing found)".to_owned() } else { found.paths.join("\n") };
    if let Some(next) = &found.next {
        cx.note(|trail| trail.truncated = true);
        let _ = write!(text, "\n[more follows: go on with cursor {next}]");
    }
    Ok(Answer::told(found, text))
}
