//! [`Plan`]: the configuration as meant. Everything in it is resolved, checked and safe to use.

use std::ffi::OsString;
use std::fmt;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use portwright_core::{Diagnostic, IconTable, Pointer, SourceConfig};
use portwright_server::plan::{Anonymous, ListenPlan, ServerPlan, TaskPlan, TlsPlan, Transports};
use portwright_server::{Fingerprint, Mount, Origin};

use super::file::{AnonymousSection, File, LimitsSection, ListenSection, Transport};
use super::tls::CertificatesSection;
use super::{approvals, audit, dashboard, limits, oauth, replicas, roles, sanitize, telemetry, tls};

/// Where HTTP is served when nothing is said.
pub const LISTEN_DEFAULT: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 8722);

/// The rule that nothing listens beyond loopback without authentication, unless the plan says so.
pub(crate) const OPEN_TO_ALL: &str = "open-to-all";

/// The configuration as meant.
#[derive(Debug)]
pub struct Plan {
    /// What the server needs to know.
    pub server: ServerPlan,
    /// Where HTTP is served.
    pub listen: SocketAddr,
    /// In the order of the file.
    pub sources: Vec<Configured>,
}

/// A source that is configured but not open. `Debug` tells nothing of what it was configured with.
pub struct Configured {
    pub name: Arc<str>,
    pub kind: String,
    pub config: Box<dyn SourceConfig>,
    /// What its configuration comes to: two that are equal need not be opened twice.
    pub print: Option<Fingerprint>,
}

impl Configured {
    pub(crate) fn into_mount(self) -> Mount {
        Mount { name: self.name, kind: self.kind, origin: Origin::Config(self.config), print: self.print }
    }
}

impl fmt::Debug for Configured {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Configured").field("name", &self.name).field("kind", &self.kind).finish_non_exhaustive()
    }
}

/// The sections → the part of the plan that belongs to no source.
pub(crate) fn plan(
    mut file: File,
    base: &Path,
    variable: fn(&str) -> Option<OsString>,
) -> Result<Plan, Vec<Diagnostic>> {
    let mut problems = Vec::new();
    let mut server = ServerPlan::new(file.server.name);
    server.title = file.server.title;
    server.description = file.server.description;
    server.icons = file.server.icons.iter().map(IconTable::to_icon).collect();
    if let Some(message) = file.server.website_url.as_deref().and_then(|url| not_a_page(url).err()) {
        let place = Pointer::root().join("server").join("website_url");
        problems.push(Diagnostic::error(place, "bad-url", message).hint("such as `https://acme.example/data`"));
    }
    server.website_url = file.server.website_url;
    server.instructions = file.server.instructions;
    if let Some(wait) = file.limits.call_timeout {
        let place = Pointer::root().join("limits").join("call_timeout");
        server.call_timeout = positive(wait.0, place, &mut problems);
    }
    if let Some(wait) = file.limits.ask_timeout {
        let place = Pointer::root().join("limits").join("ask_timeout");
        server.ask_timeout = positive(wait.0, place, &mut problems);
    }
    if let Some(wait) = file.limits.session_idle {
        let place = Pointer::root().join("limits").join("session_idle");
        server.sessions.idle = positive(wait.0, place, &mut problems);
    }
    tasks(&file.limits, &mut server.tasks, &mut problems);
    server.keys = file.auth.keys.and_then(|section| {
        let place = Pointer::root().join("auth").join("keys").join("file");
        file_in(base, section.file, place, "such as `keys.toml`", &mut problems)
    });
    server.replicas = file.replicas.map(|section| replicas::plan(section, &mut problems));
    server.audit = file.audit.and_then(|section| audit::plan(section, base, &mut problems));
    server.oauth = file.auth.oauth.map(|section| oauth::plan(section, &mut problems));
    server.listen.tls = secured(&mut file.listen, file.auth.certificates, base, &mut problems);
    server.metrics = file.telemetry.metrics.readers();
    server.export = telemetry::plan(&file.telemetry, &server.name, variable, &mut problems).map(Arc::new);
    let proven = server.asks_for_proof();
    server.dashboard = dashboard::plan(&file.dashboard, &file.roles, proven, &mut problems);
    server.limit = limits::plan(&file.limits, &file.roles, &mut problems);
    server.approvals = approvals::plan(file.approvals, &file.roles, &mut problems);
    server.policy = roles::plan(file.roles, &mut problems);
    server.sanitize = sanitize::plan(&file.sanitize, &mut problems);
    let listen = listen(file.listen, &mut server.listen, proven, &mut problems);
    if problems.is_empty() { Ok(Plan { server, listen, sources: Vec::new() }) } else { Err(problems) }
}

