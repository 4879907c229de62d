//! Who may knock: the Host and the Origin of a request, each judged on its own, against DNS rebinding and web pages
//! that call from a browser; and who the caller is, as long as nobody shows a credential.

use std::net::IpAddr;
use std::sync::Arc;

use http::{HeaderMap, HeaderValue, Response, StatusCode, Uri, header};
use portwright_core::{Principal, Secret};

use super::body::Body;
use super::respond::{empty, plain};
use super::{Certified, Ends, Peer};
use crate::guard::Authenticate;
use crate::guard::authenticate::BadCredential;
use crate::guard::authenticate::oauth::BadToken;
use crate::plan::{Anonymous, ListenPlan};

/// The names of this machine to itself.
const LOOPBACK: [&str; 3] = ["localhost", "127.0.0.1", "::1"];

/// The rules of one listener.
#[derive(Debug)]
pub(super) struct Admission {
    /// Names under which the server may be called, in lower case, without ports.
    hosts: Vec<String>,
    /// Origins that may call, beside loopback's: in lower case.
    origins: Vec<String>,
    /// The public host and the path under which it shows this server.
    public: Option<(String, String)>,
    anonymous: Anonymous,
    nobody: Arc<Principal>,
    /// What a challenge tells of how to get a token.
    challenge: String,
}

impl Admission {
    pub(super) fn new(plan: &ListenPlan, challenge: String) -> Self {
        let mut public = None;
        let mut hosts = LOOPBACK.map(str::to_owned).to_vec();
        let mut origins: Vec<String> = plan.allowed_origins.iter().map(|origin| normal(origin)).collect();
        if let Some(url) = &plan.public_url {
            let authority = url.split_once("://").map_or(url.as_str(), |(_, rest)| rest);
            let (authority, path) = authority.split_once('/').unwrap_or((authority, ""));
            let path = path.trim_end_matches('/');
            let path = path.strip_suffix("mcp").filter(|rest| rest.is_empty() || rest.ends_with('/')).unwrap_or(path);
            let name = name_of(authority).to_ascii_lowercase();
            public = prefix_of(&format!("/{path}")).map(|path| (name.clone(), path));
            hosts.push(name);
            let scheme = url.split_once("://").map_or("https", |(scheme, _)| scheme);
            origins.push(normal(&format!("{scheme}://{authority}")));
        }
        Self { hosts, origins, public, anonymous: plan.anonymous, nobody: Arc::new(Principal::anonymous()), challenge }
    }

