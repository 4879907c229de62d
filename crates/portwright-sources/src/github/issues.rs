//! Issues.

use std::sync::Arc;

use portwright_core::protocol::JsonObject;
use portwright_core::{Context, Method, Refusal};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Value, json};

use super::client::{Ask, Hub, Listed};
use super::path::Path;
use super::pick::{COMMENT, ISSUE, LABEL, pick};
use super::search::Order;
use crate::shared::own::Answer;

#[derive(Debug, Deserialize, JsonSchema)]
pub(super) struct IssueRead {
    /// What of it
    method: Read,
    /// Owner
    owner: String,
    /// Name
    repo: String,
    /// Of the issue
    issue_number: u64,
    /// From 1
    #[serde(default)]
    page: Option<u64>,
    /// At most 100
    #[serde(default, rename = "perPage")]
    per_page: Option<u8>,
}

#[derive(Debug, Clone, Copy, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum Read {
    Get,
    GetComments,
    GetSubIssues,
    GetParent,
    GetLabels,
}

pub(super) async fn read(hub: Arc<Hub>, wanted: IssueRead, cx: Context) -> Result<Answer<JsonObject>, Refusal> {
    let place = issue(&hub, &wanted.owner, &wanted.repo, wanted.issue_number)?;
    let (place, fields) = match wanted.method {
        Read::Get => (place, ISSUE),
        Read::GetComments => (place.word("comments"), COMMENT),
        Read::GetSubIssues => (place.word("sub_issues"), ISSUE),
        Read::GetParent => (place.word("parent"), ISSUE),
        Read::GetLabels => (place.word("labels"), LABEL),
    };
    let ask = Ask::get(place).owner(&wanted.owner);
    if matches!(wanted.method, Read::Get | Read::GetParent) {
        let value = hub.ask(ask, &cx).await?.value;
        // An issue may have been moved, and a parent may lie, where nothing may be touched.
        if !within(&hub, &value) {
            return Err(Refusal::failed("it lies in a repository that this server may not use"));
        }
        let mut told = pick(&value, fields);
        hub.withhold(&mut told);
        return Ok(told.into());
    }
    let mut told = hub.ask(ask.page(wanted.page, wanted.per_page), &cx).await?;
    if let (Read::GetSubIssues, Value::Array(issues)) = (wanted.method, &mut told.value) {
        issues.retain(|issue| within(&hub, issue));
    }
    Ok(hub.page(&told.value, fields, None, told.next, None, &cx).object())
}

/// Whether an issue lies in a repository that may be touched.
fn within(hub: &Hub, issue: &Value) -> bool {
    let name = issue["repository_url"].as_str().and_then(|url| url.split_once("/repos/"));
    let pair = name.and_then(|(_, name)| name.split_once('/'));
    !hub.plan.fence.is_closed() || pair.is_some_and(|(owner, repo)| hub.plan.fence.allows(owner, repo))
}

fn issue(hub: &Hub, owner: &str, repo: &str, number: u64) -> Result<Path, Refusal> {
    Ok(hub.repo(owner, repo)?.word("issues").number(number))
}

#[derive(Debug, Deserialize, JsonSchema)]
pub(super) struct ListIssues {
    /// Owner
    owner: String,
    /// Name
    repo: String,
    /// Default: open
    #[serde(default)]
    state: Option<State>,
    /// All of these
    #[serde(default)]
    labels: Vec<String>,
    /// Default: created
    #[serde(default)]
    sort: Option<Sort>,
    /// Default: desc
    #[serde(default)]
    direction: Option<Order>,
    /// Changed since, as 2026-01-31T00:00:00Z
    #[serde(default)]
    since: Option<String>,
    /// From 1
    #[serde(default)]
    page: Option<u64>,
    /// At most 100
    #[serde(default, rename = "perPage")]
    per_page: Option<u8>,
    /// Fields to return instead of the usual ones
    #[serde(default)]
    fields: Option<Vec<String>>,
}

#[derive(Debug, Clone, Copy, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(super) enum State {
    Open,
    Closed,
    All,
}

impl State {
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Closed => "closed",
            Self::All => "all",
        }
    }
}

#[derive(Debug, Clone, Copy, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
enum Sort {
    Created,
    Updated,
    Comments,
}

pub(super) async fn list(hub: Arc<Hub>, wanted: ListIssues, cx: Context) -> Result<Answer<Listed>, Refusal> {
    let sort = wanted.sort.map(|sort| match sort {
        Sort::Created => "created",
        Sort::Updated => "updated",
        Sort::Comments => "comments",
    });
    let labels = Some(wanted.labels.join(",")).filter(|labels| !labels.is_empty());
    let ask = Ask::get(hub.repo(&wanted.owner, &wanted.repo)?.word("issues"))
        .owner(&wanted.owner)
        .with("state", wanted.state.map(State::as_str))
        .with("labels", labels)
        .with("sort", sort)
        .with("direction", wanted.direction.map(Order::as_str))
        .with("since", wanted.since)
        .page(wanted.page, wanted.per_page);
    let told = hub.ask(ask, &cx).await?;
    // The API lists pull requests among them.
    let issues = told.value.as_array().into_iter().flatten().filter(|issue| issue.get("pull_request").is_none());
    let issues: Value = issues.cloned().collect();
    Ok(hub.page(&issues, ISSUE, wanted.fields.as_deref(), told.next, None, &cx))
}

