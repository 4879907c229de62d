//! stdio: one message a line, for one client. Also any other pair of streams.
//!
//! Both lifecycles share the one stream: a request that carries `_meta` of the stateless era is one of its own, others
//! belong to the session that `initialize` opens.

use std::sync::Arc;

use bytes::Bytes;
use portwright_core::{Principal, TransportKind, limits};
use tokio::io::{AsyncBufRead, AsyncBufReadExt, AsyncRead, AsyncWrite, AsyncWriteExt, BufReader};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::TransportError;
use crate::server::Engine;
use crate::session::dispatch::{self, Scene, Step};
use crate::session::downstream::Notifier;
use crate::session::envelope::{self, Id, Message, Request};
use crate::session::errors::WireError;
use crate::session::inflight::InFlight;
use crate::session::legacy::{self, Session};
use crate::session::meta::Meta;
use crate::session::reply::{self, Outcome};
use crate::session::streams::Listening;
use crate::session::{Speaker, modern, streams};

/// One client.
struct Conversation {
    engine: Arc<Engine>,
    principal: Arc<Principal>,
    transport: TransportKind,
    outbox: mpsc::Sender<Bytes>,
    calls: Arc<InFlight>,
    session: Option<Arc<Session>>,
    /// Fires when the client is gone.
    gone: CancellationToken,
}

/// Serves one client until it goes or `shutdown` fires.
pub(crate) async fn serve<R, W>(
    engine: &Arc<Engine>,
    reader: R,
    writer: W,
    transport: TransportKind,
    principal: Arc<Principal>,
    shutdown: CancellationToken,
) -> Result<(), TransportError>
where
    R: AsyncRead + Unpin + Send,
    W: AsyncWrite + Unpin + Send + 'static,
{
    let (outbox, messages) = mpsc::channel(limits::OUTBOX_MESSAGES_MAX);
    let gone = engine.stop.child_token();
    let writing = tokio::spawn(write(writer, messages, gone.clone()));
    let mut conversation = Conversation {
        engine: engine.clone(),
        principal,
        transport,
        outbox,
        calls: Arc::default(),
        session: None,
        gone: gone.clone(),
    };
    let reading = conversation.read(BufReader::with_capacity(64 * 1024, reader));
    let result = tokio::select! {
        result = reading => result,
        () = shutdown.cancelled() => Ok(()),
        () = gone.cancelled() => Ok(()),
    };
    // What was asked before the end is still answered, within bounds; the writer ends when the last sender is gone.
    let calls = conversation.calls.clone();
    drop(conversation);
    if tokio::time::timeout(engine.plan.listen.drain, writing).await.is_err() {
        calls.cancel_all();
    }
    gone.cancel();
    Ok(result?)
}

/// Writes messages as lines. A client that does not read is given up.
async fn write<W: AsyncWrite + Unpin>(mut writer: W, mut messages: mpsc::Receiver<Bytes>, gone: CancellationToken) {
    while let Some(message) = messages.recv().await {
        let mut lines = message.to_vec();
        lines.push(b'\n');
        while lines.len() < 64 * 1024
            && let Ok(next) = messages.try_recv()
        {
            lines.extend_from_slice(&next);
            lines.push(b'\n');
        }
        let written = async {
            writer.write_all(&lines).await?;
            writer.flush().await
        };
        if !matches!(tokio::time::timeout(limits::WRITE_WAIT, written).await, Ok(Ok(()))) {
            gone.cancel();
            return;
        }
    }
}

impl Conversation {
    async fn read(&mut self, mut reader: impl AsyncBufRead + Unpin) -> std::io::Result<()> {
        let mut line = Vec::new();
        loop {
            line.clear();
            match read_line(&mut reader, &mut line).await? {
                Line::End => return Ok(()),
                Line::TooLong => {
                    let text = format!("a message may hold {} bytes", limits::MESSAGE_BYTES_MAX);
                    self.refuse(None, WireError::invalid_request(text)).await;
                }
                Line::Whole if line.iter().all(u8::is_ascii_whitespace) => {}
                Line::Whole => self.receive(&line).await,
            }
            if line.capacity() > 256 * 1024 {
                line = Vec::new();
            }
        }
    }

