use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::Timestamp;
use jsonwebtoken::jwk::Jwk;
use jsonwebtoken::{Algorithm, EncodingKey, Header, crypto};
use portwright_core::{Auth, Fetch, FetchError, FetchRequest, Fetched, Principal, async_trait, limits};
use serde_json::{Value, json};

use super::{BadToken, OAuth, OAuthPlan};

const ISSUER: &str = "https://login.acme.example";
const AUDIENCE: &str = "https://mcp.acme.example/mcp";

/// A key pair, as its issuer has it.
struct Pair {
    kid: &'static str,
    algorithm: Algorithm,
    secret: EncodingKey,
    public_pem: String,
    public: Vec<u8>,
}

impl Pair {
    fn new(kid: &'static str, algorithm: Algorithm) -> Self {
        let kind = match algorithm {
            Algorithm::ES256 => &rcgen::PKCS_ECDSA_P256_SHA256,
            Algorithm::EdDSA => &rcgen::PKCS_ED25519,
            _ => &rcgen::PKCS_RSA_SHA256,
        };
        let pair = rcgen::KeyPair::generate_for(kind).unwrap();
        let pem = pair.serialize_pem();
        let secret = match algorithm {
            Algorithm::ES256 => EncodingKey::from_ec_pem(pem.as_bytes()),
            Algorithm::EdDSA => EncodingKey::from_ed_pem(pem.as_bytes()),
            _ => EncodingKey::from_rsa_pem(pem.as_bytes()),
        };
        Self {
            kid,
            algorithm,
            secret: secret.unwrap(),
            public_pem: pair.public_key_pem(),
            public: pair.public_key_raw().to_vec(),
        }
    }

    fn jwk(&self) -> Value {
        let mut jwk = if self.algorithm == Algorithm::EdDSA {
            json!({"kty": "OKP", "crv": "Ed25519", "x": URL_SAFE_NO_PAD.encode(&self.public)})
        } else {
            serde_json::to_value(Jwk::from_encoding_key(&self.secret, self.algorithm).unwrap()).unwrap()
        };
        jwk["kid"] = self.kid.into();
        jwk
    }

    /// A token with any header and claims, written as they are.
    fn sign_text(&self, header: &str, claims: &str) -> String {
        let signed = format!("{}.{}", URL_SAFE_NO_PAD.encode(header), URL_SAFE_NO_PAD.encode(claims));
        let signature = crypto::sign(signed.as_bytes(), &self.secret, self.algorithm).unwrap();
        format!("{signed}.{signature}")
    }

    fn header(&self) -> Value {
        json!({"alg": format!("{:?}", self.algorithm), "kid": self.kid, "typ": "at+jwt"})
    }

    fn sign(&self, claims: &Value) -> String {
        self.sign_text(&self.header().to_string(), &claims.to_string())
    }
}

/// An issuer's pages, and how often they were asked for.
#[derive(Debug, Default)]
struct Pages {
    found: Mutex<Vec<(String, Value)>>,
    asked: AtomicUsize,
    hangs: Mutex<Option<Duration>>,
}

impl Pages {
    fn of(pages: &[(&str, Value)]) -> Arc<Self> {
        let found = pages.iter().map(|(url, page)| ((*url).to_owned(), page.clone())).collect();
        Arc::new(Self { found: Mutex::new(found), ..Self::default() })
    }

    fn asked(&self) -> usize {
        self.asked.load(Ordering::Relaxed)
    }

    fn set(&self, pages: &[(&str, Value)]) {
        *self.found.lock().unwrap() = pages.iter().map(|(url, page)| ((*url).to_owned(), page.clone())).collect();
    }
}

#[async_trait]
impl Fetch for Pages {
    async fn fetch(&self, request: FetchRequest) -> Result<Fetched, FetchError> {
        self.asked.fetch_add(1, Ordering::Relaxed);
        let hangs = *self.hangs.lock().unwrap();
        if let Some(wait) = hangs {
            tokio::time::sleep(wait.min(request.wait)).await;
            return Err(FetchError::TimedOut);
        }
        let found = self.found.lock().unwrap().iter().find(|(url, _)| *url == request.url).cloned();
        let (status, body) = found.map_or((404, Vec::new()), |(_, page)| (200, page.to_string().into_bytes()));
        Ok(Fetched { status, headers: Vec::new(), body })
    }
}

