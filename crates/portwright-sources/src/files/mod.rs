//! Folders of files as a source.
//!
//! A folder is opened once, and every path is resolved beneath it by the kernel: `roots.rs` says which folder a path is
//! in, `scope.rs` opens what a call may see, and nothing else opens anything. `toolbox.rs` is the list of tools, each in
//! a file of its own.

mod change;
mod config;
mod digest;
mod edit;
mod exclude;
mod info;
mod likeness;
mod list;
mod media;
mod prompts;
mod read;
mod resources;
mod roots;
mod scope;
mod search;
#[cfg(test)]
mod tests;
mod text;
mod toolbox;
mod tree;
mod walk;
mod watch;
mod words;
mod write;

use std::sync::Arc;

use portwright_core::protocol::{
    ArgumentInfo, CallToolResult, CompleteResult, CompletionContext, GetPromptResult, JsonObject, Prompt,
    ReadResourceResult, Reference, Resource, ResourceTemplate, Tool,
};
use portwright_core::{Alias, Context, Diagnostic, Health, Refusal, Source, async_trait};
use tokio::sync::broadcast;

pub use config::Files;
use roots::Folders;
use watch::Watch;

use crate::shared::own::Offer;

/// Folders that are open.
#[derive(Debug)]
struct FilesSource {
    folders: Arc<Folders>,
    offer: Offer<Folders>,
    watch: Watch,
}

#[async_trait]
impl Source for FilesSource {
    fn tools(&self) -> Vec<Tool> {
        self.offer.tools()
    }

    fn aliases(&self) -> Vec<Alias> {
        self.offer.aliases()
    }

    fn resources(&self) -> Vec<Resource> {
        resources::listed(&self.folders)
    }

    fn templates(&self) -> Vec<ResourceTemplate> {
        resources::templates(&self.folders)
    }

    fn prompts(&self) -> Vec<Prompt> {
        prompts::listed(&self.folders, &self.offer)
    }

    async fn call(&self, tool: &str, arguments: &JsonObject, cx: &Context) -> Result<CallToolResult, Refusal> {
        self.offer.call(&self.folders, tool, arguments, cx).await
    }

    async fn read(&self, uri: &str, cx: &Context) -> Result<ReadResourceResult, Refusal> {
        resources::read(&self.folders, uri, cx).await
    }

    async fn get_prompt(&self, name: &str, arguments: &JsonObject, _: &Context) -> Result<GetPromptResult, Refusal> {
        prompts::fill_in(&self.folders, &self.offer, name, arguments)
    }

    async fn complete(
        &self,
        reference: &Reference,
        argument: &ArgumentInfo,
        _: Option<&CompletionContext>,
        cx: &Context,
    ) -> Result<CompleteResult, Refusal> {
        resources::complete(&self.folders, reference, argument, cx).await
    }

    async fn health(&self) -> Health {
        self.folders.health()
    }

    async fn inspect(&self) -> Vec<Diagnostic> {
        self.folders.inspect(self.offer.writes())
    }

    fn updates(&self) -> Option<broadcast::Receiver<Arc<str>>> {
        Some(self.watch.updates())
    }

    async fn subscribe(&self, uri: &str, cx: &Context) -> Result<(), Refusal> {
        self.watch.subscribe(&self.folders, uri, cx).await
    }
}
