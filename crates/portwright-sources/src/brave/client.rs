//! The API: one request at a time as the subscription's rate allows, answers kept for a while.

use std::collections::VecDeque;
use std::fmt::Display;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use portwright_core::{
    Context, Diagnostic, Fetch, FetchError, FetchRequest, Fetched, Health, Pointer, Refusal, Secret, limits,
};
use serde_json::Value;

use crate::shared::http::percent_encoded;
use crate::shared::pace::Pace;

/// What the API is asked by.
#[derive(Debug, Clone)]
pub(super) struct Plan {
    pub(super) place: Pointer,
    pub(super) token: Secret,
    pub(super) api_url: String,
    pub(super) interval: Duration,
    pub(super) wait: Duration,
    pub(super) cached: Duration,
    pub(super) timeout: Duration,
    pub(super) bytes_max: usize,
}

/// The API.
#[derive(Debug)]
pub(super) struct Api {
    pub(super) plan: Plan,
    client: Arc<dyn Fetch>,
    pace: Pace,
    kept: Mutex<Kept>,
    /// Whether the token was refused when it was last used.
    refused: Mutex<Option<String>>,
}

/// Answers that may be given again, the oldest first.
#[derive(Debug, Default)]
struct Kept {
    answers: VecDeque<(String, Instant, usize, Arc<Value>)>,
    bytes: usize,
}

