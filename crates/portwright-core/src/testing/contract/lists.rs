//! Promises about what a source lists.

use std::collections::HashSet;

use serde_json::Value;

use super::Broken;
use crate::protocol::{JsonObject, Prompt, Resource, ResourceTemplate, Tool};
use crate::source::Source;

const NAME_BYTES_MAX: usize = 128;

/// What a source lists, at one moment.
#[derive(Debug, PartialEq)]
pub(super) struct Lists {
    pub(super) tools: Vec<Tool>,
    pub(super) resources: Vec<Resource>,
    pub(super) templates: Vec<ResourceTemplate>,
    pub(super) prompts: Vec<Prompt>,
}

impl Lists {
    pub(super) fn of(source: &dyn Source) -> Self {
        Self {
            tools: source.tools(),
            resources: source.resources(),
            templates: source.templates(),
            prompts: source.prompts(),
        }
    }

    pub(super) fn check(&self, broken: &mut Broken) {
        names("tool names", self.tools.iter().map(|tool| &*tool.name), broken);
        names("prompt names", self.prompts.iter().map(|prompt| prompt.name.as_str()), broken);
        uris("resource URIs", self.resources.iter().map(|resource| resource.uri.as_str()), broken);
        uris("URI templates", self.templates.iter().map(|template| template.uri_template.as_str()), broken);
        for tool in &self.tools {
            check_tool(tool, broken);
        }
        for prompt in &self.prompts {
            check_prompt(prompt, broken);
        }
    }
}

fn names<'a>(promise: &'static str, names: impl Iterator<Item = &'a str>, broken: &mut Broken) {
    let mut seen = HashSet::new();
    for name in names {
        let letters = name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_.-".contains(&byte));
        broken.unless(letters && (1..=NAME_BYTES_MAX).contains(&name.len()), promise, || {
            format!("`{name}` is not 1 to {NAME_BYTES_MAX} of A-Z a-z 0-9 _ . -")
        });
        broken.unless(seen.insert(name), promise, || format!("`{name}` is listed twice"));
    }
}

fn uris<'a>(promise: &'static str, uris: impl Iterator<Item = &'a str>, broken: &mut Broken) {
    let mut seen = HashSet::new();
    for uri in uris {
        let scheme = uri.split_once(':').is_some_and(|(scheme, rest)| {
            scheme.starts_with(|letter: char| letter.is_ascii_alphabetic()) && !rest.is_empty()
        });
        broken.unless(scheme, promise, || format!("`{uri}` has no scheme"));
        broken.unless(seen.insert(uri), promise, || format!("`{uri}` is listed twice"));
    }
}

fn check_tool(tool: &Tool, broken: &mut Broken) {
    let name = &tool.name;
    let described = tool.description.as_deref().is_some_and(|text| !text.trim().is_empty());
    broken.unless(described, "tools are described", || format!("`{name}` has no description"));
    check_schema(name, "input", &tool.input_schema, broken);
    if let Some(schema) = &tool.output_schema {
        check_schema(name, "output", schema, broken);
    }
    let hints = tool.annotations.as_ref();
    let reads = hints.and_then(|hints| hints.read_only_hint);
    let complete = hints.is_some_and(|hints| {
        let writes_told = hints.destructive_hint.is_some() && hints.idempotent_hint.is_some();
        hints.open_world_hint.is_some() && (reads == Some(true) || reads == Some(false) && writes_told)
    });
    broken.unless(complete, "annotations are complete", || {
        format!("`{name}` does not say whether it reads only, destroys, is idempotent and looks outside")
    });
}

fn check_schema(name: &str, which: &str, schema: &JsonObject, broken: &mut Broken) {
    broken.unless(schema.get("type").and_then(Value::as_str) == Some("object"), "schemas are of type object", || {
        format!("the {which} schema of `{name}` is not")
    });
    let properties = schema.get("properties").and_then(Value::as_object);
    let known = |wanted: &str| properties.is_some_and(|properties| properties.contains_key(wanted));
    for wanted in schema.get("required").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str) {
        broken.unless(known(wanted), "required properties exist", || {
            format!("the {which} schema of `{name}` requires `{wanted}` and does not describe it")
        });
    }
    if which == "output" {
        return;
    }
    for (property, own) in properties.into_iter().flatten() {
        let described = own.get("description").and_then(Value::as_str).is_some_and(|text| !text.trim().is_empty());
        broken.unless(described, "parameters are described", || format!("`{property}` of `{name}` has no description"));
    }
}

fn check_prompt(prompt: &Prompt, broken: &mut Broken) {
    let name = &prompt.name;
    let described = prompt.description.as_deref().is_some_and(|text| !text.trim().is_empty());
    broken.unless(described, "prompts are described", || format!("`{name}` has no description"));
    let arguments = prompt.arguments.iter().flatten().map(|argument| argument.name.as_str());
    names("prompt arguments", arguments, broken);
}
