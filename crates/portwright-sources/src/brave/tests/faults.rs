//! What other servers for the same service stumble over, and what a service may do that it should not.

use std::time::Duration;

use portwright_core::{Health, RefusalKind, limits, testing};
use serde_json::{Value, json};

use super::service::{Answer, Service};
use super::{call, data, hurried, object, open, refused, replies, words};

#[tokio::test]
async fn nothing_found_is_an_empty_list_with_a_word() {
    let service = Service::always(replies::nothing()).await;
    let source = open(&service, json!({})).await;
    for tool in [
        "brave_web_search",
        "brave_news_search",
        "brave_image_search",
        "brave_video_search",
        "brave_llm_context",
        "brave_place_search",
        "brave_local_search",
    ] {
        let result = call(&source, tool, json!({ "query": "x" })).await.expect(tool);
        assert_ne!(result.is_error, Some(true), "{tool}");
        let data = result.structured_content.clone().expect("data");
        assert_eq!(data["items"], json!([]), "{tool}");
        assert!(words(&result).contains("other or fewer words"), "{tool}: {}", words(&result));
    }
}

#[tokio::test]
async fn an_image_without_its_extras_is_an_image() {
    let service = Service::always(replies::images()).await;
    let source = open(&service, json!({})).await;
    let found = data(&source, "brave_image_search", json!({ "query": "lighthouse" })).await;
    assert_eq!(found["items"][1], json!({ "title": "Bare", "url": "https://photos.example/2" }));
    assert_eq!(found["items"][2]["might_be_offensive"], true);
    assert_eq!(found["items"].as_array().map(Vec::len), Some(3));
}

/// Answers that are no answers: every tool does with them what it can.
#[tokio::test]
async fn members_of_any_shape_break_nothing() {
    let odd = [json!(null), json!(7), json!("x"), json!([]), json!([null, 7, "x", [], {}]), json!({})];
    let places = [
        "/web",
        "/web/results",
        "/web/results/0",
        "/web/results/0/title",
        "/web/results/0/extra_snippets",
        "/query",
        "/locations",
        "/locations/results",
        "/locations/results/0",
        "/locations/results/0/id",
        "/results",
        "/results/0",
        "/results/0/opening_hours",
        "/results/0/opening_hours/days",
        "/results/0/rating",
        "/results/0/coordinates",
        "/results/0/video",
        "/results/0/meta_url",
        "/grounding",
        "/grounding/generic",
        "/grounding/generic/0/snippets",
        "/sources",
        "/summary",
        "/summary/0",
        "/status",
        "/enrichments",
    ];
    let whole = || {
        let mut all = replies::locations();
        for other in [replies::places(), replies::context(), replies::summary()] {
            all.as_object_mut().expect("an object").extend(object(other));
        }
        let first = all["results"][0].as_object_mut().expect("an object");
        first.extend(object(replies::videos()["results"][0].clone()));
        first.extend(object(replies::news()["results"][0].clone()));
        all
    };
    let turn = std::sync::Arc::new(std::sync::Mutex::new(Value::Null));
    let said = turn.clone();
    let service = Service::new(move |_| Answer::json(&said.lock().expect("a lock"))).await;
    let source = open(&service, json!({ "rate": "1000/s" })).await;
    for place in places {
        for one in &odd {
            let mut answer = whole();
            *answer.pointer_mut(place).expect(place) = one.clone();
            *turn.lock().expect("a lock") = answer;
            for tool in source.tools() {
                let arguments = match &*tool.name {
                    "brave_summarizer" if place == "/status" => continue,
                    "brave_summarizer" => json!({ "key": "k" }),
                    "brave_web_search" => json!({ "query": "x", "result_filter": ["locations", "web"] }),
                    _ => json!({ "query": "x" }),
                };
                let result = call(&source, &tool.name, arguments).await;
                assert!(result.is_ok(), "{} with {one} at {place}: {result:?}", tool.name);
            }
        }
    }
}

