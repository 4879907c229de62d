//! The door to the API.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use portwright_core::protocol::JsonObject;
use portwright_core::{
    Context, Diagnostic, Fetch, FetchRequest, Fetched, Health, Method, Pointer, Refusal, Secret, limits,
};
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::{Value, json};

use super::fence::Fence;
use super::pace::Pace;
use super::path::Path;
use super::pick::{Fields, pick_all};
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
    client: Arc<dyn Fetch>,
    reads: Pace,
    writes: Pace,
    kept: Mutex<Kept>,
    refused: Mutex<Option<String>>,
}

/// Answers with their tags, so that what did not change need not come again; the oldest first.
#[derive(Debug, Default)]
struct Kept {
    answers: VecDeque<(String, Arc<Fetched>)>,
    bytes: usize,
}

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
}

/// An answer.
#[derive(Debug)]
pub(super) struct Told {
    pub(super) value: Value,
    pub(super) raw: Vec<u8>,
    /// The number of the page that follows.
    pub(super) next: Option<u64>,
    location: Option<String>,
}

/// A page of a list.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Listed {
    pub(super) items: Vec<JsonObject>,
    /// The page to ask for next.
    pub(super) next: Option<u64>,
    pub(super) total: Option<u64>,
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
    pub(super) fn new(plan: Plan, client: Arc<dyn Fetch>) -> Self {
        let (reads, writes) = (Pace::new(Duration::ZERO, plan.wait), Pace::new(limits::HUB_WRITE_EVERY, plan.wait));
        Self { plan, client, reads, writes, kept: Mutex::default(), refused: Mutex::default() }
    }

    /// The path of a repository that may be touched.
    pub(super) fn repo(&self, owner: &str, repo: &str) -> Result<Path, Refusal> {
        self.plan.fence.check(owner, repo)?;
        Ok(Path::of(&["repos"]).segment(owner).segment(repo))
    }

    /// Sends a request, as often as it takes within the call's time.
    pub(super) async fn ask(&self, ask: Ask, cx: &Context) -> Result<Told, Refusal> {
        let url = self.url(&ask)?;
        let mut answer = self.once(&ask, &url, cx).await?;
        if let Some(pause) = pause(&answer) {
            if pause > self.plan.wait || cx.time_left().is_some_and(|left| left <= pause) {
                return Err(Refusal::limited("GitHub asks for a pause", pause));
            }
            self.reads.pause(pause);
            self.writes.pause(pause);
            answer = self.once(&ask, &url, cx).await?;
        }
        self.read(&answer)
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
        let items = if told.value.is_array() { &told.value } else { &Value::Null };
        Ok(self.page(items, fields, wanted, told.next, None, cx))
    }

    /// A page of what a member of the answer holds.
    pub(super) fn page(
        &self,
        values: &Value,
        fields: Fields,
        wanted: Option<&[String]>,
        next: Option<u64>,
        total: Option<u64>,
        cx: &Context,
    ) -> Answer<Listed> {
        let mut items = pick_all(values, fields, wanted);
        for item in &mut items {
            self.withhold(item);
        }
        let mut bytes = 0;
        let fits = items.iter().take_while(|item| {
            bytes += serde_json::to_string(item).map_or(0, |text| text.len());
            bytes <= self.plan.bytes_max
        });
        let fits = fits.count().max(1);
        if fits < items.len() {
            items.truncate(fits);
            cx.note(|trail| trail.truncated = true);
        }
        Listed { items, next, total }.into()
    }

    /// Takes out what somebody without the right to push has written, where the plan says so.
    pub(super) fn withhold(&self, item: &mut JsonObject) {
        if !self.plan.lockdown {
            return;
        }
        let trusted = matches!(
            item.get("author_association").and_then(Value::as_str),
            None | Some("OWNER" | "MEMBER" | "COLLABORATOR")
        );
        if !trusted {
            for text in ["title", "body"] {
                if item.contains_key(text) {
                    item.insert(text.to_owned(), json!("[withheld: its author may not push to this repository]"));
                }
            }
        }
    }

    fn url(&self, ask: &Ask) -> Result<String, Refusal> {
        let pairs = ask.query.iter().map(|(name, value)| format!("{name}={}", percent_encoded(value)));
        let query = pairs.collect::<Vec<_>>().join("&");
        let mark = if query.is_empty() { "" } else { "?" };
        Ok(format!("{}{}{mark}{query}", self.plan.api_url, ask.path.written()?))
    }

    fn token(&self, owner: Option<&str>) -> Option<&Secret> {
        let own = owner.and_then(|owner| self.plan.tokens.get(&owner.to_lowercase()));
        own.or(self.plan.token.as_ref())
    }

    async fn once(&self, ask: &Ask, url: &str, cx: &Context) -> Result<Fetched, Refusal> {
        let reads = ask.method == Method::Get;
        if reads { &self.reads } else { &self.writes }.turn(cx).await?;
        let mut request = FetchRequest::get(url).trusted();
        request.method = ask.method;
        request.bytes_max = limits::API_BYTES_MAX;
        request.wait = cx.time_left().map_or(self.plan.timeout, |left| left.min(self.plan.timeout));
        let accept = ask.accept.unwrap_or("application/vnd.github+json");
        request = request.with_header("accept", Secret::new(accept));
        request = request.with_header("x-github-api-version", Secret::new("2022-11-28"));
        if let Some(token) = self.token(ask.owner.as_deref()) {
            request = request.with_header("authorization", Secret::new(format!("Bearer {}", token.expose())));
        }
        if let Some(body) = &ask.body {
            request.body = Some(Secret::new(body.to_string()));
            request = request.with_header("content-type", Secret::new("application/json"));
        }
        let key = format!("{}\n{}\n{url}", ask.owner.as_deref().unwrap_or_default().to_lowercase(), accept);
        let known = if reads { self.recall(&key) } else { None };
        if let Some(tag) = known.as_ref().and_then(|answer| answer.header("etag")) {
            request = request.with_header("if-none-match", Secret::new(tag));
        }
        let answer = cx.cancel.run_until_cancelled(self.client.fetch(request)).await.ok_or_else(Refusal::cancelled)?;
        let answer = answer.map_err(|error| unreachable(error, reads))?;
        self.learn(&answer);
        if let (304, Some(known)) = (answer.status, known) {
            return Ok(Fetched::clone(&known));
        }
        if reads && answer.status == 200 && answer.header("etag").is_some() {
            self.keep(key, &answer);
        }
        Ok(answer)
    }

    /// What the headers tell of the rate.
    fn learn(&self, answer: &Fetched) {
        let number = |name: &str| answer.header(name).and_then(|text| text.trim().parse::<u64>().ok());
        // Searches have a rate of their own.
        let core = answer.header("x-ratelimit-resource").is_none_or(|resource| resource == "core");
        if let (true, Some(0), Some(reset)) = (core, number("x-ratelimit-remaining"), number("x-ratelimit-reset")) {
            let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
            let pause = Duration::from_secs(reset.saturating_sub(now));
            let words = "the token's requests are used up for this hour";
            self.reads.close(pause, words);
            self.writes.close(pause, words);
        }
    }

    fn recall(&self, key: &str) -> Option<Arc<Fetched>> {
        let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.answers.iter().find(|(known, _)| known == key).map(|(_, answer)| answer.clone())
    }

    fn keep(&self, key: String, answer: &Fetched) {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(at) = kept.answers.iter().position(|(known, _)| *known == key) {
            let gone = kept.answers.remove(at).map_or(0, |(key, answer)| key.len() + answer.body.len());
            kept.bytes -= gone;
        }
        kept.bytes += key.len() + answer.body.len();
        kept.answers.push_back((key, Arc::new(answer.clone())));
        while kept.answers.len() > limits::API_CACHE_ENTRIES_MAX || kept.bytes > limits::API_CACHE_BYTES_MAX {
            let Some((key, answer)) = kept.answers.pop_front() else { break };
            kept.bytes -= key.len() + answer.body.len();
        }
    }

    fn read(&self, answer: &Fetched) -> Result<Told, Refusal> {
        let value: Value = serde_json::from_slice(&answer.body).unwrap_or_default();
        *self.refused.lock().unwrap_or_else(PoisonError::into_inner) =
            (answer.status == 401).then(|| "GitHub refuses the token".to_owned());
        let message = message(&value);
        match answer.status {
            200..=299 | 302 => {
                let location = answer.header("location").map(str::to_owned);
                Ok(Told { next: next_page(answer), raw: answer.body.clone(), location, value })
            }
            401 => {
                Err(Refusal::unavailable("GitHub refuses this server's token; whoever runs the server has to mend it"))
            }
            403 => Err(Refusal::failed(format!("GitHub says that this may not be done: {message}"))),
            404 | 410 => Err(Refusal::failed(
                "GitHub has nothing there, or this server's token may not see it; check the names and numbers",
            )),
            409 => Err(Refusal::failed(format!("GitHub says that this contradicts what is there: {message}"))),
            422 | 400 => Err(Refusal::failed(format!("GitHub refuses the arguments: {message}"))),
            429 => Err(Refusal::limited("GitHub asks for a pause", pause(answer).unwrap_or(limits::HUB_WRITE_EVERY))),
            301 | 307 | 308 => Err(Refusal::failed("GitHub says that this has moved; ask for its new name")),
            status => {
                Err(Refusal::unavailable(format!("GitHub has trouble of its own (status {status}); ask again later")))
            }
        }
    }

    pub(super) fn health(&self) -> Health {
        let refused = self.refused.lock().unwrap_or_else(PoisonError::into_inner).clone();
        refused.map_or(Health::Ready, Health::Degraded)
    }

    /// What the tokens may do beyond what is needed.
    pub(super) async fn inspect(&self, writes: bool) -> Vec<Diagnostic> {
        let owners = self.plan.tokens.keys().map(|owner| Some(owner.as_str()));
        let default = self.plan.token.as_ref().map(|_| None);
        let mut found = Vec::new();
        for owner in default.into_iter().chain(owners) {
            let place = match owner {
                None => self.plan.place.join("token"),
                Some(owner) => self.plan.place.join("tokens").join(owner),
            };
            found.extend(self.inspect_token(owner, &place, writes).await);
        }
        found
    }

    async fn inspect_token(&self, owner: Option<&str>, place: &Pointer, writes: bool) -> Vec<Diagnostic> {
        let cx = Context::new("inspect", portwright_core::TransportKind::InProcess);
        let ask = Ask { owner: owner.map(str::to_owned), ..Ask::get(Path::of(&["user"])) };
        let answer = match self.url(&ask) {
            Ok(url) => self.once(&ask, &url, &cx).await,
            Err(refusal) => Err(refusal),
        };
        let answer = match answer.and_then(|answer| self.read(&answer).map(|_| answer)) {
            Ok(answer) => answer,
            Err(refusal) => {
                return vec![Diagnostic::error(place.clone(), "refused-token", refusal.public().to_owned())];
            }
        };
        let scopes: Vec<&str> = answer.header("x-oauth-scopes").unwrap_or_default().split(',').map(str::trim).collect();
        let wide = ["admin:org", "delete_repo", "admin:enterprise", "site_admin", "workflow", "repo"];
        let wide: Vec<_> = scopes.into_iter().filter(|scope| wide.contains(scope)).collect();
        if wide.is_empty() {
            return Vec::new();
        }
        let message = format!(
            "the token may do more than {} needs: {}",
            if writes { "this source" } else { "reading" },
            wide.join(", ")
        );
        let hint =
            "use a fine-grained token for the repositories that are served, with the rights that their tools need";
        vec![Diagnostic::advice(place.clone(), "wide-token", message).hint(hint)]
    }
}

impl Told {
    /// Where the answer says that the thing is.
    pub(super) fn location(&self) -> Option<&str> {
        self.location.as_deref()
    }
}
