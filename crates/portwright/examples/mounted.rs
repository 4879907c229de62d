//! A server written with the official SDK (rmcp), behind Portwright's guards and on all of its transports:
//! `cargo run --example mounted`.

use std::path::PathBuf;

use portwright::{App, mount};
use rmcp::ServerHandler;
use rmcp::model::{
    CallToolRequestParams, CallToolResponse, CallToolResult, ContentBlock, ErrorData, JsonObject, ListToolsResult,
    PaginatedRequestParams, ServerCapabilities, ServerConfig, Tool,
};
use rmcp::service::{RequestContext, RoleServer};
use serde_json::json;

/// A server as it was before it met Portwright; one written with rmcp's macros is mounted in the same way.
#[derive(Debug, Clone)]
pub(crate) struct Legacy;

impl ServerHandler for Legacy {
    fn get_info(&self) -> ServerConfig {
        ServerConfig::new(ServerCapabilities::builder().enable_tools().build())
    }

    async fn list_tools(
        &self,
        _: Option<PaginatedRequestParams>,
        _: RequestContext<RoleServer>,
    ) -> Result<ListToolsResult, ErrorData> {
        let mut schema = JsonObject::new();
        schema.insert("type".into(), json!("object"));
        schema.insert("properties".into(), json!({ "text": { "type": "string", "description": "What to shout" } }));
        schema.insert("required".into(), json!(["text"]));
        Ok(ListToolsResult::with_all_items(vec![Tool::new("shout", "Says it louder.", schema)]))
    }

    async fn call_tool(
        &self,
        call: CallToolRequestParams,
        _: RequestContext<RoleServer>,
    ) -> Result<CallToolResponse, ErrorData> {
        let arguments = call.arguments.unwrap_or_default();
        let text = arguments.get("text").and_then(|text| text.as_str()).unwrap_or_default();
        let said = ContentBlock::text(text.to_uppercase());
        Ok(CallToolResponse::Complete(CallToolResult::success(vec![said])))
    }
}

/// The one line, and a record of every call.
pub(crate) fn app(audit: Option<PathBuf>) -> App {
    let app = App::new("acme").source("legacy", mount(Legacy));
    app.with(|plan| plan.audit = audit.map(portwright::AuditPlan::new))
}

#[tokio::main]
#[cfg_attr(test, expect(dead_code, reason = "tests call what it is made of"))]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    Ok(app(std::env::args_os().nth(1).map(PathBuf::from)).run().await?)
}
