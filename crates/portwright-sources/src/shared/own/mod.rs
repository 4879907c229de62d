//! The tools that a kind of source has of its own, as functions of it: [`Toolbox`] is the kind's list, [`Offer`] what a
//! configuration chose of it. What is not chosen can't be called, whatever a client knows.
//!
//! Arguments and answers are Rust types; their schemas are written as short as they can be, since every client pays for
//! them at each start.

mod choice;
mod schema;
#[cfg(test)]
mod tests;

use std::fmt;
use std::future::Future;
use std::sync::Arc;

use futures::future::BoxFuture;
use portwright_core::protocol::{CallToolResult, ContentBlock, JsonObject, Tool, ToolAnnotations};
use portwright_core::{Alias, Context, Refusal};
use schemars::JsonSchema;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

pub use choice::{OwnPlan, OwnTable, decode, schema};

type Handler<S> =
    dyn Fn(Arc<S>, JsonObject, Context) -> BoxFuture<'static, Result<CallToolResult, Refusal>> + Send + Sync;

/// What a tool does to the world.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Does {
    /// It only reads.
    Read,
    /// It adds, and changes nothing that is there.
    Add,
    /// It changes or deletes; the same call twice does no more than once.
    Set,
    /// It changes or deletes.
    Change,
}

/// A tool of a kind's own; `S` is what the source is made of.
pub struct OwnTool<S> {
    name: &'static str,
    title: &'static str,
    description: String,
    toolset: &'static str,
    does: Does,
    by_name_only: bool,
    aliases: Vec<Alias>,
    input: JsonObject,
    output: JsonObject,
    handler: Arc<Handler<S>>,
}

impl<S> Clone for OwnTool<S> {
    fn clone(&self) -> Self {
        Self {
            name: self.name,
            title: self.title,
            description: self.description.clone(),
            toolset: self.toolset,
            does: self.does,
            by_name_only: self.by_name_only,
            aliases: self.aliases.clone(),
            input: self.input.clone(),
            output: self.output.clone(),
            handler: self.handler.clone(),
        }
    }
}

impl<S> fmt::Debug for OwnTool<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OwnTool").field("name", &self.name).field("does", &self.does).finish_non_exhaustive()
    }
}

/// A tool that reads, made of a function of the source, its arguments and the call's context.
pub fn tool<S, A, T, F, Fut>(
    name: &'static str,
    title: &'static str,
    description: impl Into<String>,
    function: F,
) -> OwnTool<S>
where
    A: DeserializeOwned + JsonSchema,
    T: Serialize + JsonSchema,
    F: Fn(Arc<S>, A, Context) -> Fut + Send + Sync + 'static,
    Fut: Future<Output = Result<Answer<T>, Refusal>> + Send + 'static,
{
    let handler = move |source: Arc<S>, arguments: JsonObject, cx: Context| -> BoxFuture<'static, _> {
        match serde_json::from_value::<A>(Value::Object(arguments)) {
            Ok(arguments) => {
                let answer = function(source, arguments, cx);
                Box::pin(async move { answer.await?.result() })
            }
            Err(error) => {
                let refusal = Refusal::invalid(format!("the arguments do not fit: {error}"));
                Box::pin(std::future::ready(Err(refusal)))
            }
        }
    };
    OwnTool {
        name,
        title,
        description: description.into(),
        toolset: "",
        does: Does::Read,
        by_name_only: false,
        aliases: Vec::new(),
        input: schema::input::<A>(),
        output: schema::output::<T>(),
        handler: Arc::new(handler),
    }
}

impl<S> OwnTool<S> {
    /// What it does to the world, where it does not only read.
    #[must_use]
    pub fn does(mut self, does: Does) -> Self {
        self.does = does;
        self
    }

    /// The group by which `toolsets` chooses it.
    #[must_use]
    pub fn in_set(mut self, toolset: &'static str) -> Self {
        self.toolset = toolset;
        self
    }

    /// It is offered only where `tools` names it in full: no pattern and no toolset brings it in.
    #[must_use]
    pub fn by_name_only(mut self) -> Self {
        self.by_name_only = true;
        self
    }

    /// Another name, for just the same.
    #[must_use]
    pub fn alias(self, name: &str) -> Self {
        self.alias_with(name, &[], &[])
    }

    /// Another name, with other names of arguments (its own, the tool's) and arguments that it stands for.
    #[must_use]
    pub fn alias_with(mut self, name: &str, renamed: &[(&str, &str)], implied: &[(&str, &str)]) -> Self {
        let pair = |(left, right): &(&str, &str)| (left.to_string(), right.to_string());
        let mut alias = Alias::new(name, self.name);
        alias.renamed = renamed.iter().map(pair).collect();
        alias.implied = implied.iter().map(|(key, value)| (key.to_string(), Value::from(*value))).collect();
        self.aliases.push(alias);
        self
    }

    /// Other names of its own arguments: the other, the tool's.
    #[must_use]
    pub fn arguments_also(self, renamed: &[(&str, &str)]) -> Self {
        let name = self.name;
        self.alias_with(name, renamed, &[])
    }

    fn listed(&self, open_world: bool) -> Tool {
        let (reads, destroys) = (self.does == Does::Read, matches!(self.does, Does::Set | Does::Change));
        let annotations = ToolAnnotations::new()
            .read_only(reads)
            .destructive(destroys)
            .idempotent(matches!(self.does, Does::Read | Does::Set))
            .open_world(open_world);
        Tool::new(self.name, self.description.clone(), Arc::new(self.input.clone()))
            .with_title(self.title)
            .with_annotations(annotations)
            .with_raw_output_schema(Arc::new(self.output.clone()))
    }
}

