//! A secret stands in no log, no answer, no audit, no page, whatever goes wrong.

use std::process::Command;

use serde_json::json;

use crate::harness::postgres::Postgres;
use crate::harness::server::{Portwright, binary, serve};
use crate::harness::shop::{Shop, postgres_data};
use crate::harness::wire::{Client, Era, Http};

/// Looks like nothing else; searched for in all that the binary says.
const CANARY: &str = "canary-7f3a91";

#[test]
fn secrets_are_told_to_nobody() {
    let mut shop = Shop::on(Postgres::down());
    let port = shop.database().expect("a server").port();
    let password = format!("{CANARY}-password");
    let file = shop.folder().join("secret");
    std::fs::write(&file, format!("postgresql://portwright:{password}@127.0.0.1:{port}/postgres\n")).expect("written");
    shop.configure("kind = \"postgres\"\nurl = \"${file:secret}\"\n", "");
    let mut said = vec![check(&shop, &password)];
    let mut command = serve(&shop.config());
    command.env("RUST_LOG", "trace").env("PORTWRIGHT_CANARY", &password);
    let mut server = Portwright::listening(command);
    said.push(server.wait_health("the source to be down", |health| health["status"] == "degraded").to_string());
    let postgres = shop.database_mut().expect("a server");
    postgres.start();
    postgres.execute(&postgres_data());
    server.wait_ready();
    server.wait_health("the source to be up", |health| health["status"] == "ok");
    for era in Era::BOTH {
        let mut client = Http::connect(server.address, era);
        said.push(client.call("query_customers", json!({ "search_term": "ada" })).to_string());
        said.push(client.call("query_customers", json!({ "search_term": 1 })).to_string());
        said.push(client.call("run_sql_query", json!({ "sql": "SELECT * FROM pg_shadow" })).to_string());
        said.push(client.call("run_sql_query", json!({ "sql": "SELECT current_setting('no.such')" })).to_string());
        said.push(client.request("resources/read", &json!({ "uri": "db://shop/schema" })).to_string());
    }
    shop.database_mut().expect("a server").stop();
    let mut client = Http::connect(server.address, Era::Modern);
    said.push(client.call("query_customers", json!({ "search_term": "ada" })).to_string());
    said.push(server.get("/health").body);
    said.push(server.get("/").body);
    server.terminate();
    server.wait_end();
    said.extend([server.errors(), server.output()]);
    said.push(std::fs::read_to_string(shop.audit_file()).expect("an audit"));
    assert!(said.iter().any(|text| text.contains("Ada Lovelace")), "the session did not work");
    for text in said {
        assert!(!text.contains(CANARY), "a secret was told: {text}");
    }
}

/// One of each kind of secret that a configuration can hold, at addresses where nobody answers.
const EVERYTHING: &str = r#"
[server]
name = "all"

[listen]
anonymous = "loopback"

[auth.oauth]
issuer = "http://127.0.0.1:1"
audience = "http://127.0.0.1/mcp"
introspection = { url = "http://127.0.0.1:1/introspect", client_id = "portwright", client_secret = "${env:CANARY_CLIENT}" }

[limits]
store = "redis://:${env:CANARY_LIMITS}@127.0.0.1:1/0"
store_down = "local"
calls = "1000/min"

[replicas]
secret = "${env:CANARY_SHARED}"
store = "redis://:${env:CANARY_REPLICAS}@127.0.0.1:1/1"

[audit]
file = "audit.jsonl"

[audit.postgres]
url = "postgres://auditor:${env:CANARY_AUDITOR}@127.0.0.1:1/ops"

[audit.otlp]
endpoint = "http://127.0.0.1:1"
headers = { authorization = "Bearer ${env:CANARY_AUDIT_OTLP}" }

[telemetry]
otlp = "http://127.0.0.1:1"
otlp_protocol = "grpc"
headers = { authorization = "${env:CANARY_OTLP}" }

[sources.web]
kind = "brave"
token = "${env:CANARY_BRAVE}"
api_url = "http://127.0.0.1:1"
proxy = "http://proxy:${env:CANARY_PROXY}@127.0.0.1:1"

[sources.hub]
kind = "github"
token = "${env:CANARY_GITHUB}"
api_url = "http://127.0.0.1:1"

[sources.shop]
kind = "mysql"
url = "mysql://reader:${env:CANARY_MYSQL}@127.0.0.1:1/shop"

[sources.ledger]
kind = "postgres"
url = "postgres://reader:${env:CANARY_POSTGRES}@127.0.0.1:1/ledger"

[sources.cluster]
kind = "kubernetes"
kubeconfig = "kubeconfig"
"#;

