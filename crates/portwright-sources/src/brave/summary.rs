//! `brave_summarizer` and `brave_llm_context`: what pages say, rather than where they are.

use std::fmt::Write as _;
use std::sync::Arc;
use std::time::Duration;

use portwright_core::{Context, Refusal, limits};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::api::Api;
use super::arguments::{Asked, OneOrMore};
use super::items::{self, Told};
use super::text::{address, bounded, list, text};
use crate::shared::own::Answer;

pub(super) const ABOUT: &str = "Returns the service's summary of a web search, with its sources. First call \
                                brave_web_search with summary=true, then this with its `summary_key`.";
pub(super) const ABOUT_CONTEXT: &str = "Searches the web and returns excerpts of the pages' text. Use it to answer \
                                        from sources instead of opening pages.";

/// Characters of a key; the service's are a few hundred.
pub(super) const KEY_CHARACTERS_MAX: usize = 2000;
/// References of one summary, and characters of one excerpt: a chunk of a page.
const REFERENCES_MAX: usize = 50;
const EXCERPT_CHARACTERS_MAX: usize = 8000;
/// One page can't take the place of all others: the most tokens of a page are a quarter of the most tokens of all.
const PAGES_THAT_FIT: usize = 4;

#[derive(Debug, Deserialize, JsonSchema)]
pub(super) struct Summarize {
    /// `summary_key` of a web search
    key: String,
    /// Name the sources within the text
    inline_references: Option<bool>,
}

#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Summarized {
    ready: bool,
    title: Option<String>,
    summary: Option<String>,
    references: Option<Vec<Source>>,
    followups: Option<Vec<String>>,
    note: Option<String>,
}

#[derive(Debug, Serialize, JsonSchema)]
struct Source {
    url: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    title: Option<String>,
}

pub(super) async fn summarize(api: Arc<Api>, asked: Summarize, cx: Context) -> Result<Answer<Summarized>, Refusal> {
    let key = asked.key.trim();
    if key.is_empty() || key.chars().count() > KEY_CHARACTERS_MAX {
        return Err(Refusal::invalid("`key` is none; it is the `summary_key` of a brave_web_search with summary=true"));
    }
    let asked = Asked::default().set("key", key).flag("inline_references", asked.inline_references).params();
    for poll in 1..=limits::SUMMARY_POLLS_MAX {
        let answer = api.get_anew(&["summarizer", "search"], &asked, &cx).await?;
        match answer.pointer("/status").and_then(Value::as_str) {
            Some("complete") => return Ok(read(&answer)),
            Some("failed") => {
                return Err(Refusal::failed("the service could not summarise this; answer from the search's results"));
            }
            _ => {}
        }
        let enough = cx.time_left().is_some_and(|left| left < limits::SUMMARY_POLL_PAUSE * 2 + Duration::from_secs(1));
        if poll == limits::SUMMARY_POLLS_MAX || enough {
            break;
        }
        tokio::time::sleep(limits::SUMMARY_POLL_PAUSE).await;
    }
    let note = "the summary is not ready yet; call again with the same key in some seconds".to_owned();
    let words = note.clone();
    let none =
        Summarized { ready: false, title: None, summary: None, references: None, followups: None, note: Some(note) };
    Ok(Answer::told(none, words))
}

fn read(answer: &Value) -> Answer<Summarized> {
    let mut summary = String::new();
    for part in list(answer, "/summary") {
        match part.pointer("/type").and_then(Value::as_str) {
            // A word of the text may be a part of its own: its spaces count.
            Some("token") => summary.push_str(part.pointer("/data").and_then(Value::as_str).unwrap_or_default()),
            Some("inline_reference") => {
                if let Some(url) = address(part, "/data/url") {
                    let _ = write!(summary, " ({url})");
                }
            }
            Some("enum_item" | "enum_start" | "enum_end") => {
                summary.push_str(part.pointer("/data").and_then(Value::as_str).unwrap_or_default());
            }
            _ => {}
        }
        if summary.len() > limits::SEARCH_RESULT_BYTES_MAX {
            break;
        }
    }
    let summary = paragraphs(&summary, limits::SEARCH_RESULT_BYTES_MAX / 2);
    let sources = ["/enrichments/context", "/enrichments/qa"].into_iter().flat_map(|place| list(answer, place));
    let source = |one: &Value| Some(Source { url: address(one, "/url")?, title: text(one, "/title") });
    let references: Vec<_> = sources.filter_map(source).take(REFERENCES_MAX).collect();
    let mut words = summary.clone();
    for (index, source) in references.iter().enumerate() {
        let title = source.title.as_deref().unwrap_or_default();
        let _ = write!(words, "\n[{}] {title} {}", index + 1, source.url);
    }
    let note = summary.is_empty().then(|| "the summary is empty; answer from the search's results".to_owned());
    let words = note.clone().unwrap_or(words);
    Answer::told(
        Summarized {
            ready: true,
            title: text(answer, "/title"),
            summary: Some(summary).filter(|summary| !summary.is_empty()),
            references: Some(references).filter(|references| !references.is_empty()),
            followups: super::text::texts(answer, "/followups", 5),
            note,
        },
        words,
    )
}

