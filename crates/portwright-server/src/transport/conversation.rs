//! One client's conversation over a duplex way: stdio, a WebSocket, or the two halves of HTTP+SSE. Messages come in by
//! [`Conversation::receive`]; what the client is told goes into a bounded outbox, which the transport empties.
//!
//! Both lifecycles share the one way: a request that carries `_meta` of the stateless era is one of its own, others
//! belong to the session that `initialize` opens.

use std::sync::Arc;
use std::task::Poll;

use bytes::Bytes;
use portwright_core::{Principal, TransportKind, limits};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use crate::engine::Engine;
use crate::session::dispatch::{self, Away, Scene, Step};
use crate::session::downstream::Notifier;
use crate::session::envelope::{self, Id, Message, Request};
use crate::session::errors::WireError;
use crate::session::inflight::{Flight, InFlight};
use crate::session::legacy::{self, Session};
use crate::session::params::{Meta, Params};
use crate::session::reply::{self, Outcome};
use crate::session::streams::{Ears, Listening};
use crate::session::{Speaker, modern};

/// One client.
pub(super) struct Conversation {
    engine: Arc<Engine>,
    principal: Arc<Principal>,
    transport: TransportKind,
    outbox: Outbox,
    calls: Arc<InFlight>,
    session: Option<Arc<Session>>,
    /// Whether the session is told of changes.
    listens: bool,
    /// Fires when nothing new begins.
    ending: CancellationToken,
    /// Fires when the client is gone.
    gone: CancellationToken,
}

/// The way to the outbox. It closes with its last holder: a conversation that has let go of it leaves it to the calls
/// that are still in flight.
enum Outbox {
    Held(mpsc::Sender<Bytes>),
    LetGo(mpsc::WeakSender<Bytes>),
}

impl Conversation {
    /// A new one, and what it has to say.
    pub(super) fn new(
        engine: &Arc<Engine>,
        principal: Arc<Principal>,
        transport: TransportKind,
    ) -> (Self, mpsc::Receiver<Bytes>) {
        let (outbox, messages) = mpsc::channel(limits::OUTBOX_MESSAGES_MAX);
        let conversation = Self {
            engine: engine.clone(),
            principal,
            transport,
            outbox: Outbox::Held(outbox),
            calls: Arc::default(),
            session: None,
            listens: false,
            ending: engine.draining.child_token(),
            gone: engine.stop.child_token(),
        };
        (conversation, messages)
    }

    /// Fires when nothing new begins. Whoever serves the conversation may fire it.
    pub(super) fn ending(&self) -> CancellationToken {
        self.ending.clone()
    }

    /// Fires when the client is gone, and calls off what it asked. Whoever serves the conversation may fire it.
    pub(super) fn gone(&self) -> CancellationToken {
        self.gone.clone()
    }

    /// Leaves the outbox to the calls in flight: it closes when the last of them is answered.
    pub(super) fn let_go(&mut self) {
        if let Outbox::Held(outbox) = &self.outbox {
            self.outbox = Outbox::LetGo(outbox.downgrade());
        }
    }

    fn outbox(&self) -> Option<mpsc::Sender<Bytes>> {
        match &self.outbox {
            Outbox::Held(outbox) => Some(outbox.clone()),
            Outbox::LetGo(outbox) => outbox.upgrade(),
        }
    }

    /// What came at once: a message, or a batch where the session's revision has them. The error is about a message
    /// whose id can't be told.
    pub(super) async fn receive(&mut self, bytes: &[u8]) -> Result<(), WireError> {
        let batches = self.session.as_ref().is_some_and(|session| session.agreed.protocol.as_str() == "2025-03-26");
        if batches && envelope::is_batch(bytes) {
            for message in envelope::split_batch(bytes)? {
                if let Err(error) = self.message(message.get().as_bytes()).await {
                    self.refuse(None, error).await;
                }
            }
            return Ok(());
        }
        self.message(bytes).await
    }

    async fn message(&mut self, bytes: &[u8]) -> Result<(), WireError> {
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
                match &wrong.id {
                    Some(id) => self.refuse(Some(id), wrong.error).await,
                    None => return Err(wrong.error),
                }
            }
        }
        Ok(())
    }

    async fn request(&mut self, request: &Request<'_>) -> Result<(), WireError> {
        let params = &request.params;
        if params.meta.is_modern() {
            let speaker = match self.stateless(&params.meta) {
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
                let speaker = session.speaker_as(&self.principal);
                return self.answer(request, &speaker).await;
            }
            // A client of the stateless era that probes without `_meta` learns what is missing.
            ("server/discover", None) => {
                return self.stateless(&params.meta).map(drop);
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
        let Some(outbox) = self.outbox() else { return Ok(()) };
        let notifier = (token.is_some() || speaker.log_level.is_some() || speaker.is_asked())
            .then(|| Notifier::new(outbox.clone(), token, speaker.log_level));
        let last_word = notifier.as_ref().map(Notifier::until_dropped);
        let mut cx = engine.context(speaker, &catalog, cancel.clone(), notifier, round);
        cx.trace = request.params.meta.trace();
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
                let wait = self.engine.plan.listen.waits.write;
                self.engine.calls.spawn(async move {
                    if let Some(answer) = call.await {
                        let _ = tokio::time::timeout(wait, outbox.send(answer.into())).await;
                    }
                });
            }
        }
        Ok(())
    }

    /// The same principal, by what they proved with the next message.
    pub(super) fn goes_on_as(&mut self, principal: Arc<Principal>) {
        self.principal = principal;
    }

    /// Tells the client of changes from now on, until the conversation ends or the client calls it off. A subscription
    /// of the client's is acknowledged first.
    fn listen(
        &self,
        listening: impl Future<Output = Listening> + Send + 'static,
        flight: Option<(Flight, CancellationToken)>,
    ) {
        let Some(outbox) = self.outbox() else { return };
        let mut ears = Ears::of(&self.engine);
        let (engine, ending) = (self.engine.clone(), self.ending.clone());
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

    /// Who speaks in the stateless era, on a transport that knows it.
    fn stateless(&self, meta: &Meta<'_>) -> Result<Speaker, WireError> {
        if self.transport == TransportKind::Sse {
            return Err(modern::unknown_here(meta));
        }
        modern::speaker(meta, &self.principal, self.transport)
    }

    /// A call of nobody's session still leaves its record.
    async fn turn_away(&self, method: &str, params: &Params<'_>, why: Away) {
        let speaker = match &self.session {
            Some(session) => session.speaker_as(&self.principal),
            None => Speaker::stranger(&self.principal, self.transport),
        };
        dispatch::turn_away(&self.engine, &speaker, method, params, why).await;
    }

    pub(super) async fn refuse(&self, id: Option<&Id>, error: WireError) {
        self.send(reply::answer(id, Outcome::Error(error), None).bytes).await;
    }

    async fn send(&self, bytes: Vec<u8>) {
        if let Some(outbox) = self.outbox() {
            let _ = tokio::time::timeout(self.engine.plan.listen.waits.write, outbox.send(bytes.into())).await;
        }
    }
}
