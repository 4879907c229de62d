//! WebSocket, at `/ws`: one JSON-RPC message a text frame, both lifecycles, one conversation a connection. No revision of
//! the specification has it; the subprotocol `mcp` is what clients of the SDKs speak.
//!
//! One task serves a connection: it reads, runs what need not wait, and writes. A page of another origin gets no
//! further than the HTTP front door, which judges Host, Origin and caller before anything here is asked.

mod frames;
mod handshake;
#[cfg(test)]
mod tests;

use std::pin::pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http::{Request, Response};
use hyper::body::Incoming;
use hyper::upgrade::OnUpgrade;
use portwright_core::{Principal, TransportKind};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::sync::{Notify, mpsc};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::conversation::Conversation;
use super::http::admission::Credential;
use super::http::body::Body;
use crate::engine::Engine;
use crate::plan::Waits;
use crate::session::store::Seat;
use frames::{Decoder, Event, Fault, code};

/// Bytes that are read or written at once.
const CHUNK_BYTES: usize = 16 * 1024;

/// A connection that is about to change its protocol.
pub(super) struct Opening {
    pub(super) upgrade: OnUpgrade,
    principal: Arc<Principal>,
    credential: Credential,
    seat: Seat,
}

/// Answers a request to open a WebSocket.
pub(super) fn open(
    engine: &Arc<Engine>,
    (principal, credential): (Arc<Principal>, Credential),
    request: Request<Incoming>,
) -> (Response<Body>, Option<Opening>) {
    let (head, body) = request.into_parts();
    let agreed = match handshake::agree(&head) {
        Ok(agreed) => agreed,
        Err(refused) => return (*refused, None),
    };
    match super::http::seat(engine, &principal, TransportKind::WebSocket) {
        Ok(seat) => {
            let upgrade = hyper::upgrade::on(Request::from_parts(head, body));
            (agreed, Some(Opening { upgrade, principal, credential, seat }))
        }
        Err(refused) => (*refused, None),
    }
}

/// Holds the conversation until either side ends it. `ahead` was read already.
pub(super) async fn serve(
    engine: &Arc<Engine>,
    opening: Opening,
    io: impl AsyncRead + AsyncWrite + Unpin + Send,
    ahead: Bytes,
) {
    /// For the client to answer our farewell.
    const FAREWELL_WAIT: Duration = Duration::from_secs(2);
    let Opening { principal, credential, seat: _seat, .. } = opening;
    let waits = engine.plan.listen.waits;
    let (mut conversation, messages) = Conversation::new(engine, principal, TransportKind::WebSocket);
    let gone = conversation.gone();
    let (reader, writer) = tokio::io::split(io);
    let mut inward = Inward { reader, buffer: ahead.into(), decoder: Decoder::default(), since: None };
    let line = Line::new(engine, credential);
    let sent = {
        let mut writing = pin!(write(writer, messages, &line, waits));
        let farewell = tokio::select! {
            farewell = read(&mut conversation, &mut inward, &line, waits.body) => Ok(farewell),
            sent = writing.as_mut() => Err(sent),
        };
        match farewell {
            Err(sent) => sent,
            Ok(None) => false,
            Ok(Some(farewell)) => {
                gone.cancel();
                line.part(farewell);
                writing.await
            }
        }
    };
    gone.cancel();
    drop(conversation);
    if sent {
        let _ = tokio::time::timeout(FAREWELL_WAIT, inward.drain()).await;
    }
}

/// What the two directions of a conversation tell each other.
struct Line {
    engine: Arc<Engine>,
    credential: Credential,
    /// The last ping that was not answered yet.
    ping: Mutex<Option<Vec<u8>>>,
    farewell: Mutex<Option<Fault>>,
    /// One of the two was set.
    wake: Notify,
    /// Something came since this was looked at.
    heard: AtomicBool,
    /// A message has come.
    spoken: AtomicBool,
}

/// Said when a key has expired or was revoked.
const NOBODY: Fault = Fault { code: code::POLICY, why: "the credential does not hold any more" };

impl Line {
    fn new(engine: &Arc<Engine>, credential: Credential) -> Self {
        Self {
            engine: engine.clone(),
            credential,
            ping: Mutex::default(),
            farewell: Mutex::default(),
            wake: Notify::new(),
            heard: AtomicBool::new(false),
            spoken: AtomicBool::new(false),
        }
    }

    /// Whether the client still is who it proved to be.
    fn is_proven(&self) -> bool {
        self.credential.holds(&self.engine.authenticate)
    }

    fn set<T>(&self, place: &Mutex<Option<T>>, value: T) {
        *place.lock().unwrap_or_else(PoisonError::into_inner) = Some(value);
        self.wake.notify_one();
    }

    fn part(&self, farewell: Fault) {
        self.set(&self.farewell, farewell);
    }
}

fn take<T>(place: &Mutex<Option<T>>) -> Option<T> {
    place.lock().unwrap_or_else(PoisonError::into_inner).take()
}

/// What comes in.
struct Inward<R> {
    reader: R,
    buffer: BytesMut,
    decoder: Decoder,
    /// Since when a message has been coming in.
    since: Option<Instant>,
}

