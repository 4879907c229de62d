//! What is known about a file, and which folders there are.

use std::fs::Metadata;
use std::sync::Arc;

use portwright_core::{Context, Refusal};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::list::rfc3339;
use super::roots::{Folders, Stop};
use super::scope::{Scope, links};
use super::text::SAMPLE_BYTES;
use super::walk::Kind;
use super::{digest, media, text, words};
use crate::shared::own::Answer;

#[derive(Debug, Deserialize, JsonSchema)]
pub(super) struct GetFileInfo {
    /// Its path
    path: String,
    /// Take its SHA-256 too
    #[serde(default)]
    sha256: bool,
}

#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct FileInfo {
    path: String,
    #[serde(rename = "type")]
    kind: &'static str,
    /// Where a link leads, within what is served.
    target: Option<String>,
    size: u64,
    modified: Option<String>,
    created: Option<String>,
    permissions: Option<String>,
    links: Option<u64>,
    mime_type: Option<&'static str>,
    encoding: Option<&'static str>,
    sha256: Option<String>,
}

pub(super) async fn info(folders: Arc<Folders>, wanted: GetFileInfo, cx: Context) -> Result<Answer<FileInfo>, Refusal> {
    let scope = Scope::of(&folders, &cx).await?;
    folders.work(&cx, move |stop| about(&scope, &wanted, stop)).await.map(Answer::from)
}

fn about(scope: &Scope, wanted: &GetFileInfo, stop: &Stop) -> Result<FileInfo, Refusal> {
    let spot = scope.spot(&wanted.path)?;
    let path = scope.shown(&spot);
    let dir = &scope.folders.roots[spot.root].dir;
    let met = dir.symlink_metadata(spot.beneath()).map_err(|error| words::refuse(error, &path))?;
    let target = if met.is_symlink() { Some(scope.shown(&scope.followed(&spot)?)) } else { None };
    let met =
        if target.is_some() { dir.metadata(spot.beneath()).map_err(|error| words::refuse(error, &path))? } else { met };
    let kind = if target.is_some() { Kind::Symlink } else { Kind::of(met.file_type()) };
    let mut info = FileInfo {
        path,
        kind: kind.as_str(),
        target,
        size: met.len(),
        modified: met.modified().ok().and_then(|time| rfc3339(time.into_std())),
        created: met.created().ok().and_then(|time| rfc3339(time.into_std())),
        permissions: None,
        links: None,
        mime_type: None,
        encoding: None,
        sha256: None,
    };
    // What a folder says of itself is judged like what is read in it.
    if met.is_dir() {
        scope.dir(&spot)?;
    }
    if met.is_file() {
        let opened = scope.open(&spot)?;
        info.permissions = permissions(&opened.meta);
        info.links = Some(links(&opened.meta)).filter(|links| *links > 1);
        let mut sample = Vec::new();
        let read = std::io::Read::read_to_end(&mut std::io::Read::take(&opened.file, SAMPLE_BYTES as u64), &mut sample);
        read.map_err(|error| words::refuse(error, &opened.path))?;
        info.encoding = text::sniff(&sample, sample.len() < SAMPLE_BYTES).map(text::Written::name);
        info.mime_type = Some(match media::mime(&opened.path, &sample) {
            "application/octet-stream" if info.encoding.is_some() => "text/plain",
            mime => mime,
        });
        if wanted.sha256 {
            std::io::Seek::rewind(&mut &opened.file).map_err(|error| words::refuse(error, &opened.path))?;
            info.sha256 = digest::of_file(&opened.file, &opened.path, stop)?;
        }
    }
    Ok(info)
}

#[cfg(unix)]
#[expect(clippy::unnecessary_wraps, reason = "not every system has them")]
fn permissions(meta: &Metadata) -> Option<String> {
    Some(format!("{:03o}", std::os::unix::fs::PermissionsExt::mode(&meta.permissions()) & 0o7777))
}

#[cfg(not(unix))]
fn permissions(_: &Metadata) -> Option<String> {
    None
}

#[derive(Debug, Deserialize, JsonSchema)]
pub(super) struct ListAllowed {}

#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Allowed {
    directories: Vec<String>,
}

pub(super) async fn allowed(folders: Arc<Folders>, _: ListAllowed, cx: Context) -> Result<Answer<Allowed>, Refusal> {
    let scope = Scope::of(&folders, &cx).await?;
    Ok(Allowed { directories: scope.tops().iter().map(|spot| scope.shown(spot)).collect() }.into())
}
