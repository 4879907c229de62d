//! The plan of the limits: how much, in which time, for whom.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use portwright_core::limits;

use super::shared::StorePlan;

/// So much in a time, and so much at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rate {
    /// Calls, or bytes. More than none.
    pub amount: u64,
    /// The time in which the bucket is filled up with that amount. More than none.
    pub per: Duration,
    /// What the bucket holds when it is full. More than none.
    pub burst: u64,
}

impl Rate {
    /// With a bucket that holds as much as flows in.
    pub const fn new(amount: u64, per: Duration) -> Self {
        Self { amount, per, burst: amount }
    }
}

/// What one bucket's owner may use. What is not said is not limited.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Quota {
    pub calls: Option<Rate>,
    /// Calls at the same time. More than none.
    pub concurrent: Option<u32>,
    /// Bytes of results.
    pub result_bytes: Option<Rate>,
}

/// What a quota is about.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) enum Lane {
    /// All that a principal does.
    Each,
    /// What a principal does who has this role.
    Role(Arc<str>),
    /// What a principal does on this source.
    Source(Arc<str>),
    /// What a principal does with this tool: its source, and its name there, which no alias changes.
    Tool(Arc<str>, Arc<str>),
    /// What all principals do together.
    Total,
}

impl fmt::Display for Lane {
    /// The place in the configuration.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Each => f.write_str("limits"),
            Self::Role(name) => write!(f, "roles.{name}.limits"),
            Self::Source(name) => write!(f, "sources.{name}.limits"),
            Self::Tool(_, name) => write!(f, "tools.{name}.limits"),
            Self::Total => f.write_str("limits.total"),
        }
    }
}

/// The plan of this guard. All quotas that speak of a call must have room for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LimitPlan {
    /// For each principal.
    pub each: Quota,
    /// For each principal who has the role.
    pub roles: BTreeMap<Arc<str>, Quota>,
    /// For each principal, on the source.
    pub sources: BTreeMap<Arc<str>, Quota>,
    /// For each principal, with the tool: its source and its name there.
    pub tools: BTreeMap<(Arc<str>, Arc<str>), Quota>,
    /// For all principals together.
    pub total: Quota,
    /// How long a call may wait for room.
    pub queue_wait: Duration,
    /// None: what was used is kept in this process.
    pub store: Option<StorePlan>,
}

impl Default for LimitPlan {
    fn default() -> Self {
        Self {
            each: Quota::default(),
            roles: BTreeMap::new(),
            sources: BTreeMap::new(),
            tools: BTreeMap::new(),
            total: Quota::default(),
            queue_wait: limits::LIMIT_QUEUE_WAIT,
            store: None,
        }
    }
}