    /// Refuses a Host that is not ours and an Origin that may not call. No Origin: not a browser.
    pub(super) fn host_and_origin(&self, headers: &HeaderMap, uri: &Uri, ends: Ends) -> Result<(), &'static str> {
        self.host(headers, uri, ends)?;
        let mut origins = headers.get_all(header::ORIGIN).iter();
        match (origins.next(), origins.next()) {
            (None, _) => Ok(()),
            (Some(origin), None) if origin.to_str().is_ok_and(|origin| self.admits(origin, ends)) => Ok(()),
            _ => Err("this Origin may not call; list it in listen.allowed_origins to let it"),
        }
    }

    /// Refuses a Host that is not ours.
    pub(super) fn host(&self, headers: &HeaderMap, uri: &Uri, ends: Ends) -> Result<(), &'static str> {
        const FOREIGN: &str = "this Host is not served here; set listen.public_url to serve it";
        let mut hosts = headers.get_all(header::HOST).iter();
        let (Some(host), None) = (hosts.next(), hosts.next()) else { return Err(FOREIGN) };
        let target = uri.authority().map(http::uri::Authority::as_str);
        for host in [host.to_str().ok(), target.or(host.to_str().ok())] {
            if !host.is_some_and(|host| self.knows(name_of(host), ends)) {
                return Err(FOREIGN);
            }
        }
        Ok(())
    }

    /// The path under which the client sees this server: what its proxy says, or what the plan says of the host that
    /// was called.
    pub(super) fn prefix(&self, headers: &HeaderMap) -> String {
        let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
        let said = text("x-forwarded-prefix").and_then(prefix_of);
        let planned = || {
            let host = text("host").map(name_of)?;
            self.public.as_ref().filter(|(name, _)| name.eq_ignore_ascii_case(host)).map(|(_, path)| path.clone())
        };
        said.or_else(planned).unwrap_or_default()
    }

    /// Beyond loopback, the very address that was called will do as well: a rebound name never is one.
    fn knows(&self, name: &str, ends: Ends) -> bool {
        let called = || name.parse::<IpAddr>().is_ok_and(|address| address == ends.own.ip().to_canonical());
        self.hosts.iter().any(|host| host.eq_ignore_ascii_case(name)) || called()
    }

    /// Pages of this machine may call where only this machine can.
    fn admits(&self, origin: &str, ends: Ends) -> bool {
        let origin = normal(origin);
        let local = origin.split_once("://").is_some_and(|(scheme, authority)| {
            matches!(scheme, "http" | "https") && LOOPBACK.contains(&name_of(authority))
        });
        (local && ends.peer.ip().to_canonical().is_loopback()) || self.origins.contains(&origin)
    }

    /// The origin of a page that was allowed by name: it may read what it is answered.
    pub(super) fn page(&self, headers: &HeaderMap) -> Option<HeaderValue> {
        let origin = headers.get(header::ORIGIN)?;
        origin.to_str().is_ok_and(|origin| self.origins.contains(&normal(origin))).then(|| origin.clone())
    }

    /// Who calls. Whoever shows a credential is who it proves, or nobody; without one, whose certificate they showed;
    /// without that, they are anonymous where that may be. What a proxy passes on does not come from this machine, whatever the connection says.
    pub(super) fn principal(
        &self,
        headers: &HeaderMap,
        peer: &Peer,
        authenticate: &Authenticate,
    ) -> Result<Arc<Principal>, Unproven> {
        if authenticate.is_possible() && headers.contains_key(header::AUTHORIZATION) {
            return bearer(headers).and_then(|token| authenticate.bearer(token).map_err(Unproven::Bad));
        }
        if let Some(certified) = &peer.certified {
            return if certified.holds() { Ok(certified.principal.clone()) } else { Err(Unproven::Missing) };
        }
        let may = match self.anonymous {
            Anonymous::Never => false,
            Anonymous::Loopback => is_local(headers, peer),
            Anonymous::Anywhere => true,
        };
        if may { Ok(self.nobody.clone()) } else { Err(Unproven::Missing) }
    }

    /// The answer to callers who have not proved who they are (RFC 6750, section 3). It does not say what was wrong with
    /// a credential; only whoever's holds and lacks a scope is told which there are.
    pub(super) fn credential_wanted(&self, why: Unproven) -> Response<Body> {
        let (status, text, error) = match why {
            Unproven::Missing => {
                (StatusCode::UNAUTHORIZED, "calls without a credential are not allowed from there", None)
            }
            Unproven::Bad(BadCredential::Token(BadToken::Scope)) => (
                StatusCode::FORBIDDEN,
                "this credential lacks a scope that calls need here",
                Some("insufficient_scope"),
            ),
            Unproven::Malformed | Unproven::Bad(_) => {
                let text = "this credential is not valid here; ask whoever runs this server";
                (StatusCode::UNAUTHORIZED, text, Some("invalid_token"))
            }
        };
        if let Unproven::Bad(why) = why {
            tracing::warn!(reason = %why, "credential refused");
        }
        let error = error.map(|error| format!("error=\"{error}\""));
        let more = Some(self.challenge.clone()).filter(|challenge| !challenge.is_empty());
        let words: Vec<_> = error.into_iter().chain(more).collect();
        let challenge = format!("Bearer {}", words.join(", "));
        let mut response = plain(status, text);
        let value = HeaderValue::try_from(challenge.trim_end()).unwrap_or(HeaderValue::from_static("Bearer"));
        response.headers_mut().insert(header::WWW_AUTHENTICATE, value);
        response
    }
}

/// Whether a request comes from this machine. What a proxy passes on does not, whatever the connection says.
pub(super) fn is_local(headers: &HeaderMap, peer: &Peer) -> bool {
    let passed_on = headers.contains_key(header::FORWARDED) || headers.contains_key("x-forwarded-for");
    peer.ends.peer.ip().to_canonical().is_loopback() && !passed_on
}

/// What a caller proved with who they are, for as long as their connection lives: keys are revoked and expire.
#[derive(Debug)]
pub(in crate::transport) struct Credential {
    shown: Option<Secret>,
    certified: Option<Certified>,
}

impl Credential {
    /// The one that the caller was admitted with.
    pub(super) fn of(headers: &HeaderMap, authenticate: &Authenticate, certified: Option<&Certified>) -> Self {
        let shown = authenticate.is_possible().then(|| bearer(headers).ok()).flatten();
        Self { shown: shown.map(Secret::new), certified: certified.cloned() }
    }

    /// Whether it still holds.
    pub(in crate::transport) fn holds(&self, authenticate: &Authenticate) -> bool {
        match (&self.shown, &self.certified) {
            (Some(token), _) => authenticate.bearer(token.expose()).is_ok(),
            (None, Some(certified)) => certified.holds(),
            (None, None) => true,
        }
    }
}

