//! How large a reply is, without writing it.

use std::io;

use portwright_core::Reply;

struct Counter(u64);

impl io::Write for Counter {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0 = self.0.saturating_add(bytes.len() as u64);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// The bytes of a reply, as JSON.
pub(super) fn of(reply: &Reply) -> u64 {
    let mut counter = Counter(0);
    let counted = match reply {
        Reply::Tool(result) => serde_json::to_writer(&mut counter, result),
        Reply::Resource(result) => serde_json::to_writer(&mut counter, result),
        Reply::Prompt(result) => serde_json::to_writer(&mut counter, result),
        Reply::Completion(result) => serde_json::to_writer(&mut counter, result),
        _ => Ok(()),
    };
    // What can't be written is not sent either.
    counted.map_or(0, |()| counter.0)
}
