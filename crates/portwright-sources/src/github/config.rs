//! The kind `github`: from `[sources.NAME]` to a client of the API.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use portwright_core::{
    ByteSize, ConnectError, Diagnostic, HumanDuration, Pointer, Secret, Severity, Source, SourceConfig, SourceKind,
    SourceSpec, async_trait, limits,
};
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::Deserialize;

use super::GitHubSource;
use super::client::{Hub, Plan};
use super::fence::Fence;
use super::toolbox::toolbox;
use crate::shared::http::{self, Client};
use crate::shared::own::{self, OwnPlan};

/// The kind `github`.
#[derive(Debug, Clone, Copy)]
pub struct GitHub;

const API: &str = "https://api.github.com";

/// What the kind adds to `[sources.NAME]`.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
struct GitHubTable {
    /// The token for every owner that has none in `tokens`, as a reference: `${env:GITHUB_TOKEN}`.
    #[schemars(with = "Option<String>")]
    token: Option<Secret>,
    /// Tokens by owner: `{ acme = "${env:ACME_TOKEN}" }`.
    #[schemars(with = "BTreeMap<String, String>")]
    tokens: BTreeMap<String, Secret>,
    /// Where the API is. Default: `https://api.github.com`. An Enterprise server: `https://github.acme.example/api/v3`.
    api_url: Option<String>,
    /// The repositories that may be touched: `acme/site`, `acme/*`. Default: all that the token may touch.
    repositories: Vec<String>,
    /// Whether titles and texts of people who may not push to a repository are withheld. Default: false.
    lockdown: bool,
    /// How long a call may wait for its turn, or for a pause that GitHub asks for. Default: `10s`.
    wait: Option<HumanDuration>,
    /// How long a request may take. Default: `15s`.
    timeout: Option<HumanDuration>,
    /// Bytes of text that one call gives. Default: `64KiB`.
    max_bytes: Option<ByteSize>,
}

impl SourceKind for GitHub {
    fn name(&self) -> &'static str {
        "github"
    }

    fn summary(&self) -> &'static str {
        "GitHub: repositories, issues, pull requests, actions"
    }

    fn schema(&self, generator: &mut SchemaGenerator) -> Schema {
        own::schema::<GitHubTable>(generator)
    }

    fn decode(&self, spec: SourceSpec) -> Result<Box<dyn SourceConfig>, Vec<Diagnostic>> {
        let (table, own, mut problems) = own::decode::<GitHubTable, _>(&spec, &toolbox());
        let place = spec.place();
        let declared = spec.tools.iter().chain(&spec.resources);
        problems.extend(declared.map(|one| {
            let message = "a source of kind `github` takes no declared tools and resources";
            Diagnostic::error(one.place.clone(), "wrong-source", message).hint("remove `source`, or name a database")
        }));
        let full = |token: &Secret| !token.expose().trim().is_empty();
        let token = table.token.filter(full);
        let tokens: HashMap<_, _> =
            table.tokens.into_iter().map(|(owner, token)| (owner.to_lowercase(), token)).collect();
        let told =
            |key: &str| problems.iter().any(|problem| problem.place.as_str().starts_with(place.join(key).as_str()));
        if token.is_none() && !tokens.values().any(full) && !told("token") && !told("tokens") {
            let missing = Diagnostic::error(place.clone(), "missing-key", "`token` is missing");
            problems.push(missing.hint("token = \"${env:GITHUB_TOKEN}\""));
        }
        let api_url = http::base_url(table.api_url.as_deref().unwrap_or(API)).unwrap_or_else(|why| {
            problems.push(Diagnostic::error(place.join("api_url"), "wrong-value", why));
            String::new()
        });
        let fence = Fence::new(&table.repositories).unwrap_or_else(|(index, why)| {
            problems.push(Diagnostic::error(place.join("repositories").join(index), "wrong-value", why));
            Fence::default()
        });
        fenced(&fence, &own, &place, &mut problems);
        let bytes =
            table.max_bytes.map_or(limits::API_RESULT_BYTES_MAX, |size| usize::try_from(size.0).unwrap_or(usize::MAX));
        if !(1024..=limits::RESULT_BYTES_CEILING).contains(&bytes) {
            let most = ByteSize(limits::RESULT_BYTES_CEILING as u64);
            let message = format!("{} is not between 1KiB and {most}", ByteSize(bytes as u64));
            problems.push(Diagnostic::error(place.join("max_bytes"), "out-of-range", message));
        }
        let timeout = table.timeout.map_or(limits::API_WAIT, |value| value.0);
        if timeout.is_zero() {
            problems.push(Diagnostic::error(place.join("timeout"), "out-of-range", "it must be longer than 0s"));
        }
        if problems.iter().any(|problem| problem.severity == Severity::Error) {
            return Err(problems);
        }
        let wait = table.wait.map_or(limits::PACE_WAIT, |value| value.0);
        let lockdown = table.lockdown;
        let plan = Plan { place, token, tokens, api_url, fence, lockdown, timeout, wait, bytes_max: bytes };
        Ok(Box::new(GitHubConfig { plan, own }))
    }
}

/// A list of repositories is a promise that nothing else is touched: what is in none has no place beside it.
fn fenced(fence: &Fence, own: &OwnPlan, place: &Pointer, problems: &mut Vec<Diagnostic>) {
    let outside = ["list_gists", "get_gist", "create_gist", "update_gist"];
    if fence.is_closed() && own.tools.iter().any(|tool| outside.contains(tool)) {
        let message = "gists are in no repository, so `repositories` can't fence them";
        let hint = "leave out the toolset `gists`, or serve them by a source of their own";
        problems.push(Diagnostic::error(place.join("repositories"), "unfenced-tool", message).hint(hint));
    }
}

/// The API, configured.
#[derive(Debug)]
struct GitHubConfig {
    plan: Plan,
    own: OwnPlan,
}

#[async_trait]
impl SourceConfig for GitHubConfig {
    /// Nothing is asked: what is wrong with a token `check` and the first call tell.
    async fn connect(&self) -> Result<Arc<dyn Source>, ConnectError> {
        let client = Client::new().map_err(|error| ConnectError::new("requests can't be prepared").because(error))?;
        let hub = Arc::new(Hub::new(self.plan.clone(), Arc::new(client)));
        Ok(Arc::new(GitHubSource { hub, offer: toolbox().offer(&self.own) }))
    }
}
