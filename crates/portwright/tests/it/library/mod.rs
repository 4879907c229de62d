//! The library, as the examples show it to people who write Rust: each runs within this process, and its clients come
//! over HTTP.

#[path = "../../../examples/mounted.rs"]
mod mounted;
#[path = "../../../examples/own_guard.rs"]
mod own_guard;
#[path = "../../../examples/own_source.rs"]
mod own_source;

use std::net::SocketAddr;
use std::path::Path;

use portwright::App;
use portwright::config::{self, Environment, Kinds};
use portwright_core::SourceKind as _;
use portwright_core::testing::Contract;
use serde_json::json;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::harness::wire::{Client, Era, Http};

/// A server within this process.
struct Serving {
    address: SocketAddr,
    shutdown: CancellationToken,
    runtime: Option<tokio::runtime::Runtime>,
}

impl Serving {
    fn of(app: App) -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build();
        let runtime = runtime.expect("a runtime");
        let shutdown = CancellationToken::new();
        let stop = shutdown.clone();
        let address = runtime.block_on(async {
            let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
            let address = listener.local_addr().expect("its address");
            let server = app.start().expect("it starts");
            tokio::spawn(async move { server.serve_http(listener, stop).await });
            address
        });
        Self { address, shutdown, runtime: Some(runtime) }
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        self.shutdown.cancel();
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

fn environment() -> Environment {
    let kinds = Kinds::with(vec![&own_source::Tides]).expect("a name of its own");
    Environment { kinds, ..Environment::default() }
}

#[test]
fn a_kind_of_ones_own_is_configured_like_any_other() {
    let text = "[server]\nname = \"acme\"\n[sources.harbour]\nkind = \"tides\"\nmean_metres = 2.5\n";
    let plan = config::parse(Path::new("portwright.toml"), text, environment()).expect("a good configuration").plan;
    let serving = Serving::of(App::from_plan(plan));
    for era in Era::BOTH {
        let mut client = Http::connect(serving.address, era);
        let answer = client.call("water_level", json!({ "hours": 6.2 }));
        let level = &answer["result"]["structuredContent"];
        assert_eq!((&level["metres"], &level["rising"]), (&json!(1.5), &json!(false)), "{answer}");
        let refused = client.call("water_level", json!({ "hours": 100 }));
        assert_eq!(refused["result"]["isError"], true, "{refused}");
    }
}

#[test]
fn what_is_wrong_with_its_table_is_said_like_of_any_other() {
    for (table, rule) in [
        ("kind = \"tides\"\nmean_metres = 900.0\n", "out-of-range"),
        ("kind = \"tides\"\nmean_meters = 2.5\n", "unknown-key"),
        ("kind = \"tide\"\n", "unknown-kind"),
    ] {
        let text = format!("[server]\nname = \"acme\"\n[sources.harbour]\n{table}");
        let problems = config::parse(Path::new("portwright.toml"), &text, environment()).expect_err("problems");
        assert!(problems.iter().any(|problem| problem.rule == rule), "{rule}: {problems:?}");
    }
    assert!(config::schema::published(environment().kinds).to_string().contains("mean_metres"), "editors know it");
    assert!(Kinds::with(vec![&own_source::Tides, &own_source::Tides]).is_err(), "a name is taken once");
}

#[tokio::test]
async fn a_source_of_ones_own_keeps_the_contract() {
    let spec = portwright_core::SourceSpec {
        name: "harbour".into(),
        table: json!({ "mean_metres": 2.5 }).as_object().cloned().expect("a table"),
        tools: Vec::new(),
        resources: Vec::new(),
        base: ".".into(),
    };
    let source = own_source::Tides.decode(spec).expect("decoded").connect().await.expect("open");
    let hours = json!({ "hours": 1.0 }).as_object().cloned().expect("arguments");
    assert_eq!(Contract::of(source).works("water_level", hours).check().await, []);
}

#[test]
fn a_guard_of_ones_own_stands_before_every_call() {
    let serving = Serving::of(own_guard::app());
    for era in Era::BOTH {
        let mut client = Http::connect(serving.address, era);
        let cheap = client.call("order", json!({ "amount": 80.0 }));
        assert_eq!(cheap["result"]["content"][0]["text"], "ordered for 80", "{cheap}");
        let dear = client.call("order", json!({ "amount": 180.0 }));
        assert_eq!(dear["result"]["isError"], true);
        assert_eq!(dear["result"]["content"][0]["text"], "an order may cost 100 at most; ask for less", "{dear}");
        let strange = client.call("order", json!({ "amount": "80" }));
        assert_eq!(strange["result"]["isError"], true, "{strange}");
    }
}

#[test]
fn a_mounted_server_is_served_and_recorded() {
    let folder = tempfile::tempdir().expect("a folder");
    let audit = folder.path().join("audit.jsonl");
    let serving = Serving::of(mounted::app(Some(audit.clone())));
    for era in Era::BOTH {
        let mut client = Http::connect(serving.address, era);
        assert_eq!(client.tools(), ["shout"]);
        let answer = client.call("shout", json!({ "text": "hi" }));
        assert_eq!(answer["result"]["content"][0]["text"], "HI", "{answer}");
        let refused = client.call("shout", json!({ "text": 7 }));
        assert_eq!(refused["result"]["isError"], true, "its schema is held against the arguments: {refused}");
    }
    let records = std::fs::read_to_string(&audit).expect("the records");
    let of_shout = records.lines().filter(|line| line.contains("\"shout\"")).count();
    assert_eq!(of_shout, 6, "an intent and an outcome for each that ran, an outcome for each that was refused");
}
