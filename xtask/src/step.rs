//! [`Step`]: one command that a task runs; named, timed, and with a word on what to do when it fails.

use std::io::{BufRead, BufReader, Write};
use std::ops::AddAssign;
use std::process::{Command, Stdio};
use std::time::Instant;

use anyhow::{Context, Result, bail};

/// One command of a task.
#[derive(Debug)]
pub(crate) struct Step {
    name: &'static str,
    command: Command,
    remedy: &'static str,
}

/// Tests that ran, as the test programs count them.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Count {
    pub(crate) passed: u64,
    pub(crate) failed: u64,
    pub(crate) skipped: u64,
}

impl Step {
    /// A step that runs cargo, from the workspace's root.
    pub(crate) fn cargo(name: &'static str, arguments: &[&str], remedy: &'static str) -> Self {
        let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
        command.args(arguments).current_dir(root());
        Self { name, command, remedy }
    }

    pub(crate) fn env(mut self, key: &str, value: &str) -> Self {
        self.command.env(key, value);
        self
    }

    /// Runs it, and says how it went and how long it took.
    pub(crate) fn run(mut self) -> Result<()> {
        let start = self.begin();
        let status = self.command.status().with_context(|| format!("{} could not be started", self.name))?;
        self.end(start, status.success())
    }

    /// Runs it, passes its output on, and adds up the test programs' closing lines. A failed test is no error here, so
    /// that the count can be told; a step that fails without one is.
    pub(crate) fn count(mut self) -> Result<Count> {
        let start = self.begin();
        let mut child = self
            .command
            .stdout(Stdio::piped())
            .spawn()
            .with_context(|| format!("{} could not be started", self.name))?;
        let output = child.stdout.take().context("no output")?;
        let mut count = Count::default();
        let mut printed = std::io::stdout().lock();
        for line in BufReader::new(output).split(b'\n') {
            let line = line?;
            count.add(&String::from_utf8_lossy(&line));
            printed.write_all(&line)?;
            printed.write_all(b"\n")?;
        }
        drop(printed);
        let status = child.wait()?;
        if !status.success() && count.failed == 0 {
            self.end(start, false)?;
        }
        println!("== {}: {:.1} s", self.name, start.elapsed().as_secs_f64());
        Ok(count)
    }

    fn begin(&self) -> Instant {
        println!("== {}", self.name);
        Instant::now()
    }

    fn end(&self, start: Instant, success: bool) -> Result<()> {
        let seconds = start.elapsed().as_secs_f64();
        if !success {
            bail!("{} failed after {seconds:.1} s. {}", self.name, self.remedy);
        }
        println!("== {}: {seconds:.1} s", self.name);
        Ok(())
    }
}

impl AddAssign for Count {
    fn add_assign(&mut self, more: Self) {
        self.passed += more.passed;
        self.failed += more.failed;
        self.skipped += more.skipped;
    }
}

impl Count {
    /// Adds a line such as `test result: ok. 3 passed; 0 failed; 1 ignored; …`.
    fn add(&mut self, line: &str) {
        let Some(numbers) = line.strip_prefix("test result: ") else { return };
        for part in numbers.split([';', '.']) {
            let mut words = part.split_whitespace();
            let (Some(number), Some(what)) = (words.next().and_then(|word| word.parse::<u64>().ok()), words.next())
            else {
                continue;
            };
            match what {
                "passed" => self.passed += number,
                "failed" => self.failed += number,
                "ignored" => self.skipped += number,
                _ => {}
            }
        }
    }
}

/// The workspace's root.
pub(crate) fn root() -> &'static std::path::Path {
    std::path::Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap_or(std::path::Path::new("."))
}

#[cfg(test)]
mod tests {
    use super::Count;

    #[test]
    fn closing_lines_are_added_up() {
        let mut count = Count::default();
        count.add("test result: ok. 3 passed; 0 failed; 1 ignored; 0 measured; 0 filtered out; finished in 0.00s");
        count.add("test some::name ... ok");
        count.add("test result: FAILED. 4 passed; 2 failed; 0 ignored; 0 measured; 9 filtered out; finished in 1.20s");
        assert_eq!(count, Count { passed: 7, failed: 2, skipped: 1 });
    }
}
