//! What is made of the API's answers.

use portwright_core::RefusalKind;
use serde_json::json;

use super::{Backend, call, data};

#[tokio::test]
async fn pages_come_as_data_without_marks() {
    let backend = Backend::start().await;
    backend.ok("/web/search", &json!({
        "query": {"original": "harbor", "altered": "harbour", "more_results_available": true},
        "web": {"results": [
            {"title": "The <strong>harbour</strong> &amp; its ships", "url": "https://a.example/x?y=1&z=2", "description": "All about <strong>it</strong>.", "age": "2 days ago", "extra_snippets": ["one <strong>two</strong>"]},
            {"title": "No address"},
        ]},
        "news": {"results": [{"title": "N", "url": "https://n.example/"}]},
        "faq": {"results": [{"question": "Why?", "answer": "Because.", "url": "https://f.example/"}]},
        "infobox": {"results": [{"title": "Harbour", "long_desc": "A place for ships.", "url": "https://i.example/"}]},
        "summarizer": {"key": "k1"},
    }));
    let source = backend.source(json!({})).await;
    let found = data(&source, "brave_web_search", json!({"query": "harbor", "offset": 1, "country": "de"})).await;
    assert_eq!(
        found["items"],
        json!([
            {"title": "The harbour & its ships", "url": "https://a.example/x?y=1&z=2", "description": "All about it.", "age": "2 days ago", "snippets": ["one two"]},
            {"title": "N", "url": "https://n.example/", "kind": "news"},
            {"title": "Why?", "url": "https://f.example/", "description": "Because.", "kind": "faq"},
            {"title": "Harbour", "url": "https://i.example/", "description": "A place for ships.", "kind": "infobox"},
        ])
    );
    assert_eq!(
        (&found["next"], &found["searched"], &found["summary_key"]),
        (&json!(2), &json!("harbour"), &json!("k1"))
    );
    assert!(backend.asked()[0].contains("q=harbor&count=10&offset=1&country=DE"), "{:?}", backend.asked());
}

#[tokio::test]
async fn nothing_found_is_an_answer() {
    let backend = Backend::start().await;
    for path in
        ["/web/search", "/news/search", "/videos/search", "/images/search", "/local/place_search", "/llm/context"]
    {
        backend.ok(path, &json!({}));
    }
    let source = backend.source(json!({})).await;
    for (tool, more) in [
        ("brave_web_search", json!({})),
        ("brave_local_search", json!({})),
        ("brave_news_search", json!({})),
        ("brave_video_search", json!({})),
        ("brave_image_search", json!({})),
        ("brave_llm_context", json!({})),
        ("brave_place_search", json!({"location": "kiel"})),
    ] {
        let mut arguments = json!({"query": "zzz"});
        arguments.as_object_mut().unwrap().extend(more.as_object().cloned().unwrap());
        let result = call(&source, tool, arguments).await.unwrap_or_else(|refusal| panic!("{tool}: {refusal}"));
        assert_ne!(result.is_error, Some(true), "{tool}");
        assert_eq!(result.structured_content.unwrap()["items"], json!([]), "{tool}");
    }
}

#[tokio::test]
async fn what_the_api_would_refuse_is_refused_here_in_words() {
    let backend = Backend::start().await;
    let source = backend.source(json!({})).await;
    for (arguments, words) in [
        (json!({"query": "  "}), "empty"),
        (json!({"query": "x".repeat(401)}), "401 characters"),
        (json!({"query": "a ".repeat(51)}), "51 words"),
        (json!({"query": "a", "goggles": "http://plain.example/g"}), "https"),
        (json!({"query": "a", "goggles": ["$discard", "http://plain.example/g"]}), "https"),
        (json!({"query": "a", "freshness": "yesterday"}), "pd, pw, pm, py"),
        (json!({"query": "a", "freshness": "2026-02-30to2026-03-01"}), "pd, pw, pm, py"),
    ] {
        let refusal = call(&source, "brave_web_search", arguments).await.expect_err(words);
        assert_eq!(refusal.kind(), RefusalKind::Invalid);
        assert!(refusal.public().contains(words), "{refusal}");
    }
    let nowhere = call(&source, "brave_place_search", json!({"query": "a"})).await.expect_err("nowhere");
    assert!(nowhere.public().contains("say where"));
    assert!(backend.asked().is_empty(), "the API was asked all the same");
    backend.answer_with(
        "/web/search",
        "422 Unprocessable",
        "",
        &json!({"error": {"code": "VALIDATION", "detail": "Unable to validate request parameter(s)"}}),
    );
    let refusal = call(&source, "brave_web_search", json!({"query": "a"})).await.expect_err("refused");
    assert!(refusal.public().contains("Unable to validate"), "{refusal}");
}

#[tokio::test]
async fn an_argument_is_never_a_part_of_the_address() {
    let backend = Backend::start().await;
    backend.ok("/", &json!({}));
    let source = backend.source(json!({})).await;
    let hostile = "a&count=20#x/../../other?key=1 \r\nX-Evil: 1";
    data(&source, "brave_web_search", json!({"query": hostile})).await;
    let asked = backend.asked().remove(0);
    let line = asked.lines().next().unwrap();
    assert!(
        line.starts_with(
            "GET /web/search?q=a%26count%3D20%23x%2F..%2F..%2Fother%3Fkey%3D1%20%0D%0AX-Evil%3A%201&count=10"
        ),
        "{line}"
    );
    assert!(!asked.to_lowercase().contains("\nx-evil"));
}

