//! The writer: one thread that gives every record its place in the chain and appends what waits, all at once.

use std::error::Error;
use std::sync::Arc;

use portwright_core::limits;

use super::queue::{Entry, Held, Queue};
use super::record::Record;
use super::store::{Found, Store};

/// Writes until the queue is closed and empty.
pub(super) fn run(queue: &Arc<Queue>, store: impl Store) {
    // Whatever ends this thread, those who wait for it learn of it.
    struct End<'a>(&'a Queue);
    impl Drop for End<'_> {
        fn drop(&mut self) {
            self.0.set_fault("the audit's writer has ended");
            self.0.end();
        }
    }
    let _end = End(queue);
    let mut writer = Writer { store, lines: Vec::new() };
    let mut held = Held::default();
    loop {
        let open = queue.take(&mut held);
        let mut unrecorded = queue.take_unrecorded();
        match writer.write(&mut held.entries, &mut unrecorded) {
            Ok(()) => {
                held.flushed();
                if queue.clear_fault() {
                    tracing::info!("audit records are written again");
                }
            }
            Err(error) => {
                queue.give_back_unrecorded(unrecorded);
                held.entries.iter_mut().for_each(Entry::failed);
                if queue.set_fault("audit records can't be written") {
                    tracing::error!(error = &error as &dyn Error, "audit records can't be written");
                }
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
    lines: Vec<u8>,
}

impl<S: Store> Writer<S> {
    /// Writes everything in `held` and takes out what is written.
    fn write(&mut self, held: &mut Vec<Entry>, unrecorded: &mut u64) -> std::io::Result<()> {
        while !held.is_empty() || *unrecorded > 0 {
            let (mut link, found) = self.store.ready()?;
            self.lines.clear();
            if let Some(found) = found {
                match found {
                    Found::Broken { .. } => {
                        tracing::error!(?found, "the audit file is not what it was; a record says so");
                    }
                    Found::Rotated { ref before, .. } => tracing::info!(%before, "the audit goes on in a new file"),
                }
                link = found.record().append(link, &mut self.lines);
            }
            if *unrecorded > 0 {
                let args = format!("{{\"calls\":{unrecorded}}}");
                link = Record::own("audit/unrecorded", "unrecorded", args).append(link, &mut self.lines);
            }
            let mut count = 0;
            for entry in held.iter_mut() {
                if entry.withheld() && !entry.record.flags.iter().any(|flag| flag == "withheld") {
                    entry.record.flags.push("withheld".to_owned());
                }
                link = entry.record.append(link, &mut self.lines);
                count += 1;
                if self.lines.len() >= limits::AUDIT_BATCH_BYTES {
                    break;
                }
            }
            self.store.append(&self.lines, link)?;
            *unrecorded = 0;
            held.drain(..count).for_each(Entry::written);
        }
        Ok(())
    }
}
