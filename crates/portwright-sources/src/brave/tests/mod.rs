//! The kind `brave` as a client meets it: configured from a table, on a search service of our own.

mod config;
mod faults;
mod queue;
mod replies;
mod secrets;
mod service;
mod tools;

use std::path::PathBuf;
use std::sync::Arc;

use portwright_core::protocol::{CallToolResult, ContentBlock, JsonObject};
use portwright_core::{Context, Diagnostic, Refusal, Source, SourceConfig, SourceKind, SourceSpec, testing};
use serde_json::{Value, json};

use super::Brave;
use service::Service;

/// The token that must turn up nowhere.
const TOKEN: &str = "BSA-canary-0123456789";

fn object(value: Value) -> JsonObject {
    match value {
        Value::Object(map) => map,
        other => panic!("{other} is no object"),
    }
}

fn spec(table: Value) -> SourceSpec {
    SourceSpec {
        name: "web".into(),
        table: object(table),
        tools: Vec::new(),
        resources: Vec::new(),
        base: PathBuf::new(),
    }
}

fn decode(table: Value) -> Result<Box<dyn SourceConfig>, Vec<Diagnostic>> {
    Brave.decode(spec(table))
}

/// The source, on this service, faster than the service's smallest plan and with `more` in its table.
async fn open(service: &Service, more: Value) -> Arc<dyn Source> {
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let mut table = object(json!({ "token": TOKEN, "api_url": service.url(), "rate": "500/s", "cache": "0s" }));
    table.extend(object(more));
    decode(Value::Object(table)).expect("a configuration").connect().await.expect("a source")
}

async fn call(source: &Arc<dyn Source>, tool: &str, arguments: Value) -> Result<CallToolResult, Refusal> {
    source.call(tool, &object(arguments), &testing::context()).await
}

async fn data(source: &Arc<dyn Source>, tool: &str, arguments: Value) -> Value {
    call(source, tool, arguments).await.expect(tool).structured_content.expect("data")
}

async fn refused(source: &Arc<dyn Source>, tool: &str, arguments: Value) -> Refusal {
    call(source, tool, arguments).await.expect_err(tool)
}

fn words(result: &CallToolResult) -> &str {
    match result.content.first() {
        Some(ContentBlock::Text(text)) => &text.text,
        other => panic!("{other:?} is no text"),
    }
}

/// A call that may take so long.
fn hurried(left: std::time::Duration) -> Context {
    testing::context().until(std::time::Instant::now() + left)
}