#[tokio::test]
async fn a_goggle_that_is_not_https_is_refused_with_words() {
    let service = Service::always(replies::web()).await;
    let source = open(&service, json!({})).await;
    for goggle in ["http://goggles.example/g", "HTTP://goggles.example/g", "ftp://x/y", " http://goggles.example/g"] {
        for goggles in [json!(goggle), json!(["https://fine.example/g", goggle])] {
            let refusal = refused(&source, "brave_web_search", json!({ "query": "x", "goggles": goggles })).await;
            assert_eq!(refusal.kind(), RefusalKind::Invalid);
            assert!(refusal.public().contains("must begin with https://"), "{refusal}");
        }
    }
    for goggles in [json!([""]), json!(["a", "b", "c", "d"]), json!("x".repeat(3000)), json!(7), json!([7])] {
        let refusal = refused(&source, "brave_news_search", json!({ "query": "x", "goggles": goggles })).await;
        assert_eq!(refusal.kind(), RefusalKind::Invalid);
    }
    assert!(service.asked().is_empty());
    data(&source, "brave_web_search", json!({ "query": "x", "goggles": "https://goggles.example/g" })).await;
    assert_eq!(service.last().all("goggles"), ["https://goggles.example/g"]);
}

#[tokio::test]
async fn arguments_that_do_not_fit_are_told_before_they_cost_a_request() {
    let service = Service::always(replies::web()).await;
    let source = open(&service, json!({})).await;
    for (tool, arguments, expected) in [
        ("brave_web_search", json!({ "query": "  " }), "is empty"),
        ("brave_web_search", json!({ "query": "ä".repeat(401) }), "401 characters; the search takes 50 words and 400"),
        ("brave_web_search", json!({ "query": "a ".repeat(51) }), "has 51 words"),
        ("brave_llm_context", json!({ "query": "a ".repeat(51) }), "has 51 words"),
        ("brave_place_search", json!({ "query": "a".repeat(401) }), "401 characters"),
        ("brave_web_search", json!({ "query": "a", "count": 21 }), "`count` is 21; it must be 1 to 20"),
        ("brave_web_search", json!({ "query": "a", "offset": 10 }), "`offset` is 10; it must be 0 to 9"),
        ("brave_image_search", json!({ "query": "a", "count": 201 }), "1 to 200"),
        ("brave_video_search", json!({ "query": "a", "count": 0 }), "1 to 50"),
        ("brave_image_search", json!({ "query": "a", "safesearch": "moderate" }), "`off` or `strict`"),
        ("brave_web_search", json!({ "query": "a", "country": "Germany" }), "two letters, such as `DE`"),
        ("brave_web_search", json!({ "query": "a", "country": "D&" }), "two letters"),
        ("brave_web_search", json!({ "query": "a", "search_lang": "english" }), "such as `en`"),
        ("brave_web_search", json!({ "query": "a", "freshness": "today" }), "`pd`, `pw`"),
        ("brave_web_search", json!({ "query": "a", "freshness": "2026-02-30to2026-03-31" }), "`pd`, `pw`"),
        ("brave_web_search", json!({ "query": "a", "freshness": "2026-03-01to2026-01-01" }), "earlier date first"),
        ("brave_place_search", json!({}), "say what to find"),
        ("brave_place_search", json!({ "latitude": 5 }), "go together"),
        ("brave_place_search", json!({ "latitude": 91, "longitude": 0 }), "-90 to 90"),
        ("brave_place_search", json!({ "location": "x".repeat(500) }), "too long"),
        ("brave_summarizer", json!({ "key": " " }), "summary_key"),
        ("brave_summarizer", json!({ "key": "x".repeat(3000) }), "summary_key"),
    ] {
        let refusal = refused(&source, tool, arguments.clone()).await;
        assert_eq!(refusal.kind(), RefusalKind::Invalid, "{arguments}");
        assert!(refusal.public().contains(expected), "{arguments}: {refusal}");
    }
    assert!(service.asked().is_empty());
    data(&source, "brave_web_search", json!({ "query": "ä".repeat(400) })).await;
}

#[tokio::test]
async fn a_model_can_not_write_parameters_or_paths() {
    let service = Service::always(replies::web()).await;
    let source = open(&service, json!({})).await;
    let query = "a&count=99#x?../../other\r\nx-evil: 1";
    data(&source, "brave_web_search", json!({ "query": query })).await;
    let asked = service.last();
    assert_eq!((asked.path.as_str(), asked.param("count"), asked.header("x-evil")), ("/web/search", None, None));
    assert_eq!(asked.param("q"), Some(query));
    data(&source, "brave_summarizer", json!({ "key": "../web/search?q=b&x=1" })).await;
}

