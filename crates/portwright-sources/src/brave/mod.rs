//! Brave Search as a source.
//!
//! `client.rs` asks the API in turns and remembers its answers, `plain.rs` makes text of its markup, and each tool has a
//! file that says what it asks for and what it keeps of the answer.

mod client;
mod config;
mod context;
mod local;
mod media;
mod plain;
mod prompts;
mod summary;
#[cfg(test)]
mod tests;
mod toolbox;
mod web;

use std::sync::Arc;

use portwright_core::protocol::{CallToolResult, GetPromptResult, JsonObject, Prompt, Tool};
use portwright_core::{Alias, Context, Diagnostic, Health, Refusal, Source, async_trait};

use client::Api;
pub use config::Brave;

use crate::shared::own::Offer;

/// The API with the tools that are offered of it.
#[derive(Debug)]
struct BraveSource {
    api: Arc<Api>,
    offer: Offer<Api>,
}

#[async_trait]
impl Source for BraveSource {
    fn tools(&self) -> Vec<Tool> {
        self.offer.tools()
    }

    fn aliases(&self) -> Vec<Alias> {
        self.offer.aliases()
    }

    fn prompts(&self) -> Vec<Prompt> {
        prompts::listed(&self.offer)
    }

    async fn call(&self, tool: &str, arguments: &JsonObject, cx: &Context) -> Result<CallToolResult, Refusal> {
        self.offer.call(&self.api, tool, arguments, cx).await
    }

    async fn get_prompt(&self, name: &str, arguments: &JsonObject, _: &Context) -> Result<GetPromptResult, Refusal> {
        prompts::fill_in(&self.offer, name, arguments)
    }

    async fn health(&self) -> Health {
        self.api.health()
    }

    async fn inspect(&self) -> Vec<Diagnostic> {
        self.api.inspect().await
    }
}
