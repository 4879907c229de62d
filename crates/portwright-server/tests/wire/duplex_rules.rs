//! What holds for each conversation of messages both ways, whatever carries it.

use std::time::Duration;

use portwright_core::limits;
use portwright_server::{Server, SessionPlan};
use serde_json::{Value, json};

use crate::client::initialize;
use crate::duplex::{Duplex, Sse, Way, Ws, dial};
use crate::hostile::nonsense;
use crate::records::{audited, records, refusals, refused};
use crate::stopping::Gate;
use crate::support::{mount, plan, started, until, up, usual};

fn call(id: u64, name: &str) -> Value {
    json!({"jsonrpc": "2.0", "id": id, "method": "tools/call", "params": {"name": name, "_meta": {"progressToken": id}}})
}

fn say(id: u64, word: &str) -> Value {
    json!({"jsonrpc": "2.0", "id": id, "method": "tools/call", "params": {"name": "say", "arguments": {"word": word}}})
}

async fn opened(way: Way, server: &Server) -> (Duplex, Option<crate::support::Up>) {
    let (mut client, up) = way.open(server).await;
    client.ask(&initialize("2025-11-25")).await;
    (client, up)
}

#[tokio::test]
async fn nonsense_is_answered_in_kind() {
    for way in Way::ALL {
        let (mut client, _up) = way.open(&usual(plan()).await.0).await;
        for (text, code) in nonsense() {
            // An empty line is no message.
            if text.is_empty() && way == Way::Stdio {
                continue;
            }
            // What says that it is stateless is refused there before its parameters are read.
            let code = if way == Way::Sse && text.contains("_meta") { -32022 } else { code };
            client.send(&text).await;
            let refused = client.next().await.expect("an answer");
            assert_eq!(refused["error"]["code"], code, "{way:?}: {}", &text[..text.len().min(80)]);
        }
        assert!(client.ask(&initialize("2025-11-25")).await["result"].is_object(), "{way:?}: it goes on");
    }
}

#[tokio::test]
async fn an_id_in_flight_and_one_call_too_many_are_refused() {
    for way in Way::ALL {
        let (server, _, faulty) = usual(plan()).await;
        let (mut client, _up) = opened(way, &server).await;
        for id in 1..=limits::SESSION_CALLS_MAX {
            client.send(&call(id as u64, "wait").to_string()).await;
        }
        until("all calls", || async { faulty.calls() == limits::SESSION_CALLS_MAX }).await;
        for id in [1, 9999] {
            let refused = client.ask(&call(id, "echo")).await;
            assert_eq!((&refused["id"], &refused["error"]["code"]), (&json!(id), &json!(-32600)), "{way:?}");
        }
        assert_eq!(client.ask(&json!({"jsonrpc": "2.0", "id": 0, "method": "ping"})).await["result"], json!({}));
    }
}

#[tokio::test]
async fn a_flood_of_notifications_is_bounded_and_the_answer_comes_last() {
    for way in Way::ALL {
        let (mut client, _up) = opened(way, &usual(plan()).await.0).await;
        client.send(&call(1, "flood").to_string()).await;
        let mut heard = 0;
        while client.next().await.expect("a message")["id"] != 1 {
            heard += 1;
        }
        assert!(heard <= limits::OUTBOX_MESSAGES_MAX, "{way:?}: {heard} notifications");
    }
}

#[tokio::test]
async fn a_message_may_be_as_large_as_the_bound_and_no_larger() {
    let fits = say(1, &"x".repeat(limits::MESSAGE_BYTES_MAX - 200));
    for way in [Way::Sse, Way::Ws] {
        let (mut client, up) = opened(way, &usual(plan()).await.0).await;
        let answer = client.ask(&fits).await;
        assert_eq!(answer["result"]["content"][0]["text"], fits["params"]["arguments"]["word"], "{way:?}");
        if let (Duplex::Sse(mut sse), Some(_)) = (client, up) {
            assert_eq!(sse.say(&" ".repeat(limits::MESSAGE_BYTES_MAX + 1)).await.status, 413);
        }
    }
}

#[tokio::test]
async fn a_client_that_reads_nothing_is_shed_and_holds_nobody_up() {
    let mut plan = plan();
    plan.listen.waits.write = Duration::from_millis(100);
    plan.listen.waits.tick = Duration::from_millis(20);
    let server = usual(plan).await.0;
    let up = up(&server).await;
    let word = "x".repeat(1_000_000);
    for way in [Way::Sse, Way::Ws] {
        let mut deaf = way.join(&up).await;
        deaf.ask(&initialize("2025-11-25")).await;
        for id in 0..100 {
            let sent = match &mut deaf {
                Duplex::Sse(sse) => sse.say(&say(id, &word).to_string()).await.status == 202,
                Duplex::Ws(ws) => {
                    use futures::SinkExt;
                    let message = tokio_tungstenite::tungstenite::Message::text(say(id, &word).to_string());
                    ws.socket.send(message).await.is_ok()
                }
                Duplex::Stdio(_) => unreachable!("not asked for"),
            };
            if !sent {
                break;
            }
            let mut other = way.join(&up).await;
            other.ask(&initialize("2025-11-25")).await;
            assert_eq!(other.ask(&say(1, "hi")).await["result"]["content"][0]["text"], "hi", "{way:?}");
        }
        until("the end of the deaf", || async { server.health().await.sessions == 0 }).await;
    }
}

