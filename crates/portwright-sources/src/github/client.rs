//! The door to the API.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use portwright_core::{Context, Fetch, FetchRequest, Fetched, Health, Method, Pointer, Refusal, Secret, limits};
use serde_json::Value;

use super::fence::Fence;
use super::kept::Kept;
use super::keys::{Key, Keys};
use super::page::{Items, Listed};
use super::path::Path;
use super::pick::Fields;
use super::told::{message, next_page, pause, unreachable};
use crate::shared::http::percent_encoded;
use crate::shared::own::Answer;

/// What the API is asked by.
#[derive(Debug, Clone)]
pub(super) struct Plan {
    pub(super) place: Pointer,
    pub(super) token: Option<Secret>,
    /// By owner, in small letters.
    pub(super) tokens: HashMap<String, Secret>,
    pub(super) api_url: String,
    pub(super) fence: Fence,
    pub(super) lockdown: bool,
    pub(super) timeout: Duration,
    pub(super) wait: Duration,
    pub(super) bytes_max: usize,
}

/// The API.
#[derive(Debug)]
pub(super) struct Hub {
    pub(super) plan: Plan,
    pub(super) keys: Keys,
    client: Arc<dyn Fetch>,
    kept: Kept,
}

/// The media type that answers have.
pub(super) const JSON: &str = "application/vnd.github+json";

/// A request.
#[derive(Debug, Default)]
pub(super) struct Ask {
    pub(super) path: Path,
    pub(super) query: Vec<(&'static str, String)>,
    pub(super) body: Option<Value>,
    pub(super) method: Method,
    /// Whose token is used.
    pub(super) owner: Option<String>,
    /// The media type that is asked for, where it is not JSON.
    pub(super) accept: Option<&'static str>,
    /// It goes to GraphQL's one address, whatever its path.
    pub(super) graph: bool,
}

/// An answer.
#[derive(Debug)]
pub(super) struct Told {
    pub(super) value: Value,
    pub(super) raw: Vec<u8>,
    /// The number of the page that follows.
    pub(super) next: Option<u64>,
    /// The page that was asked for, and how many a page has.
    asked: (u64, u64),
    location: Option<String>,
}

impl Ask {
    pub(super) fn get(path: Path) -> Self {
        Self { path, ..Self::default() }
    }

    pub(super) fn send(method: Method, path: Path, body: Value) -> Self {
        Self { path, method, body: Some(body), ..Self::default() }
    }

    pub(super) fn with(mut self, name: &'static str, value: Option<impl ToString>) -> Self {
        self.query.extend(value.map(|value| (name, value.to_string())));
        self
    }

    pub(super) fn page(self, page: Option<u64>, per_page: Option<u8>) -> Self {
        self.with("page", page).with("per_page", Some(per_page.unwrap_or(limits::HUB_PAGE).clamp(1, 100)))
    }

    /// Whether it is a question in GraphQL that changes nothing.
    fn only_looks(&self) -> bool {
        let query = self.body.as_ref().and_then(|body| body["query"].as_str());
        self.graph && query.is_some_and(|query| query.starts_with("query("))
    }

    fn asked(&self) -> (u64, u64) {
        let text = |wanted: &str| self.query.iter().find(|(name, _)| *name == wanted).map(|(_, text)| text);
        let number = |wanted: &str| text(wanted).and_then(|text| text.parse().ok());
        (number("page").unwrap_or(1), number("per_page").unwrap_or(u64::from(limits::HUB_PAGE)))
    }

    pub(super) fn owner(mut self, owner: &str) -> Self {
        self.owner = Some(owner.to_owned());
        self
    }

    pub(super) fn accept(mut self, accept: &'static str) -> Self {
        self.accept = Some(accept);
        self
    }
}

impl Hub {
    pub(super) fn new(mut plan: Plan, client: Arc<dyn Fetch>) -> Self {
        let keys = Keys::new(plan.token.take(), std::mem::take(&mut plan.tokens), &plan.place, plan.wait);
        Self { plan, keys, client, kept: Kept::default() }
    }

    /// The path of a repository that may be touched.
    pub(super) fn repo(&self, owner: &str, repo: &str) -> Result<Path, Refusal> {
        self.plan.fence.check(owner, repo)?;
        Ok(Path::of(&["repos"]).segment(owner).segment(repo))
    }

    /// Sends a request, as often as it takes within the call's time.
    pub(super) async fn ask(&self, ask: Ask, cx: &Context) -> Result<Told, Refusal> {
        let key = self.keys.of(ask.owner.as_deref());
        let mut answer = self.once(&ask, key, cx).await?;
        if let Some(pause) = pause(&answer) {
            if pause > self.plan.wait || cx.time_left().is_some_and(|left| left <= pause) {
                return Err(Refusal::limited("GitHub asks for a pause", pause));
            }
            key.pause(pause);
            answer = self.once(&ask, key, cx).await?;
        }
        Ok(Told { asked: ask.asked(), ..self.read(&answer)? })
    }

    /// A page of a list, with the fields that matter.
    pub(super) async fn list(
        &self,
        ask: Ask,
        fields: Fields,
        wanted: Option<&[String]>,
        cx: &Context,
    ) -> Result<Answer<Listed>, Refusal> {
        let told = self.ask(ask, cx).await?;
        Ok(self.page(&told, Items { wanted, ..Items::of(&told.value, fields) }, cx))
    }

