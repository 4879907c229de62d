//! What developers of Portwright run: `cargo xtask check | gen | interop | conformance | attacks | bench | dist | fuzz`.

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a command-line tool for developers talks to them")]

mod bench;
mod check;
mod dist;
mod fuzz;
mod step;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

#[derive(Debug, Parser)]
#[command(name = "cargo xtask", about = "What developers of Portwright run.")]
struct Arguments {
    #[command(subcommand)]
    task: Task,
}

#[derive(Debug, Subcommand)]
enum Task {
    /// Everything that must hold before a commit: format, lints, documentation, all tests.
    Check,
    /// Write docs/ref anew from the binary: the configuration's schema, the command line's help.
    Gen,
    /// Drive the binary with the official clients and print which of them agrees with it, on which transport and database.
    Interop,
    /// Run the official conformance suite against the library's fixture and print what it found, for both eras.
    Conformance,
    /// Try every known attack on the built binary and print what was tried, what stopped it, and what was seen.
    Attacks,
    /// Measure Portwright beside a bare HTTP server, the official Rust SDK and pgbench, all in one run.
    Bench(bench::Options),
    /// Make the packages of this platform: archive, npm, wheel, Debian package, MCP bundle, registry entry.
    Dist(dist::Options),
    /// Throw generated input at the way of a message, for some time.
    Fuzz(fuzz::Options),
    /// One of the servers that `bench` measures.
    #[command(hide = true)]
    BenchServer { server: bench::ServerName },
}

fn main() -> ExitCode {
    match run(Arguments::parse().task) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("\nxtask: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(task: Task) -> anyhow::Result<()> {
    match task {
        Task::Check => check::run(),
        Task::Gen => check::generate(),
        Task::Interop => check::interop(),
        Task::Conformance => check::conformance(),
        Task::Attacks => check::attacks(),
        Task::Bench(options) => bench::run(&options),
        Task::Dist(options) => dist::run(&options),
        Task::Fuzz(options) => fuzz::run(&options),
        Task::BenchServer { server } => bench::serve(server),
    }
}
