//! The way to a Redis server: one connection, bounded waits, and a pause after it was away.

use std::fmt;
use std::future::Future;
use std::sync::{Mutex, OnceLock, PoisonError};
use std::time::Instant;

use portwright_core::{Secret, limits};
use redis::aio::{ConnectionManager, ConnectionManagerConfig};
use redis::{Client, RedisResult};

/// A store that can't be used. Its address is a secret, and not told.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    #[error("this is not the address of a Redis server")]
    Address,
    #[error("the Redis server can't be reached: {0}")]
    Away(String),
}

/// The store is away, or was a moment ago.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Away;

/// What went wrong, without the server's own words: they may hold what was sent.
pub(crate) fn words(error: &redis::RedisError) -> String {
    if error.is_connection_refusal() { "connection refused".to_owned() } else { error.category().to_owned() }
}

fn client(url: &Secret) -> Result<Client, StoreError> {
    Client::open(url.expose()).map_err(|_| StoreError::Address)
}

/// Whether the address can be one.
pub(crate) fn check(url: &Secret) -> Result<(), StoreError> {
    client(url).map(drop)
}

/// Asks the server for a sign of life.
pub(crate) async fn reach(url: &Secret) -> Result<(), StoreError> {
    let client = client(url)?;
    let ask = async {
        let mut connection = client.get_multiplexed_async_connection().await?;
        redis::cmd("PING").query_async::<String>(&mut connection).await
    };
    match tokio::time::timeout(limits::CONNECT_WAIT, ask).await {
        Ok(Ok(_)) => Ok(()),
        Ok(Err(error)) => Err(StoreError::Away(words(&error))),
        Err(_) => Err(StoreError::Away(format!("no answer within {:?}", limits::CONNECT_WAIT))),
    }
}

/// The way.
pub(crate) struct Link {
    client: Client,
    /// What is kept there, for the log.
    of: &'static str,
    connection: OnceLock<ConnectionManager>,
    /// When it did not answer, last.
    away: Mutex<Option<Instant>>,
}

impl fmt::Debug for Link {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Link").field("of", &self.of).finish_non_exhaustive()
    }
}

impl Link {
    pub(crate) fn open(url: &Secret, of: &'static str) -> Result<Self, StoreError> {
        Ok(Self { client: client(url)?, of, connection: OnceLock::new(), away: Mutex::default() })
    }

    /// For connections that listen.
    pub(crate) fn client(&self) -> &Client {
        &self.client
    }

    /// One connection for all; it is made when it is needed first, and again when it broke.
    fn connection(&self) -> Result<ConnectionManager, Away> {
        if let Some(connection) = self.connection.get() {
            return Ok(connection.clone());
        }
        let config = ConnectionManagerConfig::new()
            .set_number_of_retries(0)
            .set_connection_timeout(Some(limits::STORE_WAIT))
            .set_response_timeout(Some(limits::STORE_WAIT));
        let made = ConnectionManager::new_lazy_with_config(self.client.clone(), config).map_err(|_| Away)?;
        Ok(self.connection.get_or_init(|| made).clone())
    }

    /// Asks something. Bounded; after a failure nobody asks again for a moment, so that nothing waits for a server that
    /// hangs but the first.
    pub(crate) async fn ask<T, F: Future<Output = RedisResult<T>>>(
        &self,
        question: impl FnOnce(ConnectionManager) -> F,
    ) -> Result<T, Away> {
        if self.lock().is_some_and(|since| since.elapsed() < limits::STORE_PAUSE) {
            return Err(Away);
        }
        let why = match tokio::time::timeout(limits::STORE_WAIT, question(self.connection()?)).await {
            Ok(Ok(told)) => {
                if self.lock().take().is_some() {
                    tracing::info!("the store of {} is back", self.of);
                }
                return Ok(told);
            }
            Ok(Err(error)) => words(&error),
            Err(_) => format!("no answer within {:?}", limits::STORE_WAIT),
        };
        if self.lock().replace(Instant::now()).is_none() {
            tracing::error!(why, "the store of {} is away", self.of);
        }
        Err(Away)
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Option<Instant>> {
        self.away.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