fn tasks(section: &LimitsSection, plan: &mut TaskPlan, problems: &mut Vec<Diagnostic>) {
    let place = |key: &str| Pointer::root().join("limits").join(key);
    if let Some(wait) = &section.task_timeout {
        plan.timeout = positive(wait.0, place("task_timeout"), problems);
    }
    if let Some(ttl) = &section.task_ttl {
        plan.ttl = ttl.0;
    }
    if plan.ttl <= plan.timeout {
        let key = if section.task_ttl.is_some() { "task_ttl" } else { "task_timeout" };
        let message = "a task must be kept longer than it may run, or its result can't be fetched";
        let hint = "`task_ttl` must be longer than `task_timeout`; 1h and 30m where nothing is said";
        problems.push(Diagnostic::error(place(key), "out-of-range", message).hint(hint));
    }
}

/// TLS on the listener; roles of certificates mean nothing without.
fn secured(
    listen: &mut ListenSection,
    certificates: Option<CertificatesSection>,
    base: &Path,
    problems: &mut Vec<Diagnostic>,
) -> Option<TlsPlan> {
    let Some(section) = listen.tls.take() else {
        if certificates.is_some() {
            let place = Pointer::root().join("auth").join("certificates");
            let message = "no client shows a certificate: the listener speaks no TLS";
            problems.push(Diagnostic::error(place, "unused-key", message).hint(
                "add `tls = { cert = \"cert.pem\", key = \"key.pem\", client_ca = \"clients.pem\" }` under [listen]",
            ));
        }
        return None;
    };
    Some(tls::plan(section, certificates, base, problems))
}

/// Fills in how callers are judged; gives the address. `proven`: callers can prove who they are.
fn listen(section: ListenSection, plan: &mut ListenPlan, proven: bool, problems: &mut Vec<Diagnostic>) -> SocketAddr {
    let place = Pointer::root().join("listen");
    plan.anonymous = match section.anonymous {
        AnonymousSection::Never => Anonymous::Never,
        AnonymousSection::Loopback => Anonymous::Loopback,
        AnonymousSection::Anywhere => Anonymous::Anywhere,
    };
    if section.transports.as_ref().is_some_and(Vec::is_empty) {
        problems.push(
            Diagnostic::error(place.join("transports"), "out-of-range", "names no transport")
                .hint("leave it out for all of them; `portwright serve --stdio` needs no listener"),
        );
    }
    if let Some(named) = &section.transports {
        plan.transports = Transports {
            http: named.contains(&Transport::Http),
            sse: named.contains(&Transport::Sse),
            websocket: named.contains(&Transport::Websocket),
        };
    }
    let http = section.http.as_deref().map_or(Ok(LISTEN_DEFAULT), address).unwrap_or_else(|message| {
        problems.push(
            Diagnostic::error(place.join("http"), "bad-address", message)
                .hint("an address and a port: `127.0.0.1:8722`"),
        );
        LISTEN_DEFAULT
    });
    problems.extend(exposed(http, plan.anonymous, proven, place.join("http")));
    if let Some(message) = section.public_url.as_deref().and_then(|url| not_a_base_url(url).err()) {
        problems.push(
            Diagnostic::error(place.join("public_url"), "bad-url", message).hint("such as `https://mcp.example.com`"),
        );
    }
    for (index, origin) in section.allowed_origins.iter().enumerate() {
        if let Err(message) = origin_only(origin) {
            let at = place.join("allowed_origins").join(index);
            problems.push(Diagnostic::error(at, "bad-origin", message).hint("such as `https://chat.example.com`"));
        }
    }
    for (key, said, rate) in [
        ("connections_per_address", section.connections_per_address, &mut plan.connections_per_address),
        ("failures_per_address", section.failures_per_address, &mut plan.failures_per_address),
    ] {
        if let Some(said) = said {
            *rate = Some(said.rate(place.join(key), problems));
        }
    }
    plan.public_url = section.public_url;
    plan.allowed_origins = section.allowed_origins;
    if let Some(wait) = section.drain {
        plan.drain = wait.0;
    }
    if let Some(wait) = section.drain_delay {
        plan.drain_delay = wait.0;
    }
    http
}

