//! `cargo xtask bench`: what a call through Portwright costs, beside what it could cost at least.
//!
//! All numbers come from one run: the servers are started together, each in a process of its own so that its CPU time can
//! be told, and measured in turns; the median of the rounds is printed. Ratios are worth more than the numbers, which
//! belong to the machine.

mod load;
mod postgres;
mod process;
mod report;
mod sanitize;
mod servers;

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use clap::ValueEnum;

use load::{Calls, Load};
use postgres::Postgres;
use process::{Process, first_answer};
use report::{Cell, Memory, Report};

pub(crate) use servers::serve;

use crate::step::{Step, root};

/// Rows of the table that the by-id calls read.
const ROWS: u64 = 10_000;
/// Calls before a measured stretch: connections are opened, caches filled.
const WARM_UP: Duration = Duration::from_millis(200);
/// Starts whose median is the cold start.
const STARTS: usize = 15;

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

/// A server under measurement.
struct Subject {
    name: &'static str,
    process: Process,
    tool: &'static str,
    calls: Calls,
    idle: u64,
}

pub(crate) fn run(options: &Options) -> Result<()> {
    if let Some(folder) = &options.texts {
        return sanitize::run(folder);
    }
    let Some(programs) = &options.programs else { return build_and_restart(options) };
    let folder = tempfile::tempdir()?;
    let programs = Programs { folder: programs.clone(), scratch: folder.path().to_owned() };
    let postgres = Postgres::start(ROWS)?;
    let mut subjects = vec![programs.bench_server("floor")?, programs.bench_server("rmcp")?, programs.echo()?];
    match &postgres {
        Some(postgres) => subjects.push(programs.by_id(postgres)?),
        None => eprintln!("PostgreSQL's programs are not here; the by-id call is left out. ./test installs them."),
    }
    let mut report = Report::default();
    for round in 0..options.rounds {
        for connections in [1, 32] {
            for subject in &subjects {
                let database = postgres.as_ref().filter(|_| matches!(subject.calls, Calls::ById { .. }));
                report.add(subject.measure(connections, options.stretch, database)?);
            }
            if let Some(postgres) = &postgres {
                report.add(postgres.pgbench(connections, options.stretch)?);
            }
        }
        eprintln!("round {} of {} is done", round + 1, options.rounds);
    }
    for subject in &subjects {
        report.memory.push(Memory { name: subject.name, idle: subject.idle, after: subject.process.memory()? });
    }
    drop(subjects);
    programs.cold_starts(&mut report)?;
    report.print(options.json)
}

/// Measures with optimised programs only: builds them and starts this one anew.
fn build_and_restart(options: &Options) -> Result<()> {
    let arguments =
        ["build", "--release", "--locked", "--package", "xtask", "--package", "portwright", "--bins", "--examples"];
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

/// Where the programs are that are measured, and where their files go.
struct Programs {
    folder: PathBuf,
    scratch: PathBuf,
}

impl Programs {
    fn bench_server(&self, name: &'static str) -> Result<Subject> {
        let mut command = Command::new(self.folder.join("xtask"));
        command.args(["bench-server", name]);
        Subject::start(name, command, "echo", Calls::Echo)
    }

    /// Portwright with a source that does nothing: the chain and the wire.
    fn echo(&self) -> Result<Subject> {
        let config = self.config("echo.toml", "")?;
        let mut command = Command::new(self.folder.join("examples/echo"));
        command.arg(config);
        Subject::start("portwright echo", command, "echo", Calls::Echo)
    }

    /// Portwright with a declared tool on PostgreSQL.
    fn by_id(&self, postgres: &Postgres) -> Result<Subject> {
        let config = self.config("by_id.toml", &postgres.config())?;
        let mut command = Command::new(self.folder.join("portwright"));
        command.args(["serve", "--listen", "127.0.0.1:0", "-c"]).arg(config);
        Subject::start("portwright by id", command, "customer_by_id", Calls::ById { rows: ROWS })
    }

    /// A configuration as a careful operator has it: with an audit file.
    fn config(&self, name: &str, sources: &str) -> Result<PathBuf> {
        let file = self.scratch.join(name);
        let audit = self.scratch.join(name).with_extension("audit.jsonl");
        let text =
            format!("[server]\nname = \"bench\"\n\n[audit]\nfile = {:?}\n\n{sources}", audit.display().to_string());
        std::fs::write(&file, text).with_context(|| format!("{} can't be written", file.display()))?;
        Ok(file)
    }

    fn cold_starts(&self, report: &mut Report) -> Result<()> {
        let request = r#"{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":"2025-11-25","capabilities":{},"clientInfo":{"name":"bench","version":"1"}}}"#;
        let mut rmcp = Vec::new();
        let mut ours = Vec::new();
        let config = self.sqlite_config()?;
        for _ in 0..STARTS {
            let mut command = Command::new(self.folder.join("xtask"));
            command.args(["bench-server", "rmcp-stdio"]);
            rmcp.push(first_answer(command, request)?);
            let mut command = Command::new(self.folder.join("portwright"));
            command.args(["serve", "--stdio", "-c"]).arg(&config);
            ours.push(first_answer(command, request)?);
        }
        report.starts.push(("rmcp", median(&mut rmcp)));
        report.starts.push(("portwright, sqlite", median(&mut ours)));
        Ok(())
    }

    fn sqlite_config(&self) -> Result<PathBuf> {
        let database = self.scratch.join("empty.sqlite");
        std::fs::write(&database, b"")?;
        self.config("start.toml", &format!("[sources.shop]\nkind = \"sqlite\"\npath = {:?}\n", display(&database)))
    }
}

impl Subject {
    fn start(name: &'static str, command: Command, tool: &'static str, calls: Calls) -> Result<Self> {
        let process = Process::start(command)?;
        // The first calls wait until the source behind the tool is connected.
        let load = Load { address: process.address, tool, calls };
        let end = std::time::Instant::now() + Duration::from_secs(10);
        while let Err(error) = load.run(1, Duration::from_millis(1)) {
            if std::time::Instant::now() > end {
                return Err(error).with_context(|| format!("{name} does not answer"));
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        let idle = process.memory()?;
        Ok(Self { name, process, tool, calls, idle })
    }

    fn measure(&self, connections: usize, stretch: u64, database: Option<&Postgres>) -> Result<Cell> {
        let load = Load { address: self.process.address, tool: self.tool, calls: self.calls };
        load.run(connections, WARM_UP)?;
        let before = self.process.cpu()?;
        let database_before = database.map(Postgres::cpu).transpose()?;
        let outcome = load.run(connections, Duration::from_millis(stretch)).with_context(|| self.name.to_owned())?;
        let cpu = self.process.cpu()?.saturating_sub(before);
        let cell = Cell::new(self.name, connections, outcome.latencies, outcome.elapsed, cpu);
        let Some((database, before)) = database.zip(database_before) else { return Ok(cell) };
        Ok(cell.with_database(database.cpu()?.saturating_sub(before)))
    }
}

fn display(path: &Path) -> String {
    path.display().to_string()
}

fn median<T: Ord + Copy + Default>(values: &mut [T]) -> T {
    values.sort_unstable();
    values.get(values.len() / 2).copied().unwrap_or_default()
}
