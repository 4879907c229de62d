//! Writing: a file is replaced as a whole or not at all, and stays what it was in all but its contents.

use std::fs::{File, Metadata};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use cap_std::fs::{Dir, OpenOptions};
use portwright_core::{Context, Refusal};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::config::HardLinks;
use super::roots::{Folders, Stop};
use super::scope::{Scope, links};
use super::{digest, likeness, words};
use crate::shared::own::Answer;

#[derive(Debug, Deserialize, JsonSchema)]
pub(super) struct WriteFile {
    /// File
    path: String,
    /// Its text
    content: String,
    /// What becomes of a file that is there
    #[serde(default)]
    mode: Mode,
    /// Only if the file still has this digest
    #[serde(default)]
    expected_sha256: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum Mode {
    #[default]
    Overwrite,
    Append,
    CreateNew,
}

#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Written {
    pub(super) path: String,
    pub(super) bytes: u64,
    pub(super) created: bool,
    pub(super) sha256: Option<String>,
}

pub(super) async fn write(folders: Arc<Folders>, wanted: WriteFile, cx: Context) -> Result<Answer<Written>, Refusal> {
    let scope = Scope::of(&folders, &cx).await?;
    folders.work(&cx, move |stop| put(&scope, &wanted, stop)).await.map(Answer::from)
}

fn put(scope: &Scope, wanted: &WriteFile, stop: &Stop) -> Result<Written, Refusal> {
    let place = Place::of(scope, &wanted.path)?;
    if let Some(expected) = &wanted.expected_sha256 {
        let now = match &place.old {
            Some((file, _)) => digest::of_file(file, &place.path, stop)?,
            None => None,
        };
        if !now.as_ref().is_some_and(|now| now.eq_ignore_ascii_case(expected)) {
            let words = format!("`{}` is not what it was when its digest was taken; read it again", place.path);
            return Err(Refusal::failed(words));
        }
    }
    match (wanted.mode, &place.old) {
        (Mode::CreateNew, Some(_)) => {
            return Err(Refusal::failed(format!(
                "`{}` exists already; write it with mode overwrite to replace it",
                place.path
            )));
        }
        (Mode::Append, Some(_)) => {
            let end = place.append(wanted.content.as_bytes())?;
            return Ok(Written { path: place.path, bytes: end, created: false, sha256: None });
        }
        _ => {}
    }
    let bytes = wanted.content.as_bytes();
    place.replace(bytes, wanted.mode == Mode::CreateNew)?;
    let created = place.old.is_none();
    Ok(Written { path: place.path, bytes: bytes.len() as u64, created, sha256: Some(digest::of_bytes(bytes)) })
}

/// Where a file is written: in a folder that is open, under a name that is no link.
pub(super) struct Place {
    dir: Dir,
    name: PathBuf,
    pub(super) path: String,
    /// What is there, open for reading.
    pub(super) old: Option<(File, Metadata)>,
}

impl Place {
    pub(super) fn of(scope: &Scope, path: &str) -> Result<Self, Refusal> {
        let spot = scope.spot(path)?;
        let shown = scope.shown(&spot);
        // A link is followed once, here; what it leads to must be there.
        let (dir, landed, name) = scope.parent(&scope.followed(&spot)?)?;
        let old = match dir.symlink_metadata(&name) {
            Ok(meta) if meta.is_symlink() => {
                return Err(Refusal::failed(format!("`{shown}` is a link that can't be written through")));
            }
            Ok(_) => {
                let opened = scope.open(&landed)?;
                if links(&opened.meta) > 1 && scope.folders.plan.hard_links != HardLinks::Write {
                    let words =
                        format!("`{shown}` has other names (hard links), which may lie outside; it is not written to");
                    return Err(Refusal::failed(words));
                }
                Some((opened.file, opened.meta))
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            Err(error) => return Err(words::refuse(error, &shown)),
        };
        Ok(Self { dir, name, path: shown, old })
    }

    fn failed(&self, error: io::Error) -> Refusal {
        words::refuse(error, &self.path)
    }

    /// Puts new contents under the name. `new`: nothing may be there.
    pub(super) fn replace(&self, bytes: &[u8], new: bool) -> Result<(), Refusal> {
        self.put(new, |mut file| file.write_all(bytes))
    }

    /// The same, with contents that `fill` writes.
    pub(super) fn replace_by(&self, fill: impl FnOnce(&File) -> io::Result<()>) -> Result<(), Refusal> {
        self.put(false, fill)
    }

    /// Contents are written beside the name and then moved there in one step.
    fn put(&self, new: bool, fill: impl FnOnce(&File) -> io::Result<()>) -> Result<(), Refusal> {
        let beside = beside(&self.name);
        let mut options = OpenOptions::new();
        options.write(true).create_new(true);
        let file = self.dir.open_with(&beside, &options).map_err(|error| self.failed(error))?.into_std();
        let moved = self.like_before(&file).and_then(|()| fill(&file)).and_then(|()| file.sync_all()).and_then(|()| {
            if new {
                // A second name fails where a move would replace what came meanwhile.
                self.dir.hard_link(&beside, &self.dir, &self.name)?;
                return self.dir.remove_file(&beside);
            }
            self.dir.rename(&beside, &self.dir, &self.name)
        });
        moved.map_err(|error| {
            let _ = self.dir.remove_file(&beside);
            self.failed(error)
        })
    }

    /// It is to be in all else what the file was that is there.
    fn like_before(&self, file: &File) -> io::Result<()> {
        self.old.as_ref().map_or(Ok(()), |(old, meta)| likeness::keep(file, old, meta))
    }

    /// Adds to the end, and tells where that is now.
    fn append(&self, bytes: &[u8]) -> Result<u64, Refusal> {
        let mut options = OpenOptions::new();
        options.append(true);
        let file = self.dir.open_with(&self.name, &options).map_err(|error| self.failed(error))?.into_std();
        let opened = file.metadata().map_err(|error| self.failed(error))?;
        // What was judged is what is written to.
        if !self.old.as_ref().is_some_and(|(_, old)| same(old, &opened)) {
            return Err(Refusal::failed(format!("`{}` was replaced meanwhile; read it again", self.path)));
        }
        let written = (&file).write_all(bytes).and_then(|()| file.sync_all());
        written.map_err(|error| self.failed(error))?;
        Ok(file.metadata().map_err(|error| self.failed(error))?.len())
    }
}

/// A name in the same folder that nobody has.
fn beside(name: &Path) -> PathBuf {
    static COUNT: AtomicU64 = AtomicU64::new(0);
    let count = COUNT.fetch_add(1, Ordering::Relaxed);
    let random = std::hash::BuildHasher::hash_one(&std::hash::RandomState::new(), count);
    let mut beside = std::ffi::OsString::from(".");
    // A name has 255 bytes at most.
    let name = name.to_string_lossy();
    beside.push(super::text::cut(&name, 200));
    beside.push(format!(".{random:016x}.tmp"));
    PathBuf::from(beside)
}

#[cfg(unix)]
fn same(left: &Metadata, right: &Metadata) -> bool {
    use std::os::unix::fs::MetadataExt;
    (left.dev(), left.ino()) == (right.dev(), right.ino())
}

#[cfg(not(unix))]
fn same(_: &Metadata, right: &Metadata) -> bool {
    right.is_file()
}
