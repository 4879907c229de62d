//! The queue keeps the plan's rate, learns it, and tells when it can't.

use std::time::{Duration, Instant};

use futures::future::join_all;
use portwright_core::{Fetched, Health, RefusalKind, limits, testing};
use serde_json::json;

use super::super::rate::{Pace, Queue, Rate, Told};
use super::service::{Answer, Service};
use super::{call, data, hurried, object, open, refused, replies};

fn told(limit: &str, remaining: &str, reset: &str) -> Told {
    let headers = [("x-ratelimit-limit", limit), ("x-ratelimit-remaining", remaining), ("x-ratelimit-reset", reset)];
    let headers = headers.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec();
    Told::by(&Fetched { status: 200, headers, body: Vec::new() })
}

const SECOND: Duration = Duration::from_secs(1);

#[test]
fn a_pace_follows_what_the_service_tells_and_never_exceeds_the_operators() {
    let now = Instant::now();
    let mut free = Pace::new(None);
    assert_eq!(free.pause(now), Duration::ZERO);
    free.go(now);
    assert_eq!(free.pause(now), SECOND);
    free.learn(&told("20, 15000", "19, 14999", "1, 1000000"), now, now);
    free.go(now + SECOND);
    assert_eq!(free.pause(now + SECOND), SECOND / 20);
    // Nothing is left of this second.
    free.learn(&told("20, 15000", "0, 14998", "1, 1000000"), now + SECOND, now + SECOND);
    assert_eq!(free.pause(now + SECOND), SECOND);

    let mut bound = Pace::new(Some(Rate { interval: SECOND / 2 }));
    bound.learn(&told("20, 15000", "19, 14999", "1, 1000000"), now, now);
    bound.go(now);
    assert_eq!(bound.pause(now), SECOND / 2);
    bound.learn(&told("1, 15000", "1, 14999", "1, 1000000"), now, now);
    bound.go(now);
    assert_eq!(bound.pause(now), SECOND);
    bound.hold(now, SECOND * 3);
    assert_eq!(bound.pause(now), SECOND * 3);
    bound.hold(now, SECOND);
    assert_eq!(bound.pause(now), SECOND * 3);
}

#[test]
fn a_month_that_is_used_up_is_looked_at_again_now_and_then() {
    let now = Instant::now();
    let mut pace = Pace::new(None);
    pace.learn(&told("1, 2000", "0, 0", "1, 864000"), now, now);
    assert_eq!(pace.gone(now), Some(Duration::from_hours(240)));
    assert_eq!(pace.gone(now + limits::SEARCH_QUOTA_LOOK), None);
    pace.learn(&told("1, 2000", "0, 2000", "1, 864000"), now, now);
    assert_eq!(pace.gone(now), None);
    // Plans without a bound of the month say that nothing is left of nothing.
    pace.learn(&told("50, 0", "49, 0", "1, 864000"), now, now);
    assert_eq!(pace.gone(now), None);
}

#[test]
fn headers_that_say_nothing_are_read_as_nothing() {
    for text in ["", "x", ",", "1", "-1, -1", "99999999999999999999, 1"] {
        let told = told(text, text, text);
        assert_eq!((told.per_month.unwrap_or(1), told.per_second.unwrap_or(1)), (1, 1), "{text}");
        Pace::new(None).learn(&told, Instant::now(), Instant::now());
    }
    assert_eq!(told("4294967295, 1", "0, 1", "4294967295, 4294967295").per_second, Some(u32::MAX));
    let mut pace = Pace::new(None);
    let now = Instant::now();
    pace.learn(&told("1, 1", "0, 1", "4294967295, 4294967295"), now, now);
    assert!(pace.pause(now) <= limits::SEARCH_QUEUE_WAIT, "one header must not stop the source for good");
}

