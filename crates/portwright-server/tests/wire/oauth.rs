//! Access tokens from outside: challenges, metadata, and calls by those whose token holds.

use std::sync::Arc;

use jsonwebtoken::jwk::Jwk;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use portwright_core::{Fetch, FetchError, FetchRequest, Fetched, Secret, async_trait};
use portwright_server::ServerPlan;
use portwright_server::guard::AuditPlan;
use portwright_server::guard::authenticate::{IntrospectionPlan, OAuthPlan};
use portwright_server::guard::policy::{Pattern, PolicyPlan, RolePlan};
use portwright_server::plan::Anonymous;
use serde_json::{Value, json};

use crate::client::{initialize, modern};
use crate::support::{plan, records, up, usual};

const ISSUER: &str = "https://login.acme.example";
const AUDIENCE: &str = "https://mcp.acme.example/mcp";
const METADATA: &str = "https://mcp.acme.example/.well-known/oauth-protected-resource/mcp";

/// An issuer with one key.
#[derive(Debug)]
struct Issuer(Value);

#[async_trait]
impl Fetch for Issuer {
    async fn fetch(&self, _: FetchRequest) -> Result<Fetched, FetchError> {
        Ok(Fetched { status: 200, headers: Vec::new(), body: self.0.to_string().into_bytes() })
    }
}

struct Signer(EncodingKey);

impl Signer {
    fn token(&self, scope: &str, audience: &str) -> String {
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).expect("after 1970").as_secs();
        let claims = json!({"iss": ISSUER, "aud": audience, "sub": "ada", "exp": now + 300, "scope": scope});
        let header = Header { kid: Some("one".to_owned()), ..Header::new(Algorithm::ES256) };
        format!("Bearer {}", jsonwebtoken::encode(&header, &claims, &self.0).expect("a token"))
    }
}

fn issuer() -> (Arc<Issuer>, Signer) {
    let pair = rcgen::KeyPair::generate_for(&rcgen::PKCS_ECDSA_P256_SHA256).expect("a key");
    let key = EncodingKey::from_ec_pem(pair.serialize_pem().as_bytes()).expect("a key");
    let mut jwk = Jwk::from_encoding_key(&key, Algorithm::ES256).expect("a key");
    jwk.common.key_id = Some("one".to_owned());
    (Arc::new(Issuer(json!({"keys": [jwk]}))), Signer(key))
}

fn asking(issuer: Arc<Issuer>) -> ServerPlan {
    let mut plan = plan();
    plan.listen.anonymous = Anonymous::Never;
    plan.oauth = Some(OAuthPlan {
        jwks_url: Some(format!("{ISSUER}/keys")),
        scopes: [("shop:read".to_owned(), "reader".into())].into(),
        required_scopes: vec!["mcp".to_owned()],
        ..OAuthPlan::new(ISSUER, AUDIENCE)
    });
    plan.fetch = Some(issuer);
    plan
}

fn say() -> Value {
    modern(1, "tools/call", json!({"name": "say", "arguments": {"word": "hi"}}))
}

