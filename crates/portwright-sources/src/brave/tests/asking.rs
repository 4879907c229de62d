//! How the API is asked: turns, pauses, quotas, tokens.

use std::time::Duration;

use portwright_core::testing::Contract;
use portwright_core::{Health, RefusalKind};
use serde_json::{Value, json};

use super::{Backend, TOKEN, call, data, decode};

fn found(url: &str) -> Value {
    json!({"web": {"results": [{"title": "T", "url": url, "description": "D"}]}})
}

#[tokio::test]
async fn it_keeps_the_contract_of_a_source() {
    let backend = Backend::start().await;
    backend.ok("/web/search", &found("https://a.example/"));
    let source = backend.source(json!({})).await;
    let works = json!({"query": "rust"}).as_object().cloned().unwrap();
    let broken = Contract::of(source).works("brave_web_search", works).check().await;
    assert!(broken.is_empty(), "{broken:?}");
}

/// The official server's list has 117,111 bytes for the same eight tools.
#[tokio::test]
async fn the_list_is_short() {
    let backend = Backend::start().await;
    let tools = backend.source(json!({})).await.tools();
    let bytes = serde_json::to_string(&tools).unwrap().len();
    assert_eq!(tools.len(), 8);
    assert!(bytes * 3 < 117_111 && bytes < 12_500, "{bytes} bytes");
}

#[tokio::test]
async fn calls_that_come_at_once_take_turns() {
    let backend = Backend::start().await;
    backend.ok("/web/search", &found("https://a.example/"));
    let source = backend.source(json!({"rate": "20/s", "cache": "0s"})).await;
    let searches = (0..6).map(|number| call(&source, "brave_web_search", json!({"query": format!("q{number}")})));
    let ends = futures::future::join_all(searches).await;
    assert!(ends.iter().all(Result::is_ok));
    assert_eq!(backend.asked().len(), 6);
    // What would have to wait too long is refused at once, with a word when to come again.
    let slow = backend.source(json!({"rate": "1/h", "wait": "1s"})).await;
    assert!(call(&slow, "brave_web_search", json!({"query": "a"})).await.is_ok());
    let refusal = call(&slow, "brave_web_search", json!({"query": "b"})).await.expect_err("too soon");
    assert_eq!(refusal.kind(), RefusalKind::Limited);
    assert!(refusal.wait().is_some_and(|wait| wait > Duration::from_mins(1)));
}

#[tokio::test]
async fn a_pause_that_the_api_asks_for_is_kept() {
    let backend = Backend::start().await;
    let busy =
        json!({"type": "ErrorResponse", "error": {"status": 429, "code": "RATE_LIMITED", "detail": "slow down"}});
    backend.answer_with("/web/search", "429 Too Many Requests", "retry-after: 0\r\n", &busy);
    backend.ok("/web/search", &found("https://a.example/"));
    let source = backend.source(json!({})).await;
    assert_eq!(data(&source, "brave_web_search", json!({"query": "a"})).await["items"][0]["url"], "https://a.example/");
    assert_eq!(backend.asked().len(), 2);
    let long = Backend::start().await;
    long.answer_with("/web/search", "429 Too Many Requests", "retry-after: 3600\r\n", &busy);
    let source = long.source(json!({})).await;
    let refusal = call(&source, "brave_web_search", json!({"query": "a"})).await.expect_err("refused");
    assert_eq!((refusal.kind(), refusal.wait()), (RefusalKind::Limited, Some(Duration::from_hours(1))));
    assert_eq!(long.asked().len(), 1);
}

#[tokio::test]
async fn a_quota_that_is_used_up_is_asked_for_no_more() {
    let backend = Backend::start().await;
    let headers = "x-ratelimit-limit: 20, 2000\r\nx-ratelimit-remaining: 19, 0\r\nx-ratelimit-reset: 1, 86400\r\n";
    backend.answer_with("/web/search", "200 OK", headers, &found("https://a.example/"));
    let source = backend.source(json!({})).await;
    assert!(call(&source, "brave_web_search", json!({"query": "a"})).await.is_ok());
    let refusal = call(&source, "brave_web_search", json!({"query": "b"})).await.expect_err("used up");
    assert!(refusal.public().contains("used up") && refusal.wait().is_some(), "{refusal}");
    assert_eq!(backend.asked().len(), 1);
    // What was answered before still is.
    assert!(call(&source, "brave_web_search", json!({"query": "a"})).await.is_ok());
}

#[tokio::test]
async fn an_equal_question_is_asked_once() {
    let backend = Backend::start().await;
    backend.ok("/web/search", &found("https://a.example/"));
    let source = backend.source(json!({})).await;
    for _ in 0..3 {
        data(&source, "brave_web_search", json!({"query": "same"})).await;
    }
    assert_eq!(backend.asked().len(), 1);
    let fresh = backend.source(json!({"cache": "0s"})).await;
    for _ in 0..2 {
        data(&fresh, "brave_web_search", json!({"query": "same"})).await;
    }
    assert_eq!(backend.asked().len(), 3);
}

#[tokio::test]
async fn the_token_goes_to_the_api_and_nowhere_else() {
    let backend = Backend::start().await;
    backend.answer_with(
        "/web/search",
        "401 Unauthorized",
        "",
        &json!({"error": {"detail": format!("bad token {TOKEN}")}}),
    );
    let source = backend.source(json!({})).await;
    let refusal = call(&source, "brave_web_search", json!({"query": "a"})).await.expect_err("refused");
    assert!(refusal.public().contains("refuses this server's token"));
    assert!(!format!("{refusal:?} {source:?}").contains(TOKEN));
    assert!(matches!(source.health().await, Health::Degraded(_)));
    let found = source.inspect().await;
    assert_eq!(found[0].place.to_string(), "/sources/web/token");
    assert!(!format!("{found:?}").contains(TOKEN));
    assert!(backend.asked()[0].contains(&format!("x-subscription-token: {TOKEN}")));
    assert!(!backend.asked()[0].lines().next().unwrap().contains(TOKEN));
}

#[tokio::test]
async fn a_proxy_is_asked_where_the_plan_names_one() {
    let proxy = Backend::start().await;
    proxy.ok("http://", &found("https://by-proxy.example/"));
    let table = json!({"token": TOKEN, "api_url": "http://localhost:9/res/v1", "proxy": proxy.url});
    let source = decode(&table).expect("a plan").connect().await.expect("a source");
    let answer = data(&source, "brave_web_search", json!({"query": "a"})).await;
    assert_eq!(answer["items"][0]["url"], "https://by-proxy.example/");
}

#[test]
fn a_plan_that_can_not_hold_is_told_at_its_place() {
    let told = |table: &Value| {
        let Err(problems) = decode(table) else { return "nothing".to_owned() };
        problems.iter().map(|one| format!("{} {}", one.place, one.message)).collect::<Vec<_>>().join("\n")
    };
    insta::assert_snapshot!(told(&json!({})), @"/sources/web `token` is missing");
    insta::assert_snapshot!(told(&json!({"token": "  "})), @"/sources/web `token` is missing");
    let wrong = json!({"token": "t", "api_url": "http://api.search.brave.com/", "rate": "fast", "proxy": "socks", "timeout": "0s"});
    insta::assert_snapshot!(told(&wrong), @r"
    /sources/web/api_url `http://api.search.brave.com/` would send the token in the clear; write https://…
    /sources/web/proxy `…` is no URL; write https://…
    /sources/web/rate a rate is written `1/s`, `20/s` or `60/min`
    /sources/web/timeout it must be longer than 0s
    ");
}
