//! Copies of the audit's records: on standard output, in PostgreSQL, at a receiver of logs.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpListener;
use std::sync::mpsc;

use serde_json::{Value, json};

use super::Folder;
use crate::harness::postgres::Postgres;
use crate::harness::server::Portwright;
use crate::harness::shop::Shop;
use crate::harness::wait_for;
use crate::harness::wire::{Client, Era, Http};

/// A shop with one more table in its configuration.
fn shop_with(more: &str) -> Shop {
    let shop = Shop::sqlite();
    let text = std::fs::read_to_string(shop.config()).expect("a configuration");
    std::fs::write(shop.config(), format!("{text}\n{more}")).expect("written");
    shop
}

fn lines(shop: &Shop) -> String {
    std::fs::read_to_string(shop.audit_file()).unwrap_or_default()
}

fn ask(client: &mut Http) -> Value {
    client.call("query_customers", json!({ "search_term": "ada" }))
}

#[test]
fn standard_output_gets_the_records_where_it_is_nobody_elses() {
    let shop = shop_with("[audit.stdout]\n");
    let server = Portwright::start(&shop.config());
    let mut client = Http::connect(server.address, Era::Modern);
    for _ in 0..3 {
        ask(&mut client);
    }
    wait_for("the records", || (server.output() == lines(&shop) && lines(&shop).lines().count() == 3).then_some(()));
    drop(server);
    let (folder, config) = (Folder::with(""), shop.config().display().to_string());
    let refused = folder.run(&["serve", "--stdio", "-c", &config]);
    assert_eq!((refused.code, refused.out.as_str()), (3, ""), "{}", refused.errors);
    assert!(refused.errors.contains("output-taken"), "{}", refused.errors);
    let called = folder.run(&["call", "-c", &config, "query_customers", "search_term=ada", "--json"]);
    assert_eq!(called.code, 0, "{}", called.errors);
    serde_json::from_str::<Value>(&called.out).expect("what the command prints, and nothing else");
}

#[test]
fn a_table_in_postgresql_has_every_record_once_also_after_it_was_down() {
    let mut postgres = Postgres::with("");
    let url = postgres.url(Some("postgres"));
    let shop = shop_with(&format!("[audit.postgres]\nurl = \"{url}\"\ncreate = true\n"));
    let server = Portwright::start(&shop.config());
    let mut client = Http::connect(server.address, Era::Modern);
    ask(&mut client);
    let count = "SELECT count(*) FROM portwright_audit";
    wait_for("the table", || (postgres.ask("SELECT to_regclass('portwright_audit') IS NOT NULL") == "t").then_some(()));
    wait_for("the first record", || (postgres.ask(count) == "1").then_some(()));
    postgres.stop();
    assert_ne!(ask(&mut client)["result"]["isError"], true, "calls know nothing of it");
    let told = server.wait_health("health to say so", |health| health["status"] == "degraded");
    assert!(told["reason"].as_str().unwrap().starts_with("audit: postgres: "), "{told}");
    ask(&mut client);
    postgres.start();
    server.wait_health("the table to be back", |health| health["status"] == "ok");
    wait_for("all records", || (postgres.ask(count) == "3").then_some(()));
    assert_eq!(postgres.ask("SELECT count(DISTINCT hash) FROM portwright_audit"), "3");
    for line in lines(&shop).lines() {
        let same = format!("SELECT count(*) FROM portwright_audit WHERE record::text = '{}'", line.replace('\'', "''"));
        assert_eq!(postgres.ask(&same), "1", "{line}");
    }
}

#[test]
fn no_call_is_made_while_a_required_table_is_down() {
    let mut postgres = Postgres::with("");
    let url = postgres.url(Some("postgres"));
    let shop = shop_with(&format!("[audit.postgres]\nurl = \"{url}\"\ncreate = true\nrequired = true\n"));
    let server = Portwright::start(&shop.config());
    let mut client = Http::connect(server.address, Era::Modern);
    assert_ne!(ask(&mut client)["result"]["isError"], true);
    assert_eq!(postgres.ask("SELECT count(*) FROM portwright_audit"), "1", "it is there before the reply");
    postgres.stop();
    let refused = ask(&mut client);
    assert!(refused.to_string().contains("could not be recorded"), "{refused}");
    let refused = ask(&mut client);
    assert!(refused.to_string().contains("this one was not made"), "{refused}");
    postgres.start();
    server.wait_health("the table to be back", |health| health["status"] == "ok");
    let found = ask(&mut client);
    assert_eq!(found["result"]["structuredContent"]["row_count"], 1, "{found}");
}

/// A receiver of logs: hands on the head and the body of each request, and says that all is well.
fn receiver() -> (String, mpsc::Receiver<(String, Value)>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = format!("http://{}", listener.local_addr().expect("its address"));
    let (sender, got) = mpsc::channel();
    std::thread::spawn(move || {
        for stream in listener.incoming().map_while(Result::ok) {
            let mut reader = BufReader::new(stream.try_clone().expect("its other half"));
            let (mut head, mut line) = (String::new(), String::new());
            while reader.read_line(&mut line).unwrap_or(0) > 2 {
                head.push_str(&line.to_ascii_lowercase());
                line.clear();
            }
            let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")?.trim().parse().ok());
            let mut body = vec![0; length.unwrap_or(0)];
            reader.read_exact(&mut body).expect("a body");
            let answer = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\nconnection: close\r\n\r\n{}";
            if sender.send((head, serde_json::from_slice(&body).expect("JSON"))).is_err() {
                return;
            }
            (&stream).write_all(answer.as_bytes()).expect("answered");
        }
    });
    (address, got)
}

#[test]
fn a_receiver_of_logs_gets_the_records() {
    let (address, got) = receiver();
    let more = "headers = { authorization = \"Bearer canary-of-the-sink\" }\nrequired = true\n";
    let shop = shop_with(&format!("[audit.otlp]\nendpoint = \"{address}\"\n{more}"));
    let server = Portwright::start(&shop.config());
    let mut client = Http::connect(server.address, Era::Modern);
    ask(&mut client);
    let (head, body) = got.try_recv().expect("it is there before the reply");
    assert!(head.starts_with("post /v1/logs ") && head.contains("authorization: bearer canary"), "{head}");
    let logs = body["resourceLogs"][0]["scopeLogs"][0]["logRecords"].as_array().unwrap();
    let said: Vec<_> = logs.iter().map(|log| log["body"]["stringValue"].as_str().unwrap()).collect();
    assert_eq!(said.join("\n") + "\n", lines(&shop));
    let everything = format!("{}{}{}", server.errors(), server.output(), lines(&shop));
    assert!(!everything.contains("canary-of-the-sink"), "a secret is told to nobody");
}
