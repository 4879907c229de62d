//! A PostgreSQL server of the bench's own, and pgbench against it.

use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use tempfile::TempDir;

use super::process::{children_cpu, family_cpu};
use super::report::Cell;

const STATEMENT: &str = "SELECT id, name, email, created_at FROM customers WHERE id = :id";

/// A running server; stopped when dropped.
pub(crate) struct Postgres {
    bin: PathBuf,
    folder: TempDir,
    server: Child,
    rows: u64,
}

impl Postgres {
    /// Starts one with a table of `rows` customers; none if the server programs are missing.
    pub(crate) fn start(rows: u64) -> Result<Option<Self>> {
        let Some(bin) = programs() else { return Ok(None) };
        let folder = tempfile::Builder::new().prefix("portwright-bench-").tempdir()?;
        own(folder.path())?;
        let data = folder.path().join("data");
        let made = unprivileged(&bin.join("initdb"))
            .args(["--auth=trust", "--username=postgres", "--encoding=UTF8", "--no-sync", "-D"])
            .arg(&data)
            .stdout(Stdio::null())
            .status()?;
        if !made.success() {
            bail!("initdb failed");
        }
        let server = unprivileged(&bin.join("postgres"))
            .arg("-D")
            .arg(&data)
            .args(["-c", "listen_addresses=", "-c", "fsync=off", "-c", "log_min_messages=fatal", "-k"])
            .arg(folder.path())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()?;
        let postgres = Self { bin, folder, server, rows };
        postgres.fill()?;
        Ok(Some(postgres))
    }

    /// Its part of a Portwright configuration.
    pub(crate) fn config(&self) -> String {
        format!(
            "[sources.shop]\nkind = \"postgres\"\nurl = \"postgresql:///postgres?host={}&user=reader\"\n\n\
             [tools.customer_by_id]\nsource = \"shop\"\ndescription = \"One customer.\"\nsql = \"{STATEMENT}\"\n\
             [tools.customer_by_id.params]\nid = {{ type = \"integer\", description = \"Customer ID\" }}\n",
            self.folder.path().display()
        )
    }

    /// Runs pgbench with the same statement, prepared once a connection.
    pub(crate) fn pgbench(&self, connections: usize, stretch: u64) -> Result<Cell> {
        let script = self.folder.path().join("by_id.sql");
        std::fs::write(&script, format!("\\set id random(1, {})\n{STATEMENT};\n", self.rows))?;
        let log = self.folder.path().join("log");
        let _ = std::fs::remove_dir_all(&log);
        std::fs::create_dir(&log)?;
        let seconds = stretch.div_ceil(1000).to_string();
        let (before, database) = (children_cpu()?, self.cpu()?);
        let start = Instant::now();
        let status = Command::new(self.bin.join("pgbench"))
            .args(["-M", "prepared", "-n", "-j", "1", "-U", "reader", "-l", "-T", &seconds])
            .args(["-c", &connections.to_string(), "-h"])
            .arg(self.folder.path())
            .arg("-f")
            .arg(&script)
            .arg("--log-prefix")
            .arg(log.join("calls"))
            .arg("postgres")
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status()?;
        if !status.success() {
            bail!("pgbench failed");
        }
        let elapsed = start.elapsed();
        let cpu = children_cpu()?.saturating_sub(before);
        let mut latencies = Vec::new();
        for entry in std::fs::read_dir(&log)? {
            for line in std::fs::read_to_string(entry?.path())?.lines() {
                let microseconds: u64 = line.split(' ').nth(2).context("a short line in pgbench's log")?.parse()?;
                latencies.push(microseconds * 1000);
            }
        }
        let database = self.cpu()?.saturating_sub(database);
        Ok(Cell::new("pgbench", connections, latencies, elapsed, cpu).with_database(database))
    }

    /// CPU time of the server and its connections so far.
    pub(crate) fn cpu(&self) -> Result<Duration> {
        family_cpu(self.server.id())
    }

    fn fill(&self) -> Result<()> {
        let sql = format!(
            "CREATE TABLE customers (id integer PRIMARY KEY, name text NOT NULL, email text NOT NULL, created_at timestamptz \
             NOT NULL); INSERT INTO customers SELECT n, 'Customer ' || n, 'customer ' || n || '@shop.example', now() FROM \
             generate_series(1, {}) n; ANALYZE customers; CREATE ROLE reader LOGIN; GRANT SELECT ON customers TO reader;",
            self.rows
        );
        let end = Instant::now() + Duration::from_secs(20);
        loop {
            let done = Command::new(self.bin.join("psql"))
                .args(["-q", "-U", "postgres", "-h"])
                .arg(self.folder.path())
                .args(["-v", "ON_ERROR_STOP=1", "-c", &sql, "postgres"])
                .stderr(Stdio::null())
                .status()?;
            if done.success() {
                return Ok(());
            }
            if Instant::now() > end {
                bail!("the bench's own PostgreSQL server did not start");
            }
            std::thread::sleep(Duration::from_millis(50));
        }
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        // SIGINT is PostgreSQL's fast shutdown: it ends its own connections.
        let _ = Command::new("kill").args(["-INT", &self.server.id().to_string()]).status();
        let _ = self.server.wait();
    }
}

/// The first in PATH, or the newest of Debian's.
fn programs() -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let mut found: Vec<PathBuf> = std::fs::read_dir("/usr/lib/postgresql")
        .into_iter()
        .flatten()
        .filter_map(|entry| Some(entry.ok()?.path().join("bin")))
        .collect();
    found.sort();
    let mut places = std::env::split_paths(&path).chain(found.into_iter().rev());
    places.find(|bin| ["initdb", "postgres", "pgbench", "psql"].iter().all(|program| bin.join(program).exists()))
}

fn is_root() -> bool {
    std::fs::metadata("/proc/self").is_ok_and(|own| std::os::unix::fs::MetadataExt::uid(&own) == 0)
}

/// PostgreSQL refuses to run as root; then it runs as nobody.
fn unprivileged(program: &std::path::Path) -> Command {
    if !is_root() {
        return Command::new(program);
    }
    let mut command = Command::new("setpriv");
    command.args(["--reuid=nobody", "--regid=nogroup", "--clear-groups"]).arg(program);
    command
}

fn own(folder: &std::path::Path) -> Result<()> {
    if is_root() && !Command::new("chown").arg("nobody:nogroup").arg(folder).status()?.success() {
        bail!("the folder can't be given to nobody");
    }
    Ok(())
}
