//! Going through a folder and those below it, in the order of the names, without what ignore files leave out.
//!
//! Links are met, never followed. Each folder is opened in its parent, so that what is put in its place meanwhile leads
//! nowhere else.

use std::ffi::OsString;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use cap_fs_ext::DirExt;
use cap_std::fs::Dir;
use globset::{Glob, GlobBuilder, GlobSet, GlobSetBuilder};
use ignore::Match;
use ignore::gitignore::{Gitignore, GitignoreBuilder};
use portwright_core::{Refusal, limits};

use super::roots::{Spot, Stop};
use super::scope::Scope;

/// What stands under a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Kind {
    File,
    Directory,
    Symlink,
    Other,
}

impl Kind {
    pub(super) fn of(kind: cap_std::fs::FileType) -> Self {
        match () {
            () if kind.is_symlink() => Self::Symlink,
            () if kind.is_dir() => Self::Directory,
            () if kind.is_file() => Self::File,
            () => Self::Other,
        }
    }

    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::File => "file",
            Self::Directory => "directory",
            Self::Symlink => "symlink",
            Self::Other => "other",
        }
    }
}

/// Something that was met.
#[derive(Debug, Clone)]
pub(super) struct Met {
    /// Beneath the root.
    pub(super) rel: PathBuf,
    /// Beneath the folder where the walk began.
    pub(super) below: PathBuf,
    pub(super) kind: Kind,
    pub(super) depth: usize,
}

/// Where a walk goes.
#[derive(Debug, Clone, Default)]
pub(super) struct Way {
    /// Also what ignore files leave out.
    pub(super) ignored: bool,
    /// Patterns of paths below the start that are left out.
    pub(super) exclude: GlobSet,
    /// Nothing up to and with this path below the start.
    pub(super) after: Option<PathBuf>,
    /// How many folders deep; none: as deep as a walk may.
    pub(super) depth: Option<usize>,
}

/// A walk under way.
pub(super) struct Walk<'a> {
    scope: &'a Scope,
    stop: &'a Stop,
    way: &'a Way,
    root: usize,
    frames: Vec<Frame>,
    /// Folders that could not be read.
    pub(super) unread: usize,
}

struct Frame {
    dir: Dir,
    rel: PathBuf,
    below: PathBuf,
    rules: Option<Arc<Rules>>,
    /// The last first.
    names: Vec<(OsString, Kind)>,
}

/// What ignore files say, the innermost first.
struct Rules {
    outer: Option<Arc<Rules>>,
    own: Gitignore,
}

impl Rules {
    fn ignores(&self, rel: &Path, directory: bool) -> bool {
        match self.own.matched(rel, directory) {
            Match::Ignore(_) => true,
            Match::Whitelist(_) => false,
            Match::None => self.outer.as_ref().is_some_and(|outer| outer.ignores(rel, directory)),
        }
    }
}

impl<'a> Walk<'a> {
    /// Begins in a folder.
    pub(super) fn begin(scope: &'a Scope, start: &Spot, way: &'a Way, stop: &'a Stop) -> Result<Self, Refusal> {
        let (dir, real) = scope.dir(start)?;
        let mut walk = Self { scope, stop, way, root: start.root, frames: Vec::new(), unread: 0 };
        let rules = if way.ignored { None } else { walk.rules_above(&real) };
        walk.enter(dir, real.rel, PathBuf::new(), rules);
        Ok(walk)
    }

    /// The root that it is in.
    pub(super) fn root(&self) -> usize {
        self.root
    }

    /// The next file, folder or link.
    pub(super) fn next(&mut self) -> Result<Option<Met>, Refusal> {
        loop {
            let Some(frame) = self.frames.last_mut() else { return Ok(None) };
            let Some((name, kind)) = frame.names.pop() else {
                self.frames.pop();
                continue;
            };
            let met =
                Met { rel: frame.rel.join(&name), below: frame.below.join(&name), kind, depth: self.frames.len() };
            if self.passes(&met) {
                continue;
            }
            let seen = self.way.after.as_ref().is_some_and(|after| met.below <= *after);
            if kind == Kind::Directory {
                let before = self.way.after.as_ref().is_some_and(|after| seen && !after.starts_with(&met.below));
                let deeper = met.depth < self.way.depth.unwrap_or(usize::MAX).min(limits::WALK_DEPTH_MAX);
                if deeper && !before {
                    self.stop.check()?;
                    self.descend(&met, &name);
                }
            }
            if !seen {
                return Ok(Some(met));
            }
        }
    }

