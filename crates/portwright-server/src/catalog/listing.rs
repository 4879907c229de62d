//! A source's lists, prepared once: schemas compiled, entries written as they go over the wire.

use std::borrow::Cow;
use std::collections::HashSet;
use std::sync::Arc;

use portwright_core::protocol::{JsonObject, Prompt, Tool};
use portwright_core::{Alias, Effects, Source, Target, TaskSupport, UriTemplate, limits};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use serde_json::value::RawValue;

use super::compile;
use super::{Censor, Drifted};
use crate::guard::validate;

/// Said of a definition that is another than it was.
const DRIFTED: &str = "its definition is another than when it was listed first";

/// Everything one source offers.
#[derive(Debug)]
pub(crate) struct Listing {
    pub(crate) name: Arc<str>,
    pub(crate) source: Arc<dyn Source>,
    pub(crate) tools: Vec<ToolEntry>,
    pub(crate) aliases: Vec<Alias>,
    pub(crate) prompts: Vec<(Prompt, Arc<Target>, Arc<RawValue>)>,
    pub(crate) resources: Vec<(String, Arc<Target>, Arc<RawValue>)>,
    pub(crate) templates: Vec<(UriTemplate, Arc<Target>, Arc<RawValue>)>,
    /// Whether the source can tell when its resources change.
    pub(crate) watchable: bool,
    /// What could not be listed, and why.
    pub(crate) left_out: Vec<String>,
    /// What was listed in other words than its source has for it, and why.
    pub(crate) tidied: Vec<String>,
    /// Names of definitions that are others than were listed first, and are listed all the same.
    pub(crate) drifted: HashSet<String>,
}

/// A tool with what a call of it needs.
#[derive(Debug, Clone)]
pub(crate) struct ToolEntry {
    pub(crate) tool: Arc<Tool>,
    pub(crate) target: Arc<Target>,
    pub(crate) json: Arc<RawValue>,
    /// Arguments that clients mirror into headers (`x-mcp-header`).
    pub(crate) headers: Arc<[HeaderParam]>,
}

/// An argument that a client mirrors into the header `Mcp-Param-NAME`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct HeaderParam {
    /// The whole header's name in lower case.
    pub(crate) header: String,
    /// The keys that lead to the argument.
    pub(crate) path: Vec<String>,
}

impl ToolEntry {
    /// The entry under the name it is listed by: its own, or `SOURCE.name` if others have its own too.
    pub(crate) fn listed_as(&self, source: &str, collides: bool) -> Self {
        let mut entry = self.clone();
        if collides {
            let mut tool = Tool::clone(&self.tool);
            tool.name = Cow::Owned(format!("{source}.{}", tool.name));
            if let Some(json) = raw(&tool) {
                entry.json = json;
            }
            entry.tool = Arc::new(tool);
        }
        entry
    }
}

/// The same for a prompt.
pub(crate) fn prompt_listed_as(
    source: &str,
    prompt: &Prompt,
    json: &Arc<RawValue>,
    collisions: &HashSet<&str>,
) -> (String, Arc<RawValue>) {
    if !collisions.contains(prompt.name.as_str()) {
        return (prompt.name.clone(), json.clone());
    }
    let mut listed = prompt.clone();
    listed.name = format!("{source}.{}", prompt.name);
    let json = raw(&listed).unwrap_or_else(|| json.clone());
    (listed.name, json)
}

