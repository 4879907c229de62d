//! The one client for outgoing HTTP.
//!
//! A name is resolved once, the addresses are judged, and the connection goes to one that passed: there is no second
//! lookup that could answer differently. Redirects come back to the caller as they are, answers are not unpacked, and
//! proxies of the environment are not asked. A [proxy that the operator wrote](Client::through) is judged as the
//! operator's other addresses are; it finds names by itself, so only addresses that the operator wrote go through it.

mod address;

#[cfg(test)]
mod tests;

use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use futures::StreamExt;
use portwright_core::{CLIENT_SPAN, Fetch, FetchError, FetchRequest, Fetched, Method, Secret, async_trait};
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use reqwest::{Url, header, redirect};
use tracing::Instrument;

use address::{Reach, reach};

/// The one client for outgoing HTTP. Cheap to clone.
#[derive(Clone)]
pub struct Client {
    /// For addresses that anybody may have written; none where a proxy would find out where they lead.
    open: Option<reqwest::Client>,
    /// For addresses that whoever runs the server wrote.
    trusted: reqwest::Client,
}

/// A proxy's credentials would stand in it.
impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client").field("proxied", &self.open.is_none()).finish_non_exhaustive()
    }
}

/// There can be no client.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ClientError {
    /// The system gives none.
    #[error("outgoing requests can't be prepared")]
    Unprepared(#[source] reqwest::Error),
    /// The address of the proxy is none, or one that requests may not reach.
    #[error("the proxy's address can't be used")]
    Proxy(#[source] FetchError),
}

impl Client {
    /// A client that trusts the certificates that this system trusts.
    pub fn new() -> Result<Self, ClientError> {
        Ok(Self { open: Some(build(Reach::Public, None)?), trusted: build(Reach::Private, None)? })
    }

    /// A client whose every request goes through an `http` or `https` proxy, which may want a user and a password.
    /// Requests to addresses that are not [trusted](FetchRequest::trusted) are refused, for nobody here could judge
    /// where the proxy finds them.
    pub fn through(proxy: &Secret) -> Result<Self, ClientError> {
        let mut url = Url::parse(proxy.expose())
            .map_err(|_| ClientError::Proxy(FetchError::BadUrl("the proxy's address".to_owned())))?;
        let read = |text: &str| percent_decoded(text);
        let login =
            (!url.username().is_empty()).then(|| (read(url.username()), read(url.password().unwrap_or_default())));
        let _ = url.set_username("");
        let _ = url.set_password(None);
        // A name is judged when it is resolved, as every name is.
        let url = judged(url.as_str(), Reach::Private).map_err(ClientError::Proxy)?;
        let mut proxy = reqwest::Proxy::all(url).map_err(ClientError::Unprepared)?;
        if let Some((user, password)) = login {
            proxy = proxy.basic_auth(&user, &password);
        }
        Ok(Self { open: None, trusted: build(Reach::Private, Some(proxy))? })
    }

    async fn answer(&self, request: &FetchRequest) -> Result<Fetched, FetchError> {
        let farthest = if request.trusted { Reach::Private } else { Reach::Public };
        let url = judged(&request.url, farthest)?;
        let client = if request.trusted { Some(&self.trusted) } else { self.open.as_ref() };
        let client = client.ok_or_else(|| FetchError::Forbidden(shown(&request.url)))?;
        let method = match request.method {
            Method::Post => reqwest::Method::POST,
            Method::Put => reqwest::Method::PUT,
            Method::Patch => reqwest::Method::PATCH,
            Method::Delete => reqwest::Method::DELETE,
            _ => reqwest::Method::GET,
        };
        let mut asked = client.request(method, url);
        if let Some(body) = &request.body {
            asked = asked.body(body.expose().to_owned());
        }
        for (name, value) in &request.headers {
            let mut value = header::HeaderValue::from_str(value.expose())
                .map_err(|_| FetchError::BadUrl(format!("{} with the header {name}", shown(&request.url))))?;
            value.set_sensitive(true);
            asked = asked.header(name, value);
        }
        let answer = asked.send().await.map_err(|error| failed(error, &request.url))?;
        let status = answer.status().as_u16();
        let headers = answer.headers().iter();
        let headers = headers.filter_map(|(name, value)| Some((name.to_string(), value.to_str().ok()?.to_owned())));
        let headers = headers.collect();
        if answer.content_length().is_some_and(|length| length > request.bytes_max as u64) {
            return Err(FetchError::TooLarge(request.bytes_max));
        }
        let (mut body, mut pieces) = (Vec::new(), answer.bytes_stream());
        while let Some(piece) = pieces.next().await {
            let piece = piece.map_err(|error| failed(error, &request.url))?;
            if body.len() + piece.len() > request.bytes_max {
                return Err(FetchError::TooLarge(request.bytes_max));
            }
            body.extend_from_slice(&piece);
        }
        Ok(Fetched { status, headers, body })
    }
}

fn build(farthest: Reach, proxy: Option<reqwest::Proxy>) -> Result<reqwest::Client, ClientError> {
    let client = reqwest::Client::builder()
        .redirect(redirect::Policy::none())
        .no_proxy()
        .referer(false)
        .user_agent(concat!("portwright/", env!("CARGO_PKG_VERSION")))
        .dns_resolver(Arc::new(Judging { farthest }));
    let client = match proxy {
        Some(proxy) => client.proxy(proxy),
        None => client,
    };
    client.build().map_err(ClientError::Unprepared)
}

/// What stands in a URL's user and password, as it is meant.
fn percent_decoded(text: &str) -> String {
    let bytes = text.as_bytes();
    let (mut out, mut at) = (Vec::with_capacity(bytes.len()), 0);
    while let Some(&byte) = bytes.get(at) {
        let hex = text.get(at + 1..at + 3).filter(|_| byte == b'%').and_then(|hex| u8::from_str_radix(hex, 16).ok());
        out.push(hex.unwrap_or(byte));
        at += if hex.is_some() { 3 } else { 1 };
    }
    String::from_utf8_lossy(&out).into_owned()
}

#[async_trait]
impl Fetch for Client {
    async fn fetch(&self, request: FetchRequest) -> Result<Fetched, FetchError> {
        let span = tracing::debug_span!(
            CLIENT_SPAN,
            http.request.method = request.method.as_str(),
            server.address = tracing::field::Empty,
            http.response.status_code = tracing::field::Empty,
            error.r#type = tracing::field::Empty,
        );
        let asking = async { tokio::time::timeout(request.wait, self.answer(&request)).await };
        if span.is_disabled() {
            return asking.await.unwrap_or(Err(FetchError::TimedOut));
        }
        // The host alone: a path may hold what a caller said.
        if let Some(host) = Url::parse(&request.url).ok().as_ref().and_then(Url::host_str) {
            span.record("server.address", host);
        }
        let answer = asking.instrument(span.clone()).await.unwrap_or(Err(FetchError::TimedOut));
        match &answer {
            Ok(answer) => {
                span.record("http.response.status_code", answer.status);
                if answer.status >= 400 {
                    span.record("error.type", answer.status.to_string());
                }
            }
            Err(error) => {
                span.record("error.type", word(error));
            }
        }
        answer
    }
}

/// The error in a word.
fn word(error: &FetchError) -> &'static str {
    match error {
        FetchError::TimedOut => "timed_out",
        FetchError::Unreachable(_) => "unreachable",
        FetchError::TooLarge(_) => "too_large",
        _ => "forbidden",
    }
}

