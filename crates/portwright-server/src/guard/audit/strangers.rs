//! Credentials that were refused: whoever shows one that does not hold leaves a record, though nothing was called. So many
//! in a while; the rest is counted in one record, so that a flood of them fills no disk.

use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

use portwright_core::limits;

use super::Audit;
use super::record::{Record, cut};

/// How many were recorded lately, and how many were only counted.
#[derive(Debug, Default)]
pub(super) struct Strangers(Mutex<Window>);

#[derive(Debug, Default)]
struct Window {
    began: Option<Instant>,
    recorded: usize,
    more: u64,
}

impl Audit {
    /// Records that a credential from that address was refused. Nobody waits for it: the caller is refused either way.
    pub(crate) fn stranger(&self, remote: IpAddr, why: &str) {
        let mut window = self.open.strangers.0.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        if window.began.is_none_or(|began| now.duration_since(began) >= limits::AUDIT_STRANGERS_WINDOW) {
            self.tell_more(&mut window);
            (window.began, window.recorded) = (Some(now), 0);
        }
        let args = format!("{{\"remote\":\"{}\"}}", remote.to_canonical());
        if window.recorded < limits::AUDIT_STRANGERS_MAX && self.push(refused(args, Some(why))) {
            window.recorded += 1;
        } else {
            window.more += 1;
        }
    }

    /// Records how many were only counted, if any were.
    pub(super) fn strangers_counted(&self) {
        self.tell_more(&mut self.open.strangers.0.lock().unwrap_or_else(PoisonError::into_inner));
    }

    fn tell_more(&self, window: &mut Window) {
        if window.more > 0 && self.push(refused(format!("{{\"more\":{}}}", window.more), None)) {
            window.more = 0;
        }
    }

    /// False when there is no room.
    fn push(&self, record: Record) -> bool {
        let slot = self.open.queue.reserve();
        slot.map(|slot| self.open.queue.push(record, slot)).is_some()
    }
}

fn refused(args: String, why: Option<&str>) -> Record {
    Record {
        // Nobody: no key and no token has this name.
        principal: Some(String::new()),
        transport: Some("http"),
        decision: Some("deny"),
        rule: why.map(cut),
        error: Some("unauthenticated"),
        ..Record::own("authenticate", "refused", args)
    }
}
