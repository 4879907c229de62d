use std::sync::Arc;
use std::sync::Mutex;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::Timestamp;
use portwright_core::{Auth, Fetch, FetchError, FetchRequest, Fetched, Principal, Secret, async_trait, limits};
use serde_json::{Value, json};

use super::super::{BadToken, OAuth, OAuthPlan};
use super::IntrospectionPlan;
use crate::guard::Authenticate;

const ISSUER: &str = "https://login.acme.example";
const AUDIENCE: &str = "https://mcp.acme.example/mcp";
const SECRET: &str = "s/e c+ret";

/// An issuer that answers questions, after a while.
#[derive(Debug)]
struct Issuer {
    answer: Mutex<(u16, Value)>,
    wait: Mutex<Duration>,
    asked: Mutex<Vec<(String, String)>>,
}

impl Issuer {
    fn saying(answer: Value) -> Arc<Self> {
        Self::slowly(answer, Duration::ZERO)
    }

    fn slowly(answer: Value, wait: Duration) -> Arc<Self> {
        Arc::new(Self { answer: Mutex::new((200, answer)), wait: Mutex::new(wait), asked: Mutex::default() })
    }

    fn says(&self, status: u16, answer: Value) {
        *self.answer.lock().unwrap() = (status, answer);
    }

    fn asked(&self) -> usize {
        self.asked.lock().unwrap().len()
    }
}

#[async_trait]
impl Fetch for Issuer {
    async fn fetch(&self, request: FetchRequest) -> Result<Fetched, FetchError> {
        let credentials = request.headers.iter().find(|(name, _)| name == "authorization");
        let credentials = credentials.map(|(_, value)| value.expose().to_owned()).unwrap_or_default();
        let body = request.body.as_ref().map(|body| body.expose().to_owned()).unwrap_or_default();
        self.asked.lock().unwrap().push((credentials, body));
        let wait = *self.wait.lock().unwrap();
        if wait >= request.wait {
            tokio::time::sleep(request.wait).await;
            return Err(FetchError::TimedOut);
        }
        tokio::time::sleep(wait).await;
        let (status, answer) = self.answer.lock().unwrap().clone();
        Ok(Fetched { status, headers: Vec::new(), body: answer.to_string().into_bytes() })
    }
}

fn oauth(issuer: &Arc<Issuer>) -> OAuth {
    let introspection = IntrospectionPlan {
        url: format!("{ISSUER}/introspect"),
        client_id: "port wright".to_owned(),
        client_secret: Secret::new(SECRET),
    };
    let plan = OAuthPlan {
        introspection: Some(introspection),
        scopes: [("shop:read".to_owned(), "reader".into())].into(),
        ..OAuthPlan::new(ISSUER, AUDIENCE)
    };
    OAuth::new(plan, issuer.clone())
}

fn active(more: &Value) -> Value {
    let mut word = json!({"active": true, "iss": ISSUER, "aud": AUDIENCE, "sub": "ada", "scope": "shop:read", "token_type": "Bearer",
        "exp": Timestamp::now().as_second() + 3600});
    for (name, value) in more.as_object().unwrap() {
        word[name] = value.clone();
        if value.is_null() {
            word.as_object_mut().unwrap().remove(name);
        }
    }
    word
}

async fn judge(oauth: &OAuth, token: &str) -> Result<Arc<Principal>, BadToken> {
    oauth.prepare(token).await;
    oauth.judge(token, Timestamp::now())
}

#[tokio::test]
async fn the_issuers_word_says_who_calls() {
    let issuer = Issuer::saying(active(&json!({"tenant": "north"})));
    let oauth = oauth(&issuer);
    let who = judge(&oauth, "2YotnFZFEjr1zCsicMWpAA+/=").await.unwrap();
    assert_eq!((&*who.id, who.auth), ("https://login.acme.example#ada", Auth::Token));
    assert_eq!(who.role_names().collect::<Vec<_>>(), ["reader"]);
    assert_eq!((who.claim("tenant"), who.claim("active"), who.claim("token_type")), (Some(json!("north")), None, None));
    assert!(judge(&oauth, "2YotnFZFEjr1zCsicMWpAA+/=").await.is_ok());
    let asked = issuer.asked.lock().unwrap().clone();
    assert_eq!(asked.len(), 1, "its word is kept");
    // base64("port+wright:s%2Fe+c%2Bret")
    assert_eq!(asked[0].0, "Basic cG9ydCt3cmlnaHQ6cyUyRmUrYyUyQnJldA==");
    assert_eq!(asked[0].1, "token=2YotnFZFEjr1zCsicMWpAA%2B%2F%3D&token_type_hint=access_token");
    assert!(!format!("{oauth:?}").contains(SECRET));
}

