//! OpenTelemetry: what the built program exports, read by the official types; and what it never does.

mod receiver;

use opentelemetry_proto::tonic::metrics::v1::metric::Data;
use opentelemetry_proto::tonic::trace::v1::span::SpanKind;
use opentelemetry_proto::tonic::trace::v1::status::StatusCode;
use serde_json::json;

use crate::harness::server::{Portwright, serve};
use crate::harness::shop::Shop;
use crate::harness::wait_for;
use crate::harness::wire::{Client, Era, Http};
use receiver::{Receiver, Taken, attribute};

const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
const PARENT: &str = "00f067aa0ba902b7";

/// What a caller says, which must not leave; and what the operator keeps secret.
const CANARY: &str = "canary-of-a-caller";
const KEY: &str = "canary-of-the-operator";

fn shop(telemetry: &str) -> Shop {
    let shop = Shop::sqlite();
    let file = shop.folder().join("shop.sqlite");
    let source = format!("kind = \"sqlite\"\npath = {:?}\n", file.display().to_string());
    shop.configure(&source, &format!("[telemetry]\n{telemetry}\n"));
    shop
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |digits, byte| format!("{digits}{byte:02x}"))
}

/// Calls, ends the server, and gives what was exported by then.
fn exported(receiver: &Receiver, telemetry: &str) -> Taken {
    let shop = shop(telemetry);
    let mut server = Portwright::start(&shop.config());
    let mut client = Http::connect(server.address, Era::Modern);
    let trace = |sampled| json!({ "traceparent": format!("00-{TRACE}-{PARENT}-{sampled}") });
    let arguments = json!({ "search_term": CANARY });
    client.request("tools/call", &json!({ "name": "query_customers", "arguments": arguments, "_meta": trace("01") }));
    // Refused; another that its client does not record; one that begins a trace here.
    client.request("tools/call", &json!({ "name": "query_customers", "arguments": { "limit": CANARY } }));
    client.request("tools/call", &json!({ "name": "query_customers", "arguments": arguments, "_meta": trace("00") }));
    client.request("tools/call", &json!({ "name": "query_customers", "arguments": arguments }));
    client.request("tools/call", &json!({ "name": "no_such_tool", "arguments": {} }));
    server.terminate();
    assert_eq!(server.wait_end().code(), Some(0), "{}", server.errors());
    let taken = receiver.taken();
    let text = format!("{taken:?}");
    assert!(!text.contains(CANARY), "what a caller said was exported");
    assert!(!text.replace(&format!("{:?}", taken.keys), "").contains(KEY), "a secret was exported");
    assert!(!server.errors().contains(KEY), "{}", server.errors());
    taken
}

fn judge(taken: &Taken) {
    let spans = taken.spans();
    let calls: Vec<_> = spans.iter().filter(|span| span.kind == SpanKind::Server as i32).collect();
    assert_eq!(calls.len(), 4, "one for each call but the one that is not recorded: {spans:#?}");
    let call = calls.iter().find(|span| hex(&span.trace_id) == TRACE).expect("the client's trace");
    assert_eq!((call.name.as_str(), hex(&call.parent_span_id)), ("tools/call query_customers", PARENT.to_owned()));
    let is = |key, expected| assert_eq!(attribute(&call.attributes, key), Some(expected), "{key}: {call:#?}");
    is("mcp.method.name", "tools/call");
    is("gen_ai.tool.name", "query_customers");
    is("gen_ai.operation.name", "execute_tool");
    is("network.transport", "tcp");
    is("mcp.protocol.version", "2026-07-28");
    is("portwright.source", "shop");
    assert!(call.end_time_unix_nano >= call.start_time_unix_nano && call.status.is_none());

    let access = spans.iter().find(|span| span.parent_span_id == call.span_id).expect("the access of its source");
    assert_eq!((hex(&access.trace_id).as_str(), access.kind), (TRACE, SpanKind::Client as i32));
    assert_eq!(attribute(&access.attributes, "db.system.name"), Some("sqlite"));
    assert_eq!(attribute(&access.attributes, "db.operation.name"), Some("SELECT"));

    let own = calls.iter().find(|span| span.parent_span_id.is_empty() && span.status.is_none()).expect("one of ours");
    assert_ne!(hex(&own.trace_id), TRACE);
    let failed: Vec<_> = calls.iter().filter(|span| span.status.is_some()).collect();
    let errors: Vec<_> = failed.iter().filter_map(|span| attribute(&span.attributes, "error.type")).collect();
    assert_eq!(errors, ["invalid", "not_found"]);
    assert!(failed.iter().all(|span| span.status.as_ref().is_some_and(|status| status.code() == StatusCode::Error)));

    let logs = taken.log_records();
    let log = logs.iter().find(|log| log.span_id == call.span_id).expect("a log line of the call");
    assert_eq!((hex(&log.trace_id).as_str(), log.severity_text.as_str()), (TRACE, "INFO"));
    let resource = taken.resource().expect("a resource");
    assert_eq!(attribute(&resource.attributes, "service.name"), Some("till"));
    assert_eq!(attribute(&resource.attributes, "deployment.environment.name"), Some("test"));
    numbers(taken);
}

