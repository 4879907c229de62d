//! Reviews.

use std::sync::Arc;

use portwright_core::protocol::JsonObject;
use portwright_core::{Context, Method, Refusal};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::super::client::{Ask, Hub};
use super::super::issues::given;
use super::super::pick::pick;
use super::{pull, threads};
use crate::shared::own::Answer;

#[derive(Debug, Deserialize, JsonSchema)]
pub(in super::super) struct ReviewWrite {
    /// Begin one, send or delete the one begun, or settle a thread
    method: Write,
    /// Owner
    owner: String,
    /// Name
    repo: String,
    /// Of the pull request
    #[serde(rename = "pullNumber")]
    pull_number: u64,
    /// What it says
    #[serde(default)]
    body: Option<String>,
    /// Without it a new review waits to be sent
    #[serde(default)]
    event: Option<Event>,
    /// The commit that it is of
    #[serde(default, rename = "commitID")]
    commit_id: Option<String>,
    /// On lines, with a new review
    #[serde(default)]
    comments: Vec<LineComment>,
    /// Of the thread to settle
    #[serde(default, rename = "threadId")]
    thread_id: Option<String>,
}

#[derive(Debug, Clone, Copy, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum Write {
    Create,
    SubmitPending,
    DeletePending,
    ResolveThread,
    UnresolveThread,
}

#[derive(Debug, Clone, Copy, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
enum Event {
    Approve,
    RequestChanges,
    Comment,
}

#[derive(Debug, Serialize, Deserialize, JsonSchema)]
struct LineComment {
    /// Of the file
    path: String,
    /// What it says
    body: String,
    /// In the file
    #[serde(default, skip_serializing_if = "Option::is_none")]
    line: Option<u64>,
    /// RIGHT: as it is to be; LEFT: as it was
    #[serde(default, skip_serializing_if = "Option::is_none")]
    side: Option<Side>,
    /// In the difference, instead of a line
    #[serde(default, skip_serializing_if = "Option::is_none")]
    position: Option<u64>,
}

#[derive(Debug, Clone, Copy, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "UPPERCASE")]
pub(super) enum Side {
    Left,
    Right,
}

pub(in super::super) async fn write(
    hub: Arc<Hub>,
    wanted: ReviewWrite,
    cx: Context,
) -> Result<Answer<JsonObject>, Refusal> {
    let (owner, repo) = (&wanted.owner, &wanted.repo);
    let reviews = || Ok::<_, Refusal>(pull(&hub, owner, repo, wanted.pull_number)?.word("reviews"));
    let event = wanted.event.map(|event| json!(event));
    let ask = match wanted.method {
        Write::Create => {
            let comments = (!wanted.comments.is_empty()).then(|| json!(wanted.comments));
            let body = given([
                ("body", wanted.body.map(Value::from)),
                ("event", event),
                ("commit_id", wanted.commit_id.map(Value::from)),
                ("comments", comments),
            ]);
            Ask::send(Method::Post, reviews()?, body)
        }
        Write::SubmitPending => {
            let event = event.ok_or_else(|| Refusal::invalid("say what comes of it: `event`"))?;
            let place = reviews()?.number(begun(&hub, Ask::get(reviews()?).owner(owner), &cx).await?).word("events");
            Ask::send(Method::Post, place, given([("event", Some(event)), ("body", wanted.body.map(Value::from))]))
        }
        Write::DeletePending => {
            let place = reviews()?.number(begun(&hub, Ask::get(reviews()?).owner(owner), &cx).await?);
            Ask { method: Method::Delete, ..Ask::get(place) }
        }
        settle @ (Write::ResolveThread | Write::UnresolveThread) => {
            let id = wanted.thread_id.as_deref().ok_or_else(|| Refusal::invalid("say which thread: `threadId`"))?;
            let (at, resolved) = ((&**owner, &**repo, wanted.pull_number), matches!(settle, Write::ResolveThread));
            return Ok(threads::resolve(&hub, at, id, resolved, &cx).await?.into());
        }
    };
    let told = hub.ask(ask.owner(owner), &cx).await?;
    Ok(pick(&told.value, &["id", "state", "html_url"]).into())
}

/// The review that the token's owner has begun: nobody sees another's.
pub(super) async fn pending(hub: &Hub, reviews: Ask, cx: &Context) -> Result<Value, Refusal> {
    let told = hub.ask(reviews.page(None, Some(100)), cx).await?;
    let pending = told.value.as_array().into_iter().flatten().find(|review| review["state"] == "PENDING");
    pending.cloned().ok_or_else(|| Refusal::failed("no review was begun; create one first"))
}

async fn begun(hub: &Hub, reviews: Ask, cx: &Context) -> Result<u64, Refusal> {
    let review = pending(hub, reviews, cx).await?;
    review["id"].as_u64().ok_or_else(|| Refusal::failed("GitHub does not say which review was begun"))
}

#[derive(Debug, Deserialize, JsonSchema)]
pub(in super::super) struct Reply {
    /// Owner
    owner: String,
    /// Name
    repo: String,
    /// Of the pull request
    #[serde(rename = "pullNumber")]
    pull_number: u64,
    /// Of the comment that it answers
    #[serde(rename = "commentId")]
    comment_id: u64,
    /// What to say
    body: String,
}

pub(in super::super) async fn reply(hub: Arc<Hub>, wanted: Reply, cx: Context) -> Result<Answer<JsonObject>, Refusal> {
    let place = pull(&hub, &wanted.owner, &wanted.repo, wanted.pull_number)?;
    let place = place.word("comments").number(wanted.comment_id).word("replies");
    let ask = Ask::send(Method::Post, place, json!({"body": wanted.body})).owner(&wanted.owner);
    Ok(pick(&hub.ask(ask, &cx).await?.value, &["id", "html_url"]).into())
}
