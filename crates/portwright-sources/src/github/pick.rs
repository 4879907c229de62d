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

/// The same of a list, or the fields that the caller named; texts are cut, since each can be read by itself.
pub(super) fn pick_all(values: &Value, fields: Fields, wanted: Option<&[String]>) -> Vec<JsonObject> {
    let one = |value: &Value| {
        let mut kept = match wanted {
            None => pick(value, fields),
            Some(names) => {
                let named = |name: &String| Some((name.clone(), value.get(name)?.clone()));
                names.iter().filter_map(named).collect()
            }
        };
        for text in ["body", "patch", "message"] {
            if let Some(Value::String(text)) = kept.get_mut(text) {
                cut(text, limits::HUB_TEXT_BYTES_MAX);
            }
        }
        kept
    };
    values.as_array().into_iter().flatten().map(one).collect()
}

/// Shortens a text, and says so.
pub(super) fn cut(text: &mut String, bytes_max: usize) {
    if text.len() > bytes_max {
        text.truncate(text.floor_char_boundary(bytes_max));
        text.push_str("… [cut]");
    }
}
