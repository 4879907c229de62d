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
