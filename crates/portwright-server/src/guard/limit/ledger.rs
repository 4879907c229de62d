//! The ledger: who has used how much. It outlives reloads, and is bounded however many principals come.

use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use portwright_core::{Auth, Principal, limits};

use super::account::Account;
use super::plan::LimitPlan;
use super::shared::{Shared, StoreError};

/// Who an account belongs to. The two parts are never one text, so that no name can be made to look like another.
type Owner = (Auth, Arc<str>);

#[derive(Debug, Default)]
struct Shard {
    accounts: HashMap<Owner, Arc<Account>>,
    /// When room was looked for in vain, last.
    full_since: Option<u64>,
}

/// All accounts.
#[derive(Debug)]
pub struct Ledger {
    shards: Vec<Mutex<Shard>>,
    hasher: RandomState,
    start: Instant,
    accounts_max: usize,
    /// Of those for whom there was no room.
    rest: Arc<Account>,
    /// Of all together.
    total: Arc<Account>,
    /// Where replicas share theirs. These accounts are for when that is away, and for those who wait here.
    shared: Option<Shared>,
}

impl Default for Ledger {
    fn default() -> Self {
        Self::with_room_for(limits::LIMIT_ACCOUNTS_MAX)
    }
}

impl Ledger {
    pub(super) fn with_room_for(accounts_max: usize) -> Self {
        Self {
            shards: (0..limits::LIMIT_SHARDS).map(|_| Mutex::default()).collect(),
            hasher: RandomState::new(),
            start: Instant::now(),
            accounts_max: (accounts_max / limits::LIMIT_SHARDS).max(1),
            rest: Arc::default(),
            total: Arc::default(),
            shared: None,
        }
    }

    /// With the store of the plan, if it names one.
    pub(crate) fn new(plan: &LimitPlan) -> Result<Self, StoreError> {
        let shared = plan.store.as_ref().map(Shared::open).transpose()?;
        Ok(Self { shared, ..Self::default() })
    }

    pub(super) fn shared(&self) -> Option<&Shared> {
        self.shared.as_ref()
    }

    /// A moment, as accounts count them.
    pub(super) fn time(&self, now: Instant) -> u64 {
        u64::try_from(now.saturating_duration_since(self.start).as_nanos()).unwrap_or(u64::MAX)
    }

    pub(super) fn total(&self) -> &Arc<Account> {
        &self.total
    }

    /// The account of a principal. Those who showed no credential have one together. Where the ledger is full of
    /// accounts that have used something, newcomers share one: they get less than they might, and nobody more.
    pub(super) fn account(&self, who: Option<&Principal>, now: u64) -> Arc<Account> {
        let owner = match who {
            Some(who) if who.auth != Auth::Anonymous => (who.auth, who.id.clone()),
            _ => (Auth::Anonymous, Arc::from("")),
        };
        let hash = usize::try_from(self.hasher.hash_one(&owner) % limits::LIMIT_SHARDS as u64).unwrap_or(0);
        let mut shard = self.shards[hash].lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(account) = shard.accounts.get(&owner) {
            return account.clone();
        }
        if shard.accounts.len() >= self.accounts_max {
            let pause = u64::try_from(limits::LIMIT_SWEEP_PAUSE.as_nanos()).unwrap_or(u64::MAX);
            if shard.full_since.is_some_and(|since| now < since.saturating_add(pause)) {
                return self.rest.clone();
            }
            shard.accounts.retain(|_, account| Arc::strong_count(account) > 1 || !account.is_idle(now));
            if shard.accounts.len() >= self.accounts_max {
                shard.full_since = Some(now);
                return self.rest.clone();
            }
        }
        shard.full_since = None;
        shard.accounts.entry(owner).or_default().clone()
    }

    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.shards.iter().map(|shard| shard.lock().unwrap_or_else(PoisonError::into_inner).accounts.len()).sum()
    }
}
