//! The kind's own tools, by the names of Brave's own server.

use super::client::Api;
use super::{context, local, media, summary, web};
use crate::shared::own::{Toolbox, tool};

/// All of them.
pub(super) fn toolbox() -> Toolbox<Api> {
    Toolbox::open(vec![
        tool(
            "brave_web_search",
            "Search the Web",
            "Search the Web for pages, news, videos, answers. Use it for what is recent or not in your memory. Returns titles, URLs and excerpts.",
            web::web,
        ),
        tool(
            "brave_local_search",
            "Search for places",
            "Find businesses and places near somewhere: address, phone, rating, hours. Falls back to web pages.",
            local::local,
        ),
        tool("brave_news_search", "Search the news", "Search news articles, the newest first.", media::news),
        tool(
            "brave_image_search",
            "Search for images",
            "Find images: their pages, addresses and sizes.",
            media::images,
        ),
        tool(
            "brave_video_search",
            "Search for videos",
            "Find videos: title, URL, length, creator, views.",
            media::videos,
        ),
        tool(
            "brave_summarizer",
            "Summarize a search",
            "A summary with sources of what brave_web_search found with summary true.",
            summary::summarize,
        ),
        tool(
            "brave_llm_context",
            "Read about a question",
            "Excerpts of the pages that fit a question best, made for reading. Use it instead of a search and opening its pages.",
            context::context,
        ),
        tool(
            "brave_place_search",
            "Search around a place",
            "Find places around a location or a point, within a radius.",
            local::places,
        ),
    ])
}
