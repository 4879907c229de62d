//! The server from outside: transcripts over every transport, the rules of each, hostile input, faults.

#![expect(
    clippy::panic,
    clippy::print_stderr,
    reason = "a test that can't go on fails, and one that is left out says so"
)]

mod approvals;
mod approving;
mod asker;
mod asking_rounds;
mod asking_wire;
mod cards;
mod client;
mod definitions;
mod drift;
mod duplex;
mod duplex_rules;
mod faults;
mod hostile;
mod http_rules;
mod keys;
mod listening;
mod metrics;
mod oauth;
mod policy;
mod records;
mod reload;
mod replicas;
mod replicas_approving;
mod resuming;
mod sanitize;
mod sessions;
mod sharing;
mod shelf;
mod sse_rules;
mod stdio_rules;
mod stopping;
mod support;
mod tasks;
mod till;
mod tls;
mod trace;
mod transcripts;
mod watching;
mod websocket_rules;