impl Listing {
    /// Asks a source for its lists.
    pub(crate) fn of(name: &Arc<str>, source: &Arc<dyn Source>, definitions: &dyn Censor) -> Self {
        let mut listing = Self {
            name: name.clone(),
            source: source.clone(),
            tools: Vec::new(),
            aliases: source.aliases(),
            prompts: Vec::new(),
            resources: Vec::new(),
            templates: Vec::new(),
            watchable: source.updates().is_some(),
            left_out: Vec::new(),
            tidied: Vec::new(),
            drifted: HashSet::new(),
        };
        let definitions = Some(definitions).filter(|_| source.is_foreign());
        let mut seen = HashSet::new();
        for tool in source.tools() {
            let named = tool.name.to_string();
            let Some(tool) = listing.fit("tool", &named, tool, definitions) else { continue };
            if seen.insert(tool.name.to_string()) {
                listing.add_tool(tool);
            } else {
                listing.left_out.push(format!("tool `{}`: offered twice", tool.name));
            }
        }
        let mut seen = HashSet::new();
        for prompt in source.prompts() {
            let named = prompt.name.clone();
            let Some(prompt) = listing.fit("prompt", &named, prompt, definitions) else { continue };
            if seen.insert(prompt.name.clone()) {
                listing.add_prompt(prompt);
            } else {
                listing.left_out.push(format!("prompt `{}`: offered twice", prompt.name));
            }
        }
        for resource in source.resources() {
            let named = resource.uri.clone();
            let Some(resource) = listing.fit("resource", &named, resource, definitions) else { continue };
            let target = listing.target(&resource.uri);
            if let Some(json) = raw(&resource) {
                listing.resources.push((resource.uri, target, json));
            }
        }
        for template in source.templates() {
            let named = template.uri_template.clone();
            let Some(template) = listing.fit("template", &named, template, definitions) else { continue };
            let target = listing.target(&template.uri_template);
            match (compile(&template), raw(&template)) {
                (Some(matcher), Some(json)) => listing.templates.push((matcher, target, json)),
                _ => listing.left_out.push(format!("template `{}`: it can't be matched", template.uri_template)),
            }
        }
        listing
    }

    /// A definition as it may be listed. `definitions`: others than the operator wrote it.
    fn fit<T: Serialize + DeserializeOwned>(
        &mut self,
        kind: &str,
        name: &str,
        definition: T,
        definitions: Option<&dyn Censor>,
    ) -> Option<T> {
        const NAME_LETTERS_MAX: usize = 64;
        let Some(definitions) = definitions else { return Some(definition) };
        let shown = || name.chars().take(NAME_LETTERS_MAX).flat_map(char::escape_debug).collect::<String>();
        let drifted = serde_json::to_value(&definition)
            .map_or(Drifted::Barred, |value| definitions.drifted(&self.name, kind, name, &value));
        match drifted {
            Drifted::No => {}
            Drifted::Told => {
                self.tidied.push(format!("{kind} `{}`: {DRIFTED}", shown()));
                self.drifted.insert(name.to_owned());
            }
            Drifted::Barred => {
                self.left_out.push(format!("{kind} `{}`: {DRIFTED}", shown()));
                return None;
            }
        }
        match tidy(definition, definitions) {
            Ok((definition, done)) => {
                self.tidied.extend(done.map(|done| format!("{kind} `{}`: {done}", shown())));
                Some(definition)
            }
            Err(reason) => {
                self.left_out.push(format!("{kind} `{}`: {reason}", shown()));
                None
            }
        }
    }

    fn add_tool(&mut self, tool: Tool) {
        let schema = &tool.input_schema;
        let compiled = match (named(&tool.name), validate::compile(schema), header_params(schema)) {
            (false, ..) => Err("its name may hold letters, digits and `_.-` only".to_owned()),
            (_, Err(error), _) => Err(error.to_string()),
            (.., Err(error)) => Err(error),
            (true, Ok(compiled), Ok(headers)) => Ok((compiled, headers)),
        };
        let (compiled, headers) = match compiled {
            Ok(compiled) => compiled,
            Err(reason) => return self.left_out.push(format!("tool `{}`: {reason}", tool.name)),
        };
        let tool = Arc::new(tool);
        let Some(json) = raw(&*tool) else { return };
        let target = Target {
            source: self.name.clone(),
            name: tool.name.to_string(),
            aliases: self.other_names(&tool.name, false),
            narrow_aliases: self.other_names(&tool.name, true),
            effects: Effects::of(&tool),
            tool: Some(tool.clone()),
            arguments: Some(compiled),
            tasks: self.source.task_support(&tool.name),
        };
        self.tools.push(ToolEntry { tool, target: Arc::new(target), json, headers: headers.into() });
    }

