//! What only GraphQL can: threads of comments on lines and whether they are resolved, drafts, and comments that join a
//! review begun earlier.
//!
//! A thread is named by an id that says nothing of where it is. So it is asked where before anything is done to it.

use std::sync::Arc;

use portwright_core::protocol::JsonObject;
use portwright_core::{Context, Refusal, limits};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::super::client::{Ask, Hub};
use super::super::pick::cut;
use super::pull;
use super::reviews::{Side, pending};
use crate::shared::own::Answer;

const THREADS: &str = "query($owner: String!, $repo: String!, $number: Int!, $first: Int!, $after: String) { \
    repository(owner: $owner, name: $repo) { pullRequest(number: $number) { \
    reviewThreads(first: $first, after: $after) { pageInfo { hasNextPage } edges { cursor node { \
    id isResolved isOutdated path line comments(first: 50) { totalCount nodes { \
    databaseId body createdAt url authorAssociation author { login } } } } } } } } }";

const PLACE: &str = "query($id: ID!) { node(id: $id) { ... on PullRequestReviewThread { \
    pullRequest { number repository { nameWithOwner } } } } }";

const RESOLVE: &str =
    "mutation($id: ID!) { done: resolveReviewThread(input: {threadId: $id}) { thread { id isResolved } } }";
const UNRESOLVE: &str =
    "mutation($id: ID!) { done: unresolveReviewThread(input: {threadId: $id}) { thread { id isResolved } } }";

const PULL_ID: &str = "query($owner: String!, $repo: String!, $number: Int!) { \
    repository(owner: $owner, name: $repo) { pullRequest(number: $number) { id isDraft } } }";

const DRAFT: &str =
    "mutation($id: ID!) { convertPullRequestToDraft(input: {pullRequestId: $id}) { pullRequest { isDraft } } }";
const READY: &str =
    "mutation($id: ID!) { markPullRequestReadyForReview(input: {pullRequestId: $id}) { pullRequest { isDraft } } }";

const COMMENT: &str = "mutation($input: AddPullRequestReviewThreadInput!) { \
    addPullRequestReviewThread(input: $input) { thread { id path line } } }";

/// The threads of a pull request, from after a cursor on; as many as fit.
pub(super) async fn list(
    hub: &Hub,
    (owner, repo, number): (&str, &str, u64),
    (after, per_page): (Option<&str>, Option<u8>),
    cx: &Context,
) -> Result<JsonObject, Refusal> {
    pull(hub, owner, repo, number)?;
    let first = per_page.unwrap_or(limits::HUB_PAGE).clamp(1, 100);
    let variables = json!({"owner": owner, "repo": repo, "number": number, "first": first, "after": after});
    let data = hub.graph(owner, THREADS, variables, cx).await?;
    let threads = &data["repository"]["pullRequest"]["reviewThreads"];
    let edges = threads["edges"].as_array().map(Vec::as_slice).unwrap_or_default();
    let (mut items, mut bytes, mut cursor) = (Vec::new(), 0, None);
    let mut more = threads["pageInfo"]["hasNextPage"].as_bool().unwrap_or(false);
    for edge in edges {
        let item = thread(hub, &edge["node"]);
        bytes += item.to_string().len();
        if bytes > hub.plan.bytes_max && !items.is_empty() {
            cx.note(|trail| trail.truncated = true);
            more = true;
            break;
        }
        items.push(item);
        cursor = edge["cursor"].as_str();
    }
    let mut answer = JsonObject::from_iter([("items".to_owned(), Value::from(items))]);
    if let (true, Some(cursor)) = (more, cursor) {
        answer.insert("next_after".to_owned(), cursor.into());
    }
    Ok(answer)
}

fn thread(hub: &Hub, node: &Value) -> Value {
    let comments = node["comments"]["nodes"].as_array().map(Vec::as_slice).unwrap_or_default();
    let told: Vec<Value> = comments.iter().map(|comment| said(hub, comment)).collect();
    let mut thread = json!({
        "threadId": node["id"], "resolved": node["isResolved"], "outdated": node["isOutdated"],
        "path": node["path"], "line": node["line"], "comments": told,
    });
    if node["comments"]["totalCount"].as_u64().is_some_and(|total| total > comments.len() as u64) {
        thread["comments_total"] = node["comments"]["totalCount"].clone();
    }
    thread
}

