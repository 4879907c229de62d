//! GitHub as a source, by its REST API.
//!
//! `client.rs` is the only door to the API: it encodes every segment of a path, chooses the owner's token, keeps within
//! the rate, and asks `fence.rs` first whether a repository may be touched. `pick.rs` keeps what matters of an answer. The
//! tools stand in a file or folder a toolset.

mod actions;
mod client;
mod config;
mod context;
mod fence;
mod gists;
mod issues;
mod labels;
mod pace;
mod path;
mod pick;
mod prompts;
mod pulls;
mod repos;
mod resources;
mod search;
#[cfg(test)]
mod tests;
mod told;
mod toolbox;

use std::sync::Arc;

use portwright_core::protocol::{
    CallToolResult, GetPromptResult, JsonObject, Prompt, ReadResourceResult, ResourceTemplate, Tool,
};
use portwright_core::{Alias, Context, Diagnostic, Health, Refusal, Source, async_trait};

use client::Hub;
pub use config::GitHub;

use crate::shared::own::Offer;

/// The API with the tools that are offered of it.
#[derive(Debug)]
struct GitHubSource {
    hub: Arc<Hub>,
    offer: Offer<Hub>,
}

#[async_trait]
impl Source for GitHubSource {
    fn tools(&self) -> Vec<Tool> {
        self.offer.tools()
    }

    fn aliases(&self) -> Vec<Alias> {
        self.offer.aliases()
    }

    fn templates(&self) -> Vec<ResourceTemplate> {
        resources::templates()
    }

    fn prompts(&self) -> Vec<Prompt> {
        prompts::listed(&self.offer)
    }

    async fn call(&self, tool: &str, arguments: &JsonObject, cx: &Context) -> Result<CallToolResult, Refusal> {
        self.offer.call(&self.hub, tool, arguments, cx).await
    }

    async fn read(&self, uri: &str, cx: &Context) -> Result<ReadResourceResult, Refusal> {
        resources::read(&self.hub, uri, cx).await
    }

    async fn get_prompt(&self, name: &str, arguments: &JsonObject, _: &Context) -> Result<GetPromptResult, Refusal> {
        prompts::fill_in(&self.offer, name, arguments)
    }

    async fn health(&self) -> Health {
        self.hub.health()
    }

    async fn inspect(&self) -> Vec<Diagnostic> {
        self.hub.inspect(self.offer.writes()).await
    }
}
