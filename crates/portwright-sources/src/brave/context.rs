//! Excerpts of pages, made for a model to read.

use std::sync::Arc;

use portwright_core::{Context, Refusal};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::client::{Api, Query};
use super::plain::{plain, text};
use super::web::{Goggles, Page, checked, fit, freshness, goggles, told};
use crate::shared::own::Answer;

#[derive(Debug, Deserialize, JsonSchema)]
pub(super) struct LlmContext {
    /// At most 400 characters and 50 words
    query: String,
    /// Pages to look at, 1 to 50
    #[serde(default)]
    #[schemars(range(min = 1, max = 50))]
    count: Option<u8>,
    /// Two letters, as DE
    #[serde(default)]
    #[schemars(length(min = 2, max = 3))]
    country: Option<String>,
    /// Language of the results, as de
    #[serde(default)]
    #[schemars(length(min = 2, max = 7))]
    search_lang: Option<String>,
    /// pd, pw, pm, py, or 2026-01-01to2026-02-01
    #[serde(default)]
    freshness: Option<String>,
    /// Pages in the answer
    #[serde(default)]
    #[schemars(range(min = 1, max = 50))]
    maximum_number_of_urls: Option<u8>,
    /// About so many tokens in all
    #[serde(default)]
    #[schemars(range(min = 1024, max = 32768))]
    maximum_number_of_tokens: Option<u32>,
    /// Excerpts in all
    #[serde(default)]
    #[schemars(range(min = 1, max = 256))]
    maximum_number_of_snippets: Option<u16>,
    /// How well an excerpt must fit: disabled, strict, lenient, balanced
    #[serde(default)]
    context_threshold_mode: Option<Threshold>,
    /// Re-ranking rules, or their https URLs
    #[serde(default)]
    goggles: Option<Goggles>,
}

#[derive(Debug, Clone, Copy, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
enum Threshold {
    Disabled,
    Strict,
    Lenient,
    Balanced,
}

#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Excerpts {
    items: Vec<Page>,
}

pub(super) async fn context(api: Arc<Api>, wanted: LlmContext, cx: Context) -> Result<Answer<Excerpts>, Refusal> {
    let mut query = Query::default()
        .with("q", checked(&wanted.query)?)
        .with_some("count", wanted.count)
        .with_some("country", wanted.country.as_deref().map(str::to_uppercase))
        .with_some("search_lang", wanted.search_lang.as_deref())
        .with_some("freshness", freshness(wanted.freshness.as_deref())?)
        .with_some("maximum_number_of_urls", wanted.maximum_number_of_urls)
        .with_some("maximum_number_of_tokens", wanted.maximum_number_of_tokens)
        .with_some("maximum_number_of_snippets", wanted.maximum_number_of_snippets)
        .with_some("context_threshold_mode", wanted.context_threshold_mode.map(Threshold::as_str));
    for goggle in goggles(wanted.goggles.as_ref())? {
        query = query.with("goggles", goggle);
    }
    let answer = api.get_and_keep("llm/context", &query, &cx).await?;
    let grounding = &answer["grounding"];
    let listed = grounding["generic"].as_array().into_iter().flatten();
    let places = grounding["map"].as_array().into_iter().flatten().chain(Some(&grounding["poi"]));
    let mut items: Vec<_> = listed.chain(places).filter_map(|one| page(one, &answer["sources"])).collect();
    if fit(&mut items, api.plan.bytes_max) {
        cx.note(|trail| trail.truncated = true);
    }
    let text = told(&items, None);
    Ok(Answer::told(Excerpts { items }, text))
}

fn page(one: &Value, sources: &Value) -> Option<Page> {
    let url = one["url"].as_str()?;
    let age = sources[url]["age"].as_array().and_then(|ages| ages.iter().rev().find_map(Value::as_str));
    let snippets = one["snippets"].as_array().into_iter().flatten();
    Some(Page {
        title: text(one, "title").or_else(|| text(one, "name")).unwrap_or_default(),
        url: url.to_owned(),
        description: None,
        age: age.map(str::to_owned),
        snippets: snippets.filter_map(Value::as_str).map(plain).collect(),
        kind: None,
    })
}

impl Threshold {
    fn as_str(self) -> &'static str {
        match self {
            Self::Disabled => "disabled",
            Self::Strict => "strict",
            Self::Lenient => "lenient",
            Self::Balanced => "balanced",
        }
    }
}
