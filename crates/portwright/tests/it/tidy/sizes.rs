//! Files stay small enough to read, and are named for what they hold.

use crate::harness::files::{File, files};

use super::report;

const LINES_MAX: usize = 400;

/// Files that are longer, with their lines. This list only shrinks: an entry that is too wide is a finding too.
const LONGER: &[(&str, usize)] = &[];

/// Names that say nothing, or that belong to other houses.
const NAMES: &[&str] = &["util", "utils", "helper", "helpers", "common", "manager", "imp"];

#[test]
fn files_are_short() {
    let mut findings = Vec::new();
    for file in rust() {
        let lines = file.text.lines().count();
        let allowed = LONGER.iter().find(|(path, _)| *path == file.path).map_or(LINES_MAX, |(_, lines)| *lines);
        if lines > allowed {
            findings.push(format!("{} has {lines} lines, {allowed} are allowed", file.path));
        }
        if allowed > LINES_MAX && allowed > lines.max(LINES_MAX) {
            findings.push(format!("{} has {lines} lines: lower its entry in LONGER", file.path));
        }
    }
    for (path, _) in LONGER {
        if !crate::harness::files::root().join(path).exists() {
            findings.push(format!("{path} is gone: remove its entry in LONGER"));
        }
    }
    report("a file has at most 400 lines", &findings);
}

#[test]
fn modules_are_named_for_what_they_hold() {
    let mut findings = Vec::new();
    for file in rust() {
        let stem = file.path.trim_end_matches(".rs");
        for part in stem.split('/').filter(|part| NAMES.contains(part)) {
            findings.push(format!("{}: {part}", file.path));
        }
        for (line, code) in file.code() {
            let name = code.trim().trim_start_matches("pub(crate) ").trim_start_matches("pub ").strip_prefix("mod ");
            if let Some(name) = name.map(|rest| rest.trim_end_matches([';', '{', ' ']))
                && NAMES.contains(&name)
            {
                findings.push(format!("{}:{line}: {name}", file.path));
            }
        }
    }
    report("a module is named for what it holds", &findings);
}

#[test]
fn modules_say_what_they_are_for() {
    let findings: Vec<_> = rust()
        .into_iter()
        .filter(|file| !file.path.ends_with("/tests.rs") && !file.text.starts_with("//!"))
        .map(|file| file.path)
        .collect();
    report("a module starts with `//!`: what it is for, what it does not know", &findings);
}

fn rust() -> Vec<File> {
    files("", &[".rs"])
}
