//! The source against an API that answers what a test says.

mod asking;
mod backend;
mod fencing;
mod fitting;
mod live;
mod reading;
mod threads;
mod writing;

use std::sync::Arc;

use portwright_core::protocol::{CallToolResult, JsonObject};
use portwright_core::{Context, Diagnostic, Refusal, Source, SourceConfig, SourceKind, SourceSpec, TransportKind};
use serde_json::{Value, json};

use backend::Backend;

use super::GitHub;

const TOKEN: &str = "ghp_canary7f3e7f3e7f3e";

async fn source(backend: &Backend, keys: Value) -> Arc<dyn Source> {
    let mut table = json!({"token": TOKEN, "api_url": backend.url, "access": "read-write", "toolsets": ["all"]});
    table.as_object_mut().unwrap().extend(keys.as_object().cloned().unwrap());
    decode(&table).expect("a plan").connect().await.expect("a source")
}

fn decode(table: &Value) -> Result<Box<dyn SourceConfig>, Vec<Diagnostic>> {
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let table: JsonObject = table.as_object().cloned().expect("an object");
    let base = std::env::temp_dir();
    GitHub.decode(SourceSpec { name: "hub".into(), table, tools: Vec::new(), resources: Vec::new(), base })
}

fn context() -> Context {
    Context::new("r-1", TransportKind::InProcess)
}

async fn call(source: &Arc<dyn Source>, tool: &str, arguments: Value) -> Result<CallToolResult, Refusal> {
    source.call(tool, arguments.as_object().expect("an object"), &context()).await
}

/// What a tool answers with about the repository `acme/site`.
async fn data(source: &Arc<dyn Source>, tool: &str, more: Value) -> Value {
    let mut arguments = json!({"owner": "acme", "repo": "site"});
    arguments.as_object_mut().unwrap().extend(more.as_object().cloned().unwrap());
    let result = call(source, tool, arguments).await.unwrap_or_else(|refusal| panic!("{tool}: {refusal}"));
    result.structured_content.expect("data")
}

/// What a tool says no with about the repository `acme/site`.
async fn refused(source: &Arc<dyn Source>, tool: &str, more: Value) -> Refusal {
    let mut arguments = json!({"owner": "acme", "repo": "site"});
    arguments.as_object_mut().unwrap().extend(more.as_object().cloned().unwrap());
    call(source, tool, arguments).await.expect_err(tool)
}
