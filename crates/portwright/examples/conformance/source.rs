//! The source: its lists, and each call to the file that answers it.

use std::sync::Arc;

use portwright_core::protocol::{
    ArgumentInfo, CallToolResult, CompleteResult, CompletionContext, CompletionInfo, ContentBlock, GetPromptResult,
    JsonObject, Prompt, ReadResourceResult, Reference, Resource, ResourceTemplate, Tool,
};
use portwright_core::{Context, Health, Refusal, Source, TaskSupport, async_trait};
use serde_json::{Value, json};
use tokio::sync::{broadcast, watch};

use crate::changing::Changing;
use crate::{asking, content, prompts, resources, tasks};

/// The fixture.
#[derive(Debug, Default)]
pub(crate) struct Fixture {
    changing: Changing,
}

/// A tool with its schema.
pub(crate) fn tool(name: &'static str, description: &'static str, schema: &Value) -> Tool {
    Tool::new(name, description, schema.as_object().cloned().unwrap_or_default())
}

/// The schema of a tool without arguments.
pub(crate) fn nothing() -> Value {
    json!({"type": "object", "additionalProperties": false})
}

/// The schema of a tool with these arguments, all of them texts that may be left out.
pub(crate) fn texts(names: &[&str]) -> Value {
    let properties: JsonObject = names.iter().map(|name| ((*name).to_owned(), json!({"type": "string"}))).collect();
    json!({"type": "object", "properties": properties, "additionalProperties": false})
}

/// A text argument; empty where there is none.
pub(crate) fn text<'a>(arguments: &'a JsonObject, name: &str) -> &'a str {
    arguments.get(name).and_then(Value::as_str).unwrap_or_default()
}

/// A tool's answer of one text.
pub(crate) fn words(text: impl Into<String>) -> CallToolResult {
    CallToolResult::success(vec![ContentBlock::text(text)])
}

#[async_trait]
impl Source for Fixture {
    fn tools(&self) -> Vec<Tool> {
        [content::tools(), self.changing.tools(), asking::tools(), tasks::tools()].concat()
    }

    fn task_support(&self, tool: &str) -> TaskSupport {
        tasks::support(tool)
    }

    fn resources(&self) -> Vec<Resource> {
        resources::resources()
    }

    fn templates(&self) -> Vec<ResourceTemplate> {
        resources::templates()
    }

    fn prompts(&self) -> Vec<Prompt> {
        [prompts::prompts(), vec![asking::prompt()], self.changing.prompts()].concat()
    }

    async fn call(&self, name: &str, arguments: &JsonObject, cx: &Context) -> Result<CallToolResult, Refusal> {
        if let Some(result) = content::call(name, cx).await.or_else(|| self.changing.call(name)) {
            return result;
        }
        match tasks::call(name, arguments, cx).await {
            Some(result) => result,
            None => asking::call(name, arguments, cx).await,
        }
    }

    async fn read(&self, uri: &str, _: &Context) -> Result<ReadResourceResult, Refusal> {
        resources::read(uri)
    }

    async fn get_prompt(&self, name: &str, arguments: &JsonObject, cx: &Context) -> Result<GetPromptResult, Refusal> {
        match name {
            "test_input_required_result_prompt" => asking::get_prompt(cx).await.map(GetPromptResult::new),
            _ => prompts::get(name, arguments),
        }
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
        Some(self.changing.watch())
    }

    fn updates(&self) -> Option<broadcast::Receiver<Arc<str>>> {
        Some(self.changing.updates())
    }
}
