//! A server with what the official conformance suite asks for:
//!
//!     cargo run -p portwright-server --example conformance -- 127.0.0.1:8722
//!     npx @modelcontextprotocol/conformance server --url http://127.0.0.1:8722/mcp --requirements 2026-07-28
//!
//! With `--stdio` it serves standard input and output instead.

#[path = "conformance/asking.rs"]
mod asking;

use std::sync::Arc;
use std::time::Duration;

use portwright_core::protocol::{
    ArgumentInfo, CallToolResult, CompleteResult, CompletionContext, CompletionInfo, ContentBlock, GetPromptResult,
    JsonObject, Prompt, PromptArgument, PromptMessage, ReadResourceResult, Reference, Resource, ResourceContents,
    ResourceTemplate, Role, Tool,
};
use portwright_core::{Context, Health, LogLevel, Refusal, Source, async_trait};
use portwright_server::plan::ServerPlan;
use portwright_server::{Mount, Origin, Server};
use serde_json::{Value, json};
use tokio::sync::{broadcast, watch};
use tokio_util::sync::CancellationToken;

/// One red pixel.
const PNG: &str = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8DwHwAFBQIAX8jx0gAAAABJRU5ErkJggg==";
/// A WAV file without a sample.
const WAV: &str = "UklGRiQAAABXQVZFZm10IBAAAAABAAEAQB8AAEAfAAABAAgAZGF0YQAAAAA=";
const PAUSE: Duration = Duration::from_millis(50);

#[derive(Debug)]
struct Fixture {
    revision: watch::Sender<u64>,
    updates: broadcast::Sender<Arc<str>>,
}

fn object(value: &Value) -> JsonObject {
    value.as_object().cloned().unwrap_or_default()
}

fn tool(name: &'static str, description: &'static str, schema: &Value) -> Tool {
    Tool::new(name, description, object(schema))
}

fn embedded(uri: &str, mime: &str, text: &str) -> ContentBlock {
    ContentBlock::resource(ResourceContents::TextResourceContents {
        uri: uri.into(),
        mime_type: Some(mime.into()),
        text: text.into(),
        meta: None,
    })
}

fn words(text: &str) -> CallToolResult {
    CallToolResult::success(vec![ContentBlock::text(text)])
}

impl Fixture {
    fn grown(&self, what: u64) -> bool {
        *self.revision.borrow() & what != 0
    }

    fn grow(&self, what: u64) -> CallToolResult {
        self.revision.send_modify(|revision| *revision ^= what);
        words("changed")
    }
}

fn schema_2020_12() -> Value {
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "type": "object",
        "$defs": {"address": {
            "$anchor": "addressDef",
            "type": "object",
            "properties": {"street": {"type": "string"}, "city": {"type": "string"}}
        }},
        "properties": {
            "name": {"type": "string"},
            "address": {"$ref": "#/$defs/address"},
            "contactMethod": {"type": "string", "enum": ["phone", "email"]},
            "phone": {"type": "string"},
            "email": {"type": "string"}
        },
        "allOf": [{"anyOf": [{"required": ["phone"]}, {"required": ["email"]}]}],
        "if": {"properties": {"contactMethod": {"const": "phone"}}, "required": ["contactMethod"]},
        "then": {"required": ["phone"]},
        "else": {"required": ["email"]},
        "additionalProperties": false
    })
}

