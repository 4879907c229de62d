//! A call knows the trace that it stands in, whichever way its client says so.

use std::sync::Arc;

use portwright_core::{Context, Refusal, Tools};
use portwright_server::Server;
use serde_json::{Value, json};

use crate::client::{initialize, modern};
use crate::support::{mount, pipe, plan, started, up};

const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
const OTHER: &str = "0af7651916cd43dd8448eb211c80319c";

fn parent(trace: &str) -> String {
    format!("00-{trace}-00f067aa0ba902b7-01")
}

async fn server() -> Server {
    let tools = Tools::new("traced").tool("where", "Tells where its call stands.", |(): (), cx: Context| async move {
        let said = cx.trace.map(|trace| {
            let state = trace.tracestate().unwrap_or("none").to_owned();
            format!("{} {} {state}", trace.trace_id(), trace.parent_id())
        });
        Ok::<_, Refusal>(said.unwrap_or_else(|| "nowhere".to_owned()))
    });
    started(plan(), vec![mount("traced", Arc::new(tools))]).await
}

fn said(answer: &Value) -> String {
    answer["result"]["content"][0]["text"].as_str().unwrap_or_else(|| panic!("no text in {answer}")).to_owned()
}

fn asked(meta: &Value) -> Value {
    json!({"name": "where", "arguments": {}, "_meta": meta})
}

#[tokio::test]
async fn a_call_knows_its_trace_from_its_message_or_its_headers() {
    let (server, header) = (server().await, parent(OTHER));
    let up = up(&server).await;
    let mut http = up.connect().await;
    let headers: &[(&str, &str)] = &[("traceparent", &header), ("tracestate", "a=1")];

    let mut message = modern(1, "tools/call", asked(&json!({})));
    assert_eq!(said(&http.post(&message).await.json()), "nowhere");
    assert_eq!(said(&http.post_with(&message, headers).await.json()), format!("{OTHER} 00f067aa0ba902b7 a=1"));
    message["params"]["_meta"]["traceparent"] = parent(TRACE).into();
    message["params"]["_meta"]["tracestate"] = "b=2".into();
    assert_eq!(
        said(&http.post_with(&message, headers).await.json()),
        format!("{TRACE} 00f067aa0ba902b7 b=2"),
        "the message is nearer to the call than its carrier"
    );
    for odd in [json!("00-0-0-00"), json!(7), json!({"a": []}), Value::Null] {
        message["params"]["_meta"]["traceparent"] = odd.clone();
        message["params"]["_meta"]["tracestate"] = odd.clone();
        assert_eq!(said(&http.post(&message).await.json()), "nowhere", "{odd}");
    }

    let (mut http, session) = up.session("2025-11-25").await;
    let message = json!({"jsonrpc": "2.0", "id": 2, "method": "tools/call", "params": asked(&json!({}))});
    let headers: &[(&str, &str)] = &[("mcp-session-id", &session), ("traceparent", &header)];
    assert_eq!(said(&http.post_with(&message, headers).await.json()), format!("{OTHER} 00f067aa0ba902b7 none"));
}

#[tokio::test]
async fn a_call_knows_its_trace_where_there_are_no_headers() {
    let mut pipe = pipe(&server().await);
    pipe.ask(&initialize("2025-11-25")).await;
    let message = json!({"jsonrpc": "2.0", "id": 2, "method": "tools/call",
        "params": asked(&json!({"traceparent": parent(TRACE)}))});
    assert_eq!(said(&pipe.ask(&message).await), format!("{TRACE} 00f067aa0ba902b7 none"));
}