/// Why a caller is nobody.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Unproven {
    Missing,
    /// Two of them, or not of the form `Bearer TOKEN`.
    Malformed,
    Bad(BadCredential),
}

impl Unproven {
    /// Why what was shown does not count; none if nothing was shown. For the operator alone.
    pub(super) fn refused(self) -> Option<String> {
        match self {
            Self::Missing => None,
            Self::Malformed => Some("it is not one bearer token".to_owned()),
            Self::Bad(why) => Some(why.to_string()),
        }
    }
}

/// The one bearer token of a request (RFC 6750, section 2.1).
fn bearer(headers: &HeaderMap) -> Result<&str, Unproven> {
    let mut values = headers.get_all(header::AUTHORIZATION).iter();
    let (Some(value), None) = (values.next(), values.next()) else { return Err(Unproven::Malformed) };
    let value = value.to_str().map_err(|_| Unproven::Malformed)?;
    let (scheme, token) = value.trim().split_once(' ').ok_or(Unproven::Malformed)?;
    if scheme.eq_ignore_ascii_case("bearer") { Ok(token.trim()) } else { Err(Unproven::Malformed) }
}

/// Gets what it may take to judge the credential that is shown, if one is.
pub(super) async fn prepare(headers: &HeaderMap, authenticate: &Authenticate) {
    if authenticate.is_possible()
        && let Ok(credential) = bearer(headers)
    {
        authenticate.prepare(credential).await;
    }
}

/// Lets a page read the response (the Fetch standard's CORS protocol).
pub(super) fn for_page(response: &mut Response<Body>, origin: HeaderValue) {
    let headers = response.headers_mut();
    headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin);
    headers.insert(header::ACCESS_CONTROL_EXPOSE_HEADERS, HeaderValue::from_static("mcp-session-id"));
    headers.insert(header::VARY, HeaderValue::from_static("origin"));
}

/// The answer to a browser that asks before it calls.
pub(super) fn preflight() -> Response<Body> {
    const HEADERS: &str = "content-type, accept, authorization, mcp-session-id, mcp-protocol-version, mcp-method, \
                           mcp-name, last-event-id";
    let mut response = empty(StatusCode::NO_CONTENT);
    let headers = response.headers_mut();
    headers.insert(header::ACCESS_CONTROL_ALLOW_METHODS, HeaderValue::from_static("POST, GET, DELETE"));
    headers.insert(header::ACCESS_CONTROL_ALLOW_HEADERS, HeaderValue::from_static(HEADERS));
    response
}

/// A path that other paths can be put under: none if it could lead to another host, or out of the line it stands in.
fn prefix_of(path: &str) -> Option<String> {
    const BYTES_MAX: usize = 256;
    let path = path.trim_end_matches('/');
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~/%".contains(&byte);
    let fits = path.len() <= BYTES_MAX && path.bytes().all(plain) && !path.contains("//");
    (fits && (path.is_empty() || path.starts_with('/'))).then(|| path.to_owned())
}

fn normal(origin: &str) -> String {
    origin.trim().trim_end_matches('/').to_ascii_lowercase()
}

/// The host of `host:port`, without brackets.
fn name_of(authority: &str) -> &str {
    if let Some(rest) = authority.strip_prefix('[') {
        return match rest.split_once(']') {
            Some((name, port)) if port.is_empty() || is_port(port) => name,
            _ => "",
        };
    }
    match authority.split_once(':') {
        Some((name, port)) if !port.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit()) => name,
        Some(_) => "",
        None => authority,
    }
}

fn is_port(text: &str) -> bool {
    text.strip_prefix(':').is_some_and(|port| !port.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit()))
}

#[cfg(test)]
mod tests {
    use http::{HeaderMap, HeaderValue, Uri};

    use super::{Admission, Authenticate, Ends, Peer, name_of};
    use crate::plan::ListenPlan;

    fn admission(public: Option<&str>) -> Admission {
        Admission::new(
            &ListenPlan {
                public_url: public.map(str::to_owned),
                allowed_origins: vec!["https://Page.example".to_owned()],
                ..ListenPlan::default()
            },
            String::new(),
        )
    }

    fn ends(peer: &str, own: &str) -> Ends {
        Ends { peer: peer.parse().expect("peer"), own: own.parse().expect("own") }
    }

    fn judged(admission: &Admission, ends: Ends, host: &str, origin: Option<&str>) -> bool {
        let mut headers = HeaderMap::new();
        headers.insert("host", HeaderValue::from_str(host).expect("host"));
        if let Some(origin) = origin {
            headers.insert("origin", HeaderValue::from_str(origin).expect("origin"));
        }
        admission.host_and_origin(&headers, &Uri::from_static("/mcp"), ends).is_ok()
    }

