//! OAuth 2.1 access tokens: JSON Web Tokens of one issuer, judged by the keys that it publishes (RFC 9068, RFC 7517).
//!
//! A token is judged without waiting: what may take time, fetching keys or asking the issuer about a token that says
//! nothing itself, is done by [`OAuth::prepare`] before.

mod introspect;
mod jwks;
mod token;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use jsonwebtoken::Algorithm;
use portwright_core::{Fetch, Principal, limits};

use introspect::Introspection;
pub use introspect::IntrospectionPlan;
use jwks::Jwks;
pub use token::BadToken;
use token::Token;

/// Whose tokens are taken, and what they mean.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OAuthPlan {
    /// The issuer, exactly as its tokens name it.
    pub issuer: String,
    /// The audience that a token must be meant for: the address of this server.
    pub audience: String,
    /// Where the issuer's keys are. None: its metadata says.
    pub jwks_url: Option<String>,
    /// How tokens may be signed.
    pub algorithms: Vec<Algorithm>,
    /// The claim that names the caller.
    pub principal_claim: String,
    /// The claim that lists the caller's roles; dots step into objects.
    pub roles_claim: Option<String>,
    /// The roles that scopes grant.
    pub scopes: BTreeMap<String, Arc<str>>,
    /// Scopes without which no call is taken.
    pub required_scopes: Vec<String>,
    /// Whether a call that one more of `scopes` would allow is answered with that scope. It tells that what was asked for
    /// is there.
    pub step_up: bool,
    /// How far clocks may differ.
    pub skew: Duration,
    /// Where the issuer is asked about tokens that say nothing themselves. None: such are not taken.
    pub introspection: Option<IntrospectionPlan>,
}

impl OAuthPlan {
    /// How tokens may be signed where nothing is said. None of these shares a secret.
    pub const ALGORITHMS: [Algorithm; 5] =
        [Algorithm::RS256, Algorithm::PS256, Algorithm::ES256, Algorithm::ES384, Algorithm::EdDSA];

    /// With every default.
    pub fn new(issuer: impl Into<String>, audience: impl Into<String>) -> Self {
        Self {
            issuer: issuer.into(),
            audience: audience.into(),
            jwks_url: None,
            algorithms: Self::ALGORITHMS.to_vec(),
            principal_claim: "sub".to_owned(),
            roles_claim: None,
            scopes: BTreeMap::new(),
            required_scopes: Vec::new(),
            step_up: false,
            skew: limits::CLOCK_SKEW,
            introspection: None,
        }
    }

    /// Every scope that means something here.
    pub(crate) fn known_scopes(&self) -> Vec<&str> {
        let mut known: Vec<&str> = self.required_scopes.iter().map(String::as_str).collect();
        known.extend(self.scopes.keys().map(String::as_str));
        known.sort_unstable();
        known.dedup();
        known
    }
}

/// Asks an issuer for its keys, as a server would. The error says what to mend.
pub async fn reach(plan: &OAuthPlan, fetch: Arc<dyn Fetch>) -> Result<(), String> {
    Jwks::new(plan, fetch).reach().await
}

/// Asks the issuer about a token that nobody has, where it is to be asked about tokens: whether it answers, and answers us.
pub async fn reach_introspection(plan: &OAuthPlan, fetch: Arc<dyn Fetch>) -> Result<(), String> {
    match &plan.introspection {
        Some(plan) => Introspection::new(plan.clone(), fetch).reach().await,
        None => Ok(()),
    }
}

/// Judges access tokens.
#[derive(Debug)]
pub(crate) struct OAuth {
    plan: OAuthPlan,
    keys: Arc<Jwks>,
    introspection: Option<Arc<Introspection>>,
}

impl OAuth {
    pub(crate) fn new(plan: OAuthPlan, fetch: Arc<dyn Fetch>) -> Self {
        let introspection = plan.introspection.clone().map(|plan| Arc::new(Introspection::new(plan, fetch.clone())));
        let keys = Arc::new(Jwks::new(&plan, fetch));
        Self { plan, keys, introspection }
    }

    /// Whether this may be a token: three parts with dots between them, or whatever the issuer may be asked about.
    pub(crate) fn takes(&self, text: &str) -> bool {
        self.introspection.is_some() || text.split('.').count() == 3
    }

    /// Sees to it that the key of a token is there, if its issuer has it, or the issuer's word on one that says nothing
    /// itself. What looks like somebody else's token is not worth a question.
    pub(crate) async fn prepare(&self, text: &str) {
        match (Token::read(text, &self.plan), &self.introspection) {
            (Ok(token), _) => self.keys.prepare(token.kid()).await,
            (Err(_), Some(introspection)) if !token::is_jwt(text) => introspection.prepare(text).await,
            _ => {}
        }
    }

    /// Who the bearer is.
    pub(crate) fn judge(&self, text: &str, now: Timestamp) -> Result<Arc<Principal>, BadToken> {
        let token = match (Token::read(text, &self.plan), &self.introspection) {
            (Err(_), Some(introspection)) if !token::is_jwt(text) => {
                let claims = introspection.word(text).ok_or(BadToken::Unknown)?.ok_or(BadToken::Inactive)?;
                return token::vouched(&claims, &self.plan, now).map(Arc::new);
            }
            (token, _) => token?,
        };
        let keys = self.keys.current();
        let key = jwks::find(&keys, token.kid(), token.algorithm()).ok_or(BadToken::Key)?;
        token.proven_by(key)?;
        token.principal(&self.plan, now).map(Arc::new)
    }
}
