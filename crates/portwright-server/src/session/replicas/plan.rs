//! What replicas of one server share, as the configuration says it.

use portwright_core::Secret;

use crate::ops::redis::{self, StoreError};

/// What makes several processes one server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReplicaPlan {
    /// Known to all of them, and to nobody else.
    pub secret: Secret,
    /// Where they tell each other of their sessions: `redis://` or `rediss://`. Without it each has its own.
    pub store: Option<Secret>,
    /// What keys and channels begin with.
    pub prefix: String,
}

impl ReplicaPlan {
    /// Whether the store's address can be one.
    pub fn check(&self) -> Result<(), StoreError> {
        self.store.as_ref().map_or(Ok(()), redis::check)
    }

    /// Asks the store for a sign of life.
    pub async fn reach(&self) -> Result<(), StoreError> {
        match &self.store {
            Some(store) => redis::reach(store).await,
            None => Ok(()),
        }
    }
}
