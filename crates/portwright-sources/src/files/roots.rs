//! The folders that are served, each opened once.

use std::fs;
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

use cap_std::ambient_authority;
use cap_std::fs::Dir;
use portwright_core::{ConnectError, Context, Diagnostic, Health, Pointer, Refusal, limits};
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;

use super::config::HardLinks;
use super::exclude::Exclude;
use super::words;

/// What the folders are served by.
#[derive(Debug, Clone)]
pub(super) struct Plan {
    pub(super) name: Arc<str>,
    pub(super) exclude: Exclude,
    pub(super) hard_links: HardLinks,
    pub(super) client_roots: bool,
    pub(super) bytes_max: usize,
}

/// One folder. Whatever becomes of its name, it stays the folder that was opened.
#[derive(Debug)]
pub(super) struct Root {
    /// As configured, absolute: what answers show.
    pub(super) path: PathBuf,
    /// Where it really lies, if that is somewhere else.
    real: PathBuf,
    pub(super) dir: Dir,
    place: Pointer,
}

/// The folders of a source.
#[derive(Debug)]
pub(super) struct Folders {
    pub(super) plan: Plan,
    pub(super) roots: Vec<Root>,
    jobs: Arc<Semaphore>,
}

/// Where a path lies: in which root, and where beneath it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Spot {
    pub(super) root: usize,
    /// Names only: no `..`, no root. Empty for the root itself.
    pub(super) rel: PathBuf,
}

impl Spot {
    /// Beneath the root, as the kernel is asked for it.
    pub(super) fn beneath(&self) -> &Path {
        if self.rel.as_os_str().is_empty() { Path::new(".") } else { &self.rel }
    }
}

impl Folders {
    pub(super) fn open(roots: &[(PathBuf, Pointer)], plan: Plan) -> Result<Self, ConnectError> {
        let open = |(path, place): &(PathBuf, Pointer)| {
            let dir = Dir::open_ambient_dir(path, ambient_authority()).map_err(|error| {
                let words = match error.kind() {
                    std::io::ErrorKind::NotFound => "a folder of its roots is not there",
                    std::io::ErrorKind::NotADirectory => "one of its roots is not a folder",
                    std::io::ErrorKind::PermissionDenied => "this process may not open a folder of its roots",
                    _ => "a folder of its roots can't be opened",
                };
                ConnectError::new(words).because(error).at(place.clone())
            })?;
            let real = fs::canonicalize(path).unwrap_or_else(|_| path.clone());
            Ok(Root { path: path.clone(), real, dir, place: place.clone() })
        };
        let roots = roots.iter().map(open).collect::<Result<Vec<_>, ConnectError>>()?;
        Ok(Self { plan, roots, jobs: Arc::new(Semaphore::new(limits::FILE_JOBS_MAX)) })
    }

    /// Where a path lies: an absolute one in the innermost root that holds it, a relative one in the only root or in
    /// the one whose folder it begins with.
    pub(super) fn spot(&self, path: &str) -> Result<Spot, Refusal> {
        if path.is_empty() || path.contains('\0') {
            return Err(Refusal::invalid("a path is a text that is not empty and holds no NUL"));
        }
        let written = Path::new(path);
        if written.components().any(|part| part == Component::ParentDir) {
            return Err(Refusal::invalid(format!("`{path}` holds `..`; write the path without it")));
        }
        let clean: PathBuf = written.components().filter(|part| *part != Component::CurDir).collect();
        let outside = || Refusal::failed(words::outside(path));
        if clean.is_absolute() {
            let within = |(index, root): (usize, &Root)| {
                let rel = clean.strip_prefix(&root.path).or_else(|_| clean.strip_prefix(&root.real)).ok()?;
                Some(Spot { root: index, rel: rel.to_owned() })
            };
            let found = self.roots.iter().enumerate().filter_map(within);
            return found.min_by_key(|spot| spot.rel.components().count()).ok_or_else(outside);
        }
        if let [root] = self.roots.as_slice() {
            // Its own name before what is in it, unless something in it has that name.
            let own = root.path.file_name().filter(|name| root.dir.symlink_metadata(name).is_err());
            let rel = own.and_then(|name| clean.strip_prefix(name).ok()).unwrap_or(&clean);
            return Ok(Spot { root: 0, rel: rel.to_owned() });
        }
        let named = |root: &&(usize, &Root)| root.1.path.file_name().is_some_and(|name| clean.starts_with(name));
        let roots: Vec<_> = self.roots.iter().enumerate().collect();
        match roots.iter().filter(named).collect::<Vec<_>>().as_slice() {
            [(index, root)] => {
                let name = root.path.file_name().unwrap_or_default();
                Ok(Spot { root: *index, rel: clean.strip_prefix(name).unwrap_or(&clean).to_owned() })
            }
            _ => Err(Refusal::invalid(format!(
                "several folders are served here, so write `{path}` as an absolute path; list_allowed_directories tells them"
            ))),
        }
    }

