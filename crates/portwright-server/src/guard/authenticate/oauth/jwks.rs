//! The issuer's keys: fetched when one is missing, by one at a time and not too often, and kept while the issuer is
//! away.

use std::sync::{Arc, Mutex, PoisonError};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::jwk::{AlgorithmParameters, EllipticCurve, Jwk, PublicKeyUse};
use jsonwebtoken::{Algorithm, DecodingKey};
use portwright_core::{Fetch, FetchRequest, limits};
use serde_json::Value;
use tokio::time::Instant;

use super::OAuthPlan;

/// A key of the issuer's that can prove something.
pub(super) struct Key {
    kid: Option<String>,
    /// What it may prove; several for a key of RSA that does not say.
    algorithms: Vec<Algorithm>,
    proves: DecodingKey,
}

/// The issuer's keys.
pub(super) struct Jwks {
    issuer: String,
    url: Option<String>,
    fetch: Arc<dyn Fetch>,
    state: Mutex<State>,
    /// One asks, the others wait for what it gets.
    asking: tokio::sync::Mutex<()>,
}

#[derive(Default)]
struct State {
    keys: Arc<Vec<Key>>,
    fetched: Option<Instant>,
    tried: Option<Instant>,
}

impl std::fmt::Debug for Jwks {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Jwks").field("issuer", &self.issuer).finish_non_exhaustive()
    }
}

/// Why there are no keys.
#[derive(Debug, thiserror::Error)]
enum NoKeys {
    #[error("{0} can't be fetched")]
    Fetch(String, #[source] portwright_core::FetchError),
    #[error("{url} answered with status {status}")]
    Status { url: String, status: u16 },
    #[error("{0} is no document of keys")]
    Document(String),
    #[error("no metadata of the issuer was found that names it and its keys")]
    Metadata,
    #[error("the issuer's metadata leads to {0}, which is not https")]
    Plain(String),
}

impl Jwks {
    pub(super) fn new(plan: &OAuthPlan, fetch: Arc<dyn Fetch>) -> Self {
        Self {
            issuer: plan.issuer.clone(),
            url: plan.jwks_url.clone(),
            fetch,
            state: Mutex::default(),
            asking: tokio::sync::Mutex::default(),
        }
    }

    /// The keys as they are known; none that are too old to be believed.
    pub(super) fn current(&self) -> Arc<Vec<Key>> {
        let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        match state.fetched {
            Some(at) if at.elapsed() < limits::JWKS_KEPT_MAX => state.keys.clone(),
            _ => Arc::default(),
        }
    }

    /// Fetches the keys if this one is not among them, or if they are old. Nobody waits for what is only old.
    pub(super) async fn prepare(self: &Arc<Self>, kid: Option<&str>) {
        let known = self.current().iter().any(|key| kid.is_none() || key.kid.as_deref() == kid);
        if !self.is_due(known) {
            return;
        }
        if known {
            let own = self.clone();
            tokio::spawn(async move { own.refresh(true).await });
        } else {
            self.refresh(false).await;
        }
    }

    fn is_due(&self, known: bool) -> bool {
        let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let rested = state.tried.is_none_or(|at| at.elapsed() >= limits::JWKS_ASK_EVERY);
        rested && !(known && state.fetched.is_some_and(|at| at.elapsed() < limits::JWKS_FRESH))
    }

    async fn refresh(&self, known: bool) {
        let _alone = self.asking.lock().await;
        if !self.is_due(known) {
            return;
        }
        self.state.lock().unwrap_or_else(PoisonError::into_inner).tried = Some(Instant::now());
        match self.ask().await {
            Ok(keys) => {
                tracing::info!(issuer = %self.issuer, keys = keys.len(), "the issuer's keys were fetched");
                let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
                state.keys = Arc::new(keys);
                state.fetched = Some(Instant::now());
            }
            Err(error) => {
                let cause = std::error::Error::source(&error).map(ToString::to_string).unwrap_or_default();
                tracing::warn!(issuer = %self.issuer, %error, cause, "the issuer's keys can't be had; known ones stay");
            }
        }
    }

    async fn ask(&self) -> Result<Vec<Key>, NoKeys> {
        let request = match &self.url {
            Some(url) => FetchRequest::get(url).trusted(),
            None => self.discover().await?,
        };
        let url = request.url.clone();
        let document = self.json(request).await?;
        let listed = document.get("keys").and_then(Value::as_array).ok_or(NoKeys::Document(url))?;
        Ok(listed.iter().take(limits::JWKS_KEYS_MAX).filter_map(usable).collect())
    }

