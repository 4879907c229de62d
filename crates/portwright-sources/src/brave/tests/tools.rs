//! What each tool asks the service and makes of its answer.

use portwright_core::testing::Contract;
use portwright_core::{Health, RefusalKind};
use serde_json::{Value, json};
use std::fmt::Write as _;
use std::time::Duration;

use super::service::{Answer, Asked, Service};
use super::{call, data, object, open, refused, replies, words};

/// A service that knows every endpoint.
fn whole(asked: &Asked) -> Answer {
    let answer = match asked.path.as_str() {
        "/web/search" if asked.param("result_filter").is_some_and(|filter| filter.contains("locations")) => {
            replies::locations()
        }
        "/web/search" => replies::web(),
        "/news/search" => replies::news(),
        "/images/search" => replies::images(),
        "/videos/search" => replies::videos(),
        "/local/pois" => replies::pois(),
        "/local/descriptions" => replies::descriptions(),
        "/local/place_search" => replies::places(),
        "/summarizer/search" => replies::summary(),
        "/llm/context" => replies::context(),
        _ => return Answer::raw(404, "{}"),
    };
    let answer = Answer::json(&answer);
    if asked.param("q") == Some("slow") { answer.after(Duration::from_mins(1)) } else { answer }
}

fn works() -> Vec<(&'static str, Value)> {
    vec![
        ("brave_web_search", json!({ "query": "borrow checker" })),
        ("brave_local_search", json!({ "query": "cafe bremen" })),
        ("brave_news_search", json!({ "query": "harbour" })),
        ("brave_image_search", json!({ "query": "lighthouse" })),
        ("brave_video_search", json!({ "query": "knots" })),
        ("brave_summarizer", json!({ "key": "k" })),
        ("brave_llm_context", json!({ "query": "tides" })),
        ("brave_place_search", json!({ "location": "bremen germany" })),
    ]
}

#[tokio::test]
async fn the_source_keeps_the_contract() {
    let service = Service::new(whole).await;
    let source = open(&service, json!({})).await;
    let mut contract = Contract::of(source.clone()).slow("brave_web_search", object(json!({ "query": "slow" })));
    for (tool, arguments) in works() {
        contract = contract.works(tool, object(arguments));
    }
    assert_eq!(contract.check().await, []);
    assert_eq!(source.health().await, Health::Ready);
}

#[tokio::test]
async fn each_tool_returns_little_and_plain_text() {
    let service = Service::new(whole).await;
    let source = open(&service, json!({})).await;
    let mut told = String::new();
    for (tool, arguments) in works() {
        let result = call(&source, tool, arguments).await.expect(tool);
        let data = serde_json::to_string_pretty(&result.structured_content).expect("JSON");
        let _ = write!(told, "== {tool}\n{data}\n-- as text\n{}\n\n", words(&result));
    }
    for markup in ["<strong>", "<b>", "&quot;", "&amp;", "&#", "javascript:"] {
        assert!(!told.contains(markup), "{markup}");
    }
    insta::assert_snapshot!(told);
}

#[tokio::test]
async fn lists_are_short() {
    let service = Service::new(whole).await;
    let source = open(&service, json!({})).await;
    let tools = source.tools();
    let size = |tool: &portwright_core::protocol::Tool| {
        format!("{} {}", tool.name, serde_json::to_string(tool).expect("JSON").len())
    };
    let mut sizes: Vec<_> = tools.iter().map(size).collect();
    let all = serde_json::to_string(&tools).expect("JSON").len();
    sizes.push(format!("all {all}; the official server: 117111"));
    insta::assert_snapshot!(sizes.join("\n"));
    assert!(all < 117_111 / 10);
    for tool in &tools {
        let hints = tool.annotations.as_ref().expect("hints");
        assert_eq!((hints.read_only_hint, hints.open_world_hint), (Some(true), Some(true)), "{}", tool.name);
        let text = serde_json::to_string(tool).expect("JSON");
        assert!(!text.contains("user-agent") && !text.contains("x-loc") && !text.contains("api-version"), "{text}");
    }
    insta::assert_json_snapshot!(tools.iter().find(|tool| tool.name == "brave_web_search"));
}

