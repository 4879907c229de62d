//! Brave Search as a source: the web, news, images, videos and places, as one subscription allows.
//!
//! `api.rs` asks the service, in turn (`rate.rs`) and from memory where it can (`cache.rs`); `text.rs` makes plain text
//! of what comes; the other files are the tools. It knows nothing of who asks.

mod api;
mod arguments;
mod cache;
mod config;
mod items;
mod local;
mod media;
mod place;
mod prompts;
mod rate;
mod summary;
#[cfg(test)]
mod tests;
mod text;
mod web;

use std::sync::Arc;

use portwright_core::protocol::{CallToolResult, GetPromptResult, JsonObject, Prompt, Tool};
use portwright_core::{
    Alias, ConnectError, Context, Diagnostic, Health, Refusal, Severity, Source, SourceConfig, SourceKind, SourceSpec,
    async_trait,
};
use schemars::{Schema, SchemaGenerator};

use self::api::Api;
use self::config::{BravePlan, BraveTable};
use crate::shared::http::Client;
use crate::shared::own::{self, Offer, OwnPlan, Toolbox, tool};

/// The kind `brave`.
#[derive(Debug, Clone, Copy)]
pub struct Brave;

impl SourceKind for Brave {
    fn name(&self) -> &'static str {
        "brave"
    }

    fn summary(&self) -> &'static str {
        "Web, news, image, video and place search by the Brave Search API"
    }

    fn schema(&self, generator: &mut SchemaGenerator) -> Schema {
        own::schema::<BraveTable>(generator)
    }

    fn decode(&self, spec: SourceSpec) -> Result<Box<dyn SourceConfig>, Vec<Diagnostic>> {
        let (table, own, mut problems) = own::decode::<BraveTable, _>(&spec, &toolbox());
        let plan = config::plan(&spec, table, &mut problems);
        match plan {
            Some(plan) if !problems.iter().any(|problem| problem.severity == Severity::Error) => {
                Ok(Box::new(BraveConfig { plan, own }))
            }
            _ => Err(problems),
        }
    }
}

fn toolbox() -> Toolbox<Api> {
    Toolbox::open(vec![
        tool("brave_web_search", "Web search", web::ABOUT, web::search).in_set("web"),
        tool("brave_local_search", "Local search", local::ABOUT, local::search).in_set("places"),
        tool("brave_news_search", "News search", media::ABOUT_NEWS, media::news).in_set("media"),
        tool("brave_image_search", "Image search", media::ABOUT_IMAGES, media::images).in_set("media"),
        tool("brave_video_search", "Video search", media::ABOUT_VIDEOS, media::videos).in_set("media"),
        tool("brave_summarizer", "Summary", summary::ABOUT, summary::summarize).in_set("web"),
        tool("brave_llm_context", "Excerpts of pages", summary::ABOUT_CONTEXT, summary::context).in_set("web"),
        tool("brave_place_search", "Place search", place::ABOUT, place::search).in_set("places"),
    ])
}

/// A subscription that is configured but not yet used.
#[derive(Debug)]
struct BraveConfig {
    plan: BravePlan,
    own: OwnPlan,
}

#[async_trait]
impl SourceConfig for BraveConfig {
    /// Asks nothing of the service: each request counts.
    async fn connect(&self) -> Result<Arc<dyn Source>, ConnectError> {
        let client = match &self.plan.proxy {
            Some(proxy) => Client::through(proxy),
            None => Client::new(),
        };
        let client = client.map_err(|error| {
            ConnectError::new("requests to the search service can't be prepared")
                .because(error)
                .at(self.plan.place.join(if self.plan.proxy.is_some() { "proxy" } else { "api_url" }))
        })?;
        let api = Arc::new(Api::new(Arc::new(client), self.plan.api.clone()));
        let (place, advice) = (self.plan.place.clone(), self.plan.advice.clone());
        let rate = self.plan.api.rate;
        Ok(Arc::new(BraveSource { api, offer: toolbox().offer(&self.own), place, advice, rate }))
    }
}

/// A subscription.
#[derive(Debug)]
struct BraveSource {
    api: Arc<Api>,
    offer: Offer<Api>,
    place: portwright_core::Pointer,
    advice: Vec<Diagnostic>,
    rate: Option<rate::Rate>,
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
        prompts::listed(|tool| self.offer.has(tool))
    }

    async fn call(&self, tool: &str, arguments: &JsonObject, cx: &Context) -> Result<CallToolResult, Refusal> {
        self.offer.call(&self.api, tool, arguments, cx).await
    }

    async fn get_prompt(&self, name: &str, arguments: &JsonObject, _: &Context) -> Result<GetPromptResult, Refusal> {
        prompts::filled(name, arguments, |tool| self.offer.has(tool))
    }

    async fn health(&self) -> Health {
        self.api.health()
    }

    /// Costs one request.
    async fn inspect(&self) -> Vec<Diagnostic> {
        let mut found = self.advice.clone();
        match self.api.probe().await {
            Err(refusal) => {
                found.push(Diagnostic::advice(self.place.clone(), "search-refused", refusal.public()));
            }
            Ok(told) => {
                if let (Some(rate), Some(most)) = (self.rate, told.per_second)
                    && rate.interval * most < std::time::Duration::from_secs(1)
                {
                    let message = format!("`rate` is more than the plan's {most} requests a second");
                    let hint = "leave it out: the source learns the plan's rate from the service";
                    found.push(Diagnostic::advice(self.place.join("rate"), "rate-over-plan", message).hint(hint));
                }
                if let (Some(left), Some(month)) = (told.left_in_month, told.per_month)
                    && left < month / 10
                {
                    let message = format!("{left} of the month's {month} requests are left");
                    found.push(Diagnostic::advice(self.place.clone(), "quota-low", message));
                }
            }
        }
        found
    }
}
