//! Sinks: the places beside the file that get a copy of each record, once the file has it.
//!
//! The file is where the chain lives. A sink gets the same lines in the same order; it may get one twice, and its hash
//! tells that it is the same. What a sink does to calls is told in [`outlet`]: nothing, unless it is required.

pub mod otlp;
pub(super) mod outlet;
pub mod stdout;

use std::fmt;
use std::sync::Arc;
use std::time::SystemTime;

use portwright_core::async_trait;

use crate::Fingerprint;

/// A place that gets a copy of each record.
#[async_trait]
pub trait Sink: Send + Sync + fmt::Debug {
    /// What it is called on the health page and in logs.
    fn name(&self) -> &str;

    /// Stores the records, which come in the order of the chain. They count as stored when this returns `Ok`; else they
    /// come again, all of them. The future is dropped when it takes too long.
    ///
    /// # Errors
    ///
    /// [`SinkError::Failed`] if it may go better later, [`SinkError::Refused`] if these records are not taken and never
    /// will be.
    async fn store(&self, records: &[Arc<Written>]) -> Result<(), SinkError>;

    /// Whether it writes to the process's standard output, which belongs to the stdio transport where that is served.
    fn takes_standard_output(&self) -> bool {
        false
    }
}

/// Why records are not stored.
#[derive(Debug, thiserror::Error)]
pub enum SinkError {
    /// The place does not answer, or not well.
    #[error("{0}")]
    Failed(String),
    /// The place answers, and does not take one of these records.
    #[error("it refuses records: {0}")]
    Refused(String),
}

/// A record as it stands in the file.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Written {
    /// Its number in the chain.
    pub seq: u64,
    /// Its hash, in hexadecimal digits: what tells it from all others.
    pub hash: String,
    /// When it happened.
    pub ts: SystemTime,
    /// The JSON, without a line feed.
    pub line: String,
}

impl Written {
    /// A record, for tests of sinks.
    pub fn new(seq: u64, hash: impl Into<String>, ts: SystemTime, line: impl Into<String>) -> Self {
        Self { seq, hash: hash.into(), ts, line: line.into() }
    }
}

/// A sink, and what depends on it.
#[derive(Debug, Clone)]
pub struct SinkPlan {
    pub sink: Arc<dyn Sink>,
    /// Whether a call is refused whose record the sink has not got. If not, calls know nothing of it.
    pub required: bool,
    /// What its configuration comes to, to tell whether a reload changes it.
    pub print: Option<Fingerprint>,
}

impl SinkPlan {
    /// A sink that calls know nothing of.
    pub fn new(sink: impl Sink + 'static) -> Self {
        Self { sink: Arc::new(sink), required: false, print: None }
    }
}

impl PartialEq for SinkPlan {
    fn eq(&self, other: &Self) -> bool {
        let same = self.print.is_some() && self.print == other.print;
        self.required == other.required && (same || Arc::ptr_eq(&self.sink, &other.sink))
    }
}

impl Eq for SinkPlan {}
