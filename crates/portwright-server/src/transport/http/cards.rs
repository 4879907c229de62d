//! What the server tells of itself before anybody connects: the server card of SEP-2127, at the path below MCP's own
//! that is reserved for it, and the AI catalog of its host, which leads there.
//!
//! They are public, for pages of any origin, and hold no list of tools. They name an address only where the plan says
//! how the server is reached from outside.

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method, Response, StatusCode, header};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::body::Body;
use super::respond::{self, empty, with_type};
use crate::guard::authenticate::OAuthPlan;
use crate::plan::ServerPlan;
use crate::session::modern;

const CARD_PATH: &str = "/mcp/server-card";
const CATALOG_PATH: &str = "/.well-known/ai-catalog.json";
const PROTECTED_PATH: &str = "/.well-known/oauth-protected-resource";
const CARD_TYPE: &str = "application/mcp-server-card+json";
const CATALOG_TYPE: &str = "application/ai-catalog+json";
const CARD_SCHEMA: &str = "https://static.modelcontextprotocol.io/schemas/v1/server-card.schema.json";

/// Both documents, written once.
#[derive(Debug)]
pub(super) struct Cards {
    card: Document,
    catalog: Document,
    /// Who gives tokens for this server (RFC 9728). None where no tokens are taken.
    protected: Option<Document>,
}

/// A document with its tag.
#[derive(Debug)]
pub(super) struct Document {
    kind: &'static str,
    bytes: Bytes,
    tag: HeaderValue,
}

impl Cards {
    pub(super) fn new(plan: &ServerPlan) -> Self {
        let public = plan.listen.public_url.as_deref().filter(|_| plan.listen.transports.http).map(endpoint);
        let name = name(&plan.name, public.as_deref().map(host));
        let card = card(plan, &name, public.as_deref());
        let catalog = catalog(plan, &name, public.as_deref());
        let protected = plan.oauth.as_ref().map(|oauth| Document::new("application/json", &protected(plan, oauth)));
        Self { card: Document::new(CARD_TYPE, &card), catalog: Document::new(CATALOG_TYPE, &catalog), protected }
    }

    /// The document at that path.
    pub(super) fn at(&self, path: &str) -> Option<&Document> {
        match path {
            CARD_PATH => Some(&self.card),
            CATALOG_PATH => Some(&self.catalog),
            _ if path.strip_prefix(PROTECTED_PATH).is_some_and(leads_here) => self.protected.as_ref(),
            _ => None,
        }
    }
}

impl Document {
    fn new(kind: &'static str, value: &Value) -> Self {
        let bytes = Bytes::from(value.to_string());
        let digest = Sha256::digest(&bytes).iter().take(16).fold(0_u128, |sum, byte| sum << 8 | u128::from(*byte));
        let tag = HeaderValue::try_from(format!("\"{digest:032x}\"")).unwrap_or(HeaderValue::from_static("\"\""));
        Self { kind, bytes, tag }
    }

    pub(super) fn answer(&self, method: &Method, headers: &HeaderMap) -> Response<Body> {
        let mut response = match *method {
            Method::GET | Method::HEAD if self.is_known(headers) => empty(StatusCode::NOT_MODIFIED),
            Method::GET | Method::HEAD => with_type(StatusCode::OK, self.kind, Body::whole(self.bytes.clone())),
            // A page's browser asks before it sends `If-None-Match`.
            Method::OPTIONS => empty(StatusCode::NO_CONTENT),
            _ => respond::method_not_allowed("GET, HEAD"),
        };
        let headers = response.headers_mut();
        headers.insert(header::ETAG, self.tag.clone());
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("public, max-age=3600"));
        headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
        headers.insert(header::ACCESS_CONTROL_ALLOW_METHODS, HeaderValue::from_static("GET"));
        headers.insert(header::ACCESS_CONTROL_ALLOW_HEADERS, HeaderValue::from_static("content-type, if-none-match"));
        headers.insert(header::ACCESS_CONTROL_EXPOSE_HEADERS, HeaderValue::from_static("etag"));
        response
    }

    /// Whether the client has it already; tags are compared weakly, as `If-None-Match` asks (RFC 9110, 13.1.2).
    fn is_known(&self, headers: &HeaderMap) -> bool {
        let known = headers.get_all(header::IF_NONE_MATCH).iter().filter_map(|value| value.to_str().ok());
        let mut tags = known.flat_map(|list| list.split(',')).map(str::trim);
        tags.any(|tag| tag == "*" || tag.strip_prefix("W/").unwrap_or(tag).as_bytes() == self.tag.as_bytes())
    }
}

/// Whether what follows the well-known path is a place where MCP is spoken, also behind a proxy's own path.
fn leads_here(rest: &str) -> bool {
    rest.is_empty() || rest.starts_with('/') && ["/mcp", "/sse", "/ws"].iter().any(|end| rest.ends_with(end))
}

/// What a challenge tells of how to get a token: where the metadata is, and which scopes there are.
pub(super) fn challenge(plan: &ServerPlan) -> String {
    let Some(oauth) = &plan.oauth else { return String::new() };
    let mut words: Vec<String> = metadata_address(plan).into_iter().collect();
    let scopes = oauth.known_scopes();
    if !scopes.is_empty() {
        words.push(format!("scope=\"{}\"", scopes.join(" ")));
    }
    words.join(", ")
}