    /// One line: a message, or a batch where the session's revision has them.
    async fn receive(&mut self, line: &[u8]) {
        let batches = self.session.as_ref().is_some_and(|session| session.protocol.as_str() == "2025-03-26");
        if batches && envelope::is_batch(line) {
            match envelope::split_batch(line) {
                Ok(messages) => {
                    for message in messages {
                        self.message(message.get().as_bytes()).await;
                    }
                }
                Err(error) => self.refuse(None, error).await,
            }
        } else {
            self.message(line).await;
        }
    }

    async fn message(&mut self, bytes: &[u8]) {
        match envelope::read(bytes) {
            Ok(Message::Request(request)) => {
                let id = request.id.clone();
                if let Err(error) = self.request(request).await {
                    self.refuse(Some(&id), error).await;
                }
            }
            Ok(Message::Notification { method, params }) => {
                if method == "notifications/cancelled"
                    && let Some(id) = legacy::cancelled(params)
                {
                    self.calls.cancel(&id);
                }
                if let Some(session) = &self.session {
                    session.notified(&method, params);
                    if method == "notifications/initialized" {
                        self.listen(Listening::session(), None);
                    }
                }
            }
            Ok(Message::Response) => {}
            Err((id, error)) => self.refuse(id.as_ref(), error).await,
        }
    }

    async fn request(&mut self, request: Request<'_>) -> Result<(), WireError> {
        let meta = Meta::read(request.params)?;
        if meta.is_modern() {
            let speaker = modern::speaker(&meta, &self.principal, self.transport)?;
            if request.method == "subscriptions/listen" {
                let listening = Listening::read(&request.id, request.params)?;
                self.listen(listening, Some(&request.id));
                return Ok(());
            }
            return self.answer(&request, &meta, &speaker).await;
        }
        if request.method == "initialize" {
            if self.session.is_some() {
                return Err(WireError::invalid_request("this session is initialized already"));
            }
            let (session, result) = legacy::initialize(&self.engine, &self.principal, self.transport, request.params)?;
            self.session = Some(session);
            self.send(reply::answer(Some(&request.id), Outcome::Result(result), None).bytes).await;
            return Ok(());
        }
        let session = match (&self.session, request.method.as_ref()) {
            (Some(session), _) => session.clone(),
            (None, "ping") => {
                self.send(reply::answer(Some(&request.id), Outcome::Result(b"{}".to_vec()), None).bytes).await;
                return Ok(());
            }
            // A client of the stateless era that probes without `_meta` learns what is missing.
            (None, "server/discover") => {
                return modern::speaker(&meta, &self.principal, self.transport).map(drop);
            }
            (None, _) => return Err(WireError::invalid_request("send `initialize` first")),
        };
        if request.method == "logging/setLevel" {
            let result = session.set_level(request.params)?;
            self.send(reply::answer(Some(&request.id), Outcome::Result(result), None).bytes).await;
            return Ok(());
        }
        self.answer(&request, &meta, &session.speaker()).await
    }

