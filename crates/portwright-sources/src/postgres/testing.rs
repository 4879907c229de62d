//! A PostgreSQL server for tests: made in a scratch folder, on a free port of 127.0.0.1, ended when dropped.
//!
//! It needs PostgreSQL's server programs. Where they are missing, it says what to install.

#![expect(clippy::expect_used, clippy::missing_panics_doc, reason = "a test that can't have its server must fail")]

use std::fs;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use tempfile::TempDir;

use super::guard::{Author, Guard};
use crate::shared::sql::Access;

/// How long a server may take to start or to end.
const WAIT: Duration = Duration::from_mins(1);

/// A running server. Its superuser is `postgres`; loopback connections are trusted.
#[derive(Debug)]
pub struct Server {
    folder: TempDir,
    /// The server's own programs.
    programs: PathBuf,
    /// `psql` and its like, which a package of a server alone may lack.
    clients: PathBuf,
    process: Option<Child>,
    port: u16,
}

impl Server {
    /// Makes and starts one.
    pub fn start() -> Self {
        Self::start_with(&[], |_| ())
    }

    /// The same, with lines for `postgresql.conf`; `prepare` sees the data folder before the start.
    pub fn start_with(settings: &[&str], prepare: impl FnOnce(&Path)) -> Self {
        Self::make(programs(), settings, prepare)
    }

    /// The same, of another version: its server programs are in this folder, which everybody must be able to read.
    pub fn start_of(programs: impl Into<PathBuf>) -> Self {
        Self::make(programs.into(), &[], |_| ())
    }

    fn make(programs: PathBuf, settings: &[&str], prepare: impl FnOnce(&Path)) -> Self {
        let folder = tempfile::Builder::new().prefix("pw-postgres-").tempdir().expect("a scratch folder");
        own(folder.path());
        let data = folder.path().join("data");
        let made = as_user(&programs.join("initdb"))
            .args(["--username=postgres", "--auth=trust", "--encoding=UTF8", "--locale=C", "--no-sync", "-D"])
            .arg(&data)
            .output()
            .expect("initdb runs");
        assert!(made.status.success(), "initdb: {}", String::from_utf8_lossy(&made.stderr));
        let mut server = Self { folder, programs, clients: self::programs(), process: None, port: 0 };
        let mut lines = vec![
            "listen_addresses = '127.0.0.1'".to_owned(),
            format!("unix_socket_directories = '{}'", server.folder.path().display()),
            "fsync = off".to_owned(),
            "autovacuum = off".to_owned(),
            "max_connections = 60".to_owned(),
            "shared_buffers = 16MB".to_owned(),
            "dynamic_shared_memory_type = mmap".to_owned(),
            "timezone = 'UTC'".to_owned(),
        ];
        lines.extend(settings.iter().map(|&line| line.to_owned()));
        fs::write(data.join("postgresql.auto.conf"), lines.join("\n") + "\n").expect("settings are written");
        prepare(&data);
        own(&data);
        server.launch();
        server
    }

    /// The folder of its data.
    pub fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    pub fn port(&self) -> u16 {
        self.port
    }

    /// Where a role finds a database.
    pub fn url(&self, role: &str, database: &str) -> String {
        format!("postgres://{role}@127.0.0.1:{}/{database}", self.port)
    }

    /// Runs statements as the superuser; gives the first column of each row, tab-separated where there are more.
    pub fn sql(&self, database: &str, sql: &str) -> Vec<String> {
        let done = Command::new(self.clients.join("psql"))
            .args(["-X", "-q", "-A", "-t", "-F", "\t", "-v", "ON_ERROR_STOP=1", "-d"])
            .arg(self.url("postgres", database))
            .args(["-c", sql])
            .output()
            .expect("psql runs");
        assert!(done.status.success(), "{sql}: {}", String::from_utf8_lossy(&done.stderr));
        String::from_utf8_lossy(&done.stdout).lines().map(str::to_owned).collect()
    }

    /// Runs statements one after the other on one session of a role; gives what it printed, or why it failed.
    ///
    /// # Errors
    /// The words of the first statement that failed.
    pub fn session(&self, role: &str, database: &str, statements: &[&str]) -> Result<String, String> {
        let mut psql = Command::new(self.clients.join("psql"));
        psql.args(["-X", "-q", "-A", "-t", "-F", "\t", "-v", "ON_ERROR_STOP=1", "-d"]).arg(self.url(role, database));
        psql.args(statements.iter().flat_map(|&sql| ["-c", sql]));
        let done = psql.output().expect("psql runs");
        if !done.status.success() {
            return Err(String::from_utf8_lossy(&done.stderr).into_owned());
        }
        Ok(String::from_utf8_lossy(&done.stdout).into_owned())
    }