#[async_trait]
impl Source for Fixture {
    fn tools(&self) -> Vec<Tool> {
        let none = json!({"type": "object", "additionalProperties": false});
        let region = json!({"type": "object", "properties": {
            "region": {"type": "string", "x-mcp-header": "Region"},
            "query": {"type": "string"}
        }, "required": ["region", "query"]});
        let mut tools = vec![
            tool("a_simple_text", "Returns a text.", &none),
            tool("test_simple_text", "Returns a text.", &none),
            tool("test_image_content", "Returns an image.", &none),
            tool("test_audio_content", "Returns a sound.", &none),
            tool("test_embedded_resource", "Returns a resource.", &none),
            tool("test_multiple_content_types", "Returns several kinds of content.", &none),
            tool("test_error_handling", "Always fails.", &none),
            tool("test_tool_with_progress", "Tells of its progress.", &none),
            tool("test_reconnection", "Lets go of the connection while it works.", &none),
            tool("test_tool_with_logging", "Tells what it does.", &none),
            tool("test_logging_tool", "Tells what it does to those who asked.", &none),
            tool("json_schema_2020_12_tool", "Has a rich schema.", &schema_2020_12()),
            tool("test_custom_header", "Has an argument that is mirrored into a header.", &region),
            tool("test_trigger_tool_change", "Changes the list of tools.", &none),
            tool("test_trigger_prompt_change", "Changes the list of prompts.", &none),
        ];
        tools.extend(asking::tools());
        if self.grown(1) {
            tools.push(tool("test_grown", "Came later.", &none));
        }
        tools
    }

    fn resources(&self) -> Vec<Resource> {
        let resource = |uri: &str, name: &str, mime: &str| {
            Resource::new(uri, name).with_description("A resource for tests.").with_mime_type(mime)
        };
        vec![
            resource("test://static-text", "static text", "text/plain"),
            resource("test://static-binary", "static binary", "image/png"),
            resource("test://watched-resource", "watched", "text/plain"),
        ]
    }

    fn templates(&self) -> Vec<ResourceTemplate> {
        let template = ResourceTemplate::new("test://template/{id}/data", "template");
        vec![template.with_description("Data by id.").with_mime_type("application/json")]
    }

    fn prompts(&self) -> Vec<Prompt> {
        let argument = |name: &str| PromptArgument::new(name).with_description("An argument.").with_required(true);
        let prompt = |name: &str, arguments| Prompt::new(name, Some("A prompt for tests."), arguments);
        let mut prompts = vec![
            prompt("test_simple_prompt", None),
            prompt("test_prompt_with_arguments", Some(vec![argument("arg1"), argument("arg2")])),
            prompt("test_prompt_with_embedded_resource", Some(vec![argument("resourceUri")])),
            prompt("test_prompt_with_image", None),
            asking::prompt(),
        ];
        if self.grown(2) {
            prompts.push(prompt("test_grown_prompt", None));
        }
        prompts
    }

