//! The source against an API that answers what a test says.

mod answers;
mod asking;

use std::sync::Arc;

use portwright_core::protocol::{CallToolResult, JsonObject};
use portwright_core::{Context, Diagnostic, Refusal, Source, SourceConfig, SourceKind, SourceSpec, TransportKind};
use serde_json::{Value, json};

use super::Brave;
use crate::shared::http::backend::Backend;

const TOKEN: &str = "BSA-canary-7f3e";

async fn serving(backend: &Backend, keys: Value) -> Arc<dyn Source> {
    let mut table = json!({"token": TOKEN, "api_url": backend.url, "rate": "1000/s"});
    table.as_object_mut().unwrap().extend(keys.as_object().cloned().unwrap());
    decode(&table).expect("a plan").connect().await.expect("a source")
}

fn decode(table: &Value) -> Result<Box<dyn SourceConfig>, Vec<Diagnostic>> {
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let table: JsonObject = table.as_object().cloned().expect("an object");
    let base = std::env::temp_dir();
    Brave.decode(SourceSpec { name: "web".into(), table, tools: Vec::new(), resources: Vec::new(), base })
}

async fn call(source: &Arc<dyn Source>, tool: &str, arguments: Value) -> Result<CallToolResult, Refusal> {
    let cx = Context::new("r-1", TransportKind::InProcess);
    source.call(tool, arguments.as_object().expect("an object"), &cx).await
}

async fn data(source: &Arc<dyn Source>, tool: &str, arguments: Value) -> Value {
    let result = call(source, tool, arguments).await.unwrap_or_else(|refusal| panic!("{tool}: {refusal}"));
    result.structured_content.expect("data")
}
