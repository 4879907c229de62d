//! Making folders, moving, copying, deleting.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use cap_fs_ext::DirExt;
use cap_std::fs::Dir;
use portwright_core::{Context, Refusal, limits};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::roots::{Folders, Stop};
use super::scope::Scope;
use super::walk::{Kind, Walk, Way};
use super::words;
use super::write::Place;
use crate::shared::own::Answer;

#[derive(Debug, Deserialize, JsonSchema)]
pub(super) struct CreateDirectory {
    /// Its path
    path: String,
}

#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Created {
    path: String,
    created: bool,
}

/// Makes a folder and those above it; one that is there already is as good.
pub(super) async fn create(
    folders: Arc<Folders>,
    wanted: CreateDirectory,
    cx: Context,
) -> Result<Answer<Created>, Refusal> {
    let scope = Scope::of(&folders, &cx).await?;
    let work = folders.work(&cx, move |_| {
        let spot = scope.spot(&wanted.path)?;
        let path = scope.shown(&spot);
        if scope.dir(&spot).is_ok() {
            return Ok(Created { path, created: false });
        }
        // What is there already must be within reach too, before anything is made in it.
        for above in spot.rel.ancestors().skip(1) {
            let above = super::roots::Spot { root: spot.root, rel: above.to_owned() };
            if scope.folders.roots[spot.root].dir.symlink_metadata(above.beneath()).is_ok() {
                scope.dir(&above)?;
                break;
            }
        }
        let made = scope.folders.roots[spot.root].dir.create_dir_all(spot.beneath());
        made.map_err(|error| words::refuse(error, &path))?;
        Ok(Created { path, created: true })
    });
    work.await.map(Answer::from)
}

#[derive(Debug, Deserialize, JsonSchema)]
pub(super) struct FromTo {
    /// What to take
    source: String,
    /// Its new path
    destination: String,
    /// Replace what is there
    #[serde(default)]
    overwrite: bool,
}

#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Done {
    source: String,
    destination: String,
}

/// One end of a move: a name in a folder that is open.
struct End {
    dir: Dir,
    name: PathBuf,
    path: String,
    rel: PathBuf,
    kind: Option<Kind>,
}

fn end(scope: &Scope, path: &str) -> Result<End, Refusal> {
    let spot = scope.spot(path)?;
    let path = scope.shown(&spot);
    let (dir, landed, name) = scope.parent(&spot)?;
    let kind = match dir.symlink_metadata(&name) {
        Ok(meta) => Some(Kind::of(meta.file_type())),
        Err(error) if error.kind() == io::ErrorKind::NotFound => None,
        Err(error) => return Err(words::refuse(error, &path)),
    };
    Ok(End { dir, name, path, rel: landed.rel, kind })
}

fn ends(scope: &Scope, wanted: &FromTo) -> Result<(End, End), Refusal> {
    let (from, to) = (end(scope, &wanted.source)?, end(scope, &wanted.destination)?);
    if from.kind.is_none() {
        return Err(Refusal::failed(format!("there is no `{}`", from.path)));
    }
    match to.kind {
        Some(Kind::Directory) => {
            let into = from.name.display();
            Err(Refusal::failed(format!("`{}` is a folder; to put it there write `{}/{into}`", to.path, to.path)))
        }
        Some(_) if !wanted.overwrite => {
            Err(Refusal::failed(format!("`{}` exists already; set overwrite to replace it", to.path)))
        }
        _ => Ok((from, to)),
    }
}

pub(super) async fn relocate(folders: Arc<Folders>, wanted: FromTo, cx: Context) -> Result<Answer<Done>, Refusal> {
    let scope = Scope::of(&folders, &cx).await?;
    let work = folders.work(&cx, move |stop| {
        let (from, to) = ends(&scope, &wanted)?;
        if from.kind == Some(Kind::Directory) {
            unhidden(&scope, &wanted.source, stop)?;
            if to.rel.starts_with(&from.rel) {
                return Err(Refusal::failed(format!("`{}` can't be moved into itself", from.path)));
            }
        }
        let moved = if wanted.overwrite || from.kind == Some(Kind::Directory) {
            from.dir.rename(&from.name, &to.dir, &to.name)
        } else {
            // A second name fails where a move would replace what came meanwhile. A link or a file system without them
            // is moved.
            match from.dir.hard_link(&from.name, &to.dir, &to.name) {
                Ok(()) => from.dir.remove_file(&from.name),
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Err(error),
                Err(_) => from.dir.rename(&from.name, &to.dir, &to.name),
            }
        };
        moved.map_err(|error| match error.kind() {
            io::ErrorKind::CrossesDevices => {
                Refusal::failed("they lie on different file systems; copy it, then delete it")
            }
            _ => words::refuse(error, &to.path),
        })?;
        Ok(Done { source: from.path, destination: to.path })
    });
    work.await.map(Answer::from)
}

