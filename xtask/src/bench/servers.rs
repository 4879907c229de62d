//! The servers that Portwright is measured beside. Each answers one tool, `echo`, over HTTP at `/mcp`.

use std::sync::Arc;

use anyhow::Result;
use axum::Router;
use axum::body::Bytes;
use axum::http::header::CONTENT_TYPE;
use axum::response::IntoResponse;
use axum::routing::post;
use axum::serve::ListenerExt;
use rmcp::model::{
    CallToolRequestParams, CallToolResponse, CallToolResult, ContentBlock, ErrorData, JsonObject, ListToolsResult,
    PaginatedRequestParams, ServerCapabilities, ServerConfig, Tool,
};
use rmcp::service::{RequestContext, RoleServer};
use rmcp::transport::streamable_http_server::session::local::LocalSessionManager;
use rmcp::transport::streamable_http_server::{StreamableHttpServerConfig, StreamableHttpService};
use rmcp::{ServerHandler, ServiceExt};
use serde_json::{Value, json};
use tokio::net::TcpListener;

use super::ServerName;

/// Serves until it is killed. Its address is the first line on standard output.
pub(crate) fn serve(server: ServerName) -> Result<()> {
    tokio::runtime::Builder::new_multi_thread().enable_all().build()?.block_on(async {
        let app = match server {
            ServerName::Floor => Router::new().route("/mcp", post(floor)),
            ServerName::Rmcp => Router::new().route_service("/mcp", rmcp_service()),
            ServerName::RmcpStdio => {
                Echo::new().serve(rmcp::transport::io::stdio_pipes()).await?.waiting().await?;
                return Ok(());
            }
        };
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        println!("{}", listener.local_addr()?);
        let listener = listener.tap_io(|stream| {
            let _ = stream.set_nodelay(true);
        });
        axum::serve(listener, app).await?;
        Ok(())
    })
}

/// The least that a JSON-RPC server over HTTP can do: parse, look, answer.
async fn floor(body: Bytes) -> impl IntoResponse {
    let answer = match serde_json::from_slice::<Value>(&body) {
        Ok(request) => json!({
            "jsonrpc": "2.0",
            "id": request["id"],
            "result": {
                "content": [{ "type": "text", "text": request["params"]["arguments"]["text"] }],
                "resultType": "complete",
            },
        }),
        Err(_) => json!({ "jsonrpc": "2.0", "error": { "code": -32700, "message": "no JSON" } }),
    };
    ([(CONTENT_TYPE, "application/json")], answer.to_string())
}

/// The official SDK's own service: no sessions, plain JSON answers, its fastest way.
fn rmcp_service() -> StreamableHttpService<Echo, LocalSessionManager> {
    let mut config = StreamableHttpServerConfig::default();
    config.legacy_session_mode = false;
    config.json_response = true;
    let echo = Echo::new();
    StreamableHttpService::new(move || Ok(echo.clone()), Arc::new(LocalSessionManager::default()), config)
}

#[derive(Clone)]
struct Echo {
    tool: Arc<Tool>,
}

impl Echo {
    fn new() -> Self {
        let schema = json!({
            "type": "object",
            "properties": { "text": { "type": "string", "description": "What to say" } },
            "required": ["text"],
        });
        let schema: JsonObject = schema.as_object().cloned().unwrap_or_default();
        Self { tool: Arc::new(Tool::new("echo", "Says what it is told.", schema)) }
    }
}

impl ServerHandler for Echo {
    fn get_info(&self) -> ServerConfig {
        ServerConfig::new(ServerCapabilities::builder().enable_tools().build())
    }

    async fn list_tools(
        &self,
        _: Option<PaginatedRequestParams>,
        _: RequestContext<RoleServer>,
    ) -> Result<ListToolsResult, ErrorData> {
        Ok(ListToolsResult::with_all_items(vec![self.tool.as_ref().clone()]))
    }

    fn get_tool(&self, name: &str) -> Option<Tool> {
        (name == "echo").then(|| self.tool.as_ref().clone())
    }

    async fn call_tool(
        &self,
        request: CallToolRequestParams,
        _: RequestContext<RoleServer>,
    ) -> Result<CallToolResponse, ErrorData> {
        let arguments = request.arguments.unwrap_or_default();
        let text = arguments.get("text").and_then(Value::as_str).unwrap_or_default();
        Ok(CallToolResult::success(vec![ContentBlock::text(text)]).into())
    }
}
