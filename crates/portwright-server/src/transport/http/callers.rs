//! Who calls, on the paths where that must be known.

use std::sync::Arc;

use http::{HeaderMap, Response};
use portwright_core::Principal;

use super::body::Body;
use super::{Front, Peer, admission, respond};

/// Whoever calls, if they prove it where they must. A credential that is refused leaves its record. Where many from one
/// address did not hold, nobody else is asked about one more, and one that does not hold is told to wait.
pub(super) async fn caller(
    front: &Front,
    peer: &Peer,
    headers: &HeaderMap,
) -> Result<Arc<Principal>, Box<Response<Body>>> {
    let (engine, address) = (&front.engine, peer.ends.peer.ip());
    if !front.addresses.has_failed_often(address) {
        admission::prepare(headers, &engine.authenticate).await;
    }
    let why = match front.admission.principal(headers, peer, &engine.authenticate) {
        Ok(principal) => return Ok(principal),
        Err(why) => why,
    };
    let wait = why.refused().and_then(|words| {
        if let Some(audit) = engine.audit() {
            audit.stranger(address, &words);
        }
        front.addresses.failed(address)
    });
    Err(Box::new(match wait {
        Some(wait) => respond::wait(wait, "too many credentials from there did not hold; try again later"),
        None => front.admission.credential_wanted(why),
    }))
}
