//! The queue before the search service: calls wait their turn in order, at the rate that the plan allows.
//!
//! [`Pace`] knows when the next request may go, from the configuration and from what the service told in its headers;
//! [`Queue`] lets one call after another through. It knows nothing of searches.

use std::str::FromStr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use portwright_core::{Fetched, Refusal, RefusalKind, limits};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::Error as _;
use serde::{Deserialize, Deserializer};

/// Requests in a time, written `"1/s"` or `"60/min"`. They are spread evenly.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Rate {
    /// The time from one request to the next.
    pub(super) interval: Duration,
}

impl FromStr for Rate {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || format!("`{text}` is not a rate; write requests and a time: \"1/s\", \"20/s\", \"30/min\"");
        let (count, unit) = text.trim().split_once('/').ok_or_else(wrong)?;
        let count: u32 = count.trim().parse().map_err(|_| wrong())?;
        let unit = match unit.trim() {
            "s" => Duration::from_secs(1),
            "min" => Duration::from_mins(1),
            _ => return Err(wrong()),
        };
        if count == 0 || count > limits::SEARCH_RATE_CEILING {
            return Err(format!("`{text}` is no rate that can be kept: 1 to {} requests", limits::SEARCH_RATE_CEILING));
        }
        Ok(Self { interval: unit / count })
    }
}

impl<'de> Deserialize<'de> for Rate {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(D::Error::custom)
    }
}

impl JsonSchema for Rate {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Rate".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "pattern": "^[0-9]+/(s|min)$", "examples": ["1/s", "30/min"] })
    }
}

/// What the service says of its bounds: each header has a value for the second and one for the month.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Told {
    /// Requests a second; none if there is no such bound.
    pub(super) per_second: Option<u32>,
    pub(super) left_now: Option<u32>,
    pub(super) reset_now: Option<Duration>,
    /// Requests a month; none if there is no such bound.
    pub(super) per_month: Option<u32>,
    pub(super) left_in_month: Option<u32>,
    pub(super) reset_month: Option<Duration>,
}

impl Told {
    /// Reads `x-ratelimit-limit`, `-remaining` and `-reset`. What can't be read counts as not told.
    pub(super) fn by(answer: &Fetched) -> Self {
        let pair = |name: &str| {
            let mut values = answer.header(name).unwrap_or_default().split(',').map(|one| one.trim().parse().ok());
            (values.next().flatten(), values.next().flatten())
        };
        // A bound of zero is none: plans that count and don't cut off are told like that.
        let bound = |value: Option<u32>| value.filter(|value| *value > 0);
        let (second, month) = pair("x-ratelimit-limit");
        let (left_now, left_in_month) = pair("x-ratelimit-remaining");
        let (reset_now, reset_month) = pair("x-ratelimit-reset");
        let seconds = |value: Option<u32>| value.map(|value| Duration::from_secs(value.into()));
        Self {
            per_second: bound(second),
            left_now,
            reset_now: seconds(reset_now),
            per_month: bound(month),
            left_in_month,
            reset_month: seconds(reset_month),
        }
    }

    fn month_gone(&self) -> bool {
        self.per_month.is_some() && self.left_in_month == Some(0)
    }
}

/// When the next request may go.
#[derive(Debug)]
pub(super) struct Pace {
    /// The operator's bound; without one, what the service tells counts.
    fixed: Option<Duration>,
    interval: Duration,
    next: Option<Instant>,
    /// Until when nothing is asked, and when the month's requests come back.
    gone: Option<(Instant, Instant)>,
}

impl Pace {
    pub(super) fn new(rate: Option<Rate>) -> Self {
        let fixed = rate.map(|rate| rate.interval);
        Self { fixed, interval: fixed.unwrap_or(limits::SEARCH_INTERVAL), next: None, gone: None }
    }

    /// How long until the next request may go; zero: now.
    pub(super) fn pause(&self, now: Instant) -> Duration {
        self.next.map_or(Duration::ZERO, |next| next.saturating_duration_since(now))
    }

    /// A request goes now.
    pub(super) fn go(&mut self, now: Instant) {
        self.next = Some(now + self.interval);
    }

    /// How long until the month's requests come back, if they are used up.
    pub(super) fn gone(&self, now: Instant) -> Option<Duration> {
        let (until, reset) = self.gone?;
        (now < until).then(|| reset.saturating_duration_since(now))
    }

    /// Nothing goes before `pause` has passed; one odd header must not stop everything for good.
    pub(super) fn hold(&mut self, now: Instant, pause: Duration) {
        let until = now + pause.min(limits::SEARCH_QUOTA_LOOK);
        self.next = Some(self.next.map_or(until, |next| next.max(until)));
    }

