//! Every run has an end, and no result is larger than it may be.

use std::sync::Arc;
use std::time::{Duration, Instant};

use portwright_core::{Context, Health, RefusalKind, Source};
use serde_json::{Value, json};

use super::{Shop, content, cx, object, sql, text};

const ENDLESS: &str = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n";

fn call_within(source: &Arc<dyn Source>, cx: Context) -> tokio::task::JoinHandle<RefusalKind> {
    let source = source.clone();
    tokio::spawn(async move {
        let arguments = object(json!({"sql": ENDLESS}));
        source.call("run_sql_query", &arguments, &cx).await.unwrap_err().kind()
    })
}

async fn ended<T>(task: tokio::task::JoinHandle<T>) -> T {
    tokio::time::timeout(Duration::from_secs(30), task).await.expect("it ends").unwrap()
}

#[tokio::test]
async fn an_endless_statement_is_stopped_by_its_timeout() {
    let shop = Shop::new();
    let source = shop.open(json!({"timeout": "50ms", "pool": {"max": 1}})).await;
    assert_eq!(ended(call_within(&source, cx())).await, RefusalKind::TimedOut);
    // The one connection serves again.
    assert_eq!(content(sql(&source, "SELECT 1 AS one").await)["rows"], json!([{"one": 1}]));
}

#[tokio::test]
async fn an_endless_statement_is_stopped_by_the_calls_deadline() {
    let shop = Shop::new();
    let source = shop.open(json!({"timeout": "1h"})).await;
    let mut soon = cx();
    soon.deadline = Some(Instant::now() + Duration::from_millis(50));
    assert_eq!(ended(call_within(&source, soon)).await, RefusalKind::TimedOut);
    let mut past = cx();
    past.deadline = Some(Instant::now());
    assert_eq!(ended(call_within(&source, past)).await, RefusalKind::TimedOut);
}

#[tokio::test]
async fn an_endless_statement_is_stopped_when_the_call_is_cancelled() {
    let shop = Shop::new();
    let source = shop.open(json!({"timeout": "1h", "pool": {"max": 1, "wait": "30s"}})).await;
    let context = cx();
    let cancel = context.cancel.clone();
    let task = call_within(&source, context);
    tokio::task::yield_now().await;
    cancel.cancel();
    assert_eq!(ended(task).await, RefusalKind::Cancelled);
    // The worker has stopped too: it held the only connection.
    assert_eq!(content(sql(&source, "SELECT 1 AS one").await)["rows"], json!([{"one": 1}]));
}

#[tokio::test]
async fn a_call_that_nobody_waits_for_is_stopped() {
    let shop = Shop::new();
    let source = shop.open(json!({"timeout": "1h", "pool": {"max": 1, "wait": "30s"}})).await;
    let task = call_within(&source, cx());
    tokio::task::yield_now().await;
    task.abort();
    assert_eq!(content(sql(&source, "SELECT 1 AS one").await)["rows"], json!([{"one": 1}]));
}

#[tokio::test]
async fn a_full_pool_refuses_after_a_bounded_wait() {
    let shop = Shop::new();
    let source = shop.open(json!({"timeout": "1h", "pool": {"max": 1, "wait": "20ms"}})).await;
    let context = cx();
    let cancel = context.cancel.clone();
    let task = call_within(&source, context);
    let refusal = loop {
        // Until the endless call has the connection.
        if let Err(refusal) = sql(&source, "SELECT 1").await {
            break refusal;
        }
    };
    assert_eq!(refusal.kind(), RefusalKind::Unavailable);
    assert!(refusal.wait().is_some() && refusal.public().contains("busy"), "{refusal}");
    assert_eq!(source.health().await, Health::Ready);
    cancel.cancel();
    assert_eq!(ended(task).await, RefusalKind::Cancelled);
}

const MILLION: &str =
    "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT 1000000) SELECT i, 'row ' || i AS t FROM n";