#[tokio::test]
async fn a_local_search_asks_one_after_the_other() {
    let service = Service::new(|asked| {
        Answer::json(&match asked.path.as_str() {
            "/web/search" => replies::locations(),
            "/local/pois" => replies::pois(),
            _ => replies::descriptions(),
        })
    })
    .await;
    let source = open(&service, json!({})).await;
    let found = data(&source, "brave_local_search", json!({ "query": "cafe", "count": 3 })).await;
    let asked = service.asked();
    let paths: Vec<_> = asked.iter().map(|asked| asked.path.as_str()).collect();
    assert_eq!(paths, ["/web/search", "/local/pois", "/local/descriptions"]);
    assert_eq!(asked[0].param("result_filter"), Some("query,web,locations"));
    assert_eq!(asked[1].all("ids"), ["id-1", "id-2"]);
    assert_eq!(found["items"][0]["description"], "Small and loud.");
    assert_eq!(found["items"][2]["name"], "No id");
}

#[tokio::test]
async fn a_local_search_falls_back_where_there_are_no_places() {
    let service = Service::always(replies::web()).await;
    let source = open(&service, json!({})).await;
    let found = data(&source, "brave_local_search", json!({ "query": "cafe" })).await;
    assert_eq!((&found["items"], found["web"].as_array().map(Vec::len)), (&json!([]), Some(2)));
    assert!(found["note"].as_str().is_some_and(|note| note.contains("web pages")));
    assert_eq!(service.asked().len(), 1);
    // A plan without details still has the names.
    let poor = Service::new(|asked| match asked.path.as_str() {
        "/web/search" => Answer::json(&replies::locations()),
        _ => Answer::error(400, "OPTION_NOT_IN_PLAN", "The option is not subscribed in the plan."),
    })
    .await;
    let source = open(&poor, json!({})).await;
    let found = data(&source, "brave_local_search", json!({ "query": "cafe" })).await;
    assert_eq!(found["items"][0], json!({ "name": "Café Eins" }));
    assert!(found["note"].as_str().is_some_and(|note| note.contains("no details and descriptions")), "{found}");
}

#[tokio::test]
async fn a_summary_is_waited_for_and_not_for_ever() {
    let late = Service::new(|asked| match asked.before {
        0 => Answer::json(&json!({ "type": "summarizer", "status": "pending" })),
        _ => Answer::json(&replies::summary()),
    })
    .await;
    let source = open(&late, json!({ "cache": "1m" })).await;
    assert_eq!(data(&source, "brave_summarizer", json!({ "key": "k" })).await["ready"], true);
    assert_eq!(late.asked().len(), 2);

    let never = Service::always(json!({ "type": "summarizer", "status": "pending" })).await;
    let source = open(&never, json!({})).await;
    let found = source.call("brave_summarizer", &object(json!({ "key": "k" })), &hurried(Duration::from_secs(4))).await;
    let result = found.expect("an answer");
    assert_eq!(result.structured_content.as_ref().expect("data")["ready"], false);
    assert!(words(&result).contains("not ready yet"), "{}", words(&result));
    assert!((1..=limits::SUMMARY_POLLS_MAX).contains(&never.asked().len()));

    let failed = Service::always(json!({ "status": "failed" })).await;
    let source = open(&failed, json!({})).await;
    assert_eq!(refused(&source, "brave_summarizer", json!({ "key": "k" })).await.kind(), RefusalKind::Failed);
}

#[tokio::test]
async fn what_the_service_refuses_is_told_in_our_words() {
    let secret = "internal host 10.1.2.3 saw BSA-canary-0123456789";
    let validation = json!({ "type": "ErrorResponse", "error": { "status": 422, "code": "VALIDATION", "detail": secret,
        "meta": { "errors": [{ "type": "enum", "loc": ["query", "country"], "msg": secret }, { "loc": ["query", secret] }] } } });
    for (answer, kind, expected) in [
        (Answer::error(401, "UNAUTHORIZED", secret), RefusalKind::Unavailable, "token"),
        (Answer::error(422, "SUBSCRIPTION_TOKEN_INVALID", secret), RefusalKind::Unavailable, "token"),
        (Answer::error(403, "RESOURCE_NOT_ALLOWED", secret), RefusalKind::Failed, "plan does not include"),
        (Answer::error(400, "OPTION_NOT_IN_PLAN", secret), RefusalKind::Failed, "plan does not include"),
        (Answer::error(404, "NOT_FOUND", secret), RefusalKind::Failed, "search anew"),
        (Answer::raw(422, &validation.to_string()), RefusalKind::Failed, "`country` (VALIDATION)"),
        (Answer::error(422, secret, secret), RefusalKind::Failed, "this search (status 422)"),
        (Answer::raw(500, secret), RefusalKind::Unavailable, "out of order"),
        (Answer::raw(302, "").with("location", "http://10.1.2.3/"), RefusalKind::Unavailable, "leads elsewhere"),
        (Answer::raw(200, "<html>hotel network</html>"), RefusalKind::Unavailable, "something else"),
        (Answer::raw(200, "[]"), RefusalKind::Unavailable, "something else"),
        (Answer::raw(200, ""), RefusalKind::Unavailable, "something else"),
        (Answer::raw(200, &"[".repeat(100_000)), RefusalKind::Unavailable, "something else"),
    ] {
        let service = Service::new(move |_| answer.clone()).await;
        let source = open(&service, json!({})).await;
        let refusal = refused(&source, "brave_web_search", json!({ "query": "x" })).await;
        assert_eq!(refusal.kind(), kind, "{refusal}");
        assert!(refusal.public().contains(expected), "{refusal}");
        assert!(!format!("{refusal:?}").contains("canary") && !refusal.public().contains("10.1.2.3"), "{refusal:?}");
        let well = source.health().await == Health::Ready;
        assert_eq!(well, kind == RefusalKind::Failed || expected == "leads elsewhere", "{refusal}");
    }
}

