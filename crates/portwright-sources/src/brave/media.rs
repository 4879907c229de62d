//! `brave_news_search`, `brave_image_search`, `brave_video_search`.

use std::fmt::Write as _;
use std::sync::Arc;

use portwright_core::{Context, Refusal};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::api::Api;
use super::arguments::{Asked, OneOrMore, SafeSearch};
use super::items::{self, Item, Told};
use super::text::{address, list, said, text};
use super::web::OFFSET_MAX;
use crate::shared::own::Answer;

pub(super) const ABOUT_NEWS: &str = "Searches the news. Use it for what happened lately. Returns titles, addresses, \
                                     sources and ages; `next` is the offset of more.";
pub(super) const ABOUT_IMAGES: &str = "Searches images. Returns titles, the addresses of pages and of images, and \
                                       sizes; no pictures.";
pub(super) const ABOUT_VIDEOS: &str = "Searches videos. Returns titles, addresses, creators and durations; `next` is \
                                       the offset of more.";

#[derive(Debug, Deserialize, JsonSchema)]
pub(super) struct News {
    /// At most 400 characters, 50 words
    query: String,
    /// Results a page (20)
    #[schemars(range(min = 1, max = 50))]
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
    /// Explicit results (strict)
    safesearch: Option<SafeSearch>,
    /// Correct the spelling (true)
    spellcheck: Option<bool>,
    /// More excerpts of each page
    extra_snippets: Option<bool>,
    /// Re-ranking: https addresses of goggles, or their rules
    #[serde(default)]
    goggles: OneOrMore,
}

#[derive(Debug, Deserialize, JsonSchema)]
pub(super) struct Videos {
    /// At most 400 characters, 50 words
    query: String,
    /// Results a page (20)
    #[schemars(range(min = 1, max = 50))]
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
}

#[derive(Debug, Deserialize, JsonSchema)]
pub(super) struct Images {
    /// At most 400 characters, 50 words
    query: String,
    /// Results (50)
    #[schemars(range(min = 1, max = 200))]
    count: Option<u32>,
    /// Two letters, such as DE, or ALL
    country: Option<String>,
    /// Such as en or pt-br
    search_lang: Option<String>,
    /// Explicit results: off or strict (strict)
    safesearch: Option<SafeSearch>,
    /// Correct the spelling (true)
    spellcheck: Option<bool>,
}

/// A list of results; `next` is the offset of more.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Found<T> {
    items: Vec<T>,
    next: Option<u32>,
    note: Option<String>,
}

#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Video {
    #[serde(flatten)]
    item: Item,
    #[serde(skip_serializing_if = "Option::is_none")]
    creator: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    duration: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    views: Option<String>,
}

#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Picture {
    title: String,
    url: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    image: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    thumbnail: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    source: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    width: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    height: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    might_be_offensive: Option<bool>,
}

impl Told for Video {
    fn told(&self) -> String {
        let about: Vec<_> = [&self.creator, &self.duration].into_iter().filter_map(Option::as_deref).collect();
        let about = if about.is_empty() { String::new() } else { format!("\n({})", about.join(", ")) };
        format!("{}{about}", self.item.told())
    }
}

impl Told for Picture {
    fn told(&self) -> String {
        let size = self.width.zip(self.height).map(|(width, height)| format!(" ({width}x{height})"));
        let mut told = format!("{}{}\n{}", self.title, size.unwrap_or_default(), self.url);
        if let Some(image) = &self.image {
            let _ = write!(told, "\nImage: {image}");
        }
        told
    }
}

