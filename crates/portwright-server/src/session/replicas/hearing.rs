//! What other replicas say, and what becomes of it here.

use std::sync::{Arc, Weak};

use futures::StreamExt;
use portwright_core::{Operation, limits};
use redis::aio::ConnectionManager;
use tokio::time::{Instant, sleep, timeout};
use tokio_util::sync::CancellationToken;

use super::words::{Spoken, Word};
use super::{Replicas, relay};
use crate::engine::Engine;
use crate::ops::redis::words;
use crate::session::dispatch;
use crate::session::envelope::Id;
use crate::session::legacy::Session;

/// Hears, and begins again when the way breaks.
pub(super) async fn hear(replicas: &Arc<Replicas>, engine: &Weak<Engine>) {
    let mut away = false;
    loop {
        match listen(replicas, engine, &mut away).await {
            Ok(()) => return,
            Err(why) if !away => {
                away = true;
                tracing::error!(why, "other replicas can't be heard");
            }
            Err(_) => {}
        }
        sleep(limits::STORE_PAUSE).await;
    }
}

/// Hears until the way breaks, with words on why; or until there is no server any more.
async fn listen(replicas: &Arc<Replicas>, engine: &Weak<Engine>, away: &mut bool) -> Result<(), String> {
    let channels = [replicas.everyone(), replicas.alone(&replicas.name)];
    let open = async {
        let mut way = replicas.link.client().get_async_pubsub().await?;
        way.subscribe(&channels).await?;
        Ok(way)
    };
    let way = timeout(limits::CONNECT_WAIT, open).await.map_err(|_| "no answer".to_owned())?;
    let mut said = way.map_err(|error| words(&error))?.into_on_message();
    if std::mem::take(away) {
        tracing::info!("other replicas are heard again");
        tokio::spawn(catch_up(replicas.clone(), engine.clone()));
    }
    let mut heard = Instant::now();
    loop {
        let message = match timeout(limits::REPLICA_SILENCE, said.next()).await {
            Ok(message) => message.ok_or("the connection broke")?,
            // Whether the way still leads somewhere is seen by going it.
            Err(_) if heard.elapsed() > 3 * limits::REPLICA_SILENCE => return Err("the connection is dead".to_owned()),
            Err(_) => {
                let _ = replicas.tell(&channels[1], Word::Heard).await;
                continue;
            }
        };
        heard = Instant::now();
        let Some(engine) = engine.upgrade() else { return Ok(()) };
        let channel = message.get_channel_name();
        let bytes = message.get_payload_bytes();
        let known = channels.iter().any(|own| own == channel) && bytes.len() <= limits::REPLICA_WORD_BYTES_MAX;
        let plain = if known { replicas.cipher.open(channel, bytes) } else { None };
        match plain.and_then(|plain| serde_json::from_slice::<Spoken>(&plain).ok()) {
            Some(spoken) if spoken.by != replicas.name => understand(replicas, &engine, spoken),
            Some(_) => {}
            None => tracing::debug!("something was said that no replica of this server says"),
        }
    }
}

/// Writes down what could not be written while the store was away.
async fn catch_up(replicas: Arc<Replicas>, engine: Weak<Engine>) {
    // At first its old connection is found to be broken, and then nobody asks for a moment.
    for _ in 0..CATCH_UP_TRIES {
        sleep(limits::STORE_PAUSE).await;
        let ping =
            |mut store: ConnectionManager| async move { redis::cmd("PING").query_async::<String>(&mut store).await };
        if replicas.link.ask(ping).await.is_ok() {
            break;
        }
    }
    if let Some(engine) = engine.upgrade() {
        engine.sessions.sweep_with(&replicas).await;
    }
}

/// How often it is looked whether the store answers again; what is not written down then is at the next sweep.
const CATCH_UP_TRIES: u32 = 10;

fn understand(replicas: &Arc<Replicas>, engine: &Arc<Engine>, Spoken { by, word }: Spoken) {
    let known = |session: &str| engine.sessions.known(session);
    match word {
        Word::Heard => {}
        Word::Ended { session } => {
            if let Some(session) = known(&session) {
                engine.sessions.remove(&session);
            }
        }
        Word::Cancelled { session, request } => {
            let id = serde_json::from_str(&request).ok().and_then(Id::read);
            if let (Some(session), Some(id)) = (known(&session), id) {
                session.calls.cancel(&id);
            }
        }
        Word::Answered { session, id, result, error } => {
            if let Some(session) = known(&session) {
                session.asks.take(id, result.as_deref(), error.as_deref());
            }
        }
        Word::Level { session, level } => {
            known(&session).inspect(|session| session.hears_from(level));
        }
        Word::Watch { session, uri, on } => match known(&session) {
            Some(session) if on => {
                tokio::spawn(watch(engine.clone(), session, uri));
            }
            Some(session) => session.watched.leave(&uri),
            None => {}
        },
        Word::Listens { session } => {
            known(&session).inspect(|session| session.close_stream());
        }
        Word::Resume { session, after, relay } => {
            if let Some(session) = known(&session) {
                relay::pass_on(replicas, session, after, (by, relay));
            }
        }
        Word::Ask { ask, question } => replicas.answer(engine, &by, ask, question),
        Word::Answer { ask, answer } => replicas.questions.answered(ask, answer),
        Word::Left { relay } => replicas.relays.stop(&by, relay),
        Word::Relay { relay, heard } => replicas.relays.heard(relay, heard),
    }
}

/// Watches what the session's client watches at another replica, if it may.
pub(super) async fn watch(engine: Arc<Engine>, session: Arc<Session>, uri: String) {
    let catalog = engine.supervisor.catalog();
    let cx = engine.context(&session.speaker(), &catalog, CancellationToken::new(), None, None);
    let (operation, result) = dispatch::call(&catalog, Operation::Subscribe { uri }, &cx).await;
    if result.is_ok() {
        // What is too much was too much where it was asked for.
        let _ = session.watched.take(operation.name());
    }
}
