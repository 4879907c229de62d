//! The lifecycle of 2026-07-28: no session; each request says in `_meta` who speaks and what they can do.

use std::borrow::Cow;
use std::sync::Arc;

use portwright_core::protocol::ProtocolVersion;
use portwright_core::{Principal, TransportKind};
use serde::Serialize;
use serde_json::value::RawValue;
use serde_json::{Value, json};

use super::asking::Abilities;
use super::dispatch::Scene;
use super::errors::WireError;
use super::params::{self, Meta};
use super::{Speaker, legacy, reply, tasks};
use crate::engine::Engine;

/// The stateless revisions, oldest first.
pub(crate) const VERSIONS: [&str; 1] = ["2026-07-28"];

/// Every revision, oldest first.
pub(crate) fn all_versions() -> Vec<&'static str> {
    legacy::VERSIONS.iter().chain(&VERSIONS).copied().collect()
}

/// What the server can do, in either era: what there is, and while a source is still missing, what there may be.
pub(crate) fn capabilities(engine: &Engine, modern: bool) -> Value {
    let catalog = engine.supervisor.catalog();
    let missing = !engine.supervisor.all_open();
    let mut capabilities = json!({});
    let lists = [
        ("tools", !catalog.all.tools.is_empty()),
        ("resources", !(catalog.all.resources.is_empty() && catalog.all.templates.is_empty())),
        ("prompts", !catalog.all.prompts.is_empty()),
    ];
    for (name, _) in lists.iter().filter(|(_, there)| *there || missing) {
        capabilities[*name] = json!({"listChanged": true});
    }
    if catalog.watchable && capabilities.get("resources").is_some() {
        capabilities["resources"]["subscribe"] = true.into();
    }
    if missing || !catalog.all.prompts.is_empty() || !catalog.all.templates.is_empty() {
        capabilities["completions"] = json!({});
    }
    if modern && (missing || catalog.has_tasks()) {
        capabilities["extensions"] = tasks::capability()["extensions"].take();
    }
    if !modern {
        capabilities["logging"] = json!({});
    }
    capabilities
}

/// The revision that `_meta` names, if its required keys are there.
pub(crate) fn version<'a>(meta: &Meta<'a>) -> Result<Cow<'a, str>, WireError> {
    let version =
        params::text("protocolVersion", meta.protocol_version).map_err(|_| missing("protocolVersion", "a string"))?;
    let capable = meta.client_capabilities.is_some_and(|raw| raw.get().starts_with('{'));
    if capable { Ok(version) } else { Err(missing("clientCapabilities", "an object")) }
}

/// Who speaks, according to `_meta`. Its version must be one of ours.
pub(crate) fn speaker(
    meta: &Meta<'_>,
    principal: &Arc<Principal>,
    transport: TransportKind,
) -> Result<Speaker, WireError> {
    let version = version(meta)?;
    if !VERSIONS.contains(&&*version) {
        return Err(WireError::unsupported_version(&version, &all_versions()));
    }
    Ok(Speaker {
        agreed: true,
        principal: principal.clone(),
        transport,
        protocol: ProtocolVersion::V_2026_07_28,
        client: super::client(meta.client_info),
        session: None,
        log_level: meta.log_level()?,
        tasks: tasks::declared(meta.client_capabilities),
        abilities: Abilities::read(meta.client_capabilities, &ProtocolVersion::V_2026_07_28),
        asks: None,
        watched: None,
    })
}

/// Why a request of this era is refused on a transport that knows only the other.
pub(crate) fn unknown_here(meta: &Meta<'_>) -> WireError {
    version(meta).map_or_else(|error| error, |version| WireError::unsupported_version(&version, &legacy::VERSIONS))
}

fn missing(key: &str, kind: &str) -> WireError {
    WireError::invalid_params(format!("`params._meta` needs `io.modelcontextprotocol/{key}`, {kind}"))
}

/// `server/discover`
pub(crate) fn discover(scene: &Scene<'_>) -> Vec<u8> {
    #[derive(Serialize)]
    #[serde(rename_all = "camelCase")]
    struct Discovered<'a> {
        result_type: &'static str,
        supported_versions: Vec<&'static str>,
        capabilities: Value,
        #[serde(skip_serializing_if = "Option::is_none")]
        instructions: Option<&'a str>,
        ttl_ms: u64,
        cache_scope: &'static str,
        #[serde(rename = "_meta")]
        meta: Option<&'a RawValue>,
    }
    let engine = scene.engine;
    reply::json(&Discovered {
        result_type: "complete",
        supported_versions: all_versions(),
        capabilities: capabilities(engine, true),
        instructions: scene.catalog.rules.instructions.as_deref(),
        ttl_ms: reply::list_ttl_ms(),
        cache_scope: "private",
        meta: serde_json::from_str(engine.info.meta()).ok(),
    })
}
