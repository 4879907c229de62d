//! The example with five sources, driven by the official SDKs: two tools of each source, on what stands in for the
//! services that are not ours.

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::thread;

use serde_json::{Value, json};

use super::SDKS;
use super::clients::Client;
use super::drivers::{self, Target};
use super::ways::Way;
use crate::harness::files::root;
use crate::harness::postgres::Postgres;
use crate::harness::server::{Portwright, serve};
use crate::harness::shop::postgres_data;

/// What a service answers, by how the request's path begins; the first that fits.
type Answers = Vec<(&'static str, Value)>;

/// A service on the loopback. Ends with the process.
fn service(answers: Answers) -> SocketAddr {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port");
    let address = listener.local_addr().expect("an address");
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let answers = answers.clone();
            thread::spawn(move || answer(&stream, &answers));
        }
    });
    address
}

/// One request a connection.
fn answer(stream: &TcpStream, answers: &Answers) {
    let mut reader = BufReader::new(stream);
    let (mut first, mut length) = (String::new(), 0);
    let _ = reader.read_line(&mut first);
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line).unwrap_or(0) == 0 || line.trim().is_empty() {
            break;
        }
        if let Some(value) = line.to_lowercase().strip_prefix("content-length:") {
            length = value.trim().parse().unwrap_or(0);
        }
    }
    let _ = reader.read_exact(&mut vec![0; length]);
    let path = first.split(' ').nth(1).unwrap_or_default();
    let (status, body) = match answers.iter().find(|(begin, _)| path.starts_with(begin)) {
        Some((_, Value::String(text))) => (200, text.clone()),
        Some((_, value)) => (200, value.to_string()),
        None => (404, json!({"kind": "Status", "code": 404, "reason": "NotFound", "message": "not found"}).to_string()),
    };
    let head = format!("HTTP/1.1 {status} Said\r\ncontent-type: application/json\r\nconnection: close\r\n");
    let mut stream = stream;
    let _ = stream.write_all(format!("{head}content-length: {}\r\n\r\n{body}", body.len()).as_bytes());
}

fn github() -> Answers {
    let issue = json!({"number": 7, "title": "The harbour is closed", "state": "open", "user": {"login": "ada"}});
    // "# Site", as the service writes bytes.
    let file = json!({"type": "file", "sha": "s1", "size": 6, "content": "IyBTaXRl"});
    vec![("/repos/acme/site/contents/README.md", file), ("/repos/acme/site/issues", json!([issue]))]
}

fn brave() -> Answers {
    let page = json!({"title": "Harbours", "url": "https://lang.example/harbours", "description": "All of them."});
    let query = json!({"original": "harbour", "more_results_available": false});
    vec![
        ("/res/v1/web", json!({"type": "search", "query": query, "web": {"type": "search", "results": [page]}})),
        ("/res/v1/news", json!({"type": "news", "query": query, "results": [page]})),
    ]
}

fn kubernetes() -> Answers {
    let pods = json!({"name": "pods", "singularName": "pod", "namespaced": true, "kind": "Pod",
        "verbs": ["get", "list"], "shortNames": ["po"]});
    let log = json!({"name": "pods/log", "namespaced": true, "kind": "Pod", "verbs": ["get"]});
    let row = json!({"cells": ["web-1", "Running"], "object": {"metadata": {"name": "web-1", "namespace": "shop"}}});
    let pod = json!({"kind": "Pod", "metadata": {"name": "web-1", "namespace": "shop"}, "spec": {"containers": [{"name": "main"}]}});
    vec![
        ("/version", json!({"gitVersion": "v1.33.0"})),
        ("/api/v1/namespaces/shop/pods/web-1/log", json!("the first line\nthe last line")),
        ("/api/v1/namespaces/shop/pods/web-1", pod),
        (
            "/api/v1/namespaces/shop/pods",
            json!({"kind": "Table", "metadata": {}, "columnDefinitions": [{"name": "Name"}, {"name": "Status"}], "rows": [row]}),
        ),
        ("/apis", json!({"groups": []})),
        ("/api/v1", json!({"resources": [pods, log]})),
    ]
}

