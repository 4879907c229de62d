//! Answers in the shape in which the service gives them, with contents of our own.

use serde_json::{Value, json};

pub(super) fn web() -> Value {
    json!({
        "type": "search",
        "query": {
            "original": "borrow cheker", "altered": "borrow checker", "spellcheck_off": false,
            "is_navigational": false, "more_results_available": true, "country": "us",
        },
        "mixed": { "type": "mixed", "main": [{ "type": "web", "index": 0, "all": false }] },
        "web": { "type": "search", "family_friendly": true, "results": [
            {
                "type": "search_result", "subtype": "generic", "language": "en", "family_friendly": true,
                "title": "The <strong>borrow</strong> checker &amp; you",
                "url": "https://lang.example/borrow",
                "description": "Why &quot;<strong>cannot borrow</strong> as mutable&quot; isn&#x27;t a riddle.",
                "page_age": "2026-03-01T08:00:00", "age": "March 1, 2026",
                "profile": { "name": "Lang", "url": "https://lang.example", "img": "https://img.example/x" },
                "meta_url": { "scheme": "https", "netloc": "lang.example", "path": "› borrow" },
                "extra_snippets": ["First &lt;T&gt;", "", "Second"],
            },
            { "type": "search_result", "url": "https://other.example/", "title": "Other", "description": "" },
            { "type": "search_result", "url": "javascript:alert(1)", "title": "No page" },
        ]},
        "videos": { "type": "videos", "results": [
            { "type": "video_result", "url": "https://videos.example/1", "title": "Talk", "description": "An hour." },
        ]},
        "faq": { "type": "faq", "results": [
            { "question": "What is it?", "answer": "A <em>check</em>.", "title": "Lang", "url": "https://lang.example/faq" },
        ]},
        "summarizer": { "type": "summarizer", "key": "{\"query\": \"borrow checker\"}" },
    })
}

pub(super) fn nothing() -> Value {
    json!({ "type": "search", "query": { "original": "x", "more_results_available": false } })
}

pub(super) fn news() -> Value {
    json!({ "type": "news", "query": { "original": "harbour" }, "results": [
        {
            "type": "news_result", "title": "Harbour opens", "url": "https://paper.example/harbour",
            "description": "The <strong>harbour</strong> is open again.", "age": "2 hours ago",
            "page_age": "2026-11-01T10:00:00",
            "meta_url": { "scheme": "https", "netloc": "paper.example", "hostname": "www.paper.example" },
            "thumbnail": { "src": "https://img.example/1" },
        },
        { "type": "news_result", "title": "Ships return", "url": "https://other.example/ships", "breaking": true },
    ]})
}

pub(super) fn images() -> Value {
    json!({ "type": "images", "query": { "original": "lighthouse" }, "results": [
        {
            "type": "image_result", "title": "A lighthouse", "url": "https://photos.example/1", "source": "photos.example",
            "thumbnail": { "src": "https://img.example/small", "width": 500, "height": 333 },
            "properties": { "url": "https://photos.example/1.jpg", "placeholder": "https://img.example/p", "width": 1200, "height": 800 },
            "meta_url": { "netloc": "photos.example" },
        },
        { "type": "image_result", "title": "Bare", "url": "https://photos.example/2" },
        { "type": "image_result", "url": "https://photos.example/3", "extra": { "might_be_offensive": true }, "properties": null },
        { "type": "image_result", "title": "Nowhere" },
    ]})
}

pub(super) fn videos() -> Value {
    json!({ "type": "videos", "query": { "original": "knots" }, "results": [
        {
            "type": "video_result", "url": "https://videos.example/knots", "title": "Ten knots", "description": "Slowly.",
            "age": "May 5, 2025", "video": { "duration": "12:34", "views": 6588, "creator": "A sailor", "publisher": "Videos" },
            "thumbnail": { "src": "https://img.example/2" },
        },
        { "type": "video_result", "url": "https://videos.example/bare", "title": "Bare" },
    ]})
}

pub(super) fn locations() -> Value {
    let mut answer = web();
    answer["locations"] = json!({ "type": "locations", "results": [
        { "id": "id-1", "title": "Café Eins" }, { "id": "id-2", "title": "Café Zwei" }, { "title": "No id" },
    ]});
    answer
}

pub(super) fn pois() -> Value {
    json!({ "type": "local_pois", "results": [
        {
            "id": "id-1", "title": "Café <b>Eins</b>", "url": "https://eins.example", "price_range": "€€",
            "postal_address": { "type": "PostalAddress", "displayAddress": "Am Markt 1, Bremen" },
            "contact": { "telephone": "+49 421 1" }, "coordinates": [53.07, 8.8],
            "rating": { "ratingValue": 4.5, "bestRating": 5, "reviewCount": 12 },
            "distance": { "value": 1.2, "units": "km" }, "categories": ["cafe", "breakfast"],
            "opening_hours": {
                "current_day": [{ "abbr_name": "Mon", "full_name": "Monday", "opens": "08:00", "closes": "12:00" },
                                { "abbr_name": "Mon", "full_name": "Monday", "opens": "14:00", "closes": "18:00" }],
                "days": [{ "full_name": "Tuesday", "opens": "08:00", "closes": "18:00" }, []],
            },
        },
        { "id": "id-2", "title": "Café Zwei" },
    ]})
}

pub(super) fn descriptions() -> Value {
    json!({ "type": "local_descriptions", "results": [
        { "type": "local_description", "id": "id-1", "description": "Small and <strong>loud</strong>." },
    ]})
}

pub(super) fn places() -> Value {
    let poi = pois()["results"][0].clone();
    json!({
        "type": "locations", "query": { "original": "cafe" }, "results": [poi],
        "cities": [{ "type": "city", "name": "Bremen", "country": "DE", "coordinates": [53.1, 8.8] }],
        "streets": [{ "type": "street", "name": "Am Markt", "coordinates": [53.1, 8.8], "pois": [] }],
        "location": { "coordinates": [53.1, 8.8], "name": "Bremen", "country": "DE" },
    })
}

pub(super) fn summary() -> Value {
    json!({
        "type": "summarizer", "status": "complete", "title": "Tides",
        "summary": [
            { "type": "token", "data": "The moon pulls &amp; the " },
            { "type": "token", "data": "sea follows" },
            { "type": "inline_reference", "data": { "type": "inline_reference", "url": "https://sea.example/tides" } },
            { "type": "token", "data": ".\n\nTwice a day." },
            { "type": "image", "data": { "url": "https://img.example/3" } },
        ],
        "enrichments": { "context": [{ "title": "Tides <b>explained</b>", "url": "https://sea.example/tides" }] },
        "followups": ["Why twice?"],
    })
}

pub(super) fn context() -> Value {
    json!({
        "grounding": {
            "generic": [
                { "url": "https://sea.example/tides", "title": "Tides", "snippets": ["Two high tides.\nTwo low ones.", "{\"a\": 1}"] },
                { "url": "https://sea.example/empty", "title": "Empty", "snippets": [] },
            ],
            "poi": null,
            "map": [{ "name": "Harbour office", "url": "", "title": "", "snippets": ["Open at nine."] }],
        },
        "sources": { "https://sea.example/tides": { "title": "Tides", "hostname": "sea.example", "age": ["Monday, March 2, 2026", "2026-03-02", "2 days ago"] } },
    })
}
