//! [`Subject`]: what a server lists, as the rules look at it.

use portwright_core::protocol::{Prompt, Resource, ResourceTemplate, Tool};
use serde_json::{Map, Value};

use super::tokens;

/// Everything that a server lists.
#[derive(Debug)]
pub(crate) struct Subject {
    pub(crate) tools: Vec<ToolView>,
    pub(super) prompts: Vec<Prompt>,
    pub(super) resources: Vec<Resource>,
    pub(super) templates: Vec<ResourceTemplate>,
}

/// A tool.
#[derive(Debug)]
pub(crate) struct ToolView {
    pub(crate) name: String,
    pub(super) title: String,
    pub(super) description: String,
    pub(super) schema: Value,
    pub(super) has_output: bool,
    pub(super) read_only: Option<bool>,
    pub(super) destructive: Option<bool>,
    /// What it costs, as it is sent.
    pub(super) tokens: usize,
}

impl Subject {
    pub(crate) fn new(
        tools: &[Tool],
        prompts: Vec<Prompt>,
        resources: Vec<Resource>,
        templates: Vec<ResourceTemplate>,
    ) -> Self {
        Self { tools: tools.iter().map(ToolView::new).collect(), prompts, resources, templates }
    }
}

impl ToolView {
    fn new(tool: &Tool) -> Self {
        // A model sees name, description and input schema.
        let seen =
            serde_json::json!({"name": tool.name, "description": tool.description, "parameters": *tool.input_schema});
        let annotations = tool.annotations.as_ref();
        let title = tool.title.clone().or_else(|| annotations.and_then(|hints| hints.title.clone()));
        Self {
            name: tool.name.to_string(),
            title: title.unwrap_or_default(),
            description: tool.description.as_deref().unwrap_or_default().trim().to_owned(),
            has_output: tool.output_schema.is_some(),
            read_only: annotations.and_then(|hints| hints.read_only_hint),
            destructive: annotations.and_then(|hints| hints.destructive_hint),
            tokens: tokens::count(&seen.to_string()),
            schema: Value::Object((*tool.input_schema).clone()),
        }
    }

    /// Its parameters, each with its schema.
    pub(super) fn parameters(&self) -> impl Iterator<Item = (&str, &Value)> {
        let properties = self.schema.get("properties").and_then(Value::as_object);
        properties.into_iter().flatten().map(|(name, schema)| (name.as_str(), schema))
    }

    /// The words of its name.
    pub(super) fn words(&self) -> Vec<String> {
        words_of(&self.name)
    }

    /// Description and parameters' descriptions, in small letters.
    pub(super) fn told(&self) -> String {
        let parameters = self.parameters().filter_map(|(_, schema)| schema["description"].as_str());
        let all: Vec<&str> = std::iter::once(self.description.as_str()).chain(parameters).collect();
        all.join(" ").to_lowercase()
    }
}

/// `getOrder_items` → `get`, `order`, `items`
pub(super) fn words_of(name: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut small = false;
    for letter in name.chars() {
        let breaks = !letter.is_alphanumeric() || (letter.is_uppercase() && small);
        if breaks {
            words.push(String::new());
        }
        small = letter.is_lowercase() || letter.is_numeric();
        if letter.is_alphanumeric()
            && let Some(word) = words.last_mut()
        {
            word.extend(letter.to_lowercase());
        }
    }
    words.retain(|word| !word.is_empty());
    words
}

/// Every text of a schema that a model reads, with where it stands.
pub(super) fn texts(schema: &Value) -> Vec<(String, String)> {
    fn walk(value: &Value, at: &str, found: &mut Vec<(String, String)>) {
        match value {
            Value::String(text) => found.push((at.to_owned(), text.clone())),
            Value::Array(items) => items.iter().for_each(|item| walk(item, at, found)),
            Value::Object(entries) => walk_entries(entries, at, found),
            _ => {}
        }
    }
    fn walk_entries(entries: &Map<String, Value>, at: &str, found: &mut Vec<(String, String)>) {
        for (key, value) in entries {
            let inside = match key.as_str() {
                "properties" | "items" | "$defs" | "definitions" | "anyOf" | "oneOf" | "allOf" => at.to_owned(),
                _ if at.is_empty() => key.clone(),
                _ => format!("{at}.{key}"),
            };
            walk(value, &inside, found);
        }
    }
    let mut found = Vec::new();
    walk(schema, "", &mut found);
    found
}