#[tokio::test]
async fn a_word_that_does_not_fit_is_refused() {
    let past = Timestamp::now().as_second() - 3600;
    for (more, why) in [
        (json!({"active": false}), BadToken::Inactive),
        (json!({"aud": "https://other.example"}), BadToken::Audience),
        (json!({"aud": null}), BadToken::Audience),
        (json!({"iss": "https://other.example"}), BadToken::Issuer),
        (json!({"exp": past}), BadToken::Expired),
        (json!({"nbf": Timestamp::now().as_second() + 3600}), BadToken::TooEarly),
        (json!({"sub": null}), BadToken::Subject),
        (json!({"token_type": "mac"}), BadToken::Kind),
        (json!({"token_type": "DPoP"}), BadToken::Kind),
        (json!({"token_type": 1}), BadToken::Kind),
        (json!({"token_use": "refresh_token"}), BadToken::Kind),
        (json!({"typ": "Refresh"}), BadToken::Kind),
        (json!({"typ": "ID"}), BadToken::Kind),
        (json!({"cnf": {"jkt": "x"}}), BadToken::Kind),
        (json!({"active": "true"}), BadToken::Unknown),
        (json!({"active": null}), BadToken::Unknown),
    ] {
        let issuer = Issuer::saying(active(&more));
        assert_eq!(judge(&oauth(&issuer), "opaque").await.unwrap_err(), why, "{more}");
    }
    let issuer = Issuer::saying(json!({}));
    issuer.says(401, active(&json!({})));
    assert_eq!(
        judge(&oauth(&issuer), "opaque").await.unwrap_err(),
        BadToken::Unknown,
        "a status of failure says nothing"
    );
    let issuer = Issuer::saying(active(&json!({"exp": null, "iss": null, "token_type": null})));
    assert!(judge(&oauth(&issuer), "opaque").await.is_ok(), "what the standard leaves to the issuer");
}

#[tokio::test(start_paused = true)]
async fn a_token_that_was_revoked_is_found_out_and_a_stream_goes_on_till_then() {
    let issuer = Issuer::saying(active(&json!({})));
    let oauth = oauth(&issuer);
    assert!(judge(&oauth, "opaque").await.is_ok());
    issuer.says(200, json!({"active": false}));
    assert!(judge(&oauth, "opaque").await.is_ok(), "within the time that its word is kept");
    tokio::time::advance(limits::INTROSPECTION_FRESH).await;
    // A stream that stands is judged without waiting; it goes on while the issuer is asked again.
    assert!(oauth.judge("opaque", Timestamp::now()).is_ok());
    for _ in 0..10 {
        tokio::task::yield_now().await;
    }
    assert_eq!(oauth.judge("opaque", Timestamp::now()).unwrap_err(), BadToken::Inactive);
    assert_eq!(issuer.asked(), 2);
    issuer.says(200, active(&json!({})));
    assert_eq!(judge(&oauth, "opaque").await.unwrap_err(), BadToken::Inactive, "a no is kept for a moment");
    tokio::time::advance(limits::INTROSPECTION_NO_KEPT).await;
    assert!(judge(&oauth, "opaque").await.is_ok());
}

#[tokio::test(start_paused = true)]
async fn one_question_for_all_who_show_a_token_and_a_bound_on_all() {
    let issuer = Issuer::slowly(active(&json!({})), Duration::from_secs(1));
    let oauth = Arc::new(oauth(&issuer));
    let same = (0..50).map(|_| judge(&oauth, "opaque"));
    assert!(futures::future::join_all(same).await.iter().all(Result::is_ok));
    assert_eq!(issuer.asked(), 1);
    let names: Vec<String> = (0..limits::INTROSPECTIONS_MAX + 20).map(|number| format!("flood-{number}")).collect();
    let flood = futures::future::join_all(names.iter().map(|name| judge(&oauth, name))).await;
    assert_eq!(issuer.asked(), 1 + limits::INTROSPECTIONS_MAX);
    assert_eq!(flood.iter().filter(|end| **end == Err(BadToken::Unknown)).count(), 20);
    assert!(judge(&oauth, "opaque").await.is_ok(), "who was known goes on");
}

#[tokio::test(start_paused = true)]
async fn an_issuer_that_hangs_holds_a_request_no_longer_than_its_bound_and_known_tokens_go_on() {
    let issuer = Issuer::slowly(active(&json!({})), Duration::from_hours(1));
    let oauth = oauth(&issuer);
    let begun = tokio::time::Instant::now();
    assert_eq!(judge(&oauth, "opaque").await.unwrap_err(), BadToken::Unknown);
    assert!(begun.elapsed() <= limits::FETCH_WAIT + Duration::from_secs(1));
}