    #[test]
    fn foreign_hosts_and_origins_are_refused() {
        let (local, here) = (admission(None), ends("127.0.0.1:50000", "127.0.0.1:8722"));
        for host in ["localhost", "LOCALHOST:1", "127.0.0.1:8722", "[::1]:8722", "[::1]"] {
            assert!(judged(&local, here, host, None), "{host}");
        }
        for host in
            ["evil.example", "localhost.evil.example", "127.0.0.1.evil.example:80", "0.0.0.0:8722", "", "a:b", "[::1"]
        {
            assert!(!judged(&local, here, host, None), "{host}");
        }
        for origin in ["http://localhost:6274", "https://127.0.0.1", "https://page.example", "http://[::1]:3000"] {
            assert!(judged(&local, here, "localhost", Some(origin)), "{origin}");
        }
        for origin in
            ["null", "https://evil.example", "http://localhost.evil.example", "file://", "https://page.example.evil"]
        {
            assert!(!judged(&local, here, "localhost", Some(origin)), "{origin}");
        }
        let (public, far) = (admission(Some("https://mcp.acme.example/mcp")), ends("10.9.9.9:50000", "10.1.2.3:8722"));
        assert!(judged(&public, far, "mcp.acme.example", Some("https://mcp.acme.example")));
        assert!(judged(&public, far, "10.1.2.3:8722", None));
        for host in ["10.1.2.4:8722", "0.0.0.0:8722", "other.example"] {
            assert!(!judged(&public, far, host, None), "{host}");
        }
        assert!(!judged(&public, far, "mcp.acme.example", Some("http://localhost:3000")));
    }

    #[test]
    fn a_second_host_and_a_foreign_target_are_refused() {
        let (local, here) = (admission(None), ends("127.0.0.1:50000", "127.0.0.1:8722"));
        let mut headers = HeaderMap::new();
        assert!(local.host_and_origin(&headers, &Uri::from_static("/mcp"), here).is_err(), "no Host");
        headers.insert("host", HeaderValue::from_static("localhost"));
        assert!(local.host_and_origin(&headers, &Uri::from_static("http://evil.example/mcp"), here).is_err());
        headers.append("host", HeaderValue::from_static("localhost"));
        assert!(local.host_and_origin(&headers, &Uri::from_static("/mcp"), here).is_err(), "two Hosts");
    }

    #[test]
    fn what_a_proxy_passes_on_is_not_local() {
        let (local, here) = (admission(None), ends("127.0.0.1:50000", "127.0.0.1:8722"));
        let here = Peer { ends: here, certified: None };
        let far = Peer { ends: ends("10.0.0.1:1", "10.0.0.2:8722"), certified: None };
        let (nobody, mut headers) = (Authenticate::open(None).expect("opened"), HeaderMap::new());
        assert!(local.principal(&headers, &here, &nobody).is_ok());
        assert!(local.principal(&headers, &far, &nobody).is_err());
        headers.insert("x-forwarded-for", HeaderValue::from_static("10.0.0.1"));
        assert!(local.principal(&headers, &here, &nobody).is_err());
    }

    #[test]
    fn the_path_before_ours_is_what_the_proxy_or_the_plan_says() {
        let mut headers = HeaderMap::new();
        headers.insert("host", HeaderValue::from_static("mcp.acme.example"));
        for (public, prefix) in [
            ("https://mcp.acme.example", ""),
            ("https://mcp.acme.example/", ""),
            ("https://mcp.acme.example/mcp", ""),
            ("https://mcp.acme.example/tools/db/mcp", "/tools/db"),
            ("https://mcp.acme.example/tools/db/", "/tools/db"),
            ("https://mcp.acme.example/tcp-mcp", "/tcp-mcp"),
        ] {
            assert_eq!(admission(Some(public)).prefix(&headers), prefix, "{public}");
        }
        let planned = admission(Some("https://mcp.acme.example/tools"));
        for (said, prefix) in
            [("/db", "/db"), ("/a/b/", "/a/b"), ("//evil.example", "/tools"), ("evil", "/tools"), ("/a b", "/tools")]
        {
            headers.insert("x-forwarded-prefix", HeaderValue::from_static(said));
            assert_eq!(planned.prefix(&headers), prefix, "{said}");
        }
        headers.insert("host", HeaderValue::from_static("localhost:8722"));
        assert_eq!(planned.prefix(&headers), "", "it was not called by its public name");
    }

    #[test]
    fn names_are_read_strictly() {
        assert_eq!(name_of("a.example:80"), "a.example");
        assert_eq!(name_of("[::1]:80"), "::1");
        for odd in ["a:80:90", "a:", "a:x", "[::1]x"] {
            assert_eq!(name_of(odd), "", "{odd}");
        }
    }
}