/// An IP address, or `localhost`, with a port.
pub(crate) fn address(text: &str) -> Result<SocketAddr, String> {
    let local = text.strip_prefix("localhost:").map(|port| format!("127.0.0.1:{port}"));
    let read = local.as_deref().unwrap_or(text).parse();
    read.map_err(|_| match text.parse::<IpAddr>() {
        Ok(_) => format!("`{text}` has no port"),
        Err(_) => format!("`{text}` is not an address that can be listened on"),
    })
}

/// Why a listener at `address` would be open to people who prove nothing, if it would be.
pub(crate) fn exposed(address: SocketAddr, anonymous: Anonymous, proven: bool, place: Pointer) -> Option<Diagnostic> {
    if address.ip().is_loopback() || anonymous == Anonymous::Anywhere || proven {
        return None;
    }
    let message = format!("{address} can be reached from other machines, and nothing asks callers who they are");
    let hint = "listen on 127.0.0.1, ask for keys ([auth.keys]) or tokens ([auth.oauth]), or allow everybody in so many words: \
                `anonymous = \"anywhere\"` under [listen]";
    Some(Diagnostic::error(place, OPEN_TO_ALL, message).hint(hint))
}

fn not_a_page(text: &str) -> Result<(), String> {
    let url = reqwest::Url::parse(text).map_err(|error| format!("this is not a URL: {error}"))?;
    let plain = url.username().is_empty() && url.password().is_none();
    if matches!(url.scheme(), "https" | "http") && url.host().is_some() && plain {
        return Ok(());
    }
    Err("it must start with https:// or http://, and hold no user name and no password".into())
}

pub(super) fn not_a_base_url(text: &str) -> Result<(), String> {
    let url = reqwest::Url::parse(text).map_err(|error| format!("this is not a URL: {error}"))?;
    if !matches!(url.scheme(), "https" | "http") || url.host().is_none() {
        return Err("it must start with https:// or http://".into());
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err("it must hold no user name and no password".into());
    }
    if url.query().is_some() || url.fragment().is_some() {
        return Err("it must end before `?` and `#`".into());
    }
    Ok(())
}

fn origin_only(text: &str) -> Result<(), String> {
    not_a_base_url(text)?;
    let origin = reqwest::Url::parse(text).map(|url| url.origin().ascii_serialization());
    match origin {
        Ok(origin) if origin == text => Ok(()),
        Ok(origin) => Err(format!("an origin is written `{origin}`: scheme, host and port, no more")),
        Err(error) => Err(error.to_string()),
    }
}

/// A file that is named relative to the configuration's folder.
pub(super) fn file_in(
    base: &Path,
    file: PathBuf,
    place: Pointer,
    hint: &'static str,
    problems: &mut Vec<Diagnostic>,
) -> Option<PathBuf> {
    if file.as_os_str().is_empty() {
        problems.push(Diagnostic::error(place, "out-of-range", "must not be empty").hint(hint));
        return None;
    }
    Some(base.join(file))
}

pub(super) fn positive(wait: Duration, place: Pointer, problems: &mut Vec<Diagnostic>) -> Duration {
    if wait.is_zero() {
        problems.push(Diagnostic::error(place, "out-of-range", "must be longer than 0s"));
    }
    wait
}