#[tokio::test]
async fn a_million_rows_are_cut_with_words() {
    let shop = Shop::new();
    let source = shop.open(json!({})).await;
    let context = cx();
    let result = source.call("run_sql_query", &object(json!({"sql": MILLION})), &context).await;
    assert!(context.trail().truncated);
    let content = content(result);
    assert_eq!(content["row_count"], json!(200));
    assert_eq!(content["truncated"], json!(true));
    let notice = content["notice"].as_str().unwrap();
    assert!(notice.contains("first 200 rows") && notice.contains("OFFSET"), "{notice}");

    let fewer = object(json!({"sql": MILLION, "max_rows": 3}));
    let words = text(source.call("run_sql_query", &fewer, &cx()).await);
    assert!(words.starts_with("i | t\n1 | row 1\n2 | row 2\n3 | row 3\n\nOnly the first 3 rows"), "{words}");
    let more = object(json!({"sql": MILLION, "max_rows": 201}));
    assert_eq!(source.call("run_sql_query", &more, &cx()).await.unwrap_err().kind(), RefusalKind::Invalid);
}

#[tokio::test]
async fn rows_are_cut_at_their_bytes() {
    let shop = Shop::new();
    let source = shop.open(json!({"max_rows": 100_000, "max_bytes": "64KiB"})).await;
    let content = content(sql(&source, MILLION).await);
    let bytes = serde_json::to_string(&content["rows"]).unwrap().len();
    assert!((60_000..=65_536).contains(&bytes), "{bytes}");
    assert!(content["notice"].as_str().unwrap().contains("64KiB"));
    let one = super::content(sql(&source, "SELECT printf('%.*c', 100000, 'x') AS wide").await);
    assert_eq!((&one["row_count"], &one["truncated"]), (&json!(0), &json!(true)));
    assert!(one["notice"].as_str().unwrap().contains("first row alone"));
}

#[tokio::test]
async fn as_many_rows_as_allowed_are_not_called_cut() {
    let shop = Shop::new();
    let source = shop.open(json!({"max_rows": 2})).await;
    let content = content(sql(&source, "SELECT id FROM customers ORDER BY id").await);
    assert_eq!(content, json!({"rows": [{"id": 1}, {"id": 2}], "row_count": 2, "truncated": false}));
}

#[tokio::test]
async fn a_statement_that_is_too_long_or_too_deep_is_refused() {
    let shop = Shop::new();
    let source = shop.open(json!({})).await;
    let long = format!("SELECT '{}'", "é".repeat(20_000));
    assert!(sql(&source, &long).await.unwrap_err().public().contains("longer than 32768 bytes"));
    for deep in [
        format!("SELECT {}1{}", "(".repeat(5000), ")".repeat(5000)),
        format!("SELECT 1{}", "+1".repeat(5000)),
        format!("SELECT 1{}", " UNION ALL SELECT 1".repeat(500)),
    ] {
        let kind = sql(&source, &deep).await.map_err(|refusal| refusal.kind());
        assert!(matches!(kind, Err(RefusalKind::Failed)), "{kind:?}");
    }
}

#[tokio::test]
async fn many_calls_share_few_connections() {
    let shop = Shop::new();
    let source = shop.open(json!({"pool": {"max": 2, "wait": "30s"}})).await;
    let calls = (0..64).map(|n| {
        let source = source.clone();
        tokio::spawn(async move { content(sql(&source, &format!("SELECT {n} AS n")).await)["rows"][0]["n"].clone() })
    });
    let mut answers: Vec<Value> = Vec::new();
    for call in calls.collect::<Vec<_>>() {
        answers.push(ended(call).await);
    }
    assert_eq!(answers, (0..64).map(|n| json!(n)).collect::<Vec<_>>());
}

/// Values that are built before their length is looked at.
#[tokio::test]
async fn no_statement_takes_gigabytes() {
    let shop = Shop::new();
    let source = shop.open(json!({"timeout": "1h", "pool": {"max": 1}})).await;
    let long = "printf('%.*c', 1000000, ' ')";
    for bomb in [
        format!(
            "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT 4000) SELECT json_group_array({long}) FROM n"
        ),
        format!(
            "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT 4000) \
             SELECT json_group_object(i, {long}) FROM n"
        ),
        format!("SELECT json_pretty(printf('%.*c', 900, '[') || '1' || printf('%.*c', 900, ']'), {long})"),
    ] {
        let refusal = sql(&source, &bomb).await.unwrap_err();
        assert_eq!(refusal.kind(), RefusalKind::Failed, "`{bomb}`: {refusal}");
        assert!(refusal.public().contains("memory"), "`{bomb}`: {}", refusal.public());
    }
    // The one connection serves again.
    assert_eq!(content(sql(&source, "SELECT 1 AS one").await)["rows"], json!([{"one": 1}]));
}