impl<R: AsyncRead + Unpin> Inward<R> {
    /// The next event; an error if the client sent what it must not, none when it is gone.
    async fn next(&mut self, line: &Line, wait: Duration) -> Result<Option<Event>, Fault> {
        loop {
            if let Some(event) = self.decoder.decode(&mut self.buffer)? {
                if !self.decoder.is_within() {
                    self.since = None;
                }
                return Ok(Some(event));
            }
            let within = self.decoder.is_within() || !self.buffer.is_empty();
            if within {
                self.buffer.reserve(CHUNK_BYTES);
            } else {
                frames::shrink(&mut self.buffer);
                self.buffer.reserve(512);
            }
            let read = self.reader.read_buf(&mut self.buffer);
            let read = if within {
                let since = *self.since.get_or_insert_with(Instant::now);
                match tokio::time::timeout_at(since + wait, read).await {
                    Ok(read) => read,
                    Err(_) => return Err(Fault { code: code::POLICY, why: "the message came too slowly" }),
                }
            } else {
                read.await
            };
            match read {
                Ok(count) if count > 0 => line.heard.store(true, Ordering::Relaxed),
                _ => return Ok(None),
            }
        }
    }

    /// Reads what still comes, and forgets it.
    async fn drain(&mut self) {
        loop {
            self.buffer.clear();
            if !matches!(self.reader.read_buf(&mut self.buffer).await, Ok(count) if count > 0) {
                return;
            }
        }
    }
}

/// Reads messages until there are no more: what to say to that, unless the client is gone.
async fn read(
    conversation: &mut Conversation,
    inward: &mut Inward<impl AsyncRead + Unpin>,
    line: &Line,
    wait: Duration,
) -> Option<Fault> {
    let ending: CancellationToken = conversation.ending();
    let mut ends = false;
    loop {
        let event = tokio::select! {
            event = inward.next(line, wait) => event,
            () = ending.cancelled(), if !ends => {
                // New calls are refused from now on; the writer ends with the answers of those in flight.
                ends = true;
                conversation.let_go();
                continue;
            }
        };
        match event {
            Ok(Some(Event::Text(_))) if !line.is_proven() => return Some(NOBODY),
            Ok(Some(Event::Text(text))) => {
                line.spoken.store(true, Ordering::Relaxed);
                // In a box, which is there only while there is something to do.
                Box::pin(received(conversation, &text)).await;
            }
            Ok(Some(Event::Ping(payload))) => line.set(&line.ping, payload),
            Ok(Some(Event::Pong)) => {}
            Ok(Some(Event::Close(code))) => return Some(Fault { code, why: "" }),
            Ok(None) => return None,
            Err(fault) => return Some(fault),
        }
    }
}

async fn received(conversation: &mut Conversation, text: &[u8]) {
    if let Err(error) = conversation.receive(text).await {
        conversation.refuse(None, error).await;
    }
}

/// Writes messages, and what keeps the line open, until it is closed. Tells whether it was closed in good order.
async fn write(
    mut writer: impl AsyncWrite + Unpin,
    mut messages: mpsc::Receiver<Bytes>,
    line: &Line,
    waits: Waits,
) -> bool {
    /// Pings in a row that may stay without an echo.
    const UNHEARD_MAX: u32 = 2;
    let born = Instant::now();
    let mut tick = tokio::time::interval_at(born + waits.keep_alive, waits.keep_alive);
    let mut unheard = 0;
    let mut frames = Vec::new();
    let farewell = loop {
        frames.clear();
        frames.shrink_to(0);
        tokio::select! {
            biased;
            () = line.wake.notified() => {
                if let Some(farewell) = take(&line.farewell) {
                    break farewell;
                }
                if let Some(payload) = take(&line.ping) {
                    frames::pong(&mut frames, &payload);
                }
            }
            message = messages.recv() => match message {
                Some(message) => {
                    frames::text(&mut frames, &message);
                    while frames.len() < CHUNK_BYTES && let Ok(next) = messages.try_recv() {
                        frames::text(&mut frames, &next);
                    }
                }
                None => break Fault { code: code::GOING_AWAY, why: "the server is stopping" },
            },
            _ = tick.tick() => {
                unheard = if line.heard.swap(false, Ordering::Relaxed) { 0 } else { unheard + 1 };
                if unheard > UNHEARD_MAX {
                    return false;
                }
                if !line.spoken.load(Ordering::Relaxed) && born.elapsed() >= waits.idle {
                    break Fault { code: code::POLICY, why: "nothing was said" };
                }
                if !line.is_proven() {
                    break NOBODY;
                }
                frames::ping(&mut frames);
            }
        }
        if !send(&mut writer, &frames, waits.write).await {
            return false;
        }
    };
    frames::close(&mut frames, farewell.code, farewell.why);
    send(&mut writer, &frames, waits.write).await && writer.shutdown().await.is_ok()
}

/// Writes all of it. A client that takes nothing for too long is given up.
async fn send(writer: &mut (impl AsyncWrite + Unpin), mut bytes: &[u8], wait: Duration) -> bool {
    while !bytes.is_empty() {
        match tokio::time::timeout(wait, writer.write(bytes)).await {
            Ok(Ok(count)) if count > 0 => bytes = &bytes[count..],
            _ => return false,
        }
    }
    true
}
