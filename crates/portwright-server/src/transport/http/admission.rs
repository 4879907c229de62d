//! Who may knock: the Host and the Origin of a request, each judged on its own, against DNS rebinding and web pages
//! that call from a browser; and who the caller is, as long as nobody shows a credential.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use http::{HeaderMap, Uri, header};
use portwright_core::Principal;

use crate::plan::{Anonymous, ListenPlan};

/// The rules of one listener.
#[derive(Debug)]
pub(crate) struct Admission {
    /// Names under which the server may be called, in lower case, without ports.
    hosts: Vec<String>,
    /// Whether any Host that is an IP address will do: a rebound name never is one.
    any_address: bool,
    /// Origins that may call, beside loopback's: in lower case.
    origins: Vec<String>,
    anonymous: Anonymous,
    nobody: Arc<Principal>,
}

impl Admission {
    pub(crate) fn new(plan: &ListenPlan, address: SocketAddr) -> Self {
        let mut hosts = vec!["localhost".to_owned(), "127.0.0.1".to_owned(), "::1".to_owned()];
        let mut origins: Vec<String> = plan.allowed_origins.iter().map(|origin| normal(origin)).collect();
        if let Some(url) = &plan.public_url {
            let authority = url.split_once("://").map_or(url.as_str(), |(_, rest)| rest);
            let authority = authority.split('/').next().unwrap_or_default();
            hosts.push(name_of(authority).to_ascii_lowercase());
            let scheme = url.split_once("://").map_or("https", |(scheme, _)| scheme);
            origins.push(normal(&format!("{scheme}://{authority}")));
        }
        Self {
            hosts,
            any_address: !address.ip().is_loopback(),
            origins,
            anonymous: plan.anonymous,
            nobody: Arc::new(Principal::anonymous()),
        }
    }

    /// Refuses a Host that is not ours and an Origin that may not call. No Origin: not a browser.
    pub(crate) fn host_and_origin(&self, headers: &HeaderMap, uri: &Uri) -> Result<(), &'static str> {
        let mut hosts = headers.get_all(header::HOST).iter();
        let host = match (hosts.next(), hosts.next()) {
            (Some(host), None) => host.to_str().ok(),
            (None, None) => uri.authority().map(http::uri::Authority::as_str),
            _ => None,
        };
        if !host.is_some_and(|host| self.knows(name_of(host))) {
            return Err("this Host is not served here; set listen.public_url to serve it");
        }
        let mut origins = headers.get_all(header::ORIGIN).iter();
        match (origins.next(), origins.next()) {
            (None, _) => Ok(()),
            (Some(origin), None) if origin.to_str().is_ok_and(|origin| self.admits(origin)) => Ok(()),
            _ => Err("this Origin may not call; list it in listen.allowed_origins to let it"),
        }
    }

    fn knows(&self, name: &str) -> bool {
        self.hosts.iter().any(|host| host.eq_ignore_ascii_case(name))
            || (self.any_address && name.parse::<IpAddr>().is_ok_and(|address| !address.is_unspecified()))
    }

    fn admits(&self, origin: &str) -> bool {
        let origin = normal(origin);
        let local = origin.split_once("://").is_some_and(|(scheme, authority)| {
            matches!(scheme, "http" | "https") && matches!(name_of(authority), "localhost" | "127.0.0.1" | "::1")
        });
        local || self.origins.contains(&origin)
    }

    /// Who calls from there without a credential; nobody, if they may not.
    pub(crate) fn principal(&self, peer: SocketAddr) -> Option<Arc<Principal>> {
        let may = match self.anonymous {
            Anonymous::Never => false,
            Anonymous::Loopback => peer.ip().to_canonical().is_loopback(),
            Anonymous::Anywhere => true,
        };
        may.then(|| self.nobody.clone())
    }
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

    use super::{Admission, name_of};
    use crate::plan::ListenPlan;

    fn admission(public: Option<&str>, address: &str) -> Admission {
        let plan = ListenPlan {
            public_url: public.map(str::to_owned),
            allowed_origins: vec!["https://Page.example".to_owned()],
            ..ListenPlan::default()
        };
        Admission::new(&plan, address.parse().expect("address"))
    }

    fn judged(admission: &Admission, host: &str, origin: Option<&str>) -> bool {
        let mut headers = HeaderMap::new();
        headers.insert("host", HeaderValue::from_str(host).expect("host"));
        if let Some(origin) = origin {
            headers.insert("origin", HeaderValue::from_str(origin).expect("origin"));
        }
        admission.host_and_origin(&headers, &Uri::from_static("/mcp")).is_ok()
    }

    #[test]
    fn foreign_hosts_and_origins_are_refused() {
        let local = admission(None, "127.0.0.1:8722");
        for host in ["localhost", "LOCALHOST:1", "127.0.0.1:8722", "[::1]:8722", "[::1]"] {
            assert!(judged(&local, host, None), "{host}");
        }
        for host in
            ["evil.example", "localhost.evil.example", "127.0.0.1.evil.example:80", "0.0.0.0:8722", "", "a:b", "[::1"]
        {
            assert!(!judged(&local, host, None), "{host}");
        }
        for origin in ["http://localhost:6274", "https://127.0.0.1", "https://page.example", "http://[::1]:3000"] {
            assert!(judged(&local, "localhost", Some(origin)), "{origin}");
        }
        for origin in
            ["null", "https://evil.example", "http://localhost.evil.example", "file://", "https://page.example.evil"]
        {
            assert!(!judged(&local, "localhost", Some(origin)), "{origin}");
        }
        let public = admission(Some("https://mcp.acme.example/mcp"), "0.0.0.0:8722");
        assert!(judged(&public, "mcp.acme.example", Some("https://mcp.acme.example")));
        assert!(judged(&public, "10.1.2.3:8722", None));
        assert!(!judged(&public, "0.0.0.0:8722", None));
        assert!(!judged(&public, "other.example", None));
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
