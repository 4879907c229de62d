//! A tool that tells its caller how far it is: `cargo run --example steps`, or with `--stdio` for a client that starts it.

use std::net::Ipv4Addr;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use portwright::App;
use portwright_core::protocol::{CallToolResult, ContentBlock, JsonObject, Tool, ToolAnnotations};
use portwright_core::{Context, Health, Refusal, Source};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

/// How long a step takes.
const STEP: Duration = Duration::from_millis(100);

/// One tool that takes its time.
#[derive(Debug)]
struct Walk {
    tool: Tool,
}

impl Walk {
    fn new() -> Self {
        let mut schema = JsonObject::new();
        schema.insert("type".into(), json!("object"));
        schema.insert("properties".into(), json!({ "steps": { "type": "integer", "minimum": 1, "maximum": 100 } }));
        schema.insert("required".into(), json!(["steps"]));
        let tool = Tool::new("walk", "Goes some steps and tells of each.", schema);
        Self { tool: tool.with_annotations(ToolAnnotations::new().read_only(true)) }
    }
}

#[async_trait]
impl Source for Walk {
    fn tools(&self) -> Vec<Tool> {
        vec![self.tool.clone()]
    }

    async fn call(&self, _: &str, arguments: &JsonObject, cx: &Context) -> Result<CallToolResult, Refusal> {
        // The arguments have passed the schema, so the number is there and small.
        let steps = arguments.get("steps").and_then(Value::as_u64).and_then(|steps| u32::try_from(steps).ok());
        let steps = steps.unwrap_or(1);
        for step in 1..=steps {
            cx.downstream.progress(f64::from(step), Some(f64::from(steps)), Some(&format!("step {step}")));
            tokio::time::sleep(STEP).await;
        }
        Ok(CallToolResult::success(vec![ContentBlock::text(format!("went {steps} steps"))]))
    }

    async fn health(&self) -> Health {
        Health::Ready
    }
}

#[tokio::main]
#[expect(clippy::print_stderr, reason = "an example tells where it listens")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let server = App::new("steps").source("walk", Arc::new(Walk::new())).start()?;
    if std::env::args().any(|argument| argument == "--stdio") {
        server.serve_stdio(CancellationToken::new()).await?;
        return Ok(());
    }
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
    eprintln!("http://{}/mcp", listener.local_addr()?);
    server.serve_http(listener, CancellationToken::new()).await?;
    Ok(())
}
