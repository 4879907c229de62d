//! `[auth.oauth]`: whose access tokens are taken, and what they mean.

use std::collections::BTreeMap;
use std::sync::Arc;

use portwright_core::{Diagnostic, HumanDuration, Pointer, Secret, limits};
use portwright_server::guard::authenticate::{IntrospectionPlan, OAuthPlan};
use schemars::JsonSchema;
use serde::Deserialize;

/// Access tokens of an OAuth 2.1 authorization server: JSON Web Tokens that it signs.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct OAuthSection {
    /// The issuer, exactly as its tokens say it: `https://login.acme.example`.
    #[schemars(length(min = 1, max = 2_048))]
    pub(crate) issuer: String,
    /// The audience that tokens must be meant for: the address of this server, `https://mcp.acme.example/mcp`.
    #[schemars(length(min = 1, max = 2_048))]
    pub(crate) audience: String,
    /// Where the issuer's keys are. Default: where its metadata says.
    #[schemars(length(max = 2_048))]
    pub(crate) jwks_url: Option<String>,
    /// How tokens may be signed. Default: `["RS256", "PS256", "ES256", "ES384", "EdDSA"]`.
    pub(crate) algorithms: Option<Vec<Algorithm>>,
    /// The claim that names the caller. Default: `sub`.
    #[schemars(length(min = 1, max = 256))]
    pub(crate) principal_claim: Option<String>,
    /// The claim that lists the caller's roles; dots step into objects: `realm_access.roles`.
    #[schemars(length(min = 1, max = 256))]
    pub(crate) roles_claim: Option<String>,
    /// The roles that scopes grant: `{ "shop:read" = "analyst" }`.
    #[serde(default)]
    pub(crate) scopes: BTreeMap<String, String>,
    /// Scopes without which no call is taken.
    #[serde(default)]
    pub(crate) required_scopes: Vec<String>,
    /// How far the issuer's clock may differ from this one: `60s` where nothing is said, `5m` at most.
    pub(crate) clock_skew: Option<HumanDuration>,
    /// Where the issuer is asked about tokens that are no JSON Web Tokens (RFC 7662).
    pub(crate) introspection: Option<IntrospectionSection>,
}

/// Where an issuer answers questions about tokens, and who asks.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct IntrospectionSection {
    /// `https://login.acme.example/introspect`.
    #[schemars(length(min = 1, max = 2_048))]
    pub(crate) url: String,
    /// This server's name at the issuer.
    #[schemars(length(min = 1, max = 256))]
    pub(crate) client_id: String,
    /// This server's secret there: `${env:INTROSPECTION_SECRET}`.
    #[schemars(with = "String")]
    pub(crate) client_secret: Secret,
}

/// A signature that proves who made it. None that rests on a shared secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
pub(crate) enum Algorithm {
    /// RSA, PKCS 1.5, SHA-256.
    RS256,
    /// RSA, PKCS 1.5, SHA-384.
    RS384,
    /// RSA, PKCS 1.5, SHA-512.
    RS512,
    /// RSA, PSS, SHA-256.
    PS256,
    /// RSA, PSS, SHA-384.
    PS384,
    /// RSA, PSS, SHA-512.
    PS512,
    /// ECDSA, P-256.
    ES256,
    /// ECDSA, P-384.
    ES384,
    /// Ed25519.
    EdDSA,
}

/// The section → the plan.
pub(super) fn plan(section: OAuthSection, problems: &mut Vec<Diagnostic>) -> OAuthPlan {
    let place = Pointer::root().join("auth").join("oauth");
    let asked = section.introspection.as_ref().map(|section| &section.url);
    for (key, url) in
        [("issuer", Some(&section.issuer)), ("jwks_url", section.jwks_url.as_ref()), ("introspection", asked)]
    {
        if let Some(message) = url.and_then(|url| unfit(url).err()) {
            let told = Diagnostic::error(place.join(key), "bad-url", message);
            problems.push(told.hint("such as `https://login.acme.example`"));
        }
    }
    for (index, scope) in section.scopes.keys().chain(&section.required_scopes).enumerate() {
        // RFC 6749, appendix A.4.
        let plain = |byte: u8| byte.is_ascii_graphic() && !matches!(byte, b'"' | b'\\');
        if scope.is_empty() || !scope.bytes().all(plain) {
            let at = match index.checked_sub(section.scopes.len()) {
                Some(index) => place.join("required_scopes").join(index),
                None => place.join("scopes").join(scope),
            };
            problems
                .push(Diagnostic::error(at, "bad-scope", format!("`{scope}` is no scope")).hint("such as `shop:read`"));
        }
    }
    let mut plan = OAuthPlan::new(section.issuer, section.audience);
    plan.introspection = section.introspection.map(|section| IntrospectionPlan {
        url: section.url,
        client_id: section.client_id,
        client_secret: section.client_secret,
    });
    plan.jwks_url = section.jwks_url;
    if let Some(named) = section.algorithms {
        if named.is_empty() {
            problems.push(Diagnostic::error(place.join("algorithms"), "out-of-range", "names no algorithm"));
        }
        plan.algorithms = named.iter().filter_map(|one| format!("{one:?}").parse().ok()).collect();
    }
    if let Some(claim) = section.principal_claim {
        plan.principal_claim = claim;
    }
    plan.roles_claim = section.roles_claim;
    plan.scopes = section.scopes.into_iter().map(|(scope, role)| (scope, Arc::from(role))).collect();
    plan.required_scopes = section.required_scopes;
    if let Some(HumanDuration(skew)) = section.clock_skew {
        if skew > limits::CLOCK_SKEW_MAX {
            let message = format!("must be at most {}", HumanDuration(limits::CLOCK_SKEW_MAX));
            problems.push(Diagnostic::error(place.join("clock_skew"), "out-of-range", message));
        }
        plan.skew = skew;
    }
    plan
}

/// Keys that come over an open line are anybody's; only this machine needs none that is closed.
fn unfit(text: &str) -> Result<(), String> {
    let url = reqwest::Url::parse(text).map_err(|error| format!("this is not a URL: {error}"))?;
    let local = match url.host_str().map(|host| host.trim_matches(['[', ']'])) {
        Some("localhost") => true,
        Some(host) => host.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback()),
        None => false,
    };
    if !(url.scheme() == "https" || url.scheme() == "http" && local) {
        return Err("it must start with https://, or lead to this machine".into());
    }
    if !url.username().is_empty() || url.password().is_some() || url.fragment().is_some() {
        return Err("it must hold no user name, no password and no `#`".into());
    }
    Ok(())
}
