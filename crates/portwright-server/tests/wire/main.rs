//! The server from outside: transcripts over stdio framing and HTTP, the rules of each, hostile input, faults.

#![expect(clippy::panic, reason = "a test that can't go on fails")]

mod asker;
mod asking_rounds;
mod asking_wire;
mod client;
mod faults;
mod hostile;
mod http_rules;
mod keys;
mod listening;
mod records;
mod sessions;
mod shelf;
mod stdio_rules;
mod stopping;
mod support;
mod tasks;
mod transcripts;
mod watching;