#[tokio::test]
async fn places_are_looked_up_one_after_the_other() {
    let backend = Backend::start().await;
    backend.ok("/web/search", &json!({"locations": {"results": [{"id": "loc1"}, {"id": "loc2"}]}}));
    backend.ok(
        "/local/pois",
        &json!({"results": [{
            "id": "loc1", "title": "Caf\u{e9} <strong>Kiel</strong>", "url": "https://c.example/", "price_range": "$$",
            "postal_address": {"displayAddress": "Hafen 1, Kiel"}, "contact": {"telephone": "+49 431 1"},
            "rating": {"ratingValue": 4.5, "reviewCount": 12}, "coordinates": [54.3, 10.1],
            "opening_hours": {"current_day": [{"opens": "08:00", "closes": "18:00"}]},
        }]}),
    );
    backend.ok("/local/descriptions", &json!({"results": [{"id": "loc1", "description": "Coffee &amp; ships."}]}));
    let source = backend.source(json!({})).await;
    let found = data(&source, "brave_local_search", json!({"query": "coffee in kiel"})).await;
    assert_eq!(
        found["items"],
        json!([{
            "name": "Café Kiel", "address": "Hafen 1, Kiel", "phone": "+49 431 1", "url": "https://c.example/", "rating": 4.5,
            "reviews": 12, "price": "$$", "open_today": ["08:00 to 18:00"], "coordinates": [54.3, 10.1], "description": "Coffee & ships.",
        }])
    );
    assert!(backend.asked()[1].starts_with("GET /local/pois?ids=loc1&ids=loc2 "), "{:?}", backend.asked());
    let none = Backend::start().await;
    none.ok("/web/search", &json!({"web": {"results": [{"title": "A page", "url": "https://p.example/"}]}}));
    let found = data(&none.source(json!({})).await, "brave_local_search", json!({"query": "coffee"})).await;
    assert_eq!(found["pages"][0]["url"], "https://p.example/");
}

#[tokio::test]
async fn images_and_videos_lack_what_the_api_leaves_out() {
    let backend = Backend::start().await;
    backend.ok("/images/search", &json!({"results": [
        {"title": "Ship", "url": "https://p.example/", "properties": {"url": "https://i.example/s.png", "width": 10, "height": 20}, "thumbnail": {"src": "https://t.example/"}},
        {"title": "Bare", "url": "https://q.example/"},
    ]}));
    backend.ok("/videos/search", &json!({"results": [{"title": "V", "url": "https://v.example/", "video": {"duration": "01:02", "views": 5}}, {"url": "https://w.example/"}]}));
    let source = backend.source(json!({})).await;
    let images = data(&source, "brave_image_search", json!({"query": "ship", "safesearch": "moderate"})).await;
    assert_eq!(images["items"][0]["source"], "https://i.example/s.png");
    assert_eq!(images["items"][1], json!({"title": "Bare", "url": "https://q.example/"}));
    let videos = data(&source, "brave_video_search", json!({"query": "ship"})).await;
    assert_eq!((&videos["items"][0]["duration"], &videos["items"][0]["views"]), (&json!("01:02"), &json!(5)));
}

#[tokio::test]
async fn a_summary_is_waited_for_within_bounds() {
    let backend = Backend::start().await;
    backend.ok("/summarizer/search", &json!({"status": "pending"}));
    backend.ok("/summarizer/search", &json!({
        "status": "complete", "title": "Ships", "summary": [{"type": "token", "data": "Ships <strong>float</strong>. "}, {"type": "enum_item", "data": {"name": "Titanic"}}],
        "followups": ["Why?"], "enrichments": {"context": [{"title": "S", "url": "https://s.example/"}]},
    }));
    let source = backend.source(json!({})).await;
    let summary = data(&source, "brave_summarizer", json!({"key": "k"})).await;
    assert_eq!(summary["text"], "Ships float. Titanic");
    assert_eq!(summary["sources"][0]["url"], "https://s.example/");
    assert_eq!(backend.asked().len(), 2);
}

#[tokio::test]
async fn excerpts_are_bounded() {
    let backend = Backend::start().await;
    let page = |number: usize| json!({"url": format!("https://{number}.example/"), "title": "T", "snippets": ["x".repeat(900)]});
    let generic: Vec<_> = (0..20).map(page).collect();
    backend.ok("/llm/context", &json!({"grounding": {"generic": generic}, "sources": {"https://0.example/": {"age": ["Monday", "2026-01-01"]}}}));
    let source = backend.source(json!({"max_bytes": "4KiB"})).await;
    let found = data(&source, "brave_llm_context", json!({"query": "a"})).await;
    assert_eq!(found["items"].as_array().unwrap().len(), 4);
    assert_eq!(found["items"][0]["age"], "2026-01-01");
}