fn said(hub: &Hub, comment: &Value) -> Value {
    let association = comment["authorAssociation"].as_str().unwrap_or_default();
    let mut body = comment["body"].as_str().unwrap_or_default().to_owned();
    cut(&mut body, limits::HUB_TEXT_BYTES_MAX.min(hub.plan.bytes_max));
    json!({
        "id": comment["databaseId"], "user": comment["author"]["login"], "author_association": association,
        "created_at": comment["createdAt"], "html_url": comment["url"], "body": hub.shown(association, body),
    })
}

/// Resolves a thread, or opens it again.
pub(super) async fn resolve(
    hub: &Hub,
    (owner, repo, number): (&str, &str, u64),
    id: &str,
    resolved: bool,
    cx: &Context,
) -> Result<JsonObject, Refusal> {
    pull(hub, owner, repo, number)?;
    let place = hub.graph(owner, PLACE, json!({"id": id}), cx).await?;
    let at = &place["node"]["pullRequest"];
    let name = at["repository"]["nameWithOwner"].as_str().unwrap_or_default();
    // Whatever it is of, if it is of something else, is not told.
    if !name.eq_ignore_ascii_case(&format!("{owner}/{repo}")) || at["number"].as_u64() != Some(number) {
        return Err(Refusal::failed(
            "this pull request has no such thread; pull_request_read with get_review_threads lists them",
        ));
    }
    let done = hub.graph(owner, if resolved { RESOLVE } else { UNRESOLVE }, json!({"id": id}), cx).await?;
    let thread = &done["done"]["thread"];
    Ok(JsonObject::from_iter([
        ("threadId".to_owned(), thread["id"].clone()),
        ("resolved".to_owned(), thread["isResolved"].clone()),
    ]))
}

/// Makes a draft of a pull request, or says that it is ready. Nothing is done where it is so already.
pub(super) async fn draft(
    hub: &Hub,
    (owner, repo, number): (&str, &str, u64),
    draft: bool,
    cx: &Context,
) -> Result<(), Refusal> {
    let about = hub.graph(owner, PULL_ID, json!({"owner": owner, "repo": repo, "number": number}), cx).await?;
    let about = &about["repository"]["pullRequest"];
    if about["isDraft"].as_bool() != Some(draft) {
        hub.graph(owner, if draft { DRAFT } else { READY }, json!({"id": about["id"]}), cx).await?;
    }
    Ok(())
}

#[derive(Debug, Deserialize, JsonSchema)]
pub(in super::super) struct PendingComment {
    /// Owner
    owner: String,
    /// Name
    repo: String,
    /// Of the pull request
    #[serde(rename = "pullNumber")]
    pull_number: u64,
    /// Of the file
    path: String,
    /// What it says
    body: String,
    /// On a line, or on the whole file
    #[serde(rename = "subjectType")]
    subject: Subject,
    /// The last of them
    #[serde(default)]
    line: Option<u64>,
    /// RIGHT: as it is to be; LEFT: as it was
    #[serde(default)]
    side: Option<Side>,
    /// The first of several
    #[serde(default, rename = "startLine")]
    start_line: Option<u64>,
    /// Of the first
    #[serde(default, rename = "startSide")]
    start_side: Option<Side>,
}

#[derive(Debug, Clone, Copy, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "UPPERCASE")]
enum Subject {
    File,
    Line,
}

pub(in super::super) async fn comment(
    hub: Arc<Hub>,
    wanted: PendingComment,
    cx: Context,
) -> Result<Answer<JsonObject>, Refusal> {
    let owner = &wanted.owner;
    let reviews = pull(&hub, owner, &wanted.repo, wanted.pull_number)?.word("reviews");
    let review = pending(&hub, Ask::get(reviews).owner(owner), &cx).await?;
    let mut input = json!({
        "pullRequestReviewId": review["node_id"], "path": wanted.path, "body": wanted.body,
        "subjectType": wanted.subject,
    });
    for (name, value) in [
        ("line", wanted.line.map(Value::from)),
        ("side", wanted.side.map(|side| json!(side))),
        ("startLine", wanted.start_line.map(Value::from)),
        ("startSide", wanted.start_side.map(|side| json!(side))),
    ] {
        if let Some(value) = value {
            input[name] = value;
        }
    }
    let done = hub.graph(owner, COMMENT, json!({"input": input}), &cx).await?;
    let thread = &done["addPullRequestReviewThread"]["thread"];
    if thread.is_null() {
        return Err(Refusal::failed("GitHub took no comment there; is the line part of the difference?"));
    }
    let told = [("threadId", "id"), ("path", "path"), ("line", "line")];
    let told = told.map(|(name, key)| (name.to_owned(), thread[key].clone()));
    Ok(told.into_iter().filter(|(_, value)| !value.is_null()).collect::<JsonObject>().into())
}
