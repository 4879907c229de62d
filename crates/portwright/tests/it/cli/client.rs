//! The client commands: the same answers from a configuration in process, a command, and a URL.

use serde_json::{Value, json};

use super::{Ended, Folder};
use crate::harness::server::{Portwright, binary, serve};
use crate::harness::shop::Shop;

/// Runs one command against each kind of target, and holds that all say the same. Each has a shop of its own: only one
/// process at a time writes an audit.
fn on_every_target(words: &[&str]) -> Ended {
    let shops = [Shop::sqlite(), Shop::sqlite(), Shop::sqlite()];
    let [inside, command, served] = shops.each_ref().map(|shop| shop.config().display().to_string());
    let server = Portwright::start(served.as_ref());
    let url = format!("http://{}", server.address);
    let folder = Folder::with("");
    let (first, rest) = words.split_at(1);
    let ended = [
        folder.run(&[first, &["-c", &inside], rest].concat()),
        folder.run(&[first, &["--stdio"], rest, &["--", binary(), "serve", "--stdio", "-c", &command]].concat()),
        folder.run(&[first, &["--url", &url], rest].concat()),
    ];
    for other in &ended[1..] {
        assert_eq!((other.code, &other.out), (ended[0].code, &ended[0].out), "{}", other.errors);
    }
    let [inside, ..] = ended;
    inside
}

#[test]
fn list_shows_everything() {
    let ended = on_every_target(&["list"]);
    assert_eq!(ended.code, 0, "{}", ended.errors);
    insta::assert_snapshot!(ended.out);
}

#[test]
fn list_as_json_is_what_the_server_sent() {
    let ended = on_every_target(&["list", "--json"]);
    let offer: Value = serde_json::from_str(&ended.out).unwrap();
    assert_eq!(offer["server"]["name"], "shop");
    let tools = offer["tools"].as_array().unwrap();
    let tool = tools.iter().find(|tool| tool["name"] == "query_customers").unwrap();
    assert_eq!(tool["inputSchema"]["properties"]["limit"]["default"], 10);
    assert_eq!(offer["prompts"][0]["name"], "summarize_customer");
}

#[test]
fn call_gives_text_and_json() {
    let ended = on_every_target(&["call", "query_customers", "search_term=ada", "limit=1"]);
    assert_eq!((ended.code, ended.errors.as_str()), (0, ""));
    assert!(ended.out.contains("Ada Lovelace"), "{}", ended.out);
    let ended = on_every_target(&["call", "query_customers", "--args", "{\"search_term\": \"ada\"}", "--json"]);
    let result: Value = serde_json::from_str(&ended.out).unwrap();
    let row = json!([{ "id": 1, "name": "Ada Lovelace", "email": "ada@shop.example" }]);
    assert_eq!(result["structuredContent"]["rows"], row);
}

#[test]
fn a_call_that_fails_says_so_with_code_7() {
    let ended = on_every_target(&["call", "query_customers", "limit=1"]);
    assert_eq!((ended.code, ended.out.as_str()), (7, ""));
    assert!(ended.errors.contains("search_term"), "{}", ended.errors);
    let ended = on_every_target(&["call", "query_customers", "limit=1", "--json"]);
    assert_eq!(ended.code, 7);
    assert_eq!(serde_json::from_str::<Value>(&ended.out).unwrap()["isError"], true);
}

#[test]
fn what_does_not_exist_is_told_apart_from_what_fails() {
    let ended = on_every_target(&["call", "query_custmers"]);
    assert_eq!(ended.code, 2);
    assert!(ended.errors.contains("did you mean `query_customers`?"), "{}", ended.errors);
    let ended = on_every_target(&["call", "query_customers", "limit=ten"]);
    assert_eq!(ended.code, 2);
    assert!(ended.errors.contains("`limit` must be integer or null, not `ten`"), "{}", ended.errors);
    assert_eq!(on_every_target(&["read", "db://shop/nothing"]).code, 7);
    assert_eq!(on_every_target(&["prompt", "nothing"]).code, 7);
}

