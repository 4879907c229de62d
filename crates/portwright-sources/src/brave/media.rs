//! News, videos, images.

use std::sync::Arc;

use portwright_core::{Context, Refusal};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::client::{Api, Query};
use super::plain::text;
use super::web::{Goggles, Page, SafeSearch, checked, fit, freshness, goggles, pages, told};
use crate::shared::own::Answer;

#[derive(Debug, Deserialize, JsonSchema)]
pub(super) struct NewsSearch {
    /// At most 400 characters and 50 words
    query: String,
    /// Results, 1 to 50
    #[serde(default)]
    #[schemars(range(min = 1, max = 50))]
    count: Option<u8>,
    /// Page, from 0
    #[serde(default)]
    #[schemars(range(max = 9))]
    offset: Option<u8>,
    /// Two letters, as DE
    #[serde(default)]
    #[schemars(length(min = 2, max = 3))]
    country: Option<String>,
    /// Language of the results, as de
    #[serde(default)]
    #[schemars(length(min = 2, max = 7))]
    search_lang: Option<String>,
    /// Language of the answer, as de-DE
    #[serde(default)]
    #[schemars(length(min = 2, max = 7))]
    ui_lang: Option<String>,
    /// pd, pw, pm, py, or 2026-01-01to2026-02-01
    #[serde(default)]
    freshness: Option<String>,
    /// Adult content
    #[serde(default)]
    safesearch: Option<SafeSearch>,
    /// More excerpts of each page
    #[serde(default)]
    extra_snippets: Option<bool>,
    /// Re-ranking rules, or their https URLs
    #[serde(default)]
    goggles: Option<Goggles>,
    /// Correct the spelling
    #[serde(default)]
    spellcheck: Option<bool>,
}

#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct NewsFound {
    items: Vec<Page>,
    next: Option<u8>,
}

pub(super) async fn news(api: Arc<Api>, wanted: NewsSearch, cx: Context) -> Result<Answer<NewsFound>, Refusal> {
    let mut query = Query::default()
        .with("q", checked(&wanted.query)?)
        .with("count", wanted.count.unwrap_or(20))
        .with_some("offset", wanted.offset.filter(|offset| *offset > 0))
        .with_some("country", wanted.country.as_deref().map(str::to_uppercase))
        .with_some("search_lang", wanted.search_lang.as_deref())
        .with_some("ui_lang", wanted.ui_lang.as_deref())
        .with_some("freshness", freshness(wanted.freshness.as_deref())?)
        .with_some("safesearch", wanted.safesearch.as_ref().map(SafeSearch::as_str))
        .with_some("extra_snippets", wanted.extra_snippets)
        .with_some("spellcheck", wanted.spellcheck);
    for goggle in goggles(wanted.goggles.as_ref())? {
        query = query.with("goggles", goggle);
    }
    let answer = api.get_and_keep("news/search", &query, &cx).await?;
    let mut items = pages(&answer["results"], None);
    let page = wanted.offset.unwrap_or(0);
    let full = items.len() >= usize::from(wanted.count.unwrap_or(20)) && page < 9;
    if fit(&mut items, api.plan.bytes_max) {
        cx.note(|trail| trail.truncated = true);
    }
    let next = full.then_some(page + 1);
    let text = told(&items, next);
    Ok(Answer::told(NewsFound { items, next }, text))
}

#[derive(Debug, Deserialize, JsonSchema)]
pub(super) struct VideoSearch {
    /// At most 400 characters and 50 words
    query: String,
    /// Results, 1 to 50
    #[serde(default)]
    #[schemars(range(min = 1, max = 50))]
    count: Option<u8>,
    /// Page, from 0
    #[serde(default)]
    #[schemars(range(max = 9))]
    offset: Option<u8>,
    /// Two letters, as DE
    #[serde(default)]
    #[schemars(length(min = 2, max = 3))]
    country: Option<String>,
    /// Language of the results, as de
    #[serde(default)]
    #[schemars(length(min = 2, max = 7))]
    search_lang: Option<String>,
    /// Language of the answer, as de-DE
    #[serde(default)]
    #[schemars(length(min = 2, max = 7))]
    ui_lang: Option<String>,
    /// pd, pw, pm, py, or 2026-01-01to2026-02-01
    #[serde(default)]
    freshness: Option<String>,
    /// Adult content
    #[serde(default)]
    safesearch: Option<SafeSearch>,
    /// Correct the spelling
    #[serde(default)]
    spellcheck: Option<bool>,
}

