//! The fixture as a process: the example `conformance`, built and served on a free port.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use serde_json::Value;
use tempfile::TempDir;

use crate::harness::files::root;
use crate::harness::server::{Output, binary, signal};
use crate::harness::wait_for;

/// A running fixture; killed when dropped.
#[derive(Debug)]
pub(super) struct Fixture {
    child: Child,
    folder: TempDir,
    url: String,
    errors: Output,
}

impl Fixture {
    pub(super) fn start() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let config = folder.path().join("portwright.toml");
        std::fs::write(&config, "[server]\nname = \"conformance\"\n[audit]\nfile = \"audit.jsonl\"\n")
            .expect("written");
        let mut child = Command::new(built())
            .arg(&config)
            .env_remove("RUST_LOG")
            .stdin(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the example starts");
        let errors = Output::of(child.stderr.take().expect("errors"));
        let url = wait_for("the fixture's address on standard error", || {
            errors.text().lines().find(|line| line.starts_with("http://")).map(str::to_owned)
        });
        Self { child, folder, url, errors }
    }

    pub(super) fn url(&self) -> String {
        self.url.clone()
    }

    /// A folder that lasts as long as the fixture.
    pub(super) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Every call has left one outcome, and the chain of records is whole.
    pub(super) fn stop_and_check_its_audit(mut self) {
        signal(self.child.id(), "INT");
        let status = wait_for("the fixture's end", || self.child.try_wait().expect("its state"));
        assert!(status.success(), "the fixture ended with {status}: {}", self.errors.text());
        let audit = self.folder().join("audit.jsonl");
        let verified = Command::new(binary()).args(["audit", "verify"]).arg(&audit).output().expect("verified");
        assert!(verified.status.success(), "{}", String::from_utf8_lossy(&verified.stdout));
        let mut outcomes: HashMap<String, usize> = HashMap::new();
        for line in std::fs::read_to_string(&audit).expect("the audit").lines() {
            let record: Value = serde_json::from_str(line).expect("a record");
            let count = outcomes.entry(record["id"].as_str().expect("an id").to_owned()).or_default();
            *count += usize::from(record["outcome"] != "intent");
        }
        outcomes.remove("audit");
        assert!(!outcomes.is_empty(), "nothing was recorded");
        let wrong: Vec<_> = outcomes.iter().filter(|(_, count)| **count != 1).collect();
        assert!(wrong.is_empty(), "not one outcome each: {wrong:?}");
    }
}

impl Drop for Fixture {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Builds the example, so that it is never an old one, and tells where it is: beside the binary.
fn built() -> PathBuf {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let built = Command::new(cargo)
        .args(["build", "--locked", "--package", "portwright", "--example", "conformance"])
        .current_dir(root())
        .output()
        .expect("cargo starts");
    assert!(built.status.success(), "{}", String::from_utf8_lossy(&built.stderr));
    let folder = Path::new(binary()).parent().expect("a folder");
    folder.join("examples").join(format!("conformance{}", std::env::consts::EXE_SUFFIX))
}
