//! What WebSocket itself asks: the handshake, frames, closing.

use std::time::Duration;

use futures::SinkExt;
use serde_json::json;
use tokio_tungstenite::tungstenite::protocol::frame::coding::{CloseCode, Control, Data, OpCode};
use tokio_tungstenite::tungstenite::protocol::frame::{Frame, FrameHeader};
use tokio_tungstenite::tungstenite::{Error, Message};

use crate::client::{initialize, modern};
use crate::duplex::{Ws, dial};
use crate::support::{plan, until, up, usual, usual_up};

const UPGRADE: [(&str, &str); 4] = [
    ("connection", "keep-alive, Upgrade"),
    ("upgrade", "websocket"),
    ("sec-websocket-version", "13"),
    ("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ=="),
];

/// The cross-site hijacking of WebSockets: browsers let any page open one, and say only whose page it is.
#[tokio::test]
async fn pages_of_other_origins_get_no_socket() {
    let up = usual_up().await;
    for (name, value, status) in [
        ("origin", "https://evil.example", 403),
        ("origin", "http://localhost.evil.example", 403),
        ("origin", "null", 403),
        ("origin", "", 403),
        ("host", "evil.example", 403),
        ("x-forwarded-for", "10.0.0.1", 401),
    ] {
        match dial(up.address, &[(name, value), ("sec-websocket-protocol", "mcp")]).await {
            Err(Error::Http(refused)) => assert_eq!(refused.status(), status, "{name}: {value}"),
            other => panic!("{name}: {value}: {other:?}"),
        }
    }
    assert!(dial(up.address, &[("origin", "http://localhost:6274")]).await.is_ok());
    let mut plan = plan();
    plan.listen.allowed_origins = vec!["https://chat.example".to_owned()];
    let up = crate::support::up(&usual(plan).await.0).await;
    assert!(dial(up.address, &[("origin", "https://chat.example")]).await.is_ok());
    let mut http = up.connect().await;
    http.send("OPTIONS", "/ws", &[("origin".to_owned(), "https://evil.example".to_owned())], "").await;
    assert_eq!(http.answer().await.status, 403);
}

#[tokio::test]
async fn the_handshake_is_read_strictly() {
    let up = usual_up().await;
    let mut http = up.connect().await;
    for (instead, status) in [
        (("upgrade", "h2c"), 426),
        (("upgrade", ""), 426),
        (("connection", "keep-alive"), 426),
        (("sec-websocket-version", "8"), 426),
        (("sec-websocket-version", ""), 426),
        (("sec-websocket-key", ""), 400),
        (("sec-websocket-key", "dGhlIHNhbXBsZQ=="), 400),
        (("sec-websocket-key", "not base64"), 400),
        (("sec-websocket-protocol", "graphql-ws"), 400),
        (("sec-websocket-protocol", "MCP"), 400),
        (("sec-websocket-protocol", ""), 400),
    ] {
        let headers = UPGRADE.iter().filter(|(name, _)| *name != instead.0).copied().chain([instead]);
        let headers = headers.filter(|(name, value)| !value.is_empty() || name.ends_with("protocol"));
        let headers: Vec<_> = headers.map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
        http.send("GET", "/ws", &headers, "").await;
        assert_eq!(http.answer().await.status, status, "{instead:?}");
    }
    http.send("POST", "/ws", &[], "").await;
    assert_eq!(http.answer().await.status, 405);
}

#[tokio::test]
async fn a_client_that_offers_no_subprotocol_is_let_in() {
    let up = usual_up().await;
    let (socket, response) = dial(up.address, &[]).await.expect("a WebSocket");
    assert!(!response.headers().contains_key("sec-websocket-protocol"));
    let mut ws = Ws { socket };
    ws.socket.send(Message::text(modern(1, "server/discover", json!({})).to_string())).await.expect("sent");
    assert!(matches!(ws.frame().await, Some(Message::Text(_))));
    let offers = [("sec-websocket-protocol", "chat, mcp")];
    let (_, response) = dial(up.address, &offers).await.expect("a WebSocket");
    assert_eq!(response.headers()["sec-websocket-protocol"], "mcp");
}

fn frame(op: OpCode, last: bool, payload: &[u8]) -> Message {
    let header = FrameHeader { is_final: last, opcode: op, mask: Some([1, 2, 3, 4]), ..FrameHeader::default() };
    Message::Frame(Frame::from_payload(header, payload.to_vec().into()))
}