#[tokio::test]
async fn what_was_asked_for_reaches_the_service_under_its_names() {
    let service = Service::new(whole).await;
    let source = open(&service, json!({})).await;
    data(
        &source,
        "brave_web_search",
        json!({
            "query": " borrow & checker ", "count": 5, "offset": 2, "country": "de", "search_lang": "PT-BR",
            "freshness": "2026-01-01to2026-03-31", "safesearch": "off", "spellcheck": false, "extra_snippets": true,
            "goggles": ["https://goggles.example/g", "$discard,site=spam.example"], "result_filter": ["news", "web"],
        }),
    )
    .await;
    let asked = service.last();
    let params: Vec<_> = asked.params.iter().map(|(name, value)| format!("{name}={value}")).collect();
    insta::assert_snapshot!(params.join("\n"), @r"
    q=borrow & checker
    count=5
    offset=2
    country=DE
    search_lang=pt-br
    freshness=2026-01-01to2026-03-31
    safesearch=off
    spellcheck=false
    extra_snippets=true
    goggles=https://goggles.example/g
    goggles=$discard,site=spam.example
    text_decorations=false
    result_filter=query,news,web
    ");
    assert_eq!(asked.header("x-subscription-token"), Some(super::TOKEN));
    assert_eq!(asked.header("accept"), Some("application/json"));

    data(
        &source,
        "brave_place_search",
        json!({ "latitude": 53.1, "longitude": 8.8, "radius": 500, "units": "metric" }),
    )
    .await;
    let asked = service.last();
    assert_eq!((asked.param("latitude"), asked.param("radius")), (Some("53.1"), Some("500")));
    assert_eq!((asked.param("q"), asked.param("units")), (None, Some("metric")));
    data(
        &source,
        "brave_llm_context",
        json!({ "query": "a", "maximum_number_of_tokens": 2048, "context_threshold_mode": "strict" }),
    )
    .await;
    let asked = service.last();
    assert_eq!(asked.param("maximum_number_of_tokens"), Some("2048"));
    assert_eq!(asked.param("context_threshold_mode"), Some("strict"));
}

#[tokio::test]
async fn other_kinds_of_results_come_when_asked_for() {
    let service = Service::new(whole).await;
    let source = open(&service, json!({})).await;
    let plain = data(&source, "brave_web_search", json!({ "query": "a" })).await;
    assert_eq!((plain.get("also"), plain.get("summary_key")), (None, None));
    assert_eq!((&plain["next"], &plain["searched"]), (&json!(1), &json!("borrow checker")));
    let more = data(&source, "brave_web_search", json!({ "query": "a", "result_filter": "faq,videos" })).await;
    let kinds: Vec<_> = more["also"].as_array().expect("a list").iter().map(|one| &one["kind"]).collect();
    assert_eq!(kinds, ["videos", "faq"]);
    assert_eq!(more["also"][1]["description"], "A check.");
    let refusal = refused(&source, "brave_web_search", json!({ "query": "a", "result_filter": ["webs"] })).await;
    assert!(refusal.public().contains("knows web, news"), "{refusal}");
}

#[tokio::test]
async fn a_summary_takes_a_key_from_a_search() {
    let service = Service::new(whole).await;
    let source = open(&service, json!({})).await;
    let found = data(&source, "brave_web_search", json!({ "query": "tides", "summary": true })).await;
    let asked = service.last();
    // A filter would leave out the pages or the key.
    assert_eq!((asked.param("summary"), asked.param("result_filter")), (Some("true"), None));
    let key = found["summary_key"].as_str().expect("a key");
    let summary = data(&source, "brave_summarizer", json!({ "key": key, "inline_references": true })).await;
    assert_eq!(service.last().param("key"), Some(key));
    assert_eq!(service.last().param("inline_references"), Some("true"));
    assert_eq!(summary["ready"], true);
}

#[tokio::test]
async fn offsets_end_where_the_service_ends() {
    let service = Service::new(whole).await;
    let source = open(&service, json!({})).await;
    let last = data(&source, "brave_web_search", json!({ "query": "a", "offset": 9 })).await;
    assert_eq!(last.get("next"), None);
    // A full page may have another after it.
    let full = data(&source, "brave_news_search", json!({ "query": "a", "count": 2 })).await;
    assert_eq!(full["next"], 1);
    assert_eq!(data(&source, "brave_news_search", json!({ "query": "a", "count": 3 })).await.get("next"), None);
}

#[tokio::test]
async fn prompts_lead_to_the_tools_that_are_offered() {
    let service = Service::new(whole).await;
    let source = open(&service, json!({})).await;
    let names: Vec<_> = source.prompts().into_iter().map(|prompt| prompt.name).collect();
    assert_eq!(names, ["research_question", "local_recommendations"]);
    let cx = portwright_core::testing::context();
    let arguments = object(json!({ "question": "Why are there two tides a day?" }));
    let prompt = source.get_prompt("research_question", &arguments, &cx).await.expect("a prompt");
    let text = serde_json::to_string(&prompt).expect("JSON");
    assert!(text.contains("two tides a day?") && text.contains("brave_llm_context"), "{text}");
    for (name, arguments) in [
        ("research_question", json!({})),
        ("research_question", json!({ "question": "a", "more": "b" })),
        ("local_recommendations", json!({ "what": "cake" })),
    ] {
        let refusal = source.get_prompt(name, &object(arguments), &cx).await.expect_err(name);
        assert_eq!(refusal.kind(), RefusalKind::Invalid);
    }
    let few = open(&service, json!({ "tools": ["brave_web_search"] })).await;
    let names: Vec<_> = few.prompts().into_iter().map(|prompt| prompt.name).collect();
    assert_eq!(names, ["research_question"]);
    let prompt = few.get_prompt("research_question", &arguments, &cx).await.expect("a prompt");
    assert!(!serde_json::to_string(&prompt).expect("JSON").contains("brave_llm_context"));
    let places = object(json!({ "what": "cake", "where": "Bremen" }));
    let refusal = few.get_prompt("local_recommendations", &places, &cx).await.expect_err("not offered");
    assert_eq!(refusal.kind(), RefusalKind::NotFound);
    assert_eq!(refused(&few, "brave_news_search", json!({ "query": "a" })).await.kind(), RefusalKind::NotFound);
}
