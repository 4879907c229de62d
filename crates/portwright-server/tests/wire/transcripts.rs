//! Conversations as data, held over every transport that knows their lifecycle.
//!
//! `->` is what the client sends, `<-` what it gets for it, in order; the string `…` stands for anything. What does not
//! fit is reported with its line.

use std::collections::VecDeque;

use serde_json::Value;

use crate::duplex::Way;
use crate::support::{plan, up, usual};

struct Exchange {
    line: usize,
    said: String,
    expected: Vec<Value>,
}

fn read(transcript: &str) -> Vec<Exchange> {
    let mut exchanges: Vec<Exchange> = Vec::new();
    for (index, line) in transcript.lines().enumerate() {
        if let Some(said) = line.strip_prefix("-> ") {
            exchanges.push(Exchange { line: index + 1, said: said.to_owned(), expected: Vec::new() });
        } else if let Some(json) = line.strip_prefix("<- ") {
            let json = serde_json::from_str(json).unwrap_or_else(|error| panic!("line {}: {error}", index + 1));
            exchanges.last_mut().expect("`->` comes first").expected.push(json);
        } else {
            assert!(line.is_empty() || line.starts_with('#'), "line {}: neither said nor heard", index + 1);
        }
    }
    exchanges
}

/// Whether it is what was expected.
fn fits(expected: &Value, got: &Value) -> bool {
    match (expected, got) {
        (Value::String(any), _) if any == "…" => true,
        (Value::Array(expected), Value::Array(got)) => {
            expected.len() == got.len() && expected.iter().zip(got).all(|(expected, got)| fits(expected, got))
        }
        (Value::Object(expected), Value::Object(got)) => {
            expected.len() == got.len()
                && expected.iter().all(|(key, value)| got.get(key).is_some_and(|got| fits(value, got)))
        }
        _ => expected == got,
    }
}

fn compare(exchange: &Exchange, over: &str, mut got: VecDeque<Value>) {
    let Exchange { line, said, expected } = exchange;
    for expected in expected {
        let got = got.pop_front().unwrap_or_else(|| panic!("{over}, line {line}: nothing came for {said}"));
        assert!(fits(expected, &got), "{over}, line {line}: {said}\nexpected {expected}\n     got {got}");
    }
    assert!(got.is_empty(), "{over}, line {line}: {said}\nunexpected {got:?}");
}

async fn over(way: Way, transcript: &str) {
    let (mut client, _up) = way.open(&usual(plan()).await.0).await;
    for exchange in read(transcript) {
        client.send(&exchange.said).await;
        let mut got = VecDeque::new();
        for _ in &exchange.expected {
            got.extend(client.next().await);
        }
        compare(&exchange, way.kind(), got);
    }
    // Nothing came beside what was expected.
    let last = client.ask(&serde_json::json!({"jsonrpc": "2.0", "id": "last", "method": "ping"})).await;
    assert_eq!(
        (&last["id"], &last["result"]),
        (&"last".into(), &serde_json::json!({})),
        "{way:?}, after the last line"
    );
}

async fn over_http(transcript: &str) {
    let up = up(&usual(plan()).await.0).await;
    let mut http = up.connect().await;
    let mut session = String::new();
    for exchange in read(transcript) {
        let message: Value = serde_json::from_str(&exchange.said).unwrap_or_default();
        let mut headers = crate::client::headers_for(&message);
        headers.push(("mcp-session-id".to_owned(), session.clone()));
        headers.retain(|(_, value)| !value.is_empty());
        http.send("POST", "/mcp", &headers, &exchange.said).await;
        let answer = http.answer().await;
        if let Some(id) = answer.header("mcp-session-id") {
            id.clone_into(&mut session);
        }
        assert_eq!(exchange.expected.is_empty(), answer.status == 202, "line {}: {answer:?}", exchange.line);
        compare(&exchange, "HTTP", answer.messages());
    }
}

#[tokio::test]
async fn sessions() {
    let transcript = include_str!("transcripts/legacy.txt");
    over_http(transcript).await;
    for way in Way::ALL {
        over(way, transcript).await;
    }
}

#[tokio::test]
async fn stateless() {
    let transcript = include_str!("transcripts/modern.txt");
    over_http(transcript).await;
    for way in [Way::Stdio, Way::Ws] {
        over(way, transcript).await;
    }
}

#[tokio::test]
async fn both_lifecycles_on_one_connection() {
    let transcript = include_str!("transcripts/both.txt");
    over_http(transcript).await;
    for way in [Way::Stdio, Way::Ws] {
        over(way, transcript).await;
    }
}
