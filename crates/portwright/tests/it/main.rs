//! The one integration test program: it drives the built binary as its users do.
#![expect(
    clippy::panic,
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "tests fail by panics and tell what they saw"
)]

mod attacks;
mod cli;
mod config;
mod conformance;
mod dashboard;
mod faults;
mod harness;
mod interop;
mod library;
mod packages;
mod telemetry;
mod tidy;
mod transcripts;
