//! The audit: exactly one outcome record for each call, and an intent record before a call with effects runs; chained
//! by hashes, written before the reply leaves.
//!
//! The way of a record: a guard makes it ([`guards`]), a bounded queue carries it ([`queue`]), one thread appends it
//! ([`writer`], [`store`]), and [`verify`] finds whatever was done to the file since. A reply waits for its record, and
//! a call that can't be recorded is refused, unless the plan says otherwise.
//!
//! Outcomes of a call: `ok`; `failed` (the source or we could not, or the tool said isError); `refused` by a guard;
//! `timed_out`; `cancelled`; and `intent`, which is none. The audit's own records are `recovered` (the file was not as it was
//! left; `args` says how), `rotated` (a new file was begun), `unsent` (a sink did not get so many records), `withheld` (the
//! reply of the call that `args` names was withheld, since a required sink has not got its record) and `unrecorded` (so many calls were refused while there was no room for their records). The
//! flag `withheld` marks a record that came too late: its caller got a refusal instead.
//!
//! The chain is not keyed: it proves that a file is what it was when its head was last known. Who can rewrite the file
//! and its head can make a new chain, so keep a copy of the head elsewhere if that matters.

mod arguments;
mod end;
mod guards;
mod head;
mod line;
mod queue;
mod record;
mod rotate;
pub mod search;
pub mod sink;
mod store;
mod strangers;
mod trail;
mod verify;
mod writer;

#[cfg(test)]
mod tests;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use portwright_core::{Health, limits};

use queue::Queue;
use sink::SinkPlan;
use sink::outlet::Outlet;
use store::{FileStore, Store};

pub(super) use arguments::values;
pub(super) use guards::{Intent, Outcome};
pub use rotate::{Rotation, files_of};
pub use store::OpenError;
pub use trail::{BrokenTrail, VerifiedTrail, verify_trail};
pub use verify::{Broken, HeadState, Verified, verify};

/// What the plan says of the audit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditPlan {
    /// The file of records. Beside it stand `FILE.head`, the last record's number and hash, and perhaps `FILE.torn`,
    /// half lines that a crash left behind.
    pub file: PathBuf,
    pub arguments: Arguments,
    /// Whether a call that can't be recorded is refused. If not, no reply waits for its record.
    pub required: bool,
    pub durability: Durability,
    pub rotation: Rotation,
    /// Where copies of the records go.
    pub sinks: Vec<SinkPlan>,
}

impl AuditPlan {
    /// The defaults, for `file`.
    pub fn new(file: impl Into<PathBuf>) -> Self {
        Self {
            file: file.into(),
            arguments: Arguments::default(),
            required: true,
            durability: Durability::default(),
            rotation: Rotation::default(),
            sinks: Vec::new(),
        }
    }
}

/// How much of a call's arguments a record tells.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Arguments {
    None,
    /// Their names.
    #[default]
    Keys,
    /// Names and values; what looks like a secret is left out, long values are cut.
    Values,
}

/// What an acknowledged record survives.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Durability {
    /// The end of the process, however it comes: it is written before the reply leaves.
    #[default]
    Process,
    /// The end of the machine: it is on the disk before the reply leaves.
    Disk,
}

/// The open audit. Cheap to clone; the file is let go when the last clone, and the last chain made with one, is dropped.
#[derive(Debug, Clone)]
pub struct Audit {
    open: Arc<Open>,
}

#[derive(Debug)]
struct Open {
    queue: Arc<Queue>,
    arguments: Arguments,
    required: bool,
    strangers: strangers::Strangers,
    outlets: Vec<Outlet>,
}

/// `audit.jsonl`, `audit.2.jsonl`, `audit.3.jsonl`, …
fn numbered(file: &Path, number: usize) -> PathBuf {
    if number == 1 {
        return file.to_owned();
    }
    let mut name = file.file_stem().unwrap_or_default().to_owned();
    name.push(format!(".{number}"));
    if let Some(extension) = file.extension() {
        name.push(".");
        name.push(extension);
    }
    file.with_file_name(name)
}