/// Where the document of the protected resource is, as challenges say it.
pub(super) fn metadata_address(plan: &ServerPlan) -> Option<String> {
    let address = plan.listen.public_url.as_deref().or(plan.oauth.as_ref().map(|oauth| oauth.audience.as_str()))?;
    let (scheme, rest) = address.split_once("://").filter(|(scheme, _)| matches!(*scheme, "https" | "http"))?;
    let (host, path) = rest.split_once('/').unwrap_or((rest, ""));
    // The well-known part stands between host and path (RFC 9728, section 3).
    let path = endpoint(&format!("/{path}"));
    Some(format!("resource_metadata=\"{scheme}://{host}{PROTECTED_PATH}{path}\""))
}

fn protected(plan: &ServerPlan, oauth: &OAuthPlan) -> Value {
    let mut document = json!({
        "resource": oauth.audience,
        "authorization_servers": [oauth.issuer],
        "bearer_methods_supported": ["header"],
        "resource_name": plan.title.as_ref().unwrap_or(&plan.name),
    });
    let scopes = oauth.known_scopes();
    if !scopes.is_empty() {
        document["scopes_supported"] = json!(scopes);
    }
    document
}

fn card(plan: &ServerPlan, name: &str, public: Option<&str>) -> Value {
    let description = plan.description.clone().or_else(|| plan.title.clone());
    let mut card = json!({
        "$schema": CARD_SCHEMA,
        "name": name,
        "version": plan.version,
        "description": description.unwrap_or_else(|| format!("The MCP server {}", plan.name)),
    });
    if let Some(title) = &plan.title {
        card["title"] = json!(title);
    }
    if let Some(url) = &plan.website_url {
        card["websiteUrl"] = json!(url);
    }
    if !plan.icons.is_empty() {
        card["icons"] = json!(plan.icons);
    }
    if let Some(url) = public {
        card["remotes"] =
            json!([{ "type": "streamable-http", "url": url, "supportedProtocolVersions": modern::all_versions() }]);
    }
    card
}

fn catalog(plan: &ServerPlan, name: &str, public: Option<&str>) -> Value {
    let entries: Vec<_> = public
        .map(|url| {
            let slug = name.rsplit('/').next().unwrap_or_default();
            let mut entry = json!({
                "identifier": format!("urn:air:{}:mcp:{slug}", host(url)),
                "type": CARD_TYPE,
                "url": format!("{url}/server-card"),
            });
            if let Some(title) = &plan.title {
                entry["displayName"] = json!(title);
            }
            entry
        })
        .into_iter()
        .collect();
    json!({ "specVersion": "1.0", "entries": entries })
}

/// Where MCP is served behind a public address, which may name it already.
fn endpoint(public: &str) -> String {
    let base = public.trim_end_matches('/');
    if base.ends_with("/mcp") { base.to_owned() } else { format!("{base}/mcp") }
}

/// The host of a URL, in lower case, without its port.
fn host(url: &str) -> String {
    let authority = url.split_once("://").map_or(url, |(_, rest)| rest).split('/').next().unwrap_or_default();
    let name = if authority.starts_with('[') { authority } else { authority.split(':').next().unwrap_or_default() };
    name.trim_matches(['[', ']']).to_ascii_lowercase()
}

/// The name of a card: a reversed domain, a stroke, a slug. A server that is named so keeps its name.
fn name(server: &str, host: Option<String>) -> String {
    let plain = |part: &str, more: &str| {
        !part.is_empty() && part.chars().all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '.' || more.contains(c))
    };
    if server.split_once('/').is_some_and(|(space, slug)| plain(space, "") && plain(slug, "_")) {
        return server.to_owned();
    }
    let mut slug = String::new();
    for letter in server.chars() {
        if letter.is_ascii_alphanumeric() || matches!(letter, '.' | '_') {
            slug.push(letter.to_ascii_lowercase());
        } else if !slug.is_empty() && !slug.ends_with('-') {
            slug.push('-');
        }
    }
    let slug = slug.trim_end_matches('-');
    let slug = if slug.is_empty() { "server" } else { slug };
    let space = host.filter(|host| plain(host, "")).unwrap_or_else(|| "localhost".to_owned());
    // An address has no domain to be reversed.
    let space = match space.parse::<std::net::IpAddr>() {
        Ok(_) => space,
        Err(_) => space.split('.').rev().collect::<Vec<_>>().join("."),
    };
    format!("{space}/{slug}")
}

#[cfg(test)]
mod tests {
    use super::{endpoint, host, name};

    #[test]
    fn names_are_a_reversed_domain_and_a_slug() {
        let of = |server: &str, public: Option<&str>| name(server, public.map(host));
        assert_eq!(of("Acme Shop!", Some("https://MCP.acme.example:8443/x")), "example.acme.mcp/acme-shop");
        assert_eq!(of("shop", None), "localhost/shop");
        assert_eq!(of("com.acme/Shop_1", Some("https://elsewhere.example")), "com.acme/Shop_1");
        assert_eq!(of("a/b/c", None), "localhost/a-b-c");
        assert_eq!(of("商店", Some("http://192.0.2.7:80")), "192.0.2.7/server");
    }

    #[test]
    fn the_endpoint_is_found_from_either_form() {
        for public in ["https://a.example", "https://a.example/", "https://a.example/mcp", "https://a.example/mcp/"] {
            assert_eq!(endpoint(public), "https://a.example/mcp");
        }
        assert_eq!(endpoint("https://a.example/tcp-mcp"), "https://a.example/tcp-mcp/mcp");
    }
}