    /// Whether there are keys to be had that prove something.
    pub(super) async fn reach(&self) -> Result<(), String> {
        match self.ask().await {
            Ok(keys) if keys.is_empty() => Err("the issuer publishes no key that can be used".to_owned()),
            Ok(_) => Ok(()),
            Err(error) => {
                let cause = std::error::Error::source(&error).map(|cause| format!(": {cause}")).unwrap_or_default();
                Err(format!("{error}{cause}"))
            }
        }
    }

    /// Where the issuer's metadata says that its keys are (RFC 8414, then `OpenID` Connect Discovery).
    async fn discover(&self) -> Result<FetchRequest, NoKeys> {
        let (scheme, rest) = self.issuer.split_once("://").ok_or(NoKeys::Metadata)?;
        let (host, path) = rest.split_once('/').unwrap_or((rest, ""));
        let path = path.trim_end_matches('/');
        let slash = if path.is_empty() { "" } else { "/" };
        let places = [
            format!("{scheme}://{host}/.well-known/oauth-authorization-server{slash}{path}"),
            format!("{scheme}://{host}{slash}{path}/.well-known/openid-configuration"),
        ];
        let mut last = NoKeys::Metadata;
        for place in places {
            match self.json(FetchRequest::get(place).trusted()).await {
                // Metadata that names another issuer is another's (RFC 8414, 3.3).
                Ok(found) if found.get("issuer").and_then(Value::as_str) == Some(&self.issuer) => {
                    let url = found.get("jwks_uri").and_then(Value::as_str).ok_or(NoKeys::Metadata)?;
                    let own = url.strip_prefix(&format!("{scheme}://{host}")).is_some_and(|rest| rest.starts_with('/'));
                    if !own && !url.starts_with("https://") {
                        return Err(NoKeys::Plain(url.to_owned()));
                    }
                    let request = FetchRequest::get(url);
                    return Ok(if own { request.trusted() } else { request });
                }
                Ok(_) => {}
                Err(error) => last = error,
            }
        }
        Err(last)
    }

    async fn json(&self, request: FetchRequest) -> Result<Value, NoKeys> {
        let url = request.url.clone();
        let answer = self.fetch.fetch(request).await.map_err(|error| NoKeys::Fetch(url.clone(), error))?;
        if answer.status != 200 {
            return Err(NoKeys::Status { url, status: answer.status });
        }
        serde_json::from_slice(&answer.body).map_err(|_| NoKeys::Document(url))
    }
}

/// The key that a token names. Without a name it must be the only one that fits.
pub(super) fn find<'a>(keys: &'a [Key], kid: Option<&str>, algorithm: Algorithm) -> Option<&'a DecodingKey> {
    let mut fitting =
        keys.iter().filter(|key| key.algorithms.contains(&algorithm) && (kid.is_none() || key.kid.as_deref() == kid));
    let first = fitting.next()?;
    (kid.is_some() || fitting.next().is_none()).then_some(&first.proves)
}

/// A published key, if it is one for signatures, of a kind and size that is taken.
fn usable(written: &Value) -> Option<Key> {
    let jwk: Jwk = serde_json::from_value(written.clone()).ok()?;
    if jwk.common.public_key_use.as_ref().is_some_and(|purpose| *purpose != PublicKeyUse::Signature) {
        return None;
    }
    let may: Vec<Algorithm> = match &jwk.algorithm {
        AlgorithmParameters::RSA(rsa) if bits(&rsa.n) >= limits::RSA_BITS_MIN => vec![
            Algorithm::RS256,
            Algorithm::RS384,
            Algorithm::RS512,
            Algorithm::PS256,
            Algorithm::PS384,
            Algorithm::PS512,
        ],
        AlgorithmParameters::EllipticCurve(ec) => match ec.curve {
            EllipticCurve::P256 => vec![Algorithm::ES256],
            EllipticCurve::P384 => vec![Algorithm::ES384],
            _ => return None,
        },
        AlgorithmParameters::OctetKeyPair(pair) if pair.curve == EllipticCurve::Ed25519 => vec![Algorithm::EdDSA],
        // A secret that is published is none.
        _ => return None,
    };
    let said = written.get("alg").and_then(Value::as_str);
    let algorithms: Vec<_> = match said {
        Some(said) => may.into_iter().filter(|one| said.parse::<Algorithm>().is_ok_and(|said| said == *one)).collect(),
        None => may,
    };
    let proves = DecodingKey::from_jwk(&jwk).ok()?;
    (!algorithms.is_empty()).then_some(Key { kid: jwk.common.key_id.clone(), algorithms, proves })
}

/// The bits of a number, without those that are zero in front.
fn bits(number: &str) -> usize {
    let bytes = URL_SAFE_NO_PAD.decode(number).unwrap_or_default();
    let plain = bytes.iter().skip_while(|byte| **byte == 0);
    plain.count() * 8
}
