//! Texts and prompts that stand in the program.

use std::fmt;
use std::sync::Arc;

use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::protocol::{
    GetPromptResult, JsonObject, Prompt, PromptArgument, PromptMessage, ReadResourceResult, Resource, ResourceContents,
};
use crate::refusal::Refusal;

/// A text under a URI.
#[derive(Debug, Clone)]
pub(super) struct WrittenText {
    pub(super) resource: Resource,
    text: Arc<str>,
}

impl WrittenText {
    pub(super) fn new(uri: String, name: String, text: Arc<str>) -> Self {
        Self { resource: Resource::new(uri, name).with_mime_type("text/plain"), text }
    }

    pub(super) fn read(&self) -> ReadResourceResult {
        ReadResourceResult::new(vec![ResourceContents::TextResourceContents {
            uri: self.resource.uri.clone(),
            mime_type: self.resource.mime_type.clone(),
            text: self.text.to_string(),
            meta: None,
        }])
    }
}

type FillIn = dyn Fn(&JsonObject) -> Result<Vec<PromptMessage>, Refusal> + Send + Sync;

/// A prompt made of a function.
#[derive(Clone)]
pub(super) struct WrittenPrompt {
    pub(super) prompt: Prompt,
    function: Arc<FillIn>,
}

impl fmt::Debug for WrittenPrompt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WrittenPrompt").field("name", &self.prompt.name).finish_non_exhaustive()
    }
}

impl WrittenPrompt {
    pub(super) fn new<A, F>(name: String, description: String, schema: &JsonObject, function: F) -> Self
    where
        A: DeserializeOwned,
        F: Fn(A) -> Result<Vec<PromptMessage>, Refusal> + Send + Sync + 'static,
    {
        let function = move |arguments: &JsonObject| {
            let arguments = serde_json::from_value(Value::Object(arguments.clone()));
            function(arguments.map_err(|error| Refusal::invalid(format!("the arguments do not fit: {error}")))?)
        };
        let prompt = Prompt::new(name, Some(description), Some(arguments(schema)));
        Self { prompt, function: Arc::new(function) }
    }

    pub(super) fn fill_in(&self, arguments: &JsonObject) -> Result<GetPromptResult, Refusal> {
        let mut result = GetPromptResult::new((self.function)(arguments)?);
        result.description.clone_from(&self.prompt.description);
        Ok(result)
    }
}

/// A prompt's arguments, from the schema of their type.
fn arguments(schema: &JsonObject) -> Vec<PromptArgument> {
    let required = |name: &str| {
        let names = schema.get("required").and_then(Value::as_array);
        names.is_some_and(|names| names.iter().any(|one| one == name))
    };
    let members = schema.get("properties").and_then(Value::as_object);
    let argument = |(name, member): (&String, &Value)| {
        let argument = PromptArgument::new(name.clone()).with_required(required(name));
        match member.get("description").and_then(Value::as_str) {
            Some(description) => argument.with_description(description),
            None => argument,
        }
    };
    members.into_iter().flatten().map(argument).collect()
}
