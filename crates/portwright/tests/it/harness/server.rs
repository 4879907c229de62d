//! [`Portwright`]: the built binary as a running HTTP server.

use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex};

use serde_json::Value;

use super::wait_for;
use super::wire::{self, HttpAnswer};

/// A running server; killed when dropped.
#[derive(Debug)]
pub(crate) struct Portwright {
    child: Child,
    pub(crate) address: SocketAddr,
    errors: Output,
    output: Output,
}

/// What a process wrote so far.
#[derive(Debug, Clone, Default)]
pub(crate) struct Output(Arc<Mutex<String>>);

/// The binary that was built with these tests.
pub(crate) fn binary() -> &'static str {
    env!("CARGO_BIN_EXE_portwright")
}

/// `portwright serve` on a configuration; the caller adds to it.
pub(crate) fn serve(config: &Path) -> Command {
    let mut command = Command::new(binary());
    command.arg("serve").arg("-c").arg(config).env_remove("RUST_LOG");
    command
}

impl Portwright {
    /// Serves a configuration on a free port and waits until every source is connected.
    pub(crate) fn start(config: &Path) -> Self {
        let server = Self::listening(serve(config));
        server.wait_ready();
        server
    }

    /// Starts a command on a free port and waits until it listens.
    pub(crate) fn listening(mut command: Command) -> Self {
        command.args(["--listen", "127.0.0.1:0"]);
        Self::started(command)
    }

    /// The same where its configuration says.
    pub(crate) fn started(mut command: Command) -> Self {
        let mut child = command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the binary starts");
        let errors = Output::of(child.stderr.take().expect("errors"));
        let output = Output::of(child.stdout.take().expect("output"));
        let address = wait_for("the server's address on standard error", || {
            if let Some(status) = child.try_wait().expect("its state") {
                panic!("the server ended with {status}: {}", errors.text());
            }
            errors.text().lines().find_map(address)
        });
        Self { child, address, errors, output }
    }

    /// Waits until `/ready` says yes.
    pub(crate) fn wait_ready(&self) {
        wait_for("/ready", || (self.get("/ready").status == 200).then_some(()));
    }

    /// Waits until `/health` satisfies a condition, and gives it.
    pub(crate) fn wait_health(&self, what: &str, condition: impl Fn(&Value) -> bool) -> Value {
        wait_for(what, || {
            let health: Value = serde_json::from_str(&self.get("/health").body).ok()?;
            condition(&health).then_some(health)
        })
    }

    pub(crate) fn get(&self, path: &str) -> HttpAnswer {
        wire::exchange(self.address, &format!("GET {path} HTTP/1.1\r\nHost: {}\r\n\r\n", self.address))
    }

    /// What it wrote to standard error so far.
    pub(crate) fn errors(&self) -> String {
        self.errors.text()
    }

    /// What it wrote to standard output so far.
    pub(crate) fn output(&self) -> String {
        self.output.text()
    }

    /// Asks it to stop, as an operator's supervisor does.
    pub(crate) fn terminate(&self) {
        signal(self.child.id(), "TERM");
    }

    /// Asks it to read its configuration again.
    pub(crate) fn hang_up(&self) {
        signal(self.child.id(), "HUP");
    }

    /// Waits until it has ended.
    pub(crate) fn wait_end(&mut self) -> ExitStatus {
        wait_for("the server's end", || self.child.try_wait().expect("its state"))
    }
}

impl Drop for Portwright {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        if std::thread::panicking() {
            eprintln!("--- the server wrote:\n{}{}", self.errors.text(), self.output.text());
        }
    }
}

impl Output {
    /// Reads to the end in the background, so that the writer never blocks.
    pub(crate) fn of(source: impl std::io::Read + Send + 'static) -> Self {
        let output = Self::default();
        let written = output.clone();
        std::thread::spawn(move || {
            for line in BufReader::new(source).split(b'\n').map_while(Result::ok) {
                let mut text = written.0.lock().expect("no panic while writing");
                text.push_str(&String::from_utf8_lossy(&line));
                text.push('\n');
            }
        });
        output
    }

    pub(crate) fn text(&self) -> String {
        self.0.lock().expect("no panic while writing").clone()
    }
}

/// Sends a signal to a process that a test started.
pub(crate) fn signal(process: u32, name: &str) {
    let sent = Command::new("kill").arg(format!("-{name}")).arg(process.to_string()).status();
    assert!(sent.is_ok_and(|status| status.success()), "SIG{name} could not be sent");
}

/// The first address with a port in a line.
fn address(line: &str) -> Option<SocketAddr> {
    let rest = &line[line.find("127.0.0.1:")?..];
    let end =
        rest.find(|letter: char| !letter.is_ascii_digit() && letter != '.' && letter != ':').unwrap_or(rest.len());
    rest[..end].parse().ok().filter(|address: &SocketAddr| address.port() != 0)
}
