//! stdio: one message a line, for one client. Also any other pair of streams.
//!
//! Both lifecycles share the one stream: a request that carries `_meta` of the stateless era is one of its own, others
//! belong to the session that `initialize` opens.

mod lines;
mod standard;

use std::sync::Arc;
use std::task::Poll;

use bytes::Bytes;
use portwright_core::{Principal, TransportKind, limits};
use tokio::io::{AsyncBufRead, AsyncRead, AsyncWrite, BufReader};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::TransportError;
use crate::server::Engine;
use crate::session::dispatch::{self, Away, Scene, Step};
use crate::session::downstream::Notifier;
use crate::session::envelope::{self, Id, Message, Request};
use crate::session::errors::WireError;
use crate::session::inflight::{Flight, InFlight};
use crate::session::legacy::{self, Session};
use crate::session::params::Params;
use crate::session::reply::{self, Outcome};
use crate::session::streams::{Ears, Listening};
use crate::session::{Speaker, modern};
use lines::Line;
pub(crate) use standard::standard_streams;

/// One client.
struct Conversation {
    engine: Arc<Engine>,
    principal: Arc<Principal>,
    transport: TransportKind,
    outbox: mpsc::Sender<Bytes>,
    calls: Arc<InFlight>,
    session: Option<Arc<Session>>,
    /// Whether the session is told of changes.
    listens: bool,
    /// Fires when nothing more is read.
    ending: CancellationToken,
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
    let ending = engine.draining.child_token();
    let mut writing = tokio::spawn(lines::write(writer, messages, gone.clone()));
    let mut conversation = Conversation {
        engine: engine.clone(),
        principal,
        transport,
        outbox,
        calls: Arc::default(),
        session: None,
        listens: false,
        ending: ending.clone(),
        gone: gone.clone(),
    };
    let reading = conversation.read(BufReader::with_capacity(64 * 1024, reader));
    let result = tokio::select! {
        result = reading => result,
        () = shutdown.cancelled() => Ok(()),
        () = gone.cancelled() => Ok(()),
    };
    // What was asked before the end is still answered, within bounds; the writer ends when the last sender is gone.
    ending.cancel();
    drop(conversation);
    if tokio::time::timeout(engine.plan.listen.drain, &mut writing).await.is_err() {
        gone.cancel();
        let _ = tokio::time::timeout(limits::STOP_WAIT, &mut writing).await;
        writing.abort();
    }
    gone.cancel();
    Ok(result?)
}

impl Conversation {
    async fn read(&mut self, mut reader: impl AsyncBufRead + Unpin) -> std::io::Result<()> {
        let mut line = Vec::new();
        loop {
            match lines::read(&mut reader, &mut line).await? {
                Line::End => return Ok(()),
                Line::TooLong => {
                    let text = format!("a message may hold {} bytes", limits::MESSAGE_BYTES_MAX);
                    self.refuse(None, WireError::invalid_request(text)).await;
                }
                Line::Whole if line.iter().all(u8::is_ascii_whitespace) => {}
                Line::Whole => self.receive(&line).await,
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
                if let Err(error) = self.request(&request).await {
                    self.refuse(Some(&request.id), error).await;
                }
            }
            Ok(Message::Notification { method, params }) => match (&*method, &self.session) {
                ("notifications/cancelled", _) => {
                    if let Some(id) = params.cancelled() {
                        self.calls.cancel(&id);
                    }
                }
                ("notifications/initialized", Some(session)) if !std::mem::replace(&mut self.listens, true) => {
                    let listening = Listening::session(session);
                    self.listen(async { listening }, None);
                }
                _ => {}
            },
            Ok(Message::Response(response)) => {
                if let Some(session) = &self.session {
                    session.asks.answered(&response);
                }
            }
            Err(wrong) => {
                if let Some(method) = &wrong.method {
                    self.turn_away(method, &Params::default(), Away::Garbled).await;
                }
                self.refuse(wrong.id.as_ref(), wrong.error).await;
            }
        }
    }

    async fn request(&mut self, request: &Request<'_>) -> Result<(), WireError> {
        let params = &request.params;
        if params.meta.is_modern() {
            let speaker = match modern::speaker(&params.meta, &self.principal, self.transport) {
                Ok(speaker) => speaker,
                Err(error) => {
                    self.turn_away(&request.method, params, Away::Stray).await;
                    return Err(error);
                }
            };
            if request.method == "subscriptions/listen" {
                let wish = Listening::read(&self.engine, &speaker, &request.id, params)?;
                let cancel = self.gone.child_token();
                let flight = self.calls.begin(&request.id, cancel.clone())?;
                let (engine, catalog) = (self.engine.clone(), self.engine.catalog_for(&request.method, params).await);
                let listening = async move { wish.admit(&engine, &catalog, &speaker).await };
                self.listen(listening, Some((flight, cancel)));
                return Ok(());
            }
            return self.answer(request, &speaker).await;
        }
        let result = match (&*request.method, &self.session) {
            ("initialize", None) => {
                let (session, result) = legacy::initialize(&self.engine, &self.principal, self.transport, params)?;
                self.session = Some(session);
                result
            }
            ("initialize", Some(_)) => {
                return Err(WireError::invalid_request("this session is initialized already"));
            }
            ("ping", _) => b"{}".to_vec(),
            ("logging/setLevel", Some(session)) => session.set_level(params)?,
            (_, Some(session)) => {
                let speaker = session.speaker();
                return self.answer(request, &speaker).await;
            }
            // A client of the stateless era that probes without `_meta` learns what is missing.
            ("server/discover", None) => {
                return modern::speaker(&params.meta, &self.principal, self.transport).map(drop);
            }
            (_, None) => {
                self.turn_away(&request.method, params, Away::Stray).await;
                return Err(WireError::invalid_request("send `initialize` first"));
            }
        };
        self.send(reply::answer(Some(&request.id), Outcome::Result(result), None).bytes).await;
        Ok(())
    }

