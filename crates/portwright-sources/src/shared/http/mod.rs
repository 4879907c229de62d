//! The one client for outgoing HTTP.
//!
//! A name is resolved once, the addresses are judged, and the connection goes to one that passed: there is no second
//! lookup that could answer differently. Redirects come back to the caller as they are, answers are not unpacked, and
//! proxies of the environment are not asked.

mod address;

#[cfg(test)]
mod tests;

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use futures::StreamExt;
use portwright_core::{Fetch, FetchError, FetchRequest, Fetched, async_trait};
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use reqwest::{Url, header, redirect};

use address::{Reach, reach};

/// The one client for outgoing HTTP. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Client {
    /// For addresses that anybody may have written.
    open: reqwest::Client,
    /// For addresses that whoever runs the server wrote.
    trusted: reqwest::Client,
}

/// There can be no client.
#[derive(Debug, thiserror::Error)]
#[error("outgoing requests can't be prepared")]
pub struct ClientError(#[source] reqwest::Error);

impl Client {
    /// A client that trusts the certificates that this system trusts.
    pub fn new() -> Result<Self, ClientError> {
        Self::build(None)
    }

    /// One whose requests go through a proxy that whoever runs the server wrote. Names are resolved there, so that only
    /// addresses which are written as such are judged here.
    pub fn by_proxy(proxy: &str) -> Result<Self, ClientError> {
        Self::build(Some(&reqwest::Proxy::all(proxy).map_err(ClientError)?))
    }

    fn build(proxy: Option<&reqwest::Proxy>) -> Result<Self, ClientError> {
        let build = |farthest| {
            let builder = reqwest::Client::builder();
            let builder = match proxy {
                None => builder.no_proxy(),
                // Without this the environment's would come in beside it.
                Some(proxy) => builder.no_proxy().proxy(proxy.clone()),
            };
            builder
                .redirect(redirect::Policy::none())
                .referer(false)
                .user_agent(concat!("portwright/", env!("CARGO_PKG_VERSION")))
                .dns_resolver(Arc::new(Judging { farthest }))
                .build()
                .map_err(ClientError)
        };
        Ok(Self { open: build(Reach::Public)?, trusted: build(Reach::Private)? })
    }

    async fn answer(&self, request: &FetchRequest) -> Result<Fetched, FetchError> {
        let farthest = if request.trusted { Reach::Private } else { Reach::Public };
        let url = judged(&request.url, farthest)?;
        let client = if request.trusted { &self.trusted } else { &self.open };
        let mut asked = match &request.body {
            Some(body) => client.post(url).body(body.expose().to_owned()),
            None => client.get(url),
        };
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

#[async_trait]
impl Fetch for Client {
    async fn fetch(&self, request: FetchRequest) -> Result<Fetched, FetchError> {
        let answer = tokio::time::timeout(request.wait, self.answer(&request)).await;
        answer.unwrap_or(Err(FetchError::TimedOut))
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
    use std::fmt::Write;
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
