//! Help, completions and manual pages.

use insta::assert_snapshot;

use super::Folder;

#[test]
fn help_texts() {
    let folder = Folder::with("");
    for command in [
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
        "audit tail",
        "audit query",
    ] {
        let mut arguments: Vec<&str> = command.split_whitespace().collect();
        arguments.push("-h");
        let ended = folder.run(&arguments);
        assert_eq!((ended.code, ended.errors.as_str()), (0, ""));
        assert_snapshot!(format!("help {command}").trim().replace(' ', "_"), ended.out);
    }
}

#[test]
fn long_help_lists_exit_codes_and_variables() {
    let ended = Folder::with("").run(&["--help"]);
    for word in ["Exit codes:", "  4  ", "PORTWRIGHT_CONFIG", "RUST_LOG"] {
        assert!(ended.out.contains(word), "{word} is not in\n{}", ended.out);
    }
}

#[test]
fn every_shell_gets_its_completions() {
    let folder = Folder::with("");
    for shell in ["bash", "zsh", "fish", "powershell", "elvish"] {
        let ended = folder.run(&["completions", shell]);
        assert_eq!(ended.code, 0);
        assert!(ended.out.contains("portwright") && ended.out.contains("serve"), "{}", ended.out);
    }
}

#[test]
fn manual_pages() {
    let folder = Folder::with("");
    for (arguments, word) in [(&["man"][..], "portwright"), (&["man", "call"], "KEY=VALUE")] {
        let ended = folder.run(arguments);
        assert!(ended.out.starts_with(".ie") && ended.out.contains(word), "{}", ended.out);
    }
    assert_eq!(folder.run(&["man", "nothing"]).code, 2);
}

#[test]
fn version_and_usage() {
    let folder = Folder::with("");
    let version = folder.run(&["--version"]);
    assert_eq!((version.code, version.out.trim()), (0, concat!("portwright ", env!("CARGO_PKG_VERSION"))));
    let wrong = folder.run(&["serv"]);
    assert_eq!(wrong.code, 2);
    assert!(wrong.errors.contains("'serve'") && wrong.out.is_empty(), "{}", wrong.errors);
    assert_eq!(folder.run(&[]).code, 2);
}
