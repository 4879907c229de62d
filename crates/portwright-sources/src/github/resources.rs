//! Files of repositories as resources: `repo://OWNER/REPO/contents/PATH`, and the same of a branch, tag or commit.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use portwright_core::protocol::{ReadResourceResult, ResourceContents, ResourceTemplate};
use portwright_core::{Context, Refusal, template};
use serde_json::Value;

use super::client::Hub;
use super::repos::contents;
use crate::shared::http::percent_encoded;

/// The templates, with what stands between a repository and a path.
const TEMPLATES: [(&str, &str); 5] = [
    ("repo://{owner}/{repo}/contents/{+path}", "A file or folder of the default branch."),
    ("repo://{owner}/{repo}/refs/heads/{branch}/contents/{+path}", "The same of a branch."),
    ("repo://{owner}/{repo}/refs/tags/{tag}/contents/{+path}", "The same of a tag."),
    ("repo://{owner}/{repo}/sha/{sha}/contents/{+path}", "The same of a commit."),
    ("repo://{owner}/{repo}/refs/pull/{prNumber}/head/contents/{+path}", "The same of a pull request."),
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

/// The URI of a file.
pub(super) fn uri(owner: &str, repo: &str, reference: Option<&str>, path: &str) -> String {
    let reference = reference.map(|name| format!("sha/{}/", percent_encoded(name))).unwrap_or_default();
    let path = path.split('/').map(percent_encoded).collect::<Vec<_>>().join("/");
    format!("repo://{owner}/{repo}/{reference}contents/{path}")
}

/// Owner, repository, reference and path of a URI.
fn parts(uri: &str) -> Option<(String, String, Option<String>, String)> {
    let rest = uri.strip_prefix("repo://")?;
    let mut segments = rest.split('/').map(template::percent_decoded).collect::<Option<Vec<_>>>()?.into_iter();
    let (owner, repo) = (segments.next()?, segments.next()?);
    let reference = match segments.next()?.as_str() {
        "contents" => None,
        "refs" => {
            let kind = segments.next().filter(|kind| ["heads", "tags", "pull"].contains(&kind.as_str()))?;
            let mut name = segments.next()?;
            if kind == "pull" {
                name.parse::<u64>().ok()?;
                segments.next().filter(|word| word == "head")?;
                name.push_str("/head");
            }
            segments.next().filter(|word| word == "contents")?;
            Some(format!("refs/{kind}/{name}"))
        }
        "sha" => {
            let name = segments.next()?;
            segments.next().filter(|word| word == "contents")?;
            Some(name)
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
