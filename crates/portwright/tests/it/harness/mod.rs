//! What the tests share: the workspace's files, a running Portwright, clients that speak the protocol byte by byte,
//! databases to serve.

pub(crate) mod duplex;
pub(crate) mod files;
pub(crate) mod postgres;
pub(crate) mod redis;
pub(crate) mod server;
pub(crate) mod shop;
pub(crate) mod wire;

use std::time::{Duration, Instant};

/// How long anything may take that a test waits for. Reached only when something is broken.
pub(crate) const PATIENCE: Duration = Duration::from_mins(1);

/// Looks again and again until `look` finds something; fails with `what` when that takes too long.
pub(crate) fn wait_for<T>(what: &str, look: impl FnMut() -> Option<T>) -> T {
    wait_longer(PATIENCE, what, look)
}

/// The same with a bound of its own.
pub(crate) fn wait_longer<T>(patience: Duration, what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let end = Instant::now() + patience;
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(Instant::now() < end, "waited in vain for {what}");
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// Says out loud that a test was left out, and why.
pub(crate) fn skip(why: &str) {
    let test = std::thread::current().name().unwrap_or_default().to_owned();
    eprintln!("skipped: {test}: {why}");
}
