//! One token: read strictly, then proven, then believed.

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::Timestamp;
use jsonwebtoken::{Algorithm, DecodingKey, crypto};
use portwright_core::protocol::JsonObject;
use portwright_core::{Auth, Principal, limits};
use serde_json::Value;

use super::OAuthPlan;
use crate::unique::Unique;

/// Why a token does not hold. For the log: its bearer learns no more than that.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BadToken {
    #[error("the token can't be read")]
    Malformed,
    #[error("the token is no access token")]
    Kind,
    #[error("the token is signed in a way that is not taken")]
    Algorithm,
    #[error("the token's key is not one of its issuer's")]
    Key,
    #[error("the token's signature is wrong")]
    Signature,
    #[error("the token is another issuer's")]
    Issuer,
    #[error("the token is meant for another server")]
    Audience,
    #[error("the token has expired, or says not when it does")]
    Expired,
    #[error("the token is not valid yet")]
    TooEarly,
    #[error("the token does not say whose it is")]
    Subject,
    #[error("the issuer could not be asked about the token")]
    Unknown,
    #[error("the issuer says that the token does not hold")]
    Inactive,
    #[error("the token lacks a scope that every call needs")]
    Scope,
}

/// Claims that are about the token and not about its bearer.
const MECHANICS: [&str; 11] =
    ["iss", "aud", "exp", "nbf", "iat", "jti", "typ", "azp", "active", "token_type", "token_use"];

/// A token that was read, and of which nothing is believed yet.
pub(super) struct Token<'a> {
    signed: &'a str,
    signature: &'a str,
    algorithm: Algorithm,
    kid: Option<String>,
    claims: JsonObject,
}

impl<'a> Token<'a> {
    /// Reads a token. One that is not of this issuer, or not signed as it may be, is not read further.
    pub(super) fn read(text: &'a str, plan: &OAuthPlan) -> Result<Self, BadToken> {
        if text.len() > limits::TOKEN_BYTES_MAX {
            return Err(BadToken::Malformed);
        }
        let (signed, signature) = text.rsplit_once('.').ok_or(BadToken::Malformed)?;
        let (header, claims) = signed.split_once('.').ok_or(BadToken::Malformed)?;
        let (header, claims) = (object(header)?, object(claims)?);
        // What an extension that is not understood would change is not known (RFC 7515, 4.1.11).
        if header.contains_key("crit") || header.contains_key("b64") {
            return Err(BadToken::Malformed);
        }
        let kind = header.get("typ").map_or(Some("jwt".to_owned()), |kind| kind.as_str().map(str::to_ascii_lowercase));
        let kind = kind.ok_or(BadToken::Kind)?;
        let access = matches!(kind.as_str(), "at+jwt" | "application/at+jwt");
        // An ID token tells a client who signed in; it grants nothing here.
        let of_id = ["nonce", "at_hash", "c_hash"].iter().any(|claim| claims.contains_key(*claim));
        let plain = matches!(kind.as_str(), "jwt" | "application/jwt") && !of_id;
        if !access && !plain {
            return Err(BadToken::Kind);
        }
        let named = header.get("alg").and_then(Value::as_str).ok_or(BadToken::Algorithm)?;
        let algorithm = named.parse::<Algorithm>().map_err(|_| BadToken::Algorithm)?;
        if !plan.algorithms.contains(&algorithm) {
            return Err(BadToken::Algorithm);
        }
        let kid = match header.get("kid") {
            None => None,
            Some(Value::String(kid)) if kid.len() <= limits::NAME_BYTES_MAX => Some(kid.clone()),
            Some(_) => return Err(BadToken::Malformed),
        };
        if claims.get("iss").and_then(Value::as_str) != Some(&plan.issuer) {
            return Err(BadToken::Issuer);
        }
        Ok(Self { signed, signature, algorithm, kid, claims })
    }

    pub(super) fn kid(&self) -> Option<&str> {
        self.kid.as_deref()
    }

    pub(super) fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    /// Whether the key made the signature.
    pub(super) fn proven_by(&self, key: &DecodingKey) -> Result<(), BadToken> {
        match crypto::verify(self.signature, self.signed.as_bytes(), key, self.algorithm) {
            Ok(true) => Ok(()),
            _ => Err(BadToken::Signature),
        }
    }

    /// Who its bearer is, if it is meant for here and now. To be asked of a token that was proven.
    pub(super) fn principal(self, plan: &OAuthPlan, now: Timestamp) -> Result<Principal, BadToken> {
        if !self.claims.contains_key("exp") {
            return Err(BadToken::Expired);
        }
        // What is bound to a key does not belong to whoever shows it (RFC 7800).
        if self.claims.contains_key("cnf") {
            return Err(BadToken::Kind);
        }
        bearer(self.claims, plan, now)
    }
}

/// Whether this is meant to be a JSON Web Token, be it wrong: that a token is refused here is not for its issuer to undo.
pub(super) fn is_jwt(text: &str) -> bool {
    let head = text.split('.').next().filter(|_| text.split('.').count() == 3);
    let head = head.and_then(|head| URL_SAFE_NO_PAD.decode(head.trim_end_matches('=')).ok());
    head.is_some_and(|head| head.trim_ascii_start().starts_with(b"{"))
}

