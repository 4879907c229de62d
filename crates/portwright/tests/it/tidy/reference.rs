//! docs/ref is what the binary says of itself today.

use std::fmt::Write;
use std::process::Command;

use crate::harness::files::root;

use super::report;

/// With `PORTWRIGHT_GENERATE` in the environment the pages are written; without, they must be as they would be written.
#[test]
fn reference_pages_are_fresh() {
    let generate = std::env::var_os("PORTWRIGHT_GENERATE").is_some();
    let mut findings = Vec::new();
    let pages = [
        ("docs/ref/portwright.schema.json", said(&["schema"])),
        ("docs/ref/cli.md", command_line()),
        ("docs/ref/attacks.md", crate::attacks::page()),
        ("docs/ref/lint.md", lint_rules()),
    ];
    for (path, fresh) in pages {
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
    describe(&[], &mut page);
    page
}

/// Adds a command's help, and after it that of the commands within.
fn describe(command: &[&str], page: &mut String) {
    let help = said(&[command, &["--help"]].concat());
    let lines: Vec<_> = help.trim_end().lines().map(str::trim_end).collect();
    let title = [&["portwright"], command].concat().join(" ");
    let _ = write!(page, "\n## {title}\n\n```text\n{}\n```\n", lines.join("\n"));
    let listed = lines.iter().skip_while(|line| **line != "Commands:").skip(1).take_while(|line| !line.is_empty());
    let names = listed.filter_map(|line| line.strip_prefix("  ")?.split(' ').next()).filter(|name| !name.is_empty());
    for name in names.filter(|name| *name != "help") {
        describe(&[command, &[name]].concat(), page);
    }
}

fn lint_rules() -> String {
    let rules: Vec<serde_json::Value> = serde_json::from_str(&said(&["lint", "--rules", "--json"])).expect("JSON");
    let mut page = String::from(
        "# Rules of lint\n\nWritten by `cargo xtask gen`. `portwright lint --allow RULE` leaves one out.\n",
    );
    for rule in rules {
        let text = |key: &str| rule[key].as_str().unwrap_or_default().to_owned();
        let _ = write!(page, "\n## {}\n\n{} ({})\n\n", text("id"), text("reason"), text("severity"));
        let _ = write!(page, "- bad: {}\n- good: {}\n- fix: {}\n", text("bad"), text("good"), text("fix"));
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
