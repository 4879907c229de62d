//! Who calls, on the paths where that must be known.

use std::sync::Arc;

use http::{HeaderMap, Response, StatusCode};
use portwright_core::Principal;

use super::admission::Unproven;
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
    let often = front.addresses.has_failed_often(address);
    if !often {
        admission::prepare(headers, &engine.authenticate).await;
    }
    let why = match front.admission.principal(headers, peer, &engine.authenticate) {
        Ok(principal) => return Ok(principal),
        Err(why) => why,
    };
    let unjudged = matches!(why, Unproven::Bad(why) if why.is_unjudged());
    let wait = why.refused().and_then(|words| {
        if let Some(audit) = engine.audit() {
            audit.stranger(address, &words);
        }
        // That an issuer is away is no failure of who calls; that nobody asked it, after many of theirs, is.
        if unjudged && !often { None } else { front.addresses.failed(address) }
    });
    Err(Box::new(match wait {
        Some(wait) => respond::wait(wait, "too many credentials from there did not hold; try again later"),
        // The client is to come again, not to throw a good token away.
        None if unjudged => {
            let text = "whether this credential is valid can't be found out just now; try again soon";
            respond::busy(respond::plain(StatusCode::SERVICE_UNAVAILABLE, text))
        }
        None => front.admission.credential_wanted(why),
    }))
}
