//! A source written in Rust, served beside those of a configuration: `cargo run --example echo -- portwright.toml`.

use std::net::Ipv4Addr;
use std::path::PathBuf;
use std::sync::Arc;

use async_trait::async_trait;
use portwright::App;
use portwright::config::{self, Environment};
use portwright_core::protocol::{CallToolResult, ContentBlock, JsonObject, Tool, ToolAnnotations};
use portwright_core::{Context, Health, Refusal, Source};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

/// One tool, which says what it is told.
#[derive(Debug)]
struct Echo {
    tool: Tool,
}

impl Echo {
    fn new() -> Self {
        let mut schema = JsonObject::new();
        schema.insert("type".into(), json!("object"));
        schema.insert("properties".into(), json!({ "text": { "type": "string", "description": "What to say" } }));
        schema.insert("required".into(), json!(["text"]));
        let tool = Tool::new("echo", "Says what it is told.", schema);
        Self { tool: tool.with_annotations(ToolAnnotations::new().read_only(true)) }
    }
}

#[async_trait]
impl Source for Echo {
    fn tools(&self) -> Vec<Tool> {
        vec![self.tool.clone()]
    }

    async fn call(&self, _: &str, arguments: &JsonObject, _: &Context) -> Result<CallToolResult, Refusal> {
        // The arguments have passed the schema, so the text is there.
        let text = arguments.get("text").and_then(Value::as_str).unwrap_or_default();
        Ok(CallToolResult::success(vec![ContentBlock::text(text)]))
    }

    async fn health(&self) -> Health {
        Health::Ready
    }
}

#[tokio::main]
#[expect(clippy::print_stderr, reason = "an example tells where it listens")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let file = std::env::args_os().nth(1).map(PathBuf::from);
    let plan = config::load(file.as_deref(), Environment::default())?.plan;
    let server = App::from_plan(plan).source("echo", Arc::new(Echo::new())).start()?;
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
    eprintln!("http://{}/mcp", listener.local_addr()?);
    server.serve_http(listener, CancellationToken::new()).await?;
    Ok(())
}
