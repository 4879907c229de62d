//! A MariaDB server for tests: made in a scratch folder, on a free port of 127.0.0.1, ended when dropped.
//!
//! It needs MariaDB's server programs. Where they are missing, it says what to install.

#![expect(clippy::expect_used, clippy::missing_panics_doc, reason = "a test that can't have its server must fail")]

use std::fs;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use tempfile::TempDir;

/// How long a server may take to start or to end.
const WAIT: Duration = Duration::from_mins(1);

/// A running server. Its user `root` has all privileges and no password.
#[derive(Debug)]
pub struct Server {
    folder: TempDir,
    settings: Vec<String>,
    process: Option<Child>,
    port: u16,
}

impl Server {
    /// Makes and starts one.
    pub fn start() -> Self {
        Self::start_with(&[])
    }

    /// The same, with options of `mariadbd`: `--local-infile=1`.
    pub fn start_with(settings: &[&str]) -> Self {
        let folder = tempfile::Builder::new().prefix("pw-mariadb-").tempdir().expect("a scratch folder");
        own(folder.path());
        let settings = settings.iter().map(|&setting| setting.to_owned()).collect();
        let mut server = Self { folder, settings, process: None, port: 0 };
        let made = as_user(&program("mariadb-install-db"))
            .args(["--no-defaults", "--auth-root-authentication-method=normal", "--skip-test-db"])
            .arg(format!("--datadir={}", server.data().display()))
            .arg("--innodb-log-file-size=8M")
            // Not the folder that all servers share.
            .env("TMPDIR", server.folder.path())
            .output()
            .expect("mariadb-install-db runs");
        assert!(made.status.success(), "mariadb-install-db: {}", String::from_utf8_lossy(&made.stderr));
        server.launch();
        server
    }

    fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    fn socket(&self) -> PathBuf {
        self.folder.path().join("sock")
    }

    pub fn port(&self) -> u16 {
        self.port
    }

    /// A folder that the server may write to.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Where a user finds a database.
    pub fn url(&self, user: &str, database: &str) -> String {
        format!("mysql://{user}@127.0.0.1:{}/{database}", self.port)
    }

    /// Runs statements as `root`; gives each row's columns, tab-separated.
    pub fn sql(&self, database: &str, sql: &str) -> Vec<String> {
        let done = self.client().arg(format!("--database={database}")).args(["-e", sql]).output();
        let done = done.expect("the client runs");
        assert!(done.status.success(), "{sql}: {}", String::from_utf8_lossy(&done.stderr));
        String::from_utf8_lossy(&done.stdout).lines().map(str::to_owned).collect()
    }

    fn client(&self) -> Command {
        let mut client = Command::new(program("mariadb"));
        client.args([
            "--no-defaults",
            "--user=root",
            "--batch",
            "--skip-column-names",
            "--default-character-set=utf8mb4",
        ]);
        client.arg(format!("--socket={}", self.socket().display()));
        client
    }

    /// Everything in a database, as SQL.
    pub fn dump(&self, database: &str) -> String {
        let dump = Command::new(program("mariadb-dump"))
            .args(["--no-defaults", "--user=root", "--skip-dump-date", "--routines", "--triggers", "--events"])
            .arg(format!("--socket={}", self.socket().display()))
            .arg(database)
            .output()
            .expect("mariadb-dump runs");
        assert!(dump.status.success(), "mariadb-dump: {}", String::from_utf8_lossy(&dump.stderr));
        String::from_utf8_lossy(&dump.stdout).into_owned()
    }

    /// Ends it at once, as a crash would, and starts it again on the same port.
    pub fn restart(&mut self) {
        self.stop();
        self.launch();
    }

    /// Ends it.
    pub fn stop(&mut self) {
        let Some(mut process) = self.process.take() else { return };
        let _ = process.kill();
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
            let process = as_user(&program("mariadbd"))
                .args(["--no-defaults", "--bind-address=127.0.0.1", "--skip-name-resolve", "--skip-log-bin"])
                .args(["--innodb-buffer-pool-size=16M", "--innodb-log-file-size=8M", "--performance-schema=OFF"])
                .args(["--innodb-flush-log-at-trx-commit=0", "--max-connections=60", "--secure-file-priv="])
                .arg(format!("--datadir={}", self.data().display()))
                .arg(format!("--socket={}", self.socket().display()))
                .arg(format!("--pid-file={}", self.folder.path().join("pid").display()))
                .arg(format!("--port={}", self.port))
                .args(&self.settings)
                .env("TMPDIR", self.folder.path())
                .stdout(Stdio::null())
                .stderr(log)
                .spawn()
                .expect("mariadbd runs");
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
            let ready = self.client().args(["-e", "SELECT 1"]).stdout(Stdio::null()).stderr(Stdio::null()).status();
            if ready.is_ok_and(|status| status.success()) {
                return true;
            }
            let ended = self.process.as_mut().is_none_or(|process| process.try_wait().is_ok_and(|end| end.is_some()));
            if ended {
                return false;
            }
            thread::sleep(Duration::from_millis(50));
        }
        false
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stop();
    }
}

/// One of MariaDB's programs.
fn program(name: &str) -> PathBuf {
    let path = std::env::var_os("PATH").map(|path| std::env::split_paths(&path).collect::<Vec<_>>());
    let places = path.unwrap_or_default().into_iter().chain(["/usr/sbin".into(), "/usr/local/sbin".into()]);
    let found = places.map(|place| place.join(name)).find(|program| program.exists());
    found.expect("MariaDB's server programs are missing: install them (Debian: apt-get install mariadb-server)")
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
