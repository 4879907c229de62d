//! Search of the Web.

use std::sync::Arc;

use portwright_core::{Context, Refusal};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::client::{Api, Query};
use super::plain::{plain, text};
use crate::shared::own::Answer;

/// The most letters and words of a query.
const QUERY_LETTERS_MAX: usize = 400;
const QUERY_WORDS_MAX: usize = 50;

/// What all searches have in common.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(super) enum SafeSearch {
    Off,
    #[default]
    Moderate,
    Strict,
}

impl SafeSearch {
    pub(super) fn as_str(&self) -> &'static str {
        match self {
            Self::Off => "off",
            Self::Moderate => "moderate",
            Self::Strict => "strict",
        }
    }
}

/// Re-ranking rules: one or several.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(untagged)]
pub(super) enum Goggles {
    One(String),
    Many(Vec<String>),
}

#[derive(Debug, Deserialize, JsonSchema)]
pub(super) struct WebSearch {
    /// At most 400 characters and 50 words
    pub(super) query: String,
    /// Results, 1 to 20
    #[serde(default)]
    #[schemars(range(min = 1, max = 20))]
    pub(super) count: Option<u8>,
    /// Page, from 0
    #[serde(default)]
    #[schemars(range(max = 9))]
    pub(super) offset: Option<u8>,
    /// Two letters, as DE
    #[serde(default)]
    #[schemars(length(min = 2, max = 3))]
    pub(super) country: Option<String>,
    /// Language of the results, as de
    #[serde(default)]
    #[schemars(length(min = 2, max = 7))]
    pub(super) search_lang: Option<String>,
    /// Language of the answer, as de-DE
    #[serde(default)]
    #[schemars(length(min = 2, max = 7))]
    pub(super) ui_lang: Option<String>,
    /// pd, pw, pm, py: last day, week, month, year; or 2026-01-01to2026-02-01
    #[serde(default)]
    pub(super) freshness: Option<String>,
    /// Adult content
    #[serde(default)]
    pub(super) safesearch: Option<SafeSearch>,
    /// More excerpts of each page
    #[serde(default)]
    pub(super) extra_snippets: Option<bool>,
    /// Re-ranking rules, or their https URLs
    #[serde(default)]
    pub(super) goggles: Option<Goggles>,
    /// Kinds of results: web, news, videos, discussions, faq, infobox, locations
    #[serde(default)]
    pub(super) result_filter: Option<Vec<String>>,
    /// Correct the spelling
    #[serde(default)]
    pub(super) spellcheck: Option<bool>,
    /// Also give a key for brave_summarizer
    #[serde(default)]
    pub(super) summary: Option<bool>,
}

/// A page that was found.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Page {
    pub(super) title: String,
    pub(super) url: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) description: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) age: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) snippets: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) kind: Option<&'static str>,
}

#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Found {
    pub(super) items: Vec<Page>,
    /// The page to ask for next.
    pub(super) next: Option<u8>,
    /// What was searched for, where that is not what was asked for.
    pub(super) searched: Option<String>,
    pub(super) summary_key: Option<String>,
}

pub(super) async fn web(api: Arc<Api>, wanted: WebSearch, cx: Context) -> Result<Answer<Found>, Refusal> {
    let answer = api.get_and_keep("web/search", &query(&wanted)?, &cx).await?;
    let mut items = pages(&answer["web"]["results"], None);
    for (kind, results) in
        [("news", &answer["news"]), ("video", &answer["videos"]), ("discussion", &answer["discussions"])]
    {
        items.extend(pages(&results["results"], Some(kind)));
    }
    items.extend(questions(&answer["faq"]["results"]));
    items.extend(infobox(&answer["infobox"]["results"]));
    let page = wanted.offset.unwrap_or(0);
    let more = answer["query"]["more_results_available"] == true && page < 9;
    let searched = text(&answer["query"], "altered");
    let summary_key = text(&answer["summarizer"], "key");
    let mut found = Found { items, next: more.then_some(page + 1), searched, summary_key };
    if fit(&mut found.items, api.plan.bytes_max) {
        cx.note(|trail| trail.truncated = true);
    }
    let text = told(&found.items, found.next);
    Ok(Answer::told(found, text))
}

pub(super) fn query(wanted: &WebSearch) -> Result<Query, Refusal> {
    let mut query = Query::default()
        .with("q", checked(&wanted.query)?)
        .with("count", wanted.count.unwrap_or(10))
        .with_some("offset", wanted.offset.filter(|offset| *offset > 0))
        .with_some("country", wanted.country.as_deref().map(str::to_uppercase))
        .with_some("search_lang", wanted.search_lang.as_deref())
        .with_some("ui_lang", wanted.ui_lang.as_deref())
        .with_some("freshness", freshness(wanted.freshness.as_deref())?)
        .with_some("safesearch", wanted.safesearch.as_ref().map(SafeSearch::as_str))
        .with_some("extra_snippets", wanted.extra_snippets)
        .with_some("spellcheck", wanted.spellcheck)
        .with_some("result_filter", wanted.result_filter.as_ref().map(|kinds| kinds.join(",")))
        .with_some("summary", wanted.summary.filter(|summary| *summary));
    for goggle in goggles(wanted.goggles.as_ref())? {
        query = query.with("goggles", goggle);
    }
    Ok(query.with("text_decorations", false))
}