    /// Answers at once what the catalog can answer, and calls that need not wait; others get a task of their own.
    async fn answer(&self, request: &Request<'_>, speaker: &Speaker) -> Result<(), WireError> {
        let engine = &self.engine;
        let catalog = engine.catalog_for(&request.method, &request.params).await;
        let scene = Scene { engine, catalog: &catalog, speaker };
        let operation = match dispatch::step(&scene, &request.method, &request.params) {
            Ok(Step::Done(result)) => {
                self.send(reply::answer(Some(&request.id), Outcome::Result(result), None).bytes).await;
                return Ok(());
            }
            Ok(Step::Call(operation)) => operation,
            Err(error) => {
                dispatch::turn_away(engine, speaker, &request.method, &request.params, Away::Garbled).await;
                return Err(error);
            }
        };
        if engine.draining.is_cancelled() {
            dispatch::turn_away(engine, speaker, &request.method, &request.params, Away::Draining).await;
            return Err(WireError::internal("the server is stopping; try again soon"));
        }
        let round = match engine.round(speaker, &request.method, &request.params) {
            Ok(round) => round,
            Err(error) => {
                dispatch::turn_away(engine, speaker, &request.method, &request.params, Away::Garbled).await;
                return Err(error);
            }
        };
        let cancel = self.gone.child_token();
        let flight = match self.calls.begin(&request.id, cancel.clone()) {
            Ok(flight) => flight,
            Err(error) => {
                dispatch::turn_away(engine, speaker, &request.method, &request.params, Away::Busy).await;
                return Err(error);
            }
        };
        let token = request.params.meta.progress_token();
        let notifier = (token.is_some() || speaker.log_level.is_some() || speaker.is_asked())
            .then(|| Notifier::new(self.outbox.clone(), token, speaker.log_level));
        let last_word = notifier.as_ref().map(Notifier::until_dropped);
        let cx = engine.context(speaker, &catalog, cancel.clone(), notifier, round);
        let (engine, id, modern) = (engine.clone(), request.id.clone(), speaker.modern());
        let watched = speaker.watched.clone();
        let mut call = Box::pin(async move {
            let outcome = dispatch::answer(&engine, &catalog, operation, &cx, watched.as_deref()).await;
            // A call that the client called off gets no answer (specification, "Cancellation").
            let wanted = !cancel.is_cancelled() || engine.stop.is_cancelled();
            drop((flight, last_word));
            wanted.then(|| reply::answer(Some(&id), outcome, modern.then_some(&engine.info)).bytes)
        });
        match futures::poll!(call.as_mut()) {
            Poll::Ready(Some(answer)) => self.send(answer).await,
            Poll::Ready(None) => {}
            Poll::Pending => {
                let outbox = self.outbox.clone();
                self.engine.calls.spawn(async move {
                    if let Some(answer) = call.await {
                        let _ = tokio::time::timeout(limits::WRITE_WAIT, outbox.send(answer.into())).await;
                    }
                });
            }
        }
        Ok(())
    }

    /// Tells the client of changes from now on, until the conversation ends or the client calls it off. A subscription
    /// of the client's is acknowledged first.
    fn listen(
        &self,
        listening: impl Future<Output = Listening> + Send + 'static,
        flight: Option<(Flight, CancellationToken)>,
    ) {
        let mut ears = Ears::of(&self.engine);
        let (engine, outbox, ending) = (self.engine.clone(), self.outbox.clone(), self.ending.clone());
        tokio::spawn(async move {
            let cancel = flight.as_ref().map_or_else(CancellationToken::new, |(_, cancel)| cancel.clone());
            let Some(listening) = cancel.run_until_cancelled(listening).await else { return };
            if flight.is_some() && outbox.send(listening.acknowledged().into()).await.is_err() {
                return;
            }
            loop {
                let messages = tokio::select! {
                    biased;
                    () = cancel.cancelled() => return,
                    () = ending.cancelled() => break,
                    messages = listening.hear(&mut ears) => messages,
                };
                let Some(messages) = messages else { break };
                for message in messages {
                    if outbox.send(message.into()).await.is_err() {
                        return;
                    }
                }
            }
            for end in [listening.ended(&engine.info), listening.torn_down()].into_iter().flatten() {
                let _ = outbox.send(end.into()).await;
            }
        });
    }

    /// A call of nobody's session still leaves its record.
    async fn turn_away(&self, method: &str, params: &Params<'_>, why: Away) {
        let speaker = match &self.session {
            Some(session) => session.speaker(),
            None => Speaker::stranger(&self.principal, self.transport),
        };
        dispatch::turn_away(&self.engine, &speaker, method, params, why).await;
    }

    async fn refuse(&self, id: Option<&Id>, error: WireError) {
        self.send(reply::answer(id, Outcome::Error(error), None).bytes).await;
    }

    async fn send(&self, bytes: Vec<u8>) {
        let _ = tokio::time::timeout(limits::WRITE_WAIT, self.outbox.send(bytes.into())).await;
    }
}