    /// Everything in the cluster, as SQL.
    pub fn dump(&self) -> String {
        let dump =
            Command::new(self.clients.join("pg_dumpall")).arg("-d").arg(self.url("postgres", "postgres")).output();
        let dump = dump.expect("pg_dumpall runs");
        assert!(dump.status.success(), "pg_dumpall: {}", String::from_utf8_lossy(&dump.stderr));
        // A word of the dump's own, which differs from one to the next.
        let lines = String::from_utf8_lossy(&dump.stdout).into_owned();
        lines.lines().filter(|line| !line.contains("restrict ")).collect::<Vec<_>>().join("\n")
    }

    /// Ends it at once, as a crash would, and starts it again on the same port.
    pub fn restart(&mut self) {
        self.stop();
        self.launch();
    }

    /// Ends it.
    pub fn stop(&mut self) {
        let Some(mut process) = self.process.take() else { return };
        let ended = as_user(&self.programs.join("pg_ctl"))
            .args(["stop", "--mode=immediate", "-w", "-D"])
            .arg(self.data())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status();
        if !ended.is_ok_and(|status| status.success()) {
            let _ = process.kill();
        }
        let _ = process.wait();
    }

    fn launch(&mut self) {
        // Another process may take the port between our look and the server's.
        for _ in 0..5 {
            if self.port == 0 {
                let probe = TcpListener::bind("127.0.0.1:0").expect("a free port");
                self.port = probe.local_addr().expect("its address").port();
            }
            let log = fs::File::create(self.folder.path().join("log")).expect("a log");
            let process = as_user(&self.programs.join("postgres"))
                .arg("-D")
                .arg(self.data())
                .args(["-p", &self.port.to_string()])
                .stdout(Stdio::null())
                .stderr(log)
                .spawn()
                .expect("postgres runs");
            self.process = Some(process);
            if self.is_up() {
                return;
            }
            self.stop();
            self.port = 0;
        }
        let log = fs::read_to_string(self.folder.path().join("log")).unwrap_or_default();
        assert!(self.process.is_some(), "the server does not start: {log}");
    }

    fn is_up(&mut self) -> bool {
        let end = Instant::now() + WAIT;
        while Instant::now() < end {
            let ready = Command::new(self.clients.join("pg_isready"))
                .args(["-q", "-h", "127.0.0.1", "-p", &self.port.to_string()])
                .status();
            if ready.is_ok_and(|status| status.success()) {
                return true;
            }
            let ended = self.process.as_mut().is_none_or(|process| process.try_wait().is_ok_and(|end| end.is_some()));
            if ended {
                return false;
            }
            thread::sleep(Duration::from_millis(20));
        }
        false
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stop();
    }
}

/// The newest PostgreSQL that is installed.
fn programs() -> PathBuf {
    let mut places: Vec<PathBuf> =
        std::env::var_os("PATH").map(|path| std::env::split_paths(&path).collect()).unwrap_or_default();
    let versions = fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let mut installed: Vec<PathBuf> = versions.map(|version| version.path().join("bin")).collect();
    installed.sort();
    places.extend(installed.into_iter().rev());
    // What stands on the path may be links to single programs of the folder that has them all.
    let folder = |place: PathBuf| Some(fs::canonicalize(place.join("initdb")).ok()?.parent()?.to_owned());
    let needed = ["initdb", "postgres", "pg_ctl", "pg_isready", "psql"];
    let found =
        places.into_iter().filter_map(folder).find(|folder| needed.iter().all(|program| folder.join(program).exists()));
    found.expect(
        "PostgreSQL's server programs are missing: install them (Debian: apt-get install postgresql postgresql-contrib)",
    )
}

fn is_root() -> bool {
    fs::metadata("/proc/self").is_ok_and(|own| std::os::unix::fs::MetadataExt::uid(&own) == 0)
}

/// The server refuses to run as root.
fn as_user(program: &Path) -> Command {
    if !is_root() {
        return Command::new(program);
    }
    let mut command = Command::new("setpriv");
    command.args(["--reuid=nobody", "--regid=nogroup", "--clear-groups", "--"]).arg(program).current_dir("/");
    command
}

/// Gives a folder to the user that the server runs as.
fn own(folder: &Path) {
    if is_root() {
        let given = Command::new("chown").args(["-R", "nobody:nogroup"]).arg(folder).status();
        assert!(given.is_ok_and(|status| status.success()), "{} can't be given to nobody", folder.display());
    }
}

/// Whether a model's statement passes the read-only guard, which reaches no server.
pub fn passes(sql: &str) -> bool {
    Guard::default().check(sql, Access::ReadOnly, Author::Model).is_ok()
}
