//! Imports point the way a request runs, and never back.

use crate::harness::files::{files, text};

use super::report;

/// Which of our crates each crate may depend on, tests apart.
const CRATES: &[(&str, &[&str])] = &[
    ("portwright-core", &[]),
    ("portwright-sources", &["portwright-core"]),
    ("portwright-server", &["portwright-core"]),
    ("portwright", &["portwright-core", "portwright-server", "portwright-sources"]),
];

/// The way of a call through portwright-server. A module may name those after it.
const WAY: &[&str] = &["transport", "session", "guard", "catalog"];

/// What a module may name of one before it: module, path, reason.
const EXCEPTIONS: &[(&str, &str, &str)] = &[
    ("catalog", "crate::guard::validate", "schemas are compiled once, when the catalog is built, not at each call"),
    ("catalog", "crate::guard::sanitize::likeness", "names are compared once, when the catalog is built"),
];

#[test]
fn crates_depend_along_the_diamond() {
    let mut findings = Vec::new();
    for (name, allowed) in CRATES {
        let manifest: toml::Table = text(&format!("crates/{name}/Cargo.toml")).parse().expect("a manifest");
        for section in ["dependencies", "dev-dependencies", "build-dependencies"] {
            let Some(dependencies) = manifest.get(section).and_then(|section| section.as_table()) else { continue };
            let ours = dependencies.keys().filter(|dependency| dependency.starts_with("portwright"));
            for dependency in ours.filter(|dependency| !allowed.contains(&dependency.as_str())) {
                findings.push(format!("{name} must not know {dependency}"));
            }
        }
    }
    report("crates form a diamond: sources and server know only core, the binary knows both", &findings);
}

#[test]
fn the_server_imports_along_the_way_of_a_call() {
    let mut findings = Vec::new();
    for (place, module) in WAY.iter().enumerate() {
        for file in files(&format!("crates/portwright-server/src/{module}"), &[".rs"]) {
            if is_test(&file.path) {
                continue;
            }
            for (line, code) in file.code() {
                let excused = |(which, path, _): &(&str, &str, &str)| which == module && code.contains(path);
                if EXCEPTIONS.iter().any(excused) {
                    continue;
                }
                for back in WAY[..place].iter().filter(|back| names_module(code, back)) {
                    findings.push(format!("{}:{line} looks back to {back}", file.path));
                }
            }
        }
    }
    report("transport, session, guard, catalog: each may name only those after it", &findings);
}

#[test]
fn sources_do_not_know_each_other() {
    let kinds = folders("crates/portwright-sources/src");
    let mut findings = Vec::new();
    for kind in &kinds {
        for file in files(&format!("crates/portwright-sources/src/{kind}"), &[".rs"]) {
            for (line, code) in file.code() {
                for other in kinds.iter().filter(|other| *other != kind && *other != "shared") {
                    if names_module(code, other) {
                        findings.push(format!("{}:{line} knows {other}", file.path));
                    }
                }
            }
        }
    }
    report("a source knows core and shared, and no other source; shared knows none", &findings);
}

#[test]
fn main_is_only_a_door() {
    let lines = text("crates/portwright/src/main.rs").lines().count();
    assert!(lines < 40, "main.rs has {lines} lines; what it does belongs into the library");
}

fn is_test(path: &str) -> bool {
    path.ends_with("/tests.rs") || path.contains("/tests/")
}

/// Whether code names a module of its own crate: `crate::guard::…`, or `guard` within `crate::{…}`.
fn names_module(code: &str, module: &str) -> bool {
    let mut rest = code;
    while let Some(at) = rest.find("crate::") {
        rest = &rest[at + "crate::".len()..];
        let list = rest.strip_prefix('{').map_or(rest, |list| list.split('}').next().unwrap_or(list));
        let named = if rest.starts_with('{') { list } else { list.split(|c: char| !is_word(c)).next().unwrap_or("") };
        if named.split(',').any(|item| item.trim().split("::").next() == Some(module)) {
            return true;
        }
    }
    false
}

fn is_word(letter: char) -> bool {
    letter.is_alphanumeric() || letter == '_'
}

/// The folders in a folder: the kinds of source, with `shared`.
fn folders(path: &str) -> Vec<String> {
    std::fs::read_dir(crate::harness::files::root().join(path))
        .expect("a folder")
        .map(|entry| entry.expect("an entry"))
        .filter(|entry| entry.path().is_dir())
        .map(|entry| entry.file_name().to_string_lossy().into_owned())
        .collect()
}

#[test]
fn modules_are_recognised_in_code() {
    assert!(names_module("use crate::guard::Chain;", "guard"));
    assert!(names_module("use crate::{catalog, guard::Chain};", "guard"));
    assert!(names_module("let x = crate::guard::chain();", "guard"));
    assert!(!names_module("use crate::guardian::X;", "guard"));
    assert!(!names_module("use core::guard;", "guard"));
}
