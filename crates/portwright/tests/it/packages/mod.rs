//! The packages that `cargo xtask dist` makes, installed from the local files and run as their users would run them.

mod cluster;
mod container;
mod service;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::OnceLock;

use serde_json::Value;

use crate::harness::files::root;

/// The packages of the binary under test, made once.
fn packages() -> &'static Path {
    static MADE: OnceLock<tempfile::TempDir> = OnceLock::new();
    let made = MADE.get_or_init(|| {
        let folder = tempfile::tempdir().expect("a folder");
        let mut dist = Command::new(xtask());
        dist.args(["dist", "--binary", env!("CARGO_BIN_EXE_portwright"), "--output"]).arg(folder.path());
        succeeded(dist.current_dir(root()));
        folder
    });
    made.path()
}

/// The developers' program, which is built with the workspace.
fn xtask() -> PathBuf {
    let built = Path::new(env!("CARGO_BIN_EXE_portwright")).with_file_name("xtask");
    assert!(built.exists(), "{} is missing: cargo build --workspace", built.display());
    built
}

/// Runs a command that must succeed; what it wrote to standard output.
fn succeeded(command: &mut Command) -> String {
    let Output { status, stdout, stderr } = command.output().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    let out = String::from_utf8_lossy(&stdout).into_owned();
    assert!(status.success(), "{command:?}\n{out}\n{}", String::from_utf8_lossy(&stderr));
    out
}

/// The one package whose name ends so.
fn package(end: &str) -> PathBuf {
    let entries = fs::read_dir(packages()).expect("packages").map(|entry| entry.expect("an entry").path());
    let found: Vec<_> = entries.filter(|path| path.to_string_lossy().ends_with(end)).collect();
    assert_eq!(found.len(), 1, "{end}: {found:?}");
    found.into_iter().next().expect("one")
}

/// The program tells its version, and speaks MCP on standard input and output as a client would start it.
fn works(program: &Path, before: &[&str]) {
    let version = succeeded(Command::new(program).args(before).arg("--version"));
    assert_eq!(version.trim(), concat!("portwright ", env!("CARGO_PKG_VERSION")));
    let mut list = Command::new(env!("CARGO_BIN_EXE_portwright"));
    list.args(["list", "--json", "--stdio", "--"]).arg(program).args(before).args(["demo", "--stdio"]);
    let listed: Value = serde_json::from_str(&succeeded(&mut list)).expect("JSON");
    assert!(listed["tools"].to_string().contains("query_customers"), "{listed}");
}

#[test]
fn npm_packages_install_without_a_network_and_run() {
    let folder = tempfile::tempdir().expect("a folder");
    let platform = fs::read_dir(packages()).expect("packages").map(|entry| entry.expect("an entry").path());
    let tarballs: Vec<_> = platform.filter(|path| path.extension().is_some_and(|end| end == "tgz")).collect();
    assert_eq!(tarballs.len(), 2, "{tarballs:?}");
    fs::write(folder.path().join("package.json"), "{\"private\": true}").expect("written");
    let mut install = Command::new("npm");
    install.args(["install", "--offline", "--no-audit", "--no-fund", "--ignore-scripts"]).args(&tarballs);
    succeeded(install.current_dir(folder.path()));
    works(&folder.path().join("node_modules/.bin/portwright"), &[]);
    let broken = folder.path().join("node_modules/@portwright");
    fs::remove_dir_all(broken).expect("removed");
    let without = Command::new(folder.path().join("node_modules/.bin/portwright")).output().expect("node runs");
    let words = String::from_utf8_lossy(&without.stderr).into_owned();
    assert!(!without.status.success() && words.contains("there is no program for"), "{words}");
}

#[test]
fn the_wheel_installs_without_a_network_and_runs() {
    let folder = tempfile::tempdir().expect("a folder");
    let venv = folder.path().join("venv");
    succeeded(Command::new("python3").args(["-m", "venv"]).arg(&venv));
    let mut install = Command::new(venv.join("bin/pip"));
    succeeded(install.args(["install", "--no-index", "--disable-pip-version-check"]).arg(package(".whl")));
    works(&venv.join("bin/portwright"), &[]);
    works(&venv.join("bin/python"), &["-m", "portwright"]);
}