/// Plain text that keeps its paragraphs.
fn paragraphs(text: &str, most: usize) -> String {
    let mut left = most;
    let mut kept: Vec<String> = Vec::new();
    for line in text.lines().filter(|line| !line.trim().is_empty()) {
        let line = bounded(line, left);
        left = left.saturating_sub(line.chars().count());
        kept.push(line);
        if left == 0 {
            break;
        }
    }
    kept.join("\n")
}

#[derive(Debug, Clone, Copy, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
enum Threshold {
    Disabled,
    Strict,
    Lenient,
    Balanced,
}

#[derive(Debug, Deserialize, JsonSchema)]
pub(super) struct Excerpts {
    /// At most 400 characters, 50 words
    query: String,
    /// Pages to look at (20)
    #[schemars(range(min = 1, max = 50))]
    count: Option<u32>,
    /// Two letters, such as DE, or ALL
    country: Option<String>,
    /// Such as en or pt-br
    search_lang: Option<String>,
    /// pd, pw, pm, py (day to year) or 2026-01-01to2026-03-31
    freshness: Option<String>,
    /// Pages to return
    #[schemars(range(min = 1, max = 50))]
    maximum_number_of_urls: Option<u32>,
    /// Length of all (8192)
    #[schemars(range(min = 1024, max = 32768))]
    maximum_number_of_tokens: Option<u32>,
    /// Length of one page's (4096)
    #[schemars(range(min = 512, max = 8192))]
    maximum_number_of_tokens_per_url: Option<u32>,
    /// How well excerpts must fit (balanced)
    context_threshold_mode: Option<Threshold>,
    /// Re-ranking: https addresses of goggles, or their rules
    #[serde(default)]
    goggles: OneOrMore,
}

#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct ExcerptsFound {
    items: Vec<Page>,
    note: Option<String>,
}

#[derive(Debug, Serialize, JsonSchema)]
struct Page {
    title: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    url: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    age: Option<String>,
    snippets: Vec<String>,
}

impl Told for Page {
    fn told(&self) -> String {
        let age = self.age.as_ref().map(|age| format!(" ({age})")).unwrap_or_default();
        format!("{}{age}\n{}\n{}", self.title, self.url.as_deref().unwrap_or_default(), self.snippets.join("\n"))
    }
}

pub(super) async fn context(api: Arc<Api>, excerpts: Excerpts, cx: Context) -> Result<Answer<ExcerptsFound>, Refusal> {
    let mut asked = Asked::query(&excerpts.query)?
        .number("count", excerpts.count, 1, 50)?
        .country(excerpts.country.as_deref())?
        .language(excerpts.search_lang.as_deref())?
        .freshness(excerpts.freshness.as_deref())?
        .number("maximum_number_of_urls", excerpts.maximum_number_of_urls, 1, 50)?
        .number("maximum_number_of_tokens", excerpts.maximum_number_of_tokens, 1024, 32_768)?
        .number("maximum_number_of_tokens_per_url", excerpts.maximum_number_of_tokens_per_url, 512, 8192)?
        .goggles(&excerpts.goggles)?;
    if let Some(mode) = excerpts.context_threshold_mode {
        let mode = match mode {
            Threshold::Disabled => "disabled",
            Threshold::Strict => "strict",
            Threshold::Lenient => "lenient",
            Threshold::Balanced => "balanced",
        };
        asked = asked.set("context_threshold_mode", mode);
    }
    let answer = api.get(&["llm", "context"], &asked.params(), &cx).await?;
    let places = answer.pointer("/grounding/poi").into_iter().chain(list(&answer, "/grounding/map"));
    let pages = list(&answer, "/grounding/generic").chain(places).filter_map(|one| page(one, &answer));
    let (items, cut) = items::fitting(pages, limits::SEARCH_CONTEXT_BYTES_MAX, &cx);
    let note = if cut {
        Some("not all fitted; ask for fewer tokens".to_owned())
    } else {
        items::note(items.is_empty(), false)
    };
    let words = items::told(&items, note.as_deref(), None);
    Ok(Answer::told(ExcerptsFound { items, note }, words))
}

fn page(one: &Value, answer: &Value) -> Option<Page> {
    let url = address(one, "/url");
    let snippets = list(one, "/snippets").filter_map(Value::as_str);
    let snippets = snippets.map(|text| paragraphs(text, EXCERPT_CHARACTERS_MAX)).filter(|text| !text.is_empty());
    let mut left = limits::SEARCH_CONTEXT_BYTES_MAX / PAGES_THAT_FIT;
    let snippets: Vec<_> = snippets
        .take_while(|text| {
            let fits = text.len() <= left;
            left = left.saturating_sub(text.len());
            fits
        })
        .collect();
    // Times of a page come as words, as a date and as a distance; the first that is there is enough.
    let source = url.as_deref().and_then(|url| answer.pointer("/sources")?.get(url));
    let age = source.and_then(|source| list(source, "/age").find_map(Value::as_str)).map(super::text::plain);
    let title = text(one, "/title").or_else(|| text(one, "/name")).or_else(|| url.clone())?;
    (!snippets.is_empty()).then_some(Page { title, url, age, snippets })
}