/// A tool as a choice.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Told {
    pub name: &'static str,
    /// It is offered where the configuration says nothing.
    pub usual: bool,
    pub by_name_only: bool,
    pub writes: bool,
    /// Its other names.
    pub aliases: Vec<String>,
}

/// The tools that a kind has.
#[derive(Debug)]
pub struct Toolbox<S> {
    tools: Vec<OwnTool<S>>,
    open_world: bool,
    /// The toolsets that are offered where the configuration names none; empty: all.
    default_sets: &'static [&'static str],
}

impl<S> Toolbox<S> {
    /// Of things that this server alone knows.
    pub fn closed(tools: Vec<OwnTool<S>>) -> Self {
        Self { tools, open_world: false, default_sets: &[] }
    }

    /// Of things in a world that others change.
    pub fn open(tools: Vec<OwnTool<S>>) -> Self {
        Self { tools, open_world: true, default_sets: &[] }
    }

    /// The toolsets that are offered where the configuration names none.
    #[must_use]
    pub fn by_default(mut self, sets: &'static [&'static str]) -> Self {
        self.default_sets = sets;
        self
    }

    /// What there is to choose from, for a kind that reads `tools` itself.
    pub fn told(&self) -> Vec<Told> {
        let usual = |tool: &OwnTool<S>| self.default_sets.is_empty() || self.default_sets.contains(&tool.toolset);
        let told = |tool: &OwnTool<S>| Told {
            name: tool.name,
            usual: usual(tool) && !tool.by_name_only,
            by_name_only: tool.by_name_only,
            writes: tool.does != Does::Read,
            aliases: tool.aliases.iter().map(|alias| alias.name.clone()).collect(),
        };
        self.tools.iter().map(told).collect()
    }

    /// What a plan chose of it.
    pub fn offer(self, plan: &OwnPlan) -> Offer<S> {
        let chosen = |tool: &OwnTool<S>| plan.tools.contains(&tool.name);
        let tools = self.tools.into_iter().filter(chosen).collect();
        Offer { tools, open_world: self.open_world }
    }
}

/// The tools that are offered, and nothing else can be called.
#[derive(Debug)]
pub struct Offer<S> {
    tools: Vec<OwnTool<S>>,
    open_world: bool,
}

impl<S> Offer<S> {
    /// As they are listed.
    pub fn tools(&self) -> Vec<Tool> {
        self.tools.iter().map(|tool| tool.listed(self.open_world)).collect()
    }

    /// Their other names.
    pub fn aliases(&self) -> Vec<Alias> {
        self.tools.iter().flat_map(|tool| tool.aliases.clone()).collect()
    }

    /// Whether a tool is offered.
    pub fn has(&self, name: &str) -> bool {
        self.tools.iter().any(|tool| tool.name == name)
    }

    /// Whether a tool is offered that does more than read.
    pub fn writes(&self) -> bool {
        self.tools.iter().any(|tool| tool.does != Does::Read)
    }

    /// Calls one of them.
    pub async fn call(
        &self,
        source: &Arc<S>,
        name: &str,
        arguments: &JsonObject,
        cx: &Context,
    ) -> Result<CallToolResult, Refusal> {
        let tool = self.tools.iter().find(|tool| tool.name == name);
        let tool = tool.ok_or_else(|| Refusal::not_found("tool", name))?;
        let work = (tool.handler)(source.clone(), arguments.clone(), cx.clone());
        cx.cancel.run_until_cancelled(work).await.unwrap_or_else(|| Err(Refusal::cancelled()))
    }
}

/// What a tool answers with: data, and the words for clients that read text alone.
#[derive(Debug)]
pub struct Answer<T> {
    data: T,
    text: Option<String>,
    blocks: Vec<ContentBlock>,
}

impl<T> From<T> for Answer<T> {
    /// The data as JSON is the text too.
    fn from(data: T) -> Self {
        Self { data, text: None, blocks: Vec::new() }
    }
}

impl<T> Answer<T> {
    /// Data, and the same for reading.
    pub fn told(data: T, text: impl Into<String>) -> Self {
        Self { data, text: Some(text.into()), blocks: Vec::new() }
    }

    /// Something that is no text beside it: an image, a sound.
    #[must_use]
    pub fn with(mut self, block: ContentBlock) -> Self {
        self.blocks.push(block);
        self
    }
}

impl<T: Serialize> Answer<T> {
    /// The same as an object, for a tool whose answers have several shapes.
    #[must_use]
    pub fn object(self) -> Answer<JsonObject> {
        let data = match serde_json::to_value(&self.data) {
            Ok(Value::Object(data)) => data,
            _ => JsonObject::new(),
        };
        Answer { data, text: self.text, blocks: self.blocks }
    }

    fn result(self) -> Result<CallToolResult, Refusal> {
        let mut value = serde_json::to_value(&self.data).map_err(Refusal::internal)?;
        // What an answer lacks is left out: its schema knows no nulls.
        if let Value::Object(members) = &mut value {
            members.retain(|_, member| !member.is_null());
        }
        let text = self.text.unwrap_or_else(|| value.to_string());
        let mut blocks = vec![ContentBlock::text(text)];
        blocks.extend(self.blocks);
        let mut result = CallToolResult::success(blocks);
        result.structured_content = Some(value);
        Ok(result)
    }
}