#[tokio::test]
async fn a_service_that_is_gone_or_slow_is_told_apart() {
    let gone = Service::always(json!({})).await;
    let source = open(&gone, json!({})).await;
    drop(gone);
    let mut refusal = refused(&source, "brave_web_search", json!({ "query": "x" })).await;
    for _ in 0..50 {
        // The listener's end takes a moment.
        if refusal.kind() == RefusalKind::Unavailable {
            break;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
        refusal = refused(&source, "brave_web_search", json!({ "query": "x" })).await;
    }
    assert_eq!(refusal.kind(), RefusalKind::Unavailable);
    assert!(!refusal.public().contains("127.0.0.1"), "{refusal}");
    assert!(matches!(source.health().await, Health::Degraded(_)));
    let slow = Service::new(|_| Answer::json(&json!({})).after(Duration::from_mins(1))).await;
    let source = open(&slow, json!({ "timeout": "100ms" })).await;
    assert_eq!(refused(&source, "brave_web_search", json!({ "query": "x" })).await.kind(), RefusalKind::TimedOut);
    let big = Service::new(|_| Answer::raw(200, &" ".repeat(limits::SEARCH_ANSWER_BYTES_MAX + 1))).await;
    let source = open(&big, json!({})).await;
    assert_eq!(refused(&source, "brave_web_search", json!({ "query": "x" })).await.kind(), RefusalKind::Failed);
}

#[tokio::test]
async fn results_are_bounded_in_bytes_and_say_so() {
    let one =
        json!({ "url": "https://a.example/", "title": "<".repeat(500_000), "description": "&amp;".repeat(100_000) });
    let many: Vec<_> = std::iter::repeat_n(
        json!({ "url": "https://a.example/", "title": "t".repeat(5000), "description": "ä".repeat(5000) }),
        50,
    )
    .collect();
    let snippets: Vec<_> = std::iter::repeat_n("s".repeat(7000), 50).collect();
    let answer = json!({ "results": many, "web": { "results": [one] },
        "grounding": { "generic": [{ "title": "a", "snippets": snippets.clone() }, { "title": "b", "snippets": ["b"] }] } });
    let service = Service::always(answer).await;
    let source = open(&service, json!({})).await;
    let cx = testing::context();
    let result = source.call("brave_news_search", &object(json!({ "query": "x" })), &cx).await.expect("news");
    let found = result.structured_content.expect("data");
    assert!(found.to_string().len() <= limits::SEARCH_RESULT_BYTES_MAX + 1000 && cx.trail().truncated);
    assert!(found["note"].as_str().is_some_and(|note| note.contains("smaller count")), "{}", found["note"]);
    let small = open(&service, json!({ "max_bytes": "8KiB" })).await;
    assert!(data(&small, "brave_news_search", json!({ "query": "x" })).await.to_string().len() <= 9 * 1024);
    let found = data(&source, "brave_web_search", json!({ "query": "x" })).await;
    assert!(found["items"][0]["title"].as_str().is_some_and(|title| title.chars().count() <= 1001));
    let found = data(&source, "brave_llm_context", json!({ "query": "x" })).await;
    assert!(found.to_string().len() <= limits::SEARCH_CONTEXT_BYTES_MAX + 1000);
    assert!(found["items"].as_array().is_some_and(|items| !items.is_empty()), "{}", found["note"]);
}