#[test]
fn secrets_of_every_kind_are_told_to_nobody() {
    let folder = tempfile::tempdir().expect("a folder");
    let config = folder.path().join("portwright.toml");
    std::fs::write(&config, EVERYTHING).expect("written");
    let kubeconfig = format!(
        "apiVersion: v1\nkind: Config\ncurrent-context: c\ncontexts: [{{name: c, context: {{cluster: k, user: u}}}}]\n\
         clusters: [{{name: k, cluster: {{server: 'http://127.0.0.1:1'}}}}]\nusers: [{{name: u, user: {{token: {CANARY}-kubernetes}}}}]\n"
    );
    std::fs::write(folder.path().join("kubeconfig"), kubeconfig).expect("written");
    let names = EVERYTHING.split("${env:").skip(1).filter_map(|rest| rest.split('}').next());
    let secrets: Vec<(&str, String)> = names
        .map(|name| (name, format!("{CANARY}-{}-0123456789abcdef0123456789abcdef", name.to_lowercase())))
        .collect();
    assert_eq!(secrets.len(), 12);
    let known = |command: &mut Command| {
        command.envs(secrets.iter().map(|(name, value)| (*name, value)));
        command.current_dir(folder.path());
    };
    let mut said = Vec::new();
    for words in [
        &["check"][..],
        &["check", "--json"],
        &["check", "--offline", "--json"],
        &["explain", "brave_web_search"],
        &["list", "-c", "portwright.toml"],
        &["call", "-c", "portwright.toml", "brave_web_search", "query=x"],
        &["lint"],
    ] {
        let mut command = Command::new(binary());
        command.args(words).env("RUST_LOG", "trace");
        known(&mut command);
        let ended = command.output().expect("the binary runs");
        let text = [ended.stdout, ended.stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).concat();
        assert!(!text.is_empty(), "{words:?} says nothing");
        said.push(text);
    }
    let mut command = serve(&config);
    command.env("RUST_LOG", "trace");
    known(&mut command);
    let mut server = Portwright::listening(command);
    server.wait_health("all sources to be tried", |health| {
        let sources = health["sources"].as_array().cloned().unwrap_or_default();
        sources.len() == 5 && sources.iter().all(|source| source["state"] != "connecting")
    });
    for era in Era::BOTH {
        let mut client = Http::connect(server.address, era);
        for (tool, arguments) in [
            ("brave_web_search", json!({"query": "x"})),
            ("get_me", json!({})),
            ("pods_list", json!({})),
            ("run_sql_query", json!({"sql": "SELECT 1"})),
        ] {
            said.push(client.call(tool, arguments).to_string());
        }
    }
    for path in ["/health", "/metrics", "/dashboard/api/overview", "/dashboard/api/audit", "/mcp/server-card"] {
        said.push(server.get(path).body);
    }
    let token =
        "GET /health HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer an-opaque-token\r\nconnection: close\r\n\r\n";
    said.push(crate::harness::wire::exchange(server.address, token).body);
    server.terminate();
    server.wait_end();
    said.extend([server.errors(), server.output()]);
    said.push(std::fs::read_to_string(folder.path().join("audit.jsonl")).expect("an audit"));
    assert!(said.iter().any(|text| text.contains("brave_web_search")), "nothing was called");
    for text in said {
        assert!(!text.contains(CANARY), "a secret was told: {text}");
    }
}

/// Everything that `check` says of wrong configurations that hold a secret.
fn check(shop: &Shop, password: &str) -> String {
    let file = shop.folder().join("wrong.toml");
    let sources = [
        format!("kind = \"postgres\"\nurl = \"postgresql://u:{password}@[bad/db\"\n"),
        format!("kind = \"postgres\"\nurl = \"postgresql://u:{password}@127.0.0.1:1/db\"\n"),
        format!("kind = \"postgres\"\nurl = \"{password}\"\n"),
        "kind = \"postgres\"\nurl = \"${env:PORTWRIGHT_CANARY}\"\n".to_owned(),
        "kind = \"postgres\"\nurl = \"${env:PORTWRIGHT_CANARY}\"\naccess = \"${env:PORTWRIGHT_CANARY}\"\n".to_owned(),
        "kind = \"postgres\"\npool = \"${env:PORTWRIGHT_CANARY}\"\nnothing = \"${env:PORTWRIGHT_CANARY}\"\n".to_owned(),
    ];
    let mut said = String::new();
    for (index, source) in sources.iter().enumerate() {
        // A secret that is written into the file itself is shown with its line; only those behind references are safe.
        let literal = index < 3;
        std::fs::write(&file, format!("[sources.shop]\n{source}")).expect("written");
        for options in [&["check"][..], &["check", "--json"], &["check", "--offline"]] {
            let output = Command::new(binary())
                .args(options)
                .arg("-c")
                .arg(&file)
                .env("PORTWRIGHT_CANARY", password)
                .output()
                .expect("the binary runs");
            let text =
                format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
            assert!(!text.is_empty(), "nothing was said of {source}");
            if !literal {
                said.push_str(&text);
            }
        }
    }
    said
}
