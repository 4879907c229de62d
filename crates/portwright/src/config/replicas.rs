//! `[replicas]`: what makes several processes one server.

use portwright_core::{Diagnostic, Pointer, Secret, limits};
use portwright_server::ReplicaPlan;
use schemars::JsonSchema;
use serde::Deserialize;

/// What makes several processes behind one address one server. Limits are shared by `[limits] store`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ReplicasSection {
    /// The same for all replicas, and known to nobody else: 32 bytes or more, such as `openssl rand -hex 32` prints. With it,
    /// what a client brings back of a question opens at every replica.
    pub(crate) secret: Secret,
    /// The Redis server where they share the sessions of the revisions that have them: `redis://host:6379/0`, or `rediss://…` for
    /// TLS. Without it a session is known to the replica that opened it.
    pub(crate) store: Option<Secret>,
    /// What its keys and channels begin with: `portwright` where nothing is said.
    #[schemars(length(min = 1, max = 64))]
    pub(crate) prefix: Option<String>,
}

pub(crate) fn plan(section: ReplicasSection, problems: &mut Vec<Diagnostic>) -> ReplicaPlan {
    let place = |key: &str| Pointer::root().join("replicas").join(key);
    let plan = ReplicaPlan {
        secret: section.secret,
        store: section.store,
        prefix: section.prefix.unwrap_or_else(|| "portwright".to_owned()),
    };
    if plan.secret.expose().len() < limits::REPLICA_SECRET_BYTES_MIN {
        let message = format!("a secret has {} bytes or more", limits::REPLICA_SECRET_BYTES_MIN);
        let hint = "print one with `openssl rand -hex 32`, and give it as `${env:NAME}` or `${file:PATH}`";
        problems.push(Diagnostic::error(place("secret"), "weak-secret", message).hint(hint));
    }
    if let Err(error) = plan.check() {
        let hint = "`redis://host:6379/0`, or `rediss://…` for TLS; a password belongs behind `${env:NAME}`";
        problems.push(Diagnostic::error(place("store"), "bad-url", error.to_string()).hint(hint));
    }
    if let Some(problem) = super::limits::not_a_prefix(&plan.prefix, place("prefix")) {
        problems.push(problem);
    }
    plan
}
