//! A server behind a URL. Which transport it speaks is found out by trying: Streamable HTTP first, then the events of
//! 2024-11-05; `ws:` and `wss:` say it themselves.

use std::net::IpAddr;

use rmcp::transport::StreamableHttpClientTransport;
use rmcp::transport::streamable_http_client::StreamableHttpClientTransportConfig;

use super::{Client, Tap, sse, websocket};
use crate::cli::error::CliError;
use crate::cli::variables;

pub(super) async fn connect(url: &str, tap: Tap) -> Result<Client, CliError> {
    let mut parsed = address(url)?;
    if matches!(parsed.scheme(), "ws" | "wss") {
        return websocket::connect(&parsed, tap).await;
    }
    if parsed.path().ends_with("/sse") {
        return sse::connect(&parsed, tap).await;
    }
    let bare = parsed.path() == "/";
    if bare {
        parsed.set_path("/mcp");
    }
    match streamable(&parsed, tap.clone()).await {
        // An older server may answer a GET of the very same address with events, or have them at their usual place.
        Err(error @ CliError::Unreachable { .. }) => {
            if bare {
                parsed.set_path("/sse");
            }
            match sse::connect(&parsed, tap).await {
                Ok(client) => Ok(client),
                Err(_) => Err(error),
            }
        }
        answered => answered,
    }
}

async fn streamable(url: &reqwest::Url, tap: Tap) -> Result<Client, CliError> {
    let mut config = StreamableHttpClientTransportConfig::with_uri(url.as_str());
    if let Ok(token) = std::env::var(variables::TOKEN) {
        config = config.auth_header(token);
    }
    Client::greet(transport(url, config), without_credentials(url.as_str()), None, tap).await
}

/// A request with the credential that the environment holds, if it holds one.
pub(super) fn authorized(request: reqwest::RequestBuilder) -> reqwest::RequestBuilder {
    match std::env::var(variables::TOKEN) {
        Ok(token) => request.bearer_auth(token),
        Err(_) => request,
    }
}

/// Reads a server's address.
pub(crate) fn address(url: &str) -> Result<reqwest::Url, CliError> {
    let wrong = |reason: String| CliError::Usage {
        message: format!("`{}` is not the address of a server: {reason}", without_credentials(url)),
        hint: Some("such as http://127.0.0.1:8722/mcp".into()),
    };
    let parsed = reqwest::Url::parse(url).map_err(|error| wrong(error.to_string()))?;
    if !matches!(parsed.scheme(), "http" | "https" | "ws" | "wss") {
        return Err(wrong(format!("{}: is none of http:, https:, ws: and wss:", parsed.scheme())));
    }
    Ok(parsed)
}

/// A client that takes a credential nowhere but to this server.
pub(crate) fn plain_client(url: &reqwest::Url) -> reqwest::Result<reqwest::Client> {
    let builder = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none());
    if is_loopback(url) { builder.no_proxy().build() } else { builder.build() }
}

fn is_loopback(url: &reqwest::Url) -> bool {
    match url.host_str().map(|host| host.trim_matches(['[', ']'])) {
        Some("localhost") => true,
        Some(host) => host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback()),
        None => false,
    }
}

/// A proxy that the environment names can't reach the loopback of this machine, and is not asked to.
fn transport(
    url: &reqwest::Url,
    config: StreamableHttpClientTransportConfig,
) -> StreamableHttpClientTransport<reqwest::Client> {
    let loopback = is_loopback(url);
    let direct = reqwest::Client::builder().no_proxy().redirect(reqwest::redirect::Policy::none()).build();
    match direct {
        Ok(client) if loopback => StreamableHttpClientTransport::with_client(client, config),
        _ => StreamableHttpClientTransport::from_config(config),
    }
}

pub(super) fn without_credentials(url: &str) -> String {
    let Ok(mut parsed) = reqwest::Url::parse(url) else { return url.to_owned() };
    let _ = parsed.set_username("");
    let _ = parsed.set_password(None);
    parsed.set_query(None);
    parsed.to_string()
}
