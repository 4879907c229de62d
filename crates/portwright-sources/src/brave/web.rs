//! `brave_web_search`.

use std::sync::Arc;

use portwright_core::{Context, Refusal};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::api::Api;
use super::arguments::{Asked, OneOrMore, SafeSearch};
use super::items::{self, Item, Told};
use super::summary::KEY_CHARACTERS_MAX;
use super::text::{list, text};
use crate::shared::own::Answer;

pub(super) const ABOUT: &str = "Searches the web. Returns titles, addresses and short descriptions; `next` is the \
                                offset of more. For the text of pages use brave_llm_context.";

/// The pages of a result that the service gives out.
pub(super) const OFFSET_MAX: u32 = 9;

#[derive(Debug, Deserialize, JsonSchema)]
pub(super) struct Web {
    /// At most 400 characters, 50 words; operators such as site: work
    query: String,
    /// Results a page (20)
    #[schemars(range(min = 1, max = 20))]
    count: Option<u32>,
    /// Page, from 0
    #[schemars(range(max = 9))]
    offset: Option<u32>,
    /// Two letters, such as DE, or ALL
    country: Option<String>,
    /// Such as en or pt-br
    search_lang: Option<String>,
    /// pd, pw, pm, py (day to year) or 2026-01-01to2026-03-31
    freshness: Option<String>,
    /// Explicit results (moderate)
    safesearch: Option<SafeSearch>,
    /// Correct the spelling (true)
    spellcheck: Option<bool>,
    /// More excerpts of each page
    extra_snippets: Option<bool>,
    /// Re-ranking: https addresses of goggles, or their rules
    #[serde(default)]
    goggles: OneOrMore,
    /// Kinds: web, news, videos, discussions, faq, infobox, locations (web)
    #[serde(default)]
    result_filter: OneOrMore,
    /// Ask for a key for brave_summarizer
    summary: Option<bool>,
}

#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct WebFound {
    items: Vec<Item>,
    /// Results of other kinds, by kind.
    also: Option<Vec<Also>>,
    summary_key: Option<String>,
    /// The query as the service corrected it.
    searched: Option<String>,
    next: Option<u32>,
    note: Option<String>,
}

#[derive(Debug, Serialize, JsonSchema)]
struct Also {
    kind: &'static str,
    #[serde(flatten)]
    item: Item,
}

impl Told for Also {
    fn told(&self) -> String {
        format!("[{}] {}", self.kind, self.item.told())
    }
}

/// The kinds beside web pages, and where they stand in the answer.
const KINDS: [(&str, &str); 6] = [
    ("news", "/news/results"),
    ("videos", "/videos/results"),
    ("discussions", "/discussions/results"),
    ("faq", "/faq/results"),
    ("infobox", "/infobox/results"),
    ("locations", "/locations/results"),
];

pub(super) async fn search(api: Arc<Api>, web: Web, cx: Context) -> Result<Answer<WebFound>, Refusal> {
    let filter = filter(&web.result_filter)?;
    let summary = web.summary == Some(true);
    let mut asked = Asked::query(&web.query)?
        .number("count", web.count, 1, 20)?
        .number("offset", web.offset, 0, OFFSET_MAX)?
        .country(web.country.as_deref())?
        .language(web.search_lang.as_deref())?
        .freshness(web.freshness.as_deref())?
        .safe(web.safesearch)
        .flag("spellcheck", web.spellcheck)
        .flag("extra_snippets", web.extra_snippets)
        .goggles(&web.goggles)?
        .set("text_decorations", "false");
    // A filter would leave out either the pages or the key of the summary.
    asked = if summary { asked.set("summary", "true") } else { asked.set("result_filter", filter.join(",")) };
    let answer = api.get(&["web", "search"], &asked.params(), &cx).await?;
    let (items, cut) = items::fitting_search(pages(&answer), &api, &cx);
    let kinds = KINDS.iter().filter(|(kind, _)| filter.contains(kind));
    let (also, also_cut) = items::fitting_search(
        kinds
            .flat_map(|(kind, place)| list(&answer, place).filter_map(|one| Some(Also { kind, item: Item::of(one)? }))),
        &api,
        &cx,
    );
    let note = items::note(items.is_empty() && also.is_empty(), cut || also_cut);
    let found = WebFound {
        next: next(&answer, web.offset),
        summary_key: key(&answer).filter(|_| summary),
        searched: text(&answer, "/query/altered"),
        also: Some(also).filter(|also| !also.is_empty()),
        items,
        note,
    };
    let mut words = items::told(&found.items, found.note.as_deref(), found.next);
    if let Some(also) = &found.also {
        words = format!("{words}\n\n{}", items::told(also, None, None));
    }
    if summary {
        words.push_str("\n\nKey for brave_summarizer: ");
        words.push_str(found.summary_key.as_deref().unwrap_or("none; the service has no summary for this search"));
    }
    Ok(Answer::told(found, words.trim()))
}

fn key(answer: &Value) -> Option<String> {
    let key = answer.pointer("/summarizer/key")?.as_str()?;
    (key.chars().count() <= KEY_CHARACTERS_MAX).then(|| key.to_owned())
}

/// The web pages of an answer.
pub(super) fn pages(answer: &Value) -> impl Iterator<Item = Item> + use<'_> {
    list(answer, "/web/results").filter_map(Item::of)
}

/// The next page, if the service says that there is one.
pub(super) fn next(answer: &Value, offset: Option<u32>) -> Option<u32> {
    let more = answer.pointer("/query/more_results_available").and_then(Value::as_bool) == Some(true);
    Some(offset.unwrap_or(0) + 1).filter(|next| more && *next <= OFFSET_MAX)
}

/// What the service is asked to return: always what tells whether there is more.
fn filter(wanted: &OneOrMore) -> Result<Vec<&'static str>, Refusal> {
    let mut filter = vec!["query"];
    for word in wanted.0.iter().flat_map(|word| word.split(',')).map(str::trim).filter(|word| !word.is_empty()) {
        let known = KINDS.iter().map(|(kind, _)| *kind).chain(["web", "query", "summarizer"]);
        let Some(kind) = known.clone().find(|kind| *kind == word) else {
            let kinds = KINDS.map(|(kind, _)| kind).join(", ");
            return Err(Refusal::invalid(format!("`result_filter` knows web, {kinds}")));
        };
        if !filter.contains(&kind) {
            filter.push(kind);
        }
    }
    if filter.len() == 1 {
        filter.push("web");
    }
    Ok(filter)
}