/// Who the bearer is of a token for which its issuer vouched just now (RFC 7662, section 2.2).
pub(super) fn vouched(claims: &JsonObject, plan: &OAuthPlan, now: Timestamp) -> Result<Principal, BadToken> {
    if claims.get("iss").is_some_and(|issuer| issuer.as_str() != Some(&plan.issuer)) {
        return Err(BadToken::Issuer);
    }
    // An issuer vouches for refresh and ID tokens too, each in words of its own; none of them grants anything here.
    let said = ["token_type", "token_use", "typ"].into_iter().filter_map(|name| claims.get(name));
    let taken = ["bearer", "access_token", "access", "at+jwt", "application/at+jwt", "jwt"];
    let is_taken =
        |kind: &Value| kind.as_str().is_some_and(|kind| taken.iter().any(|it| kind.eq_ignore_ascii_case(it)));
    // What is bound to a key does not belong to whoever shows it (RFC 7800).
    if !said.into_iter().all(is_taken) || claims.contains_key("cnf") {
        return Err(BadToken::Kind);
    }
    bearer(claims.clone(), plan, now)
}

/// Who a token's bearer is, by claims that are believed.
fn bearer(claims: JsonObject, plan: &OAuthPlan, now: Timestamp) -> Result<Principal, BadToken> {
    let meant = match claims.get("aud") {
        Some(Value::String(audience)) => *audience == plan.audience,
        Some(Value::Array(all)) => all.iter().any(|audience| audience.as_str() == Some(&plan.audience)),
        _ => false,
    };
    if !meant {
        return Err(BadToken::Audience);
    }
    in_time(&claims, plan, now)?;
    let scopes = scopes(&claims);
    if !plan.required_scopes.iter().all(|needed| scopes.contains(&needed.as_str())) {
        return Err(BadToken::Scope);
    }
    let subject = claims.get(&plan.principal_claim).and_then(Value::as_str).unwrap_or_default();
    if subject.is_empty() || subject.len() > limits::NAME_BYTES_MAX || subject.chars().any(char::is_control) {
        return Err(BadToken::Subject);
    }
    // No issuer has a `#` in its name, so no two of them have a caller of the same name.
    let mut principal = Principal::new(format!("{}#{subject}", plan.issuer), Auth::Token);
    let mut roles: Vec<Arc<str>> = scopes.iter().filter_map(|scope| plan.scopes.get(*scope).cloned()).collect();
    let listed = plan.roles_claim.as_deref().and_then(|path| stepped(&claims, path));
    roles.extend(listed.map(words).unwrap_or_default().into_iter().map(Arc::from));
    principal.roles = roles;
    principal.claims = claims.into_iter().filter(|(name, _)| !MECHANICS.contains(&name.as_str())).collect();
    Ok(principal)
}

/// A part of a token: an object in which nothing stands twice.
fn object(part: &str) -> Result<JsonObject, BadToken> {
    let bytes = URL_SAFE_NO_PAD.decode(part).map_err(|_| BadToken::Malformed)?;
    match serde_json::from_slice::<Unique>(&bytes) {
        Ok(Unique(Value::Object(object))) if object.len() <= limits::TOKEN_CLAIMS_MAX => Ok(object),
        _ => Err(BadToken::Malformed),
    }
}

fn in_time(claims: &JsonObject, plan: &OAuthPlan, now: Timestamp) -> Result<(), BadToken> {
    #[expect(clippy::cast_precision_loss, reason = "seconds of our time are far from the bounds of a float")]
    let (now, skew) = (now.as_second() as f64, plan.skew.as_secs_f64());
    let at = |name: &str| match claims.get(name) {
        None => Ok(None),
        Some(value) => value.as_f64().map(Some).ok_or(BadToken::Malformed),
    };
    if at("exp")?.is_some_and(|end| end + skew <= now) {
        return Err(BadToken::Expired);
    }
    let early = |moment: Option<f64>| moment.is_some_and(|start| start - skew > now);
    if early(at("nbf")?) || early(at("iat")?) { Err(BadToken::TooEarly) } else { Ok(()) }
}

/// The scopes: `scope` as RFC 9068 has it, or `scp`, which some issuers write.
fn scopes(claims: &JsonObject) -> Vec<&str> {
    claims.get("scope").or_else(|| claims.get("scp")).map(words).unwrap_or_default()
}

fn words(value: &Value) -> Vec<&str> {
    match value {
        Value::String(text) => text.split_ascii_whitespace().collect(),
        Value::Array(list) => list.iter().filter_map(Value::as_str).collect(),
        _ => Vec::new(),
    }
}

/// A claim by its name, or by the names that lead to it.
fn stepped<'a>(claims: &'a JsonObject, path: &str) -> Option<&'a Value> {
    if let Some(whole) = claims.get(path) {
        return Some(whole);
    }
    let mut steps = path.split('.');
    let first = claims.get(steps.next()?)?;
    steps.try_fold(first, |value, step| value.get(step))
}
