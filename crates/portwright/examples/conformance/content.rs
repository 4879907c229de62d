//! Tools that answer with every kind of content, with progress, with a log, with an error.

use std::time::Duration;

use portwright_core::protocol::{CallToolResult, ContentBlock, ResourceContents, Tool};
use portwright_core::{Context, LogLevel, Refusal};
use serde_json::{Value, json};

use crate::source::{nothing, tool, words};

/// One red pixel.
pub(crate) const PNG: &str =
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8DwHwAFBQIAX8jx0gAAAABJRU5ErkJggg==";
/// A WAV file without a sample.
const WAV: &str = "UklGRiQAAABXQVZFZm10IBAAAAABAAEAQB8AAEAfAAABAAgAZGF0YQAAAAA=";
const PAUSE: Duration = Duration::from_millis(50);

pub(crate) fn tools() -> Vec<Tool> {
    let region = json!({"type": "object", "properties": {
        "region": {"type": "string", "x-mcp-header": "Region"},
        "query": {"type": "string"}
    }, "required": ["region", "query"]});
    vec![
        // The suite calls the first tool without arguments.
        tool("a_simple_text", "Returns a text.", &nothing()),
        tool("test_simple_text", "Returns a text.", &nothing()),
        tool("test_image_content", "Returns an image.", &nothing()),
        tool("test_audio_content", "Returns a sound.", &nothing()),
        tool("test_embedded_resource", "Returns a resource.", &nothing()),
        tool("test_multiple_content_types", "Returns several kinds of content.", &nothing()),
        tool("test_error_handling", "Always fails.", &nothing()),
        tool("test_tool_with_progress", "Tells of its progress.", &nothing()),
        tool("test_reconnection", "Lets go of the connection while it works.", &nothing()),
        tool("test_tool_with_logging", "Tells what it does.", &nothing()),
        tool("test_logging_tool", "Tells what it does to those who asked.", &nothing()),
        tool("json_schema_2020_12_tool", "Has a rich schema.", &rich()),
        tool("test_custom_header", "Has an argument that is mirrored into a header.", &region),
    ]
}

pub(crate) async fn call(name: &str, cx: &Context) -> Option<Result<CallToolResult, Refusal>> {
    Some(Ok(match name {
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
            return Some(Err(Refusal::failed("This tool intentionally returns an error for testing")));
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
        "json_schema_2020_12_tool" | "test_custom_header" => words("ok"),
        _ => return None,
    }))
}

/// A resource within other content.
pub(crate) fn embedded(uri: &str, mime: &str, text: &str) -> ContentBlock {
    ContentBlock::resource(ResourceContents::TextResourceContents {
        uri: uri.into(),
        mime_type: Some(mime.into()),
        text: text.into(),
        meta: None,
    })
}

fn rich() -> Value {
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