    /// The other names of a tool: those of all of it, or the `narrow` ones that stand for a part.
    fn other_names(&self, tool: &str, narrow: bool) -> Vec<String> {
        let others = self.aliases.iter().filter(|alias| alias.tool == tool && alias.name != tool);
        others.filter(|alias| alias.implied.is_empty() != narrow).map(|alias| alias.name.clone()).collect()
    }

    fn add_prompt(&mut self, prompt: Prompt) {
        let Some(json) = raw(&prompt) else { return };
        let mut target = self.bare_target(&prompt.name);
        target.arguments = Some(validate::compile_prompt(&prompt));
        self.prompts.push((prompt, Arc::new(target), json));
    }

    fn target(&self, name: &str) -> Arc<Target> {
        Arc::new(self.bare_target(name))
    }

    fn bare_target(&self, name: &str) -> Target {
        Target {
            source: self.name.clone(),
            name: name.to_owned(),
            aliases: Vec::new(),
            narrow_aliases: Vec::new(),
            effects: Effects::None,
            tool: None,
            arguments: None,
            tasks: TaskSupport::NEVER,
        }
    }
}

fn tidy<T: Serialize + DeserializeOwned>(
    definition: T,
    definitions: &dyn Censor,
) -> Result<(T, Option<&'static str>), String> {
    let mut value = serde_json::to_value(&definition).map_err(|_| "it can't be written as JSON")?;
    match definitions.tidy(&mut value)? {
        None => Ok((definition, None)),
        done => Ok((serde_json::from_value(value).map_err(|_| "it can't be cleaned")?, done)),
    }
}

fn raw(value: &impl Serialize) -> Option<Arc<RawValue>> {
    serde_json::value::to_raw_value(value).ok().map(Arc::from)
}

/// The specification's letters for tool names.
fn named(name: &str) -> bool {
    (1..=128).contains(&name.len())
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.'))
}

/// The arguments that carry `x-mcp-header`. The keyword may stand only on strings, integers and booleans that a pure
/// chain of `properties` leads to.
fn header_params(schema: &JsonObject) -> Result<Vec<HeaderParam>, String> {
    let mut found = Vec::new();
    collect(schema, &mut Vec::new(), &mut found)?;
    let mut seen = HashSet::new();
    match found.iter().find(|param| !seen.insert(param.header.as_str())) {
        Some(twice) => Err(format!("two arguments have the header `{}`", twice.header)),
        None => Ok(found),
    }
}

fn collect(schema: &JsonObject, path: &mut Vec<String>, found: &mut Vec<HeaderParam>) -> Result<(), String> {
    if path.len() > limits::SCHEMA_DEPTH_MAX {
        return Ok(());
    }
    let Some(properties) = schema.get("properties").and_then(Value::as_object) else { return Ok(()) };
    for (key, property) in properties {
        let Some(property) = property.as_object() else { continue };
        path.push(key.clone());
        if let Some(name) = property.get("x-mcp-header") {
            let kind = property.get("type").and_then(Value::as_str);
            let name = name.as_str().filter(|name| token(name));
            match (name, kind) {
                (Some(name), Some("string" | "integer" | "boolean")) => {
                    let header = format!("mcp-param-{}", name.to_ascii_lowercase());
                    found.push(HeaderParam { header, path: path.clone() });
                }
                _ => return Err(format!("`x-mcp-header` of `{}` does not fit", path.join("."))),
            }
        }
        collect(property, path, found)?;
        path.pop();
    }
    Ok(())
}

/// A token of RFC 9110.
fn token(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte))
}
