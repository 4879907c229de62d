//! Tokens that say nothing themselves: the issuer is asked about each (RFC 7662), by one for all who show it, and its word
//! is kept for a while.

#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::fmt::Write as _;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use futures::FutureExt as _;
use futures::future::{BoxFuture, Shared};
use portwright_core::protocol::JsonObject;
use portwright_core::{Fetch, FetchRequest, Secret, limits};
use serde_json::Value;
use sha2::{Digest, Sha256};
use tokio::time::Instant;

use crate::ops::random;
use crate::unique::Unique;

/// Where the issuer answers questions, and who asks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IntrospectionPlan {
    pub url: String,
    pub client_id: String,
    pub client_secret: Secret,
}

/// A token as it is kept: its hash.
type Mark = [u8; 32];

/// What the issuer said: the claims of a token that holds, or that it does not.
type Word = Option<Arc<JsonObject>>;

#[derive(Debug, Clone)]
struct Known {
    word: Word,
    /// Until then nobody asks again.
    fresh: Instant,
    /// Until then it counts, while somebody asks.
    kept: Instant,
}

type Flight = Shared<BoxFuture<'static, ()>>;

#[derive(Default)]
struct State {
    known: HashMap<Mark, Known>,
    flights: HashMap<Mark, Flight>,
}

/// The issuer's answers.
pub(super) struct Introspection {
    plan: IntrospectionPlan,
    fetch: Arc<dyn Fetch>,
    state: Mutex<State>,
}

impl std::fmt::Debug for Introspection {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Introspection").field("url", &self.plan.url).finish_non_exhaustive()
    }
}

