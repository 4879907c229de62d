//! The listener: connections come in, are held to their waits, and end when the server stops.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use portwright_core::limits;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::addresses::Addresses;
use super::admission::Admission;
use super::cards::{self, Cards};
use super::pulse::{Felt, Pulse, Verdict, Wire};
use super::{Ends, Front, Peer, route};
use crate::engine::Engine;
use crate::plan::Anonymous;
use crate::transport::tls::Tls;
use crate::transport::{TransportError, websocket};

/// Serves until `shutdown` fires, then lets what is in flight end.
pub(crate) async fn serve(
    engine: &Arc<Engine>,
    listener: TcpListener,
    shutdown: CancellationToken,
) -> Result<(), TransportError> {
    /// A pause where the system can't accept now, because it is out of file descriptors.
    const ACCEPT_PAUSE: Duration = Duration::from_millis(20);
    let address = listener.local_addr()?;
    let plan = &engine.plan.listen;
    let local = plan.anonymous == Anonymous::Loopback && address.ip().is_loopback();
    if !(local || plan.anonymous == Anonymous::Anywhere || engine.plan.asks_for_proof()) {
        return Err(TransportError::NobodyMayCall);
    }
    let tls = plan.tls.as_ref().map(Tls::open).transpose()?;
    let front = Arc::new(Front {
        engine: engine.clone(),
        admission: Admission::new(plan, cards::challenge(&engine.plan)),
        streams: Arc::default(),
        cards: Cards::new(&engine.plan),
        tls,
        addresses: Addresses::new(plan.connections_per_address, plan.failures_per_address),
        closing: CancellationToken::new(),
        closed: CancellationToken::new(),
    });
    let places = Arc::new(Semaphore::new(limits::CONNECTIONS_MAX));
    let connections = TaskTracker::new();
    let leave = async {
        shutdown.cancelled().await;
        engine.leaving.cancel();
        tokio::time::sleep(plan.drain_delay).await;
    };
    tokio::pin!(leave);
    loop {
        let accepted = tokio::select! {
            accepted = accept(&listener, &places) => accepted,
            () = &mut leave => break,
            () = engine.stop.cancelled() => break,
        };
        match accepted {
            Ok((_, peer, _)) if !front.addresses.connects(peer.ip()) => {
                tracing::debug!(%peer, "connection closed: too many from this address");
            }
            Ok((stream, peer, place)) => {
                let own = stream.local_addr().unwrap_or(address);
                let connection = connection(front.clone(), stream, Ends { peer, own });
                connections.spawn(async move {
                    connection.await;
                    drop(place);
                });
            }
            Err(error) => {
                tracing::warn!(%error, "connection not accepted");
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
    }
    drop(listener);
    engine.leaving.cancel();
    engine.draining.cancel();
    front.closing.cancel();
    connections.close();
    let streams = front.streams.clone();
    tokio::spawn(async move { streams.drain().await });
    if tokio::time::timeout(engine.plan.listen.drain, connections.wait()).await.is_err() {
        tracing::warn!(connections = connections.len(), "what is in flight did not end in time and is called off");
        engine.stop.cancel();
        let _ = tokio::time::timeout(limits::STOP_WAIT + limits::LAST_WORDS_WAIT, connections.wait()).await;
        front.closed.cancel();
        connections.wait().await;
    }
    Ok(())
}

type Place = tokio::sync::OwnedSemaphorePermit;

/// The next connection, as soon as there is a place for it.
async fn accept(listener: &TcpListener, places: &Arc<Semaphore>) -> std::io::Result<(TcpStream, SocketAddr, Place)> {
    let place = places.clone().acquire_owned().await.map_err(std::io::Error::other)?;
    let (stream, peer) = listener.accept().await?;
    // Without it, small replies wait for the peer's delayed acknowledgement: 40 ms a call.
    stream.set_nodelay(true)?;
    find_half_open(&stream)?;
    Ok((stream, peer, place))
}

/// Has the system ask a silent peer whether it is still there, and give up one that acknowledges nothing: a stream with
/// nothing to say would otherwise outlive its client for hours.
fn find_half_open(stream: &TcpStream) -> std::io::Result<()> {
    let socket = socket2::SockRef::from(stream);
    let (silent, unacknowledged) = limits::HALF_OPEN_WAIT;
    let probes = socket2::TcpKeepalive::new().with_time(silent).with_interval(silent / 4).with_retries(4);
    socket.set_tcp_keepalive(&probes)?;
    #[cfg(target_os = "linux")]
    socket.set_tcp_user_timeout(Some(unacknowledged))?;
    #[cfg(not(target_os = "linux"))]
    let _ = unacknowledged;
    Ok(())
}

/// One connection, until it ends or its client keeps us waiting too long.
async fn connection(front: Arc<Front>, mut stream: TcpStream, ends: Ends) {
    /// Bytes of a request's head, and of what is read ahead.
    const HEAD_BYTES_MAX: usize = 64 * 1024;
    let waits = front.engine.plan.listen.waits;
    let pulse = Pulse::new();
    // Tokens of its own, so that connections do not meet at the locks of those that they share.
    let (closing, closed) = (front.closing.child_token(), front.closed.child_token());
    let stop = front.engine.stop.child_token();
    let (wire, certified) = match &front.tls {
        None => (Wire::Plain(Felt::new(stream, pulse.clone())), None),
        Some(tls) => {
            let shake = async {
                if !tls.greets(&mut stream).await {
                    return None;
                }
                // In a box: a handshake's room is not needed behind it.
                Box::pin(tls.accept(Felt::new(stream, pulse.clone()))).await
            };
            let shaken = tokio::time::timeout(limits::HANDSHAKE_WAIT, closing.run_until_cancelled(shake)).await;
            let Ok(Some(Some((stream, certified)))) = shaken else { return };
            pulse.begin();
            (Wire::Tls(Box::new(stream)), certified)
        }
    };
    let (io, peer) = (TokioIo::new(wire), Arc::new(Peer { ends, certified }));
    let opening: Mutex<Option<websocket::Opening>> = Mutex::default();
    let service = service_fn(|request| {
        let (front, peer, stop) = (front.clone(), peer.clone(), stop.clone());
        let (serving, opening) = (pulse.serving(), &opening);
        // In a box of its own: hyper keeps the room for it as long as the connection lives.
        Box::pin(async move {
            let response = route(&front, &peer, stop, opening, request).await;
            Ok::<_, Infallible>(response.map(|body| body.while_serving(serving)))
        })
    });
    let mut builder = http1::Builder::new();
    builder.max_buf_size(HEAD_BYTES_MAX).header_read_timeout(None);
    // In a box, so that its memory is given back when the protocol changes.
    let mut connection = Box::pin(builder.serve_connection(io, service).with_upgrades());
    let mut tick = tokio::time::interval_at(tokio::time::Instant::now() + waits.tick, waits.tick);
    loop {
        tokio::select! {
            biased;
            ended = connection.as_mut() => {
                if let Err(error) = ended {
                    tracing::debug!(%error, "connection ended");
                }
                break;
            }
            _ = tick.tick() => match pulse.judge(&waits) {
                Verdict::Fine => {}
                Verdict::Idle => connection.as_mut().graceful_shutdown(),
                Verdict::Stuck => return tracing::debug!("connection closed: its client keeps us waiting"),
            },
            () = closing.cancelled() => {
                connection.as_mut().graceful_shutdown();
                let _ = closed.run_until_cancelled(connection.as_mut()).await;
                break;
            }
        }
    }
    // What is left of HTTP would only take room.
    drop((connection, tick, closing));
    let opening = opening.into_inner().unwrap_or_else(PoisonError::into_inner);
    if let Some(opening) = opening {
        let _ = closed.run_until_cancelled(Box::pin(upgraded(&front.engine, opening))).await;
    }
}

/// What a connection does after it has changed its protocol.
async fn upgraded(engine: &Arc<Engine>, mut opening: websocket::Opening) {
    let Ok(upgraded) = (&mut opening.upgrade).await else { return };
    if let Ok(parts) = upgraded.downcast::<TokioIo<Wire>>() {
        websocket::serve(engine, opening, parts.io.into_inner(), parts.read_buf).await;
    }
}
