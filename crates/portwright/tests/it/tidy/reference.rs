//! docs/ref is what the binary says of itself today.

use std::fmt::Write;
use std::process::Command;

use crate::harness::files::root;

use super::report;

/// The commands whose help makes the reference of the command line, in the order of their use.
const COMMANDS: &[&str] = &[
    "",
    "demo",
    "serve",
    "check",
    "list",
    "call",
    "read",
    "prompt",
    "audit",
    "audit verify",
    "schema",
    "completions",
    "man",
];

/// With `PORTWRIGHT_GENERATE` in the environment the pages are written; without, they must be as they would be written.
#[test]
fn reference_pages_are_fresh() {
    let generate = std::env::var_os("PORTWRIGHT_GENERATE").is_some();
    let mut findings = Vec::new();
    for (path, fresh) in [("docs/ref/portwright.schema.json", said(&["schema"])), ("docs/ref/cli.md", command_line())] {
        let file = root().join(path);
        if generate {
            std::fs::create_dir_all(root().join("docs/ref")).expect("the folder");
            std::fs::write(&file, &fresh).expect("written");
        } else if std::fs::read_to_string(&file).unwrap_or_default() != fresh {
            findings.push(path.to_owned());
        }
    }
    report("stale pages; `cargo xtask gen` writes them anew", &findings);
}

fn command_line() -> String {
    let mut page = String::from("# The command line\n\nWritten by `cargo xtask gen`.\n");
    for command in COMMANDS {
        let mut arguments: Vec<_> = command.split_whitespace().collect();
        arguments.push("--help");
        let title = format!("portwright {command}");
        let help = said(&arguments);
        let help: Vec<_> = help.trim_end().lines().map(str::trim_end).collect();
        let _ = write!(page, "\n## {}\n\n```text\n{}\n```\n", title.trim_end(), help.join("\n"));
    }
    page
}

/// What the binary prints, at a width and without colours that no machine changes.
fn said(arguments: &[&str]) -> String {
    let output = Command::new(env!("CARGO_BIN_EXE_portwright"))
        .args(arguments)
        .env("COLUMNS", "100")
        .env("NO_COLOR", "1")
        .env_remove("RUST_LOG")
        .output()
        .expect("the binary runs");
    assert!(output.status.success(), "portwright {arguments:?} failed: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("text")
}