#[tokio::test]
async fn calls_at_once_go_one_after_another_and_all_are_answered() {
    let service = Service::always(replies::web()).await;
    let source = open(&service, json!({ "rate": "20/s" })).await;
    let numbers: Vec<_> = (0..5).map(|number| format!("q{number}")).collect();
    let calls = numbers.iter().map(|query| call(&source, "brave_web_search", json!({ "query": query })));
    assert!(join_all(calls).await.into_iter().all(|result| result.is_ok()));
    let asked = service.asked();
    let order: Vec<_> = asked.iter().filter_map(|asked| asked.param("q")).collect();
    assert_eq!(order, numbers);
}

#[tokio::test]
async fn turns_keep_their_distance_and_their_order() {
    let interval = Duration::from_millis(20);
    let queue = Queue::new(Some(Rate { interval }), SECOND * 10);
    let turns: Vec<_> =
        join_all((0..5).map(|_| queue.turn(None))).await.into_iter().map(|turn| turn.expect("a turn")).collect();
    assert!(turns.windows(2).all(|pair| pair[1].duration_since(pair[0]) >= interval), "{turns:?}");
}

#[tokio::test]
async fn who_would_wait_too_long_is_told_when_to_come_again() {
    let service = Service::always(replies::web()).await;
    let source = open(&service, json!({ "rate": "1/min", "wait": "5s" })).await;
    data(&source, "brave_web_search", json!({ "query": "a" })).await;
    let refusal = refused(&source, "brave_web_search", json!({ "query": "b" })).await;
    assert_eq!(refusal.kind(), RefusalKind::Limited);
    assert!(refusal.wait().is_some_and(|wait| wait > Duration::from_secs(50)), "{:?}", refusal.wait());
    assert!(refusal.public().contains("try again in"), "{refusal}");
    // A call with little time left does not wait in vain either.
    let quick = open(&service, json!({ "rate": "1/min", "wait": "2m" })).await;
    data(&quick, "brave_web_search", json!({ "query": "a" })).await;
    let arguments = object(json!({ "query": "b" }));
    let refusal = quick.call("brave_web_search", &arguments, &hurried(SECOND)).await.expect_err("no time");
    assert_eq!(refusal.kind(), RefusalKind::Limited);
    assert_eq!(service.asked().len(), 2);
}

#[tokio::test]
async fn the_queue_is_bounded_and_who_leaves_holds_nobody_up() {
    let queue = Queue::new(Some(Rate { interval: Duration::from_millis(1) }), Duration::from_hours(1));
    queue.turn(None).await.expect("the first");
    queue.hold(Duration::from_secs(30));
    {
        let turns: Vec<_> = (0..limits::SEARCH_QUEUE_MAX).map(|_| Box::pin(queue.turn(None))).collect();
        let mut turns = join_all(turns);
        assert!(futures::poll!(&mut turns).is_pending());
        assert_eq!(queue.waiting(), limits::SEARCH_QUEUE_MAX);
        let refusal = queue.turn(None).await.expect_err("too many");
        assert_eq!(refusal.kind(), RefusalKind::Limited);
    }
    assert_eq!(queue.waiting(), 0, "who leaves gives the place back");
    let again = Queue::new(Some(Rate { interval: Duration::from_millis(1) }), Duration::from_secs(5));
    again.turn(None).await.expect("a turn");
    {
        let leaves = std::pin::pin!(again.turn(None));
        assert!(futures::poll!(leaves).is_pending());
    }
    again.turn(None).await.expect("the next");
}

#[tokio::test]
async fn a_429_is_waited_out_once() {
    let service = Service::new(|asked| match asked.before {
        0 => Answer::error(429, "RATE_LIMITED", "Request rate limit exceeded for plan.").with("retry-after", "1"),
        _ => Answer::json(&replies::web()),
    })
    .await;
    let source = open(&service, json!({})).await;
    let cx = testing::context();
    let result = source.call("brave_web_search", &object(json!({ "query": "a" })), &cx).await;
    assert!(result.is_ok(), "{result:?}");
    assert_eq!(cx.trail().flags, ["retried"]);
    let asked = service.asked();
    assert_eq!(asked.len(), 2);
    assert!(asked[1].at.duration_since(asked[0].at) >= SECOND);
}