#[tokio::test]
async fn a_token_that_holds_is_its_bearers_and_its_scopes_are_roles() {
    let folder = tempfile::tempdir().expect("folder");
    let file = folder.path().join("audit.jsonl");
    let (issuer, signer) = issuer();
    let allow = vec![Pattern::read("tools:say").expect("a pattern")];
    let reader = RolePlan { name: "reader".into(), allow, deny: Vec::new(), when: None };
    let policy = PolicyPlan { roles: vec![reader] };
    let plan = ServerPlan { audit: Some(AuditPlan::new(&file)), policy, ..asking(issuer) };
    let up = up(&usual(plan).await.0).await;
    let mut http = up.connect().await;
    let (with, without) = (signer.token("mcp shop:read", AUDIENCE), signer.token("mcp", AUDIENCE));
    let answer = http.post_with(&say(), &[("authorization", &with)]).await.json();
    assert_eq!(answer["result"]["content"][0]["text"], "hi", "{answer}");
    let answer = http.post_with(&say(), &[("authorization", &without)]).await.json();
    assert!(answer["result"]["isError"] == true || answer.get("error").is_some(), "{answer}");
    // A session goes on with another token of the same bearer.
    let opened = http.post_with(&initialize("2025-11-25"), &[("authorization", &with)]).await;
    let session = opened.header("mcp-session-id").expect("a session").to_owned();
    let ping = json!({"jsonrpc": "2.0", "id": 2, "method": "ping"});
    let renewed = signer.token("mcp", AUDIENCE);
    let answer = http.post_with(&ping, &[("authorization", &renewed), ("mcp-session-id", &session)]).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    let told = records(&file);
    let who: Vec<_> = told.iter().map(|it| (it["principal"].clone(), it["auth"].clone())).collect();
    assert_eq!(who, vec![(json!(format!("{ISSUER}#ada")), json!("token")); 2]);
    let text = std::fs::read_to_string(&file).expect("records");
    assert!(!text.contains("eyJ"), "no part of a token is kept");
}

#[tokio::test]
async fn a_scope_that_would_help_is_told_where_the_plan_says_so() {
    let allow = vec![Pattern::read("tools:say").expect("a pattern")];
    let reader = RolePlan { name: "reader".into(), allow, deny: Vec::new(), when: None };
    for step_up in [true, false] {
        let folder = tempfile::tempdir().expect("folder");
        let file = folder.path().join("audit.jsonl");
        let (issuer, signer) = issuer();
        let policy = PolicyPlan { roles: vec![reader.clone()] };
        let mut plan = ServerPlan { audit: Some(AuditPlan::new(&file)), policy, ..asking(issuer) };
        plan.oauth.as_mut().expect("tokens").step_up = step_up;
        let up = up(&usual(plan).await.0).await;
        let mut http = up.connect().await;
        let without = signer.token("mcp", AUDIENCE);
        let answer = http.post_with(&say(), &[("authorization", &without)]).await;
        let challenge = answer.header("www-authenticate").unwrap_or_default();
        if step_up {
            assert_eq!(answer.status, 403, "{answer:?}");
            assert!(
                challenge.starts_with("Bearer error=\"insufficient_scope\", scope=\"mcp shop:read\""),
                "{challenge}"
            );
            assert!(challenge.contains("resource_metadata=\"https://"), "{challenge}");
        } else {
            assert_eq!((answer.status, challenge), (200, ""), "{answer:?}");
        }
        assert_eq!(answer.json()["error"]["code"], -32602, "the same words");
        // What no scope would help with looks as if it were not there.
        let other = modern(2, "tools/call", json!({"name": "steps", "arguments": {}}));
        assert_eq!(http.post_with(&other, &[("authorization", &without)]).await.status, 200);
        let with = signer.token("mcp shop:read", AUDIENCE);
        assert_eq!(http.post_with(&say(), &[("authorization", &with)]).await.status, 200);
        let outcomes: Vec<_> = records(&file).iter().map(|it| it["outcome"].clone()).collect();
        assert_eq!(outcomes, ["refused", "refused", "ok"], "each leaves its record");
        // In a session, which the same bearer goes on with by a better token.
        let opened = http.post_with(&initialize("2025-11-25"), &[("authorization", &without)]).await;
        let session = opened.header("mcp-session-id").expect("a session").to_owned();
        let call = json!({"jsonrpc": "2.0", "id": 3, "method": "tools/call", "params": {"name": "say", "arguments": {"word": "hi"}}});
        let refused = http.post_with(&call, &[("authorization", &without), ("mcp-session-id", &session)]).await;
        assert_eq!(refused.status, if step_up { 403 } else { 200 }, "{refused:?}");
        let answered = http.post_with(&call, &[("authorization", &with), ("mcp-session-id", &session)]).await;
        assert_eq!(answered.json()["result"]["content"][0]["text"], "hi", "{answered:?}");
        let again = http.post_with(&call, &[("authorization", &without), ("mcp-session-id", &session)]).await;
        assert!(again.json().get("error").is_some(), "a session keeps no scope: {again:?}");
    }
}

