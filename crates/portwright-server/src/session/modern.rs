//! The lifecycle of 2026-07-28: no session; each request says in `_meta` who speaks and what they can do.

use std::sync::Arc;

use portwright_core::protocol::{Implementation, ProtocolVersion};
use portwright_core::{Principal, TransportKind};
use serde_json::{Value, json};

use super::errors::WireError;
use super::meta::Meta;
use super::{Speaker, legacy, reply};
use crate::server::Engine;

/// The stateless revisions, oldest first.
pub(crate) const VERSIONS: [&str; 1] = ["2026-07-28"];

/// Every revision, oldest first.
fn all_versions() -> Vec<&'static str> {
    legacy::VERSIONS.iter().chain(&VERSIONS).copied().collect()
}

/// What the server can do, in either era.
pub(crate) fn capabilities(modern: bool) -> Value {
    let mut capabilities = json!({
        "tools": {"listChanged": true},
        "resources": {"listChanged": true},
        "prompts": {"listChanged": true},
        "completions": {},
    });
    if !modern {
        capabilities["logging"] = json!({});
    }
    capabilities
}

/// Who speaks, according to `_meta`. Its required keys must be there, and its version must be one of ours.
pub(crate) fn speaker(
    meta: &Meta<'_>,
    principal: &Arc<Principal>,
    transport: TransportKind,
) -> Result<Speaker, WireError> {
    let text = |raw: &serde_json::value::RawValue| serde_json::from_str::<String>(raw.get()).ok();
    let version = meta.protocol_version.and_then(text).ok_or_else(|| missing("protocolVersion", "a string"))?;
    let capable = meta.client_capabilities.is_some_and(|raw| raw.get().starts_with('{'));
    if !capable {
        return Err(missing("clientCapabilities", "an object"));
    }
    if !VERSIONS.contains(&version.as_str()) {
        return Err(WireError::unsupported_version(&version, &all_versions()));
    }
    let client = meta.client_info.and_then(|raw| serde_json::from_str::<Implementation>(raw.get()).ok());
    Ok(Speaker {
        principal: principal.clone(),
        transport,
        protocol: ProtocolVersion::V_2026_07_28,
        client: client.map(Arc::new),
        session: None,
        log_level: meta.log_level()?,
    })
}

fn missing(key: &str, kind: &str) -> WireError {
    WireError::invalid_params(format!("`params._meta` needs `io.modelcontextprotocol/{key}`, {kind}"))
}

/// `server/discover`
pub(crate) fn discover(engine: &Engine) -> Vec<u8> {
    let mut result = json!({
        "resultType": "complete",
        "supportedVersions": all_versions(),
        "capabilities": capabilities(true),
        "ttlMs": reply::list_ttl_ms(),
        "cacheScope": "private",
        "_meta": engine.info.meta(),
    });
    if let Some(instructions) = &engine.plan.instructions {
        result["instructions"] = instructions.as_str().into();
    }
    reply::json(&result)
}