/// The example as it is, but for where the services are.
fn configure(folder: &Path) {
    let mut text = fs::read_to_string(root().join("examples/five.toml")).expect("the example");
    for (kind, line) in [
        ("github", format!("api_url = \"http://{}\"", service(github()))),
        ("brave", format!("api_url = \"http://{}/res/v1\"", service(brave()))),
        ("kubernetes", "kubeconfig = \"kubeconfig\"".to_owned()),
    ] {
        let kind = format!("kind = \"{kind}\"");
        assert_eq!(text.matches(&kind).count(), 1, "{kind}");
        text = text.replace(&kind, &format!("{kind}\n{line}"));
    }
    let kubeconfig = json!({
        "apiVersion": "v1", "kind": "Config", "current-context": "one",
        "clusters": [{"name": "c", "cluster": {"server": format!("http://{}", service(kubernetes()))}}],
        "users": [{"name": "u", "user": {"token": "t"}}],
        "contexts": [{"name": "one", "context": {"cluster": "c", "user": "u", "namespace": "shop"}}],
    });
    fs::create_dir(folder.join("docs")).expect("a folder");
    fs::write(folder.join("docs/notes.md"), "The harbour opens at six.\n").expect("written");
    fs::write(folder.join("kubeconfig"), kubeconfig.to_string()).expect("written");
    fs::write(folder.join("five.toml"), text).expect("written");
}

/// Two calls of each source, and a word of what each answers.
fn calls() -> Vec<(&'static str, Value, &'static str)> {
    let site = |more: Value| {
        let mut arguments = json!({"owner": "acme", "repo": "site"});
        arguments.as_object_mut().expect("an object").extend(more.as_object().expect("an object").clone());
        arguments
    };
    vec![
        ("read_text_file", json!({"path": "notes.md"}), "The harbour opens at six."),
        ("list_directory", json!({"path": "."}), "notes.md"),
        ("run_sql_query", json!({"sql": "SELECT count(*) AS many FROM customers"}), "many"),
        ("list_tables", json!({}), "customers"),
        ("get_file_contents", site(json!({"path": "README.md"})), "# Site"),
        ("list_issues", site(json!({})), "The harbour is closed"),
        ("brave_web_search", json!({"query": "harbour"}), "https://lang.example/harbours"),
        ("brave_news_search", json!({"query": "harbour"}), "Harbours"),
        ("pods_list_in_namespace", json!({"namespace": "shop"}), "web-1"),
        ("pods_log", json!({"name": "web-1", "namespace": "shop"}), "the last line"),
    ]
}

/// What is wrong with what a client saw.
fn wrong(client: Client, way: Way, address: SocketAddr) -> Vec<String> {
    let step = |(tool, arguments, _): &(&str, Value, &str)| json!({"as": tool, "method": "tools/call", "name": tool, "arguments": arguments});
    let steps = calls().iter().map(step).collect();
    let target = Target::at(address);
    let seen = match drivers::drive(client, way, &target, steps, &target) {
        Ok(seen) => seen,
        Err(reason) => return vec![format!("{} over {}: {reason}", client.title(), way.title())],
    };
    let told = |(tool, _, word): (&str, Value, &str)| {
        let result = &seen["steps"][tool]["result"];
        let text = result["content"][0]["text"].as_str().unwrap_or_default();
        let good = result["isError"] != true && result["structuredContent"].is_object() && text.contains(word);
        (!good).then(|| format!("{} over {}: {tool}: {}", client.title(), way.title(), seen["steps"][tool]))
    };
    calls().into_iter().filter_map(told).collect()
}

#[test]
fn official_clients_call_two_tools_of_each_of_five_sources() {
    let folder = tempfile::tempdir().expect("a folder");
    let postgres = Postgres::with(&postgres_data());
    configure(folder.path());
    let mut command = serve(&folder.path().join("five.toml"));
    command.env("DATABASE_URL", postgres.url(None)).env("GITHUB_TOKEN", "t").env("BRAVE_API_KEY", "t");
    let server = Portwright::listening(command);
    server.wait_ready();
    let all_up = |health: &Value| health["status"] == "ok";
    server.wait_health("five sources", all_up);
    let ways = [Way::Http, Way::HttpModern];
    let cells = SDKS.iter().flat_map(|client| ways.iter().map(|way| (*client, *way)));
    let open = cells.filter(|(client, way)| client.closed(*way).is_none());
    let wrong: Vec<String> = open.flat_map(|(client, way)| wrong(client, way, server.address)).collect();
    assert!(wrong.is_empty(), "clients disagree:\n{}", wrong.join("\n"));
}
