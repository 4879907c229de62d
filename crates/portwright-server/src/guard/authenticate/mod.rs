//! Who calls: the credential becomes a principal.
//!
//! A credential is judged where it comes in, before a session or a call is looked for, so that a session belongs to the
//! one who proved to be somebody. Whoever shows a credential that does not hold is nobody, not anonymous.

pub mod key;
pub mod keys;
pub mod oauth;

use std::path::Path;
use std::sync::Arc;

use jiff::Timestamp;
use portwright_core::{Fetch, Principal};

pub use keys::{KeyFileError, Keys};
pub use oauth::{IntrospectionPlan, OAuthPlan};

use oauth::{BadToken, OAuth};

/// Judges credentials.
#[derive(Debug)]
pub struct Authenticate {
    keys: Option<Keys>,
    oauth: Option<OAuth>,
}

/// A credential that does not hold. Why is for the log: the caller learns no more than that.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BadCredential {
    #[error("it is no credential that is known here")]
    Unknown,
    #[error("the key has expired")]
    Expired,
    #[error("the key was revoked")]
    Revoked,
    #[error(transparent)]
    Token(#[from] BadToken),
}

impl BadCredential {
    /// Whether nobody knows if it holds: whoever could tell gave no answer.
    pub(crate) fn is_unjudged(self) -> bool {
        matches!(self, Self::Token(BadToken::Unknown))
    }
}

impl Authenticate {
    /// With the keys of this file, if there are any.
    pub fn open(keys: Option<&Path>) -> Result<Self, KeyFileError> {
        Ok(Self { keys: keys.map(Keys::open).transpose()?, oauth: None })
    }

    /// Beside keys, access tokens of an issuer, whose own keys are fetched with `fetch`.
    #[must_use]
    pub fn with_tokens(mut self, plan: OAuthPlan, fetch: Arc<dyn Fetch>) -> Self {
        self.oauth = Some(OAuth::new(plan, fetch));
        self
    }

    /// Whether any credential can hold.
    pub fn is_possible(&self) -> bool {
        self.keys.is_some() || self.oauth.is_some()
    }

    /// Gets what it may take to judge a credential. Judging itself never waits.
    pub async fn prepare(&self, credential: &str) {
        if let Some(oauth) = self.oauth.as_ref().filter(|oauth| Self::is_token(oauth, credential)) {
            oauth.prepare(credential).await;
        }
    }

    /// What begins as a key does is no token, be there keys or not: no issuer is shown one of ours, or most of one.
    fn is_token(oauth: &OAuth, credential: &str) -> bool {
        !credential.starts_with(key::PREFIX) && oauth.takes(credential)
    }

    /// Who the bearer of a key or a token is.
    pub fn bearer(&self, credential: &str) -> Result<Arc<Principal>, BadCredential> {
        match (&self.oauth, &self.keys) {
            (Some(oauth), _) if Self::is_token(oauth, credential) => Ok(oauth.judge(credential, Timestamp::now())?),
            (_, Some(keys)) => keys.judge(credential),
            _ => Err(BadCredential::Unknown),
        }
    }
}