    async fn call(&self, name: &str, arguments: &JsonObject, cx: &Context) -> Result<CallToolResult, Refusal> {
        Ok(match name {
            "test_simple_text" | "a_simple_text" => words("This is a simple text response for testing."),
            "test_image_content" => CallToolResult::success(vec![ContentBlock::image(PNG, "image/png")]),
            "test_audio_content" => CallToolResult::success(vec![ContentBlock::audio(WAV, "audio/wav")]),
            "test_embedded_resource" => CallToolResult::success(vec![embedded(
                "test://embedded-resource",
                "text/plain",
                "This is an embedded resource content.",
            )]),
            "test_multiple_content_types" => CallToolResult::success(vec![
                ContentBlock::text("Multiple content types test:"),
                ContentBlock::image(PNG, "image/png"),
                embedded("test://mixed-content-resource", "application/json", r#"{"test":"data","value":123}"#),
            ]),
            "test_error_handling" => {
                return Err(Refusal::failed("This tool intentionally returns an error for testing"));
            }
            "test_tool_with_progress" => {
                for step in [0.0, 50.0, 100.0] {
                    cx.downstream.progress(step, Some(100.0), Some("working"));
                    tokio::time::sleep(PAUSE).await;
                }
                words("done")
            }
            "test_reconnection" => {
                cx.downstream.hang_up();
                tokio::time::sleep(PAUSE * 4).await;
                words("done, after the connection was let go")
            }
            "test_tool_with_logging" | "test_logging_tool" => {
                for text in ["Tool execution started", "Tool processing data", "Tool execution completed"] {
                    cx.downstream.log(LogLevel::Info, "fixture", json!(text));
                    tokio::time::sleep(PAUSE).await;
                }
                words("done")
            }
            "test_trigger_tool_change" => self.grow(1),
            "test_trigger_prompt_change" => self.grow(2),
            "json_schema_2020_12_tool" | "test_custom_header" | "test_grown" => words("ok"),
            name => return asking::call(name, arguments, cx).await,
        })
    }

    async fn read(&self, uri: &str, _: &Context) -> Result<ReadResourceResult, Refusal> {
        let text = |mime: &str, text: String| ResourceContents::TextResourceContents {
            uri: uri.to_owned(),
            mime_type: Some(mime.into()),
            text,
            meta: None,
        };
        let id = uri.strip_prefix("test://template/").and_then(|rest| rest.strip_suffix("/data"));
        let contents = match (uri, id) {
            ("test://static-text" | "test://watched-resource", _) => {
                text("text/plain", "This is the content of the static text resource.".into())
            }
            ("test://static-binary", _) => ResourceContents::BlobResourceContents {
                uri: uri.to_owned(),
                mime_type: Some("image/png".into()),
                blob: PNG.into(),
                meta: None,
            },
            (_, Some(id)) => text("application/json", json!({"id": id, "templateTest": true}).to_string()),
            _ => return Err(Refusal::not_found("resource", uri)),
        };
        Ok(ReadResourceResult::new(vec![contents]))
    }

    async fn get_prompt(&self, name: &str, arguments: &JsonObject, cx: &Context) -> Result<GetPromptResult, Refusal> {
        let said = |name: &str| arguments.get(name).and_then(Value::as_str).unwrap_or_default();
        let user = |content| PromptMessage::new(Role::User, content);
        let text = |text: String| user(ContentBlock::text(text));
        let messages = match name {
            "test_input_required_result_prompt" => asking::get_prompt(cx).await?,
            "test_simple_prompt" | "test_grown_prompt" => vec![text("This is a simple prompt for testing.".into())],
            "test_prompt_with_arguments" => {
                vec![text(format!("Prompt with arguments: arg1='{}', arg2='{}'", said("arg1"), said("arg2")))]
            }
            "test_prompt_with_embedded_resource" => vec![
                user(embedded(said("resourceUri"), "text/plain", "Embedded resource content for testing.")),
                text("Please process the embedded resource above.".into()),
            ],
            "test_prompt_with_image" => {
                vec![user(ContentBlock::image(PNG, "image/png")), text("Please analyze the image above.".into())]
            }
            _ => return Err(Refusal::not_found("prompt", name)),
        };
        Ok(GetPromptResult::new(messages))
    }

    async fn complete(
        &self,
        _: &Reference,
        argument: &ArgumentInfo,
        _: Option<&CompletionContext>,
        _: &Context,
    ) -> Result<CompleteResult, Refusal> {
        let known = ["paris", "park", "party"].into_iter().filter(|word| word.starts_with(&argument.value));
        let info = CompletionInfo::with_all_values(known.map(str::to_owned).collect()).map_err(Refusal::internal)?;
        Ok(CompleteResult::new(info))
    }

    async fn health(&self) -> Health {
        Health::Ready
    }

    fn changes(&self) -> Option<watch::Receiver<u64>> {
        Some(self.revision.subscribe())
    }

    fn updates(&self) -> Option<broadcast::Receiver<Arc<str>>> {
        Some(self.updates.subscribe())
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let how = std::env::args().nth(1).unwrap_or_else(|| "127.0.0.1:8722".to_owned());
    let fixture = Arc::new(Fixture { revision: watch::Sender::new(0), updates: broadcast::Sender::new(16) });
    let mount = Mount { name: "fixture".into(), kind: "custom".into(), origin: Origin::Open(fixture), print: None };
    let server = Server::start(ServerPlan::new("conformance"), vec![mount])?;
    let shutdown = CancellationToken::new();
    if how == "--stdio" {
        server.serve_stdio(shutdown).await?;
    } else {
        let listener = tokio::net::TcpListener::bind(how).await?;
        server.serve_http(listener, shutdown).await?;
    }
    Ok(())
}
