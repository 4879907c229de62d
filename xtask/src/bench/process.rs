//! [`Process`]: a program under measurement: its address, its CPU time, its memory, its end.

use std::io::{BufRead, BufReader, Write};
use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

/// The kernel counts CPU time in hundredths of a second, on every Linux.
const TICKS_PER_SECOND: u64 = 100;
/// How long a server may take to say its address.
const START_WAIT: Duration = Duration::from_secs(20);

/// A running program; killed when dropped.
#[derive(Debug)]
pub(crate) struct Process {
    child: Child,
    pub(crate) address: SocketAddr,
}

impl Process {
    /// Starts a server that writes its address (`127.0.0.1:PORT`, anywhere in a line) to standard output or error.
    pub(crate) fn start(mut command: Command) -> Result<Self> {
        let mut child = command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .with_context(|| format!("{command:?} could not be started"))?;
        let (sender, addresses) = mpsc::channel();
        let output = child.stdout.take().context("no output")?;
        let errors = child.stderr.take().context("no error output")?;
        drain(output, sender.clone());
        drain(errors, sender);
        if let Ok(address) = addresses.recv_timeout(START_WAIT) {
            return Ok(Self { child, address });
        }
        let _ = child.kill();
        let _ = child.wait();
        bail!("{command:?} did not say its address")
    }

    /// CPU time so far, user and system.
    pub(crate) fn cpu(&self) -> Result<Duration> {
        cpu_of(self.child.id())
    }

    /// Resident memory now, in bytes.
    pub(crate) fn memory(&self) -> Result<u64> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id()))?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).context("no VmRSS")?;
        let kibibytes: u64 = line.trim().trim_end_matches(" kB").parse()?;
        Ok(kibibytes * 1024)
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Reads a server's output to its end, so that it never blocks, and sends on the first address in it.
fn drain(output: impl std::io::Read + Send + 'static, sender: mpsc::Sender<SocketAddr>) {
    std::thread::spawn(move || {
        let mut sender = Some(sender);
        for line in BufReader::new(output).lines().map_while(Result::ok) {
            if let Some(address) = address(&line)
                && let Some(sender) = sender.take()
            {
                let _ = sender.send(address);
            }
        }
    });
}

fn address(line: &str) -> Option<SocketAddr> {
    let at = line.find("127.0.0.1:")?;
    let rest = &line[at..];
    let end =
        rest.find(|letter: char| !letter.is_ascii_digit() && letter != '.' && letter != ':').unwrap_or(rest.len());
    rest[..end].parse().ok().filter(|address: &SocketAddr| address.port() != 0)
}

/// CPU time of a process: user, system, and both of its children that have ended.
fn times(process: u32) -> Result<(Duration, Duration, Duration)> {
    let stat = std::fs::read_to_string(format!("/proc/{process}/stat"))?;
    // The name in parentheses may hold spaces; what follows does not. See proc(5).
    let fields: Vec<&str> = stat.rsplit_once(')').context("no name")?.1.split_whitespace().collect();
    let ticks = |index: usize| -> Result<Duration> {
        let ticks: u64 = fields.get(index).context("a short stat line")?.parse()?;
        Ok(Duration::from_millis(ticks * 1000 / TICKS_PER_SECOND))
    };
    Ok((ticks(11)?, ticks(12)?, ticks(13)? + ticks(14)?))
}

/// CPU time of a process so far, user and system.
pub(crate) fn cpu_of(process: u32) -> Result<Duration> {
    let (user, system, ..) = times(process)?;
    Ok(user + system)
}

/// CPU time of this process's children that have ended.
pub(crate) fn children_cpu() -> Result<Duration> {
    Ok(times(std::process::id())?.2)
}

/// CPU time of a process and of the processes it started that still run.
pub(crate) fn family_cpu(parent: u32) -> Result<Duration> {
    let (user, system, ended) = times(parent)?;
    let mut sum = user + system + ended;
    for entry in std::fs::read_dir("/proc")? {
        let Some(process) = entry?.file_name().to_str().and_then(|name| name.parse::<u32>().ok()) else { continue };
        let Ok(stat) = std::fs::read_to_string(format!("/proc/{process}/stat")) else { continue };
        let owner = stat.rsplit_once(')').and_then(|(_, rest)| rest.split_whitespace().nth(1)?.parse().ok());
        if owner == Some(parent)
            && let Ok((user, system, _)) = times(process)
        {
            sum += user + system;
        }
    }
    Ok(sum)
}

/// From the start of a program that speaks over standard input and output to its first answer.
pub(crate) fn first_answer(mut command: Command, request: &str) -> Result<Duration> {
    let start = Instant::now();
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn()?;
    let mut input = child.stdin.take().context("no input")?;
    let output = child.stdout.take().context("no output")?;
    input.write_all(request.as_bytes())?;
    input.write_all(b"\n")?;
    let mut line = String::new();
    BufReader::new(output).read_line(&mut line)?;
    let elapsed = start.elapsed();
    drop(input);
    let _ = child.kill();
    let _ = child.wait();
    if !line.contains("\"result\"") {
        bail!("{command:?} answered {line:?}");
    }
    Ok(elapsed)
}

#[cfg(test)]
mod tests {
    use super::address;

    #[test]
    fn addresses_are_found_in_a_line() {
        let port = |line: &str| address(line).map(|found| found.port());
        assert_eq!(port("127.0.0.1:8722"), Some(8722));
        assert_eq!(port("serving http://127.0.0.1:41/mcp now"), Some(41));
        assert_eq!(port("asked for 127.0.0.1:0"), None);
        assert_eq!(port("127.0.0.1"), None);
    }
}