const KEYS: &str = "https://login.acme.example/keys";

fn plan() -> OAuthPlan {
    OAuthPlan { jwks_url: Some(KEYS.to_owned()), ..OAuthPlan::new(ISSUER, AUDIENCE) }
}

fn claims() -> Value {
    let now = Timestamp::now().as_second();
    json!({"iss": ISSUER, "aud": AUDIENCE, "sub": "ada", "iat": now, "nbf": now, "exp": now + 300})
}

fn with(more: &Value) -> Value {
    let mut claims = claims();
    for (name, value) in more.as_object().unwrap() {
        claims[name] = value.clone();
        if value.is_null() {
            claims.as_object_mut().unwrap().remove(name);
        }
    }
    claims
}

async fn judge(oauth: &OAuth, token: &str) -> Result<Arc<Principal>, BadToken> {
    oauth.prepare(token).await;
    oauth.judge(token, Timestamp::now())
}

#[tokio::test]
async fn a_token_says_who_calls_and_what_they_are() {
    for algorithm in [Algorithm::ES256, Algorithm::EdDSA, Algorithm::RS256] {
        let pair = Pair::new("one", algorithm);
        let plan = OAuthPlan {
            roles_claim: Some("realm.roles".to_owned()),
            scopes: [("shop:read".to_owned(), "reader".into())].into(),
            ..plan()
        };
        let oauth = OAuth::new(plan, Pages::of(&[(KEYS, json!({"keys": [pair.jwk()]}))]));
        let claims = with(&json!({"scope": "openid shop:read", "realm": {"roles": ["analyst"]}, "tenant": "north"}));
        let who = judge(&oauth, &pair.sign(&claims)).await.unwrap();
        assert_eq!((&*who.id, who.auth), ("https://login.acme.example#ada", Auth::Token));
        assert_eq!(who.role_names().collect::<Vec<_>>(), ["reader", "analyst"]);
        assert_eq!((who.claim("tenant"), who.claim("exp")), (Some(json!("north")), None));
        let list = with(&json!({"aud": ["other", AUDIENCE]}));
        assert!(judge(&oauth, &pair.sign(&list)).await.is_ok(), "one audience of several is ours");
    }
}

#[tokio::test]
async fn claims_that_do_not_fit_are_refused() {
    let pair = Pair::new("one", Algorithm::ES256);
    let needs = OAuthPlan { required_scopes: vec!["mcp".to_owned()], ..plan() };
    let oauth = OAuth::new(needs, Pages::of(&[(KEYS, json!({"keys": [pair.jwk()]}))]));
    let now = Timestamp::now().as_second();
    let scoped = |more: Value| {
        let mut all = with(&more);
        if all.get("scope").is_none() {
            all["scope"] = "mcp".into();
        }
        pair.sign(&all)
    };
    assert!(judge(&oauth, &scoped(json!({}))).await.is_ok());
    assert!(judge(&oauth, &scoped(json!({"exp": now - 30}))).await.is_ok(), "clocks differ");
    for (more, why) in [
        (json!({"iss": "https://login.acme.example/"}), BadToken::Issuer),
        (json!({"iss": "https://evil.example"}), BadToken::Issuer),
        (json!({"cnf": {"jkt": "x"}}), BadToken::Kind),
        (json!({"iss": null}), BadToken::Issuer),
        (json!({"iss": [ISSUER]}), BadToken::Issuer),
        (json!({"aud": null}), BadToken::Audience),
        (json!({"aud": "https://mcp.acme.example"}), BadToken::Audience),
        (json!({"aud": ["https://other.example"]}), BadToken::Audience),
        (json!({"aud": []}), BadToken::Audience),
        (json!({"aud": {"x": AUDIENCE}}), BadToken::Audience),
        (json!({"exp": null}), BadToken::Expired),
        (json!({"exp": now - 61}), BadToken::Expired),
        (json!({"exp": "never"}), BadToken::Malformed),
        (json!({"nbf": now + 120}), BadToken::TooEarly),
        (json!({"iat": now + 120}), BadToken::TooEarly),
        (json!({"sub": null}), BadToken::Subject),
        (json!({"sub": ""}), BadToken::Subject),
        (json!({"sub": 7}), BadToken::Subject),
        (json!({"sub": "a\nb"}), BadToken::Subject),
        (json!({"scope": "mcpx other"}), BadToken::Scope),
    ] {
        assert_eq!(judge(&oauth, &scoped(more.clone())).await.unwrap_err(), why, "{more}");
    }
}

