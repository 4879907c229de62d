//! Files and folders of a repository.

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use portwright_core::protocol::{ContentBlock, JsonObject, ResourceContents};
use portwright_core::{Context, Refusal, limits};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::super::client::{Ask, Hub};
use super::super::pick::{ENTRY, cut, pick_all};
use crate::shared::own::Answer;

#[derive(Debug, Deserialize, JsonSchema)]
pub(in super::super) struct GetContents {
    /// Owner
    owner: String,
    /// Name
    repo: String,
    /// File or folder; without it the top
    #[serde(default)]
    path: String,
    /// Branch, tag or commit
    #[serde(default, rename = "ref")]
    reference: Option<String>,
    /// Commit, instead of ref
    #[serde(default)]
    sha: Option<String>,
}

#[derive(Debug, Serialize, JsonSchema)]
pub(in super::super) struct Contents {
    path: String,
    /// `file` or `directory`.
    #[serde(rename = "type")]
    kind: &'static str,
    sha: Option<String>,
    size: Option<u64>,
    content: Option<String>,
    entries: Option<Vec<JsonObject>>,
    truncated: Option<bool>,
}

pub(in super::super) async fn get(
    hub: Arc<Hub>,
    wanted: GetContents,
    cx: Context,
) -> Result<Answer<Contents>, Refusal> {
    let reference = wanted.sha.or(wanted.reference);
    let value = at(&hub, &wanted.owner, &wanted.repo, &wanted.path, reference.as_deref(), &cx).await?;
    let path = wanted.path.trim_matches('/').to_owned();
    if value.is_array() {
        let entries = pick_all(&value, ENTRY, None);
        let line = |entry: &JsonObject| {
            let text = |key: &str| entry.get(key).and_then(Value::as_str).unwrap_or_default();
            format!("{}{}", text("path"), if text("type") == "dir" { "/" } else { "" })
        };
        let text = entries.iter().map(line).collect::<Vec<_>>().join("\n");
        let contents = Contents {
            path,
            kind: "directory",
            sha: None,
            size: None,
            content: None,
            entries: Some(entries),
            truncated: None,
        };
        return Ok(Answer::told(contents, text));
    }
    let (sha, size) = (value["sha"].as_str().map(str::to_owned), value["size"].as_u64());
    let mut contents = Contents { path, kind: "file", sha, size, content: None, entries: None, truncated: None };
    let bytes = bytes_of(&hub, &wanted.owner, &wanted.repo, &value, &cx).await?;
    match String::from_utf8(bytes) {
        Ok(mut text) => {
            let whole = text.len();
            cut(&mut text, hub.plan.bytes_max);
            if text.len() != whole {
                cx.note(|trail| trail.truncated = true);
                contents.truncated = Some(true);
            }
            contents.content = Some(text.clone());
            Ok(Answer::told(contents, text))
        }
        Err(binary) => {
            let uri = format!("repo://{}/{}/contents/{}", wanted.owner, wanted.repo, contents.path);
            let blob = ResourceContents::blob(STANDARD.encode(binary.as_bytes()), uri);
            let text = format!("{}: a binary file of {} bytes", contents.path, size.unwrap_or_default());
            Ok(Answer::told(contents, text).with(ContentBlock::resource(blob)))
        }
    }
}

/// What the API says of a path.
pub(in super::super) async fn at(
    hub: &Hub,
    owner: &str,
    repo: &str,
    path: &str,
    reference: Option<&str>,
    cx: &Context,
) -> Result<Value, Refusal> {
    let place = hub.repo(owner, repo)?.word("contents").segments(path);
    let told = hub.ask(Ask::get(place).owner(owner).with("ref", reference), cx).await?;
    Ok(told.value)
}

/// The bytes of a file. The API leaves out those of large ones; their blob has them.
pub(in super::super) async fn bytes_of(
    hub: &Hub,
    owner: &str,
    repo: &str,
    value: &Value,
    cx: &Context,
) -> Result<Vec<u8>, Refusal> {
    let size = value["size"].as_u64().unwrap_or_default();
    if size > limits::HUB_FILE_BYTES_MAX as u64 {
        return Err(Refusal::failed(format!(
            "the file has {size} bytes, and at most {} are read here",
            limits::HUB_FILE_BYTES_MAX
        )));
    }
    if value["type"] == "submodule" || value["type"] == "symlink" {
        let kind = value["type"].as_str().unwrap_or_default();
        return Err(Refusal::failed(format!("this is a {kind}; ask for what it leads to")));
    }
    let mut content = value["content"].as_str().unwrap_or_default().to_owned();
    if content.is_empty() && size > 0 {
        let sha = value["sha"].as_str().unwrap_or_default();
        let place = hub.repo(owner, repo)?.word("git").word("blobs").segment(sha);
        let blob = hub.ask(Ask::get(place).owner(owner), cx).await?;
        blob.value["content"].as_str().unwrap_or_default().clone_into(&mut content);
    }
    content.retain(|letter| !letter.is_ascii_whitespace());
    STANDARD.decode(content).map_err(|error| Refusal::unavailable("GitHub's answer can't be read").because(error))
}

#[derive(Debug, Deserialize, JsonSchema)]
pub(in super::super) struct GetTree {
    /// Owner
    owner: String,
    /// Name
    repo: String,
    /// Branch, tag, commit or tree; default: the default branch
    #[serde(default)]
    tree_sha: Option<String>,
    /// With what is in folders
    #[serde(default)]
    recursive: bool,
    /// Only paths that begin so
    #[serde(default)]
    path_filter: Option<String>,
}

#[derive(Debug, Serialize, JsonSchema)]
pub(in super::super) struct Tree {
    sha: Option<String>,
    /// A folder's ends with `/`.
    paths: Vec<String>,
    truncated: Option<bool>,
}

pub(in super::super) async fn tree(hub: Arc<Hub>, wanted: GetTree, cx: Context) -> Result<Answer<Tree>, Refusal> {
    let reference = wanted.tree_sha.as_deref().unwrap_or("HEAD");
    let place = hub.repo(&wanted.owner, &wanted.repo)?.word("git").word("trees").segment(reference);
    let ask = Ask::get(place).owner(&wanted.owner).with("recursive", wanted.recursive.then_some(1));
    let told = hub.ask(ask, &cx).await?.value;
    let filter = wanted.path_filter.unwrap_or_default();
    let path = |entry: &Value| {
        let path = entry["path"].as_str()?;
        let mark = if entry["type"] == "tree" { "/" } else { "" };
        path.starts_with(&filter).then(|| format!("{path}{mark}"))
    };
    let mut paths: Vec<_> = told["tree"].as_array().into_iter().flatten().filter_map(path).collect();
    let cut = paths.len() > limits::HUB_TREE_MAX || told["truncated"] == true;
    paths.truncate(limits::HUB_TREE_MAX);
    if cut {
        cx.note(|trail| trail.truncated = true);
    }
    let text = paths.join("\n");
    let tree = Tree { sha: told["sha"].as_str().map(str::to_owned), paths, truncated: cut.then_some(true) };
    Ok(Answer::told(tree, text))
}
