//! Text and file resources, and prompts, that the configuration declares: a source that needs no host.
//!
//! It knows of no other source. A prompt that embeds a resource asks for it through the call's context, so that the
//! resource is read as the same principal and through the same guards as if the client had asked.

mod file;
mod media;
mod prompt;
mod resource;
mod table;
#[cfg(test)]
mod tests;

use std::path::PathBuf;
use std::sync::Arc;

use portwright_core::protocol::{
    ArgumentInfo, CompleteResult, CompletionContext, CompletionInfo, GetPromptResult, JsonObject, ReadResourceResult,
    Reference, Resource,
};
use portwright_core::{
    ConnectError, Context, Declared, Diagnostic, Health, Refusal, Source, SourceConfig, async_trait, protocol,
};
use schemars::{JsonSchema, Schema, SchemaGenerator};

use self::prompt::Prompt;
use self::resource::DeclaredResource;
use self::table::{PromptTable, ResourceTable};

/// The schema of `[resources."URI"]` without `source`.
pub fn resource_schema(generator: &mut SchemaGenerator) -> Schema {
    ResourceTable::json_schema(generator)
}

/// The schema of `[prompts.NAME]`.
pub fn prompt_schema(generator: &mut SchemaGenerator) -> Schema {
    PromptTable::json_schema(generator)
}

/// Reads the resources that belong to no source, and the prompts. Opens nothing: paths start from `base` and are opened
/// when the resource is read. None if nothing is declared; everything that is wrong comes back at once.
#[expect(clippy::needless_pass_by_value, reason = "declarations are handed over, as to every kind of source")]
pub fn decode(
    resources: Vec<Declared>,
    prompts: Vec<Declared>,
    base: PathBuf,
) -> Result<Option<Box<dyn SourceConfig>>, Vec<Diagnostic>> {
    if resources.is_empty() && prompts.is_empty() {
        return Ok(None);
    }
    let mut problems = Vec::new();
    let resources =
        resources.iter().filter_map(|declared| DeclaredResource::decode(declared, &base, &mut problems)).collect();
    let prompts = prompts.iter().filter_map(|declared| Prompt::decode(declared, &mut problems)).collect();
    if problems.is_empty() {
        Ok(Some(Box::new(DeclaredConfig(Arc::new(DeclaredSource { resources, prompts })))))
    } else {
        Err(problems)
    }
}

/// Everything that was declared, ready to serve.
#[derive(Debug)]
struct DeclaredConfig(Arc<DeclaredSource>);

#[async_trait]
impl SourceConfig for DeclaredConfig {
    async fn connect(&self) -> Result<Arc<dyn Source>, ConnectError> {
        Ok(self.0.clone())
    }
}

#[derive(Debug)]
struct DeclaredSource {
    resources: Vec<DeclaredResource>,
    prompts: Vec<Prompt>,
}

impl DeclaredSource {
    fn prompt(&self, name: &str) -> Result<&Prompt, Refusal> {
        self.prompts.iter().find(|prompt| prompt.name() == name).ok_or_else(|| Refusal::not_found("prompt", name))
    }
}

#[async_trait]
impl Source for DeclaredSource {
    fn resources(&self) -> Vec<Resource> {
        self.resources.iter().map(DeclaredResource::listed).collect()
    }

    fn prompts(&self) -> Vec<protocol::Prompt> {
        self.prompts.iter().map(Prompt::listed).collect()
    }

    async fn read(&self, uri: &str, cx: &Context) -> Result<ReadResourceResult, Refusal> {
        let wanted = self.resources.iter().find(|resource| resource.uri() == uri);
        wanted.ok_or_else(|| Refusal::not_found("resource", uri))?.read(cx).await
    }

    async fn get_prompt(&self, name: &str, arguments: &JsonObject, cx: &Context) -> Result<GetPromptResult, Refusal> {
        self.prompt(name)?.get(arguments, cx).await
    }

    async fn complete(
        &self,
        reference: &Reference,
        argument: &ArgumentInfo,
        context: Option<&CompletionContext>,
        cx: &Context,
    ) -> Result<CompleteResult, Refusal> {
        match reference {
            Reference::Prompt(prompt) => self.prompt(&prompt.name)?.complete(argument, context, cx).await,
            _ => Ok(CompleteResult::new(CompletionInfo::default())),
        }
    }

    async fn health(&self) -> Health {
        for resource in &self.resources {
            if resource.missing().await.is_some() {
                return Health::Degraded(format!("the file of the resource `{}` can't be read", resource.uri()));
            }
        }
        Health::Ready
    }

    async fn inspect(&self) -> Vec<Diagnostic> {
        let mut found = Vec::new();
        for resource in &self.resources {
            found.extend(resource.missing().await);
        }
        found
    }
}
