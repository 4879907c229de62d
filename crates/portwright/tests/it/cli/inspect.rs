//! `portwright inspect` on a terminal: a tool is found, filled in and called, and its messages are seen.

use std::process::Command;

use serde_json::json;

use super::Folder;
use crate::harness::files::root;
use crate::harness::server::binary;

#[test]
fn a_person_calls_a_tool_and_sees_the_messages() {
    // Only what changes is drawn, so what is waited for stands where nothing stood before.
    let keys = json!([
        ["", "query_customers"],
        ["/query", "query"],
        ["\r", "leave"],
        ["\r", "[ Call ]"],
        ["ada.b", "b█"],
        ["\u{13}", "ada.bennett@example.com"],
        ["m", "tools/call"],
        ["\u{1b}", "leave"],
    ]);
    let mut drive = Command::new("python3");
    drive.arg(root().join("tests/inspect/drive.py")).arg(keys.to_string());
    drive.args([binary(), "inspect", "--stdio", "--", binary(), "demo", "--stdio"]);
    let ended = drive.output().expect("python3 runs");
    assert!(
        ended.status.success(),
        "{}{}",
        String::from_utf8_lossy(&ended.stdout),
        String::from_utf8_lossy(&ended.stderr)
    );
}

#[test]
fn without_a_terminal_it_says_what_to_use() {
    let ended = Folder::with("").run(&["inspect"]);
    assert_eq!(ended.code, 2);
    assert!(
        ended.errors.contains("needs a terminal") && ended.errors.contains("`portwright list`"),
        "{}",
        ended.errors
    );
}
