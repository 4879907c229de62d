//! What an answer tells beside its contents: the next page, a pause, why not.

use std::time::Duration;

use portwright_core::{FetchError, Fetched, Refusal};
use serde_json::Value;

pub(super) fn unreachable(error: FetchError, reads: bool) -> Refusal {
    match error {
        FetchError::TimedOut if reads => Refusal::timed_out("GitHub did not answer in time; ask again, or for less"),
        FetchError::TimedOut => {
            Refusal::timed_out("GitHub did not answer in time; look whether it was done before you try again")
        }
        FetchError::TooLarge(_) => Refusal::failed("the answer is too large; ask for less"),
        other => Refusal::unavailable("GitHub can't be reached").because(other),
    }
}

/// How long GitHub wants nobody to ask: for a secondary limit, or for the main one.
pub(super) fn pause(answer: &Fetched) -> Option<Duration> {
    if !matches!(answer.status, 403 | 429) {
        return None;
    }
    let after = answer.header("retry-after").and_then(|text| text.trim().parse().ok());
    let limited = answer.status == 429 || answer.body.windows(10).any(|words| words == b"rate limit");
    after.map(Duration::from_secs).or_else(|| limited.then_some(Duration::from_mins(1)))
}

/// `Link: <…?page=3>; rel="next"`
pub(super) fn next_page(answer: &Fetched) -> Option<u64> {
    let next = answer.header("link")?.split(',').find(|link| link.contains("rel=\"next\""))?;
    let query = next.split_once('?')?.1.split('>').next()?;
    query.split('&').find_map(|pair| pair.strip_prefix("page=")).and_then(|page| page.parse().ok())
}

/// What GitHub says of a refusal.
pub(super) fn message(value: &Value) -> String {
    const CHARACTERS_MAX: usize = 300;
    let mut words = value["message"].as_str().unwrap_or("it does not say why").to_owned();
    for error in value["errors"].as_array().into_iter().flatten() {
        let told = error["message"].as_str().map(str::to_owned);
        let told = told.or_else(|| Some(format!("{} {}", error["field"].as_str()?, error["code"].as_str()?)));
        let told = told.or_else(|| error.as_str().map(str::to_owned));
        words.extend(told.map(|told| format!("; {told}")));
    }
    words.chars().take(CHARACTERS_MAX).collect()
}
