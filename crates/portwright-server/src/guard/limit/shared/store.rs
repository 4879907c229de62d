//! The store of the limits: where it is, and its scripts.

use portwright_core::Secret;
use redis::{FromRedisValue, Script};

pub(in crate::guard::limit) use crate::ops::redis::Away;
pub use crate::ops::redis::StoreError;
use crate::ops::redis::{self as way, Link};

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

impl StorePlan {
    /// Whether the address can be one.
    pub fn check(&self) -> Result<(), StoreError> {
        way::check(&self.url)
    }

    /// Asks the server for a sign of life.
    pub async fn reach(&self) -> Result<(), StoreError> {
        way::reach(&self.url).await
    }
}

#[derive(Debug)]
pub(super) struct Store(Link);

impl Store {
    pub(super) fn open(plan: &StorePlan) -> Result<Self, StoreError> {
        Link::open(&plan.url, "the limits").map(Self)
    }

    /// Runs a script.
    pub(super) async fn run<T: FromRedisValue>(
        &self,
        script: &Script,
        keys: &[String],
        values: &[String],
    ) -> Result<T, Away> {
        let mut call = script.prepare_invoke();
        for key in keys {
            call.key(key);
        }
        for value in values {
            call.arg(value);
        }
        self.0.ask(|mut connection| async move { call.invoke_async(&mut connection).await }).await
    }
}