#[tokio::test]
async fn who_asks_first_may_go_away() {
    let issuer = Issuer::slowly(active(&json!({})), Duration::from_millis(50));
    let oauth = Arc::new(oauth(&issuer));
    let first = {
        let oauth = oauth.clone();
        tokio::spawn(async move { judge(&oauth, "opaque").await })
    };
    while issuer.asked() == 0 {
        tokio::task::yield_now().await;
    }
    first.abort();
    assert!(judge(&oauth, "opaque").await.is_ok());
    assert_eq!(issuer.asked(), 1);
}

#[tokio::test]
async fn a_token_of_three_parts_that_is_the_issuers_is_judged_here() {
    let issuer = Issuer::saying(active(&json!({})));
    let oauth = oauth(&issuer);
    // {"alg":"ES256","typ":"at+jwt"} . {"iss":"https://login.acme.example"} . a signature of nobody's
    let token = "eyJhbGciOiJFUzI1NiIsInR5cCI6ImF0K2p3dCJ9.eyJpc3MiOiJodHRwczovL2xvZ2luLmFjbWUuZXhhbXBsZSJ9.AAAA";
    assert_eq!(judge(&oauth, token).await.unwrap_err(), BadToken::Key);
    let bodies: Vec<_> = issuer.asked.lock().unwrap().iter().map(|(_, body)| body.clone()).collect();
    assert!(bodies.iter().all(String::is_empty), "the token itself was sent: {bodies:?}");
    // Nor is one that is refused for how it is written: the issuer's yes would undo that.
    let keys_asked = issuer.asked();
    for header in [
        json!({"alg": "ES256", "typ": "at+jwt", "crit": ["exp"]}).to_string(),
        json!({"alg": "ES256", "b64": false}).to_string(),
        json!({"alg": "ES256", "kid": 1}).to_string(),
        "{\"alg\":\"none\",\"alg\":\"ES256\"}".to_owned(),
        " {\"alg\":".to_owned(),
    ] {
        let token = format!("{}.e30.AAAA", URL_SAFE_NO_PAD.encode(&header));
        assert_eq!(judge(&oauth, &token).await.unwrap_err(), BadToken::Malformed, "{header}");
        assert!(judge(&oauth, &token.replacen('.', "=.", 1)).await.is_err(), "{header}");
    }
    assert_eq!(issuer.asked(), keys_asked);
    // What has three parts and is no JSON Web Token may be anything.
    assert!(judge(&oauth, "a.b.c").await.is_ok());
}

#[tokio::test(start_paused = true)]
async fn a_yes_counts_for_its_minute_and_no_longer_while_the_issuer_hangs() {
    let issuer = Issuer::saying(active(&json!({})));
    let oauth = oauth(&issuer);
    assert!(judge(&oauth, "opaque").await.is_ok());
    *issuer.wait.lock().unwrap() = Duration::from_hours(1);
    tokio::time::advance(limits::INTROSPECTION_FRESH).await;
    let begun = tokio::time::Instant::now();
    assert!(judge(&oauth, "opaque").await.is_ok());
    assert_eq!(begun.elapsed(), Duration::ZERO, "nobody waits for what is only old");
    tokio::time::advance(limits::INTROSPECTION_KEPT.saturating_sub(limits::INTROSPECTION_FRESH)).await;
    assert_eq!(oauth.judge("opaque", Timestamp::now()).unwrap_err(), BadToken::Unknown, "nor is it believed for ever");
    assert_eq!(judge(&oauth, "opaque").await.unwrap_err(), BadToken::Unknown);
    *issuer.wait.lock().unwrap() = Duration::ZERO;
    assert!(judge(&oauth, "opaque").await.is_ok(), "it comes back by itself");
}

#[tokio::test]
async fn no_issuer_is_shown_a_key_of_ours() {
    let issuer = Issuer::saying(active(&json!({})));
    let plan = oauth(&issuer).plan;
    let authenticate = Authenticate::open(None).unwrap().with_tokens(plan, issuer.clone());
    let whole = format!("pw_{}_{}", "a".repeat(16), "b".repeat(64));
    for key in [&whole[..], &whole[..whole.len() - 1], "pw_", "pw_a.b.c"] {
        authenticate.prepare(key).await;
        assert!(authenticate.bearer(key).is_err(), "{key}");
    }
    assert_eq!(issuer.asked(), 0);
    authenticate.prepare("opaque").await;
    assert!(authenticate.bearer("opaque").is_ok());
}
