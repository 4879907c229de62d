//! `[sources.NAME]` of the kind `brave`, and what is meant by it.

use std::time::Duration;

use portwright_core::{ByteSize, Diagnostic, HumanDuration, Pointer, Secret, SourceSpec, limits};
use reqwest::Url;
use schemars::JsonSchema;
use serde::Deserialize;

use super::api::ApiPlan;
use super::rate::Rate;

const API_URL: &str = "https://api.search.brave.com/res/v1";

/// What the kind adds to `[sources.NAME]`.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(super) struct BraveTable {
    /// The subscription's token.
    token: Option<Secret>,
    /// Where the service is. Default: `https://api.search.brave.com/res/v1`.
    api_url: Option<String>,
    /// The most requests in a time, spread evenly: `"1/s"`, `"30/min"`. Default: one a second, then what the service
    /// tells of the plan.
    rate: Option<Rate>,
    /// How long a call may wait for its turn. Default: `10s`.
    wait: Option<HumanDuration>,
    /// How long one request may take. Default: `10s`.
    timeout: Option<HumanDuration>,
    /// How long equal searches are answered from memory; `0s` never. Default: `1m`.
    cache: Option<HumanDuration>,
    /// Bytes of what one search returns. Default: `64KiB`; excerpts of pages have a bound of their own.
    max_bytes: Option<ByteSize>,
    /// A proxy for all requests: `http://proxy.example:3128`. Proxies of the environment are not asked.
    proxy: Option<Secret>,
}

/// What is meant.
#[derive(Debug)]
pub(super) struct BravePlan {
    pub(super) api: ApiPlan,
    pub(super) proxy: Option<Secret>,
    /// Where the source's table stands.
    pub(super) place: Pointer,
    pub(super) advice: Vec<Diagnostic>,
}

/// Reads the table's meaning. None if something is missing without which there is none; it has been told then.
pub(super) fn plan(spec: &SourceSpec, table: BraveTable, problems: &mut Vec<Diagnostic>) -> Option<BravePlan> {
    let place = spec.place();
    let mut advice = Vec::new();
    for one in spec.tools.iter().chain(&spec.resources) {
        let message = "a source of kind `brave` takes no declared tools or resources";
        problems.push(Diagnostic::error(one.place.clone(), "not-declarable", message).hint("its tools are its own"));
    }
    let token = token(table.token, &place, problems);
    let base = base(table.api_url.as_deref().unwrap_or(API_URL), &place.join("api_url"), problems);
    if let Some(base) = &base
        && base.scheme() == "http"
        && !is_this_machine(base)
    {
        let message = "the token travels unencrypted to `api_url`";
        advice.push(Diagnostic::advice(place.join("api_url"), "plain-http", message).hint("use https"));
    }
    let proxy = table.proxy.filter(|proxy| check_proxy(proxy, &place.join("proxy"), problems));
    let wait = |value: Option<HumanDuration>, default: Duration| value.map_or(default, |value| value.0);
    let timeout = wait(table.timeout, limits::SEARCH_WAIT);
    if timeout.is_zero() {
        let message = "a request that may take no time has no answer";
        problems.push(Diagnostic::error(place.join("timeout"), "wrong-value", message).hint("timeout = \"10s\""));
    }
    let cache = wait(table.cache, limits::SEARCH_CACHE_TTL);
    if cache > limits::SEARCH_CACHE_TTL_MAX {
        let message = format!("answers are kept for {} h at most", limits::SEARCH_CACHE_TTL_MAX.as_secs() / 3600);
        problems.push(Diagnostic::error(place.join("cache"), "wrong-value", message));
    }
    let wait = wait(table.wait, limits::SEARCH_QUEUE_WAIT);
    let bytes_max = bytes_max(table.max_bytes, &place.join("max_bytes"), problems);
    let api = ApiPlan { base: base?, token: token?, rate: table.rate, wait, timeout, cache, bytes_max };
    Some(BravePlan { api, proxy, place, advice })
}

fn bytes_max(written: Option<ByteSize>, place: &Pointer, problems: &mut Vec<Diagnostic>) -> usize {
    let (least, most) = limits::SEARCH_RESULT_BYTES_RANGE;
    let bytes = written.map_or(limits::SEARCH_RESULT_BYTES_MAX, |size| usize::try_from(size.0).unwrap_or(usize::MAX));
    if !(least..=most).contains(&bytes) {
        let message = format!("a search returns {} to {} KiB", least / 1024, most / 1024);
        problems.push(Diagnostic::error(place.clone(), "wrong-value", message).hint("max_bytes = \"64KiB\""));
    }
    bytes
}

fn token(token: Option<Secret>, place: &Pointer, problems: &mut Vec<Diagnostic>) -> Option<Secret> {
    let known = problems.iter().any(|problem| problem.place == place.join("token"));
    let Some(token) = token.filter(|token| !token.expose().trim().is_empty()) else {
        if !known {
            let message = "`token` is missing: the search service answers nobody without one";
            let hint = "token = \"${env:BRAVE_API_KEY}\"; tokens are made at https://api-dashboard.search.brave.com";
            problems.push(Diagnostic::error(place.clone(), "missing-key", message).hint(hint));
        }
        return None;
    };
    // A file's last line ends with a line break, which no header may hold.
    let token = Secret::new(token.expose().trim());
    if !token.expose().bytes().all(|byte| byte.is_ascii_graphic()) {
        let message = "`token` has characters that no token has";
        problems.push(Diagnostic::error(place.join("token"), "wrong-value", message));
        return None;
    }
    Some(token)
}

fn base(text: &str, place: &Pointer, problems: &mut Vec<Diagnostic>) -> Option<Url> {
    let url = Url::parse(text).ok().filter(|url| matches!(url.scheme(), "https" | "http") && url.has_host());
    let plain = url.filter(|url| {
        url.username().is_empty() && url.password().is_none() && url.query().is_none() && url.fragment().is_none()
    });
    if plain.is_none() {
        let message = "`api_url` is not the address of a service";
        let hint = format!("an https address without user, query and fragment, such as {API_URL}");
        problems.push(Diagnostic::error(place.clone(), "wrong-value", message).hint(hint));
    }
    plain
}

/// Its text may hold a password: it is not repeated.
fn check_proxy(proxy: &Secret, place: &Pointer, problems: &mut Vec<Diagnostic>) -> bool {
    let url = Url::parse(proxy.expose()).ok();
    let sound = url.is_some_and(|url| {
        matches!(url.scheme(), "https" | "http")
            && url.has_host()
            && matches!(url.path(), "" | "/")
            && url.query().is_none()
    });
    if !sound {
        let message = "`proxy` is not the address of a proxy";
        let hint = "proxy = \"http://proxy.example:3128\"; http and https proxies are known";
        problems.push(Diagnostic::error(place.clone(), "wrong-value", message).hint(hint));
    }
    sound
}

fn is_this_machine(url: &Url) -> bool {
    let host = url.host_str().unwrap_or_default();
    let address = host.trim_matches(['[', ']']).parse::<std::net::IpAddr>();
    host == "localhost" || address.is_ok_and(|address| address.is_loopback())
}
