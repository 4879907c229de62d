//! `portwright install`: what it writes is started exactly as written, and speaks MCP.

use std::fs;
use std::process::Command;

use serde_json::{Value, json};

use super::Folder;
use crate::harness::files::text;
use crate::harness::server::binary;

const CONFIG: &str = "[server]\nname = \"notes\"\n[resources.\"notes://a\"]\ntext = \"Here.\"\n";

/// Starts an entry as a client does, and reads a resource through it.
fn works(entry: &Value) {
    let command = entry["command"].as_str().expect("a command");
    let arguments = entry["args"].as_array().expect("arguments").iter().filter_map(Value::as_str);
    let mut read = Command::new(binary());
    read.args(["read", "notes://a", "--stdio", "--", command]).args(arguments);
    let told = read.output().expect("the binary runs");
    assert_eq!(String::from_utf8_lossy(&told.stdout), "Here.\n", "{}", String::from_utf8_lossy(&told.stderr));
}

#[test]
fn entries_are_started_as_they_are_written() {
    let folder = Folder::with(CONFIG);
    let json_of = |file: &str| -> Value {
        serde_json::from_str(&fs::read_to_string(folder.file(file)).expect(file)).expect("JSON")
    };
    for (client, file, keys) in [
        ("claude-code", ".claude.json", "/mcpServers/notes"),
        ("claude-desktop", ".config/Claude/claude_desktop_config.json", "/mcpServers/notes"),
        ("vscode", ".config/Code/User/mcp.json", "/servers/notes"),
    ] {
        let done = folder.run(&["install", client, "--json"]);
        assert_eq!(done.code, 0, "{client}: {}", done.errors);
        works(json_of(file).pointer(keys).expect(client));
    }
    assert_eq!(folder.run(&["install", "codex"]).code, 0);
    let codex: toml::Table =
        fs::read_to_string(folder.file(".codex/config.toml")).expect("written").parse().expect("TOML");
    works(&serde_json::to_value(&codex["mcp_servers"]["notes"]).expect("values"));

    let listed = folder.run(&["install", "list", "--json"]);
    let listed: Value = serde_json::from_str(&listed.out).expect("JSON");
    let of =
        |id: &str| listed.as_array().into_iter().flatten().find(|client| client["client"] == id).cloned().expect(id);
    assert_eq!(of("codex")["entries"], json!(["notes"]));
    // The guide knows all of them.
    let guide = text("docs/guide/clients.md");
    for client in listed.as_array().into_iter().flatten() {
        let row = format!(
            "| `{}` | [{}]({})",
            client["client"].as_str().unwrap(),
            client["name"].as_str().unwrap(),
            client["docs"].as_str().unwrap()
        );
        assert!(guide.contains(&row), "docs/guide/clients.md lacks: {row}");
    }
    assert_eq!((&of("zed")["found"], &of("zed")["entries"]), (&json!(false), &json!([])));
    assert_eq!(folder.run(&["install", "codex", "--uninstall"]).code, 0);
    assert!(!fs::read_to_string(folder.file(".codex/config.toml")).expect("there").contains("notes"));
}

#[test]
fn a_stranger_s_file_is_not_overwritten() {
    let folder = Folder::with(CONFIG);
    let file = folder.file(".mcp.json");
    for (text, words) in [
        ("{\n  \"mcpServers\": {\n", "is broken at 2:"),
        ("{\"mcpServers\": {\"notes\": {\"command\": \"npx\"}}}", "an entry `notes` that is not ours"),
        ("{\"mcpServers\": 7}", "another form than Claude Code documents"),
    ] {
        fs::write(&file, text).expect("written");
        let refused = folder.run(&["install", "claude-code", "--scope", "project"]);
        assert_eq!(refused.code, 6, "{text}: {}", refused.errors);
        assert!(refused.errors.contains(words), "{text}: {}", refused.errors);
        assert_eq!(fs::read_to_string(&file).expect("there"), text);
    }
    let shown = folder.run(&["install", "claude-code", "--print"]);
    assert!(shown.code == 0 && shown.out.contains("\"notes\""), "{}", shown.errors);
    assert!(!folder.file(".claude.json").exists());
}

