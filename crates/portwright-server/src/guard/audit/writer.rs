//! The writer: one thread that gives every record its place in the chain and appends what waits, all at once.

use std::error::Error;
use std::sync::Arc;
use std::time::SystemTime;

use portwright_core::limits;

use super::queue::{Entry, Held, Queue};
use super::record::{Link, Record, hex};
use super::sink::Written;
use super::sink::outlet::{Confirm, Outlet};
use super::store::{Found, Store};

/// Writes until the queue is closed and empty.
pub(super) fn run(queue: &Arc<Queue>, store: impl Store, outlets: Vec<Outlet>) {
    // Whatever ends this thread, those who wait for it learn of it.
    struct End<'a>(&'a Queue);
    impl Drop for End<'_> {
        fn drop(&mut self) {
            self.0.set_fault("the audit's writer has ended");
            self.0.end();
        }
    }
    let _end = End(queue);
    let mut writer = Writer { store, batch: Batch::default(), outlets };
    let (mut held, mut together) = (Held::default(), 0);
    loop {
        let open = queue.take(&mut held, together);
        together = held.entries.len();
        let mut unrecorded = queue.take_unrecorded();
        match writer.write(&mut held.entries, &mut unrecorded) {
            Ok(()) => {
                queue.set_concern(writer.store.concern());
                held.flushed();
                if queue.clear_fault() {
                    tracing::info!("audit records are written again");
                }
            }
            Err(error) => {
                queue.give_back_unrecorded(unrecorded);
                // Who is told must find the reason.
                if queue.set_fault("audit records can't be written") {
                    tracing::error!(error = &error as &dyn Error, "audit records can't be written");
                }
                held.entries.iter_mut().for_each(Entry::failed);
            }
        }
        if !open {
            if !held.entries.is_empty() {
                tracing::error!(
                    records = held.entries.len(),
                    "audit records are lost: they could not be written before the end"
                );
            }
            return;
        }
    }
}

struct Writer<S> {
    store: S,
    batch: Batch,
    outlets: Vec<Outlet>,
}

impl<S: Store> Writer<S> {
    /// Writes everything in `held` and takes out what is written.
    fn write(&mut self, held: &mut Vec<Entry>, unrecorded: &mut u64) -> std::io::Result<()> {
        while !held.is_empty() || *unrecorded > 0 {
            let (link, found) = self.store.ready()?;
            self.batch.begin(link);
            if let Some(found) = found {
                match found {
                    Found::Broken { .. } => {
                        tracing::error!(?found, "the audit file is not what it was; a record says so");
                    }
                    Found::Rotated { ref before, .. } => tracing::info!(%before, "the audit goes on in a new file"),
                }
                self.batch.push(&found.record());
            }
            if *unrecorded > 0 {
                let args = format!("{{\"calls\":{unrecorded}}}");
                self.batch.push(&Record::own("audit/unrecorded", "unrecorded", args));
            }
            let own = self.batch.marks.len();
            for entry in held.iter_mut() {
                if entry.withheld() && !entry.record.flags.iter().any(|flag| flag == "withheld") {
                    entry.record.flags.push("withheld".to_owned());
                }
                self.batch.push(&entry.record);
                if self.batch.lines.len() >= limits::AUDIT_BATCH_BYTES {
                    break;
                }
            }
            self.store.append(&self.batch.lines, self.batch.link)?;
            *unrecorded = 0;
            let count = self.batch.marks.len() - own;
            self.hand_on(own, held.drain(..count));
        }
        Ok(())
    }

    /// The file has them: those who wait for the file alone are told, the sinks get their copies.
    fn hand_on(&self, own: usize, entries: impl Iterator<Item = Entry>) {
        let mut callers = entries.map(Entry::into_caller);
        if self.outlets.is_empty() {
            for caller in callers.flatten() {
                let _ = caller.send(());
            }
            return;
        }
        for (at, written) in self.batch.written().enumerate() {
            let caller = if at < own { None } else { callers.next().flatten() };
            let confirm = caller.map(Confirm::new);
            let written = Arc::new(written);
            for outlet in &self.outlets {
                outlet.give(&written, confirm.as_ref());
            }
        }
    }
}

/// Lines that are appended together.
#[derive(Default)]
struct Batch {
    lines: Vec<u8>,
    link: Link,
    marks: Vec<Mark>,
}

/// Where a line ends, and what tells it from others.
struct Mark {
    end: usize,
    link: Link,
    ts: SystemTime,
}

impl Batch {
    /// Empty, after `link`.
    fn begin(&mut self, link: Link) {
        self.lines.clear();
        self.marks.clear();
        self.link = link;
    }

    fn push(&mut self, record: &Record) {
        self.link = record.append(self.link, &mut self.lines);
        self.marks.push(Mark { end: self.lines.len(), link: self.link, ts: record.ts });
    }

    fn written(&self) -> impl Iterator<Item = Written> {
        let mut start = 0;
        self.marks.iter().map(move |mark| {
            let line = String::from_utf8_lossy(&self.lines[start..mark.end]);
            start = mark.end;
            Written { seq: mark.link.seq, hash: hex(&mark.link.hash), ts: mark.ts, line: line.trim_end().to_owned() }
        })
    }
}
