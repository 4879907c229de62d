//! Files as resources: `file:` URIs of everything in the roots.

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use portwright_core::protocol::{
    ArgumentInfo, CompleteResult, CompletionInfo, ReadResourceResult, Reference, Resource, ResourceContents,
    ResourceTemplate,
};
use portwright_core::{Context, Refusal, limits};

use super::media;
use super::roots::{Folders, Root};
use super::scope::{Scope, from_uri, to_uri};
use super::text::sniff;
use super::walk::Kind;

fn uri_of(root: &Root) -> String {
    let uri = to_uri(&root.path.display().to_string());
    if uri.ends_with('/') { uri } else { format!("{uri}/") }
}

fn name_of(folders: &Folders, root: &Root) -> String {
    let own = root.path.file_name().map(|name| name.to_string_lossy().into_owned());
    own.unwrap_or_else(|| folders.plan.name.to_string())
}

/// The roots themselves.
pub(super) fn listed(folders: &Folders) -> Vec<Resource> {
    let resource = |root: &Root| {
        Resource::new(uri_of(root), name_of(folders, root))
            .with_description("What is in the folder.")
            .with_mime_type("text/plain")
    };
    folders.roots.iter().map(resource).collect()
}

/// What is in them.
pub(super) fn templates(folders: &Folders) -> Vec<ResourceTemplate> {
    let template = |root: &Root| {
        let name = name_of(folders, root);
        ResourceTemplate::new(format!("{}{{+path}}", uri_of(root)), format!("{name} file"))
            .with_description(format!("A file in `{name}`, or what is in a folder of it."))
    };
    folders.roots.iter().map(template).collect()
}

pub(super) async fn read(folders: &Arc<Folders>, uri: &str, cx: &Context) -> Result<ReadResourceResult, Refusal> {
    let not_found = || Refusal::not_found("resource", uri);
    let path = from_uri(uri).ok_or_else(not_found)?;
    // Which paths there are outside of the roots is nobody's business here.
    folders.spot(&path).map_err(|_| not_found())?;
    let scope = Scope::of(folders, cx).await?;
    let uri = uri.to_owned();
    let contents = folders.work(cx, move |_| {
        let spot = scope.spot(&path)?;
        if let Ok((dir, real)) = scope.dir(&spot) {
            let entries = dir.entries().map_err(|error| super::words::refuse(error, &path))?;
            let exclude = &scope.folders.plan.exclude;
            let mut names: Vec<String> = Vec::new();
            for entry in entries.take(limits::ENTRIES_CEILING).flatten() {
                let name = entry.file_name();
                if !exclude.fits_here(&real.rel.join(&name)) {
                    let folder = entry.file_type().is_ok_and(|kind| Kind::of(kind) == Kind::Directory);
                    names.push(format!("{}{}", name.to_string_lossy(), if folder { "/" } else { "" }));
                }
            }
            names.sort_unstable();
            return Ok(ResourceContents::text(names.join("\n"), uri).with_mime_type("text/plain"));
        }
        let (path, bytes) = media::whole(&scope, &path, limits::MEDIA_BYTES_MAX)?;
        let mime = media::mime(&path, &bytes);
        let Some(written) = sniff(&bytes, true) else {
            return Ok(ResourceContents::blob(STANDARD.encode(&bytes), uri).with_mime_type(mime));
        };
        let text = written.decode(&bytes[written.mark..]).0.into_owned();
        if text.len() > limits::FILE_RESOURCE_BYTES_MAX {
            let words = format!("`{path}` is too long to be read in one piece; read_text_file reads parts of it");
            return Err(Refusal::failed(words));
        }
        let mime = if mime == "application/octet-stream" { "text/plain" } else { mime };
        Ok(ResourceContents::text(text, uri).with_mime_type(mime))
    });
    Ok(ReadResourceResult::new(vec![contents.await?]))
}

/// Names that begin with what was typed so far of a path.
pub(super) async fn complete(
    folders: &Arc<Folders>,
    reference: &Reference,
    argument: &ArgumentInfo,
    cx: &Context,
) -> Result<CompleteResult, Refusal> {
    let none = || CompleteResult::new(CompletionInfo::default());
    let Reference::Resource(resource) = reference else { return Ok(none()) };
    let template = |root: &&Root| format!("{}{{+path}}", uri_of(root)) == resource.uri;
    let Some(root) = folders.roots.iter().find(template) else { return Ok(none()) };
    if argument.name != "path" {
        return Ok(none());
    }
    let (folder, start) =
        argument.value.rsplit_once('/').map_or(("", argument.value.as_str()), |(folder, start)| (folder, start));
    let (prefix, start) = (if folder.is_empty() { String::new() } else { format!("{folder}/") }, start.to_owned());
    let path = root.path.join(folder).display().to_string();
    let scope = Scope::of(folders, cx).await?;
    let values = folders.work(cx, move |_| {
        let Ok((dir, real)) = scope.spot(&path).and_then(|spot| scope.dir(&spot)) else { return Ok(Vec::new()) };
        let Ok(entries) = dir.entries() else { return Ok(Vec::new()) };
        let mut values: Vec<String> = Vec::new();
        for entry in entries.take(limits::FOLDER_NAMES_MAX).flatten() {
            let name = entry.file_name();
            let text = name.to_string_lossy();
            if text.starts_with(&start) && !scope.folders.plan.exclude.fits_here(&real.rel.join(&name)) {
                let mark = if entry.file_type().is_ok_and(|kind| kind.is_dir()) { "/" } else { "" };
                values.push(format!("{prefix}{text}{mark}"));
            }
        }
        values.sort_unstable();
        Ok(values)
    });
    let mut values = values.await?;
    let total = values.len();
    values.truncate(CompletionInfo::MAX_VALUES);
    let mut info = CompletionInfo::default();
    info.has_more = Some(total > values.len());
    info.total = u32::try_from(total).ok();
    info.values = values;
    Ok(CompleteResult::new(info))
}
