//! A server to be measured: `load CONFIG TOOLS`, with so many tools beside its own, and `--stdio` for standard input and
//! output. One caller may have as many sessions as all together.

use std::net::Ipv4Addr;
use std::path::PathBuf;
use std::sync::Arc;

use async_trait::async_trait;
use portwright::App;
use portwright_core::protocol::{CallToolResult, ContentBlock, JsonObject, Tool, ToolAnnotations};
use portwright_core::{Context, Health, Refusal, Source};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

/// `echo` says what it is told, `blob` as many bytes as it is told, and the others are there to be listed.
#[derive(Debug)]
struct Load {
    tools: Vec<Tool>,
}

impl Load {
    fn new(tools: u32) -> Self {
        let text = json!({ "text": { "type": "string", "description": "What to say" } });
        let bytes = json!({ "bytes": { "type": "integer", "minimum": 0, "maximum": 32_000_000 } });
        let mut all = vec![tool("echo".to_owned(), text.clone(), "text"), tool("blob".to_owned(), bytes, "bytes")];
        all.extend((0..tools).map(|number| tool(format!("tool_{number:05}"), text.clone(), "text")));
        Self { tools: all }
    }
}

fn tool(name: String, properties: Value, required: &str) -> Tool {
    let mut schema = JsonObject::new();
    schema.insert("type".into(), json!("object"));
    schema.insert("properties".into(), properties);
    schema.insert("required".into(), json!([required]));
    Tool::new(name, "Says what it is told.", schema).with_annotations(ToolAnnotations::new().read_only(true))
}

#[async_trait]
impl Source for Load {
    fn tools(&self) -> Vec<Tool> {
        self.tools.clone()
    }

    async fn call(&self, name: &str, arguments: &JsonObject, _: &Context) -> Result<CallToolResult, Refusal> {
        // The arguments have passed the schema.
        let text = if name == "blob" {
            let bytes = arguments.get("bytes").and_then(Value::as_u64).unwrap_or_default();
            "x".repeat(usize::try_from(bytes).unwrap_or_default())
        } else {
            arguments.get("text").and_then(Value::as_str).unwrap_or_default().to_owned()
        };
        Ok(CallToolResult::success(vec![ContentBlock::text(text)]))
    }

    async fn health(&self) -> Health {
        Health::Ready
    }
}

#[tokio::main]
#[expect(clippy::print_stderr, reason = "an example tells where it listens")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let config = arguments.first().map(PathBuf::from);
    let tools = arguments.get(1).map_or(Ok(0), |number| number.parse())?;
    let app = App::from_file(config.as_deref())?.source("load", Arc::new(Load::new(tools)));
    let server = app.with(|plan| plan.sessions.max_of_one = plan.sessions.max).start()?;
    if arguments.iter().any(|argument| argument == "--stdio") {
        server.serve_stdio(CancellationToken::new()).await?;
        return Ok(());
    }
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
    eprintln!("http://{}/mcp", listener.local_addr()?);
    server.serve_http(listener, CancellationToken::new()).await?;
    Ok(())
}
