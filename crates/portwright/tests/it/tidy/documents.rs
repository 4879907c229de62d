//! What the documents say is so.

use std::collections::BTreeSet;
use std::process::Command;

use crate::harness::files::{files, root, text};

use super::report;

/// Folders of the machines that this is written on, in two parts so that this file does not hold them.
const MACHINE_PATHS: &[&str] = &[concat!("/wo", "rk/"), concat!("/ro", "ot/")];

/// A database that nothing is asked of: `--offline` opens nothing.
const NOWHERE: &str = "postgresql://nobody:nothing@127.0.0.1:1/nowhere";
const MYSQL_NOWHERE: &str = "mysql://reader@127.0.0.1:9/shop";

#[test]
fn every_invariant_names_a_test_that_exists() {
    let tests = test_functions();
    let document = text("ARCHITECTURE.md");
    let mut findings = Vec::new();
    let mut rows = 0;
    for line in invariants(&document) {
        rows += 1;
        let last = line.trim_end_matches('|').rsplit('|').next().unwrap_or_default();
        let named: Vec<_> = last.split('`').skip(1).step_by(2).collect();
        if named.is_empty() {
            findings.push(format!("no test in: {line}"));
        }
        for name in named.iter().filter_map(|name| name.rsplit("::").next()) {
            if !tests.contains(name) {
                findings.push(format!("no such test: {name}"));
            }
        }
    }
    assert!(rows >= 10, "ARCHITECTURE.md has a table `| invariant | test |`; {rows} rows were found");
    report("each invariant in ARCHITECTURE.md names the test that holds it", &findings);
}

/// The rows of the table whose head ends with `test`.
fn invariants(document: &str) -> impl Iterator<Item = &str> {
    document
        .lines()
        .skip_while(|line| !(line.starts_with('|') && line.to_lowercase().contains("invariant")))
        .skip(2)
        .take_while(|line| line.starts_with('|'))
}

/// The names of all test functions.
fn test_functions() -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    for file in files("", &[".rs"]) {
        let mut marked = false;
        for (_, code) in file.code() {
            let code = code.trim();
            if code.starts_with("#[") || code.starts_with("proptest!") {
                marked |= code.contains("test");
                continue;
            }
            if let Some((_, rest)) = code.split_once("fn ") {
                if marked {
                    names.insert(rest.split('(').next().unwrap_or(rest).to_owned());
                }
                marked = false;
            }
        }
    }
    names
}

#[test]
fn no_path_of_this_machine_stands_in_a_file() {
    let mut findings = Vec::new();
    for file in files("", &["", ".rs", ".md", ".toml", ".txt"]) {
        for (index, line) in file.text.lines().enumerate() {
            if MACHINE_PATHS.iter().any(|path| line.contains(path)) {
                findings.push(format!("{}:{}: {line}", file.path, index + 1));
            }
        }
    }
    report("paths belong to machines, not to the repository", &findings);
}

#[test]
fn configurations_in_documents_are_valid() {
    let mut findings = Vec::new();
    let mut count = 0;
    for file in
        files("", &[".md"]).into_iter().filter(|file| file.path == "README.md" || file.path.starts_with("docs/"))
    {
        for (number, block) in blocks(&file.text, "toml").into_iter().enumerate() {
            count += 1;
            check(&format!("{} block {}", file.path, number + 1), &block, &mut findings);
        }
    }
    assert!(count > 0, "README.md shows no configuration in a ```toml block");
    report("a configuration in a document passes `portwright check --offline`", &findings);
}

#[test]
fn examples_are_valid() {
    let mut findings = Vec::new();
    let examples: Vec<_> = files("examples", &[".toml"]);
    assert!(!examples.is_empty(), "there are no examples");
    for file in examples {
        let output = offline(&root().join(&file.path), &file.text);
        if !output.status.success() {
            findings.push(format!("{}: {}", file.path, words(&output)));
        }
    }
    report("an example passes `portwright check --offline`", &findings);
}

/// The fenced blocks of a language.
fn blocks(document: &str, language: &str) -> Vec<String> {
    let mut blocks = Vec::new();
    let mut open: Option<String> = None;
    for line in document.lines() {
        match &mut open {
            Some(block) if line.starts_with("```") => {
                blocks.push(std::mem::take(block));
                open = None;
            }
            Some(block) => {
                block.push_str(line);
                block.push('\n');
            }
            None if line.trim_end() == format!("```{language}") => open = Some(String::new()),
            None => {}
        }
    }
    blocks
}

fn check(name: &str, config: &str, findings: &mut Vec<String>) {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("portwright.toml");
    std::fs::write(&file, config).expect("written");
    let output = offline(&file, config);
    if !output.status.success() {
        findings.push(format!("{name}: {}", words(&output)));
    }
}

/// Runs `portwright check --offline` with every variable set that the configuration names.
fn offline(file: &std::path::Path, config: &str) -> std::process::Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_portwright"));
    command.args(["check", "--offline", "-c"]).arg(file);
    for name in config.split("${env:").skip(1).filter_map(|rest| rest.split('}').next()) {
        command.env(name, if name.starts_with("MYSQL") { MYSQL_NOWHERE } else { NOWHERE });
    }
    command.output().expect("the binary runs")
}

fn words(output: &std::process::Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}