    /// A question in GraphQL: what it gives, without what is around it.
    pub(super) async fn graph(
        &self,
        owner: &str,
        query: &'static str,
        variables: Value,
        cx: &Context,
    ) -> Result<Value, Refusal> {
        let body = serde_json::json!({"query": query, "variables": variables});
        let ask = Ask { graph: true, ..Ask::send(Method::Post, Path::of(&["graphql"]), body) }.owner(owner);
        let mut told = self.ask(ask, cx).await?.value;
        let Some(error) = told["errors"].as_array().and_then(|errors| errors.first()) else {
            return Ok(told["data"].take());
        };
        let message = self.keys.redacted(error["message"].as_str().unwrap_or("no reason").to_owned());
        Err(match error["type"].as_str() {
            Some("NOT_FOUND") => nothing_there(),
            Some("RATE_LIMITED") => Refusal::limited("GitHub asks for a pause", self.plan.wait),
            Some("FORBIDDEN" | "INSUFFICIENT_SCOPES") => {
                Refusal::failed(format!("GitHub says that this may not be done: {message}"))
            }
            _ => Refusal::failed(format!("GitHub refuses this: {message}")),
        })
    }

    fn url(&self, ask: &Ask) -> Result<String, Refusal> {
        if ask.graph {
            // An Enterprise server has REST at /api/v3, and GraphQL beside it.
            let base = self.plan.api_url.strip_suffix("/v3").unwrap_or(&self.plan.api_url);
            return Ok(format!("{base}/graphql"));
        }
        let pairs = ask.query.iter().map(|(name, value)| format!("{name}={}", percent_encoded(value)));
        let query = pairs.collect::<Vec<_>>().join("&");
        let mark = if query.is_empty() { "" } else { "?" };
        Ok(format!("{}{}{mark}{query}", self.plan.api_url, ask.path.written()?))
    }

    pub(super) async fn once(&self, ask: &Ask, key: &Key, cx: &Context) -> Result<Fetched, Refusal> {
        let (url, reads) = (self.url(ask)?, ask.method == Method::Get);
        let looks = reads || ask.only_looks();
        if looks { &key.reads } else { &key.writes }.turn(cx).await?;
        let mut request = FetchRequest::get(url.as_str()).trusted();
        request.method = ask.method;
        request.bytes_max = limits::API_BYTES_MAX;
        request.wait = cx.time_left().map_or(self.plan.timeout, |left| left.min(self.plan.timeout));
        let accept = ask.accept.unwrap_or(JSON);
        request = request.with_header("accept", Secret::new(accept));
        request = request.with_header("x-github-api-version", Secret::new("2022-11-28"));
        if let Some(token) = &key.token {
            request = request.with_header("authorization", Secret::new(format!("Bearer {}", token.expose())));
        }
        if let Some(body) = &ask.body {
            request.body = Some(Secret::new(body.to_string()));
            request = request.with_header("content-type", Secret::new("application/json"));
        }
        let name = format!("{}\n{accept}\n{url}", key.place);
        let known = if reads { self.kept.recall(&name) } else { None };
        if let Some(tag) = known.as_ref().and_then(|answer| answer.header("etag")) {
            request = request.with_header("if-none-match", Secret::new(tag));
        }
        let answer = cx.cancel.run_until_cancelled(self.client.fetch(request)).await.ok_or_else(Refusal::cancelled)?;
        let answer = answer.map_err(|error| unreachable(error, reads))?;
        key.learn(&answer);
        if let (304, Some(known)) = (answer.status, known) {
            return Ok(Fetched::clone(&known));
        }
        if reads && answer.status == 200 && answer.header("etag").is_some() {
            self.kept.keep(name, &answer);
        }
        Ok(answer)
    }

    pub(super) fn read(&self, answer: &Fetched) -> Result<Told, Refusal> {
        let value: Value = serde_json::from_slice(&answer.body).unwrap_or_default();
        let message = self.keys.redacted(message(&value));
        if let Some(pause) = pause(answer) {
            return Err(Refusal::limited("GitHub asks for a pause", pause));
        }
        match answer.status {
            200..=299 | 302 => {
                let location = answer.header("location").map(str::to_owned);
                Ok(Told { next: next_page(answer), asked: (1, 0), raw: answer.body.clone(), location, value })
            }
            401 => {
                Err(Refusal::unavailable("GitHub refuses this server's token; whoever runs the server has to mend it"))
            }
            403 => Err(Refusal::failed(format!("GitHub says that this may not be done: {message}"))),
            404 | 410 => Err(nothing_there()),
            409 => Err(Refusal::failed(format!("GitHub says that this contradicts what is there: {message}"))),
            422 | 400 => Err(Refusal::failed(format!("GitHub refuses the arguments: {message}"))),
            301 | 307 | 308 => Err(Refusal::failed("GitHub says that this has moved; ask for its new name")),
            status => {
                Err(Refusal::unavailable(format!("GitHub has trouble of its own (status {status}); ask again later")))
            }
        }
    }

    pub(super) fn health(&self) -> Health {
        if self.keys.any_refused() {
            return Health::Degraded("GitHub refuses the token".to_owned());
        }
        Health::Ready
    }
}

fn nothing_there() -> Refusal {
    Refusal::failed("GitHub has nothing there, or this server's token may not see it; check the names and numbers")
}

impl Told {
    /// How many entries there are on the pages before this one.
    pub(super) fn before(&self) -> u64 {
        self.asked.0.saturating_sub(1).saturating_mul(self.asked.1)
    }

    /// Where the answer says that the thing is.
    pub(super) fn location(&self) -> Option<&str> {
        self.location.as_deref()
    }
}
