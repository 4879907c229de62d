//! The kind `brave`: from `[sources.NAME]` to a client of the API.

use std::sync::Arc;
use std::time::Duration;

use portwright_core::{
    ByteSize, ConnectError, Diagnostic, HumanDuration, Secret, Severity, Source, SourceConfig, SourceKind, SourceSpec,
    async_trait, limits,
};
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::Deserialize;

use super::BraveSource;
use super::client::{Api, Plan};
use super::toolbox::toolbox;
use crate::shared::http::{self, Client};
use crate::shared::own::{self, OwnPlan};
use crate::shared::pace;

/// The kind `brave`.
#[derive(Debug, Clone, Copy)]
pub struct Brave;

const API: &str = "https://api.search.brave.com/res/v1";

/// What the kind adds to `[sources.NAME]`.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
struct BraveTable {
    /// The subscription's token, as a reference: `${env:BRAVE_API_KEY}`.
    #[schemars(with = "Option<String>")]
    token: Option<Secret>,
    /// Where the API is. Default: `https://api.search.brave.com/res/v1`.
    api_url: Option<String>,
    /// The proxy that requests go through: `http://proxy.example:3128`. The environment's proxies are not asked.
    proxy: Option<String>,
    /// Requests that the subscription allows: `1/s`, `20/s`. Default: `1/s`.
    rate: Option<String>,
    /// How long a call may wait for its turn. Default: `10s`.
    wait: Option<HumanDuration>,
    /// How long an answer is given again to an equal question; `0s` for never. Default: `1m`.
    cache: Option<HumanDuration>,
    /// How long a request may take. Default: `15s`.
    timeout: Option<HumanDuration>,
    /// Bytes of text that one call gives. Default: `64KiB`.
    max_bytes: Option<ByteSize>,
}

impl SourceKind for Brave {
    fn name(&self) -> &'static str {
        "brave"
    }

    fn summary(&self) -> &'static str {
        "Brave Search: the Web, news, images, videos, places"
    }

    fn schema(&self, generator: &mut SchemaGenerator) -> Schema {
        own::schema::<BraveTable>(generator)
    }

    fn decode(&self, spec: SourceSpec) -> Result<Box<dyn SourceConfig>, Vec<Diagnostic>> {
        let (table, own, mut problems) = own::decode::<BraveTable, _>(&spec, &toolbox());
        let place = spec.place();
        let declared = spec.tools.iter().chain(&spec.resources);
        problems.extend(declared.map(|one| {
            let message = "a source of kind `brave` takes no declared tools and resources";
            Diagnostic::error(one.place.clone(), "wrong-source", message).hint("remove `source`, or name a database")
        }));
        let token = table.token.filter(|token| !token.expose().trim().is_empty());
        if token.is_none() && !problems.iter().any(|problem| problem.place == place.join("token")) {
            let missing = Diagnostic::error(place.clone(), "missing-key", "`token` is missing");
            problems.push(missing.hint("token = \"${env:BRAVE_API_KEY}\""));
        }
        let api_url = http::base_url(table.api_url.as_deref().unwrap_or(API)).unwrap_or_else(|why| {
            problems.push(Diagnostic::error(place.join("api_url"), "wrong-value", why));
            String::new()
        });
        if let Some(Err(why)) = table.proxy.as_deref().map(http::base_url) {
            problems.push(Diagnostic::error(place.join("proxy"), "wrong-value", why));
        }
        let interval = pace::interval(table.rate.as_deref().unwrap_or("1/s")).unwrap_or_else(|| {
            let message = "a rate is written `1/s`, `20/s` or `60/min`";
            problems.push(Diagnostic::error(place.join("rate"), "wrong-value", message));
            Duration::ZERO
        });
        let bytes =
            table.max_bytes.map_or(limits::API_RESULT_BYTES_MAX, |size| usize::try_from(size.0).unwrap_or(usize::MAX));
        if !(1024..=limits::RESULT_BYTES_CEILING).contains(&bytes) {
            let message = format!(
                "{} is not between 1KiB and {}",
                ByteSize(bytes as u64),
                ByteSize(limits::RESULT_BYTES_CEILING as u64)
            );
            problems.push(Diagnostic::error(place.join("max_bytes"), "out-of-range", message));
        }
        let duration = |value: Option<HumanDuration>, default| value.map_or(default, |value| value.0);
        let timeout = duration(table.timeout, limits::API_WAIT);
        if timeout.is_zero() {
            problems.push(Diagnostic::error(place.join("timeout"), "out-of-range", "it must be longer than 0s"));
        }
        if problems.iter().any(|problem| problem.severity == Severity::Error) {
            return Err(problems);
        }
        let plan = Plan {
            place,
            token: token.unwrap_or_default(),
            api_url,
            interval,
            wait: duration(table.wait, limits::PACE_WAIT),
            cached: duration(table.cache, limits::API_CACHED),
            timeout,
            bytes_max: bytes,
        };
        Ok(Box::new(BraveConfig { plan, proxy: table.proxy, own }))
    }
}

/// The API, configured.
#[derive(Debug)]
struct BraveConfig {
    plan: Plan,
    proxy: Option<String>,
    own: OwnPlan,
}

#[async_trait]
impl SourceConfig for BraveConfig {
    /// Nothing is asked: a search costs, and what is wrong with the token the first call tells.
    async fn connect(&self) -> Result<Arc<dyn Source>, ConnectError> {
        let client = match &self.proxy {
            None => Client::new(),
            Some(proxy) => Client::by_proxy(proxy),
        };
        let client = client.map_err(|error| ConnectError::new("requests can't be prepared").because(error))?;
        let api = Arc::new(Api::new(self.plan.clone(), Arc::new(client)));
        Ok(Arc::new(BraveSource { api, offer: toolbox().offer(&self.own) }))
    }
}
