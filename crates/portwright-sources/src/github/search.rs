//! Searches, kept within the repositories that may be touched.

use std::sync::Arc;

use portwright_core::{Context, Refusal};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value;

use super::client::{Ask, Hub, JSON};
use super::page::{Items, Listed};
use super::path::Path;
use super::pick::{Fields, ISSUE, REPOSITORY, USER};
use super::scope::{Grammar, Scoped};
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
    /// Only these
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

const CODE: Fields = &["path", "repository.full_name", "sha", "html_url", "text_matches.fragment"];
const COMMITS: Fields = &["sha", "commit.message", "commit.author", "author.login", "repository.full_name", "html_url"];

pub(super) async fn repositories(hub: Arc<Hub>, wanted: Search, cx: Context) -> Result<Answer<Listed>, Refusal> {
    plain(&hub, "repositories", wanted, REPOSITORY, &cx).await
}

pub(super) async fn code(hub: Arc<Hub>, wanted: Search, cx: Context) -> Result<Answer<Listed>, Refusal> {
    plain(&hub, "code", wanted, CODE, &cx).await
}

pub(super) async fn commits(hub: Arc<Hub>, wanted: Search, cx: Context) -> Result<Answer<Listed>, Refusal> {
    plain(&hub, "commits", wanted, COMMITS, &cx).await
}

/// People are in no repository.
pub(super) async fn users(hub: Arc<Hub>, wanted: Search, cx: Context) -> Result<Answer<Listed>, Refusal> {
    let ask = asked("users", &wanted.query, &wanted);
    let told = hub.ask(ask, &cx).await?;
    let total = told.value["total_count"].as_u64();
    Ok(hub.page(&told, Items { total, ..Items::of(&told.value["items"], USER) }, &cx))
}

pub(super) async fn issues(hub: Arc<Hub>, wanted: SearchIssues, cx: Context) -> Result<Answer<Listed>, Refusal> {
    of_kind(&hub, wanted, "is:issue", &cx).await
}

pub(super) async fn pull_requests(hub: Arc<Hub>, wanted: SearchIssues, cx: Context) -> Result<Answer<Listed>, Refusal> {
    of_kind(&hub, wanted, "is:pr", &cx).await
}

async fn of_kind(hub: &Hub, wanted: SearchIssues, kind: &str, cx: &Context) -> Result<Answer<Listed>, Refusal> {
    let kind = if wanted.query.contains("is:issue") || wanted.query.contains("is:pr") { "" } else { kind };
    let within = (wanted.owner.as_deref(), wanted.repo.as_deref());
    let scoped = hub.plan.fence.scoped(&wanted.query, within, kind, Grammar::Boolean)?;
    let SearchIssues { query, sort, order, page, per_page, fields, .. } = wanted;
    let search = Search { query, sort, order, page, per_page };
    found(hub, ("issues", ISSUE), &search, scoped, fields.as_deref(), cx).await
}

async fn plain(hub: &Hub, what: &str, wanted: Search, fields: Fields, cx: &Context) -> Result<Answer<Listed>, Refusal> {
    let scoped = hub.plan.fence.scoped(&wanted.query, (None, None), "", Grammar::Plain)?;
    found(hub, (what, fields), &wanted, scoped, None, cx).await
}

/// What a search finds in the repositories that may be touched. The query is narrowed to them, and what comes from
/// elsewhere all the same is dropped, with the count that would tell of it.
async fn found(
    hub: &Hub,
    (what, fields): (&str, Fields),
    wanted: &Search,
    scoped: Scoped,
    names: Option<&[String]>,
    cx: &Context,
) -> Result<Answer<Listed>, Refusal> {
    let mut ask = asked(what, &scoped.query, wanted);
    ask.owner = scoped.owner;
    let told = hub.ask(ask, cx).await?;
    let closed = hub.plan.fence.is_closed();
    let allowed = |item: &Value| !closed || home(item).is_some_and(|(owner, repo)| hub.plan.fence.allows(owner, repo));
    let total = told.value["total_count"].as_u64().filter(|_| !closed);
    let items = Items { wanted: names, total, keep: &allowed, ..Items::of(&told.value["items"], fields) };
    Ok(hub.page(&told, items, cx))
}

/// Owner and name of the repository that a result is of, or is.
fn home(result: &Value) -> Option<(&str, &str)> {
    let url = result["repository_url"].as_str().and_then(|url| url.rsplit_once("/repos/")).map(|(_, name)| name);
    let full = result["repository"]["full_name"].as_str().or_else(|| result["full_name"].as_str());
    url.or(full)?.split_once('/')
}

fn asked(what: &str, query: &str, wanted: &Search) -> Ask {
    Ask::get(Path::of(&["search"]).segment(what))
        .with("q", Some(query))
        .with("sort", wanted.sort.as_deref())
        .with("order", wanted.order.map(Order::as_str))
        .page(wanted.page, wanted.per_page)
        .accept(if what == "code" { "application/vnd.github.text-match+json" } else { JSON })
}
