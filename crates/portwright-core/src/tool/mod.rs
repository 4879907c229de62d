//! [`Tools`]: a source made of Rust functions. Schemas come from their types, without a macro of ours.
//!
//! A function takes its arguments as one type and the call's [`Context`], and gives its answer or a
//! [`Refusal`]:
//!
//! ```
//! use portwright_core::tool::Tools;
//! use portwright_core::{Context, Refusal, Source};
//! use schemars::JsonSchema;
//! use serde::{Deserialize, Serialize};
//!
//! #[derive(Deserialize, JsonSchema)]
//! struct Place {
//!     /// The town's name
//!     town: String,
//!     /// Days ahead
//!     #[serde(default)]
//!     days: u8,
//! }
//!
//! #[derive(Serialize, JsonSchema)]
//! struct Report {
//!     celsius: i8,
//! }
//!
//! let weather = Tools::new("weather").tool("forecast", "The weather of a town.", |place: Place, _: Context| async move {
//!     match place.town.as_str() {
//!         "Kiel" => Ok(Report { celsius: 11 }),
//!         other => Err(Refusal::failed(format!("there is no forecast for `{other}`; ask for Kiel"))),
//!     }
//! });
//!
//! let listed = &weather.tools()[0];
//! assert_eq!(listed.input_schema["required"], serde_json::json!(["town"]));
//! assert_eq!(listed.input_schema["additionalProperties"], false);
//! assert_eq!(listed.output_schema.as_ref().unwrap()["properties"]["celsius"]["type"], "integer");
//! ```
//!
//! What a function needs beside its arguments it captures; an [`Arc`] cloned on each call does. Further
//! words about a tool (a title, what it does to the world) stand on [`TypedTool`]. Texts that can be read and prompts
//! are there too: [`Tools::text`], [`Tools::prompt`].

mod schema;
mod typed;
mod written;

#[cfg(test)]
mod tests;

use std::fmt;
use std::future::Future;
use std::sync::Arc;

use async_trait::async_trait;
use schemars::JsonSchema;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::context::Context;
use crate::protocol::{
    CallToolResult, GetPromptResult, JsonObject, Prompt, PromptMessage, ReadResourceResult, Resource, Tool,
};
use crate::refusal::Refusal;
use crate::source::{Health, Source};

pub use typed::TypedTool;
use written::{WrittenPrompt, WrittenText};

/// A source made of Rust functions.
///
/// What can't be listed (two tools of one name, arguments without names) is left out, and the source says so on the
/// health page; nothing panics.
#[derive(Clone)]
pub struct Tools {
    name: Arc<str>,
    typed: Vec<TypedTool>,
    texts: Vec<WrittenText>,
    prompts: Vec<WrittenPrompt>,
    faults: Vec<String>,
}

impl fmt::Debug for Tools {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tools")
            .field("name", &self.name)
            .field("tools", &self.typed)
            .field("faults", &self.faults)
            .finish_non_exhaustive()
    }
}

impl Tools {
    /// No tools yet. The name stands in logs.
    pub fn new(name: impl Into<Arc<str>>) -> Self {
        Self { name: name.into(), typed: Vec::new(), texts: Vec::new(), prompts: Vec::new(), faults: Vec::new() }
    }

    /// Adds a function: [`TypedTool::new`] with nothing more to say about it.
    #[must_use]
    pub fn tool<A, R, E, F, Fut>(self, name: impl Into<String>, description: impl Into<String>, function: F) -> Self
    where
        A: DeserializeOwned + JsonSchema,
        R: Serialize + JsonSchema,
        E: Into<Refusal>,
        F: Fn(A, Context) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<R, E>> + Send + 'static,
    {
        self.with(TypedTool::new(name, description, function))
    }

    /// Adds a tool.
    #[must_use]
    pub fn with(mut self, tool: TypedTool) -> Self {
        let twice = self.typed.iter().any(|other| other.tool.name == tool.tool.name);
        let fault = tool.fault.clone().or_else(|| twice.then(|| "another one has its name".to_owned()));
        match fault {
            None => self.typed.push(tool),
            Some(fault) => self.leave_out("tool", &tool.tool.name, &fault),
        }
        self
    }

    /// Adds a text that clients can read under a URI.
    #[must_use]
    pub fn text(mut self, uri: impl Into<String>, name: impl Into<String>, text: impl Into<Arc<str>>) -> Self {
        let written = WrittenText::new(uri.into(), name.into(), text.into());
        if self.texts.iter().any(|other| other.resource.uri == written.resource.uri) {
            self.leave_out("resource", &written.resource.uri, "another one has its URI");
        } else {
            self.texts.push(written);
        }
        self
    }

    /// Adds a prompt: a function of its arguments, which are a struct of strings, optional ones as `Option<String>`.
    #[must_use]
    pub fn prompt<A, F>(mut self, name: impl Into<String>, description: impl Into<String>, function: F) -> Self
    where
        A: DeserializeOwned + JsonSchema,
        F: Fn(A) -> Result<Vec<PromptMessage>, Refusal> + Send + Sync + 'static,
    {
        let name = name.into();
        let twice = self.prompts.iter().any(|other| other.prompt.name == name);
        match schema::input::<A>() {
            Some(schema) if !twice => {
                self.prompts.push(WrittenPrompt::new(name, description.into(), &schema, function));
            }
            Some(_) => self.leave_out("prompt", &name, "another one has its name"),
            None => self.leave_out("prompt", &name, "its arguments are not a struct, so they have no names"),
        }
        self
    }

    fn leave_out(&mut self, what: &str, name: &str, fault: &str) {
        tracing::error!(source = %self.name, "{what} `{name}` is left out: {fault}");
        self.faults.push(format!("{what} `{name}`: {fault}"));
    }
}

#[async_trait]
impl Source for Tools {
    fn tools(&self) -> Vec<Tool> {
        self.typed.iter().map(|typed| typed.tool.clone()).collect()
    }

    fn resources(&self) -> Vec<Resource> {
        self.texts.iter().map(|text| text.resource.clone()).collect()
    }

    fn prompts(&self) -> Vec<Prompt> {
        self.prompts.iter().map(|written| written.prompt.clone()).collect()
    }

    async fn call(&self, tool: &str, arguments: &JsonObject, cx: &Context) -> Result<CallToolResult, Refusal> {
        let typed = self.typed.iter().find(|typed| typed.tool.name == tool);
        let typed = typed.ok_or_else(|| Refusal::not_found("tool", tool))?;
        let work = (typed.handler)(arguments.clone(), cx.clone());
        cx.cancel.run_until_cancelled(work).await.unwrap_or_else(|| Err(Refusal::cancelled()))
    }

    async fn read(&self, uri: &str, _: &Context) -> Result<ReadResourceResult, Refusal> {
        let text = self.texts.iter().find(|text| text.resource.uri == uri);
        text.map(WrittenText::read).ok_or_else(|| Refusal::not_found("resource", uri))
    }

    async fn get_prompt(&self, name: &str, arguments: &JsonObject, _: &Context) -> Result<GetPromptResult, Refusal> {
        let written = self.prompts.iter().find(|written| written.prompt.name == name);
        written.ok_or_else(|| Refusal::not_found("prompt", name))?.fill_in(arguments)
    }

    async fn health(&self) -> Health {
        match self.faults.first() {
            None => Health::Ready,
            Some(fault) => Health::Degraded(fault.clone()),
        }
    }
}