    /// A place as answers show it.
    pub(super) fn shown(&self, spot: &Spot) -> String {
        let root = &self.roots[spot.root].path;
        if spot.rel.as_os_str().is_empty() {
            root.display().to_string()
        } else {
            root.join(&spot.rel).display().to_string()
        }
    }

    /// Does work that may wait for a disk, off the threads that serve.
    pub(super) async fn work<T: Send + 'static>(
        self: &Arc<Self>,
        cx: &Context,
        job: impl FnOnce(&Stop) -> Result<T, Refusal> + Send + 'static,
    ) -> Result<T, Refusal> {
        let stop = Stop { cancel: cx.cancel.clone(), deadline: cx.time_left().map(|left| Instant::now() + left) };
        let place = self.jobs.clone().acquire_owned().await.map_err(Refusal::internal)?;
        let work = tokio::task::spawn_blocking(move || {
            let _place = place;
            stop.check()?;
            job(&stop)
        });
        work.await.map_err(Refusal::internal)?
    }

    pub(super) fn health(&self) -> Health {
        match self.roots.iter().find(|root| root.dir.dir_metadata().is_err()) {
            None => Health::Ready,
            Some(_) => Health::Degraded("a folder of its roots can't be read any more".to_owned()),
        }
    }

    /// What a careful operator should know of the folders.
    pub(super) fn inspect(&self, writes: bool) -> Vec<Diagnostic> {
        let mut found = Vec::new();
        for root in &self.roots {
            let wide = root.real.parent().is_none() || std::env::home_dir().is_some_and(|home| home == root.real);
            if wide {
                let message = format!("`{}` holds more than anybody should be shown", root.path.display());
                let hint = "name the folders that are needed, or leave secrets out by `exclude`";
                found.push(Diagnostic::advice(root.place.clone(), "wide-root", message).hint(hint));
            }
            let may_write = root.dir.dir_metadata().is_ok_and(|meta| !meta.permissions().readonly());
            if writes && !may_write {
                let message =
                    format!("nobody may write to `{}`, and the source offers tools that do", root.path.display());
                let hint = "set `access = \"read-only\"`, or give this process the right";
                found.push(Diagnostic::advice(root.place.clone(), "missing-right", message).hint(hint));
            }
        }
        found
    }
}

impl Root {
    /// Where it really lies.
    pub(super) fn real_path(&self) -> &Path {
        &self.real
    }

    /// Where something that was opened really lies beneath the root; none if that can't be told.
    #[cfg(target_os = "linux")]
    pub(super) fn real(&self, opened: &impl std::os::fd::AsFd, _: &Path) -> Option<PathBuf> {
        use std::os::fd::AsRawFd;
        let link = |fd: std::os::fd::RawFd| fs::read_link(format!("/proc/self/fd/{fd}")).ok();
        let (own, root) = (link(opened.as_fd().as_raw_fd())?, link(std::os::fd::AsFd::as_fd(&self.dir).as_raw_fd())?);
        own.strip_prefix(root).ok().map(Path::to_owned)
    }

    /// The same, where only its name can be asked for.
    #[cfg(not(target_os = "linux"))]
    pub(super) fn real<T>(&self, _: &T, beneath: &Path) -> Option<PathBuf> {
        let real = self.dir.canonicalize(beneath).ok()?;
        Some(if real == Path::new(".") { PathBuf::new() } else { real })
    }
}

/// When work has to end.
#[derive(Debug, Clone)]
pub(super) struct Stop {
    cancel: CancellationToken,
    deadline: Option<Instant>,
}

impl Stop {
    pub(super) fn check(&self) -> Result<(), Refusal> {
        if self.cancel.is_cancelled() {
            return Err(Refusal::cancelled());
        }
        if self.deadline.is_some_and(|deadline| Instant::now() >= deadline) {
            return Err(Refusal::timed_out(
                "this took longer than a call may; ask for less: a smaller folder, a narrower pattern",
            ));
        }
        Ok(())
    }
}