/// The URL, if it may be asked for. An address in it is judged here, a name when it is resolved.
fn judged(text: &str, farthest: Reach) -> Result<Url, FetchError> {
    let bad = || FetchError::BadUrl(shown(text));
    let url = Url::parse(text).map_err(|_| bad())?;
    if !matches!(url.scheme(), "https" | "http") || !url.username().is_empty() || url.password().is_some() {
        return Err(bad());
    }
    // The parser has read every way of writing a number by now: octal, hexadecimal, one piece.
    let host = url.host_str().ok_or_else(bad)?;
    let address = host.trim_matches(['[', ']']).parse::<IpAddr>();
    if address.is_ok_and(|address| reach(address) > farthest) {
        return Err(FetchError::Forbidden(host.to_owned()));
    }
    Ok(url)
}

/// The address of an API that whoever runs the server wrote, without a slash at its end; or what is wrong with it.
pub fn base_url(text: &str) -> Result<String, String> {
    let url = Url::parse(text).map_err(|_| format!("`{}` is no URL; write https://…", shown(text)))?;
    if !matches!(url.scheme(), "https" | "http") || url.host_str().is_none() {
        return Err(format!("`{}` is no address of the Web; write https://…", shown(text)));
    }
    if !url.username().is_empty() || url.password().is_some() || url.query().is_some() || url.fragment().is_some() {
        return Err(format!("`{}` holds more than an address: leave out names, passwords, `?` and `#`", shown(text)));
    }
    let host = url.host_str().unwrap_or_default().trim_matches(['[', ']']);
    let private = host == "localhost" || host.parse::<IpAddr>().is_ok_and(|address| reach(address) == Reach::Private);
    if url.scheme() == "http" && !private {
        return Err(format!("`{}` would send the token in the clear; write https://…", shown(text)));
    }
    Ok(url.as_str().trim_end_matches('/').to_owned())
}

/// A text as one segment or value of a URL: everything but letters, digits and `-._~` is encoded.
pub fn percent_encoded(text: &str) -> String {
    use std::fmt::Write as _;
    text.bytes().fold(String::with_capacity(text.len()), |mut out, byte| {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            let _ = write!(out, "%{byte:02X}");
        }
        out
    })
}

/// A URL without what may be secret in it.
fn shown(text: &str) -> String {
    const CHARACTERS_MAX: usize = 200;
    let Ok(mut url) = Url::parse(text) else { return "…".to_owned() };
    let _ = url.set_username("");
    let _ = url.set_password(None);
    url.set_query(None);
    url.set_fragment(None);
    url.as_str().chars().take(CHARACTERS_MAX).collect()
}

/// The name leads where requests may not go.
#[derive(Debug, thiserror::Error)]
#[error("the name leads to an address that outgoing requests may not reach")]
struct LeadsAway;

fn failed(error: reqwest::Error, url: &str) -> FetchError {
    let mut cause: Option<&(dyn std::error::Error + 'static)> = Some(&error);
    while let Some(one) = cause {
        if one.is::<LeadsAway>() {
            return FetchError::Forbidden(shown(url));
        }
        cause = one.source();
    }
    if error.is_timeout() { FetchError::TimedOut } else { FetchError::Unreachable(Box::new(error.without_url())) }
}

/// Resolves names by the system and keeps the addresses that may be reached. If one of a name's may not, none is: an
/// honest name does not lead both outside and inside.
#[derive(Debug)]
struct Judging {
    farthest: Reach,
}

impl Resolve for Judging {
    fn resolve(&self, name: Name) -> Resolving {
        let farthest = self.farthest;
        Box::pin(async move {
            let found: Vec<SocketAddr> = tokio::net::lookup_host((name.as_str(), 0)).await?.collect();
            if found.iter().any(|address| reach(address.ip()) > farthest) {
                return Err(LeadsAway.into());
            }
            Ok(Box::new(found.into_iter()) as Addrs)
        })
    }
}