#[test]
fn a_name_that_the_server_knows_but_does_not_list_is_called() {
    let ended = on_every_target(&["call", "execute_sql", "sql=SELECT name FROM customers WHERE id = 1"]);
    assert_eq!(ended.code, 0, "{}", ended.errors);
    assert!(ended.out.contains("Ada Lovelace"), "{}", ended.out);
    let ended = on_every_target(&["call", "fetch_weather", "place=Oslo"]);
    assert_eq!(ended.code, 2);
    assert!(ended.errors.contains("the server offers no tool `fetch_weather`"), "{}", ended.errors);
    assert!(ended.errors.contains("it offers"), "{}", ended.errors);
}

#[test]
fn read_and_prompt() {
    let ended = on_every_target(&["read", "db://shop/schema"]);
    assert_eq!(ended.code, 0, "{}", ended.errors);
    assert!(ended.out.contains("customers") && ended.out.contains("orders"), "{}", ended.out);
    let ended = on_every_target(&["prompt", "summarize_customer", "customer_id=7"]);
    assert_eq!(ended.out, "[user]\nSummarize customer 7 in two sentences.\n");
}

#[test]
fn a_source_that_is_down_is_said_and_the_rest_is_listed() {
    let folder = Folder::with(
        "[sources.gone]\nkind = \"sqlite\"\npath = \"gone.sqlite\"\n[resources.\"notes://a\"]\ntext = \"Here.\"\n",
    );
    let ended = folder.run(&["list"]);
    assert_eq!(ended.code, 0);
    assert!(ended.errors.contains("source gone: ") && ended.out.contains("notes://a"), "{}{}", ended.errors, ended.out);
    assert_eq!(folder.run(&["read", "notes://a"]).out, "Here.\n");
}

#[test]
fn a_server_is_reached_on_every_transport_that_it_speaks() {
    let notes = "[resources.\"notes://a\"]\ntext = \"Here.\"\n[auth.keys]\nfile = \"keys.toml\"\n";
    let folder = Folder::with(&format!("{notes}[listen]\nanonymous = \"never\"\n"));
    let key = folder.run(&["keys", "add", "ci"]).out.trim().to_owned();
    let read = |url: &str, key: &str| {
        let mut command = folder.command(["read", "notes://a", "--url", url]);
        Ended::of(command.env("PORTWRIGHT_TOKEN", key).output().expect("the binary runs"))
    };
    let server = Portwright::listening(serve(&folder.file("portwright.toml")));
    for place in ["http://ADDRESS", "http://ADDRESS/mcp", "http://ADDRESS/sse", "ws://ADDRESS/ws"] {
        let url = place.replace("ADDRESS", &server.address.to_string());
        let ended = read(&url, &key);
        assert_eq!((ended.code, ended.out.as_str()), (0, "Here.\n"), "{place}: {}", ended.errors);
        let refused = read(&url, "pw_wrong");
        assert!(refused.code != 0 && !refused.errors.contains(&key), "{place}: {}", refused.errors);
    }
    drop(server);
    // One that speaks nothing but the oldest is found by trying.
    let old = format!("{notes}[listen]\nanonymous = \"never\"\ntransports = [\"sse\"]\n");
    std::fs::write(folder.file("old.toml"), old).expect("written");
    let server = Portwright::listening(serve(&folder.file("old.toml")));
    let ended = read(&format!("http://{}", server.address), &key);
    assert_eq!((ended.code, ended.out.as_str()), (0, "Here.\n"), "{}", ended.errors);
}

/// A server that names an address on another host to post to gets neither message nor key there.
#[test]
fn credentials_go_to_no_other_host() {
    use std::io::{Read, Write};
    use std::net::TcpListener;
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let elsewhere = TcpListener::bind("127.0.0.1:0").expect("a port");
    let (address, other) = (listener.local_addr().expect("here"), elsewhere.local_addr().expect("there"));
    let serving = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().expect("a client");
        let mut head = [0; 4096];
        let _ = stream.read(&mut head);
        let event = format!("event: endpoint\ndata: http://{other}/messages\n\n");
        let answer = "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n\r\n";
        stream.write_all(format!("{answer}{event}").as_bytes()).expect("answered");
    });
    let folder = Folder::with("");
    let mut command = folder.command(["list", "--url", &format!("http://{address}/sse")]);
    let ended = Ended::of(command.env("PORTWRIGHT_TOKEN", "canary").output().expect("the binary runs"));
    assert!(ended.code == 4 && ended.errors.contains("on another host"), "{}", ended.errors);
    serving.join().expect("served");
    elsewhere.set_nonblocking(true).expect("set");
    assert!(elsewhere.accept().is_err(), "somebody came");
}