#[tokio::test]
async fn headers_that_would_cheat_are_refused() {
    let pair = Pair::new("one", Algorithm::ES256);
    let other = Pair::new("one", Algorithm::ES256);
    let oauth = OAuth::new(plan(), Pages::of(&[(KEYS, json!({"keys": [pair.jwk()]}))]));
    let changed = |more: Value| {
        let mut header = pair.header();
        for (name, value) in more.as_object().unwrap() {
            header[name] = value.clone();
        }
        pair.sign_text(&header.to_string(), &claims().to_string())
    };
    for (more, why) in [
        (json!({"alg": "none"}), BadToken::Algorithm),
        (json!({"alg": "NoNe"}), BadToken::Algorithm),
        (json!({"alg": "HS256"}), BadToken::Algorithm),
        (json!({"alg": "es256"}), BadToken::Algorithm),
        (json!({"alg": null}), BadToken::Algorithm),
        (json!({"alg": "RS256"}), BadToken::Key),
        (json!({"kid": "two"}), BadToken::Key),
        (json!({"kid": "../../../dev/null"}), BadToken::Key),
        (json!({"kid": "x' OR '1'='1"}), BadToken::Key),
        (json!({"kid": 1}), BadToken::Malformed),
        (json!({"kid": "k".repeat(300)}), BadToken::Malformed),
        (json!({"crit": ["exp"]}), BadToken::Malformed),
        (json!({"b64": false}), BadToken::Malformed),
        (json!({"typ": "dpop+jwt"}), BadToken::Kind),
        (json!({"typ": 1}), BadToken::Kind),
    ] {
        assert_eq!(judge(&oauth, &changed(more.clone())).await.unwrap_err(), why, "{more}");
    }
    // What a token brings along to be proven with is not looked at.
    for key in ["jwk", "jku", "x5u", "x5c"] {
        let mut header = other.header();
        header[key] = if key == "jwk" { other.jwk() } else { json!("https://evil.example/keys") };
        let forged = other.sign_text(&header.to_string(), &claims().to_string());
        assert_eq!(judge(&oauth, &forged).await.unwrap_err(), BadToken::Signature, "{key}");
        header["kid"] = pair.kid.into();
        let honest = pair.sign_text(&header.to_string(), &claims().to_string());
        assert!(judge(&oauth, &honest).await.is_ok(), "{key}");
    }
}

#[tokio::test]
async fn a_public_key_is_no_secret_that_two_share() {
    let pair = Pair::new("one", Algorithm::RS256);
    let oauth = OAuth::new(plan(), Pages::of(&[(KEYS, json!({"keys": [pair.jwk()]}))]));
    let secret = EncodingKey::from_secret(pair.public_pem.as_bytes());
    let header = Header { kid: Some("one".to_owned()), ..Header::new(Algorithm::HS256) };
    let forged = jsonwebtoken::encode(&header, &claims(), &secret).unwrap();
    assert_eq!(judge(&oauth, &forged).await.unwrap_err(), BadToken::Algorithm);
    // Not even if the issuer publishes a secret, and the plan names the algorithm.
    let shared = json!({"kty": "oct", "kid": "s", "alg": "HS256", "k": URL_SAFE_NO_PAD.encode("secret")});
    let careless = OAuthPlan { algorithms: vec![Algorithm::HS256], ..plan() };
    let oauth = OAuth::new(careless, Pages::of(&[(KEYS, json!({"keys": [shared]}))]));
    let header = Header { kid: Some("s".to_owned()), ..Header::new(Algorithm::HS256) };
    let forged = jsonwebtoken::encode(&header, &claims(), &EncodingKey::from_secret(b"secret")).unwrap();
    assert_eq!(judge(&oauth, &forged).await.unwrap_err(), BadToken::Key);
}

