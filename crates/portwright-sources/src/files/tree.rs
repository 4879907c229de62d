//! A folder and those below it, as an outline.

use std::sync::Arc;

use portwright_core::{Context, Refusal, limits};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::roots::Folders;
use super::scope::Scope;
use super::walk::{Kind, Walk, Way, globs};
use crate::shared::own::Answer;

#[derive(Debug, Deserialize, JsonSchema)]
pub(super) struct DirectoryTree {
    /// Folder
    path: String,
    /// Globs to leave out
    #[serde(default, rename = "excludePatterns")]
    exclude_patterns: Vec<String>,
    /// Levels
    #[serde(default, rename = "maxDepth")]
    #[schemars(range(min = 1, max = 64))]
    max_depth: Option<usize>,
    /// Most entries
    #[serde(default, rename = "maxEntries")]
    #[schemars(range(min = 1, max = 5000))]
    max_entries: Option<usize>,
    /// Also what .gitignore leaves out
    #[serde(default)]
    ignored: bool,
}

#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Tree {
    path: String,
    /// Paths below it; a folder's ends with `/`, a link's with `@`.
    entries: Vec<String>,
    truncated: Option<bool>,
}

pub(super) async fn tree(folders: Arc<Folders>, wanted: DirectoryTree, cx: Context) -> Result<Answer<Tree>, Refusal> {
    let scope = Scope::of(&folders, &cx).await?;
    let bytes_max = folders.plan.bytes_max;
    let way = Way {
        ignored: wanted.ignored,
        exclude: globs(&wanted.exclude_patterns, "excludePatterns")?,
        after: None,
        depth: wanted.max_depth,
    };
    let most = wanted.max_entries.unwrap_or(limits::ENTRIES_MAX).min(limits::ENTRIES_CEILING);
    let work = folders.work(&cx, move |stop| {
        let spot = scope.spot(&wanted.path)?;
        let mut walk = Walk::begin(&scope, &spot, &way, stop)?;
        let (mut entries, mut lines, mut bytes, mut more) = (Vec::new(), Vec::new(), 0, false);
        while let Some(met) = walk.next()? {
            let mark = match met.kind {
                Kind::Directory => "/",
                Kind::Symlink => "@",
                _ => "",
            };
            let entry = format!("{}{mark}", met.below.display());
            bytes += entry.len();
            if entries.len() == most || bytes > bytes_max {
                more = true;
                break;
            }
            let name = met.below.file_name().map(|name| name.to_string_lossy()).unwrap_or_default();
            lines.push(format!("{}{name}{mark}", "  ".repeat(met.depth - 1)));
            entries.push(entry);
        }
        Ok((Tree { path: scope.shown(&spot), entries, truncated: more.then_some(true) }, lines))
    });
    let (tree, mut lines) = work.await?;
    if tree.truncated.is_some() {
        cx.note(|trail| trail.truncated = true);
        lines.push("[more is there: begin deeper, or leave something out by excludePatterns]".to_owned());
    }
    Ok(Answer::told(tree, lines.join("\n")))
}
