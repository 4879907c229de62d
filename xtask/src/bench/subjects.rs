//! What is measured: which servers, how each is reached, with which calls.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::rc::Rc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};

use super::load::{Calls, Load};
use super::postgres::Postgres;
use super::process::Process;
use super::report::Cell;
use super::wire::{Connection, Wire};

/// Rows of the table that the by-id calls read.
pub(crate) const ROWS: u64 = 10_000;
/// Calls before a measured stretch: connections are opened, caches filled.
pub(crate) const WARM_UP: Duration = Duration::from_millis(200);
/// How long a server may take until it answers its first call: the source behind a tool connects.
const START_WAIT: Duration = Duration::from_secs(20);
/// One connection, and as many as keep it busy.
const FEW_AND_MANY: &[usize] = &[1, 32];
const ONE: &[usize] = &[1];

/// A server, reached one way, with one kind of calls.
pub(crate) struct Subject {
    pub(crate) name: &'static str,
    pub(crate) process: Rc<Process>,
    wire: Wire,
    calls: Calls,
    /// Numbers of connections to measure with.
    pub(crate) connections: &'static [usize],
}

/// Where the programs are that are measured, and where their files go.
pub(crate) struct Programs {
    pub(crate) folder: PathBuf,
    pub(crate) scratch: PathBuf,
}

impl Programs {
    /// All but the database's.
    pub(crate) fn subjects(&self) -> Result<Vec<Subject>> {
        let load = self.load(0)?;
        let on_load = |name, wire, calls, connections| Subject::of(name, &load, wire, calls, connections);
        let mut subjects = vec![
            self.bench_server("floor")?,
            self.bench_server("rmcp")?,
            on_load("http 2026", Wire::Modern, Calls::Echo, FEW_AND_MANY)?,
            on_load("http session", Wire::Legacy, Calls::Echo, FEW_AND_MANY)?,
            on_load("sse", Wire::Sse, Calls::Echo, FEW_AND_MANY)?,
            on_load("websocket", Wire::WebSocket, Calls::Echo, FEW_AND_MANY)?,
            on_load("100 kB", Wire::Modern, Calls::Blob { bytes: 100_000 }, ONE)?,
            on_load("10 MB", Wire::Modern, Calls::Blob { bytes: 10_000_000 }, ONE)?,
        ];
        let catalogs = [
            (10, "call, 10 tools", "list, 10 tools"),
            (1000, "call, 1000 tools", "list, 1000 tools"),
            (10_000, "call, 10000 tools", "list, 10000 tools"),
        ];
        for (tools, call, list) in catalogs {
            let process = self.load(tools)?;
            subjects.push(Subject::of(call, &process, Wire::Modern, Calls::Echo, ONE)?);
            subjects.push(Subject::of(list, &process, Wire::Modern, Calls::List, ONE)?);
        }
        Ok(subjects)
    }

    fn bench_server(&self, name: &'static str) -> Result<Subject> {
        let mut command = Command::new(self.folder.join("xtask"));
        command.args(["bench-server", name]);
        Subject::of(name, &Rc::new(Process::start(command)?), Wire::Modern, Calls::Echo, FEW_AND_MANY)
    }

    /// Portwright with a source that does next to nothing, and so many tools more.
    pub(crate) fn load(&self, tools: u32) -> Result<Rc<Process>> {
        Ok(Rc::new(Process::start(self.load_command(tools)?)?))
    }

    pub(crate) fn load_command(&self, tools: u32) -> Result<Command> {
        let config = self.config(&format!("load_{tools}.toml"), "")?;
        let mut command = Command::new(self.folder.join("examples/load"));
        command.arg(config).arg(tools.to_string());
        Ok(command)
    }

    /// Portwright with a declared tool on PostgreSQL.
    pub(crate) fn by_id(&self, postgres: &Postgres) -> Result<Subject> {
        let config = self.config("by_id.toml", &postgres.config())?;
        let mut command = Command::new(self.folder.join("portwright"));
        command.args(["serve", "--listen", "127.0.0.1:0", "-c"]).arg(config);
        let process = Rc::new(Process::start(command)?);
        Subject::of("portwright by id", &process, Wire::Modern, Calls::ById { rows: ROWS }, FEW_AND_MANY)
    }

    /// A configuration as a careful operator has it: with an audit file.
    pub(crate) fn config(&self, name: &str, sources: &str) -> Result<PathBuf> {
        let file = self.scratch.join(name);
        let audit = file.with_extension("audit.jsonl");
        let text = format!("[server]\nname = \"bench\"\n\n[audit]\nfile = {:?}\n\n{sources}", display(&audit));
        std::fs::write(&file, text).with_context(|| format!("{} can't be written", file.display()))?;
        Ok(file)
    }

    pub(crate) fn sqlite_config(&self) -> Result<PathBuf> {
        let database = self.scratch.join("empty.sqlite");
        std::fs::write(&database, b"")?;
        self.config("start.toml", &format!("[sources.shop]\nkind = \"sqlite\"\npath = {:?}\n", display(&database)))
    }
}

impl Subject {
    fn of(
        name: &'static str,
        process: &Rc<Process>,
        wire: Wire,
        calls: Calls,
        connections: &'static [usize],
    ) -> Result<Self> {
        let subject = Self { name, process: process.clone(), wire, calls, connections };
        let end = Instant::now() + START_WAIT;
        while let Err(error) = subject.load().run(1, Duration::from_millis(1)) {
            if Instant::now() > end {
                return Err(error).with_context(|| format!("{name} does not answer"));
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        Ok(subject)
    }

    fn load(&self) -> Load {
        Load { address: self.process.address, wire: self.wire, calls: self.calls }
    }

    pub(crate) fn measure(&self, connections: usize, stretch: Duration, database: Option<&Postgres>) -> Result<Cell> {
        let database = database.filter(|_| matches!(self.calls, Calls::ById { .. }));
        self.load().run(connections, WARM_UP)?;
        let before = self.process.cpu()?;
        let database_before = database.map(Postgres::cpu).transpose()?;
        let outcome = self.load().run(connections, stretch).with_context(|| self.name.to_owned())?;
        let cpu = self.process.cpu()?.saturating_sub(before);
        let cell = Cell::new(self.name, connections, outcome.latencies, outcome.elapsed, cpu);
        let Some((database, before)) = database.zip(database_before) else { return Ok(cell) };
        Ok(cell.with_database(database.cpu()?.saturating_sub(before)))
    }
}

/// Opens sessions that nobody uses, up to each of `counts`, and tells the resident memory before and at each.
pub(crate) fn idle_sessions(process: &Process, counts: &[u64]) -> Result<Vec<(u64, u64)>> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        // The first one brings what is made once.
        let mut connection = Connection::open(process.address, Wire::Legacy).await?;
        let mut seen = vec![(1, process.memory()?)];
        let mut sessions = 1;
        for count in counts {
            while sessions < *count {
                connection.begin_session().await.with_context(|| format!("after {sessions} sessions"))?;
                sessions += 1;
            }
            seen.push((sessions, process.memory()?));
        }
        Ok(seen)
    })
}

fn display(path: &Path) -> String {
    path.display().to_string()
}
