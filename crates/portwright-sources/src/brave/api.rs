//! One request to the search service: from the cache, or in turn, and once more where the service asked to wait.
//!
//! What goes wrong becomes a refusal in words for a model. The service's own words go nowhere, since they may repeat what
//! it was sent: the token among it.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use portwright_core::{
    Context, Fetch, FetchError, FetchRequest, Fetched, Health, Refusal, RefusalKind, Secret, limits,
};
use reqwest::Url;
use serde_json::Value;

use super::cache::Cache;
use super::rate::{Queue, Rate, Told, month_gone, seconds};

/// What the service is asked with: names and values.
pub(super) type Params = Vec<(&'static str, String)>;

/// How the service is reached, as configured.
#[derive(Debug, Clone)]
pub(super) struct ApiPlan {
    pub(super) base: Url,
    pub(super) token: Secret,
    pub(super) rate: Option<Rate>,
    pub(super) wait: Duration,
    pub(super) timeout: Duration,
    pub(super) cache: Duration,
    pub(super) bytes_max: usize,
}

/// The search service, behind its queue and its cache.
#[derive(Debug)]
pub(super) struct Api {
    fetch: Arc<dyn Fetch>,
    base: Url,
    token: Secret,
    timeout: Duration,
    /// Bytes of what one search returns.
    pub(super) bytes_max: usize,
    queue: Queue,
    cache: Cache,
    /// Why the last request came to nothing, if that lies with the service or the configuration.
    ill: Mutex<Option<&'static str>>,
}

const TOKEN_REFUSED: &str = "the search service does not accept the token";
const NO_ANSWER: &str = "the search service can't be reached";

impl Api {
    pub(super) fn new(fetch: Arc<dyn Fetch>, plan: ApiPlan) -> Self {
        let ApiPlan { base, token, rate, wait, timeout, cache, bytes_max } = plan;
        let (queue, cache) = (Queue::new(rate, wait), Cache::new(cache));
        Self { fetch, base, token, timeout, bytes_max, queue, cache, ill: Mutex::default() }
    }

    /// The answer of an endpoint, perhaps one that was given a moment ago.
    pub(super) async fn get(&self, path: &[&str], params: &Params, cx: &Context) -> Result<Arc<Value>, Refusal> {
        let url = self.url(path, params)?;
        if let Some(known) = self.cache.get(url.as_str(), Instant::now()) {
            cx.note(|trail| trail.flags.push("cached".to_owned()));
            return Ok(known);
        }
        let (answer, bytes) = self.ask(&url, cx).await?;
        let answer = Arc::new(answer);
        self.cache.put(url.as_str(), &answer, bytes, Instant::now());
        Ok(answer)
    }

    /// The answer that it has now.
    pub(super) async fn get_anew(&self, path: &[&str], params: &Params, cx: &Context) -> Result<Value, Refusal> {
        let url = self.url(path, params)?;
        self.ask(&url, cx).await.map(|(answer, _)| answer)
    }

    /// What is known without asking: each request counts.
    pub(super) fn health(&self) -> Health {
        if self.queue.is_month_gone() {
            return Health::Degraded("the month's searches of the plan are used up".to_owned());
        }
        let ill = *self.ill.lock().unwrap_or_else(PoisonError::into_inner);
        ill.map_or(Health::Ready, |words| Health::Degraded(words.to_owned()))
    }

    /// One request, for whoever checks the configuration: what the service tells of the plan.
    pub(super) async fn probe(&self) -> Result<Told, Refusal> {
        let params = vec![("q", "portwright".to_owned()), ("count", "1".to_owned())];
        let url = self.url(&["web", "search"], &params)?;
        let answer = self.send(&url, self.timeout).await?;
        self.read(&answer).map(|_| Told::by(&answer))
    }

    fn url(&self, path: &[&str], params: &Params) -> Result<Url, Refusal> {
        let mut url = self.base.clone();
        match url.path_segments_mut() {
            Ok(mut segments) => segments.pop_if_empty().extend(path),
            Err(()) => return Err(Refusal::unavailable(NO_ANSWER)),
        };
        url.query_pairs_mut().extend_pairs(params);
        Ok(url)
    }

    async fn ask(&self, url: &Url, cx: &Context) -> Result<(Value, usize), Refusal> {
        let mut again = true;
        loop {
            let began = self.queue.turn(cx.time_left()).await?;
            let wait = cx.time_left().map_or(self.timeout, |left| left.min(self.timeout));
            let answer = self.send(url, wait).await?;
            let told = Told::by(&answer);
            self.queue.learn(&told, began);
            if answer.status != 429 {
                return self.read(&answer).map(|value| (value, answer.body.len()));
            }
            if told.per_month.is_some() && told.left_in_month == Some(0) || code(&answer).1 == "QUOTA_LIMITED" {
                return Err(month_gone(told.reset_month));
            }
            let pause = retry_after(&answer, &told);
            self.queue.hold(pause);
            if !again || pause > self.queue.patience(cx.time_left()) {
                let words = format!("the search service asks to wait; try again in {} s", seconds(pause));
                return Err(Refusal::new(RefusalKind::Limited, words).retry_after(pause));
            }
            cx.note(|trail| trail.flags.push("retried".to_owned()));
            again = false;
        }
    }

    async fn send(&self, url: &Url, wait: Duration) -> Result<Fetched, Refusal> {
        let request =
            FetchRequest { bytes_max: limits::SEARCH_ANSWER_BYTES_MAX, wait, ..FetchRequest::get(url.as_str()) };
        // Whoever runs the server wrote the address; calls fill in its query alone.
        let request = request.trusted().with_header("accept", Secret::new("application/json"));
        let request = request.with_header("x-subscription-token", self.token.clone());
        let answer = self.fetch.fetch(request).await;
        self.fell_ill(match &answer {
            Ok(answer) if is_token_refused(answer) => Some(TOKEN_REFUSED),
            Ok(answer) if answer.status >= 500 => Some("the search service is out of order"),
            Ok(_) | Err(FetchError::TooLarge(_) | FetchError::TimedOut) => None,
            Err(_) => Some(NO_ANSWER),
        });
        answer.map_err(not_fetched)
    }

    fn fell_ill(&self, words: Option<&'static str>) {
        let mut ill = self.ill.lock().unwrap_or_else(PoisonError::into_inner);
        if *ill != words {
            tracing::info!(state = words.unwrap_or("well"), "search service");
            *ill = words;
        }
    }

    fn read(&self, answer: &Fetched) -> Result<Value, Refusal> {
        if !(200..300).contains(&answer.status) {
            return Err(refused(answer));
        }
        match serde_json::from_slice::<Value>(&answer.body) {
            Ok(value) if value.is_object() => Ok(value),
            _ => {
                self.fell_ill(Some("the search service answers with something else than search results"));
                Err(Refusal::unavailable("the search service answered with something else than search results"))
            }
        }
    }
}

fn not_fetched(error: FetchError) -> Refusal {
    let refusal = match &error {
        FetchError::TimedOut => {
            Refusal::timed_out("the search service did not answer in time; try again, or search for less")
        }
        FetchError::TooLarge(_) => Refusal::failed("the search service's answer is too large; ask for fewer results"),
        _ => Refusal::unavailable(NO_ANSWER),
    };
    refusal.because(error)
}

/// When the service wants to be asked again.
fn retry_after(answer: &Fetched, told: &Told) -> Duration {
    let header = answer.header("retry-after").and_then(|value| value.trim().parse().ok()).map(Duration::from_secs);
    header.or(told.reset_now).unwrap_or(limits::SEARCH_INTERVAL).min(limits::SEARCH_RETRY_MAX)
}

/// The service's body for what it refuses, and its word for why; nothing that is not such a word.
fn code(answer: &Fetched) -> (Value, String) {
    let body: Value = serde_json::from_slice(&answer.body).unwrap_or_default();
    let code = body.pointer("/error/code").and_then(Value::as_str).unwrap_or_default();
    let sound = code.len() <= 40 && code.bytes().all(|byte| byte.is_ascii_uppercase() || b"_".contains(&byte));
    let code = if sound { code.to_owned() } else { String::new() };
    (body, code)
}

fn is_token_refused(answer: &Fetched) -> bool {
    matches!(answer.status, 401)
        || matches!(answer.status, 400..=499)
            && matches!(&*code(answer).1, "SUBSCRIPTION_TOKEN_INVALID" | "SUBSCRIPTION_NOT_FOUND")
}

fn refused(answer: &Fetched) -> Refusal {
    let (body, code) = code(answer);
    let status = answer.status;
    // The service's own words may repeat the token.
    tracing::info!(status, code, "search refused");
    if is_token_refused(answer) {
        let words =
            "the search service does not accept this server's token; only whoever runs the server can mend that";
        return Refusal::unavailable(words);
    }
    match (status, &*code) {
        (_, "OPTION_NOT_IN_PLAN" | "RESOURCE_NOT_ALLOWED") | (402 | 403, _) => Refusal::failed(
            "this server's search plan does not include that; leave out what is special, or use brave_web_search",
        ),
        (429, _) => Refusal::new(RefusalKind::Limited, "the search service asks to wait"),
        (404, _) => Refusal::failed("the search service knows no such thing; a key may be too old: search anew"),
        (400..=499, _) => {
            let names = wrong_names(&body);
            let what = if names.is_empty() { "this search".to_owned() } else { format!("`{}`", names.join("`, `")) };
            let why = if code.is_empty() { format!("status {status}") } else { code };
            Refusal::failed(format!("the search service does not accept {what} ({why}); change it, or leave it out"))
        }
        (300..=399, _) => Refusal::unavailable("the search service leads elsewhere, and that is not followed"),
        _ => Refusal::unavailable("the search service is out of order; try again later"),
    }
}

/// The parameters that the service found wrong, by our names.
fn wrong_names(body: &Value) -> Vec<&'static str> {
    const KNOWN: [(&str, &str); 15] = [
        ("q", "query"),
        ("count", "count"),
        ("offset", "offset"),
        ("country", "country"),
        ("search_lang", "search_lang"),
        ("freshness", "freshness"),
        ("safesearch", "safesearch"),
        ("goggles", "goggles"),
        ("result_filter", "result_filter"),
        ("key", "key"),
        ("latitude", "latitude"),
        ("longitude", "longitude"),
        ("location", "location"),
        ("radius", "radius"),
        ("units", "units"),
    ];
    let errors = body.pointer("/error/meta/errors").and_then(Value::as_array);
    let places = errors.into_iter().flatten().take(limits::FAULTS_MAX);
    let words = places.filter_map(|one| one.get("loc")?.as_array()?.iter().filter_map(Value::as_str).next_back());
    let mut names: Vec<_> =
        words.filter_map(|word| KNOWN.iter().find(|(theirs, _)| *theirs == word).map(|(_, own)| *own)).collect();
    names.dedup();
    names
}
