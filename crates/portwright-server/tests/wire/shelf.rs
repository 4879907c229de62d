//! A well-behaved source with something of everything, whose lists a test may change.

use portwright_core::protocol::{
    ArgumentInfo, CallToolResult, CompleteResult, CompletionContext, CompletionInfo, ContentBlock, GetPromptResult,
    JsonObject, Prompt, PromptArgument, PromptMessage, ReadResourceResult, Reference, Resource, ResourceContents,
    ResourceTemplate, Role, Tool, ToolAnnotations,
};
use portwright_core::{Context, Health, LogLevel, Refusal, Source, async_trait};
use serde_json::{Value, json};
use tokio::sync::watch;

/// Has `tools` numbered tools beside its own.
#[derive(Debug)]
pub(crate) struct Shelf {
    tools: watch::Sender<u64>,
}

impl Shelf {
    pub(crate) fn new(tools: u64) -> Self {
        Self { tools: watch::Sender::new(tools) }
    }

    pub(crate) fn set_tools(&self, tools: u64) {
        self.tools.send_replace(tools);
    }
}

fn tool(name: &str, schema: &Value) -> Tool {
    let mut tool = Tool::default();
    tool.name = name.to_owned().into();
    tool.description = Some("A tool for tests.".into());
    tool.input_schema = schema.as_object().cloned().unwrap_or_default().into();
    tool.annotations = Some(ToolAnnotations::new().read_only(true));
    tool
}

#[async_trait]
impl Source for Shelf {
    fn tools(&self) -> Vec<Tool> {
        let none = json!({"type": "object", "additionalProperties": false});
        let word = json!({"type": "object", "properties": {"word": {"type": "string"}}, "required": ["word"]});
        let region = json!({"type": "object", "properties": {
            "region": {"type": "string", "x-mcp-header": "Region"},
            "deep": {"type": "object", "properties": {"count": {"type": "integer", "x-mcp-header": "Count"}}}
        }});
        let broken = json!({"type": "object", "properties": {"a": {"$ref": "https://elsewhere.example/schema"}}});
        let mut tools =
            vec![tool("say", &word), tool("steps", &none), tool("mirror", &region), tool("unsound", &broken)];
        tools.extend((0..*self.tools.borrow()).map(|number| tool(&format!("tool_{number:05}"), &none)));
        tools
    }

    fn resources(&self) -> Vec<Resource> {
        vec![Resource::new("shelf://note", "note").with_mime_type("text/plain")]
    }

    fn templates(&self) -> Vec<ResourceTemplate> {
        vec![
            ResourceTemplate::new("shelf://items/{id}", "item"),
            ResourceTemplate::new("shelf://files/{+path}", "file"),
        ]
    }

    fn prompts(&self) -> Vec<Prompt> {
        let argument = PromptArgument::new("uri").with_description("What to embed").with_required(true);
        vec![Prompt::new("embed", Some("Embeds a resource."), Some(vec![argument]))]
    }

    async fn call(&self, name: &str, arguments: &JsonObject, cx: &Context) -> Result<CallToolResult, Refusal> {
        let text = match name {
            "say" => arguments["word"].as_str().unwrap_or_default().to_owned(),
            "steps" => {
                // The second is no progress, so it is not told.
                for (step, said) in [(1.0, "one"), (0.5, "back"), (2.0, "two")] {
                    cx.downstream.progress(step, Some(2.0), Some(said));
                    tokio::task::yield_now().await;
                }
                cx.downstream.log(LogLevel::Debug, "shelf", json!("fine print"));
                cx.downstream.log(LogLevel::Error, "shelf", json!({"loud": true}));
                tokio::task::yield_now().await;
                "done".to_owned()
            }
            other => other.to_owned(),
        };
        Ok(CallToolResult::success(vec![ContentBlock::text(text)]))
    }

    async fn read(&self, uri: &str, cx: &Context) -> Result<ReadResourceResult, Refusal> {
        if let (Some("loop"), Some(resources)) = (uri.strip_prefix("shelf://items/"), &cx.resources) {
            return resources.read(uri, cx).await;
        }
        if uri == "shelf://items/none" {
            return Err(Refusal::not_found("resource", uri));
        }
        Ok(ReadResourceResult::new(vec![ResourceContents::TextResourceContents {
            uri: uri.to_owned(),
            mime_type: Some("text/plain".to_owned()),
            text: format!("text of {uri}"),
            meta: None,
        }]))
    }

    async fn get_prompt(&self, _: &str, arguments: &JsonObject, cx: &Context) -> Result<GetPromptResult, Refusal> {
        let uri = arguments["uri"].as_str().unwrap_or_default();
        let resources = cx.resources.as_ref().ok_or_else(|| Refusal::failed("nothing to read with"))?;
        let contents = resources.read(uri, cx).await?.contents;
        let message = |content| PromptMessage::new(Role::User, ContentBlock::resource(content));
        Ok(GetPromptResult::new(contents.into_iter().map(message).collect()))
    }

    async fn complete(
        &self,
        reference: &Reference,
        argument: &ArgumentInfo,
        _: Option<&CompletionContext>,
        _: &Context,
    ) -> Result<CompleteResult, Refusal> {
        let values = vec![format!("{}:{}", reference.reference_type(), argument.value)];
        Ok(CompleteResult::new(CompletionInfo::with_all_values(values).map_err(Refusal::internal)?))
    }

    async fn health(&self) -> Health {
        Health::Ready
    }

    fn changes(&self) -> Option<watch::Receiver<u64>> {
        Some(self.tools.subscribe())
    }
}
