//! Clients that send what no client should, or go away.

use std::io::Write;
use std::net::TcpListener;

use serde_json::{Value, json};

use crate::harness::server::{Portwright, serve};
use crate::harness::shop::Shop;
use crate::harness::wait_for;
use crate::harness::wire::{self, Client, Era, Http, Stdio};

#[test]
fn a_port_in_use_is_said_plainly() {
    let shop = Shop::sqlite();
    let taken = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = taken.local_addr().expect("its address").to_string();
    let output = serve(&shop.config()).args(["--listen", &address]).output().expect("the binary runs");
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(!output.status.success(), "it served on a port in use");
    assert_ne!(output.status.code(), Some(1), "a port in use is no bug of ours: {errors}");
    assert!(errors.contains(&address), "the address is not named: {errors}");
    assert!(!errors.contains("panicked"), "{errors}");
    assert!(output.stdout.is_empty(), "standard output belongs to the stdio transport");
}

#[test]
fn broken_json_over_http_gets_an_error_and_harms_nobody() {
    let shop = Shop::sqlite();
    let server = Portwright::start(&shop.config());
    for (body, code) in [
        ("{", -32700),
        ("", -32700),
        ("[]", -32600),
        ("7", -32600),
        (r#"{"jsonrpc":"1.0","id":1,"method":"tools/list"}"#, -32600),
        (r#"{"jsonrpc":"2.0","id":{},"method":"tools/list"}"#, -32600),
    ] {
        let answer = post(&server, body);
        assert_eq!(answer.status, 400, "{body}: {answer:?}");
        let message: Value = serde_json::from_str(&answer.body).unwrap_or_else(|_| panic!("{body}: {answer:?}"));
        assert_eq!(message["error"]["code"], code, "{body}: {message}");
    }
    let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
    assert_eq!(post(&server, &deep).status, 400);
    for era in Era::BOTH {
        assert!(Http::connect(server.address, era).tools().contains(&"query_customers".to_owned()));
    }
}

#[test]
fn null_is_left_out_where_that_may_be() {
    let shop = Shop::sqlite();
    let server = Portwright::start(&shop.config());
    let mut client = Http::connect(server.address, Era::Modern);
    let answer = client.call("run_sql_query", json!({ "sql": "SELECT 1 AS one", "max_rows": null }));
    assert_eq!(answer["result"]["structuredContent"]["rows"], json!([{ "one": 1 }]), "{answer}");
    let answer = client.call("run_sql_query", json!({ "sql": null }));
    assert_eq!(answer["result"]["isError"], true, "{answer}");
}

#[test]
fn a_body_that_is_too_large_is_refused_before_it_is_read() {
    let shop = Shop::sqlite();
    let server = Portwright::start(&shop.config());
    let mut stream = wire::open(server.address);
    let head = format!(
        "POST /mcp HTTP/1.1\r\nHost: {}\r\nContent-Type: application/json\r\nAccept: application/json, text/event-stream\r\n\
         Content-Length: 1000000000\r\n\r\n",
        server.address
    );
    stream.write_all(head.as_bytes()).expect("sent");
    assert_eq!(wire::read_answer(stream).status, 413);
}

#[test]
fn broken_json_over_stdio_gets_an_error_and_the_conversation_goes_on() {
    for era in Era::BOTH {
        let shop = Shop::sqlite();
        let mut client = Stdio::start(serve(&shop.config()), era);
        client.write("{ this is no JSON");
        // Where the source was slow to open, a client of the older era hears of its tools first.
        let answer = std::iter::repeat_with(|| client.read()).find(|message| message.get("method").is_none());
        let answer = answer.expect("an answer");
        assert_eq!(answer["error"]["code"], -32700, "{answer}");
        assert!(answer["id"].is_null(), "{answer}");
        client.write("");
        let found = client.call("query_customers", json!({ "search_term": "ada" }));
        assert_eq!(found["result"]["structuredContent"]["row_count"], 1, "{found}");
        assert!(client.close().success());
    }
}

#[test]
fn a_client_that_vanishes_ends_its_call() {
    let shop = Shop::sqlite();
    let server = Portwright::start(&shop.config());
    let mut client = Http::connect(server.address, Era::Modern);
    let (_, stream) = client.send("tools/call", &json!({ "name": "slow_report", "arguments": {} }));
    // The call must have reached the source before the client goes: its neighbour's answer came after it was taken.
    client.call("query_customers", json!({ "search_term": "ada" }));
    drop(stream);
    let record = wait_for("the record of the call", || {
        shop.outcomes().into_iter().find(|record| record["name"] == "slow_report")
    });
    assert_eq!(record["outcome"], "cancelled", "{record}");
    let after = client.call("query_customers", json!({ "search_term": "ada" }));
    assert_eq!(after["result"]["structuredContent"]["row_count"], 1, "{after}");
}

#[test]
fn a_host_or_origin_of_someone_else_is_refused() {
    let shop = Shop::sqlite();
    let server = Portwright::start(&shop.config());
    let client = Http { address: server.address, era: Era::Modern, session: None, next: 0 };
    let bytes = client.bytes("tools/list", &Era::Modern.request(1, "tools/list", &json!({})));
    assert_eq!(wire::exchange(server.address, &bytes).status, 200);
    let foreign = bytes.replace(&format!("Host: {}", server.address), "Host: evil.example");
    assert!((400..500).contains(&wire::exchange(server.address, &foreign).status));
    let foreign = bytes.replace("Content-Type:", "Origin: http://evil.example\r\nContent-Type:");
    assert_eq!(wire::exchange(server.address, &foreign).status, 403);
}

fn post(server: &Portwright, body: &str) -> wire::HttpAnswer {
    let request = format!(
        "POST /mcp HTTP/1.1\r\nHost: {}\r\nContent-Type: application/json\r\nAccept: application/json, text/event-stream\r\n\
         Content-Length: {}\r\n\r\n{body}",
        server.address,
        body.len()
    );
    wire::exchange(server.address, &request)
}
