//! Dependencies are declared once, each with its reason; lints hold everywhere.

use crate::harness::files::{File, files, text};

use super::report;

#[test]
fn every_dependency_has_its_reason() {
    let manifest = text("Cargo.toml");
    let (_, section) = manifest.split_once("[workspace.dependencies]").expect("the dependencies");
    let section = section.split("\n[").next().unwrap_or(section);
    let findings: Vec<_> = section
        .lines()
        .filter(|line| line.contains(" = ") && !line.starts_with('#') && !line.starts_with("portwright"))
        .filter(|line| line.rsplit_once(" # ").is_none_or(|(_, reason)| reason.trim().len() < 8))
        .map(|line| line.split(' ').next().unwrap_or(line).to_owned())
        .collect();
    report("a dependency says in the root's Cargo.toml why it is there", &findings);
}

/// The manifests of this workspace's crates: not of the fuzz targets, which are a workspace of their own.
fn members() -> impl Iterator<Item = File> {
    files("", &["Cargo.toml"]).into_iter().filter(|file| !file.text.contains("[workspace]"))
}

#[test]
fn every_dependency_is_declared_at_the_root() {
    let mut findings = Vec::new();
    for file in members() {
        let manifest: toml::Table = file.text.parse().expect("a manifest");
        for section in ["dependencies", "dev-dependencies", "build-dependencies"] {
            for (name, value) in manifest.get(section).and_then(|section| section.as_table()).into_iter().flatten() {
                if value.get("workspace").and_then(toml::Value::as_bool) != Some(true) {
                    findings.push(format!("{}: {name}", file.path));
                }
            }
        }
    }
    report("a crate takes its dependencies from the root: `workspace = true`", &findings);
}

#[test]
fn every_crate_takes_the_lints() {
    let bare = |file: &File| !file.text.contains("[lints]\nworkspace = true");
    let findings: Vec<_> = members().filter(bare).map(|file| file.path).collect();
    report("a crate takes the workspace's lints", &findings);
}
