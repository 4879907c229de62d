//! The store: one connection to Redis, scripts, and a pause after it was away.

use std::fmt;
use std::sync::{Mutex, OnceLock, PoisonError};
use std::time::Instant;

use portwright_core::{Secret, limits};
use redis::aio::{ConnectionManager, ConnectionManagerConfig};
use redis::{Client, FromRedisValue, Script};

/// Where replicas share what was used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StorePlan {
    /// `redis://` or `rediss://`.
    pub url: Secret,
    /// What keys begin with.
    pub prefix: String,
    pub down: WhenDown,
}

/// What becomes of calls while the store is away.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum WhenDown {
    /// They are refused.
    #[default]
    Closed,
    /// Each replica counts by itself.
    Local,
}

/// A store that can't be used. Its address is a secret, and not told.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    #[error("this is not the address of a Redis server")]
    Address,
    #[error("the Redis server can't be reached: {0}")]
    Away(String),
}

impl StorePlan {
    /// Whether the address can be one.
    pub fn check(&self) -> Result<(), StoreError> {
        self.client().map(drop)
    }

    fn client(&self) -> Result<Client, StoreError> {
        Client::open(self.url.expose()).map_err(|_| StoreError::Address)
    }

    /// Asks the server for a sign of life.
    pub async fn reach(&self) -> Result<(), StoreError> {
        let client = self.client()?;
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
}

/// What went wrong, without the server's own words: they may hold what was sent.
fn words(error: &redis::RedisError) -> String {
    if error.is_connection_refusal() { "connection refused".to_owned() } else { error.category().to_owned() }
}

/// The store is away, or was a moment ago.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::guard::limit) struct Away;

pub(super) struct Store {
    client: Client,
    connection: OnceLock<ConnectionManager>,
    /// When it did not answer, last.
    away: Mutex<Option<Instant>>,
}

impl fmt::Debug for Store {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Store").finish_non_exhaustive()
    }
}

impl Store {
    pub(super) fn open(plan: &StorePlan) -> Result<Self, StoreError> {
        Ok(Self { client: plan.client()?, connection: OnceLock::new(), away: Mutex::default() })
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

    /// Runs a script. Bounded; after a failure nobody asks again for a moment, so that no call waits for a server that
    /// hangs but the first.
    pub(super) async fn run<T: FromRedisValue>(
        &self,
        script: &Script,
        keys: &[String],
        values: &[String],
    ) -> Result<T, Away> {
        if self.lock().is_some_and(|since| since.elapsed() < limits::STORE_PAUSE) {
            return Err(Away);
        }
        let mut connection = self.connection()?;
        let mut call = script.prepare_invoke();
        for key in keys {
            call.key(key);
        }
        for value in values {
            call.arg(value);
        }
        let run = tokio::time::timeout(limits::STORE_WAIT, call.invoke_async(&mut connection)).await;
        let why = match run {
            Ok(Ok(told)) => {
                if self.lock().take().is_some() {
                    tracing::info!("the store of the limits is back");
                }
                return Ok(told);
            }
            Ok(Err(error)) => words(&error),
            Err(_) => format!("no answer within {:?}", limits::STORE_WAIT),
        };
        if self.lock().replace(Instant::now()).is_none() {
            tracing::error!(why, "the store of the limits is away");
        }
        Err(Away)
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Option<Instant>> {
        self.away.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
