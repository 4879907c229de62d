//! What one call may reach: the roots, less what is left out, less what the client has not open. Everything that is
//! opened is opened here.

use std::fs::{File, Metadata};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use cap_std::fs::{Dir, OpenOptions};
use portwright_core::{Context, QuestionKind, Refusal};

use super::config::HardLinks;
use super::roots::{Folders, Spot};
use super::words;

/// What one call may reach.
#[derive(Debug, Clone)]
pub(super) struct Scope {
    pub(super) folders: Arc<Folders>,
    /// The folders that the client has open, within ours; none: all of ours.
    narrow: Option<Vec<Spot>>,
}

/// A regular file that is open.
#[derive(Debug)]
pub(super) struct Opened {
    pub(super) file: File,
    pub(super) meta: Metadata,
    /// As the caller may know it.
    pub(super) path: String,
}

impl Scope {
    /// Asks the client for its folders where the plan says that they count.
    pub(super) async fn of(folders: &Arc<Folders>, cx: &Context) -> Result<Self, Refusal> {
        let mut scope = Self { folders: folders.clone(), narrow: None };
        // A client that can't tell its folders is held by ours alone.
        if folders.plan.client_roots && cx.downstream.answers(QuestionKind::Roots) {
            let open = cx.downstream.roots("roots").await?;
            let spots = open.iter().filter_map(|root| from_uri(&root.uri)).flat_map(|path| scope.meet(&path));
            scope.narrow = Some(spots.collect());
        }
        Ok(scope)
    }

    /// What a client's folder and ours have in common.
    fn meet(&self, path: &str) -> Vec<Spot> {
        if let Ok(spot) = self.folders.spot(path) {
            return vec![spot];
        }
        let above = |(index, root): (usize, &super::roots::Root)| {
            root.path.starts_with(path).then(|| Spot { root: index, rel: PathBuf::new() })
        };
        self.folders.roots.iter().enumerate().filter_map(above).collect()
    }

    /// The folders that it begins with.
    pub(super) fn tops(&self) -> Vec<Spot> {
        let all = || (0..self.folders.roots.len()).map(|root| Spot { root, rel: PathBuf::new() }).collect();
        self.narrow.clone().unwrap_or_else(all)
    }

    /// Where a path lies, if this call may reach it.
    pub(super) fn spot(&self, path: &str) -> Result<Spot, Refusal> {
        let spot = self.folders.spot(path)?;
        self.admit(&spot, path)?;
        Ok(spot)
    }

    fn admit(&self, spot: &Spot, shown: &str) -> Result<(), Refusal> {
        if self.folders.plan.exclude.fits(&spot.rel) {
            return Err(Refusal::failed(format!("there is no `{shown}`")));
        }
        let within = |top: &Spot| top.root == spot.root && spot.rel.starts_with(&top.rel);
        if self.narrow.as_ref().is_some_and(|tops| !tops.iter().any(within)) {
            return Err(Refusal::failed(words::outside(shown)));
        }
        Ok(())
    }

    pub(super) fn shown(&self, spot: &Spot) -> String {
        self.folders.shown(spot)
    }

    /// Whether where something really lies makes a difference.
    fn is_narrow(&self) -> bool {
        self.narrow.is_some() || !self.folders.plan.exclude.is_empty()
    }

    /// A link may lead from what may be reached to what may not: what was opened is judged by where it really lies.
    fn judge(&self, spot: &Spot, opened: &impl std::os::fd::AsFd, shown: &str) -> Result<Spot, Refusal> {
        let real = self.folders.roots[spot.root].real(opened, spot.beneath());
        if !self.is_narrow() {
            return Ok(Spot { root: spot.root, rel: real.unwrap_or_else(|| spot.rel.clone()) });
        }
        let real = real.ok_or_else(|| Refusal::failed(format!("there is no `{shown}`")))?;
        let real = Spot { root: spot.root, rel: real };
        self.admit(&real, shown)?;
        Ok(real)
    }

