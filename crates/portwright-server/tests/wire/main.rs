//! The server from outside: transcripts over every transport, the rules of each, hostile input, faults.

#![expect(clippy::panic, reason = "a test that can't go on fails")]

mod approvals;
mod approving;
mod asker;
mod asking_rounds;
mod asking_wire;
mod cards;
mod client;
mod definitions;
mod duplex;
mod duplex_rules;
mod faults;
mod hostile;
mod http_rules;
mod keys;
mod listening;
mod oauth;
mod policy;
mod records;
mod reload;
mod resuming;
mod sanitize;
mod sessions;
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