#[tokio::test]
async fn tokens_that_are_odd_are_not_read() {
    let pair = Pair::new("one", Algorithm::ES256);
    let oauth = OAuth::new(plan(), Pages::of(&[(KEYS, json!({"keys": [pair.jwk()]}))]));
    let (header, good) = (pair.header().to_string(), claims().to_string());
    let twice = good.replacen('{', "{\"sub\":\"eve\",", 1);
    let many: serde_json::Map<String, Value> = (0..300).map(|n| (format!("c{n}"), json!(1))).collect();
    let cut = pair.sign(&claims());
    for (token, why) in [
        (pair.sign_text(&header, &twice), BadToken::Malformed),
        (pair.sign_text(&header.replacen('{', "{\"alg\":\"none\",", 1), &good), BadToken::Malformed),
        (pair.sign(&with(&json!({"pad": "x".repeat(9000)}))), BadToken::Malformed),
        (pair.sign(&with(&Value::Object(many))), BadToken::Malformed),
        (pair.sign_text(&header, "[]"), BadToken::Malformed),
        (pair.sign_text(&header, &format!("{}{}", "[".repeat(400), "]".repeat(400))), BadToken::Malformed),
        ("a.b.c".to_owned(), BadToken::Malformed),
        ("..".to_owned(), BadToken::Malformed),
        (cut[..cut.len() - 4].to_owned(), BadToken::Signature),
        (format!("{}.", &cut[..cut.rfind('.').unwrap()]), BadToken::Signature),
        (pair.sign(&claims()).replacen('.', "=.", 1), BadToken::Malformed),
        (pair.sign_text(&header.replace("at+jwt", "JWT"), &with(&json!({"nonce": "n"})).to_string()), BadToken::Kind),
    ] {
        assert_eq!(judge(&oauth, &token).await.unwrap_err(), why, "{}", &token[..token.len().min(60)]);
    }
}

#[tokio::test(start_paused = true)]
async fn unknown_keys_are_asked_for_once_in_a_while_and_rotation_is_seen() {
    let (old, new) = (Pair::new("old", Algorithm::ES256), Pair::new("new", Algorithm::ES256));
    let pages = Pages::of(&[(KEYS, json!({"keys": [old.jwk()]}))]);
    let oauth = OAuth::new(plan(), pages.clone());
    for number in 0..100 {
        let mut header = old.header();
        header["kid"] = format!("made-up-{number}").into();
        let token = old.sign_text(&header.to_string(), &claims().to_string());
        assert_eq!(judge(&oauth, &token).await.unwrap_err(), BadToken::Key);
    }
    assert_eq!(pages.asked(), 1, "a storm of tokens is one question");
    pages.set(&[(KEYS, json!({"keys": [old.jwk(), new.jwk()]}))]);
    assert_eq!(judge(&oauth, &new.sign(&claims())).await.unwrap_err(), BadToken::Key, "not so soon");
    tokio::time::advance(limits::JWKS_ASK_EVERY).await;
    let burst = (0..20).map(|_| judge(&oauth, "x.y.z"));
    futures::future::join_all(burst).await;
    let token = new.sign(&claims());
    let all = futures::future::join_all((0..20).map(|_| judge(&oauth, &token))).await;
    assert!(all.iter().all(Result::is_ok));
    assert_eq!(pages.asked(), 2, "twenty at once ask once");
    pages.set(&[(KEYS, json!({"keys": [new.jwk()]}))]);
    tokio::time::advance(limits::JWKS_FRESH + Duration::from_secs(1)).await;
    assert!(judge(&oauth, &old.sign(&claims())).await.is_ok(), "nobody waits for what is only old");
    while pages.asked() < 3 {
        tokio::task::yield_now().await;
    }
    tokio::task::yield_now().await;
    assert_eq!(judge(&oauth, &old.sign(&claims())).await.unwrap_err(), BadToken::Key, "a key that is gone is gone");
}