#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct VideosFound {
    items: Vec<Video>,
    next: Option<u8>,
}

#[derive(Debug, Serialize, JsonSchema)]
struct Video {
    title: String,
    url: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    description: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    age: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    duration: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    creator: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    views: Option<u64>,
}

pub(super) async fn videos(api: Arc<Api>, wanted: VideoSearch, cx: Context) -> Result<Answer<VideosFound>, Refusal> {
    let query = Query::default()
        .with("q", checked(&wanted.query)?)
        .with("count", wanted.count.unwrap_or(20))
        .with_some("offset", wanted.offset.filter(|offset| *offset > 0))
        .with_some("country", wanted.country.as_deref().map(str::to_uppercase))
        .with_some("search_lang", wanted.search_lang.as_deref())
        .with_some("ui_lang", wanted.ui_lang.as_deref())
        .with_some("freshness", freshness(wanted.freshness.as_deref())?)
        .with_some("safesearch", wanted.safesearch.as_ref().map(SafeSearch::as_str))
        .with_some("spellcheck", wanted.spellcheck);
    let answer = api.get_and_keep("videos/search", &query, &cx).await?;
    let video = |result: &Value| {
        let about = &result["video"];
        Some(Video {
            title: text(result, "title").unwrap_or_default(),
            url: result["url"].as_str()?.to_owned(),
            description: text(result, "description"),
            age: text(result, "age"),
            duration: text(about, "duration"),
            creator: text(about, "creator"),
            views: about["views"].as_u64(),
        })
    };
    let items: Vec<_> = answer["results"].as_array().into_iter().flatten().filter_map(video).collect();
    let page = wanted.offset.unwrap_or(0);
    let full = items.len() >= usize::from(wanted.count.unwrap_or(20)) && page < 9;
    Ok(VideosFound { items, next: full.then_some(page + 1) }.into())
}

#[derive(Debug, Deserialize, JsonSchema)]
pub(super) struct ImageSearch {
    /// At most 400 characters and 50 words
    query: String,
    /// Results, 1 to 200
    #[serde(default)]
    #[schemars(range(min = 1, max = 200))]
    count: Option<u8>,
    /// Two letters, as DE
    #[serde(default)]
    #[schemars(length(min = 2, max = 3))]
    country: Option<String>,
    /// Language of the results, as de
    #[serde(default)]
    #[schemars(length(min = 2, max = 7))]
    search_lang: Option<String>,
    /// `off` or `strict`
    #[serde(default)]
    safesearch: Option<SafeSearch>,
    /// Correct the spelling
    #[serde(default)]
    spellcheck: Option<bool>,
}

#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct ImagesFound {
    items: Vec<Image>,
    might_be_offensive: Option<bool>,
}

#[derive(Debug, Serialize, JsonSchema)]
struct Image {
    title: String,
    /// The page that it is on.
    url: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    source: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    thumbnail: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    width: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    height: Option<u64>,
}

pub(super) async fn images(api: Arc<Api>, wanted: ImageSearch, cx: Context) -> Result<Answer<ImagesFound>, Refusal> {
    // The API knows no middle way for images.
    let safe = wanted.safesearch.as_ref().map(|safe| match safe {
        SafeSearch::Off => "off",
        SafeSearch::Moderate | SafeSearch::Strict => "strict",
    });
    let query = Query::default()
        .with("q", checked(&wanted.query)?)
        .with("count", wanted.count.unwrap_or(20))
        .with_some("country", wanted.country.as_deref().map(str::to_uppercase))
        .with_some("search_lang", wanted.search_lang.as_deref())
        .with_some("safesearch", safe)
        .with_some("spellcheck", wanted.spellcheck);
    let answer = api.get_and_keep("images/search", &query, &cx).await?;
    let image = |result: &Value| {
        let about = &result["properties"];
        Some(Image {
            title: text(result, "title").unwrap_or_default(),
            url: result["url"].as_str()?.to_owned(),
            source: about["url"].as_str().map(str::to_owned),
            thumbnail: result["thumbnail"]["src"].as_str().map(str::to_owned),
            width: about["width"].as_u64(),
            height: about["height"].as_u64(),
        })
    };
    let items: Vec<_> = answer["results"].as_array().into_iter().flatten().filter_map(image).collect();
    Ok(ImagesFound { items, might_be_offensive: answer["extra"]["might_be_offensive"].as_bool() }.into())
}
