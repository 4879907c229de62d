//! The token and the proxy's password turn up nowhere.

use std::fmt::Write as _;
use std::sync::{Arc, Mutex};

use portwright_core::SourceKind;
use serde_json::json;
use tracing::field::{Field, Visit};

use super::super::Brave;
use super::service::{Answer, Service};
use super::{TOKEN, call, decode, open, spec};

/// Writes down every event of this thread.
#[derive(Debug, Clone, Default)]
struct Log(Arc<Mutex<String>>);

struct Words<'a>(&'a mut String);

impl Visit for Words<'_> {
    fn record_debug(&mut self, field: &Field, value: &dyn std::fmt::Debug) {
        let _ = write!(self.0, "{field}={value:?} ");
    }
}

impl tracing::Subscriber for Log {
    fn enabled(&self, _: &tracing::Metadata<'_>) -> bool {
        true
    }

    fn new_span(&self, span: &tracing::span::Attributes<'_>) -> tracing::span::Id {
        span.record(&mut Words(&mut self.0.lock().expect("a lock")));
        tracing::span::Id::from_u64(1)
    }

    fn record(&self, _: &tracing::span::Id, record: &tracing::span::Record<'_>) {
        record.record(&mut Words(&mut self.0.lock().expect("a lock")));
    }

    fn record_follows_from(&self, _: &tracing::span::Id, _: &tracing::span::Id) {}

    fn event(&self, event: &tracing::Event<'_>) {
        event.record(&mut Words(&mut self.0.lock().expect("a lock")));
    }

    fn enter(&self, _: &tracing::span::Id) {}

    fn exit(&self, _: &tracing::span::Id) {}
}

#[tokio::test]
async fn the_token_is_in_no_log_error_or_reply() {
    let log = Log::default();
    let _logging = tracing::subscriber::set_default(log.clone());
    let mut seen = String::new();
    for answer in [
        Answer::json(&json!({ "web": { "results": [{ "url": "https://a.example/", "title": "a" }] } })),
        Answer::error(401, "UNAUTHORIZED", &format!("token {TOKEN} is not known")),
        Answer::error(429, "RATE_LIMITED", TOKEN).with("retry-after", "99"),
        Answer::raw(500, TOKEN),
        Answer::raw(200, TOKEN),
    ] {
        let service = Service::new(move |_| answer.clone()).await;
        let source = open(&service, json!({})).await;
        let result = call(&source, "brave_web_search", json!({ "query": "x" })).await;
        let _ = write!(seen, "{result:?} {source:?} {:?} {:?}", source.health().await, source.inspect().await);
        assert_eq!(service.last().header("x-subscription-token"), Some(TOKEN));
    }
    seen.push_str(&log.0.lock().expect("a lock"));
    assert!(seen.contains("search service"), "the log was heard");
    assert!(!seen.contains(TOKEN), "{seen}");
}

#[tokio::test]
async fn a_proxys_password_is_in_no_debug_or_error() {
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let table = json!({ "token": TOKEN, "proxy": "http://user:hunter2@127.0.0.1:1", "api_url": "http://127.0.0.1:2" });
    let spec = spec(table);
    let mut seen = format!("{spec:?}");
    let config = Brave.decode(spec).expect("a configuration");
    let _ = write!(seen, "{config:?}");
    let source = config.connect().await.expect("a source");
    let result = call(&source, "brave_web_search", json!({ "query": "x" })).await;
    assert!(result.is_err());
    let _ = write!(seen, "{source:?} {result:?} {:?}", source.health().await);
    let problems = decode(json!({ "token": TOKEN, "proxy": "ftp://user:hunter2@x" })).expect_err("no proxy");
    let _ = write!(seen, "{problems:?}");
    let never = decode(json!({ "token": TOKEN, "proxy": "http://user:hunter2@169.254.169.254" })).expect("decoded");
    let _ = write!(seen, "{:?}", never.connect().await.expect_err("an address that is never reached"));
    assert!(!seen.contains("hunter2") && !seen.contains(TOKEN), "{seen}");
}

#[tokio::test]
async fn requests_go_through_the_proxy_and_nowhere_else() {
    let proxy = Service::always(super::replies::web()).await;
    let beside = Service::always(json!({})).await;
    let through = proxy.url().trim_end_matches("/res/v1").replace("http://", "http://us%40er:pa%3Ass@");
    let source = open(&beside, json!({ "proxy": through })).await;
    assert!(call(&source, "brave_web_search", json!({ "query": "x" })).await.is_ok());
    assert!(beside.asked().is_empty());
    // "us@er:pa:ss", as RFC 7617 writes it.
    assert_eq!(proxy.last().header("proxy-authorization"), Some("Basic dXNAZXI6cGE6c3M="));
    assert_eq!(proxy.last().path, "/web/search");
}