    /// Answers at once what the catalog can answer; a call gets a task of its own.
    async fn answer(&self, request: &Request<'_>, meta: &Meta<'_>, speaker: &Speaker) -> Result<(), WireError> {
        let engine = &self.engine;
        let catalog = engine.catalog_for(&request.method).await;
        let scene = Scene { engine, catalog: &catalog, speaker };
        let operation = match dispatch::step(&scene, &request.method, request.params)? {
            Step::Done(result) => {
                self.send(reply::answer(Some(&request.id), Outcome::Result(result), None).bytes).await;
                return Ok(());
            }
            Step::Call(operation) => operation,
        };
        if engine.draining.is_cancelled() {
            return Err(WireError::internal("the server is stopping; try again soon"));
        }
        let cancel = self.gone.child_token();
        let flight = self.calls.begin(&request.id, cancel.clone())?;
        let notifier = Notifier::new(self.outbox.clone(), meta.progress_token(), speaker.log_level);
        let cx = engine.context(speaker, &catalog, cancel.clone(), Some(notifier));
        let (engine, outbox, id) = (engine.clone(), self.outbox.clone(), request.id.clone());
        let modern = speaker.modern();
        self.engine.calls.spawn(async move {
            let outcome = dispatch::answer(&engine, &catalog, operation, &cx).await;
            // A call that the client called off gets no answer (specification, "Cancellation").
            let answered = !cancel.is_cancelled() || engine.stop.is_cancelled();
            drop(flight);
            if answered {
                let answer = reply::answer(Some(&id), outcome, modern.then_some(&engine.info));
                let _ = tokio::time::timeout(limits::WRITE_WAIT, outbox.send(answer.bytes.into())).await;
            }
        });
        Ok(())
    }

    /// Tells the client of changes from now on, until it goes or calls it off.
    fn listen(&self, listening: Listening, id: Option<&Id>) {
        let mut changes = self.engine.supervisor.changes();
        let cancel = self.gone.child_token();
        let flight = id.map(|id| self.calls.begin(id, cancel.clone()));
        let outbox = self.outbox.downgrade();
        let engine = self.engine.clone();
        let send = async move |bytes: Vec<u8>| match outbox.upgrade() {
            Some(outbox) => outbox.send(bytes.into()).await.is_ok(),
            None => false,
        };
        tokio::spawn(async move {
            let _flight = match flight {
                Some(Err(error)) => {
                    send(reply::answer(None, Outcome::Error(error), None).bytes).await;
                    return;
                }
                Some(Ok(flight)) => {
                    send(listening.acknowledged()).await;
                    Some(flight)
                }
                None => None,
            };
            loop {
                let changed = tokio::select! {
                    changed = changes.recv() => changed,
                    () = engine.draining.cancelled() => break,
                    () = cancel.cancelled() => return,
                };
                let Some(changed) = streams::heard(changed) else { break };
                for message in listening.messages(changed) {
                    if !send(message).await {
                        return;
                    }
                }
            }
            if let Some(end) = listening.ended(&engine.info) {
                send(end).await;
            }
        });
    }

    async fn refuse(&self, id: Option<&Id>, error: WireError) {
        self.send(reply::answer(id, Outcome::Error(error), None).bytes).await;
    }

    async fn send(&self, bytes: Vec<u8>) {
        let _ = tokio::time::timeout(limits::WRITE_WAIT, self.outbox.send(bytes.into())).await;
    }
}

enum Line {
    Whole,
    TooLong,
    End,
}

/// Reads up to the next line end. A line that is too long is read to its end and dropped.
async fn read_line(reader: &mut (impl AsyncBufRead + Unpin), line: &mut Vec<u8>) -> std::io::Result<Line> {
    let mut long = false;
    loop {
        let chunk = reader.fill_buf().await?;
        if chunk.is_empty() {
            return Ok(if line.is_empty() && !long {
                Line::End
            } else if long {
                Line::TooLong
            } else {
                Line::Whole
            });
        }
        let end = chunk.iter().position(|byte| *byte == b'\n');
        let taken = end.unwrap_or(chunk.len());
        long = long || line.len() + taken > limits::MESSAGE_BYTES_MAX;
        if !long {
            line.extend_from_slice(&chunk[..taken]);
        }
        let used = end.map_or(taken, |end| end + 1);
        reader.consume(used);
        if end.is_some() {
            return Ok(if long { Line::TooLong } else { Line::Whole });
        }
    }
}