/// A query within the API's bounds.
pub(super) fn checked(query: &str) -> Result<&str, Refusal> {
    let query = query.trim();
    let (letters, words) = (query.chars().count(), query.split_whitespace().count());
    match () {
        () if query.is_empty() => Err(Refusal::invalid("`query` is empty; write what to look for")),
        () if letters > QUERY_LETTERS_MAX => {
            Err(Refusal::invalid(format!("`query` has {letters} characters; {QUERY_LETTERS_MAX} is the most")))
        }
        () if words > QUERY_WORDS_MAX => {
            Err(Refusal::invalid(format!("`query` has {words} words; {QUERY_WORDS_MAX} is the most")))
        }
        () => Ok(query),
    }
}

pub(super) fn freshness(text: Option<&str>) -> Result<Option<&str>, Refusal> {
    let Some(text) = text else { return Ok(None) };
    let date = |text: &str| text.parse::<jiff::civil::Date>().is_ok();
    let range = text.split_once("to").is_some_and(|(from, to)| date(from) && date(to));
    if matches!(text, "pd" | "pw" | "pm" | "py") || range {
        return Ok(Some(text));
    }
    Err(Refusal::invalid(format!("`freshness` is `{text}`; write pd, pw, pm, py or a range as 2026-01-01to2026-02-01")))
}

pub(super) fn goggles(given: Option<&Goggles>) -> Result<Vec<&str>, Refusal> {
    let all: Vec<&str> = match given {
        None => Vec::new(),
        Some(Goggles::One(one)) => vec![one],
        Some(Goggles::Many(many)) => many.iter().map(String::as_str).collect(),
    };
    match all.iter().find(|one| one.starts_with("http://")) {
        Some(one) => Err(Refusal::invalid(format!("the goggle `{one}` must be an https URL"))),
        None => Ok(all),
    }
}

/// The pages of a list of results.
pub(super) fn pages(results: &Value, kind: Option<&'static str>) -> Vec<Page> {
    let page = |result: &Value| {
        let snippets = result["extra_snippets"].as_array().into_iter().flatten();
        Some(Page {
            title: text(result, "title").unwrap_or_default(),
            url: result["url"].as_str()?.to_owned(),
            description: text(result, "description"),
            age: text(result, "age").or_else(|| text(result, "page_age")),
            snippets: snippets.filter_map(Value::as_str).map(plain).collect(),
            kind,
        })
    };
    results.as_array().into_iter().flatten().filter_map(page).collect()
}

fn questions(results: &Value) -> Vec<Page> {
    let question = |result: &Value| {
        Some(Page {
            title: text(result, "question")?,
            url: result["url"].as_str().unwrap_or_default().to_owned(),
            description: text(result, "answer"),
            age: None,
            snippets: Vec::new(),
            kind: Some("faq"),
        })
    };
    results.as_array().into_iter().flatten().filter_map(question).collect()
}

fn infobox(results: &Value) -> Vec<Page> {
    let one = |result: &Value| {
        Some(Page {
            title: text(result, "title").or_else(|| text(result, "label"))?,
            url: result["url"].as_str().unwrap_or_default().to_owned(),
            description: text(result, "long_desc").or_else(|| text(result, "description")),
            age: None,
            snippets: Vec::new(),
            kind: Some("infobox"),
        })
    };
    match results {
        Value::Array(all) => all.iter().filter_map(one).collect(),
        Value::Object(_) => one(results).into_iter().collect(),
        _ => Vec::new(),
    }
}

/// Leaves out the last ones until the rest has no more bytes than that; whether any was left out.
pub(super) fn fit(items: &mut Vec<Page>, bytes_max: usize) -> bool {
    let mut bytes = 0;
    let size = |page: &Page| {
        let texts = [Some(&page.title), Some(&page.url), page.description.as_ref(), page.age.as_ref()];
        64 + texts.into_iter().flatten().chain(&page.snippets).map(String::len).sum::<usize>()
    };
    let fits = items.iter().take_while(|page| {
        bytes += size(page);
        bytes <= bytes_max
    });
    let fits = fits.count();
    let cut = fits < items.len();
    items.truncate(fits.max(1));
    cut
}

/// For clients that read text alone.
pub(super) fn told(items: &[Page], next: Option<u8>) -> String {
    if items.is_empty() {
        return "Nothing was found.".to_owned();
    }
    let mut lines = Vec::new();
    for (number, page) in (1..).zip(items) {
        let kind = page.kind.map(|kind| format!("[{kind}] ")).unwrap_or_default();
        let age = page.age.as_ref().map(|age| format!(" ({age})")).unwrap_or_default();
        lines.push(format!("{number}. {kind}{}{age}", page.title));
        lines.extend([&page.url].into_iter().filter(|url| !url.is_empty()).map(|url| format!("   {url}")));
        lines.extend(page.description.iter().chain(&page.snippets).map(|text| format!("   {text}")));
    }
    lines.extend(next.map(|page| format!("More: offset {page}")));
    lines.join("\n")
}