impl Audit {
    /// Opens or creates the file, checks and mends its end, and starts the writer.
    ///
    /// A chain has one writer. While another process writes to `audit.jsonl` (two clients that each start a server of
    /// their own over stdio), this one writes to `audit.2.jsonl`, and so on: each file a chain of its own.
    pub fn open(plan: &AuditPlan) -> Result<Self, OpenError> {
        let mut number = 1;
        loop {
            let file = numbered(&plan.file, number);
            match FileStore::open(&file, plan.durability, plan.rotation) {
                Ok(store) => {
                    if number > 1 {
                        tracing::info!(file = %file.display(), "another process writes the audit file, taking the next");
                    }
                    let started = Self::start(store, plan);
                    return started.map_err(|cause| OpenError::new(&file, cause));
                }
                Err(error) if error.is_taken() && number < limits::AUDIT_WRITERS_MAX => number += 1,
                Err(error) => return Err(error),
            }
        }
    }

    fn start(store: impl Store + 'static, plan: &AuditPlan) -> std::io::Result<Self> {
        if plan.sinks.len() > limits::AUDIT_SINKS_MAX {
            return Err(std::io::Error::other(format!("there are more than {} sinks", limits::AUDIT_SINKS_MAX)));
        }
        let queue = Arc::new(Queue::default());
        let outlets: Vec<Outlet> = plan.sinks.iter().map(|sink| Outlet::open(sink, &queue)).collect();
        let (own, copies) = (queue.clone(), outlets.clone());
        thread::Builder::new().name("audit".to_owned()).spawn(move || writer::run(&own, store, copies))?;
        let (arguments, required) = (plan.arguments, plan.required);
        let strangers = strangers::Strangers::default();
        Ok(Self { open: Arc::new(Open { queue, arguments, required, strangers, outlets }) })
    }

    /// How it is: degraded while records can't be written, the file can't be rotated, or a sink gets no records.
    pub fn health(&self) -> Health {
        let open = &self.open;
        let file = open.queue.fault().map(|words| words.to_string());
        let concern = open.queue.concern().map(str::to_owned);
        let sinks = open.outlets.iter().filter_map(Outlet::fault);
        let words: Vec<String> = file.into_iter().chain(concern).chain(sinks).collect();
        if words.is_empty() { Health::Ready } else { Health::Degraded(words.join("; ")) }
    }

    /// How many records wait to be written, and how long the oldest has waited.
    pub(crate) fn backlog(&self) -> (usize, Duration) {
        self.open.queue.backlog()
    }

    /// Whether calls can't be recorded as they must be.
    fn is_blocked(&self) -> bool {
        let open = &self.open;
        let sink = || open.outlets.iter().any(|outlet| outlet.is_required() && outlet.is_faulty());
        open.required && (open.queue.fault().is_some() || sink())
    }

    /// Waits, within a bound, until everything recorded so far is written, and the sinks have it. Called when the server
    /// stops.
    pub async fn flush(&self) {
        self.strangers_counted();
        let until = tokio::time::Instant::now() + limits::AUDIT_WAIT;
        let flushed = self.open.queue.flush();
        if !matches!(tokio::time::timeout_at(until, flushed).await, Ok(Ok(()))) {
            tracing::error!("audit records are not written yet");
        }
        let sinks: Vec<_> = self.open.outlets.iter().map(Outlet::flush).collect();
        for flushed in sinks {
            if !matches!(tokio::time::timeout_at(until, flushed).await, Ok(Ok(()))) {
                tracing::error!("an audit sink has not got all records yet");
            }
        }
    }

    /// The guard that records how each call ended.
    pub(super) fn outcome(&self) -> Outcome {
        Outcome::new(self.clone())
    }

    /// The guard that records what a call is about to do.
    pub(super) fn intent(&self) -> Intent {
        Intent::new(self.clone())
    }
}

impl Drop for Open {
    /// Waits, within a bound, until everything that was recorded is written.
    fn drop(&mut self) {
        self.queue.close();
    }
}

/// The path of a file that stands beside the audit file.
fn beside(file: &Path, suffix: &str) -> PathBuf {
    let mut path = file.as_os_str().to_owned();
    path.push(suffix);
    path.into()
}