/// What is asked for: names and values, in their order.
#[derive(Debug, Default)]
pub(super) struct Query(Vec<(&'static str, String)>);

impl Query {
    pub(super) fn with(mut self, name: &'static str, value: impl Display) -> Self {
        self.0.push((name, format!("{value}")));
        self
    }

    pub(super) fn with_some(self, name: &'static str, value: Option<impl Display>) -> Self {
        match value {
            Some(value) => self.with(name, value),
            None => self,
        }
    }
}

impl Api {
    pub(super) fn new(plan: Plan, client: Arc<dyn Fetch>) -> Self {
        let pace = Pace::new(plan.interval, plan.wait);
        Self { plan, client, pace, kept: Mutex::default(), refused: Mutex::default() }
    }

    /// Asks for a path of the API, or for what it answered a short while ago.
    pub(super) async fn get(&self, path: &str, query: &Query, cx: &Context) -> Result<Arc<Value>, Refusal> {
        let url = self.url(path, query);
        if let Some(answer) = self.recall(&url) {
            cx.note(|trail| trail.flags.push("cached".to_owned()));
            return Ok(answer);
        }
        let answer = self.ask(&url, cx).await?;
        let answer = Arc::new(answer);
        Ok(answer)
    }

    /// The same, and keeps the answer.
    pub(super) async fn get_and_keep(&self, path: &str, query: &Query, cx: &Context) -> Result<Arc<Value>, Refusal> {
        let answer = self.get(path, query, cx).await?;
        self.keep(self.url(path, query), &answer);
        Ok(answer)
    }

    fn url(&self, path: &str, query: &Query) -> String {
        let pairs = query.0.iter().map(|(name, value)| format!("{name}={}", percent_encoded(value)));
        format!("{}/{path}?{}", self.plan.api_url, pairs.collect::<Vec<_>>().join("&"))
    }

    async fn ask(&self, url: &str, cx: &Context) -> Result<Value, Refusal> {
        let mut answer = self.once(url, cx).await?;
        if answer.status == 429 {
            let pause = self.pause(&answer);
            if pause > self.pace.wait() || cx.time_left().is_some_and(|left| left <= pause) {
                return Err(Refusal::limited("Brave Search asks for a pause", pause));
            }
            self.pace.pause(pause);
            answer = self.once(url, cx).await?;
        }
        self.read(&answer)
    }

    async fn once(&self, url: &str, cx: &Context) -> Result<Fetched, Refusal> {
        self.pace.turn(cx).await?;
        let mut request = FetchRequest::get(url).trusted();
        request = request.with_header("x-subscription-token", self.plan.token.clone());
        request = request.with_header("accept", Secret::new("application/json"));
        request.bytes_max = limits::API_BYTES_MAX;
        request.wait = cx.time_left().map_or(self.plan.timeout, |left| left.min(self.plan.timeout));
        let answer = self.client.fetch(request);
        let answer = cx.cancel.run_until_cancelled(answer).await.ok_or_else(Refusal::cancelled)?;
        let answer = answer.map_err(|error| match error {
            FetchError::TimedOut => Refusal::timed_out("Brave Search did not answer in time; ask again, or for less"),
            FetchError::TooLarge(_) => Refusal::failed("the answer is too large; ask for less by `count`"),
            other => Refusal::unavailable("Brave Search can't be reached").because(other),
        })?;
        self.learn(&answer);
        Ok(answer)
    }

    /// What the headers tell of the rate: of this second, and of this month.
    fn learn(&self, answer: &Fetched) {
        let (Some(left), Some(reset)) = (answer.header("x-ratelimit-remaining"), answer.header("x-ratelimit-reset"))
        else {
            return;
        };
        let numbers = |text: &str| text.split(',').map(|one| one.trim().parse::<u64>().ok()).collect::<Vec<_>>();
        for (index, (left, reset)) in numbers(left).into_iter().zip(numbers(reset)).enumerate() {
            let (Some(0), Some(reset)) = (left, reset) else { continue };
            let pause = Duration::from_secs(reset);
            if index == 0 {
                self.pace.pause(pause.min(limits::PACE_WAIT));
            } else {
                self.pace.close(pause, "the subscription's requests are used up until its period begins anew");
            }
        }
    }

    fn pause(&self, answer: &Fetched) -> Duration {
        let after = answer.header("retry-after").and_then(|text| text.trim().parse().ok());
        let reset = || answer.header("x-ratelimit-reset")?.split(',').next()?.trim().parse().ok();
        Duration::from_secs(after.or_else(reset).unwrap_or(1)).max(self.plan.interval)
    }

    fn read(&self, answer: &Fetched) -> Result<Value, Refusal> {
        let body: Option<Value> = serde_json::from_slice(&answer.body).ok();
        let refused = |why: Option<String>| *self.refused.lock().unwrap_or_else(PoisonError::into_inner) = why;
        match answer.status {
            200..=299 => {
                refused(None);
                body.ok_or_else(|| Refusal::unavailable("Brave Search answered with something that is no JSON"))
            }
            401 | 403 => {
                refused(Some("Brave Search refuses the token".to_owned()));
                Err(Refusal::unavailable(
                    "Brave Search refuses this server's token, or its plan lacks this search; whoever runs the server has to mend it",
                ))
            }
            404 => Err(Refusal::failed("Brave Search does not know this search")),
            422 | 400 => Err(Refusal::failed(format!("Brave Search refuses the arguments: {}", detail(body.as_ref())))),
            429 => Err(Refusal::limited("Brave Search asks for a pause", self.pause(answer))),
            status => Err(Refusal::unavailable(format!(
                "Brave Search has trouble of its own (status {status}); ask again later"
            ))),
        }
    }

    fn recall(&self, url: &str) -> Option<Arc<Value>> {
        let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let fresh = |at: &Instant| at.elapsed() < self.plan.cached;
        kept.answers.iter().rev().find(|(known, at, ..)| known == url && fresh(at)).map(|(.., answer)| answer.clone())
    }

    fn keep(&self, url: String, answer: &Arc<Value>) {
        if self.plan.cached.is_zero() || self.recall(&url).is_some() {
            return;
        }
        let bytes = answer.to_string().len() + url.len();
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.answers.push_back((url, Instant::now(), bytes, answer.clone()));
        kept.bytes += bytes;
        while kept.answers.len() > limits::API_CACHE_ENTRIES_MAX || kept.bytes > limits::API_CACHE_BYTES_MAX {
            let Some((.., bytes, _)) = kept.answers.pop_front() else { break };
            kept.bytes -= bytes;
        }
    }

    pub(super) fn health(&self) -> Health {
        let refused = self.refused.lock().unwrap_or_else(PoisonError::into_inner).clone();
        refused.map_or(Health::Ready, Health::Degraded)
    }

    /// Whether the token works. One search is spent on it.
    pub(super) async fn inspect(&self) -> Vec<Diagnostic> {
        let cx = Context::new("inspect", portwright_core::TransportKind::InProcess);
        let query = Query::default().with("q", "brave").with("count", 1);
        match self.get("web/search", &query, &cx).await {
            Ok(_) => Vec::new(),
            Err(refusal) => {
                let place = self.plan.place.join("token");
                vec![Diagnostic::error(place, "refused-token", refusal.public().to_owned())]
            }
        }
    }
}

/// What the API says of a refusal.
fn detail(body: Option<&Value>) -> String {
    const CHARACTERS_MAX: usize = 300;
    let error = body.map(|body| &body["error"]);
    let told = error.and_then(|error| error["detail"].as_str().or_else(|| error["code"].as_str()));
    told.unwrap_or("it does not say why").chars().take(CHARACTERS_MAX).collect()
}
