//! The dashboard at `/`: one page, its files, and what it reads.
//!
//! The page is embedded and asks nobody else. It does nothing that an API call of the same caller could not do: what is
//! served it asks at `/mcp`, what waits at `/approvals`; here it reads how the server is and what the audit keeps, as far as
//! its caller may see that. Beyond this machine the page itself is open to whoever reaches it, since a browser can't show a
//! credential before it has a page to type one in; there is nothing in it.

mod files;
mod overview;
mod records;
mod viewer;

use http::{HeaderValue, Method, Response, StatusCode, header};

use super::body::Body;
use super::respond::{self, json, plain};
use super::{Front, Peer, admission, callers};
use crate::plan::DashboardReaders;
use viewer::Viewer;

/// Scripts and styles come from here, and nothing else comes from anywhere.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; \
                      base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'";

pub(super) async fn serve<T>(front: &Front, peer: &Peer, request: &http::Request<T>) -> Response<Body> {
    let local = admission::is_local(request.headers(), peer);
    match front.engine.plan.dashboard.readers {
        DashboardReaders::Off => return respond::nothing_here(),
        DashboardReaders::Loopback if !local => {
            let text = "the dashboard is for this machine alone; dashboard.readers says who else looks at it";
            return plain(StatusCode::FORBIDDEN, text);
        }
        _ => {}
    }
    if request.method() != Method::GET && request.method() != Method::HEAD {
        return respond::method_not_allowed("GET, HEAD");
    }
    let path = request.uri().path();
    let mut response = match path.strip_prefix("/dashboard/api/") {
        Some(what) => asked(front, peer, request, what, local).await,
        None => files::at(path).map_or_else(respond::nothing_here, |file| file.answer(request.headers())),
    };
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY));
    headers.insert(header::REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(header::X_FRAME_OPTIONS, HeaderValue::from_static("DENY"));
    headers.insert("cross-origin-resource-policy", HeaderValue::from_static("same-origin"));
    headers.insert("cross-origin-opener-policy", HeaderValue::from_static("same-origin"));
    response
}

/// What the page reads, as its caller may see it.
async fn asked<T>(front: &Front, peer: &Peer, request: &http::Request<T>, what: &str, local: bool) -> Response<Body> {
    let principal = match callers::caller(front, peer, request.headers()).await {
        Ok(principal) => principal,
        Err(refused) => return *refused,
    };
    let viewer = Viewer::new(&front.engine, principal, local);
    let mut response = match what {
        "overview" => json(StatusCode::OK, overview::told(&front.engine, &viewer).await),
        "audit" => records::told(&front.engine, &viewer, request.uri().query().unwrap_or_default()).await,
        _ => respond::nothing_here(),
    };
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}