#[tokio::test(start_paused = true)]
async fn an_issuer_that_is_away_does_not_lock_out_those_it_vouched_for() {
    let pair = Pair::new("one", Algorithm::ES256);
    let pages = Pages::of(&[(KEYS, json!({"keys": [pair.jwk()]}))]);
    let oauth = OAuth::new(plan(), pages.clone());
    assert!(judge(&oauth, &pair.sign(&claims())).await.is_ok());
    *pages.hangs.lock().unwrap() = Some(Duration::from_hours(1));
    tokio::time::advance(limits::JWKS_FRESH * 2).await;
    let started = tokio::time::Instant::now();
    assert!(judge(&oauth, &pair.sign(&claims())).await.is_ok());
    assert_eq!(started.elapsed(), Duration::ZERO, "a known key waits for nobody");
    let mut header = pair.header();
    header["kid"] = "unknown".into();
    let stranger = pair.sign_text(&header.to_string(), &claims().to_string());
    assert_eq!(judge(&oauth, &stranger).await.unwrap_err(), BadToken::Key);
    assert!(started.elapsed() <= limits::FETCH_WAIT * 2, "{:?}", started.elapsed());
    tokio::time::advance(limits::JWKS_KEPT_MAX).await;
    assert_eq!(judge(&oauth, &pair.sign(&claims())).await.unwrap_err(), BadToken::Key, "not for ever");
}

#[tokio::test]
async fn metadata_counts_if_it_is_the_issuers_own() {
    let pair = Pair::new("one", Algorithm::ES256);
    let keys = json!({"keys": [pair.jwk()]});
    let issuer = "https://login.acme.example/tenant";
    let oauth_place = "https://login.acme.example/.well-known/oauth-authorization-server/tenant";
    let openid_place = "https://login.acme.example/tenant/.well-known/openid-configuration";
    let found = async |pages: &[(&str, Value)]| {
        let oauth = OAuth::new(OAuthPlan::new(issuer, AUDIENCE), Pages::of(pages));
        judge(&oauth, &pair.sign(&with(&json!({"iss": issuer})))).await.is_ok()
    };
    let says = |issuer: &str, keys: &str| json!({"issuer": issuer, "jwks_uri": keys});
    assert!(found(&[(oauth_place, says(issuer, KEYS)), (KEYS, keys.clone())]).await);
    assert!(found(&[(openid_place, says(issuer, KEYS)), (KEYS, keys.clone())]).await);
    let elsewhere = "https://keys.example/k";
    assert!(found(&[(oauth_place, says(issuer, elsewhere)), (elsewhere, keys.clone())]).await);
    let plain = "http://keys.example/k";
    assert!(!found(&[(oauth_place, says(issuer, plain)), (plain, keys.clone())]).await, "keys over an open line");
    assert!(!found(&[(oauth_place, says("https://evil.example", KEYS)), (KEYS, keys.clone())]).await);
    assert!(!found(&[(oauth_place, says("https://login.acme.example/tenant/", KEYS)), (KEYS, keys)]).await);
    assert!(!found(&[]).await);
}

#[tokio::test]
async fn keys_that_are_not_for_this_prove_nothing() {
    let pair = Pair::new("one", Algorithm::ES256);
    for (name, value) in [("use", json!("enc")), ("alg", json!("ES384")), ("kid", json!("other"))] {
        let mut jwk = pair.jwk();
        jwk[name] = value;
        let oauth = OAuth::new(plan(), Pages::of(&[(KEYS, json!({"keys": [jwk, {"kty": "odd"}, 7]}))]));
        assert_eq!(judge(&oauth, &pair.sign(&claims())).await.unwrap_err(), BadToken::Key, "{name}");
    }
    // Without a name in the token, there must be no choice.
    let (mut header, twin) = (pair.header(), Pair::new("two", Algorithm::ES256));
    header.as_object_mut().unwrap().remove("kid");
    let token = pair.sign_text(&header.to_string(), &claims().to_string());
    let one = OAuth::new(plan(), Pages::of(&[(KEYS, json!({"keys": [pair.jwk()]}))]));
    assert!(judge(&one, &token).await.is_ok());
    let two = OAuth::new(plan(), Pages::of(&[(KEYS, json!({"keys": [pair.jwk(), twin.jwk()]}))]));
    assert_eq!(judge(&two, &token).await.unwrap_err(), BadToken::Key);
}