/// A folder that holds what is left out for everybody stays where the patterns find it.
fn unhidden(scope: &Scope, path: &str, stop: &Stop) -> Result<(), Refusal> {
    if scope.folders.plan.exclude.is_empty() {
        return Ok(());
    }
    let refused = || Refusal::failed(format!("`{path}` holds files that are not served, and stays as it is"));
    let spot = scope.spot(path)?;
    let root = &scope.folders.roots[spot.root];
    let mut folders = vec![spot.rel];
    while let Some(rel) = folders.pop() {
        stop.check()?;
        let entries = root.dir.read_dir(&rel).map_err(|error| words::refuse(error, path))?;
        for entry in entries.flatten() {
            let rel = rel.join(entry.file_name());
            if scope.folders.plan.exclude.fits_here(&rel) {
                return Err(refused());
            }
            if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
                folders.push(rel);
            }
        }
    }
    Ok(())
}

pub(super) async fn copy(folders: Arc<Folders>, wanted: FromTo, cx: Context) -> Result<Answer<Done>, Refusal> {
    let scope = Scope::of(&folders, &cx).await?;
    let work = folders.work(&cx, move |stop| {
        let (from, to) = ends(&scope, &wanted)?;
        let opened = scope.open(&scope.spot(&wanted.source)?)?;
        let place = Place::of(&scope, &wanted.destination)?;
        place.copy(&opened.file, stop)?;
        Ok(Done { source: from.path, destination: to.path })
    });
    work.await.map(Answer::from)
}

impl Place {
    fn copy(&self, mut from: &std::fs::File, stop: &Stop) -> Result<(), Refusal> {
        self.replace_by(|mut file| {
            let mut block = vec![0; 256 * 1024];
            loop {
                if stop.check().is_err() {
                    return Err(io::ErrorKind::TimedOut.into());
                }
                match io::Read::read(&mut from, &mut block)? {
                    0 => return Ok(()),
                    read => io::Write::write_all(&mut file, &block[..read])?,
                }
            }
        })
        .map_err(|refusal| stop.check().err().unwrap_or(refusal))
    }
}

#[derive(Debug, Deserialize, JsonSchema)]
pub(super) struct DeleteFile {
    /// Its path
    path: String,
    /// A folder with all that is in it
    #[serde(default)]
    recursive: bool,
    /// Only tell what would go
    #[serde(default, rename = "dryRun")]
    dry_run: bool,
}

#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Deleted {
    path: String,
    files: usize,
    directories: usize,
    done: bool,
}

pub(super) async fn delete(folders: Arc<Folders>, wanted: DeleteFile, cx: Context) -> Result<Answer<Deleted>, Refusal> {
    let scope = Scope::of(&folders, &cx).await?;
    folders.work(&cx, move |stop| take_away(&scope, &wanted, stop)).await.map(Answer::from)
}

fn take_away(scope: &Scope, wanted: &DeleteFile, stop: &Stop) -> Result<Deleted, Refusal> {
    let end = end(scope, &wanted.path)?;
    let failed = |error: io::Error| words::refuse(error, &end.path);
    let mut gone = Deleted { path: end.path.clone(), files: 1, directories: 0, done: !wanted.dry_run };
    match end.kind {
        None => return Err(Refusal::failed(format!("there is no `{}`", end.path))),
        Some(Kind::Directory) => {}
        Some(_) if wanted.dry_run => return Ok(gone),
        Some(_) => return end.dir.remove_file(&end.name).map_err(failed).map(|()| gone),
    }
    unhidden(scope, &wanted.path, stop)?;
    let way = Way { ignored: true, ..Way::default() };
    let mut walk = Walk::begin(scope, &scope.spot(&wanted.path)?, &way, stop)?;
    (gone.files, gone.directories) = (0, 1);
    while let Some(met) = walk.next()? {
        *(if met.kind == Kind::Directory { &mut gone.directories } else { &mut gone.files }) += 1;
        if gone.files + gone.directories > limits::DELETED_MAX {
            let words =
                format!("`{}` holds more than {} files and folders; delete parts of it", end.path, limits::DELETED_MAX);
            return Err(Refusal::failed(words));
        }
    }
    if gone.files + gone.directories > 1 && !wanted.recursive {
        return Err(Refusal::failed(format!(
            "the folder `{}` holds {} files and {} folders; set recursive to delete them too",
            end.path,
            gone.files,
            gone.directories - 1
        )));
    }
    if !wanted.dry_run {
        let dir = end.dir.open_dir_nofollow(&end.name).map_err(failed)?;
        dir.remove_open_dir_all().map_err(failed)?;
    }
    Ok(gone)
}
