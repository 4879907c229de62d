//! What is kept of an answer: the few fields that matter, or those that the caller names.

use portwright_core::limits;
use portwright_core::protocol::JsonObject;
use serde_json::Value;

/// Fields by their names: `number`, `user.login` (kept as `user`), `labels.name` (of each, in a list).
pub(super) type Fields = &'static [&'static str];

pub(super) const REPOSITORY: Fields = &[
    "full_name",
    "description",
    "private",
    "fork",
    "archived",
    "default_branch",
    "language",
    "stargazers_count",
    "open_issues_count",
    "topics",
    "html_url",
    "pushed_at",
];
pub(super) const ISSUE: Fields = &[
    "number",
    "title",
    "state",
    "state_reason",
    "user.login",
    "author_association",
    "labels.name",
    "assignees.login",
    "milestone.title",
    "comments",
    "created_at",
    "updated_at",
    "closed_at",
    "html_url",
    "body",
];
pub(super) const COMMENT: Fields = &["id", "user.login", "author_association", "created_at", "html_url", "body"];
pub(super) const PULL: Fields = &[
    "number",
    "title",
    "state",
    "draft",
    "merged",
    "mergeable_state",
    "user.login",
    "author_association",
    "head.label",
    "base.ref",
    "labels.name",
    "requested_reviewers.login",
    "commits",
    "changed_files",
    "additions",
    "deletions",
    "created_at",
    "updated_at",
    "merged_at",
    "html_url",
    "body",
];
pub(super) const REVIEW: Fields =
    &["id", "user.login", "author_association", "state", "commit_id", "submitted_at", "html_url", "body"];
pub(super) const REVIEW_COMMENT: Fields = &[
    "id",
    "in_reply_to_id",
    "user.login",
    "author_association",
    "path",
    "line",
    "side",
    "created_at",
    "html_url",
    "body",
];
pub(super) const COMMIT: Fields = &["sha", "commit.message", "commit.author", "author.login", "html_url", "stats"];
pub(super) const FILE: Fields = &["filename", "status", "additions", "deletions", "previous_filename", "patch"];
pub(super) const CHANGED: Fields = &["filename", "status", "additions", "deletions", "previous_filename"];
pub(super) const ENTRY: Fields = &["type", "name", "path", "size", "sha"];
pub(super) const RELEASE: Fields =
    &["id", "tag_name", "name", "draft", "prerelease", "author.login", "published_at", "html_url", "body"];
pub(super) const USER: Fields =
    &["login", "name", "type", "company", "location", "bio", "public_repos", "followers", "html_url"];
pub(super) const LABEL: Fields = &["name", "color", "description"];
pub(super) const GIST: Fields = &["id", "description", "public", "owner.login", "files", "updated_at", "html_url"];
pub(super) const WORKFLOW: Fields = &["id", "name", "path", "state"];
pub(super) const RUN: Fields = &[
    "id",
    "name",
    "display_title",
    "event",
    "status",
    "conclusion",
    "head_branch",
    "head_sha",
    "actor.login",
    "run_started_at",
    "html_url",
];
pub(super) const JOB: Fields =
    &["id", "name", "status", "conclusion", "started_at", "completed_at", "steps", "html_url"];

/// The fields of an object that are there.
pub(super) fn pick(value: &Value, fields: Fields) -> JsonObject {
    let one = |path: &&str| {
        let (name, inner) = path.split_once('.').map_or((*path, None), |(name, inner)| (name, Some(inner)));
        let found = value.get(name).filter(|found| !found.is_null())?;
        let kept = match (found, inner) {
            (_, None) => found.clone(),
            (Value::Array(all), Some(inner)) => all.iter().filter_map(|one| one.get(inner)).cloned().collect(),
            (one, Some(inner)) => one.get(inner).filter(|found| !found.is_null())?.clone(),
        };
        let empty = matches!(&kept, Value::Array(list) if list.is_empty());
        // What a commit says stands under its own name, and so does a second thing of the same name.
        let name = if name == "commit" { inner.unwrap_or(name) } else { name };
        (!empty).then(|| (name.to_owned(), inner.unwrap_or(name).to_owned(), kept))
    };
    let mut picked = JsonObject::new();
    for (name, second, kept) in fields.iter().filter_map(one) {
        let name = if picked.contains_key(&name) { second } else { name };
        picked.insert(name, kept);
    }
    picked
}

/// The fields that are kept, or those that the caller named; texts are cut, since each thing can be read by itself.
pub(super) fn shaped(value: &Value, fields: Fields, wanted: Option<&[String]>, bytes_max: usize) -> JsonObject {
    let mut kept = match wanted {
        None => pick(value, fields),
        Some(names) => {
            let named = |name: &String| Some((name.clone(), value.get(name)?.clone()));
            names.iter().filter_map(named).collect()
        }
    };
    for value in kept.values_mut() {
        cut_all(value, bytes_max);
    }
    kept
}

/// The same of a list.
pub(super) fn pick_all(values: &Value, fields: Fields) -> Vec<JsonObject> {
    let one = |value: &Value| shaped(value, fields, None, limits::HUB_TEXT_BYTES_MAX);
    values.as_array().into_iter().flatten().map(one).collect()
}

/// Cuts the texts of a thing until all of it has so many bytes; whether it had to.
pub(super) fn cut_within(thing: &mut JsonObject, bytes_max: usize) -> bool {
    const TEXT_BYTES_MIN: usize = 256;
    let size = |thing: &JsonObject| serde_json::to_string(thing).map_or(0, |text| text.len());
    let (mut text_bytes, mut was_cut) = (bytes_max, false);
    while size(thing) > bytes_max && text_bytes > TEXT_BYTES_MIN {
        text_bytes /= 2;
        for value in thing.values_mut() {
            was_cut |= cut_all(value, text_bytes);
        }
    }
    was_cut
}

/// Cuts all texts in a value; whether one was.
fn cut_all(value: &mut Value, bytes_max: usize) -> bool {
    match value {
        Value::String(text) => cut(text, bytes_max),
        Value::Array(values) => values.iter_mut().fold(false, |any, value| cut_all(value, bytes_max) | any),
        Value::Object(members) => members.values_mut().fold(false, |any, value| cut_all(value, bytes_max) | any),
        _ => false,
    }
}

const MARK: &str = "… [cut]";

/// Shortens a text that is longer than that and the mark, and says so; whether it had to.
pub(super) fn cut(text: &mut String, bytes_max: usize) -> bool {
    if text.len() <= bytes_max + MARK.len() {
        return false;
    }
    text.truncate(text.floor_char_boundary(bytes_max));
    text.push_str(MARK);
    true
}
