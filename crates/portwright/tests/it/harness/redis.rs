//! A Redis server in a folder of its own.

use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};

use super::wait_for;

/// Killed when dropped.
#[derive(Debug)]
pub(crate) struct Redis {
    _folder: tempfile::TempDir,
    process: Child,
    pub(crate) port: u16,
}

impl Redis {
    /// None, out loud, where there is no such program.
    pub(crate) fn start(password: &str) -> Option<Self> {
        let free = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).and_then(|free| free.local_addr()).expect("a port");
        let (folder, port) = (tempfile::tempdir().expect("a folder"), free.port());
        let started = Command::new("redis-server")
            .args(["--bind", "127.0.0.1", "--save", "", "--appendonly", "no", "--requirepass", password, "--port"])
            .arg(port.to_string())
            .current_dir(folder.path())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn();
        let Ok(process) = started else {
            eprintln!("SKIPPED: there is no redis-server here; ./test installs it");
            return None;
        };
        wait_for("Redis", || TcpStream::connect((Ipv4Addr::LOCALHOST, port)).ok());
        Some(Self { _folder: folder, process, port })
    }
}

impl Drop for Redis {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
