//! Files of repositories as resources: `repo://OWNER/REPO/contents/PATH`, and the same of a branch, tag or commit.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use portwright_core::protocol::{ReadResourceResult, ResourceContents, ResourceTemplate};
use portwright_core::{Context, Refusal, template};
use serde_json::Value;

use super::client::Hub;
use super::repos::contents;

/// The templates, with what stands between a repository and a path.
const TEMPLATES: [(&str, &str); 3] = [
    ("repo://{owner}/{repo}/contents/{+path}", "A file or folder of the default branch."),
    ("repo://{owner}/{repo}/refs/heads/{branch}/contents/{+path}", "The same of a branch."),
    ("repo://{owner}/{repo}/refs/tags/{tag}/contents/{+path}", "The same of a tag."),
];

pub(super) fn templates() -> Vec<ResourceTemplate> {
    let template =
        |(uri, about): &(&str, &str)| ResourceTemplate::new(*uri, "repository contents").with_description(*about);
    TEMPLATES.iter().map(template).collect()
}

pub(super) async fn read(hub: &Hub, uri: &str, cx: &Context) -> Result<ReadResourceResult, Refusal> {
    let not_found = || Refusal::not_found("resource", uri);
    let (owner, repo, reference, path) = parts(uri).ok_or_else(not_found)?;
    let value = contents::at(hub, &owner, &repo, &path, reference.as_deref(), cx).await?;
    if let Value::Array(entries) = &value {
        let names = entries.iter().filter_map(|entry| entry["path"].as_str()).collect::<Vec<_>>().join("\n");
        return Ok(ReadResourceResult::new(vec![ResourceContents::text(names, uri).with_mime_type("text/plain")]));
    }
    let bytes = contents::bytes_of(hub, &owner, &repo, &value, cx).await?;
    let contents = match String::from_utf8(bytes) {
        Ok(text) => ResourceContents::text(text, uri).with_mime_type("text/plain"),
        Err(binary) => {
            ResourceContents::blob(STANDARD.encode(binary.as_bytes()), uri).with_mime_type("application/octet-stream")
        }
    };
    Ok(ReadResourceResult::new(vec![contents]))
}

/// Owner, repository, reference and path of a URI.
fn parts(uri: &str) -> Option<(String, String, Option<String>, String)> {
    let rest = uri.strip_prefix("repo://")?;
    let mut segments = rest.split('/').map(template::percent_decoded).collect::<Option<Vec<_>>>()?.into_iter();
    let (owner, repo) = (segments.next()?, segments.next()?);
    let reference = match segments.next()?.as_str() {
        "contents" => None,
        "refs" => {
            let kind = segments.next().filter(|kind| kind == "heads" || kind == "tags")?;
            let name = segments.next()?;
            segments.next().filter(|word| word == "contents")?;
            Some(format!("refs/{kind}/{name}"))
        }
        _ => return None,
    };
    // A slash that was encoded is part of a name, and no name in a repository has one.
    let path: Vec<String> = segments.collect();
    if path.iter().any(|segment| segment.contains('/')) {
        return None;
    }
    Some((owner, repo, reference, path.join("/")))
}