fn numbers(taken: &Taken) {
    let metrics = taken.numbers();
    let duration = metrics.iter().rev().find(|metric| metric.name == "mcp.server.operation.duration");
    let Some(Data::Histogram(histogram)) = duration.and_then(|metric| metric.data.clone()) else {
        panic!("no histogram among {metrics:#?}");
    };
    assert_eq!(histogram.aggregation_temporality, 2);
    let point = histogram.data_points.iter().find(|point| {
        attribute(&point.attributes, "gen_ai.tool.name") == Some("query_customers")
            && attribute(&point.attributes, "portwright.outcome") == Some("ok")
    });
    let point = point.expect("the calls that went well");
    assert_eq!((point.count, point.bucket_counts.len()), (3, point.explicit_bounds.len() + 1));
    assert_eq!(point.bucket_counts.iter().sum::<u64>(), 3);
    assert!(metrics.iter().any(|metric| metric.name == "db.client.connection.count"), "{metrics:#?}");
}

fn told(receiver: &Receiver, protocol: &str) -> String {
    format!(
        "otlp = \"{}\"\notlp_protocol = \"{protocol}\"\nservice_name = \"till\"\nheaders = {{ \"x-key\" = \"{KEY}\" }}\n\
         resource = {{ \"deployment.environment.name\" = \"test\" }}\n",
        receiver.url()
    )
}

#[test]
fn a_trace_goes_on_over_grpc() {
    let receiver = Receiver::grpc();
    let taken = exported(&receiver, &told(&receiver, "grpc"));
    judge(&taken);
    assert!(taken.keys.iter().all(|key| key == KEY) && !taken.keys.is_empty());
}

#[test]
fn a_trace_goes_on_over_http_with_protocol_buffers() {
    let receiver = Receiver::http();
    judge(&exported(&receiver, &told(&receiver, "http/protobuf")));
}

#[test]
fn a_trace_goes_on_over_http_with_json() {
    let receiver = Receiver::http();
    let taken = exported(&receiver, &told(&receiver, "http/json"));
    judge(&taken);
    assert!(taken.keys.iter().all(|key| key == KEY) && !taken.keys.is_empty());
}

#[test]
fn what_is_not_sampled_is_not_exported() {
    let receiver = Receiver::http();
    let taken = exported(&receiver, &format!("sample = 0.0\n{}", told(&receiver, "http/protobuf")));
    let traces: Vec<_> = taken.spans().iter().map(|span| hex(&span.trace_id)).collect();
    assert!(traces.len() >= 2 && traces.iter().all(|trace| trace == TRACE), "the client's alone: {traces:?}");
}

#[test]
fn the_environment_says_where_to_where_the_configuration_does_not() {
    let receiver = Receiver::http();
    let shop = shop("");
    let mut command = serve(&shop.config());
    command.env("OTEL_EXPORTER_OTLP_ENDPOINT", receiver.url()).env("OTEL_EXPORTER_OTLP_PROTOCOL", "http/json");
    command.env("OTEL_SERVICE_NAME", "named-outside").env("OTEL_LOGS_EXPORTER", "none");
    let mut server = Portwright::listening(command);
    server.wait_ready();
    Http::connect(server.address, Era::Modern).call("query_customers", json!({ "search_term": "ada" }));
    server.terminate();
    assert_eq!(server.wait_end().code(), Some(0));
    let taken = receiver.taken();
    let resource = taken.resource().expect("a resource");
    assert_eq!(attribute(&resource.attributes, "service.name"), Some("named-outside"));
    assert!(taken.logs.is_empty() && !taken.metrics.is_empty());
}

/// One that is down, and one that takes connections and says nothing.
#[test]
fn a_receiver_that_is_away_holds_nobody_up() {
    let down = std::net::TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr()).expect("a port");
    let silent = Receiver::silent();
    for (url, protocol) in [(format!("http://{down}"), "grpc"), (silent.url(), "grpc"), (silent.url(), "http/json")] {
        let shop = shop(&format!("otlp = \"{url}\"\notlp_protocol = \"{protocol}\""));
        let mut command = serve(&shop.config());
        command.env("OTEL_BSP_SCHEDULE_DELAY", "10");
        let mut server = Portwright::listening(command);
        server.wait_ready();
        let mut client = Http::connect(server.address, Era::Modern);
        for _ in 0..20 {
            let answer = client.call("query_customers", json!({ "search_term": "ada" }));
            assert!(answer.is_object(), "{answer}");
        }
        if url.contains(&down.to_string()) {
            wait_for("the word", || server.errors().contains("the OTLP receiver takes nothing").then_some(()));
        }
        server.terminate();
        assert_eq!(server.wait_end().code(), Some(0), "{}", server.errors());
    }
}
