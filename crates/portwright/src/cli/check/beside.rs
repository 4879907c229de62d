//! What a server needs beside its sources: files that it can use, and hosts that answer.

use std::sync::Arc;

use portwright_core::{Diagnostic, Pointer, limits};
use portwright_server::Pair;

use super::chain;
use crate::config;

/// Everything that is wrong with them.
pub(super) async fn found(plan: &config::Plan) -> Vec<Diagnostic> {
    let (store, replicas, issuer) = (store(plan).await, replicas(plan).await, issuer(plan).await);
    let asked = introspection(plan).await;
    let beside = audit_folder(plan).into_iter().chain(certificate(plan));
    beside.chain(store).chain(replicas).chain(issuer).chain(asked).collect()
}

/// The audit can't be opened where there is no folder; the server would not start.
fn audit_folder(plan: &config::Plan) -> Option<Diagnostic> {
    let folder = plan.server.audit.as_ref()?.file.parent()?;
    let place = Pointer::root().join("audit").join("file");
    let message = format!("there is no folder {}", folder.display());
    (!folder.is_dir())
        .then(|| Diagnostic::error(place, "missing-folder", message).hint("make it, or name another file"))
}

/// Replicas that can't reach the store of their limits refuse calls, or count each by itself.
async fn store(plan: &config::Plan) -> Option<Diagnostic> {
    let store = plan.server.limit.store.as_ref()?;
    let error = store.reach().await.err()?;
    Some(no_store("limits", error.to_string()))
}

/// Replicas that can't reach the store of their sessions know only their own.
async fn replicas(plan: &config::Plan) -> Option<Diagnostic> {
    let error = plan.server.replicas.as_ref()?.reach().await.err()?;
    Some(no_store("replicas", error.to_string()))
}

fn no_store(section: &str, message: String) -> Diagnostic {
    let place = Pointer::root().join(section).join("store");
    Diagnostic::error(place, "unreachable", message).hint("start it, or mend its address")
}

/// Without the issuer's keys no token holds.
async fn issuer(plan: &config::Plan) -> Option<Diagnostic> {
    let oauth = plan.server.oauth.as_ref()?;
    let fetch = Arc::new(portwright_sources::shared::http::Client::new().ok()?);
    let message = portwright_server::guard::authenticate::oauth::reach(oauth, fetch).await.err()?;
    let place = Pointer::root().join("auth").join("oauth").join("issuer");
    Some(
        Diagnostic::error(place, "unreachable", message).hint("mend `issuer`, or name the keys' address as `jwks_url`"),
    )
}

/// Opaque tokens hold by the issuer's word alone.
async fn introspection(plan: &config::Plan) -> Option<Diagnostic> {
    let oauth = plan.server.oauth.as_ref()?;
    let fetch = Arc::new(portwright_sources::shared::http::Client::new().ok()?);
    let message = portwright_server::guard::authenticate::oauth::reach_introspection(oauth, fetch).await.err()?;
    let place = Pointer::root().join("auth").join("oauth").join("introspection");
    Some(Diagnostic::error(place, "unreachable", message).hint("mend `url`, `client_id` or `client_secret`"))
}

/// What is wrong with the listener's certificate: files that don't fit keep the server from starting.
fn certificate(plan: &config::Plan) -> Vec<Diagnostic> {
    let Some(tls) = &plan.server.listen.tls else { return Vec::new() };
    let place = Pointer::root().join("listen").join("tls");
    let pair = match Pair::read(tls) {
        Ok(pair) => pair,
        Err(error) => {
            let told = Diagnostic::error(place, "bad-certificate", chain(&error).join(": "));
            return vec![told.hint("the server will not start; name a certificate and its key, both in PEM")];
        }
    };
    let mut found = Vec::new();
    let left = pair.until.duration_since(jiff::Timestamp::now());
    if left.is_negative() {
        let message = format!("the certificate ended at {}", pair.until);
        found.push(
            Diagnostic::error(place.join("cert"), "expired", message).hint("renew it; a server that runs takes it up"),
        );
    } else if left < jiff::SignedDuration::try_from(limits::CERTIFICATE_END_NEAR).unwrap_or_default() {
        let message = format!("the certificate ends at {}", pair.until);
        found.push(
            Diagnostic::advice(place.join("cert"), "expires-soon", message)
                .hint("renew it; a server that runs takes it up"),
        );
    }
    #[cfg(unix)]
    if let Ok(about) = std::fs::metadata(&tls.key) {
        use std::os::unix::fs::PermissionsExt as _;
        if about.permissions().mode() & 0o004 != 0 {
            let message = "everybody on this machine may read the private key";
            found.push(
                Diagnostic::advice(place.join("key"), "open-key", message)
                    .hint("chmod 600, or 640 with a group of its own"),
            );
        }
    }
    found
}
