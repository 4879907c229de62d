//! What ends before anything is opened.

use std::process::Stdio;

use insta::assert_snapshot;
use serde_json::Value;

use super::Folder;

#[test]
fn a_wrong_configuration_ends_every_command_alike() {
    let folder = Folder::with("[server]\nnmae = \"acme\"\n");
    for command in [&["serve"][..], &["serve", "--stdio"], &["check"], &["list"], &["call", "x"], &["read", "x:y"]] {
        let ended = folder.run(command);
        assert_eq!(ended.code, 3, "{command:?}");
        assert!(ended.errors.contains("did you mean `name`?") && ended.out.is_empty(), "{}", ended.errors);
    }
    assert_snapshot!(folder.run(&["check"]).errors);
}

#[test]
fn no_configuration_at_all() {
    let folder = Folder::with("");
    std::fs::remove_file(folder.file("portwright.toml")).unwrap();
    let ended = folder.run(&["serve"]);
    assert_eq!(ended.code, 3);
    let shown = ended.errors.replace(&*folder.path().to_string_lossy(), "HOME");
    assert_snapshot!(shown);
    assert_eq!(folder.run(&["serve", "-c", "nowhere.toml"]).code, 3);
    let ended = folder.run(&["serve", "-c", "."]);
    assert!(ended.errors.contains("it is a folder"), "{}", ended.errors);
}

#[test]
fn the_configuration_may_be_named_by_the_environment() {
    let folder = Folder::with("");
    std::fs::write(folder.file("other.toml"), "[zoo]\n").unwrap();
    let output = folder.command(["check", "--offline"]).env("PORTWRIGHT_CONFIG", "other.toml").output().unwrap();
    assert_eq!(output.status.code(), Some(3));
    assert!(String::from_utf8_lossy(&output.stderr).contains("other.toml:1:2"));
}

#[test]
fn an_address_beyond_loopback_must_be_allowed_also_on_the_command_line() {
    let ended = Folder::with("").run(&["serve", "--listen", "0.0.0.0:0"]);
    assert_eq!(ended.code, 3);
    assert!(ended.errors.contains("error[open-to-all]: 0.0.0.0:0 can be reached"), "{}", ended.errors);
}

#[test]
fn a_port_in_use() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let ended = Folder::with("").run(&["serve", "--listen", &address]);
    assert_eq!(ended.code, 4);
    assert!(ended.errors.starts_with(&format!("error: can't listen on {address}\n")), "{}", ended.errors);
    assert!(ended.errors.contains("help: another program listens there"), "{}", ended.errors);
}

#[test]
fn servers_that_are_not_there() {
    let folder = Folder::with("");
    let ended = folder.run(&["list", "--url", "http://127.0.0.1:1/mcp"]);
    assert_eq!(ended.code, 4, "{}", ended.errors);
    assert!(ended.errors.contains("http://127.0.0.1:1/mcp can't be reached"), "{}", ended.errors);
    let ended = folder.run(&["list", "--stdio", "--", "/nonexistent/server"]);
    assert_eq!(ended.code, 4, "{}", ended.errors);
    let ended = folder.run(&["list", "--stdio", "--", "/bin/sh", "-c", "exit 1"]);
    assert_eq!(ended.code, 4, "{}", ended.errors);
    let ended = folder.run(&["list", "--url", "ftp://ada:hunter2@x"]);
    assert_eq!(ended.code, 2);
    assert!(!ended.errors.contains("hunter2"), "{}", ended.errors);
}

#[test]
fn a_reader_that_goes_away_is_no_error() {
    let folder = Folder::with("");
    let mut child = folder.command(["schema"]).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(0));
    assert!(output.stderr.is_empty(), "{}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn one_target_at_a_time() {
    let folder = Folder::with("");
    for arguments in
        [&["list", "-c", "a", "--url", "b"][..], &["list", "-c", "a", "--stdio", "--", "b"], &["list", "--stdio"]]
    {
        assert_eq!(folder.run(arguments).code, 2, "{arguments:?}");
    }
}

#[test]
fn the_schema_is_json() {
    let ended = Folder::with("").run(&["schema"]);
    let schema: Value = serde_json::from_str(&ended.out).unwrap();
    assert!(schema["properties"]["listen"].is_object() && schema["properties"]["sources"].is_object());
}

#[test]
fn an_audit_file_that_is_not_there() {
    assert_eq!(Folder::with("").run(&["audit", "verify", "nowhere.jsonl"]).code, 2);
}

#[test]
fn log_levels_are_checked() {
    let ended = Folder::with("").run(&["check", "--offline", "--log-level", "lo=ud=x"]);
    assert_eq!(ended.code, 2);
    assert!(ended.errors.contains("is no log level"), "{}", ended.errors);
}