pub(super) async fn news(api: Arc<Api>, news: News, cx: Context) -> Result<Answer<Found<Item>>, Refusal> {
    let asked = Asked::query(&news.query)?
        .number("count", news.count, 1, 50)?
        .number("offset", news.offset, 0, OFFSET_MAX)?
        .country(news.country.as_deref())?
        .language(news.search_lang.as_deref())?
        .freshness(news.freshness.as_deref())?
        .safe(news.safesearch)
        .flag("spellcheck", news.spellcheck)
        .flag("extra_snippets", news.extra_snippets)
        .goggles(&news.goggles)?;
    let answer = api.get(&["news", "search"], &asked.params(), &cx).await?;
    let of = |one: &Value| {
        let source = text(one, "/meta_url/hostname").or_else(|| text(one, "/meta_url/netloc"));
        Some(Item { source, ..Item::of(one)? })
    };
    Ok(found(list(&answer, "/results").filter_map(of), next(&answer, news.offset, news.count), &api, &cx))
}

pub(super) async fn videos(api: Arc<Api>, videos: Videos, cx: Context) -> Result<Answer<Found<Video>>, Refusal> {
    let asked = Asked::query(&videos.query)?
        .number("count", videos.count, 1, 50)?
        .number("offset", videos.offset, 0, OFFSET_MAX)?
        .country(videos.country.as_deref())?
        .language(videos.search_lang.as_deref())?
        .freshness(videos.freshness.as_deref())?
        .safe(videos.safesearch)
        .flag("spellcheck", videos.spellcheck);
    let answer = api.get(&["videos", "search"], &asked.params(), &cx).await?;
    let of = |one: &Value| {
        Some(Video {
            item: Item::of(one)?,
            creator: text(one, "/video/creator").or_else(|| text(one, "/video/publisher")),
            duration: text(one, "/video/duration"),
            views: said(one, "/video/views"),
        })
    };
    Ok(found(list(&answer, "/results").filter_map(of), next(&answer, videos.offset, videos.count), &api, &cx))
}

pub(super) async fn images(api: Arc<Api>, images: Images, cx: Context) -> Result<Answer<Found<Picture>>, Refusal> {
    if matches!(images.safesearch, Some(SafeSearch::Moderate)) {
        return Err(Refusal::invalid("`safesearch` of images is `off` or `strict`"));
    }
    let asked = Asked::query(&images.query)?
        .number("count", images.count, 1, 200)?
        .country(images.country.as_deref())?
        .language(images.search_lang.as_deref())?
        .safe(images.safesearch)
        .flag("spellcheck", images.spellcheck);
    let answer = api.get(&["images", "search"], &asked.params(), &cx).await?;
    Ok(found(list(&answer, "/results").filter_map(image), None, &api, &cx))
}

/// Every member but the address may be missing, and what stands around it too.
fn image(one: &Value) -> Option<Picture> {
    let url = address(one, "/url").or_else(|| address(one, "/properties/url"))?;
    Some(Picture {
        title: text(one, "/title").unwrap_or_else(|| url.clone()),
        image: address(one, "/properties/url"),
        thumbnail: address(one, "/thumbnail/src"),
        source: text(one, "/source"),
        width: one.pointer("/properties/width").and_then(Value::as_u64),
        height: one.pointer("/properties/height").and_then(Value::as_u64),
        might_be_offensive: one.pointer("/extra/might_be_offensive").and_then(Value::as_bool).filter(|might| *might),
        url,
    })
}

/// There may be a next page where this one is full.
fn next(answer: &Value, offset: Option<u32>, count: Option<u32>) -> Option<u32> {
    const COUNT_DEFAULT: u32 = 20;
    let full = list(answer, "/results").count() >= count.unwrap_or(COUNT_DEFAULT) as usize;
    let said = answer.pointer("/query/more_results_available").and_then(Value::as_bool);
    Some(offset.unwrap_or(0) + 1).filter(|next| said.unwrap_or(full) && *next <= OFFSET_MAX)
}

fn found<T: Serialize + Told>(
    items: impl Iterator<Item = T>,
    next: Option<u32>,
    api: &Api,
    cx: &Context,
) -> Answer<Found<T>> {
    let (items, cut) = items::fitting_search(items, api, cx);
    let note = items::note(items.is_empty(), cut);
    let words = items::told(&items, note.as_deref(), next);
    Answer::told(Found { items, next, note }, words)
}
