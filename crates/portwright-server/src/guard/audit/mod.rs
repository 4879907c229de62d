//! The audit: one record for each call, chained by hashes, written before the reply leaves.

use std::path::{Path, PathBuf};

use portwright_core::{Call, Context, Guard, Health, Next, Refusal, Reply, async_trait};
use serde::Serialize;

/// What the plan says of the audit.
#[derive(Debug, Clone)]
pub struct AuditPlan {
    /// The file of records. Beside it stands `FILE.head`.
    pub file: PathBuf,
    pub arguments: Arguments,
    /// Whether a call that can't be recorded is refused.
    pub required: bool,
    pub durability: Durability,
}

impl AuditPlan {
    /// The defaults, for `file`.
    pub fn new(file: impl Into<PathBuf>) -> Self {
        Self { file: file.into(), arguments: Arguments::Keys, required: true, durability: Durability::Process }
    }
}

/// How much of a call's arguments a record tells.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Arguments {
    None,
    /// Their names.
    #[default]
    Keys,
    /// Names and values, secrets redacted, long values cut.
    Values,
}

/// What an acknowledged record survives.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Durability {
    /// The end of the process, however it comes.
    #[default]
    Process,
    /// The end of the machine.
    Disk,
}

/// The open audit. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Audit {}

/// Why the audit can't be opened.
#[derive(Debug, thiserror::Error)]
#[error("audit")]
pub struct OpenError {}

impl Audit {
    /// Opens or creates the file, checks and mends its end, and starts the writer.
    pub fn open(_: &AuditPlan) -> Result<Self, OpenError> {
        Ok(Self {})
    }

    /// How it is: degraded while records can't be written.
    pub fn health(&self) -> Health {
        Health::Ready
    }

    /// Waits, within a bound, until everything recorded so far is written. Called when the server stops.
    pub async fn flush(&self) {}

    pub(super) fn outcome(&self) -> Record {
        Record {}
    }

    pub(super) fn intent(&self) -> Record {
        Record {}
    }
}

#[derive(Debug)]
pub(super) struct Record {}

#[async_trait]
impl Guard for Record {
    fn name(&self) -> &'static str {
        "audit"
    }

    async fn check(&self, call: &Call, cx: &Context, next: Next<'_>) -> Result<Reply, Refusal> {
        next.run(call, cx).await
    }
}

/// What an unbroken audit file holds. `Display` for people, `Serialize` for programs.
#[derive(Debug, Clone, Serialize)]
pub struct Verified {
    pub records: u64,
    pub first_ts: Option<String>,
    pub last_ts: Option<String>,
}

/// The first line that does not fit.
#[derive(Debug, Clone, Serialize, thiserror::Error)]
#[error("line {line}: {what}")]
pub struct Broken {
    pub line: u64,
    pub what: String,
}

/// Checks the whole chain of `file` against its head.
pub fn verify(file: &Path) -> Result<Verified, Broken> {
    let _ = file;
    Err(Broken { line: 0, what: String::new() })
}