    /// Learns from an answer to a request that went at `began`. The operator's rate is never exceeded, whatever the
    /// service allows.
    pub(super) fn learn(&mut self, told: &Told, began: Instant, now: Instant) {
        if let Some(count) = told.per_second {
            let theirs = Duration::from_secs(1) / count.min(limits::SEARCH_RATE_CEILING);
            self.interval = self.fixed.map_or(theirs, |own| own.max(theirs));
        }
        if told.left_now == Some(0) {
            let reset = told.reset_now.unwrap_or(self.interval).min(limits::SEARCH_QUEUE_WAIT);
            let until = began + reset.max(self.interval);
            self.next = Some(self.next.map_or(until, |next| next.max(until)));
        }
        self.gone = told.month_gone().then(|| {
            let reset = told.reset_month.unwrap_or(limits::SEARCH_QUOTA_LOOK);
            (now + reset.min(limits::SEARCH_QUOTA_LOOK), now + reset)
        });
    }
}

/// Lets one call after another through, in the order in which they came.
#[derive(Debug)]
pub(super) struct Queue {
    pace: Mutex<Pace>,
    /// Whose turn it is; waiters are served in order, and one who leaves costs the others nothing.
    turn: tokio::sync::Mutex<()>,
    waiting: AtomicUsize,
    wait: Duration,
}

/// A place in the queue; given back when dropped.
struct Place<'a>(&'a AtomicUsize);

impl Drop for Place<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Queue {
    pub(super) fn new(rate: Option<Rate>, wait: Duration) -> Self {
        Self {
            pace: Mutex::new(Pace::new(rate)),
            turn: tokio::sync::Mutex::default(),
            waiting: AtomicUsize::new(0),
            wait,
        }
    }

    fn pace(&self) -> MutexGuard<'_, Pace> {
        self.pace.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How long a call that has `left` may wait.
    pub(super) fn patience(&self, left: Option<Duration>) -> Duration {
        left.map_or(self.wait, |left| left.min(self.wait))
    }

    /// Waits for a turn and takes it; the moment at which it came.
    pub(super) async fn turn(&self, left: Option<Duration>) -> Result<Instant, Refusal> {
        let ahead = self.waiting.fetch_add(1, Ordering::Relaxed);
        let _place = Place(&self.waiting);
        let patience = self.patience(left);
        let expected = {
            let pace = self.pace();
            let now = Instant::now();
            if let Some(reset) = pace.gone(now) {
                return Err(month_gone(Some(reset)));
            }
            pace.pause(now) + pace.interval * u32::try_from(ahead).unwrap_or(u32::MAX).min(10_000)
        };
        if ahead >= limits::SEARCH_QUEUE_MAX || expected > patience {
            return Err(crowded(expected));
        }
        let waited = tokio::time::timeout(patience, async {
            let _turn = self.turn.lock().await;
            loop {
                let pause = {
                    let mut pace = self.pace();
                    let now = Instant::now();
                    if let Some(reset) = pace.gone(now) {
                        return Err(month_gone(Some(reset)));
                    }
                    let pause = pace.pause(now);
                    if pause.is_zero() {
                        pace.go(now);
                        return Ok(now);
                    }
                    pause
                };
                tokio::time::sleep(pause).await;
            }
        });
        waited.await.unwrap_or_else(|_| Err(crowded(expected)))
    }

    /// Learns from an answer to a request that went at `began`.
    pub(super) fn learn(&self, told: &Told, began: Instant) {
        self.pace().learn(told, began, Instant::now());
    }

    /// Nothing goes before `pause` has passed.
    pub(super) fn hold(&self, pause: Duration) {
        self.pace().hold(Instant::now(), pause);
    }

    /// Whether the month's requests are used up, as far as is known.
    pub(super) fn is_month_gone(&self) -> bool {
        self.pace().gone(Instant::now()).is_some()
    }

    #[cfg(test)]
    pub(super) fn waiting(&self) -> usize {
        self.waiting.load(Ordering::Relaxed)
    }
}

fn crowded(expected: Duration) -> Refusal {
    let wait = expected.max(Duration::from_secs(1));
    let words = format!("too many searches at once for this plan; try again in {} s, one at a time", seconds(wait));
    Refusal::new(RefusalKind::Limited, words).retry_after(wait)
}

/// The month's requests are used up.
pub(super) fn month_gone(reset: Option<Duration>) -> Refusal {
    let words = "the month's searches of this server's plan are used up; answer without searching";
    let refusal = Refusal::new(RefusalKind::Limited, words);
    match reset {
        Some(reset) => refusal.retry_after(reset),
        None => refusal,
    }
}

/// Whole seconds, rounded up: who comes again sooner comes in vain.
pub(super) fn seconds(wait: Duration) -> u64 {
    wait.as_secs() + u64::from(wait.subsec_nanos() > 0)
}
