//! `cargo xtask bench`: what a call through Portwright costs, beside what it could cost at least.
//!
//! All numbers come from one run: the servers are started together, each in a process of its own so that its CPU time can
//! be told, and measured in turns; the median of the rounds is printed. Ratios are worth more than the numbers, which
//! belong to the machine.

mod guards;
mod load;
mod postgres;
mod process;
mod report;
mod sanitize;
mod servers;
mod sources;
mod stdio;
mod subjects;
mod wire;

use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use anyhow::{Result, bail};
use clap::ValueEnum;

use load::Calls;
use postgres::Postgres;
use process::first_answer;
use report::{Memory, Report};
use stdio::Pipes;
use subjects::{Programs, ROWS, WARM_UP, idle_sessions};

pub(crate) use servers::serve;

use crate::step::{Step, root};

/// Starts whose median is the cold start.
const STARTS: usize = 15;
/// Sessions that are opened and left alone; the last is as many as there may be.
const IDLE_SESSIONS: &[u64] = &[1000, 10_000];

#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    /// Print the numbers as JSON.
    #[arg(long)]
    json: bool,
    /// Rounds; the median counts.
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..=20))]
    rounds: u32,
    /// Measured milliseconds for each server, number of connections and round.
    #[arg(long, default_value_t = 1500, value_parser = clap::value_parser!(u64).range(100..=20_000))]
    stretch: u64,
    /// Instead, measure the sanitize guard on the labelled texts in this folder. Needs an optimised xtask.
    #[arg(long, value_name = "FOLDER")]
    texts: Option<PathBuf>,
    /// Instead, measure what each guard takes of a call. Needs an optimised xtask.
    #[arg(long, conflicts_with = "texts")]
    guards: bool,
    /// Instead, measure the sources: the bytes of their lists, and a search of files beside ripgrep.
    #[arg(long, conflicts_with_all = ["texts", "guards"])]
    sources: bool,
    /// Measure these programs as they are, without building: a folder with `portwright` and `xtask`.
    #[arg(long, hide = true)]
    programs: Option<PathBuf>,
}

/// Servers that the bench brings itself.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub(crate) enum ServerName {
    /// axum, parsing to a JSON value and answering.
    Floor,
    /// The official Rust SDK over HTTP.
    Rmcp,
    /// The official Rust SDK over standard input and output.
    RmcpStdio,
}

pub(crate) fn run(options: &Options) -> Result<()> {
    if let Some(folder) = &options.texts {
        return sanitize::run(folder);
    }
    if options.guards {
        return guards::run(options.json);
    }
    if options.sources {
        return sources::run(options.json);
    }
    let Some(programs) = &options.programs else { return build_and_restart(options) };
    let folder = tempfile::tempdir()?;
    let programs = Programs { folder: programs.clone(), scratch: folder.path().to_owned() };
    let stretch = Duration::from_millis(options.stretch);
    let postgres = Postgres::start(ROWS)?;
    let mut subjects = programs.subjects()?;
    match &postgres {
        Some(postgres) => subjects.push(programs.by_id(postgres)?),
        None => eprintln!("PostgreSQL's programs are not here; the by-id call is left out. ./test installs them."),
    }
    let idle: Vec<u64> = subjects.iter().map(|subject| subject.process.memory()).collect::<Result<_>>()?;
    let mut pipes = Pipes::start({
        let mut command = programs.load_command(0)?;
        command.arg("--stdio");
        command
    })?;
    let mut report = Report::default();
    for round in 0..options.rounds {
        for subject in &subjects {
            for connections in subject.connections {
                report.add(subject.measure(*connections, stretch, postgres.as_ref())?);
            }
        }
        pipes.measure("stdio", Calls::Echo, WARM_UP)?;
        report.add(pipes.measure("stdio", Calls::Echo, stretch)?);
        for (connections, postgres) in [1, 32].into_iter().zip(postgres.iter().cycle()) {
            report.add(postgres.pgbench(connections, options.stretch)?);
        }
        eprintln!("round {} of {} is done", round + 1, options.rounds);
    }
    for (subject, idle) in subjects.iter().zip(idle) {
        report.memory.push(Memory { name: subject.name, idle, after: subject.process.memory()? });
    }
    drop(subjects);
    drop(pipes);
    let process = programs.load(0)?;
    report.sessions = idle_sessions(&process, IDLE_SESSIONS)?;
    cold_starts(&programs, &mut report)?;
    report.print(options.json)
}

fn cold_starts(programs: &Programs, report: &mut Report) -> Result<()> {
    let request = String::from_utf8(wire::hello())?;
    let mut rmcp = Vec::new();
    let mut ours = Vec::new();
    let config = programs.sqlite_config()?;
    for _ in 0..STARTS {
        let mut command = Command::new(programs.folder.join("xtask"));
        command.args(["bench-server", "rmcp-stdio"]);
        rmcp.push(first_answer(command, &request)?);
        let mut command = Command::new(programs.folder.join("portwright"));
        command.args(["serve", "--stdio", "-c"]).arg(&config);
        ours.push(first_answer(command, &request)?);
    }
    report.starts.push(("rmcp", median(&mut rmcp)));
    report.starts.push(("portwright, sqlite", median(&mut ours)));
    Ok(())
}

/// Measures with optimised programs only: builds them and starts this one anew.
fn build_and_restart(options: &Options) -> Result<()> {
    let arguments = [
        "build",
        "--release",
        "--locked",
        "--package",
        "xtask",
        "--package",
        "portwright",
        "--bins",
        "--example",
        "load",
    ];
    Step::cargo("optimised build", &arguments, "Mend what the compiler says above.").run()?;
    let target = std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root().join("target"), PathBuf::from);
    let programs = target.join("release");
    let mut command = Command::new(programs.join("xtask"));
    command.args(["bench", "--rounds", &options.rounds.to_string(), "--stretch", &options.stretch.to_string()]);
    command.arg("--programs").arg(&programs);
    if options.json {
        command.arg("--json");
    }
    if !command.status()?.success() {
        bail!("the measurement broke off");
    }
    Ok(())
}

fn median<T: Ord + Copy + Default>(values: &mut [T]) -> T {
    values.sort_unstable();
    values.get(values.len() / 2).copied().unwrap_or_default()
}