#[tokio::test]
async fn conversations_are_bounded_in_number() {
    let mut plan = plan();
    plan.sessions = SessionPlan { max: 10, max_of_one: 3, ..SessionPlan::default() };
    let server = usual(plan).await.0;
    let up = up(&server).await;
    let (_http, id) = up.session("2025-11-25").await;
    let (first, second) = (Ws::connect(up.address).await, Sse::connect(up.address).await);
    assert_eq!(server.health().await.sessions, 3);
    let _third = Ws::connect(up.address).await;
    let mut http = up.connect().await;
    let ping = json!({"jsonrpc": "2.0", "id": 1, "method": "ping"});
    assert_eq!(http.post_with(&ping, &[("mcp-session-id", &id)]).await.status, 404, "the idle one made room");
    let refused = http.get("/sse", &[("accept", "text/event-stream")]).await;
    assert_eq!((refused.status, refused.header("retry-after")), (503, Some("1")));
    match dial(up.address, &[]).await {
        Err(tokio_tungstenite::tungstenite::Error::Http(refused)) => assert_eq!(refused.status(), 503),
        other => panic!("{other:?}"),
    }
    assert_eq!(http.post(&initialize("2025-11-25")).await.status, 503, "live ones make no room");
    drop((first, second));
    until("room", || async { server.health().await.sessions == 1 }).await;
    assert_eq!(http.post(&initialize("2025-11-25")).await.status, 200);
}

#[tokio::test]
async fn each_transport_is_recorded_by_its_name() {
    let (_folder, file, plan) = audited();
    let server = usual(plan).await.0;
    let up = up(&server).await;
    let (mut http, session) = up.session("2025-11-25").await;
    assert_eq!(http.post_with(&say(1, "hi"), &[("mcp-session-id", &session)]).await.status, 200);
    for way in Way::ALL {
        let mut client = match way {
            Way::Stdio => way.open(&server).await.0,
            _ => way.join(&up).await,
        };
        client.ask(&initialize("2025-06-18")).await;
        client.ask(&say(1, "hi")).await;
    }
    let seen: Vec<_> = records(&file).iter().map(|it| [&it["transport"], &it["outcome"]].map(Value::clone)).collect();
    let expected = ["http", "stdio", "sse", "websocket"].map(|name| [json!(name), json!("ok")]);
    assert_eq!(seen, expected);
}

/// A call in flight is answered, a new one refused with a record, and the connection closed in good order.
#[tokio::test]
async fn a_stopping_server_ends_each_conversation_in_good_order() {
    for way in [Way::Sse, Way::Ws] {
        let (_folder, file, plan) = audited();
        let gate = Gate::new();
        let server = started(plan, vec![mount("gate", gate.clone())]).await;
        let (mut client, up) = opened(way, &server).await;
        let up = up.expect("a listener");
        client.send(&call(1, "pass").to_string()).await;
        until("the call", || async { gate.waiting.available_permits() == 1 }).await;
        let late = call(2, "pass").to_string();
        if let Duplex::Sse(sse) = &mut client {
            // Its head is there before the end begins, its body afterwards.
            let head = format!(
                "POST {} HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\
                 expect: 100-continue\r\n\r\n",
                sse.endpoint,
                late.len()
            );
            sse.post.write(head.as_bytes()).await;
            assert!(sse.post.head().await.starts_with("HTTP/1.1 100"));
        }
        up.shutdown.cancel();
        until("the end of the listener", || async { tokio::net::TcpStream::connect(up.address).await.is_err() }).await;
        match &mut client {
            Duplex::Sse(sse) => {
                sse.post.write(late.as_bytes()).await;
                assert_eq!(sse.post.answer().await.status, 202);
            }
            other => other.send(&late).await,
        }
        let refusal = client.next().await.expect("an answer");
        assert_eq!((&refusal["id"], &refusal["error"]["code"]), (&json!(2), &json!(-32603)), "{way:?}");
        assert_eq!(refusals(&file).last(), Some(&refused("pass", "draining")), "{way:?}");
        gate.open.add_permits(1);
        let answer = client.next().await.expect("an answer");
        assert_eq!((&answer["id"], &answer["result"]["content"][0]["text"]), (&json!(1), &json!("passed")), "{way:?}");
        match client {
            Duplex::Ws(mut ws) => assert_eq!(ws.closed().await.map(|close| u16::from(close.code)), Some(1001)),
            mut other => assert!(other.next().await.is_none(), "the stream ends"),
        }
        up.serving.await.expect("no panic").expect("served");
        assert_eq!(records(&file).last().expect("records")["outcome"], "ok");
    }
}

#[tokio::test]
async fn what_does_not_end_in_time_is_called_off_and_still_answered() {
    for way in [Way::Sse, Way::Ws] {
        let mut plan = plan();
        plan.listen.drain = Duration::from_millis(50);
        let (server, _, faulty) = usual(plan).await;
        let (mut client, up) = opened(way, &server).await;
        let up = up.expect("a listener");
        client.send(&call(1, "wait").to_string()).await;
        until("the call", || async { faulty.calls() == 1 }).await;
        up.shutdown.cancel();
        let answer = client.next().await.expect("an answer");
        assert!(answer["error"]["code"].is_i64() || answer["result"]["isError"] == true, "{way:?}: {answer}");
        up.serving.await.expect("no panic").expect("served");
        assert_eq!(faulty.stopped(), 1);
    }
}