    /// Whether something is passed by.
    fn passes(&self, met: &Met) -> bool {
        let directory = met.kind == Kind::Directory;
        if self.scope.folders.plan.exclude.fits_here(&met.rel) || self.way.exclude.is_match(&met.below) {
            return true;
        }
        if self.way.ignored {
            return false;
        }
        if directory && met.rel.file_name().is_some_and(|name| name == ".git") {
            return true;
        }
        let rules = self.frames.last().and_then(|frame| frame.rules.as_ref());
        rules.is_some_and(|rules| rules.ignores(&met.rel, directory))
    }

    fn descend(&mut self, met: &Met, name: &OsString) {
        let Some(frame) = self.frames.last() else { return };
        let rules = frame.rules.clone();
        match frame.dir.open_dir_nofollow(name) {
            Ok(dir) => self.enter(dir, met.rel.clone(), met.below.clone(), rules),
            Err(_) => self.unread += 1,
        }
    }

    fn enter(&mut self, dir: Dir, rel: PathBuf, below: PathBuf, outer: Option<Arc<Rules>>) {
        let Ok(entries) = dir.entries() else {
            self.unread += 1;
            return;
        };
        let mut names: Vec<(OsString, Kind)> = entries
            .take(limits::FOLDER_NAMES_MAX)
            .filter_map(|entry| {
                let entry = entry.ok()?;
                Some((entry.file_name(), entry.file_type().map_or(Kind::Other, Kind::of)))
            })
            .collect();
        names.sort_unstable_by(|left, right| right.0.cmp(&left.0));
        let rules = if self.way.ignored { None } else { rules_of(&dir, &rel, &names, outer) };
        self.frames.push(Frame { dir, rel, below, rules, names });
    }

    /// What the ignore files say that lie between the root and the start.
    fn rules_above(&self, start: &Spot) -> Option<Arc<Rules>> {
        let mut rules = None;
        let mut above: Vec<_> = start.rel.ancestors().skip(1).collect();
        above.reverse();
        for rel in above {
            let spot = Spot { root: start.root, rel: rel.to_owned() };
            let Ok(dir) = self.scope.folders.roots[start.root].dir.open_dir(spot.beneath()) else { continue };
            let names = IGNORE_FILES.map(|name| (OsString::from(name), Kind::File));
            rules = rules_of(&dir, rel, &names, rules);
        }
        rules
    }
}

const IGNORE_FILES: [&str; 2] = [".gitignore", ".ignore"];

fn rules_of(dir: &Dir, rel: &Path, names: &[(OsString, Kind)], outer: Option<Arc<Rules>>) -> Option<Arc<Rules>> {
    let mut builder = GitignoreBuilder::new(rel);
    let mut any = false;
    // The later of the two counts first.
    for file in IGNORE_FILES {
        if !names.iter().any(|(name, kind)| name == file && *kind == Kind::File) {
            continue;
        }
        let mut text = Vec::new();
        let read =
            dir.open(file).and_then(|file| file.take(limits::IGNORE_FILE_BYTES_MAX as u64).read_to_end(&mut text));
        if read.is_ok() {
            for line in String::from_utf8_lossy(&text).lines() {
                // A pattern that can't be read leaves nothing out.
                any |= builder.add_line(None, line).is_ok();
            }
        }
    }
    match builder.build() {
        Ok(own) if any => Some(Arc::new(Rules { outer, own })),
        _ => outer,
    }
}

/// Patterns of paths below a start. One without a slash fits a name wherever it stands.
pub(super) fn globs(patterns: &[String], argument: &str) -> Result<GlobSet, Refusal> {
    let mut set = GlobSetBuilder::new();
    for pattern in patterns {
        set.add(glob(pattern, argument)?);
        if !pattern.contains('/') {
            set.add(glob(&format!("**/{pattern}"), argument)?);
        }
    }
    set.build().map_err(|error| Refusal::invalid(format!("`{argument}` holds a pattern that can't be read: {error}")))
}

fn glob(pattern: &str, argument: &str) -> Result<Glob, Refusal> {
    let built = GlobBuilder::new(pattern.trim_end_matches('/')).literal_separator(true).build();
    built.map_err(|error| {
        let words = format!(
            "`{argument}` holds `{pattern}`, which is no glob: {}; write `*.md`, `src/**` or `**/test_*`",
            error.kind()
        );
        Refusal::invalid(words)
    })
}
