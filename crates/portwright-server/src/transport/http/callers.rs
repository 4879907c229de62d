//! Who calls, on the paths where that must be known.

use std::sync::Arc;

use http::{HeaderMap, Response};
use portwright_core::Principal;

use super::body::Body;
use super::{Ends, Front, admission};

/// Whoever calls, if they prove it where they must. A credential that is refused leaves its record.
pub(super) async fn caller(
    front: &Front,
    ends: Ends,
    headers: &HeaderMap,
) -> Result<Arc<Principal>, Box<Response<Body>>> {
    let (admission, engine) = (&front.admission, &front.engine);
    admission::prepare(headers, &engine.authenticate).await;
    admission.principal(headers, ends, &engine.authenticate).map_err(|why| {
        if let (Some(audit), Some(words)) = (engine.audit(), why.refused()) {
            audit.stranger(ends.peer.ip(), &words);
        }
        Box::new(admission.credential_wanted(why))
    })
}