#[tokio::test]
async fn whoever_has_no_token_learns_where_to_get_one() {
    let (issuer, signer) = issuer();
    let up = up(&usual(asking(issuer)).await.0).await;
    let mut http = up.connect().await;
    let hints = format!("resource_metadata=\"{METADATA}\", scope=\"mcp shop:read\"");
    let other = signer.token("mcp", "https://other.example");
    for (authorization, status, error) in [
        ("", 401, ""),
        ("Bearer a.b.c", 401, "error=\"invalid_token\", "),
        ("Bearer nonsense", 401, "error=\"invalid_token\", "),
        (&*other, 401, "error=\"invalid_token\", "),
        (&*signer.token("other", AUDIENCE), 403, "error=\"insufficient_scope\", "),
    ] {
        let answer = http.post_with(&say(), &[("authorization", authorization)]).await;
        let challenge = format!("Bearer {error}{hints}");
        assert_eq!((answer.status, answer.header("www-authenticate")), (status, Some(&*challenge)), "{authorization}");
    }
    for path in ["", "/mcp", "/sse", "/ws"] {
        let found = http.get(&format!("/.well-known/oauth-protected-resource{path}"), &[]).await;
        assert_eq!((found.status, found.header("access-control-allow-origin")), (200, Some("*")), "{path}");
        let document = found.json();
        assert_eq!((&document["resource"], &document["authorization_servers"]), (&json!(AUDIENCE), &json!([ISSUER])));
        assert_eq!(document["bearer_methods_supported"], json!(["header"]));
        assert_eq!(document["scopes_supported"], json!(["mcp", "shop:read"]));
    }
    // In a query a token is not looked for.
    let token = signer.token("mcp", AUDIENCE);
    let path = format!("/mcp?access_token={}", &token[7..]);
    http.send("POST", &path, &[("content-type".to_owned(), "application/json".to_owned())], &say().to_string()).await;
    assert_eq!(http.answer().await.status, 401);
}

#[tokio::test]
async fn without_an_issuer_there_is_no_metadata() {
    let up = up(&usual(plan()).await.0).await;
    let mut http = up.connect().await;
    assert_eq!(http.get("/.well-known/oauth-protected-resource", &[]).await.status, 404);
}

/// An issuer that can't be reached.
#[derive(Debug)]
struct Away;

#[async_trait]
impl Fetch for Away {
    async fn fetch(&self, _: FetchRequest) -> Result<Fetched, FetchError> {
        Err(FetchError::TimedOut)
    }
}

#[tokio::test]
async fn while_the_issuer_is_away_an_opaque_token_is_neither_good_nor_bad() {
    let introspection = IntrospectionPlan {
        url: format!("{ISSUER}/introspect"),
        client_id: "portwright".to_owned(),
        client_secret: Secret::new("canary-secret"),
    };
    let mut plan = asking(issuer().0);
    plan.oauth = plan.oauth.map(|oauth| OAuthPlan { introspection: Some(introspection), ..oauth });
    plan.fetch = Some(Arc::new(Away));
    let up = up(&usual(plan).await.0).await;
    let mut http = up.connect().await;
    let answer = http.post_with(&say(), &[("authorization", "Bearer opaque")]).await;
    assert_eq!((answer.status, answer.header("retry-after")), (503, Some("1")), "{answer:?}");
    assert_eq!(answer.header("www-authenticate"), None, "the client is to keep its token");
    let answer = http.post_with(&say(), &[("authorization", "Bearer pw_opaque")]).await;
    assert_eq!(answer.status, 401, "what begins as a key does is judged here");
}
