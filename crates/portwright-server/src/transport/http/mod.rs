//! Streamable HTTP: one listener, `/mcp` for both lifecycles, and the pages that tell how the server is.

mod admission;
mod body;
mod legacy;
mod modern;
mod pages;
mod respond;
mod run;
mod sse;

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;

use axum::body::Body;
use http::{Method, Request, Response, StatusCode};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use hyper_util::server::graceful::GracefulShutdown;
use portwright_core::{Principal, limits};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;

use super::TransportError;
use crate::plan::Anonymous;
use crate::server::Engine;
use crate::session::envelope::{self, Message};
use crate::session::errors::WireError;
use crate::session::meta::Meta;
use crate::session::reply::{self, Outcome};

pub(crate) use admission::Admission;
use respond::{plain, refuse};

/// What all connections share.
struct Front {
    engine: Arc<Engine>,
    admission: Admission,
}

/// Serves until `shutdown` fires, then lets what is in flight end.
pub(crate) async fn serve(
    engine: &Arc<Engine>,
    listener: TcpListener,
    shutdown: CancellationToken,
) -> Result<(), TransportError> {
    let address = listener.local_addr()?;
    let anonymous = engine.plan.listen.anonymous;
    if anonymous == Anonymous::Never || (anonymous == Anonymous::Loopback && !address.ip().is_loopback()) {
        return Err(TransportError::NobodyMayCall);
    }
    let front = Arc::new(Front { engine: engine.clone(), admission: Admission::new(&engine.plan.listen, address) });
    let places = Arc::new(Semaphore::new(limits::CONNECTIONS_MAX));
    let graceful = GracefulShutdown::new();
    loop {
        let Ok(place) = places.clone().acquire_owned().await else { break };
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = shutdown.cancelled() => break,
        };
        let (stream, peer) = match accepted {
            Ok(accepted) => accepted,
            Err(error) => {
                // Out of file descriptors, or a peer that left already: neither ends the listener.
                tracing::warn!(%error, "connection not accepted");
                tokio::time::sleep(std::time::Duration::from_millis(20)).await;
                continue;
            }
        };
        let connection = connection(front.clone(), stream, peer, &graceful);
        tokio::spawn(async move {
            connection.await;
            drop(place);
        });
    }
    drop(listener);
    engine.draining.cancel();
    let _ = tokio::time::timeout(engine.plan.listen.drain, graceful.shutdown()).await;
    Ok(())
}

/// One connection, watched so that it ends in good order when the server stops.
fn connection(
    front: Arc<Front>,
    stream: TcpStream,
    peer: SocketAddr,
    graceful: &GracefulShutdown,
) -> impl Future<Output = ()> + Send + 'static {
    // Without it, small replies wait for the peer's delayed acknowledgement: 40 ms a call.
    let _ = stream.set_nodelay(true);
    let mut builder = auto::Builder::new(TokioExecutor::new());
    builder.http1().timer(TokioTimer::new()).header_read_timeout(limits::HEAD_WAIT).max_buf_size(64 * 1024);
    builder.http2().timer(TokioTimer::new()).max_concurrent_streams(256).max_header_list_size(64 * 1024);
    let stop = front.engine.stop.clone();
    let service = service_fn(move |request| {
        let front = front.clone();
        async move { Ok::<_, Infallible>(route(&front, peer, request).await) }
    });
    let connection = builder.serve_connection(TokioIo::new(stream), service).into_owned();
    let watched = graceful.watch(connection);
    async move {
        tokio::select! {
            result = watched => if let Err(error) = result {
                tracing::debug!(%error, "connection ended");
            },
            () = stop.cancelled() => {}
        }
    }
}

/// Path and method → page.
async fn route(front: &Front, peer: SocketAddr, request: Request<Incoming>) -> Response<Body> {
    if let Err(refused) = front.admission.host_and_origin(request.headers(), request.uri()) {
        return plain(StatusCode::FORBIDDEN, refused);
    }
    let engine = &front.engine;
    match (request.uri().path(), request.method()) {
        ("/mcp", _) if front.admission.principal(peer).is_none() => {
            plain(StatusCode::UNAUTHORIZED, "calls without a credential are not allowed from there")
        }
        ("/mcp", &Method::POST) => {
            let principal = front.admission.principal(peer).unwrap_or_else(|| Arc::new(Principal::anonymous()));
            post(engine, &principal, request).await
        }
        ("/mcp", &Method::GET) => legacy::stream(engine, &front.admission, peer, request.headers()),
        ("/mcp", &Method::DELETE) => legacy::end(engine, &front.admission, peer, request.headers()),
        ("/health", &Method::GET) => pages::health(engine).await,
        ("/ready", &Method::GET) => pages::ready(engine).await,
        ("/live", &Method::GET) => plain(StatusCode::OK, "ok"),
        ("/mcp", _) => respond::method_not_allowed("POST, GET, DELETE"),
        ("/health" | "/ready" | "/live", _) => respond::method_not_allowed("GET"),
        _ => plain(StatusCode::NOT_FOUND, "nothing is served here; MCP is at /mcp"),
    }
}

/// One message, or a batch of the one revision that has them.
async fn post(engine: &Arc<Engine>, principal: &Arc<Principal>, request: Request<Incoming>) -> Response<Body> {
    if let Err(refused) = body::check_head(request.headers()) {
        return refused;
    }
    let (head, body) = request.into_parts();
    let bytes = match body::read(body).await {
        Ok(bytes) => bytes,
        Err(refused) => return refused,
    };
    let caller = Caller { engine, principal, headers: &head.headers };
    if envelope::is_batch(&bytes) && legacy::speaks_batches(&caller) {
        return legacy::batch(&caller, &bytes).await;
    }
    let message = match envelope::read(&bytes) {
        Ok(message) => message,
        Err((id, error)) => return refuse(id.as_ref(), error, StatusCode::BAD_REQUEST),
    };
    let params = match &message {
        Message::Request(request) => request.params,
        Message::Notification { params, .. } => *params,
        Message::Response => None,
    };
    match (Meta::read(params), message) {
        (Err(error), Message::Request(request)) => refuse(Some(&request.id), error, StatusCode::BAD_REQUEST),
        (Err(error), _) => refuse(None, error, StatusCode::BAD_REQUEST),
        (Ok(meta), message) if modern::speaks(&caller, &meta) => modern::message(&caller, &meta, message).await,
        (Ok(meta), message) => legacy::message(&caller, &meta, message).await,
    }
}

/// Who posted, and with which headers.
struct Caller<'a> {
    engine: &'a Arc<Engine>,
    principal: &'a Arc<Principal>,
    headers: &'a http::HeaderMap,
}

impl Caller<'_> {
    /// New calls are turned away while the last ones end.
    fn draining(&self, id: &envelope::Id) -> Option<Response<Body>> {
        self.engine.draining.is_cancelled().then(|| {
            let error = WireError::internal("the server is stopping; try again soon");
            let answer = reply::answer(Some(id), Outcome::Error(error), None);
            let mut response = respond::json(StatusCode::SERVICE_UNAVAILABLE, answer.bytes);
            response.headers_mut().insert(http::header::RETRY_AFTER, http::HeaderValue::from_static("1"));
            response
        })
    }
}