    /// Opens a regular file for reading. A pipe in its place answers at once, and is refused like a device.
    pub(super) fn open(&self, spot: &Spot) -> Result<Opened, Refusal> {
        let path = self.shown(spot);
        let mut options = OpenOptions::new();
        options.read(true);
        unwaiting(&mut options);
        let root = &self.folders.roots[spot.root];
        let file = root.dir.open_with(spot.beneath(), &options).map_err(|error| words::refuse(error, &path))?;
        if self.is_narrow() {
            self.judge(spot, &file, &path)?;
        }
        let file = file.into_std();
        let meta = file.metadata().map_err(|error| words::refuse(error, &path))?;
        if meta.is_dir() {
            return Err(Refusal::failed(format!("`{path}` is a folder; list_directory shows what is in it")));
        }
        if !meta.is_file() {
            return Err(Refusal::failed(format!("`{path}` is no regular file but a pipe, a socket or a device")));
        }
        if links(&meta) > 1 && self.folders.plan.hard_links == HardLinks::Refuse {
            return Err(Refusal::failed(format!(
                "`{path}` has other names (hard links), and such files are not served here"
            )));
        }
        Ok(Opened { file, meta, path })
    }

    /// Opens a folder, and tells where it really lies.
    pub(super) fn dir(&self, spot: &Spot) -> Result<(Dir, Spot), Refusal> {
        let path = self.shown(spot);
        let root = &self.folders.roots[spot.root];
        let dir = root.dir.open_dir(spot.beneath()).map_err(|error| words::refuse(error, &path))?;
        let real = self.judge(spot, &dir, &path)?;
        Ok((dir, real))
    }

    /// The folder that a name is in, open, and the name: what is changed is changed there, whatever becomes of the path
    /// meanwhile.
    pub(super) fn parent(&self, spot: &Spot) -> Result<(Dir, Spot, PathBuf), Refusal> {
        let path = self.shown(spot);
        let Some(name) = spot.rel.file_name() else {
            return Err(Refusal::failed(format!("`{path}` is one of the folders that are served, and stays as it is")));
        };
        let parent = Spot { root: spot.root, rel: spot.rel.parent().unwrap_or(Path::new("")).to_owned() };
        let (dir, real) = self.dir(&parent)?;
        let landed = Spot { root: spot.root, rel: real.rel.join(name) };
        self.admit(&landed, &path)?;
        Ok((dir, landed, PathBuf::from(name)))
    }

    /// Where a link leads in the end, beneath its root; the place itself if it is none.
    pub(super) fn followed(&self, spot: &Spot) -> Result<Spot, Refusal> {
        let path = self.shown(spot);
        let root = &self.folders.roots[spot.root];
        let meta = root.dir.symlink_metadata(spot.beneath());
        if !meta.is_ok_and(|meta| meta.is_symlink()) {
            return Ok(spot.clone());
        }
        let real = root.dir.canonicalize(spot.beneath()).map_err(|error| words::refuse(error, &path))?;
        let real = Spot { root: spot.root, rel: real };
        self.admit(&real, &path)?;
        Ok(real)
    }
}

/// Names of a file.
#[cfg(unix)]
pub(super) fn links(meta: &Metadata) -> u64 {
    std::os::unix::fs::MetadataExt::nlink(meta)
}

#[cfg(not(unix))]
pub(super) fn links(_: &Metadata) -> u64 {
    1
}

/// Opening waits for nobody at the other end.
#[cfg(unix)]
fn unwaiting(options: &mut OpenOptions) {
    cap_std::fs::OpenOptionsExt::custom_flags(options, libc::O_NONBLOCK | libc::O_NOCTTY);
}

#[cfg(not(unix))]
fn unwaiting(_: &mut OpenOptions) {}

/// The path of a `file:` URI of this machine.
pub(super) fn from_uri(uri: &str) -> Option<String> {
    let rest = uri.strip_prefix("file://")?;
    let path = rest.strip_prefix("localhost").unwrap_or(rest);
    let decoded = portwright_core::template::percent_decoded(path)?;
    (decoded.starts_with('/') && !decoded.contains('\0')).then_some(decoded)
}

/// The `file:` URI of an absolute path.
pub(super) fn to_uri(path: &str) -> String {
    use std::fmt::Write;
    let mut uri = String::from("file://");
    for byte in path.bytes() {
        if byte.is_ascii_alphanumeric() || b"/-._~!$&'()*+,;=:@".contains(&byte) {
            uri.push(char::from(byte));
        } else {
            let _ = write!(uri, "%{byte:02X}");
        }
    }
    uri
}