#[test]
fn what_is_only_shown_is_shown_both_ways_and_rights_are_kept() {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = Folder::with(CONFIG);
    fs::create_dir_all(folder.file(".config/goose")).expect("made");
    let yaml = "extensions:\n  other: {cmd: x}\n";
    fs::write(folder.file(".config/goose/config.yaml"), yaml).expect("written");
    for (more, words) in [(&[][..], "add this to it"), (&["--uninstall"], "take this out of it")] {
        let done = folder.run(&[&["install", "goose"], more].concat());
        assert!(done.code == 0 && done.errors.contains(words), "{}", done.errors);
        assert!(done.out.contains("notes"), "{}", done.out);
    }
    assert_eq!(fs::read_to_string(folder.file(".config/goose/config.yaml")).expect("there"), yaml);
    // Mixed line ends stay as they are, and a backup is read by whoever could read the file.
    let file = folder.file(".codex/config.toml");
    fs::create_dir_all(folder.file(".codex")).expect("made");
    fs::write(&file, "model = \"a\"\r\n# second\nsandbox = \"b\"\n").expect("written");
    fs::set_permissions(&file, fs::Permissions::from_mode(0o640)).expect("changed");
    assert_eq!(folder.run(&["install", "codex"]).code, 0);
    let text = fs::read_to_string(&file).expect("there");
    assert!(text.starts_with("model = \"a\"\r\n# second\nsandbox = \"b\"\n"), "{text:?}");
    let backup = folder.file(".codex/config.toml.portwright-backup-1");
    for path in [&file, &backup] {
        assert_eq!(fs::metadata(path).expect("there").permissions().mode() & 0o777, 0o640, "{}", path.display());
    }
    // Without a configuration at hand, an entry goes by its name.
    fs::remove_file(folder.file("portwright.toml")).expect("removed");
    let gone = folder.run(&["install", "codex", "--uninstall", "--name", "notes"]);
    assert_eq!(gone.code, 0, "{}", gone.errors);
    assert!(!fs::read_to_string(&file).expect("there").contains("notes"));
    let literal =
        ["install", "cursor", "--url", "http://127.0.0.1:8722/mcp", "--header", "Authorization=Bearer canary"];
    let told = folder.run(&literal);
    assert!(
        told.errors.contains("the file holds the header's value") && !told.errors.contains("canary"),
        "{}",
        told.errors
    );
}

#[test]
fn what_a_client_can_not_do_is_said() {
    let folder = Folder::with(CONFIG);
    let url = ["--url", "http://127.0.0.1:8722/mcp"];
    for (words, told) in [
        (vec!["install", "claude-desktop", url[0], url[1]], "takes no addresses"),
        (
            vec!["install", "zed", url[0], url[1], "--header", "Authorization=env:KEY"],
            "can't refer to environment variables",
        ),
        (vec!["install", "lm-studio", "--scope", "project"], "no file for one folder alone"),
        (vec!["install", "cursr"], "did you mean `cursor`?"),
        (vec!["install", "cursor", "-c", "missing.toml"], "missing.toml"),
    ] {
        let refused = folder.run(&words);
        assert!(refused.code != 0 && refused.errors.contains(told), "{words:?}: {}", refused.errors);
    }
    let done = folder.run(&["install", "cursor", url[0], url[1], "--header", "Authorization=Bearer env:KEY"]);
    assert_eq!(done.code, 0, "{}", done.errors);
    let text = fs::read_to_string(folder.file(".cursor/mcp.json")).expect("written");
    assert!(text.contains("Bearer ${env:KEY}") && text.contains("\"portwright\""), "{text}");
    let words = ["install", "cursor", "--url", "https://mcp.acme.example/mcp"];
    for more in [&[][..], &["--uninstall"]] {
        assert_eq!(folder.run(&[&words[..], more].concat()).code, 0, "{more:?}");
    }
    let text = fs::read_to_string(folder.file(".cursor/mcp.json")).expect("written");
    assert!(!text.contains("acme") && text.contains("8722"), "{text}");
}
