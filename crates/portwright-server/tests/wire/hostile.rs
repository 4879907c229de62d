//! Input that no proper client sends: the server answers in kind, and goes on.

use std::time::Duration;

use portwright_core::limits;
use serde_json::{Value, json};

use crate::client::modern;
use crate::support::{Up, pipe, plan, until, up, usual, usual_up};

/// What is sent, and the code it is refused with.
pub(crate) fn nonsense() -> Vec<(String, i64)> {
    let deep = "[".repeat(100_000);
    let meta = modern(1, "x", json!({}))["params"]["_meta"].to_string();
    let call = |arguments: &str| {
        format!(
            r#"{{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{{"name":"echo","_meta":{meta},"arguments":{arguments}}}}}"#
        )
    };
    let long = "x".repeat(limits::REQUEST_ID_BYTES_MAX + 1);
    let cases: [(&str, i64); 24] = [
        ("", -32700),
        ("garbage", -32700),
        ("{", -32700),
        (r#"{"jsonrpc":"2.0","id":1,"method":"tools/list""#, -32700),
        ("\u{feff}{}", -32700),
        (r#"{"jsonrpc":"2.0","id":1,"method":"tools/list"} x"#, -32700),
        ("{'jsonrpc':'2.0'}", -32700),
        ("null", -32600),
        ("7", -32600),
        ("\"text\"", -32600),
        ("{}", -32600),
        (r#"{"id":1,"method":"tools/list"}"#, -32600),
        (r#"{"jsonrpc":"1.0","id":1,"method":"tools/list"}"#, -32600),
        (r#"{"jsonrpc":2.0,"id":1,"method":"tools/list"}"#, -32600),
        (r#"{"jsonrpc":"2.0","id":null,"method":"tools/list"}"#, -32600),
        (r#"{"jsonrpc":"2.0","id":1.5,"method":"tools/list"}"#, -32600),
        (r#"{"jsonrpc":"2.0","id":1e3,"method":"tools/list"}"#, -32600),
        (r#"{"jsonrpc":"2.0","id":{},"method":"tools/list"}"#, -32600),
        (r#"{"jsonrpc":"2.0","id":true,"method":"tools/list"}"#, -32600),
        (r#"{"jsonrpc":"2.0","id":1,"method":7}"#, -32600),
        (r#"{"jsonrpc":"2.0","id":1}"#, -32600),
        (r#"{"jsonrpc":"2.0","id":1,"id":2,"method":"tools/list"}"#, -32600),
        (r#"{"jsonrpc":"2.0","id":1,"method":"a","method":"tools/list"}"#, -32600),
        (r#"{"jsonrpc":"2.0","id":1,"method":"tools/list","result":{}}"#, -32600),
    ];
    let mut all: Vec<(String, i64)> = cases.map(|(text, code)| (text.to_owned(), code)).to_vec();
    all.extend([
        (format!(r#"{{"jsonrpc":"2.0","id":"{long}","method":"tools/list"}}"#), -32600),
        (format!(r#"{{"jsonrpc":"2.0","id":1,"method":"{}"}}"#, "m".repeat(limits::NAME_BYTES_MAX + 1)), -32600),
        (r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":"text"}"#.to_owned(), -32602),
        (r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"a","name":"b"}}"#.to_owned(), -32602),
        (deep.clone(), -32600),
        (format!(r#"{{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{deep}"#), -32700),
        (call(&format!("{}1{}", r#"{"a":"#.repeat(100_000), "}".repeat(100_000))), -32602),
        (call(r#"{"a":"\ud800"}"#), -32602),
        (call("[]"), -32602),
        (call(r#"{"a":1,"a":2}"#), -32602),
        (call(r#"{"a":[{"b":1,"\u0062":2}]}"#), -32602),
    ]);
    all
}

#[tokio::test]
async fn nonsense_over_http() {
    let up = usual_up().await;
    let mut http = up.connect().await;
    for (text, code) in nonsense() {
        let mut headers = crate::client::headers_for(&modern(1, "tools/call", json!({"name": "echo"})));
        headers.retain(|(name, _)| name != "mcp-protocol-version" || text.contains("_meta"));
        http.send("POST", "/mcp", &headers, &text).await;
        let refused = http.answer().await;
        let shown = &text[..text.len().min(80)];
        assert_eq!(
            (refused.status, refused.error_code()),
            (if code == -32602 && text.contains("_meta") { 200 } else { 400 }, code),
            "{shown}"
        );
        let id = refused.json().get("id").cloned();
        assert!(id.is_none_or(|id| id == 1), "an id that was not said: {shown}");
    }
    assert_eq!(http.post(&modern(2, "tools/list", json!({}))).await.status, 200, "it goes on");
}

#[tokio::test]
async fn bodies_are_bounded_however_they_come() {
    let up = usual_up().await;
    let mut http = up.connect().await;
    let head = "POST /mcp HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n";
    let claimed = format!("{head}content-length: {}\r\n\r\n", limits::MESSAGE_BYTES_MAX + 1);
    http.write(claimed.as_bytes()).await;
    assert_eq!(http.answer().await.status, 413, "before the body comes");
    let mut http = up.connect().await;
    http.write(format!("{head}transfer-encoding: chunked\r\n\r\n").as_bytes()).await;
    let chunk = format!("100000\r\n{}\r\n", " ".repeat(0x10_0000));
    for _ in 0..5 {
        http.write(chunk.as_bytes()).await;
    }
    assert_eq!(http.answer().await.status, 413, "without a length");
    let mut http = up.connect().await;
    let fits = modern(1, "tools/call", json!({"name": "echo", "arguments": {"a": "x".repeat(3_000_000)}}));
    assert_eq!(http.post(&fits).await.status, 200);
}

#[tokio::test]
async fn a_line_that_is_too_long_is_refused_and_the_next_one_read() {
    let mut pipe = pipe(&usual(plan()).await.0);
    let long = "x".repeat(limits::MESSAGE_BYTES_MAX + 1);
    let (sent, refused) = tokio::join!(
        async {
            use tokio::io::AsyncWriteExt;
            pipe.writer.write_all(format!("{long}\n").as_bytes()).await
        },
        async {
            use tokio::io::AsyncBufReadExt;
            let mut line = String::new();
            pipe.reader.read_line(&mut line).await.map(|_| line)
        }
    );
    sent.expect("sent");
    let refused: Value = serde_json::from_str(&refused.expect("a line")).expect("JSON");
    assert_eq!(refused["error"]["code"], -32600);
    assert!(pipe.ask(&modern(2, "tools/list", json!({}))).await["result"].is_object());
}

/// A server that waits for its clients a tenth of a second, and for their next request this long.
async fn impatient(idle: Duration) -> Up {
    let mut plan = plan();
    let brief = Duration::from_millis(100);
    (plan.listen.waits.head, plan.listen.waits.body, plan.listen.waits.idle) = (brief, brief, idle);
    plan.listen.waits.tick = Duration::from_millis(20);
    plan.listen.waits.write = brief;
    up(&usual(plan).await.0).await
}

#[tokio::test]
async fn slow_clients_are_let_go() {
    let up = impatient(Duration::from_millis(300)).await;
    let mut head = up.connect().await;
    head.write(b"POST /mcp HTTP/1.1\r\nhost: loc").await;
    head.closed().await;
    let mut idle = up.connect().await;
    idle.closed().await;
    let mut body = up.connect().await;
    body.write(
        b"POST /mcp HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: 99\r\n\r\n{",
    )
    .await;
    assert_eq!(body.answer().await.status, 408);
    body.closed().await;
}

#[tokio::test]
async fn a_slow_call_is_no_slow_client() {
    let up = impatient(Duration::from_millis(300)).await;
    let (mut http, id) = up.session("2025-11-25").await;
    let wait = json!({"jsonrpc": "2.0", "id": 7, "method": "tools/call", "params": {"name": "wait"}});
    http.start(&wait, &[("mcp-session-id", &id)]).await;
    // Longer than each of the waits.
    tokio::time::sleep(Duration::from_millis(600)).await;
    let cancel = json!({"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": 7}});
    up.connect().await.post_with(&cancel, &[("mcp-session-id", &id)]).await;
    assert_eq!(http.answer().await.status, 200);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_reader_that_does_not_read_holds_nothing_up() {
    // The other client may come to its turn late.
    let up = impatient(Duration::from_secs(2)).await;
    let mut deaf = up.connect().await;
    let flood = modern(1, "tools/call", json!({"name": "flood", "_meta": {"progressToken": 1}}));
    for _ in 0..20 {
        deaf.start(&flood, &[]).await;
    }
    let mut http = up.connect().await;
    let say = modern(2, "tools/call", json!({"name": "say", "arguments": {"word": "hi"}}));
    assert_eq!(http.post(&say).await.status, 200);
    // Its server closes it, so that what it never read comes to an end.
    tokio::time::sleep(Duration::from_millis(300)).await;
    deaf.closed().await;
}

#[tokio::test]
async fn a_flood_of_notifications_is_bounded() {
    let up = usual_up().await;
    let mut http = up.connect().await;
    let flood = modern(
        1,
        "tools/call",
        json!({"name": "flood", "_meta": {"progressToken": 1, "io.modelcontextprotocol/logLevel": "debug"}}),
    );
    let answer = http.post(&flood).await;
    let messages = answer.messages();
    let last = messages.back().expect("messages");
    assert_eq!(last["id"], 1, "the answer comes, and comes last");
    assert!(messages.len() <= limits::OUTBOX_MESSAGES_MAX + 1, "{} messages", messages.len());
}

#[tokio::test]
async fn a_client_that_vanishes_calls_its_stateless_request_off() {
    let (server, _, faulty) = usual(plan()).await;
    let up = up(&server).await;
    for token in [json!(null), json!(7)] {
        let before = faulty.stopped();
        let mut http = up.connect().await;
        http.start(&modern(1, "tools/call", json!({"name": "wait", "_meta": {"progressToken": token}})), &[]).await;
        until("the call", || async { faulty.calls() > before }).await;
        drop(http);
        until("its end", || async { faulty.stopped() > before }).await;
    }
}