#[tokio::test]
async fn a_429_that_stays_or_asks_for_too_long_is_told() {
    let stays = Service::new(|_| Answer::error(429, "RATE_LIMITED", "").limits("1, 2000", "0, 1500", "1, 90000")).await;
    let source = open(&stays, json!({})).await;
    let refusal = refused(&source, "brave_web_search", json!({ "query": "a" })).await;
    assert_eq!((refusal.kind(), refusal.wait()), (RefusalKind::Limited, Some(SECOND)));
    assert_eq!(stays.asked().len(), 2, "once more, not for ever");

    let long = Service::new(|_| Answer::raw(429, "slow down").with("retry-after", "120")).await;
    let source = open(&long, json!({})).await;
    let refusal = refused(&source, "brave_web_search", json!({ "query": "a" })).await;
    assert_eq!((refusal.kind(), refusal.wait()), (RefusalKind::Limited, Some(Duration::from_mins(2))));
    // Others need not ask to hear the same.
    assert_eq!(refused(&source, "brave_news_search", json!({ "query": "a" })).await.kind(), RefusalKind::Limited);
    assert_eq!(long.asked().len(), 1);
}

#[tokio::test]
async fn a_wait_that_is_no_time_stops_nothing_for_good() {
    for after in ["18446744073709551615", "99999999999999999999999", "-1", "Fri, 31 Dec 1999 23:59:59 GMT", "x"] {
        let service = Service::new(move |_| Answer::raw(429, "").with("retry-after", after)).await;
        let source = open(&service, json!({ "wait": "2s" })).await;
        let refusal = refused(&source, "brave_web_search", json!({ "query": "a" })).await;
        assert_eq!(refusal.kind(), RefusalKind::Limited, "{after}");
        assert!(refusal.wait().is_some_and(|wait| wait <= limits::SEARCH_RETRY_MAX), "{after}");
    }
}

#[tokio::test]
async fn a_month_that_is_used_up_says_so() {
    let service =
        Service::new(|_| Answer::error(429, "RATE_LIMITED", "").limits("1, 2000", "1, 0", "1, 1419704")).await;
    let source = open(&service, json!({})).await;
    for _ in 0..2 {
        let refusal = refused(&source, "brave_web_search", json!({ "query": "a" })).await;
        assert_eq!(refusal.kind(), RefusalKind::Limited);
        assert!(refusal.public().contains("the month's searches"), "{refusal}");
        assert!(refusal.wait().is_some_and(|wait| wait > Duration::from_secs(1_000_000)));
    }
    assert_eq!(service.asked().len(), 1, "what is known to be gone is not asked for");
    assert!(matches!(source.health().await, Health::Degraded(words) if words.contains("month")));
}

#[tokio::test]
async fn equal_searches_are_answered_from_memory() {
    let service = Service::always(replies::web()).await;
    let source = open(&service, json!({ "cache": "1m" })).await;
    let cx = testing::context();
    let first = data(&source, "brave_web_search", json!({ "query": "a" })).await;
    let again = source.call("brave_web_search", &object(json!({ "query": "a" })), &cx).await.expect("an answer");
    assert_eq!(again.structured_content, Some(first));
    assert_eq!((service.asked().len(), cx.trail().flags), (1, vec!["cached".to_owned()]));
    data(&source, "brave_web_search", json!({ "query": "a", "count": 3 })).await;
    data(&source, "brave_web_search", json!({ "query": "b" })).await;
    assert_eq!(service.asked().len(), 3);
    // What went wrong is not kept.
    let faulty = Service::new(|asked| match asked.before {
        0 => Answer::raw(500, "{}"),
        _ => Answer::json(&replies::web()),
    })
    .await;
    let source = open(&faulty, json!({ "cache": "1m" })).await;
    refused(&source, "brave_web_search", json!({ "query": "a" })).await;
    data(&source, "brave_web_search", json!({ "query": "a" })).await;
    let off = open(&service, json!({ "cache": "0s" })).await;
    data(&off, "brave_web_search", json!({ "query": "a" })).await;
    data(&off, "brave_web_search", json!({ "query": "a" })).await;
    assert_eq!(service.asked().len(), 5);
}