/// Why the issuer's word is not known.
#[derive(Debug, thiserror::Error)]
enum NoWord {
    #[error("the issuer could not be asked")]
    Fetch(#[from] portwright_core::FetchError),
    #[error("the issuer answered with status {0}")]
    Status(u16),
    #[error("the issuer's answer can't be read")]
    Unread,
}

impl Introspection {
    pub(super) fn new(plan: IntrospectionPlan, fetch: Arc<dyn Fetch>) -> Self {
        Self { plan, fetch, state: Mutex::default() }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Sees to it that the issuer's word on a token is known. Nobody waits for what is only old; whoever shows it meanwhile
    /// waits for the same answer; beyond so many questions at once none is asked.
    pub(super) async fn prepare(self: &Arc<Self>, token: &str) {
        let flight = self.flight(token);
        if let Some(flight) = flight.filter(|_| self.word(token).is_none()) {
            flight.await;
        }
    }

    fn flight(self: &Arc<Self>, token: &str) -> Option<Flight> {
        let mark: Mark = Sha256::digest(token.as_bytes()).into();
        let mut state = self.lock();
        if state.known.get(&mark).is_some_and(|known| Instant::now() < known.fresh) {
            return None;
        }
        if let Some(flight) = state.flights.get(&mark) {
            return Some(flight.clone());
        }
        if token.len() > limits::TOKEN_BYTES_MAX || state.flights.len() >= limits::INTROSPECTIONS_MAX {
            return None;
        }
        let (own, token) = (self.clone(), Secret::new(token));
        // A task of its own: whoever asked first may go away, and the others wait on.
        let asking = tokio::spawn(async move { own.ask_and_note(mark, &token).await });
        let flight = asking.map(drop).boxed().shared();
        state.flights.insert(mark, flight.clone());
        Some(flight)
    }

    async fn ask_and_note(&self, mark: Mark, token: &Secret) {
        let landing = Landing { of: self, mark };
        let answer = self.ask(token).await;
        drop(landing);
        let now = Instant::now();
        let mut state = self.lock();
        let word = match answer {
            Ok(word) => word,
            Err(error) => {
                let cause = std::error::Error::source(&error).map(ToString::to_string).unwrap_or_default();
                tracing::warn!(%error, cause, "a token could not be looked up");
                return;
            }
        };
        let (fresh, kept) = match &word {
            None => (limits::INTROSPECTION_NO_KEPT, limits::INTROSPECTION_NO_KEPT),
            Some(_) => (limits::INTROSPECTION_FRESH, limits::INTROSPECTION_KEPT),
        };
        if state.known.len() >= limits::INTROSPECTED_MAX {
            state.known.retain(|_, known| now < known.kept);
        }
        // Where the table is full of tokens that hold, one of those that do not gives way; a new one finds no room else.
        if state.known.len() >= limits::INTROSPECTED_MAX {
            let refused = state.known.iter().find(|(_, known)| known.word.is_none()).map(|(mark, _)| *mark);
            match refused {
                Some(refused) => drop(state.known.remove(&refused)),
                None if word.is_none() => return,
                None => {
                    let oldest = state.known.iter().min_by_key(|(_, known)| known.fresh).map(|(mark, _)| *mark);
                    drop(oldest.and_then(|oldest| state.known.remove(&oldest)));
                }
            }
        }
        state.known.insert(mark, Known { word, fresh: now + fresh, kept: now + kept });
    }

    /// Asks about a token that nobody has; why there is no answer that could be read.
    pub(super) async fn reach(&self) -> Result<(), String> {
        let made_up = random::hex::<16>().map_err(|_| "the system gives no random numbers".to_owned())?;
        match self.ask(&Secret::new(made_up)).await {
            Ok(None) => Ok(()),
            Ok(Some(_)) => Err("it calls a token active that nobody ever gave".to_owned()),
            Err(NoWord::Status(401 | 403)) => Err("it refuses this client_id and client_secret".to_owned()),
            Err(error) => Err(match std::error::Error::source(&error) {
                Some(cause) => format!("{error}: {cause}"),
                None => error.to_string(),
            }),
        }
    }

    async fn ask(&self, token: &Secret) -> Result<Word, NoWord> {
        let body = format!("token={}&token_type_hint=access_token", encoded(token.expose()));
        // RFC 6749, section 2.3.1: both parts are encoded before they are put together.
        let (id, secret) = (encoded(&self.plan.client_id), encoded(self.plan.client_secret.expose()));
        let basic = STANDARD.encode(format!("{id}:{secret}"));
        let request = FetchRequest::post(&self.plan.url, "application/x-www-form-urlencoded", Secret::new(body))
            .trusted()
            .with_header("accept", Secret::new("application/json"))
            .with_header("authorization", Secret::new(format!("Basic {basic}")));
        let answer = self.fetch.fetch(request).await?;
        if answer.status != 200 {
            return Err(NoWord::Status(answer.status));
        }
        match serde_json::from_slice::<Unique>(&answer.body) {
            Ok(Unique(Value::Object(claims))) if claims.len() <= limits::TOKEN_CLAIMS_MAX => {
                let active = claims.get("active").and_then(Value::as_bool).ok_or(NoWord::Unread)?;
                Ok(active.then(|| Arc::new(claims)))
            }
            _ => Err(NoWord::Unread),
        }
    }

    /// What is known of a token; none if nothing is. A word that is not fresh any more counts while somebody asks again.
    pub(super) fn word(self: &Arc<Self>, token: &str) -> Option<Word> {
        let mark: Mark = Sha256::digest(token.as_bytes()).into();
        let known = self.lock().known.get(&mark).cloned()?;
        let now = Instant::now();
        if now < known.fresh {
            return Some(known.word);
        }
        if tokio::runtime::Handle::try_current().is_ok() {
            let _ = self.flight(token);
        }
        (now < known.kept).then_some(known.word)
    }
}

/// A question that is open; it is not any more when this is dropped, however the question ends.
struct Landing<'a> {
    of: &'a Introspection,
    mark: Mark,
}

impl Drop for Landing<'_> {
    fn drop(&mut self) {
        self.of.lock().flights.remove(&self.mark);
    }
}

/// As forms are encoded.
fn encoded(text: &str) -> String {
    let mut out = String::new();
    for byte in text.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'*' => out.push(char::from(byte)),
            b' ' => out.push('+'),
            byte => {
                let _ = write!(out, "%{byte:02X}");
            }
        }
    }
    out
}
