//! Tokens. Each has a rate of its own at GitHub, so each has turns of its own here: one that is used up stops no other.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use portwright_core::{Fetched, Pointer, Secret, limits};

use super::pace::Pace;

/// A token, or none, with its turns.
#[derive(Debug)]
pub(super) struct Key {
    pub(super) token: Option<Secret>,
    /// Where it stands in the configuration.
    pub(super) place: Pointer,
    pub(super) reads: Pace,
    pub(super) writes: Pace,
    refused: AtomicBool,
}

/// All of them.
#[derive(Debug)]
pub(super) struct Keys {
    common: Key,
    /// By owner, in small letters.
    own: HashMap<String, Key>,
}

impl Key {
    fn new(token: Option<Secret>, place: Pointer, wait: Duration) -> Self {
        let (reads, writes) = (Pace::new(Duration::ZERO, wait), Pace::new(limits::HUB_WRITE_EVERY, wait));
        Self { token, place, reads, writes, refused: AtomicBool::new(false) }
    }

    /// Nobody asks before so long from now.
    pub(super) fn pause(&self, pause: Duration) {
        self.reads.pause(pause);
        self.writes.pause(pause);
    }

    /// What an answer tells of the token and its rate.
    pub(super) fn learn(&self, answer: &Fetched) {
        self.refused.store(answer.status == 401, Ordering::Relaxed);
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
}

impl Keys {
    pub(super) fn new(token: Option<Secret>, tokens: HashMap<String, Secret>, place: &Pointer, wait: Duration) -> Self {
        let own = tokens.into_iter().map(|(owner, token)| {
            let place = place.join("tokens").join(&owner);
            (owner.to_lowercase(), Key::new(Some(token), place, wait))
        });
        Self { own: own.collect(), common: Key::new(token, place.join("token"), wait) }
    }

    /// An owner's, or the common one. What is nobody's is asked for with the only one that there is.
    pub(super) fn of(&self, owner: Option<&str>) -> &Key {
        match owner {
            Some(owner) => self.own.get(&owner.to_lowercase()).unwrap_or(&self.common),
            None if self.common.token.is_none() && self.own.len() == 1 => {
                self.own.values().next().unwrap_or(&self.common)
            }
            None => &self.common,
        }
    }

    /// Those that are a token, by their places.
    pub(super) fn all(&self) -> Vec<&Key> {
        let mut all: Vec<_> = [&self.common].into_iter().chain(self.own.values()).collect();
        all.retain(|key| key.token.is_some());
        all.sort_unstable_by_key(|key| key.place.to_string());
        all
    }

    /// Whether GitHub refused one of them when it was last used.
    pub(super) fn any_refused(&self) -> bool {
        self.all().iter().any(|key| key.refused.load(Ordering::Relaxed))
    }

    /// A text of GitHub's without what must not be shown.
    pub(super) fn redacted(&self, text: String) -> String {
        let tokens = self.all().into_iter().filter_map(|key| key.token.as_ref());
        tokens.fold(text, |text, token| text.replace(token.expose(), "…"))
    }
}
