//! Calls over standard input and output: one client, one call at a time.

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};

use super::load::{Calls, Outcome};
use super::process::cpu_of;
use super::report::Cell;
use super::wire::{find, hello, initialized};

/// A server that was started for one client; killed when dropped.
pub(crate) struct Pipes {
    child: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
    line: Vec<u8>,
    next: u64,
}

impl Pipes {
    /// Starts it and opens a session.
    pub(crate) fn start(mut command: Command) -> Result<Self> {
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn()?;
        let input = child.stdin.take().context("no input")?;
        let output = BufReader::with_capacity(256 * 1024, child.stdout.take().context("no output")?);
        let mut pipes = Self { child, input, output, line: Vec::new(), next: 1 };
        pipes.send(hello())?;
        pipes.answer()?;
        pipes.send(initialized())?;
        Ok(pipes)
    }

    /// Calls for `duration`.
    pub(crate) fn measure(&mut self, name: &'static str, calls: Calls, duration: Duration) -> Result<Cell> {
        let before = cpu_of(self.child.id())?;
        let outcome = self.run(calls, duration)?;
        let cpu = cpu_of(self.child.id())?.saturating_sub(before);
        Ok(Cell::new(name, 1, outcome.latencies, outcome.elapsed, cpu))
    }

    /// Sends one message, and gives its answer: the line that holds `id`.
    pub(crate) fn ask(&mut self, message: Vec<u8>, id: &str) -> Result<String> {
        self.send(message)?;
        loop {
            let line = String::from_utf8(self.answer()?.to_vec())?;
            if line.contains(id) {
                return Ok(line);
            }
        }
    }

    /// Resident memory at its highest so far, in bytes.
    pub(crate) fn memory_peak(&self) -> Result<u64> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id()))?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).context("no VmHWM")?;
        Ok(line.trim().trim_end_matches(" kB").parse::<u64>()? * 1024)
    }

    fn run(&mut self, calls: Calls, duration: Duration) -> Result<Outcome> {
        let mut latencies = Vec::new();
        let start = Instant::now();
        while start.elapsed() < duration {
            let (question, expected) = calls.question(self.next);
            self.next += 1;
            let message = question.body(false);
            let sent = Instant::now();
            self.send(message)?;
            let answer = self.answer()?;
            latencies.push(u64::try_from(sent.elapsed().as_nanos())?);
            ensure!(find(answer, expected.as_bytes()).is_some(), "an answer lacks {expected:?}");
        }
        Ok(Outcome { latencies, elapsed: start.elapsed() })
    }

    fn send(&mut self, mut message: Vec<u8>) -> Result<()> {
        message.push(b'\n');
        Ok(self.input.write_all(&message)?)
    }

    fn answer(&mut self) -> Result<&[u8]> {
        self.line.clear();
        ensure!(self.output.read_until(b'\n', &mut self.line)? > 0, "the server ended");
        Ok(&self.line)
    }
}

impl Drop for Pipes {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
