//! Searches, kept within the repositories that may be touched.

use std::sync::Arc;

use portwright_core::{Context, Refusal};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value;

use super::client::{Ask, Hub, Listed};
use super::path::Path;
use super::pick::{Fields, ISSUE, REPOSITORY, USER};
use crate::shared::own::Answer;

#[derive(Debug, Deserialize, JsonSchema)]
pub(super) struct Search {
    /// In GitHub's search syntax
    query: String,
    /// What to sort by
    #[serde(default)]
    sort: Option<String>,
    /// asc or desc
    #[serde(default)]
    order: Option<Order>,
    /// From 1
    #[serde(default)]
    page: Option<u64>,
    /// At most 100
    #[serde(default, rename = "perPage")]
    per_page: Option<u8>,
}

#[derive(Debug, Deserialize, JsonSchema)]
pub(super) struct SearchIssues {
    /// In GitHub's search syntax
    query: String,
    /// Only in this owner's
    #[serde(default)]
    owner: Option<String>,
    /// Only in this repository
    #[serde(default)]
    repo: Option<String>,
    /// comments, reactions, created, updated…
    #[serde(default)]
    sort: Option<String>,
    /// asc or desc
    #[serde(default)]
    order: Option<Order>,
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
pub(super) enum Order {
    #[serde(alias = "ASC")]
    Asc,
    #[serde(alias = "DESC")]
    Desc,
}

impl Order {
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Asc => "asc",
            Self::Desc => "desc",
        }
    }
}

const CODE: Fields = &["name", "path", "repository.full_name", "sha", "html_url"];
const COMMITS: Fields = &["sha", "commit.message", "commit.author", "author.login", "repository.full_name", "html_url"];

pub(super) async fn repositories(hub: Arc<Hub>, wanted: Search, cx: Context) -> Result<Answer<Listed>, Refusal> {
    plain(&hub, "repositories", wanted, REPOSITORY, |item| item["full_name"].as_str(), &cx).await
}

pub(super) async fn code(hub: Arc<Hub>, wanted: Search, cx: Context) -> Result<Answer<Listed>, Refusal> {
    plain(&hub, "code", wanted, CODE, |item| item["repository"]["full_name"].as_str(), &cx).await
}

pub(super) async fn commits(hub: Arc<Hub>, wanted: Search, cx: Context) -> Result<Answer<Listed>, Refusal> {
    plain(&hub, "commits", wanted, COMMITS, |item| item["repository"]["full_name"].as_str(), &cx).await
}

/// People are in no repository.
pub(super) async fn users(hub: Arc<Hub>, wanted: Search, cx: Context) -> Result<Answer<Listed>, Refusal> {
    let ask = asked("users", &wanted.query, &wanted);
    let told = hub.ask(ask, &cx).await?;
    Ok(hub.page(&told.value["items"], USER, None, told.next, told.value["total_count"].as_u64(), &cx))
}

pub(super) async fn issues(hub: Arc<Hub>, wanted: SearchIssues, cx: Context) -> Result<Answer<Listed>, Refusal> {
    of_kind(&hub, wanted, "is:issue", &cx).await
}

pub(super) async fn pull_requests(hub: Arc<Hub>, wanted: SearchIssues, cx: Context) -> Result<Answer<Listed>, Refusal> {
    of_kind(&hub, wanted, "is:pr", &cx).await
}

async fn of_kind(hub: &Hub, wanted: SearchIssues, kind: &str, cx: &Context) -> Result<Answer<Listed>, Refusal> {
    let mut query = wanted.query.clone();
    if !query.contains("is:issue") && !query.contains("is:pr") {
        query = format!("{query} {kind}");
    }
    match (&wanted.owner, &wanted.repo) {
        (Some(owner), Some(repo)) => {
            hub.plan.fence.check(owner, repo)?;
            query = format!("{query} repo:{owner}/{repo}");
        }
        (Some(owner), None) => {
            hub.plan
                .fence
                .check(owner, "x")
                .or_else(|refusal| if hub.plan.fence.is_closed() { Ok(()) } else { Err(refusal) })?;
            query = format!("{query} user:{owner}");
        }
        _ => {}
    }
    let search = Search { query, sort: wanted.sort, order: wanted.order, page: wanted.page, per_page: wanted.per_page };
    let name = |item: &Value| {
        item["repository_url"].as_str().and_then(|url| url.split_once("/repos/")).map(|(_, name)| name.to_owned())
    };
    let (values, next, total) = found(hub, "issues", &search, name, cx).await?;
    Ok(hub.page(&values, ISSUE, wanted.fields.as_deref(), next, total, cx))
}

async fn plain(
    hub: &Hub,
    what: &str,
    wanted: Search,
    fields: Fields,
    name: impl Fn(&Value) -> Option<&str>,
    cx: &Context,
) -> Result<Answer<Listed>, Refusal> {
    let (values, next, total) = found(hub, what, &wanted, |item| name(item).map(str::to_owned), cx).await?;
    Ok(hub.page(&values, fields, None, next, total, cx))
}

/// What a search finds in the repositories that may be touched. The query is narrowed to them, and what comes from
/// elsewhere all the same is dropped, with the count that would tell of it.
async fn found(
    hub: &Hub,
    what: &str,
    wanted: &Search,
    name: impl Fn(&Value) -> Option<String>,
    cx: &Context,
) -> Result<(Value, Option<u64>, Option<u64>), Refusal> {
    let query = format!("{}{}", wanted.query, hub.plan.fence.qualifiers());
    let mut told = hub.ask(asked(what, &query, wanted), cx).await?;
    let items = told.value["items"].as_array_mut().map(std::mem::take).unwrap_or_default();
    let allowed = |item: &Value| {
        let name = name(item);
        let pair = name.as_deref().and_then(|name| name.split_once('/'));
        pair.is_some_and(|(owner, repo)| hub.plan.fence.allows(owner, repo))
    };
    let closed = hub.plan.fence.is_closed();
    let kept: Vec<Value> = items.into_iter().filter(|item| !closed || allowed(item)).collect();
    let total = told.value["total_count"].as_u64().filter(|_| !closed);
    Ok((Value::Array(kept), told.next, total))
}

fn asked(what: &str, query: &str, wanted: &Search) -> Ask {
    Ask::get(Path::of(&["search"]).segment(what))
        .with("q", Some(query))
        .with("sort", wanted.sort.as_deref())
        .with("order", wanted.order.map(Order::as_str))
        .page(wanted.page, wanted.per_page)
}