#[derive(Debug, Deserialize, JsonSchema)]
pub(super) struct IssueWrite {
    /// Make one, or change one
    method: Write,
    /// Owner
    owner: String,
    /// Name
    repo: String,
    /// To update
    #[serde(default)]
    issue_number: Option<u64>,
    /// Needed to create
    #[serde(default)]
    title: Option<String>,
    /// What it says
    #[serde(default)]
    body: Option<String>,
    /// Logins
    #[serde(default)]
    assignees: Option<Vec<String>>,
    /// Names; they replace those that it has
    #[serde(default)]
    labels: Option<Vec<String>>,
    /// Its number
    #[serde(default)]
    milestone: Option<u64>,
    /// To update
    #[serde(default)]
    state: Option<OpenOrClosed>,
    /// Why it is closed
    #[serde(default)]
    state_reason: Option<Reason>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
enum Write {
    Create,
    Update,
}

#[derive(Debug, Clone, Copy, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(super) enum OpenOrClosed {
    Open,
    Closed,
}

impl OpenOrClosed {
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Closed => "closed",
        }
    }
}

#[derive(Debug, Clone, Copy, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum Reason {
    Completed,
    NotPlanned,
    Duplicate,
}

pub(super) async fn write(hub: Arc<Hub>, wanted: IssueWrite, cx: Context) -> Result<Answer<JsonObject>, Refusal> {
    let reason = wanted.state_reason.map(|reason| match reason {
        Reason::Completed => "completed",
        Reason::NotPlanned => "not_planned",
        Reason::Duplicate => "duplicate",
    });
    let body = given([
        ("title", wanted.title.map(Value::from)),
        ("body", wanted.body.map(Value::from)),
        ("assignees", wanted.assignees.map(Value::from)),
        ("labels", wanted.labels.map(Value::from)),
        ("milestone", wanted.milestone.map(Value::from)),
        ("state", wanted.state.map(|state| state.as_str().into())),
        ("state_reason", reason.map(Value::from)),
    ]);
    let ask = match (wanted.method, wanted.issue_number) {
        (Write::Create, _) if body.get("title").is_none() => {
            return Err(Refusal::invalid("a new issue needs a `title`"));
        }
        (Write::Create, _) => Ask::send(Method::Post, hub.repo(&wanted.owner, &wanted.repo)?.word("issues"), body),
        (Write::Update, None) => return Err(Refusal::invalid("say which issue: `issue_number`")),
        (Write::Update, Some(number)) => {
            Ask::send(Method::Patch, issue(&hub, &wanted.owner, &wanted.repo, number)?, body)
        }
    };
    let told = hub.ask(ask.owner(&wanted.owner), &cx).await?;
    Ok(pick(&told.value, &["number", "title", "state", "html_url"]).into())
}

/// An object of what was given.
pub(super) fn given<const N: usize>(members: [(&str, Option<Value>); N]) -> Value {
    let members = members.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?)));
    Value::Object(members.collect())
}

#[derive(Debug, Deserialize, JsonSchema)]
pub(super) struct AddComment {
    /// Owner
    owner: String,
    /// Name
    repo: String,
    /// Of the issue or pull request
    issue_number: u64,
    /// What to say
    body: String,
}

pub(super) async fn comment(hub: Arc<Hub>, wanted: AddComment, cx: Context) -> Result<Answer<JsonObject>, Refusal> {
    let place = issue(&hub, &wanted.owner, &wanted.repo, wanted.issue_number)?.word("comments");
    let ask = Ask::send(Method::Post, place, json!({"body": wanted.body})).owner(&wanted.owner);
    Ok(pick(&hub.ask(ask, &cx).await?.value, &["id", "html_url"]).into())
}

#[derive(Debug, Deserialize, JsonSchema)]
pub(super) struct SubIssueWrite {
    /// What to do
    method: SubWrite,
    /// Owner
    owner: String,
    /// Name
    repo: String,
    /// Of the parent
    issue_number: u64,
    /// The id of the other, not its number
    sub_issue_id: u64,
    /// Take it from the parent that it has
    #[serde(default)]
    replace_parent: bool,
    /// To reprioritize: the id that it comes after
    #[serde(default)]
    after_id: Option<u64>,
    /// To reprioritize: the id that it comes before
    #[serde(default)]
    before_id: Option<u64>,
}

#[derive(Debug, Clone, Copy, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
enum SubWrite {
    Add,
    Remove,
    Reprioritize,
}

pub(super) async fn sub_issue(
    hub: Arc<Hub>,
    wanted: SubIssueWrite,
    cx: Context,
) -> Result<Answer<JsonObject>, Refusal> {
    let place = issue(&hub, &wanted.owner, &wanted.repo, wanted.issue_number)?;
    let id = wanted.sub_issue_id;
    let ask = match wanted.method {
        SubWrite::Add if hub.plan.fence.is_closed() => {
            let words = "an id may name an issue of any repository, and this server may touch some alone; \
                         write the issue's number into a task list instead";
            return Err(Refusal::failed(words));
        }
        SubWrite::Add => {
            let body = json!({"sub_issue_id": id, "replace_parent": wanted.replace_parent});
            Ask::send(Method::Post, place.word("sub_issues"), body)
        }
        SubWrite::Remove => Ask::send(Method::Delete, place.word("sub_issue"), json!({"sub_issue_id": id})),
        SubWrite::Reprioritize => {
            let after = wanted.after_id.map(Value::from);
            let body = given([
                ("sub_issue_id", Some(id.into())),
                ("after_id", after),
                ("before_id", wanted.before_id.map(Value::from)),
            ]);
            Ask::send(Method::Patch, place.word("sub_issues").word("priority"), body)
        }
    };
    let told = hub.ask(ask.owner(&wanted.owner), &cx).await?;
    Ok(pick(&told.value, &["number", "title", "state", "html_url"]).into())
}
