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
use super::super::resources;
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
    /// Of a long file, from 1
    #[serde(default)]
    start_line: Option<usize>,
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
    /// Where a file that did not fit goes on.
    next_line: Option<usize>,
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
        return Ok(folder(&hub, path, &value, &cx));
    }
    let (sha, size) = (value["sha"].as_str().map(str::to_owned), value["size"].as_u64());
    let mut contents =
        Contents { path, kind: "file", sha, size, content: None, entries: None, truncated: None, next_line: None };
    let bytes = bytes_of(&hub, &wanted.owner, &wanted.repo, &value, &cx).await?;
    match String::from_utf8(bytes) {
        Ok(whole) => {
            let (text, next_line, was_cut) = lines(&whole, wanted.start_line.unwrap_or(1), hub.plan.bytes_max)?;
            if was_cut {
                cx.note(|trail| trail.truncated = true);
                contents.truncated = Some(true);
            }
            contents.next_line = next_line;
            contents.content = Some(text.clone());
            Ok(Answer::told(contents, text))
        }
        Err(binary) => {
            let uri = resources::uri(&wanted.owner, &wanted.repo, reference.as_deref(), &contents.path);
            let about = format!("{}: a binary file of {} bytes", contents.path, size.unwrap_or_default());
            let blob = STANDARD.encode(binary.as_bytes());
            if blob.len() > hub.plan.bytes_max {
                cx.note(|trail| trail.truncated = true);
                contents.truncated = Some(true);
                return Ok(Answer::told(
                    contents,
                    format!("{about}, too large for an answer; it can be read as {uri}"),
                ));
            }
            Ok(Answer::told(contents, about).with(ContentBlock::resource(ResourceContents::blob(blob, uri))))
        }
    }
}

/// What is in a folder, as much as fits.
fn folder(hub: &Hub, path: String, value: &Value, cx: &Context) -> Answer<Contents> {
    let mut entries = pick_all(value, ENTRY);
    let (whole, mut bytes) = (entries.len(), 0);
    let fits = entries.iter().take_while(|entry| {
        bytes += serde_json::to_string(entry).map_or(0, |text| text.len());
        bytes <= hub.plan.bytes_max
    });
    let fits = fits.count();
    entries.truncate(fits);
    let line = |entry: &JsonObject| {
        let text = |key: &str| entry.get(key).and_then(Value::as_str).unwrap_or_default();
        format!("{}{}", text("path"), if text("type") == "dir" { "/" } else { "" })
    };
    let mut text = entries.iter().map(line).collect::<Vec<_>>().join("\n");
    let truncated = (fits < whole).then_some(true);
    if truncated.is_some() {
        cx.note(|trail| trail.truncated = true);
        text.push_str("\n… list the rest by get_repository_tree, with path_filter");
    }
    let entries = Some(entries);
    let contents =
        Contents { path, kind: "directory", sha: None, size: None, content: None, entries, truncated, next_line: None };
    Answer::told(contents, text)
}

/// Whole lines from one on, as many as fit; the line that comes next; whether something is left out. A line that is too
/// long by itself is cut.
fn lines(text: &str, from: usize, bytes_max: usize) -> Result<(String, Option<usize>, bool), Refusal> {
    let (mut told, mut at) = (String::new(), 0);
    let mut lines = text.split_inclusive('\n').peekable();
    while let Some(line) = lines.next() {
        at += 1;
        if at < from {
            continue;
        }
        if told.len() + line.len() > bytes_max {
            if !told.is_empty() {
                return Ok((told, Some(at), true));
            }
            let mut line = line.to_owned();
            let was_cut = cut(&mut line, bytes_max);
            return Ok((line, lines.peek().map(|_| at + 1), was_cut || lines.peek().is_some()));
        }
        told.push_str(line);
    }
    if from > at.max(1) {
        return Err(Refusal::invalid(format!("the file has {at} lines, and `start_line` is {from}")));
    }
    Ok((told, None, false))
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
    let (all, mut bytes) = (paths.len(), 0);
    let fits = paths.iter().take(limits::HUB_TREE_MAX).take_while(|path| {
        bytes += path.len() + "\"\",".len();
        bytes <= hub.plan.bytes_max
    });
    let fits = fits.count();
    paths.truncate(fits);
    let cut = fits < all || told["truncated"] == true;
    let mut text = paths.join("\n");
    if cut {
        cx.note(|trail| trail.truncated = true);
        text.push_str("\n… there is more; ask with path_filter, folder by folder");
    }
    let tree = Tree { sha: told["sha"].as_str().map(str::to_owned), paths, truncated: cut.then_some(true) };
    Ok(Answer::told(tree, text))
}