#[tokio::test]
async fn frames_that_break_the_rules_close_the_socket_with_their_code() {
    let up = usual_up().await;
    let (text, more) = (OpCode::Data(Data::Text), OpCode::Data(Data::Continue));
    let cases = [
        ("binary", vec![Message::binary(&b"{}"[..])], CloseCode::Unsupported),
        ("no UTF-8", vec![frame(text, true, b"\xff\xfe")], CloseCode::Invalid),
        ("no UTF-8 at the end", vec![frame(text, false, b"\"\xc3"), frame(more, true, b"\"")], CloseCode::Invalid),
        ("a continuation of nothing", vec![frame(more, true, b"{}")], CloseCode::Protocol),
        ("a message within", vec![frame(text, false, b"{"), frame(text, true, b"}")], CloseCode::Protocol),
        ("unknown data", vec![frame(OpCode::Data(Data::Reserved(5)), true, b"")], CloseCode::Protocol),
        ("unknown control", vec![frame(OpCode::Control(Control::Reserved(12)), true, b"")], CloseCode::Protocol),
        ("a fragment of a ping", vec![frame(OpCode::Control(Control::Ping), false, b"")], CloseCode::Protocol),
        ("a long ping", vec![frame(OpCode::Control(Control::Ping), true, &[0; 126])], CloseCode::Protocol),
        ("half a code", vec![frame(OpCode::Control(Control::Close), true, b"\x03")], CloseCode::Protocol),
        (
            "a code nobody may send",
            vec![frame(OpCode::Control(Control::Close), true, b"\x03\xed")],
            CloseCode::Protocol,
        ),
        ("too much", vec![frame(text, true, &vec![b' '; 4 * 1024 * 1024 + 1])], CloseCode::Size),
        (
            "too much in pieces",
            vec![frame(text, false, &vec![b' '; 4 * 1024 * 1024]), frame(more, true, b" ")],
            CloseCode::Size,
        ),
    ];
    for (name, messages, code) in cases {
        let mut ws = Ws::connect(up.address).await;
        for message in messages {
            // A server that refuses early may have closed already.
            let _ = ws.socket.send(message).await;
        }
        assert_eq!(ws.closed().await.map(|close| close.code), Some(code), "{name}");
    }
}

#[tokio::test]
async fn messages_come_whole_however_they_are_cut() {
    let up = usual_up().await;
    let mut ws = Ws::connect(up.address).await;
    let word = "wörd".repeat(300_000);
    let message = modern(1, "tools/call", json!({"name": "say", "arguments": {"word": word}})).to_string();
    let mut op = OpCode::Data(Data::Text);
    for piece in message.as_bytes().chunks(99_999) {
        ws.socket.send(frame(op, false, piece)).await.expect("sent");
        ws.socket.send(frame(OpCode::Control(Control::Ping), true, b"between")).await.expect("sent");
        op = OpCode::Data(Data::Continue);
    }
    ws.socket.send(frame(op, true, b"")).await.expect("sent");
    let Some(Message::Text(answer)) = ws.frame().await else { panic!("no answer") };
    let answer: serde_json::Value = serde_json::from_str(&answer).expect("JSON");
    assert_eq!(answer["result"]["content"][0]["text"], word);
}

#[tokio::test]
async fn a_close_is_answered_and_calls_off_what_was_asked() {
    let (server, _, faulty) = usual(plan()).await;
    let up = up(&server).await;
    let mut ws = Ws::connect(up.address).await;
    ws.socket.send(Message::text(initialize("2025-11-25").to_string())).await.expect("sent");
    ws.frame().await.expect("an answer");
    let wait = json!({"jsonrpc": "2.0", "id": 7, "method": "tools/call", "params": {"name": "wait"}});
    ws.socket.send(Message::text(wait.to_string())).await.expect("sent");
    until("the call", || async { faulty.calls() == 1 }).await;
    ws.socket.send(frame(OpCode::Control(Control::Close), true, b"\x03\xe9bye")).await.expect("sent");
    assert_eq!(ws.closed().await.map(|close| close.code), Some(CloseCode::Away), "its code comes back");
    until("the end of the call", || async { faulty.stopped() == 1 }).await;
    until("the end of the session", || async { server.health().await.sessions == 0 }).await;
}

#[tokio::test]
async fn a_client_that_vanishes_calls_off_what_was_asked() {
    let (server, _, faulty) = usual(plan()).await;
    let up = up(&server).await;
    let mut ws = Ws::connect(up.address).await;
    let wait = modern(7, "tools/call", json!({"name": "wait"}));
    ws.socket.send(Message::text(wait.to_string())).await.expect("sent");
    until("the call", || async { faulty.calls() == 1 }).await;
    drop(ws);
    until("the end of the call", || async { faulty.stopped() == 1 }).await;
}

#[tokio::test]
async fn a_client_that_answers_pings_stays_and_others_go() {
    let mut plan = plan();
    plan.listen.waits.keep_alive = Duration::from_millis(30);
    let (server, ..) = usual(plan).await;
    let up = up(&server).await;
    // This one reads nothing, so its library answers no ping: the socket of a client that is gone looks the same.
    let half_open = Ws::connect(up.address).await;
    let mut alive = Ws::connect(up.address).await;
    let reading = tokio::spawn(async move { alive.closed().await });
    until("the end of the one", || async { server.health().await.sessions == 1 }).await;
    assert!(!reading.is_finished(), "the other is still there");
    up.shutdown.cancel();
    assert_eq!(reading.await.expect("no panic").map(|close| close.code), Some(CloseCode::Away));
    drop(half_open);
}

#[tokio::test]
async fn slow_and_silent_clients_are_let_go() {
    let mut plan = plan();
    let brief = Duration::from_millis(100);
    (plan.listen.waits.body, plan.listen.waits.idle, plan.listen.waits.keep_alive) = (brief, brief * 3, brief / 2);
    let up = up(&usual(plan).await.0).await;
    let mut silent = Ws::connect(up.address).await;
    let mut slow = Ws::connect(up.address).await;
    slow.socket.send(frame(OpCode::Data(Data::Text), false, b"{")).await.expect("sent");
    let said = |close: Option<tokio_tungstenite::tungstenite::protocol::CloseFrame>| {
        close.map(|close| (close.code, close.reason.to_string()))
    };
    assert_eq!(said(slow.closed().await), Some((CloseCode::Policy, "the message came too slowly".to_owned())));
    assert_eq!(said(silent.closed().await), Some((CloseCode::Policy, "nothing was said".to_owned())));
}