#[test]
fn the_archive_holds_program_licences_manual_and_completions() {
    let folder = tempfile::tempdir().expect("a folder");
    succeeded(Command::new("tar").arg("-xzf").arg(package(".tar.gz")).current_dir(folder.path()));
    let inside = fs::read_dir(folder.path()).expect("unpacked").next().expect("one folder").expect("an entry").path();
    works(&inside.join("portwright"), &[]);
    for file in ["LICENSE-APACHE", "LICENSE-MIT", "man/portwright.1", "completions/portwright.bash"] {
        assert!(fs::metadata(inside.join(file)).is_ok_and(|found| found.len() > 0), "{file}");
    }
}

#[test]
fn the_bundle_is_what_desktop_clients_take() {
    let folder = tempfile::tempdir().expect("a folder");
    let tool = root().join(".tools/packages/node_modules/.bin/mcpb");
    assert!(tool.exists(), "{} is missing; run ./test, it installs it", tool.display());
    let inside = folder.path().join("bundle");
    succeeded(Command::new(&tool).arg("unpack").arg(package(".mcpb")).arg(&inside));
    succeeded(Command::new(&tool).arg("validate").arg(inside.join("manifest.json")));
    let manifest: Value =
        serde_json::from_str(&fs::read_to_string(inside.join("manifest.json")).expect("a manifest")).expect("JSON");
    // Started as a client starts it, with its own folder and the file that the person chose filled in.
    fs::write(folder.path().join("mine.toml"), "[resources.\"notes://a\"]\ntext = \"Here.\"\n").expect("written");
    let configuration = folder.path().join("mine.toml").display().to_string();
    let filled = |text: &Value| {
        let text = text.as_str().expect("text").replace("${__dirname}", &inside.display().to_string());
        text.replace("${user_config.configuration}", &configuration)
    };
    let start = &manifest["server"]["mcp_config"];
    let mut read = Command::new(env!("CARGO_BIN_EXE_portwright"));
    read.args(["read", "notes://a", "--stdio", "--"]).arg(filled(&start["command"]));
    read.args(start["args"].as_array().expect("arguments").iter().map(filled));
    assert!(succeeded(&mut read).contains("Here."));
}

#[test]
fn the_registry_s_entry_names_what_was_made() {
    let entry: Value = serde_json::from_str(&fs::read_to_string(package("server.json")).expect("read")).expect("JSON");
    let bundle = package(".mcpb");
    let sum = succeeded(Command::new("sha256sum").arg(&bundle));
    let named = entry["packages"].as_array().expect("packages");
    let of = |kind: &str| named.iter().find(|package| package["registryType"] == kind).expect(kind);
    assert_eq!(of("mcpb")["fileSha256"].as_str(), sum.split_whitespace().next());
    let name = bundle.file_name().and_then(|name| name.to_str()).expect("a name");
    assert!(of("mcpb")["identifier"].as_str().is_some_and(|url| url.ends_with(name)));
    for kind in ["npm", "pypi"] {
        assert_eq!(of(kind)["version"], env!("CARGO_PKG_VERSION"), "{kind}");
    }
    assert!(entry["description"].as_str().is_some_and(|text| (1..=100).contains(&text.len())), "the registry's bound");
    let sums = fs::read_to_string(package("SHA256SUMS")).expect("sums");
    assert_eq!(sums.lines().count(), fs::read_dir(packages()).expect("packages").count() - 1, "{sums}");
    succeeded(Command::new("sha256sum").args(["--check", "--strict", "SHA256SUMS"]).current_dir(packages()));
}

#[test]
fn cargo_installs_it() {
    let folder = tempfile::tempdir().expect("a folder");
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let target = Path::new(env!("CARGO_BIN_EXE_portwright")).parent().and_then(Path::parent).expect("a target folder");
    let mut install = Command::new(cargo);
    install.args(["install", "--quiet", "--debug", "--locked", "--offline", "--path"]);
    install.arg(root().join("crates/portwright")).arg("--root").arg(folder.path());
    succeeded(install.arg("--target-dir").arg(target));
    works(&folder.path().join("bin/portwright"), &[]);
}
